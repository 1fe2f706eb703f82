//! A worker answers, and when it cannot, is known to be lost, in time and with the reason: tried with real children.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::panic,
    reason = "a test that is its own child has a main of its own, which lints take for a program"
)]

use adamant_isolate::confine::{self, Policy};
use adamant_isolate::worker::{Answers, Ending, Launch, Worker, WorkerError};
use libtest_mimic::{Arguments, Trial};
use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::{Command, ExitCode, Stdio};
use std::sync::Once;
use std::time::{Duration, Instant};

/// The first argument of a child.
const CHILD: &str = "__worker";
const PATIENCE: Duration = Duration::from_secs(20);
const SHORT: Duration = Duration::from_millis(300);

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().collect();
    if let [_, flag, manner] = args.as_slice()
        && flag == CHILD
    {
        return child(manner);
    }
    let trials = [
        ("answers_questions_in_order", answers as fn()),
        ("a_large_question_meets_a_large_answer", large),
        ("an_exit_is_seen_with_its_code", exits),
        ("a_signal_is_seen_with_its_number", signals),
        ("a_loop_is_killed_at_its_deadline", loops),
        ("a_child_that_reads_nothing_is_killed_at_its_deadline", deaf),
        ("a_child_that_floods_is_killed_at_its_deadline", floods),
        ("the_end_of_its_complaints_is_kept", complaints),
        ("what_is_printed_is_no_answer", prints),
        ("an_answer_of_another_shape_ends_it", shapes),
        ("an_announcement_too_long_ends_it", announcements),
        ("who_speaks_unasked_is_not_believed", unasked),
        ("a_question_too_long_is_not_sent", long_questions),
        ("it_goes_when_it_is_told_to", goes),
        ("it_goes_when_the_parent_is_gone", orphans),
        ("a_dropped_one_is_dead", dropped),
        ("a_confined_one_answers", confined),
        ("what_no_thread_can_interrupt_is_killed", uninterruptible),
        ("an_engine_out_of_memory_is_a_lost_worker", out_of_memory),
        ("a_program_that_is_not_there_is_named", absent),
    ];
    let trials = trials.map(|(name, test)| {
        Trial::test(name, move || {
            test();
            Ok(())
        })
    });
    libtest_mimic::run(&Arguments::from_args(), trials.into()).exit_code()
}

fn launch(manner: &str) -> Launch {
    let mut launch = Launch::new(std::env::current_exe().unwrap());
    launch.args = vec![CHILD.into(), manner.into()];
    launch
}

fn start(manner: &str) -> Worker {
    Worker::start(&launch(manner)).unwrap()
}

fn ask(worker: &mut Worker, question: Value) -> Result<Value, WorkerError> {
    worker.ask(&question, PATIENCE)
}

fn ending(result: Result<Value, WorkerError>) -> Ending {
    match result {
        Err(WorkerError::Lost(lost)) => lost.ending,
        other => panic!("the worker is not lost: {other:?}"),
    }
}

fn alive(pid: u32) -> bool {
    // A process that nobody waited for yet is dead too.
    let stat = fs_err::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(") ")
        .next()
        .is_some_and(|rest| !rest.is_empty() && !rest.starts_with('Z'))
}

fn answers() {
    let mut worker = start("serves");
    for number in 0..100 {
        let answer = ask(&mut worker, json!({ "echo": number })).unwrap();
        assert_eq!(answer, json!(number));
    }
    let lost = worker.end(PATIENCE);
    assert_eq!((lost.ending, lost.stderr.as_str()), (Ending::Exited(0), ""));
}

fn large() {
    let mut worker = start("serves");
    let text = "x".repeat(5 << 20);
    let answer = ask(&mut worker, json!({ "echo": text })).unwrap();
    assert_eq!(answer, json!(text));
}

fn exits() {
    let mut worker = start("serves");
    assert_eq!(ending(ask(&mut worker, json!("exit 7"))), Ending::Exited(7));
    // It stays lost.
    assert_eq!(
        ending(ask(&mut worker, json!({ "echo": 1 }))),
        Ending::Exited(7)
    );
}

fn signals() {
    let mut worker = start("serves");
    assert_eq!(ending(ask(&mut worker, json!("abort"))), Ending::Killed(6));
}

fn loops() {
    let mut worker = start("serves");
    let begin = Instant::now();
    let result = worker.ask::<_, Value>(&json!("loop"), SHORT);
    let took = begin.elapsed();
    assert!(took >= SHORT && took < PATIENCE / 2, "{took:?}");
    assert_eq!(ending(result), Ending::TimedOut);
    assert!(!alive(worker.id()));
}

