//! The shell as the lint sees it: statements, words and redirections, lowered from the syntax tree.

use std::{borrow::Cow, rc::Rc};

/// Statements in order.
pub(super) type Block = Vec<Item>;

/// A statement and whether `&` sends it to the background.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) stmt: Stmt,
    pub(super) background: bool,
}

/// `&&` or `||`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Op {
    And,
    Or,
}

/// One statement.
#[derive(Debug)]
pub(super) enum Stmt {
    /// A simple command; `[ … ]` and `[[ … ]]` are one too, named `test`.
    Command(Box<Command>),
    /// Assignments alone, or behind `export`, `local` and their like.
    Assign(Assignments),
    /// `a && b || c`: flat, because a shell reads it from left to right.
    AndOr(Box<Self>, Vec<(Op, Self)>),
    Pipeline(Vec<Self>),
    Not(Box<Self>),
    /// `{ … }`, and what a shell runs in itself.
    Group(Block),
    Subshell(Block),
    If {
        arms: Vec<(Block, Block)>,
        otherwise: Option<Block>,
    },
    /// `while`, `until` and `for ((…))`.
    Loop {
        head: Block,
        body: Block,
    },
    /// `for x in …` and `select`; without words it is `"$@"`.
    For {
        name: String,
        words: Option<Vec<Word>>,
        body: Block,
    },
    Case {
        word: Word,
        arms: Vec<Block>,
        exhaustive: bool,
    },
    Function {
        name: String,
        body: Rc<Self>,
    },
    /// A compound statement with redirections of its own.
    Redirected(Box<Self>, Vec<Redirect>),
    /// Arithmetic: only the substitutions inside it run something.
    Arithmetic(Word),
}

/// Assignments and the keyword before them (empty when there is none).
#[derive(Debug)]
pub(super) struct Assignments {
    pub(super) keyword: String,
    pub(super) list: Vec<Assign>,
    /// Names without a value, as in `export PATH`.
    pub(super) names: Vec<String>,
}

/// `NAME=value`, `NAME+=value`, `NAME=(a b)`.
#[derive(Debug)]
pub(super) struct Assign {
    pub(super) name: String,
    pub(super) append: bool,
    /// One element of an array (`a[1]=x`): the others keep their value.
    pub(super) element: bool,
    pub(super) array: bool,
    pub(super) words: Vec<Word>,
}

/// A simple command.
#[derive(Debug)]
pub(super) struct Command {
    pub(super) assigns: Vec<Assign>,
    pub(super) words: Vec<Word>,
    pub(super) redirects: Vec<Redirect>,
    pub(super) span: Span,
}

/// Where a command stands in its source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Span {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) line: u32,
    pub(super) end_line: u32,
}

/// A word: its pieces side by side.
#[derive(Debug, Default)]
pub(super) struct Word {
    pub(super) parts: Vec<Part>,
    /// The line on which it begins.
    pub(super) line: u32,
}

/// One piece of a word.
#[derive(Debug)]
pub(super) enum Part {
    /// Literal text, quotes already removed.
    Text(String),
    Var(Box<Var>),
    Sub(Box<Sub>),
    /// Something that only the run knows.
    Unknown,
}

/// `$NAME` or `${NAME…}`.
#[derive(Debug)]
pub(super) struct Var {
    pub(super) name: String,
    pub(super) quoted: bool,
    /// `${a[@]}`: every element.
    pub(super) all: bool,
    pub(super) op: VarOp,
}

/// What is done to the value of a variable.
#[derive(Debug)]
pub(super) enum VarOp {
    Plain,
    /// `:-`, `-`, `:=`, `=`
    Default(Word),
    /// `:+`, `+`
    Instead(Word),
    /// `%/*`: the directory of a path.
    Directory,
    /// `##*/`: its last part.
    Last,
    /// Anything else; the substitutions inside still run.
    Other(Word),
}

/// `$(…)`, backticks, `<(…)` and `>(…)`.
#[derive(Debug)]
pub(super) struct Sub {
    pub(super) block: Block,
    pub(super) quoted: bool,
}

/// A redirection.
#[derive(Debug)]
pub(super) enum Redirect {
    /// `> file`
    Out(Word),
    /// `< file`, `2>&1` and all others.
    Other(Word),
    /// `<<< word`
    HereString(Word),
    HereDoc(HereDoc),
}

/// A here-document.
#[derive(Debug)]
pub(super) struct HereDoc {
    pub(super) text: String,
    /// The line on which its text begins.
    pub(super) line: u32,
    /// The substitutions that the shell runs while it writes the text; none behind a quoted delimiter.
    pub(super) subs: Vec<Block>,
}

impl Word {
    /// A word of literal text.
    pub(super) fn literal(text: impl Into<String>, line: u32) -> Self {
        Self {
            parts: vec![Part::Text(text.into())],
            line,
        }
    }

    /// Whether it is `"$@"` (or `$*`) and nothing else: a command that its caller wrote.
    pub(super) fn is_arguments(&self) -> bool {
        let mut parts = self
            .parts
            .iter()
            .filter(|part| !matches!(part, Part::Text(text) if text.is_empty()));
        let first = parts.next();
        matches!(first, Some(Part::Var(var)) if matches!(var.name.as_str(), "@" | "*"))
            && parts.next().is_none()
    }

    /// The name of the variable that it is, when it is nothing else.
    pub(super) fn variable(&self) -> Option<&str> {
        let mut parts = self
            .parts
            .iter()
            .filter(|part| !matches!(part, Part::Text(text) if text.is_empty()));
        match (parts.next(), parts.next()) {
            (Some(Part::Var(var)), None) => Some(&var.name),
            _ => None,
        }
    }

    /// Whether a substitution may be somewhere in it.
    pub(super) fn may_run(&self) -> bool {
        self.parts.iter().any(|part| match part {
            Part::Sub(_) => true,
            Part::Var(var) => match &var.op {
                VarOp::Default(word) | VarOp::Instead(word) | VarOp::Other(word) => word.may_run(),
                VarOp::Plain | VarOp::Directory | VarOp::Last => false,
            },
            Part::Text(_) | Part::Unknown => false,
        })
    }

    /// Its text when it is literal throughout.
    pub(super) fn as_literal(&self) -> Option<Cow<'_, str>> {
        fn text(part: &Part) -> Option<&str> {
            match part {
                Part::Text(text) => Some(text),
                Part::Var(_) | Part::Sub(_) | Part::Unknown => None,
            }
        }
        match self.parts.as_slice() {
            [only] => text(only).map(Cow::Borrowed),
            parts => parts
                .iter()
                .map(text)
                .collect::<Option<String>>()
                .map(Cow::Owned),
        }
    }
}
