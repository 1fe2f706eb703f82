//! The line discipline between a user's keys and a guest's streams: what Linux does on a terminal that was just opened.
//!
//! `ICRNL IXON IUTF8`, `OPOST ONLCR`, `ISIG ICANON ECHO ECHOE ECHOK ECHOCTL ECHOKE IEXTEN` in cooked mode; raw is `UV_TTY_MODE_RAW`, which
//! leaves the output as it is. Output is never held: of flow control the keys are taken, and nothing more.

use std::collections::VecDeque;

/// What a key makes the kernel send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signal {
    /// `^C`.
    Interrupt,
    /// `^\`.
    Quit,
    /// `^Z`.
    Stop,
    /// The size changed.
    Resize,
}

impl Signal {
    /// Its number.
    pub(crate) fn number(self) -> i32 {
        match self {
            Self::Interrupt => libc::SIGINT,
            Self::Quit => libc::SIGQUIT,
            Self::Stop => libc::SIGTSTP,
            Self::Resize => libc::SIGWINCH,
        }
    }
}

const INTERRUPT: u8 = 0x03;
const END_OF_INPUT: u8 = 0x04;
const START: u8 = 0x11;
const REPRINT: u8 = 0x12;
const STOP: u8 = 0x13;
const KILL: u8 = 0x15;
const LITERAL: u8 = 0x16;
const ERASE_WORD: u8 = 0x17;
const SUSPEND: u8 = 0x1a;
const QUIT: u8 = 0x1c;
const ERASE: u8 = 0x7f;

/// The longest line that the kernel takes; what is typed beyond it is lost.
const LONGEST: usize = 4095;

/// The state of one terminal.
#[derive(Debug, Default)]
pub(crate) struct Discipline {
    raw: bool,
    /// What may be read, one read each; an empty one is the end of the input.
    ready: VecDeque<Vec<u8>>,
    /// The line that is edited.
    line: Vec<u8>,
    /// Whether the next key stands for itself.
    literal: bool,
    /// Where the cursor is, and where it was when the line began.
    column: usize,
    start: usize,
}

impl Discipline {
    /// Puts what a guest writes, or an echo, onto the screen.
    pub(crate) fn print(&mut self, bytes: &[u8], screen: &mut Vec<u8>) {
        for &byte in bytes {
            match byte {
                b'\n' => {
                    screen.push(b'\r');
                    self.column = 0;
                }
                b'\r' => self.column = 0,
                b'\t' => self.column += 8 - self.column % 8,
                0x08 => self.column = self.column.saturating_sub(1),
                _ if !is_control(byte) && !is_continuation(byte) => self.column += 1,
                _ => {}
            }
            screen.push(byte);
        }
    }

    /// Takes keys, shows their echo, and tells which signals they were.
    pub(crate) fn type_in(&mut self, keys: &[u8], screen: &mut Vec<u8>) -> Vec<Signal> {
        if self.raw {
            match self.ready.back_mut() {
                Some(last) => last.extend_from_slice(keys),
                None => self.ready.push_back(keys.to_vec()),
            }
            return Vec::new();
        }
        let before = self.column;
        let mut signals = Vec::new();
        for &key in keys {
            if let Some(signal) = self.press(key, screen) {
                signals.push(signal);
                self.drop_input(before, screen);
                self.echo(key, screen);
            }
        }
        signals
    }

    /// What one read gives: `None` when there is nothing, and nothing of length at the end of the input.
    pub(crate) fn read(&mut self) -> Option<Vec<u8>> {
        self.ready.pop_front()
    }

    /// Changes the mode; what was typed before and not read becomes readable as it stands.
    pub(crate) fn set_raw(&mut self, raw: bool) {
        if self.raw == raw {
            return;
        }
        self.raw = raw;
        self.literal = false;
        let mut typed = self.ready.drain(..).collect::<Vec<_>>().concat();
        typed.append(&mut self.line);
        if !typed.is_empty() {
            self.ready.push_back(typed);
        }
    }

