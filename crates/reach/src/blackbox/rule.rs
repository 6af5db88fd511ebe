//! Which addresses of a name decide whether a probe worked.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// Which addresses decide.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Rule {
    /// The first one of the preferred family, as `blackbox_exporter` has it. No other is tried.
    First,
    /// One has to work.
    Any,
    /// All that could be tried have to work.
    All,
    /// At least this share of those that could be tried, above 0 and at most 1.
    Quorum(f64),
}

impl Rule {
    /// Whether a probe worked; `first` is whether its first address did. Where nothing could be tried, nothing
    /// worked.
    pub fn holds(self, first: bool, worked: usize, failed: usize) -> bool {
        worked > 0
            && match self {
                Rule::First => first,
                Rule::Any => true,
                Rule::All => failed == 0,
                Rule::Quorum(share) => worked as f64 >= share * (worked + failed) as f64,
            }
    }
}

impl FromStr for Rule {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let share = |text: &str| text.parse().ok().filter(|&share| share > 0.0 && share <= 1.0);
        match (text, text.strip_prefix("quorum:").and_then(share)) {
            ("first", _) => Ok(Rule::First),
            ("any", _) => Ok(Rule::Any),
            ("all", _) => Ok(Rule::All),
            (_, Some(share)) => Ok(Rule::Quorum(share)),
            _ => Err(format!(
                "`{}` is no choice of addresses; give first, any, all, or quorum: with a share such as quorum:0.75",
                text.escape_debug()
            )),
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Rule::First => f.write_str("first"),
            Rule::Any => f.write_str("any"),
            Rule::All => f.write_str("all"),
            Rule::Quorum(share) => write!(f, "quorum:{share}"),
        }
    }
}

impl TryFrom<String> for Rule {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Rule> for String {
    fn from(rule: Rule) -> Self {
        rule.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_of_what_could_be_tried() {
        assert!(Rule::Quorum(0.75).holds(false, 3, 1));
        assert!(!Rule::Quorum(0.75).holds(true, 2, 1));
        assert!(Rule::All.holds(true, 2, 0));
        assert!(!Rule::All.holds(true, 2, 1));
        assert!(Rule::Any.holds(false, 1, 15));
        assert!(Rule::First.holds(true, 1, 0));
        for rule in [Rule::First, Rule::Any, Rule::All, Rule::Quorum(0.1)] {
            assert!(!rule.holds(false, 0, 0), "{rule}");
        }
    }

    #[test]
    fn what_is_written_reads_the_same() {
        for text in ["first", "any", "all", "quorum:0.5", "quorum:1"] {
            assert_eq!(text.parse::<Rule>().expect("a rule").to_string(), text);
        }
        for text in ["", "quorum", "quorum:", "quorum:0", "quorum:1.1", "quorum:NaN", "ALL"] {
            assert!(text.parse::<Rule>().is_err(), "{text}");
        }
    }
}
