//! Targets as typed, and lists of them in files.

use std::{fs, io, path::Path};

use reach_core::model::Target;

use super::Problems;
use crate::output::{sentence, shown};

/// So many mistakes of one list are told; more of them are hardly mistakes in lines.
const MOST_PROBLEMS: usize = 20;

/// Every target of the arguments and of the lists they name, in order, none twice.
pub(super) fn targets(arguments: &[String], problems: &mut Problems) -> Vec<Target> {
    targets_at(arguments, 443, problems)
}

/// The same, where a host alone means another port.
pub(super) fn targets_at(arguments: &[String], usual_port: u16, problems: &mut Problems) -> Vec<Target> {
    let mut targets = Vec::new();
    for argument in arguments {
        match argument.strip_prefix('@') {
            None => match Target::read(argument, usual_port) {
                Ok(target) => add(&mut targets, target),
                Err(error) => problems.push(sentence(&error.to_string())),
            },
            Some("") => problems.push("`@` names no file; give @FILE, or @- for standard input".to_owned()),
            Some(path) => match read(path) {
                Ok(bytes) => list(path, &bytes, usual_port, &mut targets, problems),
                Err(error) => problems.push(format!("`@{}` cannot be read: {error}", shown(path))),
            },
        }
    }
    targets
}

fn read(path: &str) -> io::Result<Vec<u8>> {
    if path != "-" {
        return fs::read(Path::new(path));
    }
    let mut bytes = Vec::new();
    io::Read::read_to_end(&mut io::stdin().lock(), &mut bytes)?;
    Ok(bytes)
}

/// One target a line; `#` begins a comment at the start of a line or behind a blank.
fn list(path: &str, bytes: &[u8], usual_port: u16, targets: &mut Vec<Target>, problems: &mut Problems) {
    let path = if path == "-" { "standard input".to_owned() } else { shown(path) };
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let (mut found, mut wrong) = (0_usize, 0_usize);
    for (number, line) in bytes.split(|&byte| byte == b'\n').enumerate() {
        let parsed = match std::str::from_utf8(line) {
            Ok(line) => match content(line) {
                "" => continue,
                text if text.starts_with('@') => {
                    Err(format!("`{}`: a list cannot name another list", shown(text)))
                }
                text => Target::read(text, usual_port).map_err(|error| sentence(&error.to_string())),
            },
            Err(_) => Err("the line is not UTF-8 text".to_owned()),
        };
        match parsed {
            Ok(target) => {
                found += 1;
                add(targets, target);
            }
            Err(problem) => {
                wrong += 1;
                if wrong <= MOST_PROBLEMS {
                    problems.push(format!("{path}:{}: {problem}", number + 1));
                }
            }
        }
    }
    if wrong > MOST_PROBLEMS {
        problems.push(format!("{path}: {} more lines are wrong", wrong - MOST_PROBLEMS));
    }
    if found + wrong == 0 {
        problems.push(format!("{path} names no target; give one a line"));
    }
}

fn content(line: &str) -> &str {
    let comment = line.char_indices().find(|&(at, character)| {
        character == '#' && line[..at].chars().next_back().is_none_or(char::is_whitespace)
    });
    comment.map_or(line, |(at, _)| &line[..at]).trim()
}

fn add(targets: &mut Vec<Target>, target: Target) {
    if !targets.contains(&target) {
        targets.push(target);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_list(bytes: &[u8]) -> (Vec<String>, Problems) {
        let (mut targets, mut problems) = (Vec::new(), Problems::new());
        list("hosts.txt", bytes, 443, &mut targets, &mut problems);
        (targets.into_iter().map(|target| target.text).collect(), problems)
    }

    #[test]
    fn a_list_has_comments_blank_lines_and_foreign_line_ends() {
        let (targets, problems) = read_list(
            b"\xef\xbb\xbf# push\r\nfcm.googleapis.com\r\n\r\n  db.example:5432\t# the old one\nhttps://a.example/x#y",
        );
        assert_eq!(targets, ["fcm.googleapis.com:443", "db.example:5432", "https://a.example/x"]);
        assert!(problems.is_empty(), "{problems:?}");
    }

    #[test]
    fn a_mistake_is_told_with_file_and_line() {
        let (_, problems) = read_list(b"a.example\nb..example\n\xff\xfe\n@more.txt\n");
        assert_eq!(problems.len(), 3);
        assert!(problems[0].starts_with("hosts.txt:2: `b..example`"), "{problems:?}");
        assert!(problems[1].starts_with("hosts.txt:3: the line is not UTF-8"), "{problems:?}");
        assert!(problems[2].starts_with("hosts.txt:4: `@more.txt`"), "{problems:?}");
    }

    #[test]
    fn a_list_without_targets_is_a_mistake() {
        assert_eq!(read_list(b"# nothing\n\n").1, ["hosts.txt names no target; give one a line"]);
    }

    #[test]
    fn a_file_that_is_no_list_does_not_fill_the_screen() {
        let (_, problems) = read_list(&b"!!\n".repeat(500));
        assert_eq!(problems.len(), MOST_PROBLEMS + 1);
    }
}
