//! `cargo test --test init`: images from every kind of source, and the subject files that `adamant init` writes for them.

#[path = "support/images.rs"]
mod images;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::Command;

use libtest_mimic::{Arguments, Failed, Trial};

fn main() -> std::process::ExitCode {
    let args = Arguments::from_args();
    if !args.list {
        images::current();
    }
    // Boots that are watched until they settle: two at once would slow each other down.
    let args = Arguments {
        test_threads: Some(1),
        ..args
    };
    let mut trials: Vec<Trial> = ["agentbox", "nginx", "redis"]
        .into_iter()
        .map(|name| {
            Trial::test(
                format!("init_of_{name}_gives_a_file_that_holds"),
                move || holds(name),
            )
        })
        .collect();
    type Test = fn() -> Result<(), Failed>;
    let tests: &[(&str, Test)] = &[
        ("init_points_at_what_writes_the_tree", points_at_the_tree),
        ("init_points_at_who_leaves", points_at_who_leaves),
        ("init_of_what_does_not_start_writes_nothing", does_not_start),
        ("an_archive_is_an_image_packed_or_not", archive),
        ("a_directory_is_an_image", rootfs),
        ("a_layout_for_another_platform_is_refused", platform),
    ];
    trials.extend(tests.iter().map(|(name, test)| Trial::test(*name, *test)));
    libtest_mimic::run(&args, trials).exit_code()
}

/// A directory, with a store of images of its own.
struct Bench(tempfile::TempDir);

impl Bench {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a directory"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Runs `adamant`; its exit code, and stdout with stderr.
    fn adamant(&self, args: &[&str]) -> (Option<i32>, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_adamant"));
        command
            .current_dir(self.0.path())
            .args(args)
            .env("XDG_CACHE_HOME", self.path("cache"));
        let output = command.output().expect("adamant starts");
        let told =
            [&output.stdout, &output.stderr].map(|b| String::from_utf8_lossy(b).into_owned());
        (output.status.code(), told.concat())
    }

    #[track_caller]
    fn ends(&self, args: &[&str], code: i32, parts: &[&str]) -> Result<String, Failed> {
        let (found, told) = self.adamant(args);
        check(
            found == Some(code),
            &format!("{args:?} ended with {found:?}, not {code}"),
            &told,
        )?;
        for part in parts {
            check(
                told.contains(part),
                &format!("{args:?} does not say `{part}`"),
                &told,
            )?;
        }
        Ok(told)
    }
}

fn check(holds: bool, what: &str, told: &str) -> Result<(), Failed> {
    if holds {
        Ok(())
    } else {
        Err(format!("{what}\n{told}").into())
    }
}

fn image(name: &str) -> String {
    let dir = images::root()
        .join("fixtures/images")
        .join(name)
        .join("image");
    format!("oci:{}", dir.display())
}

/// What differs between machines and builds.
fn redacted(text: &str) -> String {
    let text = text.replace(&images::root().display().to_string(), "[ROOT]");
    let mut text = text.replace(&format!("linux/{}", architecture()), "linux/[ARCH]");
    for (pattern, with) in [
        ("sha256:[0-9a-f]{12}", "sha256:[ID]"),
        (r"boots? on [^\n]*", "boots on [ENGINE]."),
        // Within the margin that follows from how fast this machine is.
        ("within: [0-9]+[sm]", "within: [SPAN]"),
        // A daemon's exec may not look at the sockets of others, and process 1 stands for who listens.
        (
            r"# (supervisor|management-api) answered",
            "# [LISTENER] answered",
        ),
        (r"[0-9]+\.[0-9] s\b", "[SPAN]"),
        (r"[0-9]{4}.[0-9]{2}.[0-9]{2}[ T][0-9:.Z]+", "[TIME]"),
    ] {
        let pattern = regex::Regex::new(pattern).expect("a valid pattern");
        text = pattern.replace_all(&text, with).into_owned();
    }
    text
}

fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

