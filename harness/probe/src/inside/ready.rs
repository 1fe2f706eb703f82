//! Looks at a target again and again until it is ready, and says each change of what it sees.

use std::time::Duration;

use adamant_probe::{Observed, Reply, Target};

use super::ProbeError;
use super::clock::{Deadline, monotonic_ns, pause};
use super::connect::{loopback, plain, unix};
use super::http;
use super::out::Out;

/// The longest time for one look: a target that accepts and is silent must not hide its next state.
const LOOK: Duration = Duration::from_secs(1);
/// The shortest: with no time left there is still one look.
const GLANCE: Duration = Duration::from_millis(1);

/// Looks at `target` every `interval_ms` until it is ready or `within_ms` has passed.
pub(super) fn wait(
    target: &Target,
    within_ms: u64,
    interval_ms: u64,
    out: &mut Out<'_>,
) -> Result<(), ProbeError> {
    let deadline = Deadline::after_ms(within_ms);
    let interval = Duration::from_millis(interval_ms);
    let mut last: Option<Observed> = None;
    loop {
        let seen = look(
            target,
            deadline.left().unwrap_or(GLANCE).clamp(GLANCE, LOOK),
        );
        let ready = seen.ready;
        if !last.as_ref().is_some_and(|last| same(last, &seen)) {
            out.say(&Reply::Observed(seen.clone()))?;
            last = Some(seen);
        }
        if !ready {
            pause(interval.min(deadline.left().unwrap_or_default()));
        }
        if ready || deadline.left().is_none() {
            return out.say(&Reply::Ready { ready });
        }
    }
}

fn same(one: &Observed, other: &Observed) -> bool {
    let state = |seen: &Observed| Observed {
        at_ns: 0,
        ..seen.clone()
    };
    state(one) == state(other)
}

fn look(target: &Target, limit: Duration) -> Observed {
    let at_ns = monotonic_ns();
    let deadline = Deadline::after(limit);
    match target {
        Target::Http { port, path, status } => {
            let http = http::get(*port, path, deadline);
            let answered = http.error.is_none();
            let code = http.status.map(|code| code.to_string());
            Observed {
                at_ns,
                ready: http.status == Some(*status),
                status: http.status,
                seen: http.error.or(code).unwrap_or_default(),
                body: answered.then_some(http.body),
            }
        }
        Target::Tcp { port } => accepts(at_ns, loopback(*port, deadline).map(drop)),
        Target::Unix { path } => accepts(at_ns, unix(path)),
    }
}

fn accepts(at_ns: u64, connected: std::io::Result<()>) -> Observed {
    let ready = connected.is_ok();
    let seen = connected.map_or_else(|error| plain(&error), |()| String::from("accepts"));
    Observed {
        at_ns,
        ready,
        status: None,
        seen,
        body: None,
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;

    use super::{Out, Reply, Target, wait};

    #[test]
    fn each_change_is_said_once_and_the_wait_ends_when_it_is_ready() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let server = std::thread::spawn(move || {
            for status in ["503", "503", "503", "200"] {
                let (mut stream, _) = listener.accept().expect("a connection");
                assert!(stream.read(&mut [0; 1024]).expect("a request") > 0);
                write!(stream, "HTTP/1.1 {status} X\r\n\r\nbody of {status}").expect("written");
            }
        });
        let target = Target::Http {
            port,
            path: String::from("/"),
            status: 200,
        };
        let replies = Out::collect(|out| wait(&target, 10_000, 5, out)).expect("an answer");
        server.join().expect("four connections, not more");
        let [
            Reply::Observed(first),
            Reply::Observed(last),
            Reply::Ready { ready },
        ] = replies.as_slice()
        else {
            panic!("{replies:?}");
        };
        assert!(*ready && last.ready && !first.ready);
        assert_eq!((first.status, first.seen.as_str()), (Some(503), "503"));
        assert_eq!(last.body.as_deref(), Some("body of 200"));
        assert!(last.at_ns >= first.at_ns + 15_000_000);
    }

    #[test]
    fn a_target_that_never_comes_is_looked_at_in_time() {
        let target = Target::Unix {
            path: String::from("/no-such-socket"),
        };
        let began = std::time::Instant::now();
        let replies = Out::collect(|out| wait(&target, 50, 20, out)).expect("an answer");
        assert!((50..500).contains(&began.elapsed().as_millis()));
        assert!(matches!(
            replies.as_slice(),
            [Reply::Observed(seen), Reply::Ready { ready: false }] if seen.seen == "no such socket"
        ));
    }

    #[test]
    fn a_port_that_accepts_is_ready_at_the_first_look() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let replies =
            Out::collect(|out| wait(&Target::Tcp { port }, 0, 0, out)).expect("an answer");
        assert!(matches!(
            replies.as_slice(),
            [Reply::Observed(seen), Reply::Ready { ready: true }] if seen.seen == "accepts"
        ));
    }
}
