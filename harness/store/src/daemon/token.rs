//! The bearer token: where it comes from, and a comparison that takes as long for any guess.

use std::fmt;

use sha2::{Digest as _, Sha256};
use thiserror::Error;

use crate::env;

/// Shorter ones can be guessed.
const SHORTEST: usize = 16;

/// The token that every route but `health` asks for; only its digest is held.
#[derive(Clone)]
pub struct Token([u8; 32]);

/// Why there is no token.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TokenError {
    /// It is not set.
    #[error(
        "`{}` is not set: the daemon and those who call it share a bearer token",
        env::TOKEN
    )]
    Missing,
    /// It can be guessed, or cannot be sent in a header.
    #[error(
        "`{}` must be at least {SHORTEST} visible ASCII characters and nothing else, has {visible}",
        env::TOKEN
    )]
    Unfit {
        /// How many it has.
        visible: usize,
    },
}

impl Token {
    /// The token of the environment.
    ///
    /// # Errors
    /// When there is none, or it is unfit.
    pub fn from_env() -> Result<Self, TokenError> {
        Self::new(&env::host(env::TOKEN).ok_or(TokenError::Missing)?)
    }

    /// This token.
    ///
    /// # Errors
    /// When it is unfit.
    pub fn new(text: &str) -> Result<Self, TokenError> {
        let fit = text.bytes().all(|b| b.is_ascii_graphic());
        if text.len() < SHORTEST || !fit {
            return Err(TokenError::Unfit {
                visible: text.bytes().filter(u8::is_ascii_graphic).count(),
            });
        }
        Ok(Self(Sha256::digest(text.as_bytes()).into()))
    }

    /// Whether an `Authorization` header carries it.
    pub(super) fn admits(&self, header: Option<&[u8]>) -> bool {
        let Some((scheme, guess)) = header.and_then(|h| h.split_at_checked(7)) else {
            return false;
        };
        if !scheme.eq_ignore_ascii_case(b"bearer ") {
            return false;
        }
        // Digests, so that neither a common beginning nor the length shows in the time; and all bytes, so that neither does theirs.
        let guess: [u8; 32] = Sha256::digest(guess.trim_ascii()).into();
        let different = self
            .0
            .iter()
            .zip(&guess)
            .fold(0, |different, (a, b)| different | (a ^ b));
        std::hint::black_box(different) == 0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_whole_token_is_admitted() {
        let token = Token::new("0123456789abcdef").unwrap();
        for (header, admitted) in [
            (Some("Bearer 0123456789abcdef"), true),
            (Some("bearer  0123456789abcdef "), true),
            (Some("Bearer 0123456789abcde"), false),
            (Some("Bearer 0123456789abcdefg"), false),
            (Some("Basic 0123456789abcdef"), false),
            (Some("0123456789abcdef"), false),
            (Some("Bearer "), false),
            (Some(""), false),
            (None, false),
        ] {
            assert_eq!(
                token.admits(header.map(str::as_bytes)),
                admitted,
                "{header:?}"
            );
        }
    }

    #[test]
    fn a_weak_token_is_no_token() {
        assert_eq!(
            Token::new("short").unwrap_err(),
            TokenError::Unfit { visible: 5 }
        );
        assert_eq!(
            Token::new("with a blank in the middle").unwrap_err(),
            TokenError::Unfit { visible: 21 }
        );
        assert_eq!(
            format!("{:?}", Token::new("0123456789abcdef").unwrap()),
            "Token(…)"
        );
    }
}
