//! Walks statements in the order in which a shell would run them, both sides of every branch.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque},
    rc::Rc,
};

use super::{
    code::Unit,
    expand,
    fate::{ERREXIT, always, endless, fails, never},
    follow::{Loaded, Visit, Written},
    lint::{Class, File, Lint, Smell, Unparsed},
    rule::{Rule, Sink, Swallow},
    scope::{Changes, Fields, HOLE, Scope},
    syntax::{Block, Part, Redirect, Span, Stmt, VarOp, Word},
};

/// Statements inside one another, calls included; a script that needs more is reported.
const MAX_DEPTH: u32 = 120;
/// Commands walked in one lint; a script of 1 MiB has about a third of it.
const MAX_STEPS: u32 = 1_000_000;

/// Where a statement stands in what surrounds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(super) struct At {
    /// What hides its failure.
    pub(super) swallow: Option<Swallow>,
    /// Whether its failure as a probe is what is hidden, not an answer that someone uses.
    pub(super) probe: bool,
    /// It stands in a substitution: it is asked for its output.
    pub(super) value: bool,
    /// What its output goes to.
    pub(super) feeds: Option<Sink>,
    /// What surrounds it asks for its status, so `set -e` is off inside it.
    pub(super) checked: bool,
    /// It runs beside the boot: when a signal comes, or over and over.
    pub(super) aside: bool,
    /// It stands in a loop, or is called from one.
    pub(super) again: bool,
    /// What stands behind it fails: `if step; then …; fi; return 1`.
    pub(super) doomed: bool,
    /// The call whose failure is hidden, where that is not the command itself.
    pub(super) site: Option<usize>,
}

/// Whether what stands behind a statement still runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flow {
    Next,
    /// The function or sourced file ends.
    Return,
    /// The shell ends.
    Exit,
}

/// A function and the text that it stands in.
#[derive(Debug, Clone)]
pub(super) struct Function {
    pub(super) name: String,
    pub(super) body: Rc<Stmt>,
    pub(super) unit: Rc<Unit>,
}

/// A command whose arguments another text runs as `"$@"`.
#[derive(Debug, Clone)]
pub(super) struct Frame {
    pub(super) unit: Rc<Unit>,
    pub(super) span: Span,
}

/// The files of an image; `None` when a single script is judged.
pub(super) type Files<'a> = Option<&'a dyn Fn(&str) -> Option<File>>;
/// What a variable may be.
pub(super) type Known = (String, Vec<Fields>);
type CallKey = (usize, Vec<Fields>, At, u64);

/// One lint under way.
pub(super) struct Walk<'a> {
    pub(super) lint: Lint,
    pub(super) files: Files<'a>,
    pub(super) scope: Scope,
    pub(super) unit: Rc<Unit>,
    pub(super) units: HashMap<(String, u32, String), Rc<Unit>>,
    pub(super) functions: Vec<Function>,
    /// The calls that led here.
    pub(super) trail: Vec<String>,
    /// The commands that gave `"$@"` its values, innermost last.
    pub(super) frames: Vec<Frame>,
    pub(super) active: Vec<usize>,
    pub(super) called: HashMap<CallKey, Flow>,
    pub(super) ran: HashMap<(usize, At, u64), Flow>,
    pub(super) locals: Vec<BTreeMap<String, Option<Vec<Fields>>>>,
    pub(super) sourcing: Vec<String>,
    pub(super) sourced: HashSet<(String, Vec<String>)>,
    pub(super) traps: Vec<(String, Frame)>,
    /// Downloads of software, to be reported unless a file of theirs is run.
    pub(super) downloads: Vec<(&'static Rule, Frame, Vec<String>)>,
    /// Functions that were called.
    pub(super) entered: BTreeSet<usize>,
    /// Whether the script did anything but define, assign and source.
    pub(super) acted: bool,
    /// Beginnings of names that only the run knows, of commands that may be functions.
    pub(super) dynamic: BTreeSet<String>,
    /// Calls of functions whose failure is hidden, and the way to each.
    pub(super) sites: Vec<(Frame, Vec<String>)>,
    pub(super) queue: VecDeque<Visit>,
    pub(super) visited: HashSet<(String, Fields, Vec<Known>)>,
    pub(super) loaded: HashMap<String, Option<Rc<Loaded>>>,
    pub(super) written: BTreeMap<String, Written>,
    seen: HashSet<(usize, usize, Class)>,
    defined: HashMap<(usize, *const Stmt), usize>,
    pub(super) read: BTreeSet<String>,
    depth: u32,
    steps: u32,
}