fn holds(name: &str) -> Result<(), Failed> {
    let bench = Bench::new();
    let file = "adamant.yaml";
    bench.ends(&["init", &image(name)], 0, &[file])?;
    let text = std::fs::read_to_string(bench.path(file)).expect("written");
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    let compared = catch_unwind(AssertUnwindSafe(|| {
        settings.bind(|| insta::assert_snapshot!(format!("init__{name}"), redacted(&text)));
    }));
    check(
        compared.is_ok(),
        "the proposal differs from its snapshot",
        &text,
    )?;
    let told = bench.ends(&["run", file], 0, &["0 failed", "0 broken"])?;
    check(
        told.contains("required artifact"),
        "no artifact was proven fatal",
        &told,
    )
}

fn points_at_the_tree() -> Result<(), Failed> {
    let bench = Bench::new();
    let told = bench.ends(
        &["init", &image("planted-writes-app-tree")],
        0,
        &["/opt/agentbox/cache/last-boot was written by entrypoint.sh"],
    )?;
    let text = std::fs::read_to_string(bench.path("adamant.yaml")).expect("written");
    check(
        text.contains("against the contract"),
        "the file does not say so",
        &text,
    )?;
    check(
        text.contains("- /opt/agentbox  "),
        "the tree is not claimed",
        &told,
    )?;
    bench.ends(
        &["run", "adamant.yaml", "RC-002-04"],
        1,
        &[
            "nobody-tries-to-write-the-tree",
            "/opt/agentbox/cache/last-boot",
        ],
    )?;
    Ok(())
}

fn points_at_who_leaves() -> Result<(), Failed> {
    let bench = Bench::new();
    bench.ends(
        &["init", &image("planted-phones-home"), "-o", "p.yaml"],
        0,
        &["against the contract", "tried to reach"],
    )?;
    bench.ends(
        &["run", "p.yaml", "RC-002-01"],
        1,
        &["nothing-tries-to-leave"],
    )?;
    Ok(())
}

fn does_not_start() -> Result<(), Failed> {
    let bench = Bench::new();
    let image = image("shell");
    let script = "echo no database here; exit 3";
    bench.ends(
        &["init", &image, "--", script],
        2,
        &["ended by itself with 3", "no database here", "hint:"],
    )?;
    bench.ends(&["init", &image, "--", "/none/x"], 2, &["127"])?;
    check(
        !bench.path("adamant.yaml").exists(),
        "a file was written",
        "",
    )?;
    // A job that does its work and goes is one that can be proposed; its arguments and environment are kept.
    let args = ["init", &image, "--env", "WHO=me", "--", "echo done $WHO"];
    bench.ends(&args, 0, &["adamant.yaml"])?;
    let text = std::fs::read_to_string(bench.path("adamant.yaml")).expect("written");
    check(
        text.contains("env: { WHO: 'me' }") && text.contains("exit: { code: 0 }"),
        "run",
        &text,
    )?;
    bench.ends(&["run", "adamant.yaml", "RC-002-01"], 0, &["0 failed"])?;
    bench.ends(&args, 2, &["is already there", "--force"])?;
    Ok(())
}

/// The one layer and the configuration of the image `bare`.
fn bare() -> (Vec<u8>, serde_json::Value) {
    let dir = images::root().join("fixtures/images/bare/image");
    let read = |digest: &str| {
        let path = dir.join("blobs").join(digest.replacen(':', "/", 1));
        std::fs::read(path).expect("a blob")
    };
    let json = |bytes: &[u8]| -> serde_json::Value { serde_json::from_slice(bytes).expect("JSON") };
    let index = json(&std::fs::read(dir.join("index.json")).expect("an index"));
    let digest = |value: &serde_json::Value| value["digest"].as_str().expect("a digest").to_owned();
    let manifest = json(&read(&digest(&index["manifests"][0])));
    let layers = manifest["layers"].as_array().expect("layers");
    assert_eq!(layers.len(), 1, "the smallest image has one layer");
    (
        read(&digest(&layers[0])),
        json(&read(&digest(&manifest["config"]))),
    )
}

fn plain(layer: &[u8]) -> Vec<u8> {
    use std::io::Read as _;
    let mut bytes = Vec::new();
    if layer.starts_with(&[0x1f, 0x8b]) {
        flate2::read::GzDecoder::new(layer)
            .read_to_end(&mut bytes)
            .expect("unpacks");
    } else {
        bytes.extend_from_slice(layer);
    }
    bytes
}

