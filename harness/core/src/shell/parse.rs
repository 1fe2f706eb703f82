//! Text to statements: runs the parser, mends what its grammar misreads, and lists what stayed unread.

use std::{
    borrow::Cow,
    cell::RefCell,
    ops::{ControlFlow, Range},
    sync::LazyLock,
};

use tree_sitter::{Language, Node, ParseOptions, ParseState, Parser, Tree};

use super::{
    lower::{Lower, misplaced},
    second,
    syntax::{Block, Stmt, Word},
};

/// Larger scripts are refused: no boot has one, and a blob is not a script.
const MAX_BYTES: usize = 4 << 20;
/// The parser's own steps (some hundreds of times what 4 MiB of script need), so that no text hangs it.
const MAX_STEPS: u32 = 1_000_000;
/// Troubles listed of one text; the rest would only repeat them.
const MAX_TROUBLES: usize = 20;

/// A parsed text.
#[derive(Debug, Default)]
pub(super) struct Parsed {
    pub(super) block: Block,
    /// Line (from 1) and what was not understood there.
    pub(super) troubles: Vec<(u32, String)>,
}

/// Makes the text of a file one that the grammar reads: UTF-8, Unix line ends, no NUL.
pub(super) fn clean(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let text = text.trim_start_matches('\u{feff}');
    if text.contains('\r') || text.contains('\0') {
        text.replace("\r\n", "\n").replace('\0', "\u{fffd}")
    } else {
        text.to_owned()
    }
}

/// Parses `text`; `line` and `byte` are where it begins in its script. What the first parser does not read whole the
/// second is asked for; what neither reads is trouble, and the first one's statements are what was recovered.
pub(super) fn parse(text: &str, line: u32, byte: usize) -> Parsed {
    let parsed = first(text, line, byte);
    if parsed.troubles.is_empty() {
        return parsed;
    }
    match second::parse(text, line, byte) {
        Some(block) => Parsed {
            block,
            troubles: Vec::new(),
        },
        None => parsed,
    }
}

/// The statements of a text that is read without trouble.
pub(super) fn plain(text: &str, line: u32, byte: usize) -> Option<Block> {
    let parsed = first(text, line, byte);
    parsed.troubles.is_empty().then_some(parsed.block)
}

/// One word by itself, when it is read without trouble and is one.
pub(super) fn word_of(text: &str, line: u32, byte: usize) -> Option<Word> {
    // Most words are only letters, which mean themselves, and many of the others a text in quotes.
    let plainly = |byte: u8| byte.is_ascii_alphanumeric() || b"_-./:".contains(&byte);
    if !text.is_empty() && text.bytes().all(plainly) {
        return Some(Word::literal(text, line));
    }
    let within = |quote| text.strip_prefix(quote)?.strip_suffix(quote);
    if let Some(text) = within('\'')
        .filter(|text| !text.contains('\''))
        .or_else(|| within('"').filter(|text| !text.contains(['"', '$', '`', '\\'])))
    {
        return Some(Word::literal(text, line));
    }
    // An argument: in the place of a command it might be a keyword.
    const BEFORE: &str = "_ ";
    let block = plain(
        &format!("{BEFORE}{text}"),
        line,
        byte.saturating_sub(BEFORE.len()),
    )?;
    let mut items = block.into_iter();
    match (items.next()?.stmt, items.next()) {
        (Stmt::Command(command), None)
            if command.words.len() == 2 && command.redirects.is_empty() =>
        {
            command.words.into_iter().nth(1)
        }
        _ => None,
    }
}

/// Parses with tree-sitter.
pub(super) fn first(text: &str, line: u32, byte: usize) -> Parsed {
    let refuse = |why: &str| Parsed {
        block: Block::new(),
        troubles: vec![(line, why.to_owned())],
    };
    if text.len() > MAX_BYTES {
        return refuse("it is larger than 4 MiB");
    }
    let Some((text, tree)) = mended(text) else {
        return refuse("the parser gave up");
    };
    let mut lower = Lower::new(&text, tree.root_node(), line, byte);
    let block = lower.program(tree.root_node());
    let mut troubles = lower.into_troubles();
    troubles.extend(errors(&tree, &text, line));
    troubles.sort();
    troubles.dedup();
    troubles.truncate(MAX_TROUBLES);
    Parsed { block, troubles }
}

static LANGUAGE: LazyLock<Language> = LazyLock::new(|| tree_sitter_bash::LANGUAGE.into());

thread_local! {
    /// Made once: a script is many texts, most of them short.
    static PARSER: RefCell<Option<Parser>> = const { RefCell::new(None) };
}

fn tree(text: &str) -> Option<Tree> {
    PARSER.with_borrow_mut(|kept| {
        let parser = match kept {
            Some(parser) => parser,
            None => {
                let mut parser = Parser::new();
                parser.set_language(&LANGUAGE).ok()?;
                kept.insert(parser)
            }
        };
        let tree = tree_by(parser, text);
        if tree.is_none() {
            // It would go on where it was stopped.
            parser.reset();
        }
        tree
    })
}

