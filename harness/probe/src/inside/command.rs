//! Runs one command to its end or to its time limit.

use std::fs::File;
use std::process::Stdio;
use std::time::Duration;

use adamant_probe::{Command, CommandResult};

use super::ProbeError;
use super::clock::Deadline;
use super::group::{Group, Waited};

/// Runs `command` without input; that it fails, or is not there, is its result.
pub(super) fn run(command: &Command) -> Result<CommandResult, ProbeError> {
    let mut group = match Group::start(&command.argv, nothing()?) {
        Ok(group) => group,
        Err(error) => return error.result(&command.argv),
    };
    let waited = group.wait(Deadline::after_ms(command.timeout_ms), |_| false)?;
    let timed_out = waited == Waited::TimedOut;
    if timed_out {
        group.stop(Duration::ZERO)?;
    }
    let micros = group.micros();
    group.settle()?;
    group.result(timed_out, micros)
}

/// An input that is at its end, also where there is no `/dev`.
fn nothing() -> Result<Stdio, ProbeError> {
    if let Ok(null) = File::open("/dev/null") {
        return Ok(null.into());
    }
    let (reader, _closed) =
        std::io::pipe().map_err(|error| ProbeError::system("make an empty input", error))?;
    Ok(reader.into())
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use adamant_probe::{Command, CommandResult, KEEP_BYTES};

    use super::run;

    fn sh(script: &str, timeout_ms: u64) -> CommandResult {
        let argv = ["sh", "-c", script].map(String::from).to_vec();
        run(&Command { argv, timeout_ms }).expect("a result")
    }

    #[test]
    fn a_command_gives_its_code_and_both_of_its_outputs() {
        let result = sh("cat; echo out; echo err >&2; exit 7", 5000);
        assert_eq!((result.exit, result.signal), (Some(7), None));
        assert_eq!(
            (result.stdout.as_str(), result.stderr.as_str()),
            ("out\n", "err\n")
        );
        assert!(!result.timed_out && result.micros > 0);
    }

    #[test]
    fn a_signal_is_not_an_exit() {
        let result = sh("kill -TERM $$", 5000);
        assert_eq!((result.exit, result.signal), (None, Some(15)));
        assert!(!result.timed_out);
    }

    #[test]
    fn what_outlives_its_limit_is_killed_with_all_its_children() {
        let began = Instant::now();
        let result = sh("echo before; trap '' TERM; sleep 61.7 & sleep 61.7", 100);
        assert!(began.elapsed() < Duration::from_secs(1));
        assert_eq!((result.exit, result.signal), (None, Some(9)));
        assert!(result.timed_out);
        assert_eq!(result.stdout, "before\n");
    }

    #[test]
    fn no_zombie_is_left_of_a_killed_group() {
        let result = sh("(sleep 61.8 & echo $!; wait) & wait", 200);
        let orphan = result.stdout.trim();
        assert!(result.timed_out && !orphan.is_empty());
        assert!(!std::path::Path::new(&format!("/proc/{orphan}")).exists());
    }

    #[test]
    fn much_output_is_cut_and_does_not_block() {
        let result = sh(
            "head -c 3000000 /dev/zero; head -c 300000 /dev/zero >&2; exit 3",
            20_000,
        );
        assert_eq!(result.exit, Some(3));
        assert_eq!(
            (result.stdout.len(), result.stderr.len()),
            (KEEP_BYTES, KEEP_BYTES)
        );
    }

    #[test]
    fn a_grandchild_that_keeps_the_pipes_is_not_waited_for() {
        let began = Instant::now();
        let result = sh("sleep 2 & echo done", 5000);
        assert!(began.elapsed() < Duration::from_secs(1));
        assert_eq!((result.exit, result.stdout.as_str()), (Some(0), "done\n"));
    }

    #[test]
    fn a_command_that_closes_its_outputs_is_still_waited_for() {
        let result = sh("exec >&- 2>&-; sleep 0.2; exit 4", 5000);
        assert_eq!(result.exit, Some(4));
        assert!((200_000..1_000_000).contains(&result.micros), "{result:?}");
    }

    #[test]
    fn what_cannot_be_started_has_the_codes_of_a_shell() {
        let exit = |program: &str| {
            let argv = vec![program.to_owned()];
            let timeout_ms = 1000;
            run(&Command { argv, timeout_ms }).expect("a result")
        };
        assert_eq!(exit("no-such-program").exit, Some(127));
        assert_eq!(exit("/no/such/program").exit, Some(127));
        assert_eq!(exit("/etc/passwd").exit, Some(126));
        assert_eq!(exit("/").exit, Some(126));
        assert_eq!(
            exit("no-such-program").stderr,
            "adamant-probe: `no-such-program`: not found\n"
        );
    }

    #[test]
    fn ten_commands_take_little_more_than_their_own_time() {
        let began = Instant::now();
        for _ in 0..10 {
            sh("exit 0", 5000);
        }
        assert!(began.elapsed() < Duration::from_millis(500));
    }
}
