//! From case files to trials: each case on each engine, and what a trial asks its host.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::driver::driver;
use super::files::add;
use super::host::HostPlan;
use super::wire::{Execute, File, Mode, Package, Request};
use super::{ModuleCase, RunSpec};
use crate::case::{At, ParseError, parse_text};
use crate::check::module::ModuleCheckSpec;
use crate::discover::{Selector, case_stem, yaml_files};

/// The subject's part of a module trial's name, and the word by which `adamant run` is asked for module cases.
pub const SUBJECT: &str = "module";

/// Beside what its limits claim, how long an execution's answer may take, unless its case gives it more.
const PATIENCE: Duration = Duration::from_secs(5);

/// Files of fixture packages: package name, path below it, content.
pub type Packages = BTreeMap<String, BTreeMap<String, Vec<u8>>>;

/// The cases of a run and the packages that they name.
#[derive(Debug, Clone, Default)]
pub struct Catalogue {
    /// In the order of their paths.
    pub cases: Vec<Arc<ModuleCaseFile>>,
    /// By name.
    pub packages: Arc<Packages>,
}

/// A module case and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct ModuleCaseFile {
    /// Its path below the folder without `.yaml`: `module/cjs/01-wrapper`.
    pub id: String,
    /// The file.
    pub path: PathBuf,
    /// Its text: parsed anew with the words of each run filled in.
    pub text: String,
    /// What it says.
    pub case: ModuleCase,
}

impl ModuleCaseFile {
    /// Parses a text that stands in `path`, below `root`.
    pub fn parse(text: String, path: &Path, root: &Path) -> Result<Self, ParseError> {
        let case: ModuleCase = parse_text(&text, path)?;
        case.validate()
            .map_err(|message| ParseError::file(path, message))?;
        let below = path.strip_prefix(root).unwrap_or(path);
        Ok(Self {
            id: below.with_extension("").to_string_lossy().into_owned(),
            path: path.to_owned(),
            text,
            case,
        })
    }
}

/// Parses cases whose texts are at hand: `(path below cases/, text)`, in the order of their paths.
pub fn parse_module_cases(
    texts: &[(&str, &str)],
) -> Result<Vec<Arc<ModuleCaseFile>>, Vec<ParseError>> {
    let mut texts = texts.to_vec();
    texts.sort_unstable();
    collect(texts.iter().map(|(id, text)| {
        let path = Path::new("cases").join(id);
        ModuleCaseFile::parse((*text).to_owned(), &path, Path::new("cases"))
    }))
}

/// Reads every module case below `root`; all errors, not only the first.
pub fn read_module_cases(root: &Path) -> Result<Vec<Arc<ModuleCaseFile>>, Vec<ParseError>> {
    let files = yaml_files(root).map_err(|e| vec![e])?;
    collect(files.iter().map(|path| {
        let text = crate::case::text(path)?;
        ModuleCaseFile::parse(text, path, root)
    }))
}

fn collect(
    parsed: impl Iterator<Item = Result<ModuleCaseFile, ParseError>>,
) -> Result<Vec<Arc<ModuleCaseFile>>, Vec<ParseError>> {
    let (mut cases, mut errors) = (Vec::new(), Vec::new());
    for result in parsed {
        match result {
            Ok(case) => cases.push(Arc::new(case)),
            Err(error) => errors.push(error),
        }
    }
    if errors.is_empty() {
        Ok(cases)
    } else {
        Err(errors)
    }
}

/// A module case on an engine.
#[derive(Debug, Clone, PartialEq)]
pub struct ModuleTrial {
    /// `<engine>::module::<spec>::<case-stem>`.
    pub name: String,
    /// The engine's name.
    pub engine: &'static str,
    /// The case.
    pub case: Arc<ModuleCaseFile>,
}

impl ModuleTrial {
    /// Whether this is the trial's whole name, with or without its engine and subject.
    #[must_use]
    pub fn is_named(&self, name: &str) -> bool {
        self.name == name || self.name.splitn(3, "::").nth(2) == Some(name)
    }