fn tree_by(parser: &mut Parser, text: &str) -> Option<Tree> {
    let mut steps = 0;
    let mut count = |_: &ParseState| {
        steps += 1;
        if steps > MAX_STEPS {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    };
    let bytes = text.as_bytes();
    let options = ParseOptions::new().progress_callback(&mut count);
    parser.parse_with_options(
        &mut |at, _| bytes.get(at..).unwrap_or_default(),
        None,
        Some(options),
    )
}

/// Mends what the grammar misreads, byte for byte, so that every place stays where it was:
/// it does not know `coproc` and takes it for a command (`coproc X { a; }` falls apart without an error),
/// it wants a separator between `for x` and `do`, and a backslash that begins a line takes the newline away.
fn mended(text: &str) -> Option<(Cow<'_, str>, Tree)> {
    let mut text = Cow::Borrowed(text);
    // A coprocess inside a coprocess is seen only once the outer one is blank.
    for _ in 0..8 {
        let tree = tree(&text)?;
        if !may_need_mending(&text, &tree) {
            return Some((text, tree));
        }
        let mut spots = Vec::new();
        for_each(tree.root_node(), |node| {
            match kind(&node) {
                "command" => spots.extend(coproc(node, &text).map(|range| (range, " "))),
                "word" => spots.extend(swallowed_newline(node, &text)),
                "ERROR" => spots.extend(bare_for(node, &text).map(|range| (range, ";"))),
                _ => {}
            }
            true
        });
        if spots.is_empty() {
            return Some((text, tree));
        }
        for (spot, with) in spots {
            let patch = with.repeat(spot.len());
            text.to_mut().replace_range(spot, &patch);
        }
    }
    let tree = tree(&text)?;
    Some((text, tree))
}

/// Whether any of the three can be there: most texts have none, and need no visit of all their nodes.
fn may_need_mending(text: &str, tree: &Tree) -> bool {
    tree.root_node().has_error()
        || text.contains("coproc")
        || text.lines().any(|line| line.trim_start().starts_with('\\'))
}

/// `\curl` at the beginning of a line, which the grammar joins to the line above: the backslash, which
/// changes nothing before a letter. Before `$` (in a here-document) both go, for what it escapes is text.
fn swallowed_newline(word: Node<'_>, text: &str) -> Option<(Range<usize>, &'static str)> {
    let source = text.get(word.byte_range())?;
    let blank = source.len() - source.trim_start().len();
    let at = word.start_byte() + blank;
    let rest = text.get(at..).filter(|_| source.starts_with('\n'))?;
    let after = rest.strip_prefix('\\')?;
    Some(if after.starts_with(['$', '`']) {
        (at..at + 2, "x")
    } else {
        (at..at + 1, " ")
    })
}

/// `for x do`: the blank behind the name.
fn bare_for(error: Node<'_>, text: &str) -> Option<Range<usize>> {
    let from = error.start_byte();
    let head = text.get(from..)?.strip_prefix("for")?;
    let name = head.trim_start_matches([' ', '\t']);
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let after = name.trim_start_matches(is_name);
    let at = text.len() - after.len();
    let bare = after.len() < name.len() && after.starts_with([' ', '\t']);
    (bare && after.trim_start().starts_with("do")).then_some(at..at + 1)
}

fn coproc(command: Node<'_>, text: &str) -> Option<Range<usize>> {
    let name = command.child_by_field_name("name")?;
    if text.get(name.byte_range())? != "coproc" {
        return None;
    }
    let after = text.get(name.end_byte()..)?;
    let mut words = after.split_ascii_whitespace();
    let (first, second) = (
        words.next().unwrap_or_default(),
        words.next().unwrap_or_default(),
    );
    let opens = [
        "{", "(", "while", "until", "if", "for", "case", "select", "[[",
    ];
    let named = opens
        .iter()
        .any(|open| second == *open || (*open == "(" && second.starts_with('(')))
        && !opens.contains(&first)
        && first
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'_');
    let end = if named {
        name.end_byte() + after.find(first)? + first.len()
    } else {
        name.end_byte()
    };
    Some(name.start_byte()..end)
}

/// Visits `node` and all below it, without recursion; `visit` says whether to go deeper.
pub(super) fn for_each<'t>(node: Node<'t>, mut visit: impl FnMut(Node<'t>) -> bool) {
    let mut cursor = node.walk();
    loop {
        if visit(cursor.node()) && cursor.goto_first_child() {
            continue;
        }
        while !cursor.goto_next_sibling() {
            if !cursor.goto_parent() {
                return;
            }
        }
    }
}

/// What is wrong in a tree with errors; of one without, lowering says what is.
fn errors(tree: &Tree, text: &str, base: u32) -> Vec<(u32, String)> {
    let mut found = Vec::new();
    if !tree.root_node().has_error() {
        return found;
    }
    for_each(tree.root_node(), |node| {
        let line = || base + row(node);
        if kind(&node) == "command_name" {
            let name = text.get(node.byte_range()).unwrap_or_default();
            found.extend(misplaced(name).map(|why| (line(), why)));
        }
        if node.is_missing() {
            found.push((line(), format!("`{}` is missing", kind(&node))));
        } else if node.is_error() {
            found.push((
                line(),
                format!("`{}` is not understood", excerpt(text, node)),
            ));
        }
        found.len() < MAX_TROUBLES && !node.is_error()
    });
    found
}

fn excerpt(text: &str, node: Node<'_>) -> String {
    let line = text
        .get(node.byte_range())
        .unwrap_or_default()
        .lines()
        .next()
        .unwrap_or_default();
    line.trim().chars().take(40).collect()
}

/// The name of a node's kind. The node's own method measures and checks the name anew each time it is asked.
pub(super) fn kind<'t>(node: &Node<'t>) -> &'t str {
    static NAMES: LazyLock<Vec<&'static str>> = LazyLock::new(|| {
        let count = u16::try_from(LANGUAGE.node_kind_count()).unwrap_or(u16::MAX);
        let name = |id| LANGUAGE.node_kind_for_id(id).unwrap_or_default();
        (0..count).map(name).collect()
    });
    // What is no node of the grammar, as an error, has a number of its own.
    let name = NAMES.get(usize::from(node.kind_id()));
    name.copied().unwrap_or_else(|| node.kind())
}

/// The row of a node, counted from 0.
pub(super) fn row(node: Node<'_>) -> u32 {
    u32::try_from(node.start_position().row).unwrap_or(u32::MAX)
}