const READY: &str = "ready: { http: { port: 8080, path: /ready }, within: 20s }\n";

fn archive() -> Result<(), Failed> {
    use std::io::Write as _;
    let bench = Bench::new();
    let (layer, config) = bare();
    let mut archive = tar::Builder::new(Vec::new());
    let manifest =
        serde_json::json!([{ "Config": "c.json", "RepoTags": null, "Layers": ["l/layer.tar"] }]);
    for (name, bytes) in [
        ("manifest.json", manifest.to_string().into_bytes()),
        ("c.json", config.to_string().into_bytes()),
        ("l/layer.tar", plain(&layer)),
    ] {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        archive
            .append_data(&mut header, name, bytes.as_slice())
            .expect("appended");
    }
    let archive = archive.into_inner().expect("written");
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(&archive).expect("packed");
    std::fs::write(bench.path("a.tar"), &archive).expect("written");
    std::fs::write(bench.path("b.tar.gz"), packed.finish().expect("packed")).expect("written");
    for name in ["a.tar", "b.tar.gz"] {
        let text = format!("name: x\nimage: docker-archive:{name}\n{READY}");
        std::fs::write(bench.path("adamant.yaml"), text).expect("written");
        bench.ends(
            &["run", "adamant.yaml", "no-network-boot"],
            0,
            &["1 passed"],
        )?;
    }
    let left = std::fs::read_dir(bench.path("cache/adamant/store/tmp")).expect("a store");
    check(left.count() == 0, "something half made was left", "")?;
    // One bit, and it is not what its configuration says.
    let mut wrong = archive;
    let at = wrong.len() / 2;
    wrong[at] ^= 1;
    std::fs::write(bench.path("a.tar"), wrong).expect("written");
    let text = format!("name: x\nimage: docker-archive:a.tar\n{READY}");
    std::fs::write(bench.path("adamant.yaml"), text).expect("written");
    bench.ends(
        &["run", "adamant.yaml", "no-network-boot"],
        2,
        &["a.tar", "sha256:"],
    )?;
    Ok(())
}

fn rootfs() -> Result<(), Failed> {
    let bench = Bench::new();
    let (layer, _) = bare();
    tar::Archive::new(plain(&layer).as_slice())
        .unpack(bench.path("tree"))
        .expect("unpacked");
    let subject = |more: &str| {
        let text = format!("name: x\nimage: rootfs:tree\n{more}{READY}");
        std::fs::write(bench.path("adamant.yaml"), text).expect("written");
    };
    // A directory says nothing of what is run.
    subject("");
    bench.ends(
        &["run", "adamant.yaml", "no-network-boot"],
        2,
        &["neither ENTRYPOINT nor CMD"],
    )?;
    subject("run: { args: [/bare] }\n");
    bench.ends(
        &["run", "adamant.yaml", "no-network-boot"],
        0,
        &["1 passed"],
    )?;
    bench.ends(&["gc", "--all"], 0, &["blob "])?;
    Ok(())
}

fn platform() -> Result<(), Failed> {
    let bench = Bench::new();
    let text = format!("name: x\nimage: {}\n{READY}", image("bare"));
    std::fs::write(bench.path("adamant.yaml"), text).expect("written");
    let args = ["run", "adamant.yaml", "--platform", "linux/s390x"];
    bench.ends(&args, 2, &["linux/s390x"])?;
    bench.ends(
        &["run", "adamant.yaml", "--platform", "s390x"],
        2,
        &["is no platform"],
    )?;
    let text =
        "name: x\nimage: docker://127.0.0.1:1/none:1\nready: { tcp: { port: 1 }, within: 1s }\n";
    std::fs::write(bench.path("adamant.yaml"), text).expect("written");
    bench.ends(
        &["run"],
        2,
        &["nothing is pulled unless you say so", "--pull"],
    )?;
    bench.ends(&["run", "--pull"], 2, &["pull `127.0.0.1:1/none:1`"])?;
    Ok(())
}