fn deaf() {
    let mut worker = start("deaf");
    let begin = Instant::now();
    // More than a pipe holds.
    let question = json!({ "echo": "x".repeat(5 << 20) });
    let result = worker.ask::<_, Value>(&question, SHORT);
    assert!(begin.elapsed() < PATIENCE / 2);
    assert_eq!(ending(result), Ending::TimedOut);
}

fn floods() {
    let mut worker = start("serves");
    let begin = Instant::now();
    let result = worker.ask::<_, Value>(&json!("flood"), SHORT);
    assert!(begin.elapsed() < PATIENCE / 2);
    assert_eq!(ending(result), Ending::TimedOut);
}

fn complaints() {
    let mut launch = launch("serves");
    launch.max_stderr = 10;
    let mut worker = Worker::start(&launch).unwrap();
    let Err(WorkerError::Lost(lost)) = ask(&mut worker, json!("complain and exit")) else {
        panic!("it did not exit");
    };
    assert_eq!(lost.stderr, "last words");
    assert_eq!(lost.stderr_cut, 3_000_000);
    assert_eq!(lost.to_string(), "the worker exited with code 3");
}

fn prints() {
    let mut worker = start("serves");
    assert_eq!(ask(&mut worker, json!("print")).unwrap(), json!("printed"));
    assert_eq!(worker.end(PATIENCE).stderr, "by accident\n");
}

fn shapes() {
    let mut worker = start("serves");
    let result = worker.ask::<_, u32>(&json!({ "echo": "text" }), PATIENCE);
    assert!(matches!(result, Err(WorkerError::Answer(_))), "{result:?}");
    assert!(!alive(worker.id()));
}

fn announcements() {
    let mut worker = start("announces");
    let result = ask(&mut worker, json!("what?"));
    assert!(
        matches!(
            result,
            Err(WorkerError::TooLong {
                bytes: 0xFFFF_FFFF,
                ..
            })
        ),
        "{result:?}"
    );
    assert!(!alive(worker.id()));
}

fn unasked() {
    let mut worker = start("speaks-twice");
    assert_eq!(ask(&mut worker, json!("what?")).unwrap(), json!("once"));
    let result = ask(&mut worker, json!("what else?"));
    assert!(matches!(result, Err(WorkerError::Unasked)), "{result:?}");
    assert!(!alive(worker.id()));
}

fn long_questions() {
    let mut launch = launch("serves");
    launch.max_message = 100;
    let mut worker = Worker::start(&launch).unwrap();
    let result = ask(&mut worker, json!({ "echo": "x".repeat(200) }));
    assert!(matches!(
        result,
        Err(WorkerError::TooLong { limit: 100, .. })
    ));
    assert_eq!(ask(&mut worker, json!({ "echo": 1 })).unwrap(), json!(1));
}

