//! Rules for commands that resolve or install software: the boot must find it in the image.

use std::sync::LazyLock;

use super::{ByName, Invoked, Rule, basename, product};
use crate::shell::{lint::Class, scope::HOLE};

const CLAUSE: &str = "PRD-002 §5.1: startup must not run package-manager resolution";

const fn rule(id: &'static str, explain: &'static str, fix: &'static str) -> Rule {
    Rule {
        id,
        class: Class::Install,
        clause: CLAUSE,
        explain,
        fix,
    }
}

const NODE_FIX: &str =
    "install while the image is built and probe at boot: `test -d \"$dir/node_modules\" || exit 1`";
const CLI_FIX: &str = "put the tool into the image and probe at boot: `command -v TOOL || exit 1`";
const PYTHON_FIX: &str = "build the virtual environment into the image; at boot only use it";
const SYSTEM_FIX: &str = "install the package in the image's build, where its version is recorded";

pub(super) static RULES: &[Rule] = &[
    rule(
        "install/npm",
        "npm resolves a dependency tree from a registry, so the boot depends on network and time",
        NODE_FIX,
    ),
    rule(
        "install/npm-global",
        "npm installs a command-line tool that the image was said to contain",
        CLI_FIX,
    ),
    rule(
        "install/npx",
        "it runs a package from the registry, and downloads it when it is not there",
        "put the package into the image and call its own executable",
    ),
    rule(
        "install/pnpm",
        "pnpm resolves a dependency tree from a registry",
        NODE_FIX,
    ),
    rule(
        "install/yarn",
        "yarn resolves a dependency tree from a registry",
        NODE_FIX,
    ),
    rule(
        "install/bun",
        "bun resolves a dependency tree from a registry",
        NODE_FIX,
    ),
    rule(
        "install/deno",
        "deno downloads modules",
        "cache or vendor the modules in the image's build",
    ),
    rule(
        "install/corepack",
        "corepack downloads a package manager",
        "put the package manager into the image",
    ),
    rule(
        "install/pip",
        "pip resolves and downloads Python packages",
        PYTHON_FIX,
    ),
    rule(
        "install/uv",
        "uv resolves and downloads Python packages or interpreters",
        PYTHON_FIX,
    ),
    rule("install/pipx", "pipx installs a Python tool", CLI_FIX),
    rule(
        "install/poetry",
        "the project tool resolves and installs Python packages",
        PYTHON_FIX,
    ),
    rule(
        "install/conda",
        "conda resolves and downloads an environment",
        "create the environment in the image's build",
    ),
    rule(
        "install/playwright",
        "it downloads browsers of some hundred megabytes at first boot",
        "ship the browsers in the image and set `PLAYWRIGHT_BROWSERS_PATH`",
    ),
    rule(
        "install/apt",
        "apt changes the system from a Debian mirror",
        SYSTEM_FIX,
    ),
    rule(
        "install/apk",
        "apk changes the system from an Alpine mirror",
        SYSTEM_FIX,
    ),
    rule(
        "install/dnf",
        "the RPM package manager changes the system from a mirror",
        SYSTEM_FIX,
    ),
    rule(
        "install/pacman",
        "pacman changes the system from a mirror",
        SYSTEM_FIX,
    ),
    rule(
        "install/dpkg",
        "a system package is installed while the container boots",
        SYSTEM_FIX,
    ),
    rule(
        "install/nix",
        "nix realises packages while the container boots",
        "add the package to the image's closure",
    ),
    rule(
        "install/brew",
        "brew downloads and installs formulae",
        SYSTEM_FIX,
    ),
    rule(
        "install/gem",
        "gem downloads and installs Ruby packages",
        "install the gems in the image's build",
    ),
    rule(
        "install/bundle",
        "bundler resolves and installs Ruby packages",
        "run `bundle install` in the image's build",
    ),
    rule(
        "install/cargo",
        "cargo downloads crates and compiles them",
        "build the program with the image",
    ),
    rule(
        "install/go",
        "go downloads modules and compiles them",
        "build the program with the image",
    ),
    rule(
        "install/composer",
        "composer resolves and installs PHP packages",
        "run composer in the image's build",
    ),
];

/// A tool, the options that take a value, and the verbs that install.
#[derive(Debug)]
struct Tool {
    rule: &'static str,
    names: &'static [&'static str],
    values: &'static str,
    /// Each a run of leading words; the empty one stands for no word at all.
    verbs: &'static [&'static str],
}

