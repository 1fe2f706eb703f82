//! Run options from compose files: filled in as compose does it, and refused with their place where no engine would take them.

use std::path::Path;
use std::sync::Arc;

use adamant_core::discover::{SubjectFile, read_subject};

/// Cargo sets it for every test; it stands for a variable of the host.
const HOST: &str = "CARGO_PKG_NAME";
const VALUE: &str = "adamant-core";

/// A subject whose service `s` has these options, each a line of YAML.
fn take(service: &str, subject: &str) -> Result<Arc<SubjectFile>, String> {
    let dir = tempfile::tempdir().expect("a directory");
    take_in(dir.path(), service, subject)
}

fn take_in(dir: &Path, service: &str, subject: &str) -> Result<Arc<SubjectFile>, String> {
    let write = |name: &str, text: String| std::fs::write(dir.join(name), text).expect("written");
    let indented: String = service.lines().map(|l| format!("    {l}\n")).collect();
    write(
        "compose.yaml",
        format!("services:\n  s:\n    image: x\n{indented}"),
    );
    let text = format!("name: s\nimage: x\ncompose: compose.yaml#s\n{subject}");
    write("adamant.yaml", text);
    read_subject(dir, None).map_err(|e| {
        let told = e.to_string();
        told.replace(&format!("{}/", dir.display()), "")
    })
}

fn refused(service: &str, subject: &str) -> String {
    take(service, subject).expect_err("it must be refused")
}

#[test]
fn environment_values_are_what_compose_makes_of_them() {
    let taken = take(
        "environment:
  HOST: ${CARGO_PKG_NAME}
  PART: 'a-${CARGO_PKG_NAME:-none}-b'
  DEFAULT: ${ADAMANT_TEST_UNSET:-some default}
  EMPTY: ${ADAMANT_TEST_UNSET-}
  DOLLAR: 'a$$b $${CARGO_PKG_NAME}'
  WHOLE: 8080
  NEGATIVE: -1
  FLOAT: 1.50
  LARGE: 1500000.0
  OCTAL: 0755
  HEX: 0x1F
  YES: true
  NO: false
  QUOTED: '007'
  CARGO_PKG_NAME:
  ADAMANT_TEST_UNSET: null
  BLANK: ''",
        "",
    )
    .expect("it is taken");
    let expected = [
        ("BLANK", ""),
        (HOST, VALUE),
        ("DEFAULT", "some default"),
        ("DOLLAR", "a$b ${CARGO_PKG_NAME}"),
        ("EMPTY", ""),
        ("FLOAT", "1.5"),
        ("HOST", VALUE),
        ("LARGE", "1.5e+06"),
        ("NEGATIVE", "-1"),
        ("NO", "false"),
        ("PART", "a-adamant-core-b"),
        ("OCTAL", "493"),
        ("HEX", "31"),
        ("QUOTED", "007"),
        ("WHOLE", "8080"),
        ("YES", "true"),
    ];
    let seen: Vec<(&str, &str)> = taken
        .env
        .iter()
        .map(|(n, v)| (n.as_str(), v.as_str()))
        .collect();
    let mut expected = expected.to_vec();
    expected.sort_unstable();
    assert_eq!(seen, expected);
    let named: Vec<&str> = taken.secrets.named.keys().map(String::as_str).collect();
    assert_eq!(named, [HOST, "HOST", "PART"]);
    assert!(taken.secrets.values.iter().all(|v| v == VALUE));
}

#[test]
fn a_list_is_an_environment_too_and_the_subject_stands_over_it() {
    let taken = take(
        "environment: [A=1, 'B=${CARGO_PKG_NAME}', CARGO_PKG_NAME, ADAMANT_TEST_UNSET, C=a=b, 'D=${ADAMANT_TEST_UNSET}']
user: ${ADAMANT_TEST_UNSET}
working_dir: app",
        "run: { user: app, workdir: /app, env: { A: mine, B: plain, D: given } }\n",
    )
    .expect("it is taken");
    let seen: Vec<String> = taken.env.iter().map(|(n, v)| format!("{n}={v}")).collect();
    let of_host = format!("{HOST}={VALUE}");
    assert_eq!(
        seen,
        ["A=mine", "B=plain", "C=a=b", of_host.as_str(), "D=given"]
    );
    // What the subject says itself is no secret.
    assert!(!taken.secrets.named.contains_key("B"));
}

#[test]
fn every_option_is_filled_in() {
    let taken = take(
        "command: serve --name ${CARGO_PKG_NAME}
user: ${ADAMANT_TEST_UNSET:-1000}
working_dir: /${ADAMANT_TEST_UNSET:-app}
mem_limit: ${ADAMANT_TEST_UNSET:-64m}
pids_limit: -1
cap_add: ['${ADAMANT_TEST_UNSET:-CHOWN}']
tmpfs: /${ADAMANT_TEST_UNSET:-run}:mode=1777
volumes: ['data:/${ADAMANT_TEST_UNSET:-var}']",
        "",
    )
    .expect("it is taken");
    let subject = &taken.subject;
    let args = subject.run.args.as_deref().unwrap_or_default();
    assert_eq!(args, ["serve", "--name", VALUE]);
    assert_eq!(
        subject.run.user.as_ref().map(|u| u.value.as_str()),
        Some("1000")
    );
    assert_eq!(subject.run.workdir.as_deref(), Some("/app"));
    assert_eq!(subject.run.memory.map(|m| m.0), Some(64 << 20));
    assert_eq!(subject.run.pids, None);
    assert_eq!(subject.run.cap_add, ["CHOWN"]);
    assert_eq!(subject.writable, ["/run", "/var"]);
    assert_eq!(taken.secrets.values, [VALUE]);
}