    /// Whether a selector chooses the trial.
    #[must_use]
    pub fn is_chosen(&self, selector: &Selector) -> bool {
        match selector {
            Selector::Tag(tag) => self.case.case.tags.contains(tag),
            Selector::Name(name) => self.is_named(name),
            Selector::Word(word) => {
                let begins = |whole: &str, end: char| {
                    let rest = whole.strip_prefix(word.as_str());
                    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(end))
                };
                let below = self
                    .case
                    .id
                    .strip_prefix("module/")
                    .unwrap_or(&self.case.id);
                begins(&self.case.case.spec, '-')
                    || begins(&self.case.id, '/')
                    || begins(below, '/')
                    || self.name.contains(word.as_str())
            }
        }
    }

    /// The name as a relative path, for evidence.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        crate::discover::name_path(&self.name)
    }
}

/// Every trial, in a stable order: by engine, then by case.
#[must_use]
pub fn plan_modules(engines: &[&'static str], cases: &[Arc<ModuleCaseFile>]) -> Vec<ModuleTrial> {
    let of = |engine: &'static str| {
        cases.iter().map(move |case| ModuleTrial {
            name: format!(
                "{engine}::{SUBJECT}::{}::{}",
                case.case.spec,
                case_stem(&case.id)
            ),
            engine,
            case: case.clone(),
        })
    };
    engines.iter().flat_map(|engine| of(engine)).collect()
}

/// Where the words of a run come from that nobody can know beforehand: the same seed makes the same words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seed(pub u64);

impl Seed {
    /// A new one.
    #[must_use]
    pub fn random() -> Self {
        use std::hash::{BuildHasher as _, Hasher as _};
        // The keys of the standard library's maps come from the kernel's random numbers.
        Self(std::hash::RandomState::new().build_hasher().finish())
    }

    /// Reads 16 hexadecimal digits.
    pub fn parse(text: &str) -> Result<Self, String> {
        u64::from_str_radix(text, 16).map(Self).map_err(|_not_hex| {
            format!("`{text}` is not a seed of hexadecimal digits, such as `1f2e3d4c5b6a7988`")
        })
    }

    /// A word for this case or trial; a valid name in JavaScript, never the same for two purposes. Two engines get the same
    /// word for the same case, so that what they print can be compared.
    fn word(self, purpose: &str, whose: &str) -> String {
        // FNV-1a with a final mix (splitmix64): any function would do that spreads its input.
        let mut hash = self.0 ^ 0xcbf2_9ce4_8422_2325;
        for byte in purpose.bytes().chain([0]).chain(whose.bytes()) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
        hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        format!("n{:016x}", hash ^ (hash >> 31))
    }
}

impl std::fmt::Display for Seed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// A trial with the words of the run filled in: what the host is asked, and what is judged of each execution.
#[derive(Debug, Clone)]
pub struct Prepared {
    /// The case as it is in this run.
    pub case: ModuleCase,
    /// For the host.
    pub plan: HostPlan,
    /// The word that only this run knows.
    pub nonce: String,
    /// What the host's canary file says.
    pub secret: String,
    /// For each execution its checks, the case's own first.
    pub checks: Vec<Vec<At<ModuleCheckSpec>>>,
}

