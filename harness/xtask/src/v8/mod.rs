//! V8 on any machine: the crate's own archive where GitHub answers, else Debian's libnode behind the crate's binding.

mod apt;
mod binding;
mod github;
mod place;

use crate::cache;
use crate::failure::Failure;
use crate::say;
use place::Place;
use std::path::Path;
use std::process::{Command, Output};

const CONFIG: &str = "target/v8/config.toml";

/// From where V8 may come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// What is provisioned already, else GitHub, else Debian.
    Nearest,
    /// Debian, even where GitHub answers.
    Debian,
}

pub(crate) fn source(args: &[String]) -> Result<Source, Failure> {
    match args {
        [] => Ok(Source::Nearest),
        [flag] if flag == "--debian" => Ok(Source::Debian),
        _ => Err(Failure::input(format!(
            "`v8` takes only `--debian`, not `{}`",
            args.join(" ")
        ))),
    }
}

/// See that cargo can link V8: with nothing to do, with a word to cargo, or by making an archive.
pub(crate) fn provide(root: &Path, source: Source) -> Result<(), Failure> {
    let config = root.join(CONFIG);
    let place = Place::of(root)?;
    if let Some(archive) = archive_of_the_user(&place.cache) {
        return check(&archive);
    }
    if !place.is_complete() {
        let version = &place.version;
        if source == Source::Nearest && github::answers(version) {
            forget(&config)?;
            say(&format!(
                "V8: GitHub answers, cargo will fetch the archive of `v8` {version} from there"
            ));
            return Ok(());
        }
        place.make(root)?;
    }
    let text = place.config()?;
    if fs_err::read_to_string(&config).is_ok_and(|old| old == text) {
        return Ok(());
    }
    fs_err::create_dir_all(root.join("target/v8"))?;
    cache::replace(&config, text.as_bytes())?;
    say(&format!("V8: linked against `{}`", place.dir.display()));
    Ok(())
}

/// What to say when we cannot make it: what the user can bring instead.
fn by_hand(version: &str) -> String {
    format!(
        "by hand: fetch {} where GitHub answers, and set RUSTY_V8_ARCHIVE to that file",
        github::archive(version)
    )
}

/// `RUSTY_V8_ARCHIVE`, unless it is what our own configuration made cargo say.
#[expect(
    clippy::disallowed_methods,
    reason = "the variable is the crate's own; xtask depends on none of our packages"
)]
fn archive_of_the_user(cache: &Path) -> Option<String> {
    let archive = std::env::var("RUSTY_V8_ARCHIVE").ok()?;
    let ours = Path::new(&archive).starts_with(cache);
    (!archive.is_empty() && !ours).then_some(archive)
}

fn check(archive: &str) -> Result<(), Failure> {
    let remote = archive.starts_with("http:") || archive.starts_with("https:");
    if remote || Path::new(archive).is_file() {
        return Ok(());
    }
    Err(Failure::input(format!(
        "RUSTY_V8_ARCHIVE names `{archive}`, which is not a file"
    )))
}

/// A configuration that points to what is no more would win over the crate's own way.
fn forget(config: &Path) -> Result<(), Failure> {
    if config.exists() {
        fs_err::remove_file(config)?;
    }
    Ok(())
}

/// What names the machine in Debian's and the linker's words.
#[derive(Debug, Clone, Copy)]
struct Platform {
    debian: &'static str,
    triplet: &'static str,
    loader: &'static str,
}

impl Platform {
    fn of_this_host() -> Option<Self> {
        match (std::env::consts::OS, std::env::consts::ARCH) {
            ("linux", "x86_64") => Some(Self {
                debian: "amd64",
                triplet: "x86_64-linux-gnu",
                loader: "ld-linux-x86-64.so.2",
            }),
            // Declared: nobody has run this on such a machine yet.
            ("linux", "aarch64") => Some(Self {
                debian: "arm64",
                triplet: "aarch64-linux-gnu",
                loader: "ld-linux-aarch64.so.1",
            }),
            _ => None,
        }
    }
}

/// Run to the end; an error has the last words of what failed.
fn run(command: &mut Command) -> Result<Output, Failure> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.output().map_err(|e| match e.kind() {
        std::io::ErrorKind::NotFound => {
            Failure::not_installed(format!("`{name}` is not on this host"))
        }
        _ => Failure::host(format!("cannot start `{name}`: {e}")),
    })?;
    if output.status.success() {
        return Ok(output);
    }
    let words = String::from_utf8_lossy(&output.stderr);
    Err(Failure::host(format!(
        "`{name}` ended with {}: {}",
        output.status,
        last_words(&words)
    )))
}

/// At most five lines of what a program said at its end.
fn last_words(text: &str) -> String {
    let lines: Vec<&str> = text
        .lines()
        .filter(|line| !line.trim().is_empty())
        .collect();
    lines[lines.len().saturating_sub(5)..].join("\n  ")
}

/// `13.6` of V8's version header.
fn engine_version(header: &Path) -> Option<String> {
    let text = fs_err::read_to_string(header).ok()?;
    let number = |name: &str| {
        text.lines().find_map(|line| {
            let mut words = line.split_ascii_whitespace();
            let defines = words.next() == Some("#define") && words.next() == Some(name);
            words.next().filter(|_| defines)?.parse::<u32>().ok()
        })
    };
    let (major, minor) = (number("V8_MAJOR_VERSION")?, number("V8_MINOR_VERSION")?);
    Some(format!("{major}.{minor}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_archive_that_is_not_there_is_named() {
        let failure = check("/nowhere/librusty_v8.a").unwrap_err();
        assert_eq!(failure.code(), 2);
        assert!(failure.to_string().contains("/nowhere/librusty_v8.a"));
        assert!(check("https://example.org/x.gz").is_ok());
    }

    #[test]
    fn only_the_end_of_a_long_complaint_is_shown() {
        let text = (1..=9).map(|n| format!("line {n}\n\n")).collect::<String>();
        assert_eq!(
            last_words(&text),
            "line 5\n  line 6\n  line 7\n  line 8\n  line 9"
        );
        assert_eq!(last_words(""), "");
    }

    #[test]
    fn a_word_too_many_is_refused() {
        assert_eq!(source(&[]).unwrap(), Source::Nearest);
        assert_eq!(source(&["--debian".to_owned()]).unwrap(), Source::Debian);
        assert_eq!(source(&["--fast".to_owned()]).unwrap_err().code(), 2);
    }
}