const NPM_VALUES: &str = "--prefix -C --registry --cache --userconfig --globalconfig --loglevel -w --workspace --omit \
    --include --script-shell --tag --location --fetch-retries --fetch-timeout --network-timeout --proxy --https-proxy";
const PIP_VALUES: &str = "-r --requirement -c --constraint -t --target -i --index-url --extra-index-url -f --find-links \
    --prefix --root --python --proxy --timeout --retries --cache-dir --log --cert --trusted-host --directory --project \
    -p --with --from --spec --index";
const APT_VALUES: &str = "-o --option -c --config-file -t --target-release --default-release -a";
const CARGO_VALUES: &str = "--config -C --color --manifest-path -Z --root --target-dir";

/// Tools of which the leading words tell what they do.
const TOOLS: &[Tool] = &[
    Tool {
        rule: "install/npm",
        names: &["npm"],
        values: NPM_VALUES,
        verbs: &[
            "install",
            "i",
            "in",
            "ins",
            "inst",
            "insta",
            "instal",
            "isnt",
            "isnta",
            "isntal",
            "isntall",
            "add",
            "ci",
            "clean-install",
            "ic",
            "install-clean",
            "isntall-clean",
            "install-test",
            "it",
            "install-ci-test",
            "cit",
            "clean-install-test",
            "sit",
            "update",
            "up",
            "upgrade",
            "udpate",
            "dedupe",
            "ddp",
            "audit fix",
        ],
    },
    Tool {
        rule: "install/npx",
        names: &["npm"],
        values: NPM_VALUES,
        verbs: &["init", "create", "innit"],
    },
    Tool {
        rule: "install/pnpm",
        names: &["pnpm"],
        values: "-C --dir --filter -F --prefix --registry --store-dir --loglevel --reporter",
        verbs: &[
            "install",
            "i",
            "add",
            "update",
            "up",
            "upgrade",
            "fetch",
            "create",
            "env use",
            "self-update",
            "install-test",
            "it",
            "deploy",
            "ci",
        ],
    },
    Tool {
        rule: "install/yarn",
        names: &["yarn", "yarnpkg"],
        values: "--cwd --cache-folder --modules-folder --registry --mutex --network-timeout --network-concurrency",
        verbs: &[
            "",
            "install",
            "add",
            "up",
            "upgrade",
            "upgrade-interactive",
            "global add",
            "global upgrade",
            "create",
            "import",
            "set version",
            "workspaces focus",
            "plugin import",
        ],
    },
    Tool {
        rule: "install/bun",
        names: &["bun"],
        values: "--cwd -C --config -c --registry --backend",
        verbs: &[
            "install", "i", "add", "a", "ci", "update", "create", "c", "upgrade",
        ],
    },
    Tool {
        rule: "install/deno",
        names: &["deno"],
        values: "",
        verbs: &["install", "add", "cache", "upgrade"],
    },
    Tool {
        rule: "install/corepack",
        names: &["corepack"],
        values: "",
        verbs: &["install", "prepare", "use", "up", "hydrate"],
    },
    Tool {
        rule: "install/pip",
        names: &["pip"],
        values: PIP_VALUES,
        verbs: &["install", "download", "wheel", "sync"],
    },
    Tool {
        rule: "install/pip",
        names: &["easy_install"],
        values: PIP_VALUES,
        verbs: &["*"],
    },
    Tool {
        rule: "install/pip",
        names: &["pip-sync", "ensurepip"],
        values: PIP_VALUES,
        verbs: &["", "*"],
    },
    Tool {
        rule: "install/uv",
        names: &["uv"],
        values: PIP_VALUES,
        verbs: &[
            "sync",
            "add",
            "lock",
            "pip install",
            "pip sync",
            "tool install",
            "tool upgrade",
            "tool update",
            "python install",
            "self update",
        ],
    },
    Tool {
        rule: "install/pipx",
        names: &["pipx"],
        values: PIP_VALUES,
        verbs: &[
            "install",
            "install-all",
            "inject",
            "upgrade",
            "upgrade-all",
            "reinstall",
            "reinstall-all",
        ],
    },
    Tool {
        rule: "install/poetry",
        names: &["poetry", "pipenv", "pdm", "rye", "hatch"],
        values: "-C --directory -P --project -p --python",
        verbs: &[
            "install",
            "add",
            "update",
            "sync",
            "lock",
            "upgrade",
            "self update",
            "self add",
            "env create",
        ],
    },
    Tool {
        rule: "install/conda",
        names: &["conda", "mamba", "micromamba"],
        values: "-n --name -p --prefix -c --channel -f --file -r --root-prefix",
        verbs: &[
            "install",
            "create",
            "update",
            "upgrade",
            "env create",
            "env update",
        ],
    },
    Tool {
        rule: "install/playwright",
        names: &[
            "playwright",
            "playwright-core",
            "@playwright/test",
            "patchright",
            "rebrowser-playwright",
        ],
        values: "",
        verbs: &["install", "install-deps"],
    },
    Tool {
        rule: "install/playwright",
        names: &["puppeteer", "@puppeteer/browsers", "browsers"],
        values: "--path",
        verbs: &["install", "browsers install"],
    },
    Tool {
        rule: "install/playwright",
        names: &["cypress"],
        values: "",
        verbs: &["install"],
    },
    Tool {
        rule: "install/playwright",
        names: &["camoufox"],
        values: "",
        verbs: &["fetch"],
    },
    Tool {
        rule: "install/apt",
        names: &["apt", "apt-get", "aptitude", "nala", "apt-fast"],
        values: APT_VALUES,
        verbs: &[
            "install",
            "reinstall",
            "update",
            "upgrade",
            "dist-upgrade",
            "full-upgrade",
            "safe-upgrade",
            "build-dep",
            "download",
            "source",
            "satisfy",
        ],
    },
    Tool {
        rule: "install/apk",
        names: &["apk"],
        values: "-X --repository -p --root -t --virtual --keys-dir --repositories-file --cache-dir --arch",
        verbs: &["add", "update", "upgrade", "fix", "fetch"],
    },
    Tool {
        rule: "install/dnf",
        names: &["dnf", "dnf5", "microdnf", "tdnf", "yum", "zypper"],
        values: "-c --config --enablerepo --disablerepo --installroot --releasever --setopt -R --root",
        verbs: &[
            "install",
            "in",
            "reinstall",
            "groupinstall",
            "group install",
            "localinstall",
            "module install",
            "update",
            "up",
            "upgrade",
            "dup",
            "dist-upgrade",
            "distro-sync",
            "builddep",
            "download",
            "makecache",
            "refresh",
            "ref",
        ],
    },
    Tool {
        rule: "install/brew",
        names: &["brew"],
        values: "",
        verbs: &["install", "reinstall", "upgrade", "update", "bundle"],
    },
    Tool {
        rule: "install/nix",
        names: &["nix"],
        values: "--extra-experimental-features --experimental-features --option -f --file",
        verbs: &[
            "profile install",
            "profile add",
            "profile upgrade",
            "shell",
            "develop",
            "run",
            "build",
            "flake update",
        ],
    },
    Tool {
        rule: "install/nix",
        names: &["nix-shell", "nix-build"],
        values: "",
        verbs: &["", "*"],
    },
    Tool {
        rule: "install/gem",
        names: &["gem"],
        values: "--source -s",
        verbs: &["install", "i", "update", "fetch"],
    },
    Tool {
        rule: "install/bundle",
        names: &["bundle", "bundler"],
        values: "--gemfile --path --retry --jobs -j",
        verbs: &["", "install", "update", "add", "package", "cache"],
    },
    Tool {
        rule: "install/cargo",
        names: &["cargo"],
        values: CARGO_VALUES,
        verbs: &["install", "binstall", "add", "fetch", "update", "vendor"],
    },
    Tool {
        rule: "install/cargo",
        names: &["rustup"],
        values: "",
        verbs: &[
            "install",
            "update",
            "toolchain install",
            "target add",
            "component add",
        ],
    },
    Tool {
        rule: "install/go",
        names: &["go"],
        values: "-C",
        verbs: &[
            "install",
            "get",
            "mod download",
            "mod tidy",
            "mod vendor",
            "work sync",
        ],
    },
    Tool {
        rule: "install/composer",
        names: &["composer", "composer.phar"],
        values: "-d --working-dir",
        verbs: &[
            "install",
            "i",
            "update",
            "u",
            "upgrade",
            "require",
            "create-project",
            "global require",
            "global install",
            "self-update",
        ],
    },
];

