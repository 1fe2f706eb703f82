//! execline, the language of s6: one chain of programs, each of which runs the rest of the line, and blocks in braces.

use super::syntax::{Block, Command, Item, Op, Part, Span, Stmt, Var, VarOp, Word};

/// Programs that run a block and then the rest, and how many blocks they take.
const RUN_THEN: &[(&str, usize)] = &[
    ("foreground", 1),
    ("if", 1),
    ("background", 1),
    ("backtick", 1),
    ("ifelse", 2),
    ("ifte", 2),
    ("ifthenelse", 3),
    ("forx", 1),
    ("pipeline", 1),
    ("piperw", 2),
    ("loopwhilex", 0),
    ("trap", 1),
    ("forbacktickx", 2),
    ("wait", 1),
];
/// Programs that change something and run the rest, with how many arguments of their own.
const CHANGE_THEN: &[(&str, usize)] = &[
    ("cd", 1),
    ("umask", 1),
    ("export", 2),
    ("unexport", 1),
    ("importas", 2),
    ("import", 1),
    ("define", 2),
    ("fdmove", 2),
    ("fdclose", 1),
    ("redirfd", 2),
    ("homeof", 1),
    ("emptyenv", 0),
    ("envfile", 1),
    ("getcwd", 1),
    ("getpid", 1),
    ("heredoc", 2),
    ("multidefine", 2),
    ("multisubstitute", 0),
    ("s6-setuidgid", 1),
    ("s6-applyuidgid", 0),
    ("s6-envdir", 1),
    ("s6-fdholder-retrieve", 2),
    ("s6-notifyoncheck", 0),
    ("s6-softlimit", 0),
    ("posix-cd", 1),
    ("posix-umask", 1),
    ("with-contenv", 0),
    ("execline-cd", 1),
    ("execline-umask", 1),
    ("withstdinas", 1),
    ("fdblock", 1),
    ("fdswap", 2),
    ("fdreserve", 1),
    ("elgetpositionals", 0),
    ("elgetopt", 1),
    ("exec", 0),
    ("runblock", 0),
    ("tryexec", 1),
    ("exit", 1),
    ("dollarat", 0),
];

/// A piece of the source.
enum Token {
    Word(Word, usize, usize, u32),
    Open,
    Close,
}

/// A word or a block, as execline hands them to a program.
enum Piece {
    Word(Word, Span),
    Block(Vec<Self>),
}

/// Parses a script whose `#!` line names `execlineb`, or a service's `up` file; what was not understood, with its line.
pub(super) fn parse(text: &str, line: u32, byte: usize) -> (Block, Vec<(u32, String)>) {
    let mut troubles = Vec::new();
    let tokens = tokens(text, line, byte, &mut troubles);
    let mut tokens = tokens.into_iter();
    let pieces = pieces(&mut tokens, line, 0, &mut troubles);
    (chain(pieces), troubles)
}

fn tokens(text: &str, first: u32, byte: usize, troubles: &mut Vec<(u32, String)>) -> Vec<Token> {
    let bytes = text.as_bytes();
    let (mut at, mut line) = (0, first);
    let mut tokens = Vec::new();
    while let Some(&next) = bytes.get(at) {
        match next {
            b'\n' => {
                line += 1;
                at += 1;
            }
            _ if next.is_ascii_whitespace() => at += 1,
            b'#' => {
                at += text
                    .get(at..)
                    .and_then(|rest| rest.find('\n'))
                    .unwrap_or(text.len() - at);
            }
            b'{' | b'}' if bytes.get(at + 1).is_none_or(u8::is_ascii_whitespace) => {
                tokens.push(if next == b'{' {
                    Token::Open
                } else {
                    Token::Close
                });
                at += 1;
            }
            _ => {
                let (start, start_line) = (at, line);
                let mut raw = Vec::new();
                let mut quoted = false;
                while let Some(&c) = bytes.get(at) {
                    match c {
                        b'\\' => {
                            let escaped = bytes.get(at + 1).copied();
                            line += u32::from(escaped == Some(b'\n'));
                            // Outside quotes a backslash joins two lines.
                            raw.extend(escaped.filter(|e| *e != b'\n'));
                            at += 2;
                            continue;
                        }
                        b'"' => quoted = !quoted,
                        _ if !quoted && c.is_ascii_whitespace() => break,
                        _ => {
                            line += u32::from(c == b'\n');
                            raw.push(c);
                        }
                    }
                    at += 1;
                }
                if quoted {
                    troubles.push((start_line, "a quote is not closed".to_owned()));
                }
                let end = at.min(text.len());
                let value = String::from_utf8_lossy(&raw).into_owned();
                tokens.push(Token::Word(
                    word(&value, start_line),
                    byte + start,
                    byte + end,
                    line,
                ));
            }
        }
    }
    tokens
}

/// `$NAME` and `${NAME}` were imported; all else is text.
fn word(text: &str, line: u32) -> Word {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        let (before, behind) = rest.split_at(at);
        parts.push(Part::Text(before.to_owned()));
        let behind = &behind[1..];
        let inner = behind
            .strip_prefix('{')
            .and_then(|inner| inner.split_once('}'));
        let (name, next) = inner.unwrap_or_else(|| {
            let end = behind
                .find(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '@')
                .unwrap_or(behind.len());
            behind.split_at(end)
        });
        parts.push(Part::Var(Box::new(Var {
            name: name.to_owned(),
            quoted: name != "@",
            all: name == "@",
            op: VarOp::Plain,
        })));
        rest = next;
    }
    if !rest.is_empty() || parts.is_empty() {
        parts.push(Part::Text(rest.to_owned()));
    }
    Word { parts, line }
}