impl std::fmt::Debug for Walk<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Walk")
            .field("lint", &self.lint)
            .finish_non_exhaustive()
    }
}

impl<'a> Walk<'a> {
    pub(super) fn new(files: Files<'a>) -> Self {
        Self {
            lint: Lint::default(),
            files,
            scope: Scope::new(0),
            unit: Rc::new(Unit::empty()),
            units: HashMap::new(),
            functions: Vec::new(),
            trail: Vec::new(),
            frames: Vec::new(),
            active: Vec::new(),
            called: HashMap::new(),
            ran: HashMap::new(),
            locals: Vec::new(),
            sourcing: Vec::new(),
            sourced: HashSet::new(),
            traps: Vec::new(),
            downloads: Vec::new(),
            entered: BTreeSet::new(),
            acted: false,
            dynamic: BTreeSet::new(),
            sites: Vec::new(),
            queue: VecDeque::new(),
            visited: HashSet::new(),
            loaded: HashMap::new(),
            written: BTreeMap::new(),
            seen: HashSet::new(),
            defined: HashMap::new(),
            read: BTreeSet::new(),
            depth: 0,
            steps: 0,
        }
    }

    /// Reports a smell once for each command and class.
    pub(super) fn smell(
        &mut self,
        rule: &'static Rule,
        unit: &Rc<Unit>,
        span: Span,
        trail: Vec<String>,
    ) {
        if !self.seen.insert((unit.id, span.start, rule.class)) {
            return;
        }
        let (line, end_line) = unit.lines(span);
        let (column, width) = unit.columns(span);
        let text = unit.source(span);
        // Code in an argument is read once for each text that it may be.
        let same = |other: &Smell| {
            let head = |text: &str| -> Vec<String> {
                text.split(' ').take(2).map(str::to_owned).collect()
            };
            (other.rule, other.line, other.end_line) == (rule.id, line, end_line)
                && other.column.is_none()
                && other.file == unit.file
                && head(&other.text) == head(&text)
        };
        if column.is_none() && self.lint.smells.iter().any(same) {
            return;
        }
        self.lint.smells.push(Smell {
            rule: rule.id,
            class: rule.class,
            file: unit.file.clone(),
            line,
            end_line,
            column,
            width,
            text,
            reached_by: trail,
            clause: rule.clause,
            explain: rule.explain,
            fix: rule.fix,
        });
    }

    pub(super) fn unparsed(&mut self, file: &str, line: u32, why: String) {
        let entry = Unparsed {
            file: file.to_owned(),
            line,
            why,
        };
        if !self.lint.unparsed.contains(&entry) {
            self.lint.unparsed.push(entry);
        }
    }

    pub(super) fn block(&mut self, block: &Block, at: At) -> Flow {
        let last = block.len().saturating_sub(1);
        for (position, item) in block.iter().enumerate() {
            // Only the last statement of a group is its answer.
            let next = block.get(position + 1);
            let mut at = At {
                probe: at.probe && position == last,
                doomed: next.map_or(at.doomed, |next| fails(&next.stmt)),
                ..at
            };
            // An `if` asks for the last status alone.
            if position != last && at.site.is_none() && at.swallow == Some(Swallow::IfMessage) {
                at.swallow = None;
            }
            if at.swallow.is_none() {
                let rest = block.get(position + 1..).unwrap_or_default();
                at.swallow = self.lost(item, rest, at);
            }
            if item.background {
                self.subshell(|walk| walk.run(&item.stmt, at));
                continue;
            }
            let flow = self.run(&item.stmt, at);
            if flow != Flow::Next {
                return flow;
            }
        }
        Flow::Next
    }

    /// Counts a step; false when the walk has gone on long enough.
    fn step(&mut self) -> bool {
        self.steps += 1;
        if self.steps == MAX_STEPS {
            let file = self.unit.file.clone();
            self.unparsed(
                &file,
                1,
                "the walk gave up: its calls multiply without end".to_owned(),
            );
        }
        self.steps < MAX_STEPS
    }

