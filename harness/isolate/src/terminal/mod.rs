//! The terminal that an execution may have: its size, and what the user who sits at it does.

mod discipline;
mod user;

use serde::de::{Deserializer, Error as _, SeqAccess, Visitor};
use serde::{Deserialize, Serialize, Serializer};

pub(crate) use discipline::{Discipline, Signal};
pub(crate) use user::{Deed, User};

/// A terminal, as a guest's three standard streams see it, and its user.
///
/// There is no device behind it: a line discipline in Rust does what Linux' does for a terminal that was just opened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Terminal {
    /// How wide it is.
    pub columns: u16,
    /// How high it is.
    pub rows: u16,
    /// What the user does, one step after the other; afterwards they sit there and do nothing.
    pub script: Vec<Step>,
}

impl Default for Terminal {
    fn default() -> Self {
        Self {
            columns: 80,
            rows: 24,
            script: Vec::new(),
        }
    }
}

/// One step of the user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// For how long they do nothing before it.
    #[serde(default)]
    pub after_ms: u64,
    /// What they do.
    #[serde(flatten)]
    pub action: Action,
}

/// What a user does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// Waits until the text stands in what was shown since the last wait was over.
    Expect(String),
    /// The same for a regular expression.
    Pattern(String),
    /// Types, or pastes; a text or a list of bytes.
    Send(#[serde(with = "text")] Vec<u8>),
    /// Gives the terminal another size: columns and rows.
    Resize(u16, u16),
}

/// Bytes as a text where they are one, else as a list of numbers.
mod text {
    use super::{Deserializer, Serialize, Serializer, Typed};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
        match std::str::from_utf8(bytes) {
            Ok(text) => to.serialize_str(text),
            Err(_) => bytes.serialize(to),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        from.deserialize_any(Typed)
    }
}

struct Typed;

impl<'de> Visitor<'de> for Typed {
    type Value = Vec<u8>;

    fn expecting(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        to.write_str("a text or a list of bytes")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Vec<u8>, E> {
        Ok(text.as_bytes().to_vec())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Vec<u8>, A::Error> {
        let mut bytes = Vec::new();
        while let Some(number) = list.next_element::<u16>()? {
            let byte = u8::try_from(number)
                .map_err(|_too_large| A::Error::custom(format!("`{number}` is no byte")))?;
            bytes.push(byte);
        }
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::{Action, Terminal};

    #[test]
    fn a_script_reads_as_it_is_written_and_survives_the_wire() {
        let text = r#"{"columns":40,"rows":10,"script":[
            {"expect":"name? "},{"send":"Ada\r","after_ms":5},{"send":[255,27]},{"resize":[100,30]},{"pattern":"a+"}]}"#;
        let terminal: Terminal = serde_json::from_str(text).expect("it is a terminal");
        assert_eq!(terminal.script[1].after_ms, 5);
        assert_eq!(terminal.script[2].action, Action::Send(vec![255, 27]));
        assert_eq!(terminal.script[3].action, Action::Resize(100, 30));
        let wire = serde_json::to_string(&terminal).expect("it can be written");
        assert_eq!(
            serde_json::from_str::<Terminal>(&wire).expect("and read"),
            terminal
        );
        assert!(serde_json::from_str::<Terminal>(r#"{"script":[{"send":[256]}]}"#).is_err());
    }
}
