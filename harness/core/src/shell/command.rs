//! One simple command: what it comes to, what it runs, and whether that is a smell.

use std::rc::Rc;

use super::{
    code::Source,
    expand::{self, Field},
    follow::{How, Written},
    idiom,
    rule::{self, Sink, Step, Swallow},
    scope::{Fields, HOLE},
    syntax::{Command, HereDoc, Redirect, Word},
    walk::{At, Flow, Frame, Walk},
    wrapper::{self, Call, Invocation},
};

/// The arguments as the rules take them.
fn texts(argv: &[Field]) -> Vec<&str> {
    argv.iter().map(|field| field.text.as_str()).collect()
}

/// Whether a command asks for an artifact.
pub(super) fn is_probe(argv: &[Field]) -> bool {
    rule::is_probe(&texts(argv))
}

/// The command behind a first word that only the run knows, by the name of its variable: `$SUDO -u app npm ci`.
fn called(command: &Command, argv: &[Field]) -> Option<Vec<Field>> {
    let (name, args) = argv.split_first()?;
    if name.text != HOLE {
        return None;
    }
    let variable = command.words.get(name.word).and_then(Word::variable)?;
    let tool = rule::named(variable)?.into_iter().map(|text| Field {
        text: text.to_owned(),
        word: name.word,
    });
    Some(tool.chain(args.iter().cloned()).collect())
}

/// What a command does with its standard input.
pub(super) fn sink(command: &Command, argv: &[Field]) -> Option<Sink> {
    match wrapper::unwrap(argv).call {
        Call::Stdin { .. } => Some(Sink::Shell),
        Call::Script { argv } => argv
            .first()
            .is_some_and(|arg| arg.text == "/dev/stdin")
            .then_some(Sink::Shell),
        Call::Command { argv, .. } => match called(command, &argv) {
            Some(known) => sink(command, &known),
            None => {
                let args = texts(&argv);
                // `curl … | as_root bash`: what a function runs reads what the function is given.
                let behind = || sink(command, argv.get(rule::forwards(&args)?..)?);
                rule::sink(&args).or_else(behind)
            }
        },
        Call::Nothing | Call::Probe | Call::Code { .. } => None,
    }
}

/// The word that a program for another language runs: `python3 <(curl …)`, `node -e "$(curl …)"`.
fn program(argv: &[Field]) -> Option<usize> {
    let (name, args) = argv.split_first()?;
    if !rule::interprets(&name.text) {
        return None;
    }
    let takes_code = |arg: &Field| matches!(arg.text.as_str(), "-c" | "-e" | "-r");
    let at = usize::from(args.first().is_some_and(takes_code));
    args.get(at).map(|arg| arg.word)
}

/// The here-document that a command reads: of several, the last one.
fn document(command: &Command) -> Option<&str> {
    let docs = command.redirects.iter().rev();
    let mut docs = docs.filter_map(|redirect| match redirect {
        Redirect::HereDoc(doc) => Some(doc.text.as_str()),
        _ => None,
    });
    docs.next()
}

