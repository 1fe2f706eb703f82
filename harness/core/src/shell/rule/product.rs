//! Rules for what installs beyond the common package managers: languages, toolchains, and the plugins of products.

use std::sync::LazyLock;

use super::{ByName, Invoked, Rule};
use crate::shell::{lint::Class, scope::HOLE};

const CLAUSE: &str = "PRD-002 §5.1: startup must not run package-manager resolution";
const BUILD_FIX: &str = "install it in the image's build, where its version is recorded";

const fn rule(id: &'static str, explain: &'static str, fix: &'static str) -> Rule {
    Rule {
        id,
        class: Class::Install,
        clause: CLAUSE,
        explain,
        fix,
    }
}

pub(super) static RULES: &[Rule] = &[
    rule(
        "install/plugin",
        "a product's plugin manager downloads and installs while the container boots",
        "install the plugin in the image's build; at boot only switch it on",
    ),
    rule(
        "install/steamcmd",
        "steamcmd downloads and updates a server of some gigabytes at boot",
        "update the server in the image's build, or in a job that fills its volume before the boot",
    ),
    rule(
        "install/provider",
        "providers, roles or charts are resolved from a registry while the container boots",
        "vendor them into the image (`terraform providers mirror`, `helm dependency build`) and point the tool there",
    ),
    rule(
        "install/toolchain",
        "a version manager downloads a compiler or an interpreter",
        "put that version of the toolchain into the image",
    ),
    rule(
        "install/php-extension",
        "a PHP extension is downloaded and compiled while the container boots",
        BUILD_FIX,
    ),
    rule(
        "install/perl",
        "a Perl module is downloaded from CPAN and installed",
        BUILD_FIX,
    ),
    rule(
        "install/lua",
        "luarocks downloads and installs a rock",
        BUILD_FIX,
    ),
    rule(
        "install/mix",
        "mix or rebar resolves and downloads Erlang and Elixir packages",
        "fetch the dependencies in the image's build and ship a release",
    ),
    rule("install/r", "R downloads and installs packages", BUILD_FIX),
    rule(
        "install/julia",
        "Julia resolves and downloads packages",
        BUILD_FIX,
    ),
    rule(
        "install/haskell",
        "stack or cabal resolves, downloads and compiles",
        "build the program with the image",
    ),
    rule(
        "install/opam",
        "opam resolves, downloads and compiles",
        "build the program with the image",
    ),
    rule(
        "install/dart",
        "pub resolves and downloads Dart packages",
        "run `pub get` in the image's build",
    ),
    rule(
        "install/dotnet",
        "NuGet resolves and downloads packages",
        "publish the program in the image's build",
    ),
    rule(
        "install/maven",
        "the build tool resolves and downloads dependencies while the container boots",
        "build the program with the image and start its archive",
    ),
    rule(
        "install/system",
        "a package manager of the system changes it while the container boots",
        BUILD_FIX,
    ),
];

/// A tool and what of it installs.
#[derive(Debug)]
struct Tool {
    rule: &'static str,
    names: &'static [&'static str],
    /// Options whose value is the next argument.
    values: &'static str,
    /// Runs of leading words, with a comma between them; `*` is any word, `!` none at all.
    verbs: &'static str,
}

const fn tool(
    rule: &'static str,
    names: &'static [&'static str],
    values: &'static str,
    verbs: &'static str,
) -> Tool {
    Tool {
        rule,
        names,
        values,
        verbs,
    }
}

const WP_VALUES: &str = "--path --url --ssh --user --version --locale --exec --require";

