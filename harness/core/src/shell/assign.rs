//! Assignments: what a variable may be after them.

use super::{
    expand,
    scope::{Fields, HOLE},
    syntax::{Assign, Assignments},
    walk::{At, Walk},
};

impl Walk<'_> {
    pub(super) fn assignments(&mut self, all: &Assignments, at: At) {
        // The status of a bare assignment is that of its substitution.
        let swallow = at.swallow.filter(|_| all.keyword.is_empty());
        for assign in &all.list {
            for word in &assign.words {
                self.substitutions_at(
                    word,
                    At {
                        value: true,
                        swallow,
                        ..At::default()
                    },
                );
            }
            if all.keyword == "local" {
                self.localize(&assign.name);
            }
            self.assign(assign);
        }
        if matches!(all.keyword.as_str(), "export" | "declare" | "typeset") {
            let names = all.list.iter().map(|assign| &assign.name).chain(&all.names);
            for name in names.filter(|name| !name.is_empty()) {
                self.scope.export(name);
            }
        }
        for name in all.names.iter().filter(|_| all.keyword == "local") {
            self.localize(name);
            self.scope.set_one(name, "");
        }
    }

    fn localize(&mut self, name: &str) {
        let old = self.scope.known(name).map(<[Fields]>::to_vec);
        if let Some(frame) = self.locals.last_mut() {
            frame.entry(name.to_owned()).or_insert(old);
        }
    }

    pub(super) fn assign(&mut self, assign: &Assign) {
        if assign.name.is_empty() {
            return;
        }
        let mut values: Vec<Fields> = if assign.array {
            let lists = expand::command(&assign.words, &self.scope);
            lists
                .into_iter()
                .map(|list| list.into_iter().map(|field| field.text).collect())
                .collect()
        } else {
            let texts = assign
                .words
                .iter()
                .flat_map(|word| expand::texts(word, &self.scope));
            texts.map(|text| vec![text]).collect()
        };
        if assign.element {
            values = vec![vec![HOLE.to_owned()]];
        } else if assign.append {
            let before = self.scope.get(&assign.name);
            values = appended(&before, &values, assign.array);
        }
        self.scope.set(&assign.name, values);
    }
}

fn appended(before: &[Fields], added: &[Fields], array: bool) -> Vec<Fields> {
    let joined = before.iter().flat_map(|old| {
        added.iter().map(move |new| {
            let mut all = old.clone();
            if array {
                all.extend(new.iter().cloned());
            } else {
                let text = new.concat();
                match all.first_mut() {
                    Some(first) => first.push_str(&text),
                    None => all.push(text),
                }
            }
            all
        })
    });
    joined.take(64).collect()
}
