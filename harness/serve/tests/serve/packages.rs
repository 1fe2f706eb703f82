//! Packages: every form, changes, declared hashes, what is refused, and objects.

use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use adamant_store::objects::Bucket;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use s3s::auth::SimpleAuth;
use s3s::service::S3ServiceBuilder;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::world::{World, config};

fn handler(answer: &str) -> String {
    format!("module.exports = (q, r) => r.send(require('./lib/{answer}'))")
}

/// A tar of a function that answers `answer`.
fn tar(answer: &str) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    let module = format!("module.exports = '{answer}'");
    for (path, text) in [
        ("./index.js".to_owned(), handler(answer)),
        (format!("./lib/{answer}.js"), module),
    ] {
        append(&mut tar, &path, text.as_bytes());
    }
    tar.into_inner().unwrap()
}

fn append(tar: &mut tar::Builder<Vec<u8>>, path: &str, text: &[u8]) {
    let mut header = tar::Header::new_gnu();
    header.set_size(text.len() as u64);
    header.set_mode(0o644);
    // Whoever packed it is nobody here.
    header.set_uid(1234);
    header.set_gid(1234);
    tar.append_data(&mut header, path, text).unwrap();
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(bytes).unwrap();
    gzip.finish().unwrap()
}

fn put(world: &World, name: &str, bytes: &[u8]) {
    fs_err::write(world.functions.path().join(name), bytes).unwrap();
}

pub(crate) fn forms() {
    let world = World::new(&config());
    world.function(
        "dir",
        &[
            ("index.js", &handler("d")),
            ("lib/d.js", "module.exports = 'dir'"),
        ],
    );
    put(&world, "plain.tar", &tar("plain"));
    put(&world, "small.tgz", &gzip(&tar("small")));
    put(&world, "gz.tar.gz", &gzip(&tar("gz")));
    put(&world, "elsewhere.bin", &gzip(&tar("named")));
    world.describe("named", &json!({ "package": "elsewhere.bin" }));
    world.function(
        "main",
        &[("src/start.mjs", "export default (q, r) => r.send('main')")],
    );
    world.describe("main", &json!({ "entry": "./src/start.mjs" }));
    for id in ["dir", "plain", "small", "gz", "named", "main"] {
        let answer = world.get(&format!("/invoke/{id}"));
        assert_eq!((answer.status, answer.text().as_str()), (200, id));
    }
}

pub(crate) fn changes() {
    let world = World::new(&config());
    let answers = |id: &str| world.get(&format!("/invoke/{id}")).text();
    put(&world, "f.tar", &tar("one"));
    world.function(
        "d",
        &[("index.js", "module.exports = (q, r) => r.send('one')")],
    );
    assert_eq!(
        (answers("f"), answers("d")),
        ("one".to_owned(), "one".to_owned())
    );
    put(&world, "f.tar", &tar("two"));
    world.function(
        "d",
        &[("index.js", "module.exports = (q, r) => r.send('two')")],
    );
    world.until("the change of the tar", |_| answers("f") == "two");
    world.until("the change of the directory", |_| answers("d") == "two");
    // What is declared is believed, until another is declared.
    put(&world, "v.tar", &tar("one"));
    world.describe("v", &json!({ "hash": "v1" }));
    assert_eq!(answers("v"), "one");
    put(&world, "v.tar", &tar("two"));
    std::thread::park_timeout(Duration::from_millis(1100));
    assert_eq!(answers("v"), "one");
    world.describe("v", &json!({ "hash": "v2" }));
    assert_eq!(answers("v"), "two");
    let digest = Sha256::digest(tar("two"));
    let digest: String = digest.iter().map(|b| format!("{b:02x}")).collect();
    world.describe("v", &json!({ "hash": digest }));
    assert_eq!(answers("v"), "two");
    world.describe("v", &json!({ "hash": "0".repeat(64) }));
    let refused = world.get("/invoke/v");
    assert_eq!(refused.status, 502);
    assert!(refused.text().contains(&digest), "{}", refused.text());
}