#[test]
fn the_signal_of_the_subject_stands_over_that_of_compose() {
    let signal = |stop: &str| {
        let taken = take("stop_signal: SIGQUIT", stop).expect("it is taken");
        taken.subject.stop.as_ref().map(|s| s.signal().to_owned())
    };
    assert_eq!(
        signal("stop: { signal: SIGTERM, within: 1s }\n").as_deref(),
        Some("SIGTERM")
    );
    assert_eq!(signal("stop: { within: 1s }\n").as_deref(), Some("SIGQUIT"));
    assert_eq!(signal(""), None);
}

#[test]
fn what_cannot_be_used_is_refused_with_its_place_in_the_compose_file() {
    for (service, expected) in [
        (
            "environment:\n  A: 1\n  B: '${ADAMANT_TEST_UNSET:?say which}'",
            "compose.yaml:6:10: the environment variable `ADAMANT_TEST_UNSET` is required: say which",
        ),
        (
            "environment: ['A=${ADAMANT_TEST_UNSET}']",
            "compose.yaml:4:19: the environment variable `ADAMANT_TEST_UNSET` is not set; write `${ADAMANT_TEST_UNSET:-}` where it may be empty",
        ),
        (
            "environment: { A: '${X/y/z}' }",
            "compose.yaml:4:23: `${X/y/z}` is not a variable; expected `${NAME}`, or one of `:-`, `-`, `:?`, `?`, `:+`, `+` behind the name",
        ),
        (
            "cap_add:\n  - NET_ADMN",
            "compose.yaml:5:9: unknown capability `NET_ADMN`; did you mean `NET_ADMIN`?",
        ),
        (
            "mem_limit: 1m",
            "compose.yaml:4:16: `1m` is less memory than a container can be started with; expected `6m` or more",
        ),
        (
            "working_dir: app",
            "compose.yaml:4:18: `app` is not an absolute path of the container",
        ),
        (
            "volumes: ['./data:data']",
            "compose.yaml:4:15: mount `./data:data` does not end in an absolute path of the container without `.` and `..`",
        ),
        (
            "volumes: [data:data]",
            "compose.yaml:4:15: volume `data:data` does not end in an absolute path of the container",
        ),
        (
            "volumes:\n  - { type: bind, source: none, target: /data, read_only: true }",
            "compose.yaml:5:9: mount `none:/data:ro` cannot be used: entity not found",
        ),
        (
            "env_file: .env",
            "compose.yaml:4:15: service `s` has `env_file`, which is not taken over; write the variables under the subject's `run.env`",
        ),
        (
            // A value of the host is not shown, however wrong it is.
            "mem_limit: '${CARGO_PKG_NAME}'",
            "compose.yaml:4:16: `${CARGO_PKG_NAME}` cannot be used with the value that its variables have here",
        ),
        (
            "environment: &shared { A: 1 }",
            "compose.yaml:4:26: anchors (`&name`) are not allowed: a file says what it means where it says it; `docker compose config` writes the file without them",
        ),
        (
            "environment: { <<: { A: 1 } }",
            "compose.yaml:4:20: merge keys (`<<`) are not allowed: a file says what it means where it says it; `docker compose config` writes the file without them",
        ),
    ] {
        assert_eq!(refused(service, ""), expected, "{service}");
    }
}

#[test]
fn an_env_file_beside_it_is_not_read_in_silence() {
    let dir = tempfile::tempdir().expect("a directory");
    std::fs::write(dir.path().join(".env"), "X=1\nADAMANT_TEST_UNSET=2\n").expect("written");
    for (text, is_taken) in [
        ("${ADAMANT_TEST_UNSET}", false),
        ("${ADAMANT_TEST_UNSET:-default}", false),
        ("${ADAMANT_TEST_OTHER:-default}", true),
    ] {
        let taken = take_in(dir.path(), &format!("environment: {{ A: '{text}' }}"), "");
        match taken {
            Ok(_) => assert!(is_taken, "{text}"),
            Err(error) => assert!(!is_taken && error.contains(".env"), "{text}: {error}"),
        }
    }
}

#[test]
fn a_mount_is_relative_to_the_file_that_names_it() {
    let dir = tempfile::tempdir().expect("a directory");
    let (deploy, subject) = (dir.path().join("deploy"), dir.path().join("subject"));
    for path in [
        &deploy,
        &subject,
        &deploy.join("data"),
        &subject.join("mine"),
    ] {
        std::fs::create_dir(path).expect("made");
    }
    std::fs::write(
        deploy.join("compose.yaml"),
        "services:\n  s:\n    volumes: [./data:/data:ro]\n",
    )
    .expect("written");
    let file = |mounts: &str| {
        let text = format!(
            "image: x\ncompose: ../deploy/compose.yaml#s\nrun:\n  mounts:\n    - {mounts}\n"
        );
        std::fs::write(subject.join("adamant.yaml"), text).expect("written");
        read_subject(&subject, None)
    };
    let taken = file("./mine:/mine:ro").expect("it is taken");
    let mounts: Vec<_> = taken.subject.run.mounts.iter().map(|m| &m.value).collect();
    assert_eq!(mounts.len(), 2);
    assert!(
        mounts[1].source.ends_with("deploy/data") || mounts[1].source.ends_with("deploy/./data")
    );
    assert!(mounts[1].read_only);
    let error = file("./none:/mine:ro")
        .expect_err("it is not there")
        .to_string();
    assert!(
        error.ends_with(
            "subject/adamant.yaml:5:7: mount `./none:/mine:ro` cannot be used: entity not found"
        ),
        "{error}"
    );
}
