//! Debian packages without installing any: apt works in a root of its own, checks signatures, and `dpkg` only unpacks.

use super::{Platform, engine_version, run};
use crate::failure::Failure;
use crate::say;
use std::ffi::OsStr;
use std::io::{self, IsTerminal as _};
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const DEVELOPMENT: &str = "libnode-dev";
const KEYRINGS: [&str; 2] = [
    "/usr/share/keyrings/debian-archive-keyring.pgp",
    "/usr/share/keyrings/debian-archive-keyring.gpg",
];

/// The mirrors from which this machine has its own packages, as apt itself knows them.
pub(super) fn mirrors() -> Result<Vec<String>, Failure> {
    let mut apt = Command::new("apt-get");
    apt.args(["indextargets", "--no-release-info"]);
    apt.args(["--format", "$(REPO_URI)", "Created-By: Packages"]);
    let answer = apt.output().map_err(|e| {
        Failure::host(format!(
            "Debian's libnode cannot be had without `apt-get`: {e}"
        ))
    })?;
    let found = distinct(&String::from_utf8_lossy(&answer.stdout));
    if found.is_empty() {
        return Err(Failure::host("apt knows no mirror on this machine"));
    }
    Ok(found)
}

fn distinct(lines: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for line in lines.lines() {
        if line.contains(':') && !found.iter().any(|known| known == line) {
            found.push(line.to_owned());
        }
    }
    found
}

/// A suite of Debian, with an apt root that knows nothing else.
pub(super) struct Suite {
    pub(super) name: String,
    dir: PathBuf,
    root: PathBuf,
}

/// An unpacked libnode with all that it needs.
pub(super) struct Libnode {
    pub(super) root: PathBuf,
    /// The package files that it was unpacked from; their names carry the versions.
    pub(super) packages: Vec<String>,
}

impl Suite {
    /// Read the suite's signed index from `mirror`.
    pub(super) fn open(
        dir: &Path,
        mirror: &str,
        name: &str,
        platform: Platform,
    ) -> Result<Self, Failure> {
        for sub in [
            "state/lists/partial",
            "cache/archives/partial",
            "none",
            "root",
        ] {
            fs_err::create_dir_all(dir.join(sub))?;
        }
        let suite = Self {
            name: name.to_owned(),
            dir: dir.to_owned(),
            root: dir.join("root"),
        };
        fs_err::write(dir.join("status"), "")?;
        let keyring = KEYRINGS.iter().find(|path| Path::new(path).is_file());
        let sources = sources(mirror, name, platform.debian, keyring.copied());
        fs_err::write(dir.join("debian.sources"), sources)?;
        let host = run(Command::new("apt-config").arg("dump"))?.stdout;
        let host = String::from_utf8_lossy(&host);
        fs_err::write(dir.join("apt.conf"), settings(dir, platform.debian, &host))?;
        say(&format!("V8: reading Debian {name} from {mirror}"));
        run(suite.command("apt-get").args(["-qq", "update"]))?;
        Ok(suite)
    }

    /// The version of the suite's V8; none if the suite has no libnode to link against.
    pub(super) fn engine(&self) -> Result<Option<String>, Failure> {
        if self.library()?.is_none() {
            return Ok(None);
        }
        let archives = self.dir.join("cache/archives");
        let mut apt = self.command("apt-get");
        run(apt
            .args(["-qq", "download", DEVELOPMENT])
            .current_dir(&archives))?;
        self.unpack()?;
        Ok(engine_version(
            &self.root.join("usr/include/node/v8-version.h"),
        ))
    }

    /// Fetch and unpack the library and what it depends on.
    pub(super) fn libnode(&self) -> Result<Libnode, Failure> {
        let library = self.library()?.unwrap_or_default();
        say(&format!(
            "V8: fetching {library} of Debian {} and what it needs, 37 MB",
            self.name
        ));
        let mut apt = self.command("apt-get");
        apt.args(["--yes", "--download-only", "install", &library]);
        if io::stderr().is_terminal() {
            show(&mut apt)?;
        } else {
            run(apt.arg("-qq"))?;
        }
        Ok(Libnode {
            root: self.root.clone(),
            packages: self.unpack()?,
        })
    }

    /// The name of the shared library's package, which has the number of its interface.
    fn library(&self) -> Result<Option<String>, Failure> {
        let mut apt = self.command("apt-cache");
        // It says with an exit code that there is none.
        let answer = apt
            .args(["--no-all-versions", "show", DEVELOPMENT])
            .output()?;
        Ok(library_of(&String::from_utf8_lossy(&answer.stdout)))
    }

    /// Unpack all that was fetched so far, save what is the same on every architecture: no library is in there.
    fn unpack(&self) -> Result<Vec<String>, Failure> {
        let mut packages = Vec::new();
        for entry in fs_err::read_dir(self.dir.join("cache/archives"))? {
            let path = entry?.path();
            let name = path.file_name().map(OsStr::to_string_lossy);
            let name = name.unwrap_or_default().into_owned();
            if name.ends_with(".deb") && !name.ends_with("_all.deb") {
                run(Command::new("dpkg").arg("-x").arg(&path).arg(&self.root))?;
                packages.push(name);
            }
        }
        packages.sort();
        Ok(packages)
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .env("APT_CONFIG", self.dir.join("apt.conf"))
            .env("LC_ALL", "C.UTF-8")
            .stdin(Stdio::null());
        command
    }
}

