//! What every code means: verdicts, findings, states and what fails for applications, each with its proof, its trace in a Java log, what to
//! do about it, and what it must not be taken for.

mod failures;
mod findings;
mod verdicts;

use serde::Serialize;

use crate::Lang;

/// The explanation of one code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// The stable code.
    pub code: &'static str,
    /// What it is, in a few words.
    pub title: &'static str,
    /// What it means.
    pub meaning: &'static str,
    /// How it is proved.
    pub proof: &'static str,
    /// What it looks like in a Java log.
    pub java: &'static str,
    /// What to do.
    pub action: &'static str,
    /// What it is not.
    pub not: &'static str,
}

/// Explains a code; upper case and underscores are forgiven. `None` for a code that does not exist.
pub fn explain(code: &str, lang: Lang) -> Option<Explanation> {
    let code = normal(code);
    entries().find(|entry| entry.code == code).map(|entry| entry.in_language(lang))
}

/// All codes, in alphabetical order.
pub fn codes() -> Vec<&'static str> {
    let mut codes: Vec<&'static str> = entries().map(|entry| entry.code).collect();
    codes.sort_unstable();
    codes
}

/// The codes that somebody may have meant, nearest first, at most three.
pub fn did_you_mean(unknown: &str) -> Vec<&'static str> {
    let unknown = normal(unknown);
    let mut near: Vec<(usize, &'static str)> = codes()
        .into_iter()
        .filter_map(|code| {
            let distance = distance(&unknown, code);
            let part = (unknown.len() >= 3 && code.contains(&unknown))
                || (code.len() >= 4 && unknown.contains(code));
            let allowed = 1 + code.len().min(unknown.len()) / 4;
            (part || distance <= allowed).then_some((if part { distance.min(2) } else { distance }, code))
        })
        .collect();
    near.sort_unstable();
    near.truncate(3);
    near.into_iter().map(|(_, code)| code).collect()
}

/// One code in both languages.
struct Entry {
    code: &'static str,
    en: Said,
    ko: Said,
}

/// One code in one language.
struct Said {
    title: &'static str,
    meaning: &'static str,
    proof: &'static str,
    java: &'static str,
    action: &'static str,
    not: &'static str,
}

impl Entry {
    fn in_language(&self, lang: Lang) -> Explanation {
        let said = match lang {
            Lang::En => &self.en,
            Lang::Ko => &self.ko,
        };
        Explanation {
            code: self.code,
            title: said.title,
            meaning: said.meaning,
            proof: said.proof,
            java: said.java,
            action: said.action,
            not: said.not,
        }
    }
}

fn entries() -> impl Iterator<Item = &'static Entry> {
    verdicts::ENTRIES.iter().chain(findings::ENTRIES).chain(failures::ENTRIES)
}

fn normal(code: &str) -> String {
    code.trim().to_ascii_lowercase().replace(['_', ' '], "-")
}

/// Edit distance with neighbouring letters swapped counted once (optimal string alignment).
fn distance(one: &str, other: &str) -> usize {
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().take(64).collect(), other.chars().collect());
    let mut rows = vec![vec![0; other.len() + 1]; one.len() + 1];
    for (i, row) in rows.iter_mut().enumerate() {
        row[0] = i;
    }
    for (j, cell) in rows[0].iter_mut().enumerate() {
        *cell = j;
    }
    for i in 1..=one.len() {
        for j in 1..=other.len() {
            let differs = usize::from(one[i - 1] != other[j - 1]);
            let mut best = (rows[i - 1][j] + 1).min(rows[i][j - 1] + 1).min(rows[i - 1][j - 1] + differs);
            if i > 1 && j > 1 && one[i - 1] == other[j - 2] && one[i - 2] == other[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            rows[i][j] = best;
        }
    }
    rows[one.len()][other.len()]
}

#[cfg(test)]
mod tests {
    use reach_core::{model::Verdict, signal::FailureClass};

    use super::*;
    use crate::words::samples;

    fn is_korean(text: &str) -> bool {
        text.chars().any(|c| ('가'..='힣').contains(&c))
    }

    #[test]
    fn every_verdict_and_every_finding_is_explained() {
        for verdict in Verdict::ALL {
            assert!(explain(verdict.code(), Lang::En).is_some(), "{}", verdict.code());
        }
        for class in FailureClass::ALL {
            assert!(explain(class.code(), Lang::En).is_some(), "{}", class.code());
        }
        for matter in samples::matters() {
            assert!(explain(matter.code(), Lang::En).is_some(), "{}", matter.code());
        }
    }

    #[test]
    fn every_explanation_is_complete_in_both_languages_and_stands_once() {
        let codes = codes();
        for pair in codes.windows(2) {
            assert_ne!(pair[0], pair[1]);
        }
        for code in codes {
            for lang in Lang::ALL {
                let known = explain(code, lang).expect("a listed code");
                for text in [known.title, known.meaning, known.proof, known.java, known.action, known.not] {
                    assert!(!text.is_empty(), "{code}");
                    // A log line alone is the same in every language.
                    assert!(
                        is_korean(text) == (lang == Lang::Ko) || text == known.java,
                        "{code} in {}: {text}",
                        lang.code()
                    );
                }
            }
        }
    }

    #[test]
    fn codes_are_forgiving_and_mistyped_ones_suggest() {
        assert_eq!(explain("FLOW_DEPENDENT", Lang::En).map(|known| known.code), Some("flow-dependent"));
        assert_eq!(explain("nonsense", Lang::En), None);
        assert_eq!(did_you_mean("fitlered"), ["filtered"]);
        assert_eq!(did_you_mean("partial-blok"), ["partial-block"]);
        assert!(did_you_mean("reset").contains(&"reset-by-path"));
        assert!(did_you_mean("qqqqqqqqqqqq").is_empty());
    }

    #[test]
    fn edit_distance_counts_swaps_once() {
        assert_eq!(distance("abc", "acb"), 1);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("lossy", "lossy"), 0);
    }
}