const TOOLS: &[Tool] = &[
    tool(
        "install/plugin",
        &["wp", "wp-cli", "wp-cli.phar"],
        WP_VALUES,
        "plugin install,plugin update,theme install,theme update,core download,core update,language core install,\
         language core update,language plugin install,language theme install,package install,package update,cli update",
    ),
    tool(
        "install/plugin",
        &["grafana-cli"],
        "--pluginsDir --homepath --config --repo --pluginUrl",
        "plugins install,plugins update,plugins update-all",
    ),
    tool(
        "install/plugin",
        &["grafana"],
        "--pluginsDir --homepath --config",
        "cli plugins install,cli plugins update,cli plugins update-all",
    ),
    tool(
        "install/plugin",
        &[
            "elasticsearch-plugin",
            "opensearch-plugin",
            "kibana-plugin",
            "opensearch-dashboards-plugin",
            "logstash-plugin",
            "plugin",
        ],
        "",
        "install,update",
    ),
    tool(
        "install/plugin",
        &[
            "jenkins-plugin-cli",
            "install-plugins.sh",
            "jenkins-plugin-manager",
        ],
        "",
        "*,!",
    ),
    tool(
        "install/plugin",
        &["occ"],
        "",
        "app:install,app:update,update:check,upgrade:apps",
    ),
    tool(
        "install/plugin",
        &["drush"],
        "-r --root -l --uri",
        "dl,pm-download,pm:download,up,pm-update,pm:update",
    ),
    tool(
        "install/plugin",
        &["gh"],
        "",
        "extension install,extension upgrade",
    ),
    tool("install/plugin", &["pulumi"], "", "plugin install"),
    tool(
        "install/plugin",
        &["docker", "nerdctl"],
        "",
        "plugin install",
    ),
    tool(
        "install/plugin",
        &["jupyter", "jupyter-labextension"],
        "",
        "labextension install,nbextension install,install,serverextension install,lab build",
    ),
    tool(
        "install/plugin",
        &["gcloud"],
        "",
        "components install,components update",
    ),
    tool(
        "install/plugin",
        &["az"],
        "",
        "extension add,extension update,bicep install",
    ),
    tool(
        "install/plugin",
        &[
            "sonar-plugin",
            "rundeck-plugin",
            "vault-plugin",
            "mattermost-plugin",
        ],
        "",
        "install,add",
    ),
    tool(
        "install/plugin",
        &["mmctl"],
        "",
        "plugin install,plugin add,plugin marketplace install",
    ),
    tool(
        "install/plugin",
        &["redmine-plugin", "discourse-plugin", "nodebb"],
        "",
        "install",
    ),
    tool(
        "install/plugin",
        &["openclaw", "clawdbot", "claude", "gemini"],
        "",
        "plugins install,plugin install,plugins update,extensions install,update,skills install",
    ),
    tool(
        "install/plugin",
        &["claude"],
        "-p --print --model",
        "install",
    ),
    tool(
        "install/plugin",
        &["comfy", "comfy-cli"],
        "--workspace --channel",
        "install,node install,node update,model download,manager update",
    ),
    tool(
        "install/plugin",
        &["influx-plugin", "kong-plugin", "apisix-plugin", "emqx_ctl"],
        "",
        "install,plugins install",
    ),
    tool(
        "install/provider",
        &["terraform", "tofu", "terragrunt"],
        "",
        "init,get,providers install,run-all init",
    ),
    tool(
        "install/provider",
        &["ansible-galaxy"],
        "-p --roles-path -r --role-file -s --server",
        "install,role install,collection install,collection download",
    ),
    tool(
        "install/provider",
        &["helm", "helm3"],
        "-n --namespace --kube-context --kubeconfig --version",
        "repo add,repo update,pull,fetch,dependency update,dependency build,dep update,dep up,dep build,plugin install,plugin update",
    ),
    tool(
        "install/provider",
        &["helmfile"],
        "-f --file -e --environment",
        "deps,repos",
    ),
    tool(
        "install/provider",
        &["kubectl"],
        "-n --namespace --context --kubeconfig",
        "krew install,krew upgrade,krew update",
    ),
    tool("install/provider", &["packer"], "", "init"),
    tool(
        "install/plugin",
        &["bench"],
        "--site --frappe-branch --frappe-path --python --branch --apps_path",
        "init,get-app,get,update,setup requirements",
    ),
    tool(
        "install/plugin",
        &["moosh", "vagrant"],
        "-p --path",
        "plugin-install,plugin install,plugin update,box add",
    ),
    tool(
        "install/provider",
        &["kubectl-krew", "krew"],
        "",
        "install,upgrade,update",
    ),
    tool(
        "install/toolchain",
        &[
            "nvm", "fnm", "nodenv", "pyenv", "rbenv", "goenv", "jenv", "rvm", "tfenv", "tgenv",
            "volta", "proto", "gvm", "phpenv", "swiftly", "ghcup", "juliaup", "chruby", "rtx",
            "mise", "asdf", "pkgx", "bob",
        ],
        "",
        "install,plugin add,plugin-add,plugin install,fetch,use --install,get",
    ),
    tool(
        "install/toolchain",
        &["sdk"],
        "",
        "install,i,update,upgrade,selfupdate",
    ),
    tool("install/toolchain", &["n"], "", "latest,lts,stable,install"),
    tool("install/toolchain", &["mise", "rtx"], "", "use"),
    tool(
        "install/toolchain",
        &["sdkmanager"],
        "--sdk_root --channel",
        "*",
    ),
    tool(
        "install/toolchain",
        &["proto", "devbox"],
        "",
        "install,add,use",
    ),
    tool(
        "install/php-extension",
        &["pecl", "pear"],
        "-d",
        "install,upgrade,upgrade-all,update-channels,channel-update",
    ),
    tool(
        "install/php-extension",
        &["docker-php-ext-install", "install-php-extensions"],
        "",
        "*",
    ),
    tool(
        "install/php-extension",
        &["phive", "pickle", "pie"],
        "",
        "install,update",
    ),
    tool(
        "install/perl",
        &["cpan", "cpanm", "cpm", "cpanp"],
        "-l -L --local-lib --mirror",
        "*",
    ),
    tool("install/perl", &["carton"], "", "install,update"),
    tool(
        "install/lua",
        &["luarocks"],
        "--tree --server --lua-version",
        "install,build,make,download,upgrade",
    ),
    tool("install/lua", &["lit", "lux"], "", "install,add"),
    tool(
        "install/mix",
        &["mix"],
        "",
        "deps.get,do deps.get,do local.hex,deps.update,local.hex,local.rebar,archive.install,escript.install,setup",
    ),
    tool(
        "install/mix",
        &["rebar", "rebar3"],
        "",
        "get-deps,upgrade,update-deps",
    ),
    tool(
        "install/r",
        &[
            "install2.r",
            "install.r",
            "installGithub.r",
            "installBioc.r",
            "installDeps.r",
            "r-install",
        ],
        "",
        "*",
    ),
    tool(
        "install/haskell",
        &["stack"],
        "--resolver",
        "setup,install,update,build",
    ),
    tool(
        "install/haskell",
        &["cabal"],
        "",
        "install,update,fetch,v2-install,new-install",
    ),
    tool(
        "install/opam",
        &["opam"],
        "--switch",
        "install,update,upgrade,init,switch create",
    ),
    tool(
        "install/dart",
        &["dart", "flutter"],
        "",
        "pub get,pub add,pub upgrade,pub global activate,upgrade,precache",
    ),
    tool("install/dart", &["pub"], "", "get,upgrade,global activate"),
    tool(
        "install/dotnet",
        &["dotnet"],
        "",
        "restore,tool install,tool update,tool restore,workload install,workload restore,add package,new install,nuget add",
    ),
    tool("install/dotnet", &["nuget"], "", "install,restore,update"),
    tool(
        "install/maven",
        &["mvn", "mvnw", "mvnd"],
        "-f --file -pl -s --settings -P -D -T",
        "install,package,verify,deploy,clean install,clean package,clean verify,clean deploy,clean compile,compile,dependency:resolve,dependency:get,dependency:copy,dependency:go-offline,dependency:copy-dependencies",
    ),
    tool(
        "install/maven",
        &["gradle", "gradlew"],
        "-p --project-dir -b --build-file",
        "build,assemble,clean build,dependencies,installDist,shadowJar,bootJar,clean assemble",
    ),
    tool("install/maven", &["lein"], "", "deps,install,uberjar"),
    tool(
        "install/maven",
        &["sbt"],
        "",
        "update,compile,assembly,stage,package",
    ),
    tool(
        "install/maven",
        &["coursier", "cs"],
        "",
        "install,fetch,bootstrap,setup",
    ),
    tool(
        "install/system",
        &[
            "snap", "flatpak", "guix", "swupd", "eopkg", "opkg", "port", "pkg", "xbps", "urpmi",
            "slackpkg", "pkgin", "ipkg", "conan", "vcpkg", "scoop", "choco", "winget",
        ],
        "",
        "install,refresh,update,upgrade,add,package -i,bundle-add",
    ),
    tool(
        "install/system",
        &["tlmgr"],
        "--repository",
        "install,update,option repository",
    ),
    tool("install/system", &["quarto"], "", "install,add,update"),
    tool(
        "install/system",
        &["emerge", "xbps-install", "pkg_add", "swupd-client"],
        "",
        "*",
    ),
    tool(
        "install/apt",
        &[
            "apt-install",
            "install_packages",
            "install-packages",
            "apt-get-install",
            "add-apt-repository",
            "apt-add-repository",
            "apt-fast",
            "tasksel",
            "extrepo",
        ],
        "",
        "*",
    ),
    tool("install/apk", &["apk-install"], "", "*"),
    tool("install/dnf", &["yum-install", "dnf-install"], "", "*"),
    tool(
        "install/gem",
        &["fluent-gem", "td-agent-gem", "jgem", "gosu-gem"],
        "",
        "install,update",
    ),
    tool(
        "install/pip",
        &["install_pip_packages", "pip-install", "pip-compile-multi"],
        "",
        "*",
    ),
    tool(
        "install/npm",
        &["cnpm", "tnpm", "nci", "ni"],
        "--registry",
        "install,i,ci,!",
    ),
    tool(
        "install/npm",
        &["npm-check-updates", "ncu", "lerna"],
        "",
        "bootstrap,-u",
    ),
    tool("install/npm", &["rush"], "", "install,update"),
    tool(
        "install/npm",
        &["jspm", "bower", "expo"],
        "",
        "install,i,update",
    ),
    tool(
        "install/nix",
        &["devenv", "home-manager"],
        "",
        "shell,up,switch,update",
    ),
    tool(
        "install/pip",
        &["pre-commit"],
        "",
        "install-hooks,autoupdate",
    ),
    tool("install/bundle", &["pod"], "", "install,update,repo update"),
    tool(
        "install/conda",
        &["pixi", "mamba-build"],
        "",
        "install,add,update,global install",
    ),
];

