//! Why something could not be set up: what was tried, and every cause below it.

use std::error::Error;

/// A failure with its causes.
#[derive(Debug, thiserror::Error)]
#[error("failed to {doing}")]
pub(crate) struct Trouble {
    doing: String,
    #[source]
    source: Box<dyn Error + Send + Sync>,
}

impl Trouble {
    /// `doing` completes "failed to …".
    pub(crate) fn new(
        doing: impl Into<String>,
        source: impl Into<Box<dyn Error + Send + Sync>>,
    ) -> Self {
        let (doing, source) = (doing.into(), source.into());
        Self { doing, source }
    }

    /// Itself and its causes, outermost first, without what only repeats the one before.
    pub(crate) fn chain(&self) -> Vec<String> {
        let mut chain = vec![self.to_string()];
        let mut next = self.source();
        while let Some(error) = next {
            let text = error.to_string();
            if chain.last() != Some(&text) {
                chain.push(text);
            }
            next = error.source();
        }
        chain
    }
}

/// For `map_err`: what was being done.
pub(crate) fn while_doing<E: Into<Box<dyn Error + Send + Sync>>>(
    doing: impl Into<String>,
) -> impl FnOnce(E) -> Trouble {
    let doing = doing.into();
    move |error| Trouble::new(doing, error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_names_every_cause_once() {
        let below = Trouble::new("open `/x`", "no such file");
        let trouble = Trouble::new("mount `/y`", below);
        assert_eq!(
            trouble.chain(),
            [
                "failed to mount `/y`",
                "failed to open `/x`",
                "no such file"
            ]
        );
    }
}
