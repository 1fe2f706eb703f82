//! What is said over HTTP/1 on loopback: calls to a server of the subject, and what a stand-in for a workspace's daemon hears.

use serde::{Deserialize, Serialize};

/// One request that is sent.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct Call {
    /// The method.
    pub method: String,
    /// The path with its query.
    pub path: String,
    /// Headers beside those that the connection needs.
    pub headers: Vec<(String, String)>,
    /// The body; without one no length is told either.
    pub body: Option<Bytes>,
    /// Whether the connection is closed in the middle: one byte more is promised than is sent.
    pub cut: bool,
}

/// Bytes, in hexadecimal digits on the wire.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bytes(pub Vec<u8>);

impl Serialize for Bytes {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let digit = |half: u8| char::from(DIGITS[usize::from(half)]);
        let mut text = String::with_capacity(self.0.len() * 2);
        for byte in &self.0 {
            text.push(digit(byte >> 4));
            text.push(digit(byte & 15));
        }
        serializer.serialize_str(&text)
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let digit = |byte: u8| char::from(byte).to_digit(16);
        let pair = |pair: &[u8]| match pair {
            [high, low] => u8::try_from(digit(*high)? * 16 + digit(*low)?).ok(),
            _ => None,
        };
        text.as_bytes()
            .chunks(2)
            .map(pair)
            .collect::<Option<Vec<u8>>>()
            .map(Self)
            .ok_or_else(|| serde::de::Error::custom("not hexadecimal digits in pairs"))
    }
}

/// What came back, or why nothing did.
#[derive(Debug, Clone, Default, Serialize, Deserialize, PartialEq, Eq)]
pub struct Said {
    /// The status, when a response came whole.
    pub status: Option<u16>,
    /// Header names in lower case, in order.
    pub headers: Vec<(String, String)>,
    /// The body, at most [`crate::KEEP_BYTES`].
    pub body: Bytes,
    /// Why there was no whole response.
    pub error: Option<String>,
}

/// A stand-in for the daemon beside a workspace (seed 002): what it answers, and for how long.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct StandIn {
    /// The port on loopback.
    pub port: u16,
    /// The bearer token that it is called with.
    pub token: String,
    /// Where it answers.
    pub routes: Routes,
    /// How long it stands in, in milliseconds from its start.
    pub for_ms: u64,
    /// Whether it goes a moment after it was configured.
    pub until_configured: bool,
    /// What a restore is answered with.
    pub restore_status: u16,
    /// The snapshots that it gives, one for each state: the first once it was set up, the second after the change during
    /// the first snapshot. Without any, 204.
    pub snapshots: Vec<Bytes>,
    /// How long it takes to give a snapshot, in milliseconds.
    pub snapshot_takes_ms: u64,
    /// Something changes so many milliseconds after it was configured: the workspace is set up.
    pub setup_after_ms: u64,
    /// Something changes so many milliseconds after the first snapshot was asked for.
    pub change_after_ms: Option<u64>,
}

/// The paths of a daemon's routes.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct Routes {
    /// `GET`, without a token.
    pub health: String,
    /// `GET`: how long nothing has changed.
    pub idle: String,
    /// `POST`: a snapshot.
    pub create: String,
    /// `POST`: a restore.
    pub restore: String,
    /// `POST`: the configuration, after which the workspace is set up.
    pub configure: String,
}

/// One request that a stand-in heard.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq)]
pub struct Heard {
    /// When it came, in milliseconds from the stand-in's start.
    pub from_ms: u64,
    /// When it was answered.
    pub to_ms: u64,
    /// The method.
    pub method: String,
    /// The path with its query.
    pub path: String,
    /// Whether it carried the token.
    pub authorized: bool,
    /// The body, at most [`crate::KEEP_BYTES`].
    pub body: Bytes,
    /// What it was answered with; `None` when the caller had gone.
    pub status: Option<u16>,
}

#[cfg(test)]
mod tests {
    use super::Bytes;

    #[test]
    fn bytes_travel_as_digits() {
        let bytes = Bytes(vec![0, 15, 16, 255]);
        let text = serde_json::to_string(&bytes).expect("text");
        assert_eq!(text, "\"000f10ff\"");
        let back: Bytes = serde_json::from_str(&text).expect("digits");
        assert_eq!(back, bytes);
        for wrong in ["\"0\"", "\"0g\"", "\"+1\""] {
            assert!(serde_json::from_str::<Bytes>(wrong).is_err(), "{wrong}");
        }
    }
}