fn goes() {
    assert_eq!(start("serves").end(PATIENCE).ending, Ending::Exited(0));
    // One that is at work when it is told to go is one whose parent gave up.
    let mut command = Command::new(std::env::current_exe().unwrap());
    let mut child = command
        .args([CHILD, "serves"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(b"\x06\0\0\0\"loop\"").unwrap();
    drop(stdin);
    let status = child.wait().unwrap();
    assert_eq!(
        std::os::unix::process::ExitStatusExt::signal(&status),
        Some(6)
    );
}

fn orphans() {
    let mut command = Command::new(std::env::current_exe().unwrap());
    let command = command.args([CHILD, "parent"]).stdout(Stdio::piped());
    let mut parent = command.spawn().unwrap();
    let mut said = String::new();
    BufReader::new(parent.stdout.take().unwrap())
        .read_line(&mut said)
        .unwrap();
    let pid: u32 = said.trim_end().parse().unwrap();
    assert!(alive(pid));
    parent.kill().unwrap();
    parent.wait().unwrap();
    let begin = Instant::now();
    while alive(pid) && begin.elapsed() < PATIENCE {
        std::thread::yield_now();
    }
    let outlives = alive(pid);
    if outlives {
        // It would take a processor for good.
        let pid = rustix::process::Pid::from_raw(pid.cast_signed()).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    }
    assert!(!outlives, "the worker outlives its parent");
}

fn dropped() {
    let worker = start("serves");
    let pid = worker.id();
    assert!(alive(pid));
    drop(worker);
    assert!(!alive(pid));
}

fn confined() {
    let mut worker = start("confined");
    assert_eq!(ask(&mut worker, json!({ "echo": 1 })).unwrap(), json!(1));
    assert_eq!(
        ending(ask(&mut worker, json!("connect"))),
        Ending::Killed(31)
    );
}

/// V8 looks for a termination nowhere inside these.
fn uninterruptible() {
    for source in [
        "Array.prototype.includes.call({ length: 2 ** 53 - 1 }, 1)",
        "new Array(2 ** 31).reverse()",
    ] {
        let mut worker = start("confined");
        assert_eq!(
            ask(&mut worker, json!({ "javascript": "6 * 7" })).unwrap(),
            json!("42")
        );
        let begin = Instant::now();
        let result = worker.ask::<_, Value>(&json!({ "javascript": source }), SHORT);
        assert!(begin.elapsed() < PATIENCE / 2);
        assert_eq!(ending(result), Ending::TimedOut, "{source}");
    }
}

fn out_of_memory() {
    let mut worker = start("confined");
    let Err(WorkerError::Lost(lost)) = ask(
        &mut worker,
        json!({ "javascript": "for (const all = [];;) all.push(new Array(1000).fill(all))" }),
    ) else {
        panic!("it has the memory");
    };
    // The engine ends itself, by a trap or an abort.
    assert!(matches!(lost.ending, Ending::Killed(5 | 6)), "{lost:?}");
    assert!(lost.stderr.contains("out of memory"), "{lost:?}");
}

fn absent() {
    let result = Worker::start(&Launch::new("/nowhere/worker"));
    let error = result.unwrap_err();
    assert_eq!(
        error.to_string(),
        "cannot start the worker `/nowhere/worker`"
    );
}

/// A worker that does what it is asked to; or one that does not keep to what was agreed.
fn child(manner: &str) -> ExitCode {
    match manner {
        "announces" => {
            let _question = listen();
            return speak(b"\xFF\xFF\xFF\xFF[");
        }
        "speaks-twice" => {
            let _question = listen();
            speak(b"\x06\0\0\0\"once\"\x01\0\0\0");
            std::thread::park();
        }
        "deaf" => std::thread::park(),
        "parent" => return parent(),
        _ => {}
    }
    let answers = Answers::take().unwrap();
    if manner == "confined" {
        let confinement = confine::apply(&Policy::default()).unwrap();
        assert!(confinement.seccomp, "{confinement:?}");
    }
    match answers.serve(|question: Value| reply(&question)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn listen() -> Vec<u8> {
    let mut length = [0; 4];
    std::io::stdin().read_exact(&mut length).unwrap();
    let mut question = vec![0; u32::from_le_bytes(length) as usize];
    std::io::stdin().read_exact(&mut question).unwrap();
    question
}

fn speak(bytes: &[u8]) -> ExitCode {
    std::io::stdout().write_all(bytes).unwrap();
    std::io::stdout().flush().unwrap();
    ExitCode::SUCCESS
}

/// Says which worker it has once that is at work, and dies with it unanswered.
fn parent() -> ExitCode {
    let mut worker = start("serves");
    let pid = worker.id();
    std::thread::spawn(move || {
        std::thread::park_timeout(SHORT);
        speak(format!("{pid}\n").as_bytes())
    });
    ending(ask(&mut worker, json!("loop")));
    ExitCode::SUCCESS
}

#[expect(clippy::exit, reason = "a worker that exits is what is tried")]
fn reply(question: &Value) -> Value {
    if let Some(echo) = question.get("echo") {
        return echo.clone();
    }
    if let Some(source) = question.get("javascript") {
        return json!(run_javascript(source.as_str().unwrap()));
    }
    match question.as_str().unwrap_or_default() {
        "exit 7" => std::process::exit(7),
        "abort" => std::process::abort(),
        "loop" => forever(std::hint::spin_loop),
        "flood" => forever(|| eprintln!("{}", "x".repeat(1000))),
        "complain and exit" => {
            eprint!("{}last words", "x".repeat(3_000_000));
            std::process::exit(3);
        }
        "print" => {
            println!("by accident");
            json!("printed")
        }
        "connect" => json!(std::net::TcpStream::connect("127.0.0.1:9").is_ok()),
        other => json!(format!("`{other}` is nothing that it knows")),
    }
}

fn forever(act: impl Fn()) -> ! {
    loop {
        act();
    }
}

fn run_javascript(source: &str) -> String {
    static ENGINE: Once = Once::new();
    ENGINE.call_once(|| {
        let platform = v8::new_default_platform(0, false).make_shared();
        v8::V8::initialize_platform(platform);
        v8::V8::initialize();
    });
    let mut isolate = v8::Isolate::new(v8::CreateParams::default().heap_limits(0, 64 << 20));
    let mut scope = v8::HandleScope::new(&mut isolate);
    let context = v8::Context::new(&mut scope, v8::ContextOptions::default());
    let mut scope = v8::ContextScope::new(&mut scope, context);
    let source = v8::String::new(&mut scope, source).unwrap();
    let script = v8::Script::compile(&mut scope, source, None).unwrap();
    let value = script.run(&mut scope).unwrap();
    value.to_rust_string_lossy(&mut scope)
}
