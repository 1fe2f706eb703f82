//! Stands in for the daemon beside a workspace, so that whoever keeps workspaces can be watched: it answers as it is told and writes down what it hears.

use std::fmt::Write as _;
use std::io::{self, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use adamant_probe::Reply;
use adamant_probe::converse::{Bytes, Heard, StandIn};

use super::ProbeError;
use super::clock::{Deadline, pause};
use super::out::Out;
use super::response::{self, HEAD_BYTES, Head};

/// How long it looks for the next caller before it looks at the time.
const TURN: Duration = Duration::from_millis(5);
/// What may still come after the configuration.
const LINGER_MS: u64 = 500;
/// How long one request may take to arrive.
const PATIENCE_MS: u64 = 10_000;

/// Answers until its time is up, then says what it heard.
pub(super) fn stand_in(wanted: &StandIn, out: &mut Out<'_>) -> Result<(), ProbeError> {
    let doing = || format!("listen on port {} in the daemon's place", wanted.port);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, wanted.port))
        .and_then(|listener| listener.set_nonblocking(true).map(|()| listener))
        .map_err(|why| ProbeError::system(doing(), why))?;
    let scene = Arc::new(Scene {
        wanted: wanted.clone(),
        began: Instant::now(),
        changed: Mutex::new(Changed::default()),
    });
    let (tell, told) = channel();
    let mut end_ms = wanted.for_ms;
    while scene.now_ms() < end_ms {
        match listener.accept() {
            Ok((stream, _)) => {
                let (scene, tell) = (scene.clone(), tell.clone());
                std::thread::spawn(move || converse(&scene, stream, &tell));
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => pause(TURN),
            Err(error) => return Err(ProbeError::system(doing(), error)),
        }
        if relay(&told, wanted, out)? && wanted.until_configured {
            end_ms = end_ms.min(scene.now_ms() + LINGER_MS);
        }
    }
    relay(&told, wanted, out).map(drop)
}

/// Says what was heard since; whether the configuration is among it.
fn relay(told: &Receiver<Heard>, wanted: &StandIn, out: &mut Out<'_>) -> Result<bool, ProbeError> {
    let mut configured = false;
    for heard in told.try_iter() {
        configured |= heard.path == wanted.routes.configure;
        out.say(&Reply::Heard(heard))?;
    }
    Ok(configured)
}

/// What all connections share.
struct Scene {
    wanted: StandIn,
    began: Instant,
    changed: Mutex<Changed>,
}

/// When the workspace that is made up changed.
#[derive(Debug, Default)]
struct Changed {
    /// The last time, in milliseconds from the start, where the first state began.
    at_ms: u64,
    /// The next one.
    next_ms: Option<u64>,
    /// How many there were.
    count: usize,
    /// Whether a snapshot was asked for before.
    asked: bool,
}

impl Scene {
    fn now_ms(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// What has changed as of now.
    fn changed(&self) -> MutexGuard<'_, Changed> {
        let now = self.now_ms();
        let mut changed = self.changed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(next) = changed.next_ms.filter(|next| *next <= now) {
            changed.at_ms = next;
            changed.next_ms = None;
            changed.count += 1;
        }
        changed
    }

    /// The snapshot that is given now.
    fn snapshot(&self) -> Option<Bytes> {
        let mut changed = self.changed();
        let state = changed.count.saturating_sub(1);
        if !std::mem::replace(&mut changed.asked, true)
            && let Some(after) = self.wanted.change_after_ms
        {
            changed.next_ms = Some(self.now_ms() + after);
        }
        let snapshots = &self.wanted.snapshots;
        snapshots.get(state).or(snapshots.last()).cloned()
    }
}

/// One request on one connection.
fn converse(scene: &Scene, stream: TcpStream, tell: &Sender<Heard>) {
    let from_ms = scene.now_ms();
    let limit = Some(Duration::from_millis(PATIENCE_MS));
    // Accepted from a listener that does not block; some systems hand that on.
    let prepared = stream
        .set_nonblocking(false)
        .and_then(|()| stream.set_read_timeout(limit))
        .and_then(|()| stream.set_write_timeout(limit))
        .and_then(|()| stream.try_clone());
    let Ok(read) = prepared else { return };
    let mut reader = BufReader::new(read);
    let Ok((method, path, headers, body)) = request(&mut reader) else {
        return;
    };
    let bearer = format!("Bearer {}", scene.wanted.token);
    let authorized = headers
        .iter()
        .any(|(name, value)| name == "authorization" && *value == bearer);
    let answer = answer(scene, &method, &path, authorized);
    let status = answer.status;
    let sent = send(stream, scene, answer);
    let heard = Heard {
        from_ms,
        to_ms: scene.now_ms(),
        method,
        path,
        authorized,
        body: Bytes(body),
        status: sent.is_ok().then_some(status),
    };
    // Whoever listened may have gone with its time.
    let _ = tell.send(heard);
    // A caller that reads to the end must see one; one that still sends hears the answer only when it is listened to.
    let _ = reader.get_ref().shutdown(Shutdown::Write);
    let end = Deadline::after_ms(PATIENCE_MS);
    let mut rest = [0; 8192];
    while end.left().is_some() && matches!(reader.read(&mut rest), Ok(1..)) {}
}