    pub(super) fn run(&mut self, stmt: &Stmt, at: At) -> Flow {
        if !self.step() {
            return Flow::Next;
        }
        if self.depth >= MAX_DEPTH {
            let unit = Rc::clone(&self.unit);
            self.unparsed(
                &unit.file,
                unit.first_line(),
                "its statements and calls are nested too deep".to_owned(),
            );
            return Flow::Next;
        }
        self.depth += 1;
        let flow = self.statement(stmt, at);
        self.depth -= 1;
        flow
    }

    fn statement(&mut self, stmt: &Stmt, at: At) -> Flow {
        match stmt {
            Stmt::Command(command) => return self.command(command, at),
            Stmt::Assign(all) => self.assignments(all, at),
            Stmt::AndOr(first, rest) => return self.and_or(first, rest, at),
            Stmt::Pipeline(stages) => self.pipeline(stages, at),
            // `! step` never ends a shell, but what stands behind it may be the answer.
            Stmt::Not(inner) => {
                let alone = !at.checked && self.option(ERREXIT) == Some(true);
                let at = At {
                    swallow: at.swallow.or(alone.then_some(Swallow::Condition)),
                    probe: false,
                    checked: true,
                    ..at
                };
                return self.run(inner, at);
            }
            Stmt::Group(block) => return self.block(block, at),
            Stmt::Subshell(block) => {
                self.subshell(|walk| walk.block(block, at));
            }
            Stmt::If { arms, otherwise } => return self.conditional(arms, otherwise.as_ref(), at),
            Stmt::Loop { head, body } => {
                self.block(head, condition(at));
                let aside = at.aside || endless(head);
                let at = At {
                    probe: false,
                    aside,
                    again: true,
                    doomed: false,
                    ..at
                };
                self.maybe(|walk| walk.block(body, at));
            }
            Stmt::For { name, words, body } => self.each(name, words.as_deref(), body, at),
            Stmt::Case {
                word,
                arms,
                exhaustive,
            } => return self.case(word, arms, *exhaustive, at),
            Stmt::Function { name, body } => self.define(name, body),
            Stmt::Redirected(inner, redirects) => {
                self.redirects(redirects, None);
                return self.run(inner, at);
            }
            Stmt::Arithmetic(word) => self.substitutions(word, None),
        }
        Flow::Next
    }

    /// Runs something whose changes stay inside: a subshell, a pipe's stage, a background job.
    pub(super) fn subshell(&mut self, run: impl FnOnce(&mut Self) -> Flow) {
        self.scope.begin();
        run(self);
        self.scope.undo();
    }

    /// Runs something that may or may not run.
    pub(super) fn maybe(&mut self, run: impl FnOnce(&mut Self) -> Flow) -> Flow {
        let (flow, changes) = self.branch(run);
        if flow == Flow::Next {
            self.scope.join(&[changes], false);
        }
        flow
    }

    pub(super) fn branch(&mut self, run: impl FnOnce(&mut Self) -> Flow) -> (Flow, Changes) {
        self.scope.begin();
        let flow = run(self);
        (flow, self.scope.undo())
    }

    /// What stands behind branches: whatever any branch left there, if one comes to its end.
    pub(super) fn meet(&mut self, branches: Vec<(Flow, Changes)>, exhaustive: bool) -> Flow {
        let all_leave = exhaustive
            && !branches.is_empty()
            && branches.iter().all(|(flow, _)| *flow != Flow::Next);
        let exits = branches.iter().all(|(flow, _)| *flow == Flow::Exit);
        let stay: Vec<_> = branches
            .into_iter()
            .filter(|(flow, _)| *flow == Flow::Next)
            .map(|(_, c)| c)
            .collect();
        if !stay.is_empty() {
            self.scope.join(&stay, exhaustive);
        }
        match (all_leave, exits) {
            (false, _) => Flow::Next,
            (true, true) => Flow::Exit,
            (true, false) => Flow::Return,
        }
    }

