//! Pulling, against a registry that runs in the test: the distribution API over plain HTTP on loopback, with its lies.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::*;

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// What is behind a path of the API: a media type and bytes.
type Answers = BTreeMap<String, (String, Vec<u8>)>;

/// A registry; it ends with the test.
struct Registry {
    port: u16,
    asked: Arc<AtomicUsize>,
    ends: Arc<AtomicBool>,
}

impl Registry {
    /// Serves `answers`; with `token`, only to those who fetched it first.
    fn serve(answers: Answers, token: Option<&'static str>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("binds");
        let port = listener.local_addr().expect("bound").port();
        let (asked, ends) = (Arc::<AtomicUsize>::default(), Arc::<AtomicBool>::default());
        let (count, end) = (asked.clone(), ends.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if end.load(Ordering::SeqCst) {
                    break;
                }
                count.fetch_add(1, Ordering::SeqCst);
                // A client that goes away is its own affair.
                let _ = answer(stream, &answers, token, port);
            }
        });
        Self { port, asked, ends }
    }

    fn reference(&self, rest: &str) -> String {
        format!("127.0.0.1:{}/{rest}", self.port)
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

/// One request a connection.
fn answer(
    mut stream: TcpStream,
    answers: &Answers,
    token: Option<&str>,
    port: u16,
) -> io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let request = lines.next().transpose()?.unwrap_or_default();
    let mut authorization = String::new();
    for line in lines {
        let line = line?;
        if line.is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(": ")
            && name.eq_ignore_ascii_case("authorization")
        {
            value.clone_into(&mut authorization);
        }
    }
    let path = request.split(' ').nth(1).unwrap_or_default();
    let mut say = |status: &str, headers: &str, body: &[u8]| {
        let length = body.len();
        let head = format!(
            "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n{headers}\r\n"
        );
        stream.write_all(head.as_bytes())?;
        stream.write_all(body)
    };
    if let Some(token) = token {
        if path.starts_with("/token") {
            return say("200 OK", "", format!(r#"{{"token":"{token}"}}"#).as_bytes());
        }
        if authorization != format!("Bearer {token}") {
            let challenge = format!(
                "WWW-Authenticate: Bearer realm=\"http://127.0.0.1:{port}/token\",service=\"test\"\r\n"
            );
            return say("401 Unauthorized", &challenge, b"{}");
        }
    }
    match answers.get(path) {
        Some((kind, body)) => say("200 OK", &format!("Content-Type: {kind}\r\n"), body),
        None if path == "/v2/" => say("200 OK", "", b"{}"),
        None => say(
            "404 Not Found",
            "",
            br#"{"errors":[{"code":"MANIFEST_UNKNOWN","message":"unknown"}]}"#,
        ),
    }
}

/// What a registry holds, under construction.
#[derive(Default)]
struct Shelf(Answers);

impl Shelf {
    fn blob(&mut self, kind: &str, bytes: &[u8]) -> serde_json::Value {
        let digest = id(bytes);
        self.0.insert(
            format!("/v2/team/app/blobs/{digest}"),
            (kind.to_owned(), bytes.to_vec()),
        );
        json!({ "mediaType": kind, "digest": digest, "size": bytes.len() })
    }

    fn manifest(&mut self, names: &[&str], kind: &str, bytes: &[u8]) -> serde_json::Value {
        for name in names.iter().copied().chain([id(bytes).as_str()]) {
            self.0.insert(
                format!("/v2/team/app/manifests/{name}"),
                (kind.to_owned(), bytes.to_vec()),
            );
        }
        json!({ "mediaType": kind, "digest": id(bytes), "size": bytes.len() })
    }

    /// An image of one file for a platform, packed with gzip or zstd.
    fn image(&mut self, architecture: &str, zstd: bool) -> serde_json::Value {
        use flate2::{Compression, write::GzEncoder};
        let tar = tape::Layer::default()
            .file("etc/arch", 0o644, architecture.as_bytes())
            .finish();
        let packed = if zstd {
            let level = ruzstd::encoding::CompressionLevel::Fastest;
            ruzstd::encoding::compress_to_vec(tar.as_slice(), level)
        } else {
            let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
            packed.write_all(&tar).expect("compresses");
            packed.finish().expect("compresses")
        };
        let config = json!({
            "os": "linux", "architecture": architecture, "rootfs": { "diff_ids": [id(&tar)] },
        });
        let config = self.blob(
            "application/vnd.oci.image.config.v1+json",
            config.to_string().as_bytes(),
        );
        let layer = self.blob("application/vnd.oci.image.layer.v1.tar+gzip", &packed);
        let manifest = json!({
            "schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": [layer],
        });
        let mut named = self.manifest(&[], MANIFEST, manifest.to_string().as_bytes());
        named["platform"] = json!({ "os": "linux", "architecture": architecture });
        named
    }

    /// An index of images under `latest`.
    fn index(&mut self, manifests: &serde_json::Value) -> String {
        let index = json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": manifests });
        let named = self.manifest(&["latest"], INDEX, index.to_string().as_bytes());
        named["digest"].as_str().expect("a digest").to_owned()
    }
}

fn pulled(bench: &Bench, reference: &str, platform: &str) -> Result<Package, EngineError> {
    let source = ImageSource::Registry(reference.to_owned());
    let found = bench.store.image(&source, platform, true, &deadline());
    found.map(|package| package.expect("a pull finds or fails"))
}

#[test]
fn an_index_gives_the_image_of_the_platform_and_what_is_here_is_not_sent_again() {
    let mut shelf = Shelf::default();
    let (amd64, arm64) = (shelf.image("amd64", false), shelf.image("arm64", true));
    let attestation = json!({ "mediaType": MANIFEST, "digest": id(b"x"), "size": 1,
        "platform": { "os": "unknown", "architecture": "unknown" } });
    let digest = shelf.index(&json!([amd64, arm64, attestation]));
    let registry = Registry::serve(shelf.0, Some("secret"));
    let bench = Bench::new();
    let reference = registry.reference("team/app");
    let unpulled = |platform: &str| {
        let source = ImageSource::Bare(reference.clone());
        let found = bench.store.image(&source, platform, false, &deadline());
        found.expect("looks").is_none()
    };
    assert!(
        unpulled("linux/amd64"),
        "nothing is pulled unless somebody says so"
    );
    assert_eq!(registry.asked.load(Ordering::SeqCst), 0);
    for architecture in ["amd64", "arm64"] {
        let platform = format!("linux/{architecture}");
        let package = pulled(&bench, &reference, &platform).expect("pulls");
        assert_eq!(package.image().texts["/etc/arch"], architecture.as_bytes());
        assert!(!unpulled(&platform));
    }
    assert!(bench.files("tmp").is_empty());
    let asked = registry.asked.load(Ordering::SeqCst);
    pulled(&bench, &format!("{reference}@{digest}"), "linux/amd64").expect("pulls");
    let again = registry.asked.load(Ordering::SeqCst) - asked;
    // A token, the index and the manifest; no blob.
    assert!(again <= 6, "{again} requests");
    let error = pulled(&bench, &reference, "linux/s390x").expect_err("refused");
    assert!(
        told(&error).contains("it has linux/amd64, linux/arm64"),
        "{}",
        told(&error)
    );
    // Without its registry, what was pulled is still there.
    drop(registry);
    assert!(!unpulled("linux/amd64"));
}

#[test]
fn what_a_registry_sends_must_have_its_digest_and_its_size() {
    type Change = fn(&mut Shelf, &serde_json::Value);
    let path = |digest: &serde_json::Value| {
        format!("/v2/team/app/blobs/{}", digest.as_str().unwrap_or_default())
    };
    // The first layer of the only image.
    let layer = |shelf: &Shelf, manifest: &serde_json::Value| {
        let name = manifest["digest"].as_str().unwrap_or_default();
        let (_, text) = &shelf.0[&format!("/v2/team/app/manifests/{name}")];
        let manifest: serde_json::Value = serde_json::from_slice(text).expect("JSON");
        manifest["layers"][0]["digest"].clone()
    };
    let spoil = |how: &dyn Fn(&mut Vec<u8>)| {
        let mut shelf = Shelf::default();
        let image = shelf.image("amd64", false);
        shelf.index(&json!([image]));
        let at = path(&layer(&shelf, &image));
        how(&mut shelf.0.get_mut(&at).expect("there").1);
        shelf
    };
    let other: Change = |shelf, image| {
        let name = image["digest"].as_str().unwrap_or_default();
        let at = format!("/v2/team/app/manifests/{name}");
        shelf.0.get_mut(&at).expect("there").1.push(b' ');
    };
    let mut swapped = Shelf::default();
    let image = swapped.image("amd64", false);
    swapped.index(&json!([image]));
    other(&mut swapped, &image);
    for (shelf, what) in [
        (spoil(&|bytes| bytes[20] ^= 1), "a layer of other bytes"),
        (spoil(&|bytes| bytes.push(0)), "a layer of more bytes"),
        (spoil(&|bytes| bytes.truncate(30)), "a layer that is cut"),
        (swapped, "another manifest"),
    ] {
        let registry = Registry::serve(shelf.0, None);
        let bench = Bench::new();
        let error = pulled(&bench, &registry.reference("team/app"), "linux/amd64");
        let error = error.err().unwrap_or_else(|| panic!("{what} was taken"));
        assert_eq!(error.kind(), ErrorKind::Input, "{what}: {}", told(&error));
        assert!(bench.files("tmp").is_empty(), "{what} left something");
        assert!(bench.files("images").is_empty(), "{what} was recorded");
        let kept = bench.files("blobs/sha256");
        for name in kept {
            let bytes = fs::read(bench.store.blob(&name)).expect("reads");
            assert_eq!(digest::of(&bytes), name, "{what} was kept");
        }
    }
}

#[test]
fn an_image_that_is_not_there_and_a_registry_that_does_not_answer_are_told() {
    let registry = Registry::serve(Answers::new(), None);
    let bench = Bench::new();
    let error = pulled(&bench, &registry.reference("team/none:1"), "linux/amd64");
    let error = error.expect_err("refused");
    assert!(error.get_hint().is_some() && error.to_string().contains("team/none:1"));
    let gone = registry.reference("team/app");
    drop(registry);
    assert!(pulled(&bench, &gone, "linux/amd64").is_err());
    assert!(pulled(&bench, "not a reference", "linux/amd64").is_err());
    // Nobody on another host is spoken to in the clear.
    assert!(pull::is_local("localhost:5000") && pull::is_local("[::1]:1"));
    assert!(!pull::is_local("registry.example:5000"));
    assert!(!pull::is_local("localhost.example"));
}