impl Walk<'_> {
    pub(super) fn command(&mut self, command: &Command, at: At) -> Flow {
        let lists = expand::command(&command.words, &self.scope);
        self.inner_substitutions(
            command,
            lists.first().map(Vec::as_slice).unwrap_or_default(),
        );
        if command.words.is_empty() {
            for assign in &command.assigns {
                self.assign(assign);
            }
            return Flow::Next;
        }
        if let [argv] = lists.as_slice() {
            return self.invoke(command, argv, at);
        }
        let branches = lists
            .iter()
            .map(|argv| self.branch(|walk| walk.invoke(command, argv, at)))
            .collect();
        self.meet(branches, true)
    }

    /// Substitutions run before the command; the text of some becomes code: `sh -c "$(curl …)"`.
    fn inner_substitutions(&mut self, command: &Command, argv: &[Field]) {
        let assigned = command.assigns.iter().flat_map(|assign| &assign.words);
        let mut words = command.words.iter().chain(assigned);
        // Most commands have none, and need not be taken apart for them.
        if command.redirects.is_empty() && !words.any(Word::may_run) {
            return;
        }
        let invocation = wrapper::unwrap(argv);
        let code: Vec<usize> = match &invocation.call {
            Call::Code { code, .. } => vec![code.word],
            Call::Script { argv } => argv.first().map(|arg| arg.word).into_iter().collect(),
            Call::Command { argv, .. } => match argv.split_first() {
                Some((name, args)) if name.text == "eval" => {
                    args.iter().map(|arg| arg.word).collect()
                }
                Some((name, args)) if matches!(name.text.as_str(), "." | "source") => {
                    args.first().map(|arg| arg.word).into_iter().collect()
                }
                _ => Vec::new(),
            },
            Call::Nothing | Call::Probe | Call::Stdin { .. } => Vec::new(),
        };
        let program = match &invocation.call {
            Call::Command { argv, .. } => program(argv),
            _ => None,
        };
        for (index, word) in command.words.iter().enumerate() {
            let shell = code.contains(&index).then_some(Sink::Shell);
            let program = (program == Some(index)).then_some(Sink::Program);
            self.substitutions(word, shell.or(program));
        }
        for word in command.assigns.iter().flat_map(|assign| &assign.words) {
            self.substitutions(word, None);
        }
        if !command.redirects.is_empty() {
            self.redirects(&command.redirects, sink(command, argv));
        }
    }

    fn invoke(&mut self, command: &Command, argv: &[Field], at: At) -> Flow {
        let Invocation { call, exec } = wrapper::unwrap(argv);
        if let Call::Command { argv, .. } = &call
            && let Some(known) = called(command, argv)
        {
            let flow = self.invoke(command, &known, at);
            return if exec { Flow::Exit } else { flow };
        }
        if at.swallow.is_some() && wrapper::renders(argv) {
            self.fails(Step::Work, &self.origin(command, 0), at);
        }
        let flow = match call {
            Call::Nothing => Flow::Next,
            Call::Probe => {
                let origin = self.origin(command, argv.last().map_or(0, |arg| arg.word));
                self.probe(&origin, at)
            }
            Call::Code { code, args } => {
                let origin = self.origin(command, code.word);
                let line = command
                    .words
                    .get(code.word)
                    .map_or(command.span.line, |word| word.line);
                self.run_shell_code(&code, &args, line, &origin, at);
                Flow::Next
            }
            Call::Script { argv } => {
                let origin = self.origin(command, argv.first().map_or(0, |arg| arg.word));
                let known = argv
                    .first()
                    .is_some_and(|script| script.text != HOLE && script.text != "/dev/stdin");
                self.fails(
                    if known {
                        Step::Unknown
                    } else {
                        Step::Tolerable
                    },
                    &origin,
                    at,
                );
                self.shell_script(command, &argv, at)
            }
            Call::Stdin { args } => self.shell_stdin(command, &args, at),
            Call::Command { argv, plain } => self.simple(command, &argv, plain, exec, at),
        };
        if exec { Flow::Exit } else { flow }
    }

    fn probe(&mut self, origin: &Frame, at: At) -> Flow {
        if let Some(swallow) = at
            .swallow
            .filter(|swallow| at.probe && swallow.is_explicit())
        {
            self.hidden(swallow, origin, at);
        }
        Flow::Next
    }

    /// Judges what becomes of the failure of a step.
    fn fails(&mut self, step: Step, origin: &Frame, at: At) {
        // A call is judged by the work inside; what is unknown there says nothing about the call.
        let step = if at.site.is_some() && step == Step::Unknown {
            Step::Tolerable
        } else {
            step
        };
        // An answer that someone uses is not a step, unless it installs on the way.
        let step = if at.value { Step::Tolerable } else { step };
        if let Some(swallow) = at.swallow.filter(|swallow| swallow.hides(step)) {
            self.hidden(swallow, origin, at);
        }
    }

    pub(super) fn hidden(&mut self, swallow: Swallow, origin: &Frame, at: At) {
        if at.aside {
            return;
        }
        let site = at.site.and_then(|site| self.sites.get(site)).cloned();
        match site {
            Some((call, trail)) => self.smell(swallow.rule(), &call.unit, call.span, trail),
            None => self.report(swallow.rule(), origin),
        }
    }

    fn report(&mut self, rule: &'static rule::Rule, origin: &Frame) {
        let trail = self.trail.clone();
        self.smell(rule, &origin.unit, origin.span, trail);
    }

    /// Where the text of a command stands: here, or with the caller whose words `"$@"` runs.
    pub(super) fn origin(&self, command: &Command, word: usize) -> Frame {
        let forwards = command.words.get(word).is_some_and(Word::is_arguments);
        let caller = self.frames.last().filter(|_| forwards);
        caller.cloned().unwrap_or_else(|| Frame {
            unit: Rc::clone(&self.unit),
            span: command.span,
        })
    }

    fn shell_script(&mut self, command: &Command, argv: &[Field], at: At) -> Flow {
        if argv
            .first()
            .is_some_and(|script| script.text == "/dev/stdin")
        {
            return self.shell_stdin(command, argv.get(1..).unwrap_or_default(), at);
        }
        self.follow(command, argv, How::Shell, at)
    }

    /// A shell reads its standard input: a here-document is code.
    fn shell_stdin(&mut self, command: &Command, args: &[Field], at: At) -> Flow {
        let args: Fields = args.iter().map(|arg| arg.text.clone()).collect();
        for redirect in &command.redirects {
            match redirect {
                Redirect::HereDoc(doc) => {
                    self.subshell(|walk| {
                        walk.scope.set("@", vec![args.clone()]);
                        walk.run_document(doc, at)
                    });
                }
                Redirect::HereString(word) => {
                    let origin = self.origin(command, 0);
                    for text in expand::texts(word, &self.scope) {
                        self.subshell(|walk| walk.run_argument(&text, word.line, &origin, at));
                    }
                }
                Redirect::Out(_) | Redirect::Other(_) => {}
            }
        }
        Flow::Next
    }

    fn run_document(&mut self, doc: &HereDoc, at: At) -> Flow {
        let unit = Rc::clone(&self.unit);
        // The document stands in the file itself, unless the file's text is an argument.
        let within = unit.within_lines();
        self.run_source(
            &Source {
                file: &unit.file,
                text: &doc.text,
                line: doc.line,
                within,
            },
            at,
        )
    }

    fn simple(
        &mut self,
        command: &Command,
        argv: &[Field],
        plain: bool,
        exec: bool,
        at: At,
    ) -> Flow {
        let Some(Field { text: name, word }) = argv.first().cloned() else {
            return Flow::Next;
        };
        let origin = self.origin(command, word);
        self.note(&name, plain && !exec);
        if plain && !exec {
            let functions = self.scope.functions(&name).to_vec();
            if !functions.is_empty() {
                // `run_cmd php artisan migrate`: what the function runs is written here, and its failure is the call's.
                if at.swallow.is_some() && functions.iter().any(|id| self.runs_arguments(*id)) {
                    let step = rule::step(&texts(argv.get(1..).unwrap_or_default()));
                    self.fails(step.forwarded(), &origin, at);
                }
                let at = self.at_call(&origin, at);
                return self.call(&functions, &origin, argv, at);
            }
        }
        if let Some(flow) = self.builtin(&name, command, argv, at) {
            return flow;
        }
        let args = texts(argv);
        let smells = at
            .feeds
            .and_then(|sink| rule::feeds(&args, sink))
            .or_else(|| rule::judge(&args))
            .or_else(|| rule::judge_behind(&args))
            .or_else(|| rule::judge_code(&args, document(command)));
        if let Some(rule) = smells {
            self.report(rule, &origin);
            if let Some(swallow) = at.swallow {
                self.hidden(swallow, &origin, at);
            }
            return Flow::Next;
        }
        if rule::is_probe(&args) {
            return self.probe(&origin, at);
        }
        let target = self.target(command);
        // `retry 5 curl -o /opt/x …`: the download is the command that is run.
        let behind = rule::forwards(&args).and_then(|at| args.get(at..));
        let keeps = [Some(args.as_slice()), behind].into_iter().flatten();
        let mut keeps = keeps.filter_map(|args| rule::keeps(args, target.as_deref(), at.checked));
        if let Some(rule) = keeps.next() {
            self.downloads
                .push((rule, origin.clone(), self.trail.clone()));
            if let Some(swallow) = at.swallow {
                self.hidden(swallow, &origin, at);
            }
        } else if at.swallow.is_some() {
            // Whoever keeps the output of a migration does not ask for it: it is kept for the message.
            let value = at.value && !rule::does(&args);
            let left = target
                .as_deref()
                .is_some_and(|target| rule::leaves_in(&args, target));
            let step = rule::step(&args).max(if left { Step::Unknown } else { Step::Tolerable });
            self.fails(step, &origin, At { value, ..at });
        }
        self.remember(command, &origin, &args);
        if at.feeds == Some(Sink::Shell) && self.printed(command, argv, at) {
            return Flow::Next;
        }
        self.follow(command, argv, if exec { How::Exec } else { How::Run }, at)
    }

    /// The file that a command's output goes to.
    fn target(&self, command: &Command) -> Option<String> {
        command
            .redirects
            .iter()
            .rev()
            .find_map(|redirect| match redirect {
                Redirect::Out(word) => expand::texts(word, &self.scope).pop(),
                _ => None,
            })
    }

    /// `cat <<EOF | sh` and `echo "npm install" | sh`: what is printed is code.
    fn printed(&mut self, command: &Command, argv: &[Field], at: At) -> bool {
        let Some((name, args)) = argv.split_first() else {
            return false;
        };
        let at = At { feeds: None, ..at };
        match idiom::basename(&name.text) {
            "cat" if args.is_empty() => {
                for redirect in &command.redirects {
                    if let Redirect::HereDoc(doc) = redirect {
                        self.subshell(|walk| walk.run_document(doc, at));
                    }
                }
                true
            }
            "echo" | "printf" => {
                let told: Vec<_> = args
                    .iter()
                    .filter(|arg| !arg.text.starts_with('-'))
                    .collect();
                let text = told
                    .iter()
                    .map(|arg| arg.text.as_str())
                    .collect::<Vec<_>>()
                    .join(" ");
                let line = told
                    .first()
                    .and_then(|arg| command.words.get(arg.word))
                    .map_or(command.span.line, |w| w.line);
                let text = if name.text.ends_with("printf") {
                    text.replace("\\n", "\n")
                } else {
                    text
                };
                let origin = self.origin(command, name.word);
                self.subshell(|walk| walk.run_argument(&text, line, &origin, at));
                true
            }
            _ => false,
        }
    }

    /// Remembers a file that the boot writes or downloads: it is judged when it is run.
    fn remember(&mut self, command: &Command, origin: &Frame, args: &[&str]) {
        if let Some((path, rule)) = rule::output(args) {
            let written = Written::Fetched {
                rule,
                origin: origin.clone(),
                trail: self.trail.clone(),
            };
            self.written
                .insert(idiom::absolute(&path, &self.scope), written);
            return;
        }
        if args
            .first()
            .is_some_and(|name| idiom::basename(name) == "chmod")
        {
            let runs = |mode: &str| mode.contains('x') || mode.contains(['1', '3', '5', '7']);
            for path in args
                .iter()
                .skip(2)
                .filter(|_| args.get(1).is_some_and(|mode| runs(mode)))
            {
                self.run_written(&idiom::absolute(path, &self.scope), true);
            }
            return;
        }
        if !args
            .first()
            .is_some_and(|name| matches!(idiom::basename(name), "cat" | "tee"))
        {
            return;
        }
        let mut docs = command
            .redirects
            .iter()
            .rev()
            .filter_map(|redirect| match redirect {
                Redirect::HereDoc(doc) => Some(doc),
                _ => None,
            });
        let Some(doc) = docs.next() else { return };
        let mut targets: Vec<String> = args.iter().skip(1).map(|&arg| arg.to_owned()).collect();
        for redirect in &command.redirects {
            if let Redirect::Out(word) = redirect {
                targets.extend(expand::texts(word, &self.scope));
            }
        }
        for target in targets
            .iter()
            .filter(|target| !target.starts_with('-') && !target.contains(HOLE))
        {
            let written = Written::Text {
                text: doc.text.clone(),
                line: doc.line,
                file: self.unit.file.clone(),
                within: self.unit.within_lines(),
            };
            self.written
                .insert(idiom::absolute(target, &self.scope), written);
        }
    }

    fn builtin(&mut self, name: &str, command: &Command, argv: &[Field], at: At) -> Option<Flow> {
        let args = argv.get(1..).unwrap_or_default();
        match name {
            "exit" => Some(Flow::Exit),
            "return" => Some(Flow::Return),
            "eval" => {
                let text = args
                    .iter()
                    .map(|arg| arg.text.as_str())
                    .collect::<Vec<_>>()
                    .join(" ");
                let line = args
                    .first()
                    .and_then(|arg| command.words.get(arg.word))
                    .map_or(command.span.line, |w| w.line);
                let origin = self.origin(command, args.first().map_or(0, |arg| arg.word));
                Some(self.run_argument(&text, line, &origin, at))
            }
            "." | "source" => Some(
                if args.first().is_some_and(|arg| arg.text == "/dev/stdin") {
                    self.shell_stdin(command, &[], at)
                } else {
                    self.follow(command, args, How::Source, at)
                },
            ),
            "set" => {
                self.options(args);
                let first = args.first().map(|arg| arg.text.as_str());
                if first.is_some_and(|text| text == "--" || !text.starts_with(['-', '+'])) {
                    let from = usize::from(first == Some("--"));
                    let fields = args.iter().skip(from).map(|arg| arg.text.clone()).collect();
                    self.scope.set("@", vec![fields]);
                }
                Some(Flow::Next)
            }
            "shift" => {
                let count = args
                    .first()
                    .map_or(Some(1), |arg| arg.text.parse::<usize>().ok());
                self.shift(count);
                Some(Flow::Next)
            }
            "cd" | "pushd" => {
                let dir = args.iter().find(|arg| !arg.text.starts_with('-'));
                let dir = dir.map_or_else(
                    || HOLE.to_owned(),
                    |arg| idiom::absolute(&arg.text, &self.scope),
                );
                self.scope.set_one("PWD", dir);
                Some(Flow::Next)
            }
            "trap" => {
                self.trap(command, args);
                Some(Flow::Next)
            }
            // What reads a variable makes it unknown.
            "read" | "mapfile" | "readarray" => {
                for arg in args.iter().filter(|arg| !arg.text.starts_with('-')) {
                    self.scope.set_one(&arg.text, HOLE);
                }
                Some(Flow::Next)
            }
            _ => None,
        }
    }

    fn shift(&mut self, count: Option<usize>) {
        let shifted = self.scope.get("@").into_iter().map(|args| match count {
            Some(count) if !args.iter().take(count).any(|arg| arg == HOLE) => {
                args.into_iter().skip(count).collect()
            }
            _ => vec![HOLE.to_owned()],
        });
        let shifted = shifted.collect();
        self.scope.set("@", shifted);
    }

    /// A failure that is hidden where a function is called is the call's: there it is written.
    fn at_call(&mut self, origin: &Frame, at: At) -> At {
        let own = at.site.is_none()
            && at
                .swallow
                .is_some_and(|s| s != Swallow::Condition && s != Swallow::ErrexitOff);
        if !own {
            return at;
        }
        let same = |(frame, _): &(Frame, Vec<String>)| {
            frame.span == origin.span && frame.unit.id == origin.unit.id
        };
        let site = self.sites.iter().position(same).unwrap_or_else(|| {
            self.sites.push((origin.clone(), self.trail.clone()));
            self.sites.len() - 1
        });
        At {
            site: Some(site),
            ..at
        }
    }

    /// Calls a function: its body runs here, with its own arguments and locals.
    fn call(&mut self, functions: &[usize], origin: &Frame, argv: &[Field], at: At) -> Flow {
        let args: Fields = argv.iter().skip(1).map(|arg| arg.text.clone()).collect();
        let mut flows = Vec::new();
        for &id in functions {
            // A function that calls itself is not entered again.
            if self.active.contains(&id) {
                flows.push(Flow::Next);
                continue;
            }
            let key = (id, vec![args.clone()], at, self.scope.generation);
            let flow = match self.called.get(&key) {
                Some(flow) => *flow,
                None => self.enter(id, &args, origin, at),
            };
            self.called.insert(key, flow);
            flows.push(flow);
        }
        let exits = flows.iter().all(|flow| *flow == Flow::Exit);
        if exits { Flow::Exit } else { Flow::Next }
    }

    fn enter(&mut self, id: usize, args: &Fields, origin: &Frame, at: At) -> Flow {
        let Some(function) = self.functions.get(id).cloned() else {
            return Flow::Next;
        };
        let line = origin.unit.lines(origin.span).0;
        self.entered.insert(id);
        self.trail
            .push(format!("{}:{line} → {}()", origin.unit.file, function.name));
        self.frames.push(origin.clone());
        self.active.push(id);
        self.locals.push(std::collections::BTreeMap::new());
        let outer = self.scope.get("@");
        self.scope.set("@", vec![args.clone()]);
        let flow = self.in_unit(&function.unit, |walk| walk.run(&function.body, at));
        self.scope.set("@", outer);
        for (name, old) in self.locals.pop().unwrap_or_default() {
            self.scope.restore(&name, old);
        }
        self.active.pop();
        self.frames.pop();
        self.trail.pop();
        flow
    }
}