    fn press(&mut self, key: u8, screen: &mut Vec<u8>) -> Option<Signal> {
        if std::mem::take(&mut self.literal) {
            self.insert(key, screen);
            return None;
        }
        match key {
            START | STOP => {}
            INTERRUPT => return Some(Signal::Interrupt),
            QUIT => return Some(Signal::Quit),
            SUSPEND => return Some(Signal::Stop),
            ERASE => self.erase(Extent::Character, screen),
            ERASE_WORD => self.erase(Extent::Word, screen),
            KILL => self.erase(Extent::Line, screen),
            LITERAL => {
                self.literal = true;
                self.print(b"^\x08", screen);
            }
            REPRINT => self.reprint(screen),
            END_OF_INPUT => self.ready.push_back(std::mem::take(&mut self.line)),
            b'\r' | b'\n' => {
                self.print(b"\n", screen);
                self.line.push(b'\n');
                self.ready.push_back(std::mem::take(&mut self.line));
            }
            _ => self.insert(key, screen),
        }
        None
    }

    /// Drops what was typed, as the kernel does before it sends a signal; also the echo of what came in one go with the key.
    fn drop_input(&mut self, column: usize, screen: &mut Vec<u8>) {
        self.ready.clear();
        self.line.clear();
        self.column = column;
        screen.clear();
    }

    fn insert(&mut self, key: u8, screen: &mut Vec<u8>) {
        if self.line.is_empty() {
            self.start = self.column;
        }
        if self.line.len() < LONGEST {
            self.echo(key, screen);
            self.line.push(key);
        }
    }

    fn echo(&mut self, key: u8, screen: &mut Vec<u8>) {
        if is_control(key) && key != b'\t' {
            self.print(&[b'^', key ^ 0x40], screen);
        } else {
            self.print(&[key], screen);
        }
    }

    fn reprint(&mut self, screen: &mut Vec<u8>) {
        self.echo(REPRINT, screen);
        self.print(b"\n", screen);
        for key in self.line.clone() {
            self.echo(key, screen);
        }
    }

    fn erase(&mut self, extent: Extent, screen: &mut Vec<u8>) {
        let mut in_word = false;
        while let Some(at) = self.last_character() {
            let first = self.line[at];
            if extent == Extent::Word {
                let of_word = is_of_word(first);
                if in_word && !of_word {
                    return;
                }
                in_word |= of_word;
            }
            self.line.truncate(at);
            if first == b'\t' {
                self.erase_tab(screen);
            } else {
                let times = if is_control(first) { 2 } else { 1 };
                self.print(&b"\x08 \x08".repeat(times), screen);
            }
            if extent == Extent::Character {
                return;
            }
        }
    }

    /// Where the last character of the line begins.
    fn last_character(&self) -> Option<usize> {
        self.line.iter().rposition(|&byte| !is_continuation(byte))
    }

    /// Moves back to where the tab that was just taken out of the line began.
    fn erase_tab(&mut self, screen: &mut Vec<u8>) {
        let before = self.line.rsplit(|&byte| byte == b'\t').next();
        let width: usize = before
            .unwrap_or_default()
            .iter()
            .map(|&byte| match byte {
                byte if is_control(byte) => 2,
                byte if is_continuation(byte) => 0,
                _ => 1,
            })
            .sum();
        // Behind another tab the columns count from a tab stop, else from where the line began.
        let from = if self.line.contains(&b'\t') {
            0
        } else {
            self.start
        };
        let back = 8 - (from + width) % 8;
        self.print(&b"\x08".repeat(back), screen);
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Extent {
    Character,
    Word,
    Line,
}

fn is_control(byte: u8) -> bool {
    byte.is_ascii_control()
}

/// Whether the byte goes on with a character of UTF-8.
fn is_continuation(byte: u8) -> bool {
    byte & 0xc0 == 0x80
}

/// The kernel's letters are those of Latin-1, which the first bytes of UTF-8's are too.
fn is_of_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || (byte >= 0xc0 && byte != 0xd7 && byte != 0xf7)
}

#[cfg(test)]
mod tests {
    use super::{Discipline, Signal};

    /// What `keys` show, make readable and signal.
    fn typed(keys: &[u8]) -> (String, Vec<Vec<u8>>, Vec<Signal>) {
        let mut discipline = Discipline::default();
        let mut screen = Vec::new();
        let signals = discipline.type_in(keys, &mut screen);
        let reads = std::iter::from_fn(|| discipline.read()).collect();
        (
            String::from_utf8(screen).expect("the echo is text"),
            reads,
            signals,
        )
    }

