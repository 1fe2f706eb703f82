//! A waiver: a kind of finding that a subject's owner accepts for a while, with a reason, a name and a last day.

use std::fmt;

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Pattern, nearest};
use crate::explain;

/// A finding that is accepted until a day. It is shown in every report, and after its day it counts for nothing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Waiver {
    /// The finding's code: `drift/undeclared` (`adamant explain` lists them).
    pub finding: String,
    /// Only in this case: its path under `cases/` without `.yaml`.
    #[serde(default)]
    pub case: Option<String>,
    /// Only when each thing that the finding is about matches, such as a path.
    #[serde(default)]
    pub matches: Option<Pattern>,
    /// Why it is accepted.
    pub reason: String,
    /// Who accepts it, and is asked when it ends.
    pub owner: String,
    /// Its last day (UTC): `2027-03-31`.
    pub until: Day,
}

/// A calendar day, `2027-03-31`.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct Day(pub Date);

impl Day {
    /// Today, in UTC.
    #[must_use]
    pub fn today() -> Self {
        Self(
            jiff::Timestamp::now()
                .to_zoned(jiff::tz::TimeZone::UTC)
                .date(),
        )
    }
}

impl TryFrom<String> for Day {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let date: Result<Date, _> = text.parse();
        // Whatever else the parser takes for a date, such as one with a time behind it, is not the form that we show.
        match date {
            Ok(date) if date.to_string() == text => Ok(Self(date)),
            _ => Err(format!("`{text}` is not a day; expected `YYYY-MM-DD`")),
        }
    }
}

impl From<Day> for String {
    fn from(day: Day) -> Self {
        day.to_string()
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl Waiver {
    /// What a type cannot say.
    pub fn validate(&self) -> Result<(), String> {
        let code = self.finding.as_str();
        if explain::find(code).is_none() {
            let codes = explain::pages().map(|page| page.code);
            let near =
                nearest(code, codes).map_or_else(String::new, |n| format!("; did you mean `{n}`?"));
            return Err(format!("no finding has the code `{code}`{near}"));
        }
        for (key, text) in [("reason", &self.reason), ("owner", &self.owner)] {
            if text.trim().is_empty() {
                return Err(format!("the waiver of `{code}` has an empty `{key}`"));
            }
        }
        Ok(())
    }

    /// Whether it still counts on a day.
    #[must_use]
    pub fn holds_on(&self, today: Day) -> bool {
        today <= self.until
    }
}

impl fmt::Display for Waiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} ({}, until {})",
            self.reason.trim(),
            self.owner.trim(),
            self.until
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Result<Day, String> {
        Day::try_from(text.to_owned())
    }

    #[test]
    fn a_day_is_a_day_and_nothing_more() {
        assert_eq!(day("2027-03-31").map(String::from), Ok("2027-03-31".into()));
        for wrong in [
            "2027-3-31",
            "2027-02-30",
            "2027-03-31T00:00",
            "tomorrow",
            "",
        ] {
            assert!(day(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_last_day_still_counts() {
        let waiver = Waiver {
            finding: "drift/undeclared".into(),
            case: None,
            matches: None,
            reason: "r".into(),
            owner: "o".into(),
            until: day("2027-03-31").expect("a day"),
        };
        assert!(waiver.holds_on(day("2027-03-31").expect("a day")));
        assert!(!waiver.holds_on(day("2027-04-01").expect("a day")));
        assert_eq!(waiver.validate(), Ok(()));
        let unknown = Waiver {
            finding: "drift/undeclard".into(),
            ..waiver
        };
        let error = unknown.validate().expect_err("no such code");
        assert!(error.contains("`drift/undeclared`"), "{error}");
    }
}
