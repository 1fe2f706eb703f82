//! What answers behind every address of a sinkhole: names, HTTP in the fewest words, and silence.

use std::io::{self, Read as _, Write as _};
use std::net::{IpAddr, Shutdown, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

use adamant_probe::sinkhole::{address_6_of, address_of};

use super::super::dns;
use super::super::question::Questions;

/// As many clients as are served at once; the others wait in the kernel's queue.
const CLIENTS_MOST: usize = 64;
/// How long one client is listened to.
const PATIENCE: Duration = Duration::from_secs(30);
/// The longest head of a request that is read.
const HEAD_MOST: usize = 16 * 1024;
/// How a request begins.
const METHODS: [&[u8]; 7] = [
    b"GET ",
    b"HEAD ",
    b"POST ",
    b"PUT ",
    b"DELETE ",
    b"OPTIONS ",
    b"CONNECT ",
];
const BODY: &str = "a sinkhole of adamant: nothing is behind this address\n";
/// A TLS alert, fatal: handshake failure. Nobody here has a certificate that a client could trust.
const NO_HANDSHAKE: [u8; 7] = [0x15, 3, 1, 0, 2, 2, 40];
/// For a minute: a boot is over by then.
const LIFETIME: [u8; 4] = [0, 0, 0, 60];

/// What the name servers do with a question.
#[derive(Debug, Clone)]
pub(super) struct Names {
    /// Whether it is answered.
    pub(super) aloud: bool,
    /// Whether names have addresses of the newer family too.
    pub(super) speaks_6: bool,
    /// Who is told of it, before it is answered.
    pub(super) questions: Questions,
}

impl Names {
    /// The answer to one question, which came from `from`; none where none is given.
    fn hear(&self, question: &[u8], server: IpAddr, from: SocketAddr) -> Option<Vec<u8>> {
        self.questions
            .tell(dns::question(question)?, server, from.port());
        reply(question, self.speaks_6).filter(|_| self.aloud)
    }
}

/// Accepts until the process ends; with `names`, whoever comes is heard as a name server would.
pub(super) fn accept(listener: TcpListener, names: Option<Names>) -> io::Result<()> {
    let clients = Arc::new(());
    std::thread::Builder::new().spawn(move || {
        for stream in listener.incoming().flatten() {
            if Arc::strong_count(&clients) > CLIENTS_MOST {
                continue;
            }
            let client = clients.clone();
            let names = names.clone();
            // A client that cannot be served is one that is hung up on.
            let _ = std::thread::Builder::new().spawn(move || {
                let _ = match &names {
                    Some(names) => name_in_stream(stream, names),
                    None => answer(stream),
                };
                drop(client);
            });
        }
    })?;
    Ok(())
}

fn answer(mut stream: TcpStream) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut head = Vec::new();
    let mut part = [0; 4096];
    loop {
        let read = stream.read(&mut part)?;
        if read == 0 {
            return Ok(());
        }
        // What is neither is listened to and never answered.
        let room = HEAD_MOST.saturating_sub(head.len());
        head.extend_from_slice(part[..read].get(..room).unwrap_or(&part[..read]));
        if head.starts_with(&[0x16, 3]) {
            stream.write_all(&NO_HANDSHAKE)?;
            return stream.shutdown(Shutdown::Both);
        }
        if METHODS.iter().any(|method| head.starts_with(method))
            && head.windows(4).any(|end| end == b"\r\n\r\n")
        {
            let body = if head.starts_with(b"HEAD ") { "" } else { BODY };
            let length = BODY.len();
            write!(
                stream,
                "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
            )?;
            return stream.shutdown(Shutdown::Write);
        }
    }
}

/// Hears questions over TCP, each behind its length, as RFC 1035 §4.2.2 has it.
fn name_in_stream(mut stream: TcpStream, names: &Names) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    let (server, from) = (
        stream.local_addr()?.ip().to_canonical(),
        stream.peer_addr()?,
    );
    loop {
        let mut length = [0; 2];
        stream.read_exact(&mut length)?;
        let mut question = vec![0; usize::from(u16::from_be_bytes(length))];
        stream.read_exact(&mut question)?;
        if let Some(reply) = names.hear(&question, server, from) {
            let length = u16::try_from(reply.len()).map_err(io::Error::other)?;
            stream.write_all(&[&length.to_be_bytes()[..], &reply].concat())?;
        }
    }
}

