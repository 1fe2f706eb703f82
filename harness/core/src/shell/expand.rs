//! Words to fields: every value that the script itself makes possible, holes for the rest.

use super::{
    idiom,
    scope::{Fields, HOLE, Scope},
    syntax::{Part, Var, VarOp, Word},
};

/// Alternatives kept of one command; what is beyond them becomes a hole.
const MAX_ALTERNATIVES: usize = 64;

/// One argument, and the word of the command that it came from.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Field {
    pub(super) text: String,
    pub(super) word: usize,
}

/// The possible argument lists of a command.
pub(super) fn command(words: &[Word], scope: &Scope) -> Vec<Vec<Field>> {
    let mut lists: Vec<Vec<Field>> = vec![Vec::new()];
    for (word, source) in words.iter().enumerate() {
        // Most words are literal: one field, the same in every list.
        if let Some(text) = source.as_literal().filter(|_| !source.parts.is_empty()) {
            for list in &mut lists {
                list.push(Field {
                    text: text.clone().into_owned(),
                    word,
                });
            }
            continue;
        }
        let mut values = fields(source, scope);
        if values.len() * lists.len() > MAX_ALTERNATIVES {
            values = vec![vec![coarse(source)]];
        }
        if let [value] = values.as_slice() {
            for list in &mut lists {
                list.extend(value.iter().map(|text| Field {
                    text: text.clone(),
                    word,
                }));
            }
            continue;
        }
        lists = lists
            .iter()
            .flat_map(|list| {
                values.iter().map(move |value| {
                    let added = value.iter().map(|text| Field {
                        text: text.clone(),
                        word,
                    });
                    list.iter().cloned().chain(added).collect()
                })
            })
            .collect();
    }
    lists
}

/// A word of which only the literal text is told: code in an argument is code whatever its variables are.
fn coarse(word: &Word) -> String {
    let piece = |part: &Part| match part {
        Part::Text(text) => text.clone(),
        Part::Var(_) | Part::Sub(_) | Part::Unknown => HOLE.to_owned(),
    };
    word.parts.iter().map(piece).collect()
}

/// The possible texts of a word that is not split, as in an assignment.
pub(super) fn texts(word: &Word, scope: &Scope) -> Vec<String> {
    let mut texts: Vec<_> = fields_of(word, scope, false)
        .into_iter()
        .map(|fields| fields.join(" "))
        .collect();
    texts.dedup();
    texts
}

/// The possible fields of a word.
pub(super) fn fields(word: &Word, scope: &Scope) -> Vec<Fields> {
    fields_of(word, scope, true)
}

/// A word under construction: closed fields, and the one that the next piece extends.
#[derive(Debug, Clone, Default)]
struct Partial {
    closed: Fields,
    open: Option<String>,
}

impl Partial {
    fn add(&mut self, pieces: &[String]) {
        for (at, piece) in pieces.iter().enumerate() {
            if at > 0 {
                self.closed.extend(self.open.take());
            }
            self.open.get_or_insert_default().push_str(piece);
        }
    }
}

fn fields_of(word: &Word, scope: &Scope, split: bool) -> Vec<Fields> {
    let mut partials = vec![Partial::default()];
    for part in &word.parts {
        let mut values = part_values(part, scope, split);
        if values.len() * partials.len() > MAX_ALTERNATIVES {
            values = vec![vec![HOLE.to_owned()]];
        }
        partials = partials
            .iter()
            .flat_map(|partial| {
                values.iter().map(move |pieces| {
                    let mut next = partial.clone();
                    next.add(pieces);
                    next
                })
            })
            .collect();
    }
    let close = |mut partial: Partial| {
        partial.closed.extend(partial.open.take());
        partial.closed
    };
    partials.into_iter().map(close).collect()
}

fn part_values(part: &Part, scope: &Scope, split: bool) -> Vec<Fields> {
    match part {
        Part::Text(text) => vec![vec![text.clone()]],
        Part::Unknown => vec![vec![HOLE.to_owned()]],
        Part::Sub(sub) => {
            let values = idiom::value(&sub.block, scope).unwrap_or_else(|| vec![HOLE.to_owned()]);
            let quoted = sub.quoted || !split;
            values
                .into_iter()
                .map(|text| if quoted { vec![text] } else { words_of(&text) })
                .collect()
        }
        Part::Var(var) => var_values(var, scope, split),
    }
}

fn var_values(var: &Var, scope: &Scope, split: bool) -> Vec<Fields> {
    let whole = || values_of(var, scope);
    let values = match &var.op {
        VarOp::Plain => whole(),
        VarOp::Other(_) => vec![vec![HOLE.to_owned()]],
        VarOp::Directory => map_texts(whole(), idiom::dirname),
        VarOp::Last => map_texts(whole(), |path| idiom::basename(path).to_owned()),
        VarOp::Default(word) => {
            let set = scope.known(&var.name).map(|_| whole()).unwrap_or_default();
            let mut values: Vec<_> = set
                .into_iter()
                .filter(|value| value.iter().any(|f| !f.is_empty() && f != HOLE))
                .collect();
            // The environment may set it; what the script says is the only value there is to judge.
            if values.is_empty()
                || scope
                    .known(&var.name)
                    .is_some_and(|all| all.len() > values.len())
            {
                values.extend(fields_of(word, scope, split));
            }
            values
        }
        VarOp::Instead(word) => {
            let mut values = vec![vec![]];
            values.extend(fields_of(word, scope, split));
            values
        }
    };
    if var.quoted || !split {
        return values;
    }
    values
        .into_iter()
        .map(|fields| fields.iter().flat_map(|text| words_of(text)).collect())
        .collect()
}

/// The values of a variable before its operator; `$1` and its like are taken from `$@`.
fn values_of(var: &Var, scope: &Scope) -> Vec<Fields> {
    if let Ok(position) = var.name.parse::<usize>()
        && position > 0
    {
        return scope
            .get("@")
            .iter()
            .map(|args| vec![positional(args, position)])
            .collect();
    }
    match var.name.as_str() {
        "@" => scope.get("@"),
        "*" => scope
            .get("@")
            .into_iter()
            .map(|args| vec![args.join(" ")])
            .collect(),
        "#" | "?" | "!" | "$" | "-" | "" => vec![vec![HOLE.to_owned()]],
        name if var.all => scope.get(name),
        name => scope
            .get(name)
            .into_iter()
            .map(|mut all| all.drain(..).take(1).collect())
            .collect(),
    }
}

/// An argument; unknown once an argument before it is, because that one may be many.
fn positional(args: &[String], position: usize) -> String {
    let unknown = args.iter().take(position).any(|arg| arg == HOLE);
    if unknown {
        HOLE.to_owned()
    } else {
        args.get(position - 1).cloned().unwrap_or_default()
    }
}

fn map_texts(values: Vec<Fields>, change: impl Fn(&str) -> String) -> Vec<Fields> {
    values
        .into_iter()
        .map(|fields| fields.iter().map(|text| change(text)).collect())
        .collect()
}

fn words_of(text: &str) -> Fields {
    text.split_ascii_whitespace().map(str::to_owned).collect()
}
