//! `adamant-probe serve PORT`: the companion that stands for a subject's endpoint outside; answers every request with 200.

use std::io::{self, BufRead as _, BufReader, Write as _};
use std::net::{IpAddr, Ipv4Addr, TcpListener, TcpStream};
use std::time::Duration;

/// What a response to the subject says.
const BODY: &str = "adamant companion\n";
/// How long a client may take for its request line.
const PATIENCE: Duration = Duration::from_secs(5);

/// Listens on every address and answers until it is killed.
///
/// Who connects from elsewhere is remembered, whatever it says; who asks from loopback is us, and is told.
pub(crate) fn serve(port: u16) -> io::Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, port))?;
    writeln!(io::stdout(), "listening on {port}")?;
    let mut peers = Vec::new();
    for stream in listener.incoming() {
        // One client that goes away is no reason to stop for the others.
        let _ = stream.and_then(|stream| {
            let body = body(&mut peers, stream.peer_addr()?.ip());
            answer(stream, &body)
        });
    }
    Ok(())
}

/// What the client is told.
fn body(peers: &mut Vec<IpAddr>, peer: IpAddr) -> String {
    if peer.is_loopback() {
        return peers.iter().map(|peer| format!("{peer}\n")).collect();
    }
    if !peers.contains(&peer) {
        peers.push(peer);
    }
    BODY.to_owned()
}

fn answer(mut stream: TcpStream, body: &str) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut request = BufReader::new(stream.try_clone()?);
    let mut line = String::new();
    while request.read_line(&mut line)? > 2 {
        line.clear();
    }
    let length = body.len();
    write!(
        stream,
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_answered_whole() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let address = listener.local_addr().expect("an address");
        let server =
            std::thread::spawn(move || answer(listener.accept().expect("a client").0, BODY));
        let mut client = TcpStream::connect(address).expect("connected");
        client
            .write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            .expect("sent");
        let text = io::read_to_string(client).expect("answered");
        assert!(text.starts_with("HTTP/1.1 200") && text.ends_with(BODY));
        server.join().expect("ended").expect("answered");
    }

    #[test]
    fn who_came_from_elsewhere_is_told_on_loopback_only() {
        let (mut peers, here) = (Vec::new(), IpAddr::from(Ipv4Addr::LOCALHOST));
        assert_eq!(body(&mut peers, here), "");
        let subject = IpAddr::from([172, 18, 0, 2]);
        assert_eq!(body(&mut peers, subject), BODY);
        assert_eq!(body(&mut peers, subject), BODY);
        assert_eq!(body(&mut peers, here), "172.18.0.2\n");
    }
}
