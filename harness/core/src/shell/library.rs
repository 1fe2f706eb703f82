//! Functions that a script defines and does not call: dead, unless it is a library or calls them by a name that only the run knows.

use std::rc::Rc;

use super::{
    code::Unit,
    idiom::basename,
    scope::HOLE,
    walk::{At, Flow, Walk},
};

/// Commands that a library has at its top.
const IDLE: [&str; 16] = [
    "set", "shopt", "readonly", "export", "declare", "typeset", "local", "unset", "source", ".",
    "test", "return", "true", ":", "alias", "umask",
];

impl Walk<'_> {
    /// Takes note of a command: whether the script acts, and whether its name may be that of any function.
    pub(super) fn note(&mut self, name: &str, plain: bool) {
        if let Some((start, _)) = name.split_once(HOLE)
            && plain
            && !name.contains('/')
        {
            self.dynamic.insert(start.to_owned());
        }
        self.acted |= !IDLE.contains(&basename(name));
    }

    /// Runs the functions that nothing called but that something may call. Whatever else it does, `#!/bin/false` stands
    /// on a text that others source for its functions.
    pub(super) fn unreached(&mut self, text: &str) {
        let library = !self.acted || text.starts_with("#!/bin/false");
        for id in 0..self.functions.len() {
            let Some(function) = self.functions.get(id).cloned() else {
                return;
            };
            let named = self
                .dynamic
                .iter()
                .any(|start| function.name.starts_with(start.as_str()));
            if self.entered.contains(&id) || !(library || named) {
                continue;
            }
            self.entered.insert(id);
            self.scope.set("@", vec![vec![HOLE.to_owned()]]);
            self.trail = vec![format!("{}() by its name", function.name)];
            self.active.push(id);
            self.locals.push(std::collections::BTreeMap::new());
            let unit: Rc<Unit> = Rc::clone(&function.unit);
            let _: Flow = self.in_unit(&unit, |walk| walk.run(&function.body, At::default()));
            for (name, old) in self.locals.pop().unwrap_or_default() {
                self.scope.restore(&name, old);
            }
            self.active.pop();
            self.trail.clear();
        }
        self.pending();
    }
}
