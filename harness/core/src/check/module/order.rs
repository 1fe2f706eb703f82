//! Lines of standard output that came in an order.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Gap, Seen};
use crate::check::Finding;
use crate::module::wire::Stream;

/// Whole lines, each once, in this order; lines that are not named may stand anywhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Order(Vec<String>);

impl Order {
    pub(super) fn asks(&self) -> Result<(), String> {
        if self.0.len() < 2 {
            return Err("fewer than two lines have no order".into());
        }
        let twice = self
            .0
            .iter()
            .enumerate()
            .find(|(n, line)| self.0[..*n].contains(line));
        twice.map_or(Ok(()), |(_, line)| {
            Err(format!("the line {line:?} stands twice"))
        })
    }

    pub(super) fn judge(&self, seen: &Seen<'_>) -> Result<Vec<Finding>, Gap> {
        let text = seen.text(Stream::Stdout)?;
        let named: Vec<&str> = text
            .lines()
            .filter(|l| self.0.iter().any(|n| n == l))
            .collect();
        if named == self.0 {
            return Ok(Vec::new());
        }
        let finding = Finding::new(
            format!(
                "standard output has these lines once each and in this order: {}",
                self.0.join(" · ")
            ),
            if named.is_empty() {
                "none of them".into()
            } else {
                named.join(" · ")
            },
        );
        Ok(vec![finding])
    }
}