static BY_NAME: LazyLock<ByName<Tool>> = LazyLock::new(|| ByName::of(TOOLS, |tool| tool.names));

/// Tools that run a package by its name, and the words before that name.
const PACKAGE_RUNNERS: &[(&str, &[&str], &str)] = &[
    ("npx", &[""], "install/npx"),
    ("pnpx", &[""], "install/npx"),
    ("bunx", &[""], "install/npx"),
    ("npm", &["exec", "x"], "install/npx"),
    ("pnpm", &["dlx"], "install/pnpm"),
    ("yarn", &["dlx"], "install/yarn"),
    ("bun", &["x"], "install/bun"),
    ("uvx", &[""], "install/uv"),
    ("uv", &["tool run"], "install/uv"),
    ("pipx", &["run"], "install/pipx"),
];

pub(super) fn judge(call: &Invoked<'_>) -> Option<&'static Rule> {
    named(
        by_options(call)
            .or_else(|| by_verb(call))
            .or_else(|| product::judge(call))?,
    )
}

fn named(id: &str) -> Option<&'static Rule> {
    RULES
        .iter()
        .chain(product::RULES)
        .find(|rule| rule.id == id)
}

fn by_verb(call: &Invoked<'_>) -> Option<&'static str> {
    let mut tools = BY_NAME.get(call.tool);
    let found = tools.find(|tool| {
        let mut words = call.words(tool.values);
        // `cargo +nightly install`: the toolchain stands before the verb.
        words.retain(|word| tool.rule != "install/cargo" || !word.starts_with('+'));
        // What only the run knows may be a word: then there is no saying that there is none.
        let bare = words.is_empty() && !call.args.contains(&HOLE);
        tool.verbs.iter().any(|verb| match *verb {
            "" => bare,
            "*" => !words.is_empty() || call.args.contains(&HOLE),
            verb => is_verb(verb, &words),
        })
    })?;
    let global = found.rule == "install/npm" && call.has(&["-g", "--global", "--location=global"]);
    Some(if global {
        "install/npm-global"
    } else {
        found.rule
    })
}

fn is_verb(verb: &str, words: &[&str]) -> bool {
    verb.split(' ')
        .enumerate()
        .all(|(at, part)| words.get(at) == Some(&part))
}

/// `npx X …`: what X itself is says more, as in `npx playwright install`.
pub(super) fn package_runner(call: &Invoked<'_>) -> Option<&'static Rule> {
    let (_, verbs, rule) = PACKAGE_RUNNERS
        .iter()
        .find(|(tool, _, _)| *tool == call.tool)?;
    let args = verbs.iter().find_map(|verb| behind(call.args, verb))?;
    let local = call.has(&["--no-install", "--no", "--offline"])
        || (call.tool != "pnpm" && is_of_project(args, package_at(args)));
    let code = args.iter().any(|arg| matches!(*arg, "-c" | "--call"));
    let package = package_at(args);
    let inner = package.and_then(|at| args.get(at..)).unwrap_or_default();
    if let Some(tool) =
        Invoked::new(inner).filter(|tool| tool.tool != call.tool && !tool.only_asks())
        && let Some(more) = by_verb(&tool)
    {
        return named(more);
    }
    let installs =
        !is_of_project(args, package) && inner.iter().skip(1).any(|arg| *arg == "install");
    let fetches = !local && (package.is_some() || code);
    (fetches || installs).then(|| named(rule)).flatten()
}

/// Tools that a project has among its own dependencies: the runner finds them there. A version (`prisma@6`) or a `--yes`
/// asks for another one.
const PROJECT_TOOLS: &[&str] = &[
    "ace",
    "adonis",
    "astro",
    "babel",
    "babel-node",
    "backstage-cli",
    "blitz",
    "concurrently",
    "cross-env",
    "cypress",
    "db-migrate",
    "directus",
    "dotenv",
    "drizzle-kit",
    "esbuild",
    "eslint",
    "expo",
    "gatsby",
    "graphql-codegen",
    "hardhat",
    "jest",
    "keystone",
    "knex",
    "lerna",
    "medusa",
    "migrate-mongo",
    "mikro-orm",
    "mocha",
    "nest",
    "next",
    "ng",
    "node-pg-migrate",
    "nodemon",
    "nuxi",
    "nuxt",
    "nx",
    "parcel",
    "payload",
    "playwright",
    "pm2",
    "pm2-runtime",
    "postcss",
    "prettier",
    "prisma",
    "react-router",
    "react-router-serve",
    "react-scripts",
    "redwood",
    "remix",
    "remix-serve",
    "rollup",
    "rw",
    "sequelize",
    "sequelize-cli",
    "strapi",
    "svelte-kit",
    "tailwindcss",
    "ts-node",
    "ts-node-dev",
    "tsc",
    "tsx",
    "turbo",
    "typeorm",
    "typeorm-ts-node-commonjs",
    "typeorm-ts-node-esm",
    "vite",
    "vitest",
    "vue-cli-service",
    "wait-on",
    "webpack",
    "zx",
    "tsconfig-paths",
    "swc",
    "storybook",
    "vue-tsc",
    "zenstack",
    "kysely",
    "dbmate",
    "umzug",
];

fn is_of_project(args: &[&str], package: Option<usize>) -> bool {
    let Some(package) = package else { return false };
    let own = args.get(..package).unwrap_or_default();
    let asked = own.iter().any(|arg| {
        matches!(*arg, "-y" | "--yes" | "-p" | "--package") || arg.starts_with("--package=")
    });
    !asked
        && args
            .get(package)
            .is_some_and(|name| PROJECT_TOOLS.contains(name))
}

/// The arguments behind the words of a verb; options may stand before each.
fn behind<'a>(mut args: &'a [&'a str], verb: &str) -> Option<&'a [&'a str]> {
    for part in verb.split_ascii_whitespace() {
        let at = args.iter().position(|arg| !arg.starts_with('-'))?;
        args = args.get(at..)?;
        let (first, rest) = args.split_first()?;
        if *first != part {
            return None;
        }
        args = rest;
    }
    Some(args)
}

/// Where the package (or its command) stands behind the runner's own options.
fn package_at(args: &[&str]) -> Option<usize> {
    let mut at = 0;
    while let Some(arg) = args.get(at) {
        match *arg {
            "-p" | "--package" | "-c" | "--call" | "--registry" | "--cache" | "--prefix" | "-w"
            | "--workspace" => at += 2,
            "--" => at += 1,
            arg if arg.starts_with('-') => at += 1,
            // Unknown text may be options or nothing at all.
            arg if arg == HOLE => at += 1,
            _ => return Some(at),
        }
    }
    None
}

/// Tools of which an option tells what they do.
fn by_options(call: &Invoked<'_>) -> Option<&'static str> {
    let any = |starts: &[&str]| {
        call.own_args()
            .iter()
            .any(|arg| starts.iter().any(|start| arg.starts_with(start)))
    };
    match call.tool {
        "pacman" | "yay" | "paru" => {
            let queries =
                |arg: &&&str| arg.starts_with("-S") && arg.contains(['s', 'i', 'l', 'c', 'g']);
            let sync = call
                .own_args()
                .iter()
                .find(|arg| arg.starts_with("-S") || arg.starts_with("-U"));
            (sync.is_some_and(|arg| !queries(&arg)) || any(&["--sync", "--upgrade"]))
                .then_some("install/pacman")
        }
        "dpkg" => any(&["-i", "--install", "--unpack"]).then_some("install/dpkg"),
        "rpm" if any(&["-q", "--query", "-V"]) => None,
        "rpm" => any(&["-i", "-U", "-F", "--install", "--upgrade"]).then_some("install/dpkg"),
        // `python3 -m venv --upgrade-deps venv` asks for the newest pip.
        "venv" | "virtualenv" => any(&["--upgrade-deps", "--download"]).then_some("install/pip"),
        "python" | "python3" => {
            let script = call.args.iter().find(|arg| !arg.starts_with('-'))?;
            (basename(script) == "get-pip.py").then_some("install/pip")
        }
        // A new application is bundled at once.
        "rails" if call.args.first() == Some(&"new") => {
            (!call.has(&["-B", "--skip-bundle"])).then_some("install/bundle")
        }
        "nix-env" => any(&["-i", "-u", "--install", "--upgrade"]).then_some("install/nix"),
        "nix-channel" => any(&["--update", "--add"]).then_some("install/nix"),
        _ => None,
    }
}