impl Prepared {
    /// Fills the words in and makes the packages; the error is bad input.
    pub fn new(trial: &ModuleTrial, packages: &Packages, seed: Seed) -> Result<Self, ParseError> {
        let file = &trial.case;
        let nonce = seed.word("nonce", &file.id);
        let secret = seed.word("secret", &file.id);
        let canary = std::env::temp_dir().join(format!(
            "adamant-canary-{}",
            seed.word("canary", &trial.name)
        ));
        let fill = |text: &str| {
            text.replace("@NONCE@", &nonce)
                .replace("@CANARY@", &canary.to_string_lossy())
        };
        let case: ModuleCase = parse_text(&fill(&file.text), &file.path)?;
        let mut files = BTreeMap::new();
        if let Some(package) = &case.package {
            let found = package_files(package, packages, &file.path)?;
            files.extend(
                found
                    .into_iter()
                    .map(|(path, bytes)| (path, content(bytes, &fill))),
            );
        }
        let wrong = |message: String| ParseError::file(&file.path, message);
        add(&mut files, &case.files, &case.many).map_err(wrong)?;
        let single = [RunSpec::default()];
        let runs = if case.runs.is_empty() {
            &single[..]
        } else {
            &case.runs
        };
        let (mut executions, mut checks) = (Vec::new(), Vec::new());
        for (number, run) in runs.iter().enumerate() {
            add(&mut files, &run.files, &[]).map_err(wrong)?;
            let judged: Vec<_> = case.checks.iter().chain(&run.checks).cloned().collect();
            let id = u64::try_from(number).unwrap_or(u64::MAX) + 1;
            let function = run.function.as_ref().or(case.function.as_ref());
            let function = function.unwrap_or(&file.id).clone();
            let drives = judged.iter().any(|c| c.value.needs_driver());
            let (files, request) = settle(&case, run, &files, drives, &nonce);
            let package = Package {
                function,
                hash: hash(&files),
                files,
            };
            executions.push(Execute {
                id,
                package,
                request,
            });
            checks.push(judged);
        }
        let lingers = checks.iter().flatten().any(|c| c.value.lingers());
        // Who is killed before the case's own time is up cannot be judged by it.
        let given = checks.iter().flatten().filter_map(|c| c.value.gives());
        let patience = given.fold(PATIENCE, Duration::max);
        let plan = HostPlan {
            name: trial.name.clone(),
            executions,
            decoys: case.decoys.clone(),
            decoy_says: seed.word("decoy", &file.id),
            canary: file
                .text
                .contains("@CANARY@")
                .then(|| (canary.clone(), secret.clone())),
            patience,
            linger: Duration::from_millis(if lingers { 300 } else { 0 }),
        };
        Ok(Self {
            case,
            plan,
            nonce,
            secret,
            checks,
        })
    }
}

/// The files and the request of one execution; with a driver before the entry where exports are judged.
fn settle(
    case: &ModuleCase,
    run: &RunSpec,
    files: &BTreeMap<String, File>,
    drives: bool,
    nonce: &str,
) -> (BTreeMap<String, File>, Request) {
    let mode = run.mode.unwrap_or(case.mode);
    let mut files = files.clone();
    let mut entry = run.entry.clone().unwrap_or_else(|| case.entry.clone());
    if drives && mode != Mode::Handler {
        let (path, text) = driver(&entry, mode, nonce);
        files.insert(path.clone(), File::Text(text));
        entry = path;
    }
    let request = Request {
        entry,
        mode,
        argv: run.argv.clone().unwrap_or_else(|| case.argv.clone()),
        env: run.env.clone().unwrap_or_else(|| case.env.clone()),
        stdin: run.stdin.clone().or_else(|| case.stdin.clone()),
        terminal: None,
        request: run.request.clone().or_else(|| case.request.clone()),
        limits: run.limits.unwrap_or(case.limits).limits(),
    };
    (files, request)
}

fn content(bytes: Vec<u8>, fill: &impl Fn(&str) -> String) -> File {
    match String::from_utf8(bytes) {
        Ok(text) => File::Text(fill(&text)),
        Err(error) => {
            let hex = error.as_bytes().iter().map(|b| format!("{b:02x}"));
            File::Hex(hex.collect())
        }
    }
}

/// A name for the content of a package: another content has another name.
fn hash(files: &BTreeMap<String, File>) -> String {
    let text = serde_json::to_string(files).expect("files are plain data");
    Seed(0).word("hash", &text)
}