static BY_NAME: LazyLock<ByName<Tool>> = LazyLock::new(|| ByName::of(TOOLS, |tool| tool.names));

/// The rule that a command breaks, by its id.
pub(super) fn judge(call: &Invoked<'_>) -> Option<&'static str> {
    by_code(call).or_else(|| by_words(call)).or_else(|| {
        BY_NAME
            .get(call.tool)
            .find(|tool| asks(tool, call))
            .map(|tool| tool.rule)
    })
}

fn asks(tool: &Tool, call: &Invoked<'_>) -> bool {
    let words = call.words(tool.values);
    tool.verbs.split(',').any(|verb| match verb.trim() {
        // `install-php-extensions $EXTENSIONS`: whatever it is, it is one.
        "*" => !words.is_empty() || call.args.contains(&HOLE),
        "!" => words.is_empty() && !call.args.contains(&HOLE),
        verb => verb
            .split(' ')
            .enumerate()
            // `mix do deps.get, compile`
            .all(|(at, part)| words.get(at).map(|word| word.trim_end_matches(',')) == Some(part)),
    })
}

/// Settings of `winetricks`: its other verbs download runtimes and fonts.
const WINETRICKS_SETTINGS: [&str; 14] = [
    "annihilate",
    "apps",
    "dlls",
    "folder",
    "fonts",
    "games",
    "isolate_home",
    "nocrashdialog",
    "nt40",
    "prefix",
    "sandbox",
    "settings",
    "taskmgr",
    "vista",
];

/// Tools whose words tell what they install.
fn by_words(call: &Invoked<'_>) -> Option<&'static str> {
    match call.tool {
        // LinuxGSM: `./gmodserver auto-install`.
        _ if call.args.first() == Some(&"auto-install") => Some("install/steamcmd"),
        "pwsh" | "powershell" => {
            let verbs = ["Install-Module", "Install-Package", "Install-PSResource"];
            let mut args = call.args.iter();
            let any = args.any(|arg| verbs.iter().any(|verb| arg.contains(verb)));
            any.then_some("install/system")
        }
        "winetricks" => {
            // `win10`, `sound=alsa`, `list-all`.
            let sets = |verb: &str| {
                verb.contains('=')
                    || verb.starts_with("list")
                    || verb.starts_with("win")
                    || WINETRICKS_SETTINGS.contains(&verb)
            };
            let mut verbs = call.places("--country").into_iter();
            verbs.any(|verb| !sets(verb)).then_some("install/system")
        }
        _ => None,
    }
}

/// Tools of which an option, an argument or a piece of code tells what they do.
fn by_code(call: &Invoked<'_>) -> Option<&'static str> {
    let value = |flags: &[&str]| {
        let at = call.args.iter().position(|arg| flags.contains(arg))?;
        call.args.get(at + 1).copied()
    };
    match call.tool {
        "steamcmd" | "steamcmd.sh" | "linux32-steamcmd" | "DepotDownloader" | "depotdownloader" => {
            let gets = |arg: &&str| {
                [
                    "app_update",
                    "app_install",
                    "workshop_download_item",
                    "download_depot",
                    "-app",
                    "runscript",
                ]
                .iter()
                .any(|verb| arg.contains(verb))
            };
            // Without a script or a command it only updates itself, which is a download as well.
            let any = call.args.iter().any(gets) || call.args.contains(&"+quit");
            any.then_some("install/steamcmd")
        }
        "code" | "code-server" | "codium" | "openvscode-server" | "code-insiders" | "cursor"
        | "positron" | "azuredatastudio" => {
            let installs = |arg: &&str| arg.starts_with("--install-extension");
            (call.args.iter().any(installs)
                || call.has(&["--install-builtin-extension", "--update-extensions"]))
            .then_some("install/plugin")
        }
        "vim" | "nvim" | "vi" => {
            let verbs = [
                "PlugInstall",
                "PlugUpdate",
                "Lazy! sync",
                "Lazy sync",
                "PackerSync",
                "PackerInstall",
                "PluginInstall",
                "MasonInstall",
                "TSInstall",
                "TSUpdate",
            ];
            let installs = |arg: &&str| verbs.iter().any(|verb| arg.contains(verb));
            call.args.iter().any(installs).then_some("install/plugin")
        }
        "R" if matches!(call.args, ["CMD", "INSTALL", ..]) => Some("install/r"),
        "fnm" if call.has(&["--install-if-missing"]) => Some("install/toolchain"),
        "R" | "Rscript" | "r" | "littler" => {
            let calls = [
                "install.packages(",
                "install_github(",
                "BiocManager::install(",
                "pak::p",
                "renv::restore(",
                "renv::install(",
                "install_version(",
                "install_deps(",
                "install_local(",
            ];
            let code = value(&["-e", "--eval"])?;
            calls
                .iter()
                .any(|call| code.contains(call))
                .then_some("install/r")
        }
        "julia" => {
            let code = value(&["-e", "--eval", "-E"])?;
            [
                "Pkg.add(",
                "Pkg.instantiate(",
                "Pkg.update(",
                "Pkg.develop(",
                "pkg\"add",
            ]
            .iter()
            .any(|call| code.contains(call))
            .then_some("install/julia")
        }
        _ => by_arguments(call),
    }
}

/// Interpreters and build tools of which an argument tells what they do.
fn by_arguments(call: &Invoked<'_>) -> Option<&'static str> {
    match call.tool {
        // `helm upgrade --install x repo/chart`: a chart that no directory holds comes from a repository.
        "helm" | "helm3" => {
            let words = call.words(
                "-n --namespace --kube-context --kubeconfig --version -f --values --set --timeout",
            );
            let chart = match words.as_slice() {
                ["install" | "template", chart] => chart,
                ["install" | "upgrade" | "template", _, chart, ..] => chart,
                _ => return None,
            };
            let remote = chart.contains("://") || !chart.starts_with(['.', '/', '~']);
            (remote && chart.contains('/') && !chart.ends_with(".tgz") || call.has(&["--repo"]))
                .then_some("install/provider")
        }
        "perl" => call
            .args
            .iter()
            .any(|arg| matches!(*arg, "-MCPAN" | "-MCPAN=install"))
            .then_some("install/perl"),
        // `python -m cobaya.install`: a module that brings what the package works on.
        tool if tool.ends_with(".install") && !tool.contains('/') && !call.args.is_empty() => {
            Some("install/pip")
        }
        "python" | "python3" => {
            let script = call.args.iter().position(|arg| !arg.starts_with('-'))?;
            let setup = call.args.get(script)?.rsplit('/').next() == Some("setup.py");
            let verb = call.args.get(script + 1).copied();
            (setup && matches!(verb, Some("install" | "develop" | "easy_install")))
                .then_some("install/pip")
        }
        // `n 18`, `n 20.1.0`.
        "n" => {
            let version = |arg: &&str| arg.starts_with(|c: char| c.is_ascii_digit());
            call.args
                .first()
                .is_some_and(version)
                .then_some("install/toolchain")
        }
        "deno" => {
            let words = call.words("");
            let remote = |word: &&&str| {
                ["http://", "https://", "npm:", "jsr:"]
                    .iter()
                    .any(|scheme| word.starts_with(scheme))
            };
            (words.first() == Some(&"run") && words.get(1).filter(remote).is_some())
                .then_some("install/deno")
        }
        // `go run tool@latest` downloads it; `go run .` does not have to.
        "go" => {
            let words = call.words("-C -tags -ldflags -mod");
            (words.first() == Some(&"run") && words.get(1).is_some_and(|word| word.contains('@')))
                .then_some("install/go")
        }
        // `uv run --with x`: resolved for this one run.
        "uv" => {
            let runs = call.words("").first() == Some(&"run");
            let with = call.own_args().iter().any(|arg| {
                *arg == "--with" || arg.starts_with("--with=") || arg.starts_with("--with-")
            });
            (runs && with).then_some("install/uv")
        }
        _ => None,
    }
}
