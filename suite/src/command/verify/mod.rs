//! `adamant verify`: what an image switches on is proven from its files, before anything is started.

mod remark;
mod text;
mod waive;

use std::io::{IsTerminal as _, Write as _};

use adamant_core::case::Day;
use adamant_core::env;
use adamant_core::run::Cancel;
use adamant_verify::{Report, Room, Target, verify};
use serde_json::{Value, json};

use super::{Done, Failure, target};
use crate::cli::{Colour, RoomName, VerifyArgs, VerifyFormat};
use crate::{exit, signal};
use waive::Waived;

/// Verifies it.
pub fn run(args: &VerifyArgs, colour: Colour) -> Done {
    let cancel = Cancel::default();
    signal::watch(&cancel).map_err(Failure::broken)?;
    let (subject, image) = target::find(
        &args.what,
        args.image.as_deref(),
        &args.sourcing.sourcing(),
        &cancel,
    )?;
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