type Asked = (String, String, Vec<(String, String)>, Vec<u8>);

fn request(reader: &mut BufReader<TcpStream>) -> Result<Asked, response::ResponseError> {
    let mut room = HEAD_BYTES;
    let first = response::line(reader, &mut room)?;
    let mut words = first.split(' ').map(str::to_owned);
    let (method, path) = (
        words.next().unwrap_or_default(),
        words.next().unwrap_or_default(),
    );
    let mut headers = Vec::new();
    loop {
        let line = response::line(reader, &mut room)?;
        if line.is_empty() {
            break;
        }
        headers.push(response::header(&line)?);
    }
    let framed = headers
        .iter()
        .any(|(name, _)| name == "content-length" || name == "transfer-encoding");
    let head = Head {
        status: 200,
        headers,
    };
    // A request without either has no body.
    let body = if framed {
        response::body(reader, &head)?
    } else {
        Vec::new()
    };
    Ok((method, path, head.headers, body))
}

/// What is said back.
struct Answer {
    status: u16,
    content_type: &'static str,
    body: Vec<u8>,
    takes: Duration,
}

fn answer(scene: &Scene, method: &str, path: &str, authorized: bool) -> Answer {
    let json = |status, text: String| Answer {
        status,
        content_type: "application/json",
        body: text.into_bytes(),
        takes: Duration::ZERO,
    };
    let failure = |status, why: &str| json(status, format!(r#"{{"ok":false,"error":"{why}"}}"#));
    let routes = &scene.wanted.routes;
    if path == routes.health {
        return json(200, r#"{"ok":true}"#.into());
    }
    if !authorized {
        return failure(401, "no token");
    }
    if path == routes.idle && method == "GET" {
        let (changed, now) = (scene.changed().at_ms, scene.now_ms());
        let idle = now.saturating_sub(changed);
        let since = rfc3339(SystemTime::now() - Duration::from_millis(idle));
        return json(
            200,
            format!(r#"{{"lastActivityAt":"{since}","idleMs":{idle}}}"#),
        );
    }
    if path == routes.create && method == "POST" {
        return match scene.snapshot() {
            None => Answer {
                status: 204,
                content_type: "",
                body: Vec::new(),
                takes: Duration::ZERO,
            },
            Some(tar) => Answer {
                status: 200,
                content_type: "application/x-tar",
                body: tar.0,
                takes: Duration::from_millis(scene.wanted.snapshot_takes_ms),
            },
        };
    }
    if path == routes.restore && method == "POST" {
        return match scene.wanted.restore_status {
            200 => json(200, r#"{"ok":true,"size":1,"files":1}"#.into()),
            status => failure(status, "the archive is malformed"),
        };
    }
    if path == routes.configure && method == "POST" {
        scene.changed().next_ms = Some(scene.now_ms() + scene.wanted.setup_after_ms);
        return json(200, r#"{"ok":true}"#.into());
    }
    failure(404, "no such route")
}

/// Sends an answer; one that takes its time comes in two halves, chunked, as a stream of unknown length does.
fn send(mut stream: TcpStream, scene: &Scene, answer: Answer) -> io::Result<()> {
    let Answer {
        status,
        content_type,
        body,
        takes,
    } = answer;
    let reason = if status < 300 { "OK" } else { "No" };
    let mut head = format!("HTTP/1.1 {status} {reason}\r\nConnection: close\r\n");
    if status == 204 {
        head.push_str("\r\n");
        return stream.write_all(head.as_bytes());
    }
    // Writing to a string cannot fail.
    let _ = write!(head, "Content-Type: {content_type}\r\n");
    if takes.is_zero() {
        let _ = write!(head, "Content-Length: {}\r\n\r\n", body.len());
        stream.write_all(head.as_bytes())?;
        return stream.write_all(&body);
    }
    head.push_str("Transfer-Encoding: chunked\r\n\r\n");
    stream.write_all(head.as_bytes())?;
    let (first, second) = body.split_at(body.len() / 2);
    for half in [first, second] {
        if !half.is_empty() {
            stream.write_all(format!("{:x}\r\n", half.len()).as_bytes())?;
            stream.write_all(half)?;
            stream.write_all(b"\r\n")?;
        }
        // Its time may be up before the answer is: then nobody waits for it.
        let left = scene.wanted.for_ms.saturating_sub(scene.now_ms());
        pause((takes / 2).min(Duration::from_millis(left)));
    }
    stream.write_all(b"0\r\n\r\n")
}

/// A moment as RFC 3339 writes it, in UTC.
fn rfc3339(moment: SystemTime) -> String {
    let since = moment.duration_since(UNIX_EPOCH).unwrap_or_default();
    let (days, second) = (since.as_secs() / 86_400, since.as_secs() % 86_400);
    let (year, month, day) = civil(days);
    format!(
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}.{:03}Z",
        second / 3600,
        second / 60 % 60,
        second % 60,
        since.subsec_millis()
    )
}

/// Year, month and day of a day after 1970-01-01, in the Gregorian calendar: years of 400 years' eras that begin in March.
fn civil(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 {
        from_march + 3
    } else {
        from_march - 9
    };
    (era * 400 + year + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::{TcpListener, TcpStream};
    use std::time::{Duration, UNIX_EPOCH};

    use adamant_probe::Reply;
    use adamant_probe::converse::{Bytes, Heard, Routes, StandIn};

    use super::{Out, pause, rfc3339, stand_in};

    fn wanted(port: u16) -> StandIn {
        let route = |name: &str| format!("/{name}");
        StandIn {
            port,
            token: "secret".into(),
            routes: Routes {
                health: route("health"),
                idle: route("idle"),
                create: route("create"),
                restore: route("restore"),
                configure: route("configure"),
            },
            for_ms: 3000,
            until_configured: true,
            restore_status: 500,
            snapshots: vec![Bytes(b"before".to_vec()), Bytes(b"after".to_vec())],
            snapshot_takes_ms: 40,
            setup_after_ms: 0,
            change_after_ms: Some(10),
        }
    }

    fn ask(port: u16, request: &str) -> String {
        for _ in 0..500 {
            if let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) {
                stream.write_all(request.as_bytes()).expect("asked");
                let mut text = String::new();
                stream.read_to_string(&mut text).expect("answered");
                return text;
            }
            pause(Duration::from_millis(10));
        }
        panic!("nobody listens on {port}");
    }

    #[test]
    fn it_answers_as_it_is_told_and_tells_what_it_heard() {
        let port = TcpListener::bind("127.0.0.1:0")
            .and_then(|free| free.local_addr())
            .expect("a free port")
            .port();
        let standing = std::thread::spawn(move || {
            Out::collect(|out| stand_in(&wanted(port), out)).expect("it stood in")
        });
        let with = "Authorization: Bearer secret\r\n";
        assert!(ask(port, "GET /health HTTP/1.1\r\n\r\n").contains("200 OK"));
        assert!(ask(port, "GET /idle HTTP/1.1\r\n\r\n").contains(" 401 "));
        let idle = ask(port, &format!("GET /idle HTTP/1.1\r\n{with}\r\n"));
        assert!(idle.contains("\"idleMs\":"), "{idle}");
        let restore = format!(
            "POST /restore HTTP/1.1\r\n{with}Transfer-Encoding: chunked\r\n\r\n3\r\ntar\r\n0\r\n\r\n"
        );
        assert!(ask(port, &restore).contains(" 500 "));
        assert!(ask(port, &format!("POST /configure HTTP/1.1\r\n{with}\r\n")).contains(" 200 "));
        let create = format!("POST /create HTTP/1.1\r\n{with}\r\n");
        assert!(ask(port, &create).contains("\r\n3\r\nbef\r\n3\r\nore\r\n0\r\n\r\n"));
        assert!(ask(port, &create).contains("\r\n2\r\naf\r\n3\r\nter\r\n0\r\n\r\n"));
        let heard: Vec<Heard> = standing
            .join()
            .expect("it ended")
            .into_iter()
            .filter_map(|reply| match reply {
                Reply::Heard(heard) => Some(heard),
                _ => None,
            })
            .collect();
        let paths: Vec<&str> = heard.iter().map(|heard| heard.path.as_str()).collect();
        assert_eq!(
            paths,
            [
                "/health",
                "/idle",
                "/idle",
                "/restore",
                "/configure",
                "/create",
                "/create"
            ]
        );
        assert!(!heard[1].authorized && heard[2].authorized);
        assert_eq!(heard[3].body.0, b"tar");
        assert!(heard[5].to_ms >= heard[5].from_ms + 40);
    }

    #[test]
    fn moments_are_written_as_rfc_3339_does() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_400, "2000-02-29T00:00:00.000Z"),
            (1_709_251_199, "2024-02-29T23:59:59.000Z"),
            (4_107_542_400, "2100-03-01T00:00:00.000Z"),
        ] {
            assert_eq!(rfc3339(UNIX_EPOCH + Duration::from_secs(seconds)), text);
        }
    }
}
