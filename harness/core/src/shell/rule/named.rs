//! Commands that a script keeps in variables, known by what those are called: `"$PYTHON" -m pip install x`.

/// Tools that a variable is named after.
const NAMED: [&str; 50] = [
    "pip",
    "pip3",
    "npm",
    "npx",
    "pnpm",
    "yarn",
    "apt",
    "apt-get",
    "apk",
    "composer",
    "bundle",
    "gem",
    "conda",
    "mamba",
    "micromamba",
    "uv",
    "uvx",
    "poetry",
    "pipenv",
    "steamcmd",
    "curl",
    "wget",
    "hf",
    "huggingface-cli",
    "python",
    "python2",
    "python3",
    "php",
    "node",
    "ruby",
    "bun",
    "deno",
    "bash",
    "git",
    "docker",
    "docker-compose",
    "mvn",
    "gradle",
    "go",
    "cargo",
    "psql",
    "mysql",
    "wp",
    "drush",
    "occ",
    "rails",
    "rake",
    "artisan",
    "console",
    "sudo",
];

/// What stands for a variable that holds a command: a tool, or a tool and its verb.
pub(in crate::shell) fn named(variable: &str) -> Option<Vec<&'static str>> {
    let variable = variable.to_ascii_lowercase();
    let ends = ["_bin", "_cmd", "_exe", "_path", "_command"];
    let stem = ends.iter().fold(variable.as_str(), |name, end| {
        name.strip_suffix(end).unwrap_or(name)
    });
    // `$APT_INSTALL curl`: the tool and its verb.
    let (stem, verb) = match stem.strip_suffix("_install") {
        Some(tool) => (tool, Some("install")),
        None => (stem, None),
    };
    let last = stem.rsplit('_').next().unwrap_or(stem);
    let tool = match last {
        _ if stem.ends_with("apt_get") => "apt-get",
        _ if stem.ends_with("docker_compose") => "docker-compose",
        "py" => "python",
        "sh" | "shell" => "bash",
        // `$AS_ROOT`: empty for root, as `$SUDO` is.
        "doas" => "sudo",
        "root" if stem.ends_with("as_root") => "sudo",
        last => last,
    };
    let tool = NAMED.iter().find(|named| **named == tool)?;
    Some(std::iter::once(*tool).chain(verb).collect())
}
