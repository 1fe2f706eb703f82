//! Every rule with its id, clause, law and fix: what reports, waivers and code scanning know it by.

use super::Verify as Room;

/// A rule.
#[derive(Debug, PartialEq, Eq)]
pub struct Rule {
    /// Its stable id.
    pub id: &'static str,
    /// The room that judges it.
    pub room: Room,
    /// The clause of the contract that it comes from.
    pub clause: &'static str,
    /// What must hold.
    pub about: &'static str,
    /// What to do about a finding, unless the finding knows better.
    pub fix: &'static str,
}

macro_rules! rules {
    ($($name:ident = $room:ident, $id:literal, $clause:literal, $about:literal, $fix:literal;)*) => {
        $(#[doc = $about]
        pub static $name: Rule = Rule {
            id: $id,
            room: Room::$room,
            clause: $clause,
            about: $about,
            fix: $fix,
        };)*
        static ALL: &[&Rule] = &[$(&$name),*];
    };
}

/// All rules, by room.
#[must_use]
pub fn rules() -> &'static [&'static Rule] {
    ALL
}

rules! {
    MANIFEST_UNREADABLE = Manifest, "manifest/unreadable", "PRD-002 §5.3",
        "the manifest can be read", "correct the manifest, or the subject's `manifest`";
    MANIFEST_FLAG = Manifest, "manifest/no-such-flag", "PRD-002 §5.3",
        "every `when` of the subject is a flag of the manifest", "correct the artifact's `when`, or add the flag to the manifest";
    MANIFEST_UNKNOWN = Manifest, "manifest/unknown-feature", "PRD-002 §5.3",
        "every feature that the manifest switches on is one that the subject knows", "declare the feature's artifacts in the subject with `when`, or switch it off";
    MANIFEST_MISSING = Manifest, "manifest/missing-artifact", "PRD-002 §5.2",
        "the image holds what its manifest switches on", "build it into the image, or switch the feature off";
    CLOSURE_EXECUTABLE = Closure, "closure/not-executable", "PRD-002 §5.2",
        "what is run has an execute bit", "set it when the image is built: `chmod +x`";
    CLOSURE_MISSING = Closure, "closure/missing-executable", "PRD-002 §5.2",
        "what the boot runs is in the image", "build it into the image, or correct the command";
    CLOSURE_LINK = Closure, "closure/dangling-link", "PRD-002 §5.2",
        "a link leads to a file of the image", "ship what the link points to";
    CLOSURE_INTERPRETER = Closure, "closure/interpreter", "PRD-002 §5.2",
        "the interpreter of a script is in the image", "ship the interpreter, or correct the `#!` line";
    CLOSURE_LOADER = Closure, "closure/loader", "PRD-002 §5.2",
        "the dynamic loader that an executable names is in the image", "use a binary made for the libc of this image, or ship that libc";
    CLOSURE_LIBRARY = Closure, "closure/library", "PRD-002 §5.2",
        "every shared library that an executable needs is found by its loader", "ship the library where the loader looks for it";
    CLOSURE_SYMBOL_VERSION = Closure, "closure/symbol-version", "PRD-002 §5.2",
        "the libraries of the image have the symbol versions that its executables need", "build against the libc of the image, or use a newer base image";
    CLOSURE_MACHINE = Closure, "closure/machine", "PRD-002 §5.2",
        "every executable is for the machine of the image", "ship the build for the image's platform";
    LOCK_UNREADABLE = Closure, "closure/lock-unreadable", "PRD-002 §5.2",
        "a lock file can be read", "write the lock file anew with its package manager";
    LOCK_MISSING = Closure, "closure/lock-missing", "PRD-002 §5.2",
        "`node_modules` holds every package of its lock file", "install from the lock file when the image is built: `npm ci`";
    LOCK_VERSION = Closure, "closure/lock-version", "PRD-002 §5.2",
        "every package in `node_modules` has the version of its lock file", "install from the lock file when the image is built: `npm ci`";
    LOCK_EXTRA = Closure, "closure/lock-extra", "PRD-002 §5.2",
        "`node_modules` holds no package that its lock file does not know", "install from the lock file when the image is built: `npm ci`";
    ENV_PATH = Environment, "env/missing-path", "PRD-002 §5.2",
        "a path that the environment names is in the image", "ship it, or correct the variable";
    ENV_BROWSER = Environment, "env/browser", "PRD-002 §5.2",
        "the browser that the environment names is in the image", "build the browser into the image, or correct the variable";
    ENV_HEALTHCHECK = Environment, "env/healthcheck", "PRD-002 §5.2",
        "what the health check runs is in the image", "ship the command, or check with one that is there";
    ENV_SUPERVISOR = Environment, "env/supervisor", "PRD-002 §5.2",
        "what a supervisor starts is in the image", "ship the program, or take its section out";
    PACKAGE_EXPORT = Packaging, "package/missing-export", "seed 000",
        "every name that a static import asks for is exported", "import the default and take the name from it, or bundle the packages into one file";
    PACKAGE_UNRESOLVED = Packaging, "package/unresolved-import", "seed 000",
        "every import resolves with the algorithm of Node", "ship the package where Node looks for it, or bundle it";
    PACKAGE_EXTERNAL = Packaging, "package/external-unresolved", "seed 000",
        "every bare import that a bundle leaves external resolves from the bundle's place", "install the package where Node finds it from the bundle (a hoisted `node_modules` beside or above it), or bundle it";
    PACKAGE_RELATIVE = Packaging, "package/relative-left-out", "seed 000",
        "no relative import is left out of a bundle", "bundle the file, or copy it beside the bundle";
    PACKAGE_INLINED_NATIVE = Packaging, "package/inlined-native", "seed 000",
        "a package with a native addon stays outside a bundle", "mark it external in the bundler and install it beside the bundle";
    PACKAGE_INLINED_HOOKED = Packaging, "package/inlined-hooked", "seed 000",
        "a package that hooks into loading, or starts workers from its own files, stays outside a bundle", "mark it external in the bundler and install it beside the bundle";
    PACKAGE_SYNTAX = Packaging, "package/syntax", "seed 000",
        "a module that the boot imports can be parsed", "ship what the runtime can read: build the file first";
    PACKAGE_RUNTIME = Packaging, "package/wrong-runtime", "seed 000",
        "the boot runs the runtime that its native addons are made for", "start the application with `node`";
    NATIVE_SYMBOL = Addons, "native/undefined-symbol", "seed 000",
        "the runtime exports every symbol that a native addon needs", "run the application on the Node that the addon was built for, or use an addon with Node-API";
    NATIVE_MODULE_VERSION = Addons, "native/module-version", "seed 000",
        "an addon was built for the `NODE_MODULE_VERSION` of the runtime", "rebuild it in the image's build: `npm rebuild`";
    NATIVE_LIBRARY = Addons, "native/library", "PRD-002 §5.2",
        "every shared library that an addon needs is found by the loader", "ship the library where the loader looks for it";
    NATIVE_GLIBC = Addons, "native/glibc", "PRD-002 §5.2",
        "the libraries of the image have the symbol versions that an addon needs", "build the addon in this base image, or use a newer one";
    NATIVE_MACHINE = Addons, "native/machine", "PRD-002 §5.2",
        "an addon is for the machine of the image", "install the packages on the image's own platform";
    NATIVE_NO_ADDON = Addons, "native/no-addon", "PRD-002 §5.2",
        "a package that loads an addon has one for this runtime and platform", "install it in the image's build with its install script: `npm rebuild`";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_unique_and_begin_with_a_known_word() {
        let mut ids: Vec<&str> = rules().iter().map(|rule| rule.id).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), rules().len());
        let words = ["manifest", "closure", "env", "package", "native"];
        assert!(ids.iter().all(|id| {
            let word = id.split_once('/').map(|(word, _)| word);
            word.is_some_and(|word| words.contains(&word))
        }));
    }
}
