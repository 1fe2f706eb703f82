//! `adamant init IMAGE`: boots an image, watches, and writes the subject file that it deserves.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use adamant_core::engine::ImageSource;
use adamant_core::env;
use adamant_core::propose::{Conditions, observe, propose};
use adamant_core::report::text;
use adamant_core::run::{Cancel, Deadline};

use super::{Done, Failure};
use crate::cli::InitArgs;
use crate::{engines, exit, judge, signal};

/// Beside the boots themselves: finding the image, and asking.
const PATIENCE: Duration = Duration::from_secs(1800);

/// Observes and writes.
pub fn run(args: &InitArgs) -> Done {
    let cancel = Cancel::default();
    signal::watch(&cancel).map_err(Failure::broken)?;
    let to_stdout = args.output == Path::new("-");
    if !to_stdout {
        can_be_written(&args.output, args.force)?;
    }
    let source = ImageSource::parse(&args.image, Path::new("")).map_err(Failure::input)?;
    let conditions = Conditions {
        run: judge::run_id(),
        named: named(&args.image, &source, &args.output)?,
        source,
        args: (!args.args.is_empty()).then(|| args.args.clone()),
        env: environment(&args.env)?,
        patience: args.within.0.mul_f64(env::timeout_scale()),
    };
    let engine = engines::first(args.engines.asked().as_deref(), &args.sourcing(), &cancel)?;
    let deadline = Deadline::after(PATIENCE.mul_f64(env::timeout_scale()), &cancel);
    let tell = |what: &str| anstream::eprintln!("{what} …");
    let observed = observe(engine.as_ref(), &conditions, &deadline, &tell);
    let closed = engine.close(&Deadline::for_cleanup(Duration::from_secs(60)));
    let observation = observed?;
    closed?;
    let proposal = propose(&observation).map_err(|why| {
        let mut lines: Vec<&str> = observation.open.log.head.lines().collect();
        lines.drain(..lines.len().saturating_sub(5));
        let mut error = format!("nothing can be proposed for `{}`: {why}", args.image);
        for line in lines {
            error.push_str("\n  | ");
            error.push_str(line);
        }
        let mut failure = Failure::input(error);
        failure.hint = Some(
            "if it needs an environment or other arguments, give them: `adamant init IMAGE --env NAME=VALUE -- ARG…`"
                .into(),
        );
        failure
    })?;
    if to_stdout {
        let mut out = std::io::stdout().lock();
        out.write_all(proposal.text.as_bytes())
            .map_err(Failure::broken)?;
    } else {
        write(&args.output, args.force, &proposal.text)?;
        anstream::println!("{}", args.output.display());
    }
    for fault in &proposal.faults {
        anstream::eprintln!("against the contract: {fault}");
    }
    for open in &proposal.open {
        anstream::eprintln!("could not tell: {open}");
    }
    anstream::eprintln!(
        "{} seen, {} left open; read the file, then `adamant run {}`",
        text::count(proposal.faults.len(), "fault"),
        text::count(proposal.open.len(), "question"),
        if to_stdout {
            "FILE".to_owned()
        } else {
            args.output.display().to_string()
        }
    );
    Ok(exit::HELD)
}

/// Looked at before anything is booted.
fn can_be_written(output: &Path, force: bool) -> Result<(), Failure> {
    if output.is_dir() {
        let told = format!("`{}` is a directory; name a file", output.display());
        return Err(Failure::input(told));
    }
    if !force && output.symlink_metadata().is_ok() {
        let mut failure = Failure::input(format!("`{}` is already there", output.display()));
        failure.hint =
            Some("write another with `--output FILE`, or replace it with `--force`".into());
        return Err(failure);
    }
    let dir = dir_of(output);
    if !dir.is_dir() {
        let told = format!("`{}` is no directory", dir.display());
        return Err(Failure::input(told));
    }
    Ok(())
}

fn dir_of(file: &Path) -> PathBuf {
    match file.parent() {
        Some(dir) if dir != Path::new("") => dir.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// Whole or not at all, and never over a file that came meanwhile.
fn write(output: &Path, force: bool, text: &str) -> Result<(), Failure> {
    let wrong = |error: std::io::Error| {
        Failure::input(format!("`{}` cannot be written: {error}", output.display()))
    };
    let mut draft = tempfile::Builder::new()
        .prefix(".adamant-")
        .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644))
        .tempfile_in(dir_of(output))
        .map_err(wrong)?;
    draft.write_all(text.as_bytes()).map_err(wrong)?;
    let persisted = if force {
        draft.persist(output)
    } else {
        draft.persist_noclobber(output)
    };
    persisted.map_err(|error| wrong(error.error))?;
    Ok(())
}

/// The image as a file elsewhere must name it: paths there are relative to that file.
fn named(text: &str, source: &ImageSource, output: &Path) -> Result<String, Failure> {
    let here = matches!(dir_of(output).to_str(), Some("." | "./"));
    if here || output == Path::new("-") {
        return Ok(text.to_owned());
    }
    let absolute = |path: &PathBuf| std::path::absolute(path).map_err(Failure::broken);
    Ok(match source {
        ImageSource::Layout { dir, tag } => ImageSource::Layout {
            dir: absolute(dir)?,
            tag: tag.clone(),
        }
        .to_string(),
        ImageSource::Archive(file) => ImageSource::Archive(absolute(file)?).to_string(),
        ImageSource::Rootfs(dir) => ImageSource::Rootfs(absolute(dir)?).to_string(),
        ImageSource::Bare(_) | ImageSource::Daemon(_) | ImageSource::Registry(_) => text.to_owned(),
    })
}

/// `NAME=VALUE` as it stands; `NAME` alone is the host's value, which the file does not hold.
fn environment(words: &[String]) -> Result<BTreeMap<String, (String, String)>, Failure> {
    let one = |word: &String| {
        let (name, value) = match word.split_once('=') {
            Some((name, value)) => {
                // In a subject file `${` begins a variable.
                if value.contains("${") {
                    let told = format!(
                        "the value of `{name}` has `${{`, which a subject file cannot hold"
                    );
                    return Err(Failure::input(told));
                }
                (name, (value.to_owned(), value.to_owned()))
            }
            None => {
                let value = env::host(word)
                    .ok_or_else(|| Failure::input(format!("`--env {word}`: it is not set here")))?;
                (word.as_str(), (format!("${{{word}}}"), value))
            }
        };
        if name.is_empty() {
            return Err(Failure::input(format!("`--env {word}` names no variable")));
        }
        Ok((name.to_owned(), value))
    };
    words.iter().map(one).collect()
}
