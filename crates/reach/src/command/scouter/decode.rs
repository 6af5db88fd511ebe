//! `reach scouter decode`: captured datagrams, every field of them.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

use reach_signal::scouter::wire::{Node, document};

use crate::{
    cli::ScouterDecodeArgs,
    config::{Output, Surroundings},
    exit::Exit,
    output::{complain, finish, sentence, shown},
};

/// No file with one datagram is larger. (A datagram has 65,535 bytes at most; what was put together by hand may have
/// more.)
const LARGEST: u64 = 16 << 20;

/// Runs the command.
pub(super) fn run(args: &ScouterDecodeArgs, around: &Surroundings) -> Exit {
    let output = match Output::new(&args.output, around) {
        Ok(output) => output,
        Err(problem) => return complain(&[problem]),
    };
    let read: Result<Vec<Vec<u8>>, String> = args.files.iter().map(|path| bytes(path)).collect();
    let files = match read {
        Ok(files) => files,
        Err(problem) => return complain(&[problem]),
    };
    let (mut text, mut exit) = (String::new(), Exit::AllWork);
    for (path, bytes) in args.files.iter().zip(&files) {
        let (node, is_datagram) = document(bytes);
        if !is_datagram {
            exit = Exit::SomeFail;
        }
        if output.json {
            // A tree of texts and numbers always has a JSON form.
            text.push_str(&serde_json::to_string(&node).unwrap_or_default());
            text.push('\n');
        } else {
            if files.len() > 1 {
                text.push_str(&format!("{}:\n", shown(&path.to_string_lossy())));
            }
            write(&node, if files.len() > 1 { 1 } else { 0 }, &mut text);
        }
    }
    finish(&text, exit)
}

fn bytes(path: &Path) -> Result<Vec<u8>, String> {
    let name = shown(&path.to_string_lossy());
    let mut bytes = Vec::new();
    let read = if path == Path::new("-") {
        io::stdin().lock().take(LARGEST + 1).read_to_end(&mut bytes)
    } else {
        File::open(path).and_then(|file| file.take(LARGEST + 1).read_to_end(&mut bytes))
    };
    match read {
        Ok(_) if bytes.len() as u64 <= LARGEST => Ok(bytes),
        Ok(_) => Err(format!(
            "`{name}` is larger than any datagram; give files with one captured UDP payload each"
        )),
        Err(error) => Err(format!("`{name}` cannot be read: {error}")),
    }
}

/// A tree as indented lines. What is nested is indented; a value with its type stands in one line.
fn write(node: &Node, depth: usize, text: &mut String) {
    let indent = "  ".repeat(depth);
    match node {
        Node::Object(fields) => {
            for (name, field) in fields {
                let name = shown(name);
                match line(field) {
                    Some(line) => text.push_str(&format!("{indent}{name}: {line}\n")),
                    None => {
                        text.push_str(&format!("{indent}{name}:\n"));
                        write(inside(field), depth + 1, text);
                    }
                }
            }
        }
        Node::List(items) => {
            for item in items {
                match line(item) {
                    Some(line) => text.push_str(&format!("{indent}- {line}\n")),
                    None => {
                        text.push_str(&format!("{indent}-\n"));
                        write(inside(item), depth + 1, text);
                    }
                }
            }
        }
        leaf => text.push_str(&format!("{indent}{}\n", line(leaf).unwrap_or_default())),
    }
}

/// What fits into one line.
fn line(node: &Node) -> Option<String> {
    match node {
        Node::Null => Some("null".to_owned()),
        Node::Bool(value) => Some(value.to_string()),
        Node::Int(number) => Some(number.to_string()),
        Node::Number(number) => Some(number.to_string()),
        Node::Text(text) => Some(sentence(text)),
        Node::List(items) if items.is_empty() => Some("[]".to_owned()),
        Node::Object(fields) if fields.is_empty() => Some("{}".to_owned()),
        Node::List(items) => {
            let lines: Option<Vec<String>> = items.iter().map(line).collect();
            lines.map(|lines| lines.join(", ")).filter(|line| line.chars().count() <= 100)
        }
        value @ Node::Object(fields) => {
            let inner = inside(value);
            let is_null =
                fields.iter().any(|(_, field)| *field == Node::Text("null".to_owned())) && fields.len() == 1;
            if std::ptr::eq(inner, value) { is_null.then(|| "null".to_owned()) } else { line(inner) }
        }
    }
}

/// The value behind its type.
fn inside(node: &Node) -> &Node {
    let Node::Object(fields) = node else { return node };
    let is_value = fields.first().is_some_and(|(name, _)| name == "vtype");
    let value = fields.iter().find(|(name, _)| name == "v" || name == "hex");
    value.filter(|_| is_value).map_or(node, |(_, value)| value)
}
