//! What a script knows at one point: the values a variable may have, the functions a name may mean.

use std::collections::{BTreeMap, BTreeSet};

/// Stands in a value for text that only the run knows. A private-use character: no script has it, and it
/// is an ordinary letter to the parser.
pub(super) const HOLE: &str = "\u{f8ff}";
/// Values kept of one variable; more are as good as unknown.
const MAX_VALUES: usize = 64;

/// Elements kept of one array, and bytes of one text: beyond them a value is unknown.
const MAX_FIELDS: usize = 256;
const MAX_TEXT: usize = 32 << 10;

/// One possible value: a scalar has one field, an array any number.
pub(super) type Fields = Vec<String>;

/// Names and what each may mean, with a journal so that a branch can be taken back and joined.
#[derive(Debug)]
struct Table<V> {
    map: BTreeMap<String, Vec<V>>,
    journal: Vec<BTreeMap<String, Option<Vec<V>>>>,
}

impl<V: Clone + PartialEq> Table<V> {
    fn new() -> Self {
        Self {
            map: BTreeMap::new(),
            journal: Vec::new(),
        }
    }

    /// Whether this changed anything.
    fn set(&mut self, name: &str, values: Option<Vec<V>>) -> bool {
        if self.map.get(name) == values.as_ref() {
            return false;
        }
        let old = match values {
            Some(values) => self.map.insert(name.to_owned(), values),
            None => self.map.remove(name),
        };
        if let Some(journal) = self.journal.last_mut() {
            journal.entry(name.to_owned()).or_insert(old);
        }
        true
    }

    fn begin(&mut self) {
        self.journal.push(BTreeMap::new());
    }

    /// Takes everything back since `begin`, and says what it had become.
    fn undo(&mut self) -> BTreeMap<String, Vec<V>> {
        let mut changed = BTreeMap::new();
        for (name, old) in self.journal.pop().unwrap_or_default() {
            let new = match old {
                Some(old) => self.map.insert(name.clone(), old),
                None => self.map.remove(&name),
            };
            changed.insert(name, new.unwrap_or_default());
        }
        changed
    }

    /// Each name may now mean what any of the branches made of it; `unset` is what a name means that a
    /// branch did not set.
    fn join(
        &mut self,
        branches: &[&BTreeMap<String, Vec<V>>],
        exhaustive: bool,
        unset: &[V],
    ) -> bool {
        let names: BTreeSet<&String> = branches.iter().flat_map(|branch| branch.keys()).collect();
        let mut changed = false;
        for name in names {
            let before = self
                .map
                .get(name)
                .map_or_else(|| unset.to_vec(), Clone::clone);
            let mut values: Vec<V> = if exhaustive {
                Vec::new()
            } else {
                before.clone()
            };
            for branch in branches {
                for value in branch.get(name).unwrap_or(&before) {
                    if !values.contains(value) {
                        values.push(value.clone());
                    }
                }
            }
            values.truncate(MAX_VALUES);
            changed |= self.set(name, Some(values));
        }
        changed
    }
}

/// What a branch changed.
#[derive(Debug)]
pub(super) struct Changes {
    vars: BTreeMap<String, Vec<Fields>>,
    functions: BTreeMap<String, Vec<usize>>,
}

/// Variables, functions and exports of one shell process.
#[derive(Debug)]
pub(super) struct Scope {
    vars: Table<Fields>,
    functions: Table<usize>,
    exports: BTreeSet<String>,
    /// Grows with every change, so that a call seen before can be told from a new one.
    pub(super) generation: u64,
}

impl Scope {
    /// An empty scope; `generation` is that of the shell before it, because no two states share one.
    pub(super) fn new(generation: u64) -> Self {
        Self {
            vars: Table::new(),
            functions: Table::new(),
            exports: BTreeSet::new(),
            generation,
        }
    }

    /// The possible values of a variable; one unknown value when nothing assigned it.
    pub(super) fn get(&self, name: &str) -> Vec<Fields> {
        self.known(name)
            .map_or_else(|| vec![vec![HOLE.to_owned()]], <[Fields]>::to_vec)
    }

    /// The possible values, if the script assigned any.
    pub(super) fn known(&self, name: &str) -> Option<&[Fields]> {
        self.vars.map.get(name).map(Vec::as_slice)
    }

    pub(super) fn set(&mut self, name: &str, mut values: Vec<Fields>) {
        if values.len() > MAX_VALUES {
            values.truncate(MAX_VALUES);
            values.push(vec![HOLE.to_owned()]);
        }
        for fields in &mut values {
            if fields.len() > MAX_FIELDS || fields.iter().any(|text| text.len() > MAX_TEXT) {
                *fields = vec![HOLE.to_owned()];
            }
        }
        self.generation += u64::from(self.vars.set(name, Some(values)));
    }

    pub(super) fn set_one(&mut self, name: &str, value: impl Into<String>) {
        self.set(name, vec![vec![value.into()]]);
    }

    /// Gives a variable back what `known` said before a call.
    pub(super) fn restore(&mut self, name: &str, values: Option<Vec<Fields>>) {
        self.generation += u64::from(self.vars.set(name, values));
    }

    pub(super) fn functions(&self, name: &str) -> &[usize] {
        self.functions
            .map
            .get(name)
            .map(Vec::as_slice)
            .unwrap_or_default()
    }

    pub(super) fn define(&mut self, name: &str, function: usize) {
        self.generation += u64::from(self.functions.set(name, Some(vec![function])));
    }

    pub(super) fn export(&mut self, name: &str) {
        self.exports.insert(name.to_owned());
    }

    /// What a child process inherits.
    pub(super) fn exported(&self) -> Vec<(String, Vec<Fields>)> {
        let known = |name: &String| Some((name.clone(), self.known(name)?.to_vec()));
        self.exports.iter().filter_map(known).collect()
    }

    pub(super) fn begin(&mut self) {
        self.vars.begin();
        self.functions.begin();
    }

    pub(super) fn undo(&mut self) -> Changes {
        let changes = Changes {
            vars: self.vars.undo(),
            functions: self.functions.undo(),
        };
        self.generation += u64::from(!changes.vars.is_empty() || !changes.functions.is_empty());
        changes
    }

    pub(super) fn join(&mut self, branches: &[Changes], exhaustive: bool) {
        let vars: Vec<_> = branches.iter().map(|branch| &branch.vars).collect();
        let functions: Vec<_> = branches.iter().map(|branch| &branch.functions).collect();
        let unknown = [vec![HOLE.to_owned()]];
        let changed = self.vars.join(&vars, exhaustive, &unknown);
        self.generation += u64::from(self.functions.join(&functions, exhaustive, &[]) || changed);
    }
}
