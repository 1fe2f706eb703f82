//! A worker starts from the snapshot of the process that started it, and from no other: tried with real children.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test that is its own child has a main of its own, which lints take for a program"
)]

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::Arc;

use adamant_isolate::startup::{self, Startup};
use adamant_isolate::{CodeCache, Isolate, Memory, Package, Request, Stream};
use adamant_modules::MemoryTree;
use libtest_mimic::{Arguments, Trial};

/// The first argument of a child.
const CHILD: &str = "__adopts";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().collect();
    if let [_, flag, path] = args.as_slice()
        && flag == CHILD
    {
        match startup::adopt(Path::new(path)) {
            Ok(taken) => println!("{taken} {}", run()),
            Err(error) => println!("{error}"),
        }
        return ExitCode::SUCCESS;
    }
    let trials = [
        ("a_worker_takes_the_snapshot_of_its_parent", taken as fn()),
        ("another_executable_makes_its_own", of_another),
        ("what_could_still_change_is_refused", unsealed),
        ("what_is_not_there_is_said", absent),
    ];
    let trials = trials.map(|(name, test)| {
        Trial::test(name, move || {
            test();
            Ok(())
        })
    });
    libtest_mimic::run(&Arguments::from_args(), trials.into()).exit_code()
}

/// What a program prints that uses what the snapshot holds and what is made lazily.
fn run() -> String {
    let source = "const { join } = require('path');
        console.log(join('a', '..', 'b'), new URL('http://example.test/x').pathname, typeof require('fs').readFileSync)";
    let package = Package {
        tree: Arc::new(MemoryTree::new().file("/index.js", source.as_bytes())),
        hash: String::new(),
        function_id: String::new(),
    };
    let mut isolate = Isolate::new(Memory::default(), Arc::new(CodeCache::new(0))).unwrap();
    let execution = isolate.execute(&package, &Request::default()).unwrap();
    execution.output.text(Stream::Stdout)
}

fn child(program: &Path, path: &Path) -> String {
    let output = Command::new(program).arg(CHILD).arg(path).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn own() -> PathBuf {
    std::env::current_exe().unwrap()
}

fn taken() {
    let startup = Startup::share().unwrap();
    assert_eq!(
        child(&own(), &startup.path()),
        "true b /x function\n\n",
        "it is taken, and what starts from it works"
    );
    // What this process itself makes of it is the same.
    assert_eq!(run(), "b /x function\n");
}

fn of_another() {
    let startup = Startup::share().unwrap();
    let directory = tempfile::tempdir().unwrap();
    let other = directory.path().join("other");
    fs_err::copy(own(), &other).unwrap();
    assert_eq!(
        child(&other, &startup.path()),
        "false b /x function\n\n",
        "the numbers of native functions may mean others there"
    );
}

fn unsealed() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("snapshot");
    fs_err::write(&file, vec![0; 4096]).unwrap();
    let said = child(&own(), &file);
    assert!(!said.starts_with("true"), "{said}");
    assert!(!said.starts_with("false"), "{said}");
}

fn absent() {
    let said = child(&own(), Path::new("/nowhere/snapshot"));
    assert!(said.contains("/nowhere/snapshot"), "{said}");
}