/// Run with its own progress on the terminal.
fn show(command: &mut Command) -> Result<(), Failure> {
    let terminal = io::stderr().as_fd().try_clone_to_owned()?;
    let status = command.stdout(terminal).status()?;
    if status.success() {
        return Ok(());
    }
    Err(Failure::host(format!("`apt-get` ended with {status}")))
}

fn sources(mirror: &str, suite: &str, architecture: &str, keyring: Option<&str>) -> String {
    let signed = keyring.map_or_else(String::new, |path| format!("Signed-By: {path}\n"));
    format!(
        "Types: deb\nURIs: {mirror}\nSuites: {suite}\nComponents: main\nArchitectures: {architecture}\n{signed}"
    )
}

/// All of apt's state under `dir`; of the machine's own settings only how it reaches a mirror.
fn settings(dir: &Path, architecture: &str, host: &str) -> String {
    let reach = host
        .lines()
        .filter(|line| line.starts_with("Acquire::"))
        .map(|line| format!("{line}\n"))
        .collect::<String>();
    let dir = dir.display();
    format!(
        "{reach}\
         Dir::Etc::main \"/dev/null\";\n\
         Dir::Etc::parts \"{dir}/none\";\n\
         Dir::Etc::preferences \"/dev/null\";\n\
         Dir::Etc::preferencesparts \"{dir}/none\";\n\
         Dir::Etc::sourcelist \"{dir}/debian.sources\";\n\
         Dir::Etc::sourceparts \"{dir}/none\";\n\
         Dir::State \"{dir}/state\";\n\
         Dir::State::status \"{dir}/status\";\n\
         Dir::Cache \"{dir}/cache\";\n\
         Dir::Log \"{dir}\";\n\
         APT::Architecture \"{architecture}\";\n\
         APT::Architectures \"{architecture}\";\n\
         APT::Install-Recommends \"false\";\n\
         APT::Get::AllowUnauthenticated \"false\";\n\
         APT::Update::Error-Mode \"any\";\n\
         APT::Sandbox::User \"root\";\n\
         Acquire::AllowInsecureRepositories \"false\";\n\
         Acquire::AllowWeakRepositories \"false\";\n\
         Acquire::AllowDowngradeToInsecureRepositories \"false\";\n\
         Acquire::Languages \"none\";\n\
         Acquire::Retries \"1\";\n\
         Acquire::http::Timeout \"10\";\n\
         Acquire::https::Timeout \"10\";\n"
    )
}

/// `libnode137` of the dependencies that a package's control text lists.
fn library_of(control: &str) -> Option<String> {
    let depends = control
        .lines()
        .find_map(|line| line.strip_prefix("Depends: "))?;
    let mut names = depends
        .split(',')
        .filter_map(|dependency| dependency.split_ascii_whitespace().next());
    names
        .find(|name| {
            let number = name.strip_prefix("libnode").unwrap_or_default();
            !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
        })
        .map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_library_is_the_one_that_the_headers_need() {
        let control =
            "Package: libnode-dev\nDepends: libssl-dev (>= 1.1), libnode137 (= 24.1), libuv1-dev\n";
        assert_eq!(library_of(control).as_deref(), Some("libnode137"));
        assert_eq!(library_of("Depends: libnode-dev, libnode\n"), None);
        assert_eq!(library_of(""), None);
    }

    #[test]
    fn each_mirror_is_asked_once() {
        let lines = "http://a/debian/\nhttp://a/debian/\nhttp://b/x/\n\n";
        assert_eq!(distinct(lines), ["http://a/debian/", "http://b/x/"]);
    }

    #[test]
    fn of_the_machines_settings_only_the_way_to_a_mirror_stays() {
        let host = "APT::Update::Post-Invoke:: \"rm -rf /\";\nAcquire::http::Proxy \"http://proxy:1\";\n\
                    Acquire::AllowInsecureRepositories \"1\";\n";
        let text = settings(Path::new("/w"), "amd64", host);
        assert!(text.contains("Acquire::http::Proxy \"http://proxy:1\";"));
        assert!(!text.contains("Post-Invoke"));
        // apt takes the last word.
        let insecure = text.rfind("AllowInsecureRepositories").unwrap();
        assert!(text[insecure..].starts_with("AllowInsecureRepositories \"false\""));
    }

    #[test]
    fn a_source_is_bound_to_debians_keys() {
        let text = sources("http://a/", "sid", "amd64", Some("/k.gpg"));
        assert!(text.ends_with("Signed-By: /k.gpg\n"));
        assert!(!sources("http://a/", "sid", "amd64", None).contains("Signed-By"));
    }
}
