//! The networks that lead nowhere, as a subject finds them; it takes root and `unshare`, as a container would.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use adamant_probe::Action;
use adamant_probe::sinkhole::{NAME_SERVER, Profile, address_of};

use crate::support::{Watch, actions};

const NAME: &str = "registry.example";
const FAR: &str = "203.0.113.7:8080";
const PATIENCE: Duration = Duration::from_millis(700);

/// What a subject in the network of a profile says, what was told of it, and how long it took.
fn visit(profile: Profile) -> (String, Vec<Action>, Duration) {
    let mut watch = Watch::start_with(&["--network", profile.word()]);
    let dir = tempfile::tempdir().expect("a directory");
    let own = std::env::current_exe().expect("this program");
    let words = [
        &own.to_string_lossy(),
        "--ignored",
        "--exact",
        "network::client",
        "--nocapture",
    ];
    let launcher = watch.launcher(dir.path(), &words);
    let mut command = Command::new("unshare");
    command
        .arg("--net")
        .arg(launcher.get_program())
        .args(launcher.get_args());
    let began = Instant::now();
    let output = command
        .stdin(Stdio::null())
        .output()
        .expect("unshare is installed");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success(),
        "{said} {}",
        String::from_utf8_lossy(&output.stderr)
    );
    (said, actions(&watch.sync()), began.elapsed())
}

#[test]
#[ignore = "the subject that the other tests start"]
fn client() {
    let mut question = vec![0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    for label in NAME.split('.') {
        question.push(u8::try_from(label.len()).expect("short"));
        question.extend(label.bytes());
    }
    question.extend([0, 0, 1, 0, 1]);
    let socket = UdpSocket::bind("0.0.0.0:0").expect("a socket");
    socket.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    socket.connect((NAME_SERVER, 53)).expect("a way out");
    socket.send(&question).expect("sent");
    let mut reply = [0; 512];
    let dns = match socket.recv(&mut reply) {
        Ok(length) => format!("{:?}", &reply[length - 4..length]),
        Err(error) => format!("{:?}", error.kind()),
    };
    let far: SocketAddr = FAR.parse().expect("an address");
    let tcp = match TcpStream::connect_timeout(&far, PATIENCE) {
        Err(error) => format!("{:?}", error.kind()),
        Ok(mut stream) => {
            stream.write_all(b"GET / HTTP/1.1\r\n\r\n").expect("sent");
            let mut text = String::new();
            stream.read_to_string(&mut text).expect("answered");
            text.lines().next().unwrap_or_default().to_owned()
        }
    };
    let said = format!("\ndns {dns}\ntcp {tcp}\n");
    std::io::stdout().write_all(said.as_bytes()).expect("said");
}

#[test]
fn in_a_sinkhole_every_name_has_an_address_and_every_address_accepts() {
    let (said, told, _) = visit(Profile::Sinkhole);
    assert!(
        said.contains(&format!("dns {:?}", address_of(NAME).octets())),
        "{said}"
    );
    assert!(said.contains("tcp HTTP/1.1 200 OK"), "{said}");
    let asked = Action::Resolve {
        name: NAME.into(),
        server: NAME_SERVER.to_string(),
    };
    let reached = Action::Connect {
        address: "203.0.113.7".into(),
        port: 8080,
    };
    assert!(told.contains(&asked) && told.contains(&reached), "{told:?}");
}

#[test]
fn a_black_hole_answers_nothing_and_refuses_nothing() {
    let (said, _, took) = visit(Profile::BlackHole);
    assert!(
        said.contains("dns WouldBlock") && said.contains("tcp TimedOut"),
        "{said}"
    );
    assert!(took >= PATIENCE * 2, "{took:?}");
}

#[test]
fn where_dns_hangs_only_dns_hangs() {
    let (said, ..) = visit(Profile::DnsHangs);
    assert!(said.contains("dns WouldBlock"), "{said}");
    assert!(said.contains("tcp HTTP/1.1 200 OK"), "{said}");
}
