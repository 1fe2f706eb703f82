//! What a subject allows its cold start to take: `p95 < 800ms`.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::Span;

/// The budgets of a cold start; at least one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Budgets {
    /// To make the container.
    #[serde(default)]
    pub create: Option<Budget>,
    /// From the request to start it until process 1 runs.
    #[serde(default)]
    pub start: Option<Budget>,
    /// From that request to the first output.
    #[serde(default)]
    pub first_log: Option<Budget>,
    /// From that request to readiness.
    #[serde(default)]
    pub ready: Option<Budget>,
}

impl Budgets {
    /// Whether it sets no budget at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        [&self.create, &self.start, &self.first_log, &self.ready]
            .iter()
            .all(|budget| budget.is_none())
    }
}

/// A statistic over the boots of a trial, and what it must stay below.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// The statistic.
    pub statistic: Statistic,
    /// The bound.
    pub below: Span,
}

/// A statistic over samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Statistic {
    /// The smallest sample that this share of all, in percent, is not above.
    Percentile(u8),
    /// The largest.
    Max,
}

impl Statistic {
    /// Its value, by the nearest rank; `None` without samples.
    #[must_use]
    pub fn of(self, samples: &[f64]) -> Option<f64> {
        let mut sorted = samples.to_vec();
        sorted.sort_by(f64::total_cmp);
        let rank = match self {
            Self::Percentile(share) => (sorted.len() * usize::from(share)).div_ceil(100),
            Self::Max => sorted.len(),
        };
        sorted.get(rank.saturating_sub(1)).copied()
    }
}

impl fmt::Display for Statistic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Percentile(share) => write!(f, "p{share}"),
            Self::Max => f.write_str("max"),
        }
    }
}

impl Budget {
    /// Reads `p95 < 800ms` or `max < 2s`.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "`{text}` is not a budget; expected `p1` to `p99` or `max`, `<` and a span of time, such as `p95 < 800ms`"
            )
        };
        let (statistic, below) = text.split_once('<').ok_or_else(wrong)?;
        let statistic = match statistic.trim() {
            "max" => Statistic::Max,
            share => match share.strip_prefix('p').map(str::parse) {
                Some(Ok(share @ 1..=99)) => Statistic::Percentile(share),
                _ => return Err(wrong()),
            },
        };
        let below = Span::parse(below.trim())?;
        Ok(Self { statistic, below })
    }
}

impl fmt::Display for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} < {}", self.statistic, self.below)
    }
}

impl<'de> Deserialize<'de> for Budget {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

impl Serialize for Budget {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl JsonSchema for Budget {
    fn schema_name() -> Cow<'static, str> {
        "Budget".into()
    }

    fn json_schema(_generator: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^(p[1-9][0-9]?|max) *< *0*[1-9][0-9]*(ms|s|m)$", "description": "A statistic over boots and its bound: `p95 < 800ms`." })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn budgets_read_and_print_the_same() {
        for text in ["p95 < 800ms", "max < 2s", "p50 < 1m"] {
            assert_eq!(Budget::parse(text).expect("parses").to_string(), text);
        }
        assert!(Budget::parse("p95<800ms").is_ok());
        for wrong in [
            "",
            "800ms",
            "p0 < 1s",
            "p100 < 1s",
            "p95 > 1s",
            "p95 < 0s",
            "mean < 1s",
        ] {
            assert!(Budget::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_percentile_is_a_sample() {
        let samples = [5.0, 1.0, 4.0, 2.0, 3.0];
        assert_eq!(Statistic::Percentile(50).of(&samples), Some(3.0));
        assert_eq!(Statistic::Percentile(95).of(&samples), Some(5.0));
        assert_eq!(Statistic::Percentile(1).of(&samples), Some(1.0));
        assert_eq!(Statistic::Max.of(&samples), Some(5.0));
        assert_eq!(Statistic::Max.of(&[]), None);
    }
}