    fn lines(texts: &[&str]) -> Vec<Vec<u8>> {
        texts.iter().map(|text| text.as_bytes().to_vec()).collect()
    }

    #[test]
    fn a_line_is_echoed_and_read_when_it_ends() {
        assert_eq!(typed(b"ab"), ("ab".to_owned(), vec![], vec![]));
        let (screen, reads, _) = typed(b"ab\rcd\n");
        assert_eq!(screen, "ab\r\ncd\r\n");
        assert_eq!(reads, lines(&["ab\n", "cd\n"]));
    }

    #[test]
    fn keys_erase_a_character_a_word_and_the_line() {
        let (screen, reads, _) = typed("aé\u{7f}\u{7f}b\r".as_bytes());
        assert_eq!(screen, "aé\u{8} \u{8}\u{8} \u{8}b\r\n");
        assert_eq!(reads, lines(&["b\n"]));
        let (_, reads, _) = typed(b"one two, \x17x\r");
        assert_eq!(reads, lines(&["one x\n"]));
        let (screen, reads, _) = typed(b"a\x01\x15z\r");
        assert_eq!(screen, "a^A\u{8} \u{8}\u{8} \u{8}\u{8} \u{8}z\r\n");
        assert_eq!(reads, lines(&["z\n"]));
        assert_eq!(typed(b"\x7f\x15\x17").0, "");
    }

    #[test]
    fn a_tab_is_erased_to_where_it_began() {
        assert_eq!(typed(b"ab\t\x7f").0, "ab\t\u{8}\u{8}\u{8}\u{8}\u{8}\u{8}");
        let (screen, _, _) = typed(b"\ta\t\x7f");
        assert_eq!(screen, "\ta\t\u{8}\u{8}\u{8}\u{8}\u{8}\u{8}\u{8}");
        let mut discipline = Discipline::default();
        let mut screen = Vec::new();
        discipline.print(b"name? ", &mut screen);
        screen.clear();
        discipline.type_in(b"\t\x7f", &mut screen);
        assert_eq!(screen, b"\t\x08\x08");
    }

    #[test]
    fn signals_drop_what_was_typed() {
        let (screen, reads, signals) = typed(b"one\rtwo\x03x\r");
        assert_eq!(screen, "^Cx\r\n");
        assert_eq!(reads, lines(&["x\n"]));
        assert_eq!(signals, [Signal::Interrupt]);
        assert_eq!(typed(b"\x1c\x1a").2, [Signal::Quit, Signal::Stop]);
    }

    #[test]
    fn the_end_of_input_ends_a_line_without_a_character() {
        assert_eq!(typed(b"\x04").1, lines(&[""]));
        assert_eq!(typed(b"ab\x04\x04").1, lines(&["ab", ""]));
    }

    #[test]
    fn a_literal_key_stands_for_itself() {
        let (screen, reads, signals) = typed(b"\x16\x03\r");
        assert_eq!(screen, "^\u{8}^C\r\n");
        assert_eq!(reads, lines(&["\u{3}\n"]));
        assert!(signals.is_empty());
        assert_eq!(typed(b"ab\x12").0, "ab^R\r\nab");
    }

    #[test]
    fn raw_keys_come_as_they_are_typed() {
        let mut discipline = Discipline::default();
        let mut screen = Vec::new();
        discipline.type_in(b"ab", &mut screen);
        discipline.set_raw(true);
        assert_eq!(discipline.read(), Some(b"ab".to_vec()));
        screen.clear();
        assert!(discipline.type_in(b"\r\x03\x7f", &mut screen).is_empty());
        discipline.type_in(b"\x04", &mut screen);
        assert_eq!(discipline.read(), Some(b"\r\x03\x7f\x04".to_vec()));
        assert!(screen.is_empty());
        discipline.print(b"a\nb\r\n", &mut screen);
        assert_eq!(screen, b"a\r\nb\r\r\n");
        discipline.set_raw(false);
        assert_eq!(discipline.read(), None);
    }
}
