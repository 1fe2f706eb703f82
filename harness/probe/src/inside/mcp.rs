//! Speaks the first sentence of MCP to a server on its stdio, and ends it.

use std::io::Write as _;
use std::process::Stdio;
use std::time::Duration;

use adamant_probe::{Command, CommandResult};
use serde_json::{Value, json};

use super::ProbeError;
use super::clock::Deadline;
use super::group::{Group, Waited};

/// The id of the one request.
const ID: u64 = 1;
/// How long a server may take to end by itself when its input has ended, as MCP wants it to.
const FAREWELL: Duration = Duration::from_millis(100);
/// How long it may take after it was told to.
const GRACE: Duration = Duration::from_millis(400);
/// How much of what is no response is shown.
const SHOWN: usize = 1000;

/// Sends `initialize` and waits for its response; `micros` is the time until it came.
pub(super) fn initialize(command: &Command) -> Result<CommandResult, ProbeError> {
    let mut group = match Group::start(&command.argv, Stdio::piped()) {
        Ok(group) => group,
        Err(error) => return error.result(&command.argv),
    };
    let mut stdin = group.take_stdin();
    if let Some(stdin) = &mut stdin {
        // A server that has already ended will be seen to have ended.
        let _ = stdin.write_all(&sentence()?);
    }
    let waited = group.wait(Deadline::after_ms(command.timeout_ms), |stdout| {
        response(stdout).is_some()
    })?;
    let micros = group.micros();
    drop(stdin);
    group.wait(Deadline::after(FAREWELL), |_| false)?;
    group.stop(GRACE)?;
    group.settle()?;

    let response = response(group.stdout()).map(String::from);
    let timed_out = waited == Waited::TimedOut && response.is_none();
    let mut result = group.result(timed_out, micros)?;
    match response {
        Some(line) => result.stdout = line,
        None => explain(&mut result),
    }
    Ok(result)
}

fn sentence() -> Result<Vec<u8>, ProbeError> {
    let request = json!({
        "jsonrpc": "2.0",
        "id": ID,
        "method": "initialize",
        "params": {
            "protocolVersion": "2025-06-18",
            "capabilities": {},
            "clientInfo": { "name": "adamant", "version": env!("CARGO_PKG_VERSION") },
        },
    });
    let mut line = serde_json::to_vec(&request)?;
    line.push(b'\n');
    Ok(line)
}

/// The first whole line that is a JSON-RPC response to our request.
fn response(stdout: &[u8]) -> Option<&str> {
    stdout
        .split_inclusive(|byte| *byte == b'\n')
        .filter_map(|line| std::str::from_utf8(line.strip_suffix(b"\n")?).ok())
        .map(|line| line.trim_end_matches('\r'))
        .find(|line| is_response(line))
}

fn is_response(line: &str) -> bool {
    serde_json::from_str(line).is_ok_and(|message: Value| {
        message["jsonrpc"] == "2.0"
            && message["id"] == ID
            && (message.get("result").is_some() || message.get("error").is_some())
    })
}

/// Leaves standard output empty, because only a response belongs there; what it was goes with the errors.
fn explain(result: &mut CommandResult) {
    let said: String = result.stdout.drain(..).take(SHOWN).collect();
    let note =
        format!("adamant-probe: no response to `initialize` on standard output, but {said:?}\n");
    result.stderr.push_str(&note);
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use adamant_probe::{Command, CommandResult};

    use super::{initialize, response};

    fn serve(script: &str, timeout_ms: u64) -> CommandResult {
        let argv = ["sh", "-c", script].map(String::from).to_vec();
        initialize(&Command { argv, timeout_ms }).expect("a result")
    }

    const ANSWER: &str = r#"{"jsonrpc":"2.0","id":1,"result":{"protocolVersion":"2025-06-18"}}"#;

    #[test]
    fn only_a_whole_line_with_our_id_is_a_response() {
        let none = [
            format!("{ANSWER} "),
            String::from("hello\n"),
            String::from("{\"jsonrpc\":\"2.0\",\"method\":\"x\",\"id\":1}\n"),
            String::from("{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":{}}\n"),
            String::from("{\"id\":1,\"result\":{}}\n"),
            String::from("[1]\n\n"),
        ];
        for stdout in none {
            assert_eq!(response(stdout.as_bytes()), None, "{stdout}");
        }
        let stdout = format!("starting\n{ANSWER}\r\nmore\n");
        assert_eq!(response(stdout.as_bytes()), Some(ANSWER));
        assert!(response(b"{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{}}\n").is_some());
    }

    #[test]
    fn a_server_is_asked_heard_and_ended() {
        let began = Instant::now();
        let script =
            format!("read -r line; echo \"$line\" >&2; echo noise; echo '{ANSWER}'; sleep 63.1");
        let result = serve(&script, 10_000);
        assert!(began.elapsed() < Duration::from_secs(1));
        assert_eq!(result.stdout, ANSWER);
        assert_eq!((result.signal, result.timed_out), (Some(15), false));
        let asked: serde_json::Value =
            serde_json::from_str(&result.stderr).expect("one line of JSON");
        assert_eq!(asked["method"], "initialize");
        assert_eq!(asked["params"]["protocolVersion"], "2025-06-18");
        assert_eq!(asked["params"]["clientInfo"]["name"], "adamant");
    }

    #[test]
    fn a_server_that_ends_with_its_input_ends_by_itself() {
        let script = format!("read -r line; echo '{ANSWER}'; cat; exit 5");
        let result = serve(&script, 10_000);
        assert_eq!((result.exit, result.stdout.as_str()), (Some(5), ANSWER));
    }

    #[test]
    fn a_server_that_answers_and_goes_is_heard() {
        let result = serve(&format!("echo '{ANSWER}'; exit 6"), 10_000);
        assert_eq!((result.exit, result.stdout.as_str()), (Some(6), ANSWER));
    }

    #[test]
    fn silence_is_timed_out_and_stubbornness_is_killed() {
        let result = serve(
            "echo listening; trap '' TERM; while :; do sleep 0.05; done",
            300,
        );
        assert!(result.timed_out);
        assert_eq!((result.signal, result.stdout.as_str()), (Some(9), ""));
        assert_eq!(
            result.stderr,
            "adamant-probe: no response to `initialize` on standard output, but \"listening\\n\"\n"
        );
    }
}