/// Hears questions for names until the process ends.
pub(super) fn name(socket: UdpSocket, names: Names) -> io::Result<()> {
    let server = socket.local_addr()?.ip();
    std::thread::Builder::new().spawn(move || {
        let mut question = [0; 512];
        while let Ok((length, from)) = socket.recv_from(&mut question) {
            let question = question.get(..length).unwrap_or_default();
            if let Some(reply) = names.hear(question, server, from) {
                // A client that has gone asks no more.
                let _ = socket.send_to(&reply, from);
            }
        }
    })?;
    Ok(())
}

/// The answer to a question: an address for every name that is asked for one, and nothing for the rest.
fn reply(question: &[u8], speaks_6: bool) -> Option<Vec<u8>> {
    const HEADER: usize = 12;
    const ADDRESS: [u8; 2] = [0, 1];
    const ADDRESS_6: [u8; 2] = [0, 28];
    let name = dns::question(question)?;
    let mut end = HEADER;
    while *question.get(end)? != 0 {
        end += usize::from(*question.get(end)?) + 1;
    }
    let asked = question.get(HEADER..end + 5)?;
    let kind: [u8; 2] = asked
        .get(asked.len() - 4..asked.len() - 2)?
        .try_into()
        .ok()?;
    let address = match kind {
        ADDRESS => Some(address_of(&name).octets().to_vec()),
        ADDRESS_6 if speaks_6 => Some(address_6_of(&name).octets().to_vec()),
        _ => None,
    };
    let mut reply = question.get(..2)?.to_vec();
    // An answer, recursion desired and available, no error.
    let answers = u8::from(address.is_some());
    reply.extend([0x81, 0x80, 0, 1, 0, answers, 0, 0, 0, 0]);
    reply.extend(asked);
    if let Some(address) = address {
        // The name of the question, which stands behind the header.
        reply.extend([0xc0, 12, kind[0], kind[1], 0, 1]);
        reply.extend(LIFETIME);
        reply.extend(u16::try_from(address.len()).ok()?.to_be_bytes());
        reply.extend(address);
    }
    Some(reply)
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::super::super::dns::tests::query;
    use super::*;

    fn said(words: &[u8]) -> Vec<u8> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let address = listener.local_addr().expect("an address");
        accept(listener, None).expect("accepts");
        let mut client = TcpStream::connect(address).expect("connected");
        client.write_all(words).expect("sent");
        let mut answer = Vec::new();
        client
            .set_read_timeout(Some(Duration::from_millis(300)))
            .expect("a timeout");
        let _ = client.read_to_end(&mut answer);
        answer
    }

    #[test]
    fn a_request_gets_few_words_a_handshake_an_alert_and_the_rest_silence() {
        let answer = String::from_utf8(said(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")).expect("text");
        assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with(BODY));
        assert_eq!(said(&[0x16, 3, 1, 0, 5, 1]), NO_HANDSHAKE);
        assert_eq!(said(b"EHLO x\r\n"), b"");
    }

    #[test]
    fn a_name_is_answered_with_its_address_and_other_questions_with_nothing() {
        let question = query("registry.example");
        let answer = reply(&question, true).expect("an answer");
        assert_eq!(answer[..2], question[..2]);
        assert_eq!(answer[6..8], [0, 1]);
        assert_eq!(
            answer[answer.len() - 4..],
            address_of("registry.example").octets()
        );
        let mut six = question.clone();
        let kind = six.len() - 3;
        six[kind] = 28;
        let answer = reply(&six, true).expect("an answer");
        assert_eq!(
            answer[answer.len() - 16..],
            address_6_of("registry.example").octets()
        );
        six[kind] = 16;
        for (question, speaks_6) in [
            (&six, true),
            (
                &{
                    let mut six = six.clone();
                    six[kind] = 28;
                    six
                },
                false,
            ),
        ] {
            let answer = reply(question, speaks_6).expect("an answer");
            assert_eq!(
                (answer[6..8].to_vec(), answer.len()),
                (vec![0, 0], question.len())
            );
        }
        assert_eq!(reply(b"nonsense", true), None);
    }
}