pub(crate) fn hostile() {
    let world = World::new(&config());
    let mut escape = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(1);
    header.set_mode(0o644);
    header.as_mut_bytes()[..6].copy_from_slice(b"../../");
    header.as_mut_bytes()[6..13].copy_from_slice(b"escaped");
    header.set_cksum();
    escape.append(&header, &b"x"[..]).unwrap();
    put(&world, "escape.tar", &escape.into_inner().unwrap());
    put(&world, "noise.tar", &[7; 2000]);
    put(&world, "cut.tar", &tar("cut")[..700]);
    put(&world, "cutgz.tgz", &gzip(&tar("cut"))[..60]);
    world.describe("gone", &json!({ "package": "nowhere" }));
    world.describe("object", &json!({ "package": "object:a/b.tar" }));
    world.function("fifo", &[("index.js", "")]);
    let fifo = world.functions.path().join("fifo/pipe");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &fifo,
        rustix::fs::FileType::Fifo,
        0o600.into(),
        0,
    )
    .unwrap();
    world.function(
        "link",
        &[(
            "index.js",
            "module.exports = (q, r) => r.send(require('fs').readFileSync('/out', 'utf8'))",
        )],
    );
    fs_err::os::unix::fs::symlink("/etc/passwd", world.functions.path().join("link/out")).unwrap();
    let cases = [
        ("escape", 502, "../../escaped"),
        ("noise", 502, "not a whole tar"),
        ("cut", 502, "cut.tar"),
        ("cutgz", 502, "cutgz.tgz"),
        ("gone", 500, "gone.json"),
        ("object", 502, "PACKAGES_BUCKET"),
        ("fifo", 502, "/pipe"),
        ("link", 500, "EACCES"),
    ];
    for (id, status, word) in cases {
        let answer = world.get(&format!("/invoke/{id}"));
        assert_eq!(answer.status, status, "{id}: {}", answer.text());
        assert!(answer.text().contains(word), "{id}: {}", answer.text());
    }
    let wrong = world.functions.path().join("wrong.json");
    fs_err::write(wrong, "{\n  \"packag\": 1\n}").unwrap();
    let answer = world.get("/invoke/wrong");
    assert_eq!(answer.status, 500);
    assert!(
        answer.text().contains("wrong.json:2:10"),
        "{}",
        answer.text()
    );
}

pub(crate) fn objects() {
    let store = tempfile::tempdir().unwrap();
    let bucket = store.path().join("packages/tenants");
    fs_err::create_dir_all(&bucket).unwrap();
    let directory = store.path().to_owned();
    let world = World::with(&config(), |runtime| {
        let address = runtime.block_on(serve_s3(&directory));
        let variables = [
            ("PACKAGES_BUCKET", "packages".to_owned()),
            ("PACKAGES_PREFIX", "tenants".to_owned()),
            ("PACKAGES_ENDPOINT", format!("http://{address}")),
            ("PACKAGES_FORCE_PATH_STYLE", "true".to_owned()),
            ("AWS_ACCESS_KEY_ID", KEY.to_owned()),
            ("AWS_SECRET_ACCESS_KEY", SECRET.to_owned()),
        ];
        Bucket::from(|name| {
            let found = variables.iter().find(|(n, _)| *n == name);
            found.map(|(_, value)| value.clone())
        })
        .unwrap()
    });
    fs_err::write(bucket.join("o.tgz"), gzip(&tar("one"))).unwrap();
    world.describe("o", &json!({ "package": "object:o.tgz" }));
    assert_eq!(world.get("/invoke/o").text(), "one");
    fs_err::write(bucket.join("o.tgz"), gzip(&tar("two"))).unwrap();
    world.until("the change of the object", |w| {
        w.get("/invoke/o").text() == "two"
    });
    world.describe("none", &json!({ "package": "object:none.tgz" }));
    let none = world.get("/invoke/none");
    assert_eq!(none.status, 502);
    assert!(
        none.text().contains("not in the object store"),
        "{}",
        none.text()
    );
    let half = Bucket::from(|name| (name == "PACKAGES_PREFIX").then(|| "x".to_owned()));
    assert_eq!(
        half.unwrap_err().to_string(),
        "`PACKAGES_BUCKET` is not set, but `PACKAGES_PREFIX` is: both, or neither"
    );
}

const KEY: &str = "AKIAIOSFODNN7EXAMPLE";
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

/// A real S3 server over a directory; it verifies signatures.
async fn serve_s3(directory: &Path) -> std::net::SocketAddr {
    let mut builder = S3ServiceBuilder::new(s3s_fs::FileSystem::new(directory).unwrap());
    builder.set_auth(SimpleAuth::from_single(KEY, SECRET));
    let service = builder.build();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let http = Arc::new(auto::Builder::new(TokioExecutor::new()));
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let (http, service) = (Arc::clone(&http), service.clone());
            tokio::spawn(async move {
                let _ = http.serve_connection(TokioIo::new(stream), service).await;
            });
        }
    });
    address
}