fn pieces(
    tokens: &mut std::vec::IntoIter<Token>,
    line: u32,
    depth: u32,
    troubles: &mut Vec<(u32, String)>,
) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut last = line;
    while let Some(token) = tokens.next() {
        match token {
            Token::Word(word, start, end, end_line) => {
                last = word.line;
                let span = Span {
                    start,
                    end,
                    line: word.line,
                    end_line,
                };
                pieces.push(Piece::Word(word, span));
            }
            Token::Open if depth < 40 => pieces.push(Piece::Block(self::pieces(
                tokens,
                last,
                depth + 1,
                troubles,
            ))),
            Token::Open => {
                troubles.push((last, "its blocks are nested too deep".to_owned()));
                return pieces;
            }
            Token::Close if depth > 0 => return pieces,
            Token::Close => {
                troubles.push((last, "a block is closed that was not opened".to_owned()));
            }
        }
    }
    if depth > 0 {
        troubles.push((last, "a block is not closed".to_owned()));
    }
    pieces
}

/// The statements of a chain.
fn chain(pieces: Vec<Piece>) -> Block {
    let mut block = Block::new();
    let mut rest: std::collections::VecDeque<Piece> = pieces.into();
    while let Some(Piece::Word(name, _)) = rest.front() {
        let name = name.as_literal().unwrap_or_default().into_owned();
        let name = name.rsplit('/').next().unwrap_or_default().to_owned();
        if let Some((_, blocks)) = RUN_THEN.iter().find(|(program, _)| *program == name) {
            rest.pop_front();
            let mut taken = Vec::new();
            // Options and names stand before the blocks.
            while taken.len() < *blocks {
                match rest.pop_front() {
                    Some(Piece::Block(inner)) => taken.push(chain(inner)),
                    Some(Piece::Word(..)) => {}
                    None => break,
                }
            }
            block.extend(run(&name, taken));
            skip_options(&mut rest);
        } else if let Some((_, own)) = CHANGE_THEN.iter().find(|(program, _)| *program == name) {
            rest.pop_front();
            skip_options(&mut rest);
            for _ in 0..*own {
                rest.pop_front();
            }
            skip_options(&mut rest);
        } else {
            block.extend(command(rest));
            break;
        }
    }
    block
}

fn skip_options(rest: &mut std::collections::VecDeque<Piece>) {
    while let Some(Piece::Word(word, _)) = rest.front() {
        let option = word
            .as_literal()
            .is_some_and(|text| text.starts_with('-') && text.len() > 1);
        if !option {
            return;
        }
        rest.pop_front();
    }
    while let Some(Piece::Block(_)) = rest.front() {
        rest.pop_front();
    }
}

/// What a program makes of the failure of its blocks: `if` ends the chain, `foreground` goes on.
fn run(name: &str, blocks: Vec<Block>) -> Block {
    let item = |stmt| Item {
        stmt,
        background: false,
    };
    match name {
        "background" => blocks
            .into_iter()
            .map(|block| Item {
                stmt: Stmt::Subshell(block),
                background: true,
            })
            .collect(),
        "if" => {
            let asked = blocks.into_iter().map(Stmt::Subshell);
            asked
                .map(|stmt| {
                    item(Stmt::AndOr(
                        Box::new(stmt),
                        vec![(Op::Or, Stmt::Group(vec![item(leave())]))],
                    ))
                })
                .collect()
        }
        "ifelse" | "ifte" | "ifthenelse" => {
            let mut blocks = blocks.into_iter();
            let head = blocks.next().unwrap_or_default();
            let body = blocks.next().unwrap_or_default();
            vec![item(Stmt::If {
                arms: vec![(
                    vec![item(Stmt::Subshell(head))],
                    vec![item(Stmt::Subshell(body))],
                )],
                otherwise: blocks.next(),
            })]
        }
        _ => blocks
            .into_iter()
            .map(|block| item(Stmt::Subshell(block)))
            .collect(),
    }
}

/// `exit 1`.
fn leave() -> Stmt {
    Stmt::Command(Box::new(Command {
        assigns: Vec::new(),
        words: vec![Word::literal("exit", 1), Word::literal("1", 1)],
        redirects: Vec::new(),
        span: Span {
            start: 0,
            end: 0,
            line: 1,
            end_line: 1,
        },
    }))
}

/// The program at the end of a chain, with all that is left as its arguments.
fn command(rest: std::collections::VecDeque<Piece>) -> Option<Item> {
    let mut words = Vec::new();
    let mut span: Option<Span> = None;
    for piece in rest {
        let Piece::Word(word, at) = piece else {
            continue;
        };
        span = Some(span.map_or(at, |span| Span {
            end: at.end,
            end_line: at.end_line,
            ..span
        }));
        words.push(word);
    }
    let span = span?;
    let stmt = Stmt::Command(Box::new(Command {
        assigns: Vec::new(),
        words,
        redirects: Vec::new(),
        span,
    }));
    Some(Item {
        stmt,
        background: false,
    })
}
