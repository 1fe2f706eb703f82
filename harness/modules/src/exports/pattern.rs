//! The shapes of exports, as people and compilers write them.
//!
//! Each shape is tried where it may begin. If it does not fit, the lexer goes on behind the part that is certain, so that the
//! rest is read as ordinary code; where exactly that is decides what is found next, and is part of the behaviour.

use super::lexer::{Lexer, MAX_BINDINGS, is_identifier_part, is_identifier_start};

/// A shape that does not fit gives `None`.
type Fit<T = ()> = Option<T>;

impl<'s> Lexer<'s> {
    /// `require("…")` from its `r` to its closing bracket: the literal.
    pub(super) fn require(&mut self) -> Fit<&'s [u8]> {
        let start = self.position;
        let found = self.require_call();
        if found.is_none() && !self.has_failed() {
            self.position = start;
        }
        found
    }

    fn require_call(&mut self) -> Fit<&'s [u8]> {
        if !self.is_at(self.position + 1, b"equire") {
            return None;
        }
        self.position += 7;
        self.eat(b'(')?;
        let literal = self.literal()?;
        (self.skip_space() == b')').then_some(literal)
    }

    /// Remembers `var id = require(…)`, looking back from the byte before `require`.
    pub(super) fn bind(&mut self, before: isize, specifier: &'s [u8]) {
        let over_spaces = |lexer: &Self, mut position: isize| {
            while position > 0 && lexer.at(position) == b' ' {
                position -= 1;
            }
            position
        };
        let equals = over_spaces(self, before);
        if equals < 1 || self.at(equals) != b'=' {
            return;
        }
        let last = over_spaces(self, equals - 1);
        let mut start = last;
        while start > 0 && is_identifier_part(self.at(start)) {
            start -= 1;
        }
        if start == last || !is_identifier_start(self.at(start + 1)) || self.at(start) != b' ' {
            return;
        }
        let keyword = over_spaces(self, start);
        if self.bindings.len() < MAX_BINDINGS
            && self.ends_keyword(keyword, &[b"var", b"let", b"const"])
        {
            self.bindings
                .push((self.slice(start + 1, last + 1), specifier));
        }
    }

    /// `exports.a =`, `exports["a"] =`, and with `assign`, that is after `module.`, `exports = …`.
    pub(super) fn exports(&mut self, assign: bool) {
        self.position += 7;
        let revert = self.position - 1;
        if self.exports_tail(assign).is_none() && !self.has_failed() {
            self.position = revert;
        }
    }

    fn exports_tail(&mut self, assign: bool) -> Fit {
        match self.skip_space() {
            b'.' => {
                self.position += 1;
                let name = self.identifier()?;
                if self.skip_space() != b'=' {
                    return None;
                }
                self.add_name(name);
                Some(())
            }
            b'[' => {
                self.position += 1;
                let name = self.literal()?;
                self.eat(b']')?;
                if self.skip_space() == b'=' {
                    self.add_name(name);
                }
                None
            }
            b'=' if assign => {
                self.reexports.clear();
                self.position += 1;
                match self.skip_space() {
                    b'{' => {
                        self.object_literal();
                        return Some(());
                    }
                    b'r' => {
                        if let Some(specifier) = self.require() {
                            self.add_reexport(specifier);
                        }
                    }
                    _ => {}
                }
                None
            }
            _ => None,
        }
    }

    /// `module.exports…`.
    pub(super) fn module_exports(&mut self) {
        self.position += 6;
        let revert = self.position - 1;
        if self.eat(b'.').is_some() {
            self.skip_space();
            if self.is_at(self.position, b"exports") {
                self.exports(true);
                return;
            }
        }
        self.position = revert;
    }

    /// `module.exports = { a, b: c, "d": require("…"), ...require("…") }`: as far as it is that simple.
    fn object_literal(&mut self) {
        let revert = self.position - 1;
        if self.object_literal_items().is_none() && !self.has_failed() {
            self.position = revert;
        }
    }

    fn object_literal_items(&mut self) -> Fit {
        loop {
            self.position += 1;
            let mut byte = self.skip_space();
            let start = self.position;
            if is_identifier_start(byte) {
                let name = self.identifier()?;
                byte = self.skip_space();
                if name == b"get" && byte != b':' && is_identifier_start(byte) {
                    self.identifier()?;
                    byte = self.skip_space();
                    if byte == b'(' {
                        return None;
                    }
                }
                if byte == b':' {
                    byte = self.property_value()?;
                }
                self.add_name(name);
            } else if matches!(byte, b'\'' | b'"') {
                let name = self.literal()?;
                byte = self.skip_space();
                if byte == b':' {
                    byte = self.property_value()?;
                    self.add_name(name);
                }
            } else if self.is_at(start, b"...") {
                self.position += 3;
                let required = if self.byte() == b'r' {
                    self.require()
                } else {
                    None
                };
                match required {
                    Some(specifier) => {
                        self.add_reexport(specifier);
                        self.position += 1;
                    }
                    None if is_identifier_start(self.byte()) => self.skip_identifier(),
                    None => return None,
                }
                byte = self.skip_space();
            } else {
                return None;
            }
            match byte {
                b'}' => return Some(()),
                b',' => {}
                _ => return None,
            }
        }
    }

    /// The value of a property, from its colon: an identifier or `require("…")`. The byte right behind an identifier; a
    /// `require` ends the list, because its closing bracket is what comes next.
    fn property_value(&mut self) -> Fit<u8> {
        self.position += 1;
        if self.skip_space() == b'r'
            && let Some(specifier) = self.require()
        {
            self.add_reexport(specifier);
            return Some(self.byte());
        }
        self.identifier()?;
        Some(self.byte())
    }

    /// `Object.defineProperty(exports, …)` and, at top level, `Object.keys(x).forEach(…)`.
    pub(super) fn object(&mut self, keys: bool) {
        self.position += 6;
        let mut revert = self.position - 1;
        let mut fits = None;
        if self.eat(b'.').is_some() {
            self.skip_space();
            if self.is_at(self.position, b"defineProperty") {
                self.position += 14;
                revert = self.position - 1;
                fits = self.define_property();
            } else if keys && self.is_at(self.position, b"keys") {
                self.position += 4;
                revert = self.position - 1;
                fits = self.keys_for_each(&mut revert);
            }
        }
        if fits.is_none() && !self.has_failed() {
            self.position = revert;
        }
    }

    /// `(exports, "a", { enumerable: true, value:` or a getter that only returns a variable or a member.
    fn define_property(&mut self) -> Fit {
        self.eat(b'(')?;
        self.exports_object()?;
        self.eat(b',')?;
        self.skip_space();
        let name = self.literal()?;
        self.eat(b',')?;
        self.eat(b'{')?;
        if self.skip_space() == b'e' {
            self.enumerable()?;
        }
        match self.skip_space() {
            b'v' => {
                self.word(b"value")?;
                if self.skip_space() == b':' {
                    self.add_name(name);
                }
                None
            }
            b'g' => {
                self.getter_head()?;
                self.word(b"return")?;
                self.skip_space();
                self.identifier()?;
                match self.skip_space() {
                    b'.' => {
                        self.position += 1;
                        self.skip_space();
                        self.identifier()?;
                    }
                    b'[' => {
                        self.position += 1;
                        self.skip_space();
                        self.literal()?;
                        self.eat(b']')?;
                    }
                    _ => {}
                }
                self.getter_tail()?;
                self.add_name(name);
                Some(())
            }
            _ => None,
        }
    }

    /// `enumerable: true,`.
    fn enumerable(&mut self) -> Fit {
        self.word(b"enumerable")?;
        self.eat(b':')?;
        self.word(b"true")?;
        self.eat(b',')
    }

    /// `get: function name() {` or `get() {`.
    fn getter_head(&mut self) -> Fit {
        self.word(b"get")?;
        if self.skip_space() == b':' {
            self.position += 1;
            self.word(b"function")?;
            let start = self.position;
            // A name must be apart from `function`.
            if self.skip_space() != b'(' && start != self.position {
                self.identifier()?;
            }
        }
        self.eat(b'(')?;
        self.eat(b')')?;
        self.eat(b'{')
    }

    /// `;} , } )`, to the last bracket.
    fn getter_tail(&mut self) -> Fit {
        self.eat_if(b';');
        self.eat(b'}')?;
        self.eat_if(b',');
        self.eat(b'}')?;
        (self.skip_space() == b')').then_some(())
    }

    /// `Object.keys(x).forEach(function (k) { if (k === "default" …) …; exports[k] = x[k]; })`, as Babel writes it: where `x`
    /// is a required module, its names are exported.
    fn keys_for_each(&mut self, revert: &mut isize) -> Fit {
        self.eat(b'(')?;
        self.skip_space();
        let module = self.identifier()?;
        if self.skip_space() != b')' {
            return None;
        }
        *revert = self.position;
        self.position += 1;
        self.eat(b'.')?;
        self.word(b"forEach")?;
        self.skip_space();
        *revert = self.position - 1;
        self.eat(b'(')?;
        self.word(b"function")?;
        self.eat(b'(')?;
        self.skip_space();
        let key = self.identifier()?;
        self.eat(b')')?;
        self.eat(b'{')?;
        self.word(b"if")?;
        self.eat(b'(')?;
        self.word(key)?;
        match self.skip_space() {
            b'=' => self.skips_by_return(module, key)?,
            b'!' => self.guards_by_condition(key)?,
            _ => return None,
        }
        self.copies_member(module, key)?;
        self.eat(b'}')?;
        if self.skip_space() != b')' {
            return None;
        }
        let binding = self.bindings.iter().find(|(id, _)| *id == module).copied();
        if let Some((_, specifier)) = binding {
            self.add_reexport(specifier);
            self.position = *revert;
        }
        Some(())
    }

    /// `=== "default" || k === "__esModule") return;` and up to two more such lines.
    fn skips_by_return(&mut self, module: &[u8], key: &[u8]) -> Fit {
        self.word(b"===")?;
        self.quoted(b"default")?;
        self.word(b"||")?;
        self.word(key)?;
        self.word(b"===")?;
        self.quoted(b"__esModule")?;
        self.close_and_return()?;
        if !self.starts_if() {
            return Some(());
        }
        self.position += 2;
        self.eat(b'(')?;
        let inside = self.position;
        if self.has_own_property(key).is_some() {
            self.close_and_return()?;
            if !self.starts_if() {
                return Some(());
            }
            self.position += 2;
            self.eat(b'(')?;
        } else {
            self.position = inside;
        }
        // `k in exports && exports[k] === x[k]`; the key stands right behind the bracket.
        if !self.is_at(self.position, key) {
            return None;
        }
        self.word(key)?;
        self.word(b"in ")?;
        self.exports_object()?;
        self.word(b"&&")?;
        self.exports_object()?;
        self.member(key)?;
        self.word(b"===")?;
        self.word(module)?;
        self.member(key)?;
        self.close_and_return()
    }

    /// `!== "default" && !exports.hasOwnProperty(k))`, the second part optional.
    fn guards_by_condition(&mut self, key: &[u8]) -> Fit {
        self.word(b"!==")?;
        self.quoted(b"default")?;
        if self.skip_space() == b'&' {
            self.word(b"&&")?;
            self.eat(b'!')?;
            let byte = self.skip_space();
            if self.is_at(self.position, b"Object.") {
                self.has_own_property(key)?;
            } else if is_identifier_start(byte) {
                self.identifier()?;
                self.eat(b'.')?;
                self.word(b"hasOwnProperty")?;
                self.eat(b'(')?;
                self.word(key)?;
                self.eat(b')')?;
            }
        }
        self.eat(b')')
    }

    /// `exports[k] = x[k];` or `Object.defineProperty(exports, k, { enumerable: true, get: function () { return x[k]; } });`.
    fn copies_member(&mut self, module: &[u8], key: &[u8]) -> Fit {
        self.skip_space();
        if self.exports_object().is_some() {
            self.member(key)?;
            self.eat(b'=')?;
            self.word(module)?;
            self.member(key)?;
        } else {
            self.word(b"Object")?;
            self.eat(b'.')?;
            self.word(b"defineProperty")?;
            self.eat(b'(')?;
            self.exports_object()?;
            self.eat(b',')?;
            self.word(key)?;
            self.eat(b',')?;
            self.eat(b'{')?;
            self.enumerable()?;
            self.getter_head()?;
            self.word(b"return")?;
            self.word(module)?;
            self.member(key)?;
            self.getter_tail()?;
            self.position += 1;
        }
        self.eat_if(b';');
        Some(())
    }

    /// `Object.prototype.hasOwnProperty.call(x, k)`, also without `prototype`.
    fn has_own_property(&mut self, key: &[u8]) -> Fit {
        self.word(b"Object")?;
        self.eat(b'.')?;
        if self.skip_space() == b'p' {
            self.word(b"prototype")?;
            self.eat(b'.')?;
        }
        self.word(b"hasOwnProperty")?;
        self.eat(b'.')?;
        self.word(b"call")?;
        self.eat(b'(')?;
        self.skip_space();
        self.identifier()?;
        self.eat(b',')?;
        self.word(key)?;
        self.eat(b')')
    }

    /// `) return;`.
    fn close_and_return(&mut self) -> Fit {
        self.eat(b')')?;
        self.word(b"return")?;
        self.eat_if(b';');
        Some(())
    }

    fn starts_if(&mut self) -> bool {
        self.skip_space();
        self.is_at(self.position, b"if")
    }

    /// `[k]`.
    fn member(&mut self, key: &[u8]) -> Fit {
        self.eat(b'[')?;
        self.word(key)?;
        self.eat(b']')
    }

    /// A quoted word; white space may stand before the last quote, which nobody writes.
    fn quoted(&mut self, word: &[u8]) -> Fit {
        let quote = self.skip_space();
        if !matches!(quote, b'"' | b'\'') || !self.is_at(self.position + 1, word) {
            return None;
        }
        self.position += 1;
        self.word(word)?;
        self.eat(quote)
    }

    /// `exports` or `module.exports`.
    fn exports_object(&mut self) -> Fit {
        self.skip_space();
        let start = self.position;
        let mut fits = true;
        if self.is_at(start, b"module") {
            self.position += 6;
            fits = self.eat(b'.').is_some();
            self.skip_space();
        }
        if fits && self.is_at(self.position, b"exports") {
            self.position += 7;
            return Some(());
        }
        self.position = start;
        None
    }

    /// A string literal right here or after white space, with its quotes.
    fn literal(&mut self) -> Fit<&'s [u8]> {
        let quote = self.skip_space();
        if !matches!(quote, b'"' | b'\'') {
            return None;
        }
        let start = self.position;
        self.string(quote);
        if self.has_failed() {
            return None;
        }
        self.position += 1;
        Some(self.slice(start, self.position))
    }

    /// An identifier right here or after white space.
    fn identifier(&mut self) -> Fit<&'s [u8]> {
        if !is_identifier_start(self.skip_space()) {
            return None;
        }
        let start = self.position;
        self.skip_identifier();
        Some(self.slice(start, self.position))
    }

    fn skip_identifier(&mut self) {
        while is_identifier_part(self.byte()) {
            self.position += 1;
        }
    }

    /// The next token begins with these bytes.
    fn word(&mut self, word: &[u8]) -> Fit {
        self.skip_space();
        if !self.is_at(self.position, word) {
            return None;
        }
        self.position += isize::try_from(word.len()).unwrap_or(0);
        Some(())
    }

    fn eat(&mut self, byte: u8) -> Fit {
        if self.skip_space() != byte {
            return None;
        }
        self.position += 1;
        Some(())
    }

    fn eat_if(&mut self, byte: u8) {
        if self.skip_space() == byte {
            self.position += 1;
        }
    }
}