    fn conditional(&mut self, arms: &[(Block, Block)], otherwise: Option<&Block>, at: At) -> Flow {
        let mut branches = Vec::new();
        for (head, body) in arms {
            if never(head) {
                continue;
            }
            let swallow = self
                .unanswered(head, body, otherwise, arms.len())
                .filter(|_| !at.doomed);
            let asked = At {
                swallow,
                site: None,
                ..condition(at)
            };
            let flow = self.block(
                head,
                if swallow.is_some() {
                    asked
                } else {
                    condition(at)
                },
            );
            if flow != Flow::Next {
                return flow;
            }
            branches.push(self.branch(|walk| walk.block(body, at)));
            if always(head) {
                return self.meet(branches, true);
            }
        }
        if let Some(body) = otherwise {
            branches.push(self.branch(|walk| walk.block(body, at)));
        }
        self.meet(branches, otherwise.is_some())
    }

    fn case(&mut self, word: &Word, arms: &[Block], exhaustive: bool, at: At) -> Flow {
        self.substitutions(word, None);
        let branches = arms
            .iter()
            .map(|body| self.branch(|walk| walk.block(body, at)))
            .collect();
        self.meet(branches, exhaustive)
    }

    fn each(&mut self, name: &str, words: Option<&[Word]>, body: &Block, at: At) {
        let values: Vec<Fields> = match words {
            None => self
                .scope
                .get("@")
                .concat()
                .into_iter()
                .map(|field| vec![field])
                .collect(),
            Some(words) => {
                for word in words {
                    self.substitutions(word, None);
                }
                let all = words
                    .iter()
                    .flat_map(|word| expand::fields(word, &self.scope));
                all.flatten().map(|field| vec![field]).collect()
            }
        };
        // A list that is empty here is there for others to fill: `MODELS=(); for url in "${MODELS[@]}"`.
        let unknown = || vec![vec![HOLE.to_owned()]];
        let values = if values.is_empty() { unknown() } else { values };
        self.maybe(|walk| {
            walk.scope.set(name, values);
            let at = At {
                probe: false,
                again: true,
                doomed: false,
                ..at
            };
            walk.block(body, at)
        });
    }

    fn define(&mut self, name: &str, body: &Rc<Stmt>) {
        let key = (self.unit.id, Rc::as_ptr(body));
        let next = self.functions.len();
        let id = *self.defined.entry(key).or_insert(next);
        if id == next {
            let unit = Rc::clone(&self.unit);
            self.functions.push(Function {
                name: name.to_owned(),
                body: Rc::clone(body),
                unit,
            });
        }
        self.scope.define(name, id);
    }

    pub(super) fn redirects(&mut self, redirects: &[Redirect], feeds: Option<Sink>) {
        for redirect in redirects {
            match redirect {
                Redirect::Out(word) => self.substitutions(word, None),
                Redirect::Other(word) | Redirect::HereString(word) => {
                    self.substitutions(word, feeds);
                }
                Redirect::HereDoc(doc) => {
                    for block in &doc.subs {
                        self.substitution(
                            block,
                            At {
                                value: true,
                                feeds,
                                ..At::default()
                            },
                        );
                    }
                }
            }
        }
    }

    /// Runs the substitutions of a word; `feeds` is what the word's text becomes.
    pub(super) fn substitutions(&mut self, word: &Word, feeds: Option<Sink>) {
        self.substitutions_at(
            word,
            At {
                value: true,
                feeds,
                ..At::default()
            },
        );
    }

    pub(super) fn substitutions_at(&mut self, word: &Word, at: At) {
        for part in &word.parts {
            match part {
                Part::Sub(sub) => self.substitution(&sub.block, at),
                Part::Var(var) => match &var.op {
                    VarOp::Default(word) | VarOp::Instead(word) | VarOp::Other(word) => {
                        self.substitutions_at(word, at);
                    }
                    VarOp::Plain | VarOp::Directory | VarOp::Last => {}
                },
                Part::Text(_) | Part::Unknown => {}
            }
        }
    }

    fn substitution(&mut self, block: &Block, at: At) {
        if self.depth < MAX_DEPTH {
            self.depth += 1;
            self.subshell(|walk| walk.block(block, at));
            self.depth -= 1;
        }
    }
}

fn condition(at: At) -> At {
    At {
        swallow: None,
        probe: false,
        checked: true,
        doomed: false,
        site: None,
        ..at
    }
}
