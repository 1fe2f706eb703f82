//! `adamant verify`: what an image switches on is proven from its files, before anything is started.

mod remark;
mod text;
mod waive;

use std::io::{IsTerminal as _, Write as _};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use adamant_core::case::{Day, Subject, parse_text};
use adamant_core::discover::read_subject;
use adamant_core::engine::{Image, ImageSource};
use adamant_core::env;
use adamant_core::run::{Cancel, Deadline};
use adamant_engines::image;
use adamant_engines::store::Sourcing;
use adamant_verify::{Report, Room, Target, verify};
use serde_json::{Value, json};

use super::{Done, Failure};
use crate::cli::{Colour, RoomName, VerifyArgs, VerifyFormat};
use crate::{engines, exit, signal};
use waive::Waived;

/// Verifies it.
pub fn run(args: &VerifyArgs, colour: Colour) -> Done {
    let cancel = Cancel::default();
    signal::watch(&cancel).map_err(Failure::broken)?;
    let (subject, image) = find(args, &cancel)?;
    let target = Target::new(image.clone(), subject.clone());
    let rooms: Vec<Room> = if args.rooms.is_empty() {
        Room::ALL.to_vec()
    } else {
        args.rooms.iter().map(|room| room.room()).collect()
    };
    let mut report = verify(&target, &rooms);
    let waived = waive::take(&subject, Day::today(), &mut report);
    if let Some(number) = cancel.signal() {
        return Ok(exit::signal(number));
    }
    let told = match args.format {
        VerifyFormat::Text => {
            let of = args.image.as_ref().unwrap_or(&subject.image);
            let title = format!("{} ({of}, {})", subject.name, image.platform);
            text::report(&title, &rooms, &report, &waived, is_coloured(colour))
        }
        VerifyFormat::Jsonl => lines(&report, &waived),
        VerifyFormat::Sarif => remark::log(&report, &waived),
        VerifyFormat::Github => remark::annotations(&report, &waived),
    };
    let mut out = std::io::stdout().lock();
    out.write_all(told.as_bytes()).map_err(Failure::broken)?;
    Ok(code(&report))
}

/// Could not judge stands before what was found, and nothing judged is no verdict.
fn code(report: &Report) -> u8 {
    let nothing = report.judged.iter().all(|judged| judged.count == 0);
    match () {
        () if report.is_incomplete() => exit::COULD_NOT_JUDGE,
        () if !report.findings.is_empty() => exit::FINDINGS,
        () if nothing => exit::COULD_NOT_JUDGE,
        () => exit::HELD,
    }
}

impl RoomName {
    const fn room(self) -> Room {
        match self {
            Self::Manifest => Room::Manifest,
            Self::Closure => Room::Closure,
            Self::Environment => Room::Environment,
            Self::Packaging => Room::Packaging,
            Self::Addons => Room::Addons,
        }
    }
}

/// The subject and its image; an image alone has a contract that claims nothing.
fn find(args: &VerifyArgs, cancel: &Cancel) -> Result<(Subject, Arc<Image>), Failure> {
    let path = Path::new(&args.what);
    let sourcing = args.sourcing.sourcing();
    let is_yaml = path.extension().is_some_and(|e| e == "yaml" || e == "yml");
    if path.join("adamant.yaml").is_file() || is_yaml {
        if !path.exists() {
            let mut failure = Failure::input(format!("subject file `{}` is not here", args.what));
            failure.hint = Some("name a subject file, or an image: `adamant verify oci:DIR`, `adamant verify rootfs:DIR`".into());
            return Err(failure);
        }
        let file = read_subject(path, args.image.as_deref())?;
        return Ok((file.subject.clone(), open(&file.image, &sourcing, cancel)?));
    }
    if args.image.is_some() {
        return Err(Failure::input(format!(
            "`--image` needs a subject file, and `{}` is none",
            args.what
        )));
    }
    let subject = |name: &str| {
        // The name is only shown.
        let text = format!("name: image\nimage: {}\n", json!(name));
        parse_text::<Subject>(&text, path).map_err(Failure::from)
    };
    let source = if path.join("oci-layout").is_file() {
        ImageSource::Layout {
            dir: path.to_owned(),
            tag: None,
        }
    } else if path.is_dir() {
        ImageSource::Rootfs(path.to_owned())
    } else if path.is_file() {
        ImageSource::Archive(path.to_owned())
    } else {
        ImageSource::parse(&args.what, Path::new("")).map_err(Failure::input)?
    };
    Ok((subject(&args.what)?, open(&source, &sourcing, cancel)?))
}

/// A file is read here; only an image that a daemon has needs the daemon, and one that was pulled is found without it.
fn open(source: &ImageSource, sourcing: &Sourcing, cancel: &Cancel) -> Result<Arc<Image>, Failure> {
    if let Some(read) = image::from_files(source, sourcing) {
        return Ok(Arc::new(read?));
    }
    let patience = Duration::from_secs(300).mul_f64(env::timeout_scale());
    let deadline = Deadline::after(patience, cancel);
    if matches!(source, ImageSource::Registry(_)) {
        return Ok(Arc::new(image::from_store(source, sourcing, &deadline)?));
    }
    match engines::first(Some(&["docker".to_owned()]), sourcing, cancel) {
        Ok(engine) => Ok(engine.image(source, &deadline)?),
        Err(missing) if matches!(source, ImageSource::Bare(_)) => {
            let pulled = image::from_store(source, sourcing, &deadline);
            // Without the daemon that it may be at, that is what is missing; a pull that failed says why itself.
            pulled.map(Arc::new).map_err(|error| {
                if sourcing.pull {
                    error.into()
                } else {
                    missing.into()
                }
            })
        }
        Err(missing) => Err(missing.into()),
    }
}

fn is_coloured(colour: Colour) -> bool {
    match colour {
        Colour::Always => true,
        Colour::Never => false,
        Colour::Auto => {
            std::io::stdout().is_terminal() && env::host(env::NO_COLOR).is_none_or(|v| v.is_empty())
        }
    }
}

/// Each finding, what was waived, what was not judged, and what was: a JSON object a line, told apart by `kind`.
fn lines(report: &Report, waived: &[Waived]) -> String {
    let tagged = |kind: &str, mut value: Value| {
        if let Some(object) = value.as_object_mut() {
            object.insert("kind".into(), kind.into());
        }
        format!("{value}\n")
    };
    let findings = report.findings.iter().map(|f| tagged("finding", json!(f)));
    let waived = waived.iter().map(|w| tagged("waived", json!(w)));
    let unjudged = report.unjudged.iter().map(|u| tagged("unjudged", json!(u)));
    let judged = report.judged.iter().map(|j| tagged("judged", json!(j)));
    findings
        .chain(waived)
        .chain(unjudged)
        .chain(judged)
        .collect()
}