/// The files of a named package by guest path.
fn package_files(
    name: &At<String>,
    packages: &Packages,
    case: &Path,
) -> Result<BTreeMap<String, Vec<u8>>, ParseError> {
    if name.value.starts_with("./") {
        let dir = case.parent().unwrap_or(Path::new(".")).join(&name.value);
        let mut files = BTreeMap::new();
        let read = read_tree(&dir, &dir, &mut files);
        read.map_err(|e| {
            name.error(
                case,
                format!("package `{}` cannot be read: {e}", name.value),
            )
        })?;
        return Ok(files);
    }
    let found = packages.get(&name.value).ok_or_else(|| {
        let known = crate::case::nearest(&name.value, packages.keys().map(String::as_str));
        let hint = known
            .map(|n| format!("; did you mean `{n}`?"))
            .unwrap_or_default();
        name.error(
            case,
            format!("no fixture package is named `{}`{hint}", name.value),
        )
    })?;
    Ok(found
        .iter()
        .map(|(path, bytes)| (format!("/{path}"), bytes.clone()))
        .collect())
}

fn read_tree(
    root: &Path,
    dir: &Path,
    files: &mut BTreeMap<String, Vec<u8>>,
) -> std::io::Result<()> {
    for entry in fs_err::read_dir(dir)? {
        let entry = entry?;
        let path = entry.path();
        if entry.file_type()?.is_dir() {
            read_tree(root, &path, files)?;
        } else {
            let below = path.strip_prefix(root).unwrap_or(&path);
            files.insert(format!("/{}", below.display()), fs_err::read(&path)?);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const CASE: &str = "
spec: CJS-01
clauses: [seed 001]
about: the nonce goes through
files: { /index.js: \"console.log('@NONCE@')\" }
runs:
  - {}
  - { files: { /index.js: '2' }, checks: [{ exit-code: 0 }] }
";

    #[test]
    fn words_are_filled_in_and_versions_follow_each_other() {
        let file = ModuleCaseFile::parse(
            CASE.into(),
            Path::new("cases/module/cjs/01-x.yaml"),
            Path::new("cases"),
        );
        let trials = plan_modules(&["node"], &[Arc::new(file.expect("valid"))]);
        assert_eq!(trials[0].name, "node::module::CJS-01::x");
        let prepare =
            |seed| Prepared::new(&trials[0], &Packages::new(), Seed(seed)).expect("prepared");
        let (one, other) = (prepare(1), prepare(2));
        assert_ne!(one.nonce, other.nonce);
        assert_eq!(one.nonce, prepare(1).nonce);
        let [first, second] = one.plan.executions.as_slice() else {
            unreachable!("two runs")
        };
        assert_eq!(
            first.package.files["/index.js"],
            File::Text(format!("console.log('{}')", one.nonce))
        );
        assert_ne!(first.package.hash, second.package.hash);
        assert_eq!(first.package.function, "module/cjs/01-x");
    }

    #[test]
    fn nobody_is_killed_before_the_time_that_its_case_gives_it() {
        let patience = |within: &str| {
            let check = format!("ended: {{ by: [timed-out], within: {within} }}");
            let text = CASE.replace("exit-code: 0", &check);
            let path = Path::new("cases/module/cjs/01-x.yaml");
            let file = ModuleCaseFile::parse(text, path, Path::new("cases")).expect("valid");
            let trials = plan_modules(&["node"], &[Arc::new(file)]);
            let prepared = Prepared::new(&trials[0], &Packages::new(), Seed(1));
            prepared.expect("prepared").plan.patience
        };
        assert_eq!(patience("20s"), Duration::from_secs(20));
        assert_eq!(patience("1s"), PATIENCE);
    }

    #[test]
    fn a_selector_chooses_by_spec_area_folder_and_name() {
        let file = ModuleCaseFile::parse(
            CASE.into(),
            Path::new("cases/module/cjs/01-x.yaml"),
            Path::new("cases"),
        );
        let trial = &plan_modules(&["node"], &[Arc::new(file.expect("valid"))])[0];
        for word in [
            "CJS",
            "CJS-01",
            "cjs",
            "module/cjs",
            "module/cjs/01-x",
            "::x",
        ] {
            assert!(trial.is_chosen(&Selector::parse(word)), "{word}");
        }
        for word in ["CJS-1", "esm", "tag:x", "module/cj"] {
            assert!(!trial.is_chosen(&Selector::parse(word)), "{word}");
        }
    }
}
