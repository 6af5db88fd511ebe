//! Throwables in text: `package.Class: message`, on a line of their own or inside one.

use std::sync::LazyLock;

use regex::Regex;

/// How a throwable belongs to the others of its failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// What was thrown last.
    Thrown,
    /// What led to the one before it in the text.
    Cause,
    /// What happened beside.
    Suppressed,
    /// One of several errors that another one gathers.
    Part,
}

/// What is said of one throwable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Head {
    /// Its class, with its package where the text gives it; empty where only words are there.
    pub kind: String,
    pub message: String,
    pub role: Role,
}

impl Head {
    /// The class without its package.
    pub(super) fn name(&self) -> &str {
        let name = self.kind.rsplit(['.', ':', '\\', '/', '$']).next().unwrap_or(&self.kind);
        // Netty's copies of the JDK's classes, with the address in the message.
        name.strip_prefix("Annotated").unwrap_or(name)
    }

    /// Class and message as they were printed.
    pub(super) fn text(&self) -> String {
        match (self.kind.is_empty(), self.message.is_empty()) {
            (true, _) => self.message.clone(),
            (_, true) => self.kind.clone(),
            _ => format!("{}: {}", self.kind, self.message),
        }
    }
}

/// Marks in front of a cause, with what they say of it.
const MARKS: [(&str, Role); 15] = [
    ("Caused by: ", Role::Cause),
    ("Caused by:", Role::Cause),
    ("caused by: ", Role::Cause),
    ("Wrapped by: ", Role::Cause),
    ("Suppressed: ", Role::Suppressed),
    ("nested exception is: ", Role::Cause),
    ("nested exception is ", Role::Cause),
    ("Nested Exception: ", Role::Cause),
    ("[CIRCULAR REFERENCE:", Role::Suppressed),
    ("---> ", Role::Cause),
    ("[cause]: ", Role::Cause),
    ("cause: ", Role::Cause),
    ("[previous exception] [object] (", Role::Cause),
    ("Next ", Role::Thrown),
    ("Previous: ", Role::Cause),
];

/// What a line's beginning says of the throwable behind it, and that throwable.
pub(super) fn marked(line: &str) -> Option<(Role, &str)> {
    MARKS.iter().find_map(|(mark, role)| Some((*role, line.strip_prefix(mark)?)))
}

/// The throwable that a whole line is.
pub(super) fn whole(line: &str, role: Role) -> Option<Head> {
    static WHOLE: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(concat!(
            r"^(?:Exception in thread [\x22'][^\x22']*[\x22'] |Uncaught (?:\(in promise\) )?|Unhandled [Ee]xception\.? ?:? ?",
            r"|\(node:[0-9]+\) UnhandledPromiseRejectionWarning: |PHP Fatal error:\s+Uncaught |Fatal error: Uncaught |\[?[0-9]{1,3}\]? )?",
            r"(?P<kind>[A-Za-z_][A-Za-z0-9_$]*(?:(?:\.|::|\\{1,2}|/)[A-Za-z_$][A-Za-z0-9_$]*)*)",
            r"(?:\s\([0-9]+\)|\s\(0x[0-9A-Fa-f]+(?:, [^)]*)?\)|\s\[[A-Za-z_0-9]+\]|\(code: [0-9]+\))?(?::(?:\s|$)|$)(?P<message>.*)$",
        ))
        .expect("a pattern")
    });
    let found = WHOLE.captures(line)?;
    let kind = &found["kind"];
    let head = Head { kind: kind.to_owned(), message: found["message"].trim().to_owned(), role };
    let qualified = kind.contains(['.', '\\', ':']);
    let outer = kind
        .rsplit(['.', '\\', ':'])
        .next()
        .unwrap_or(kind)
        .split('$')
        .any(|name| is_throwable(name, qualified));
    outer.then_some(()).filter(|()| qualified || !head.message.is_empty() || line.contains('['))?;
    Some(head)
}

/// The throwables that stand inside a line, and the text before the first.
pub(super) fn inline(text: &str) -> (&str, Vec<Head>) {
    static INLINE: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(concat!(
            r"(?P<kind>(?:[A-Za-z_][A-Za-z0-9_]*(?:\.|::|\\{1,2}))*[A-Z][A-Za-z0-9_$]*(?:Exception|Error|Timeout|Fault)(?:\$[A-Za-z0-9_]+)?",
            r"|(?:[a-z_]+\.)+(?:gaierror|herror|timeout|error))",
            r"(?:\s\([0-9]+\)|\s\[[A-Za-z_0-9]+\]|\(code: [0-9]+\)|\))?(?::\s|:?$|\)$| \(|\]$)",
        ))
        .expect("a pattern")
    });
    let mut starts: Vec<(usize, usize, String)> = Vec::new();
    for found in INLINE.captures_iter(text).take(12) {
        let kind = found.name("kind").expect("the class");
        let before = text[..kind.start()].chars().next_back();
        let open = text[..kind.start()].ends_with("=\"") || text[..kind.start()].ends_with(":\"");
        // What somebody said about an exception is no exception.
        let quoted = matches!(before, Some('"' | '\'' | '`' | '‘' | '“')) && !open;
        let joined = before
            .is_some_and(|c| c.is_alphanumeric() || matches!(c, '.' | '/' | '_' | '@' | '#' | '-' | '$'));
        let whole = found.get(0).expect("the match");
        let qualified = kind.as_str().contains(['.', '\\', ':']);
        let bare = !whole.as_str().contains(": ");
        // Code speaks of classes, it does not throw them.
        let keyword = text[..kind.start()].split_whitespace().next_back().is_some_and(|word| {
            matches!(
                word,
                "except"
                    | "catch"
                    | "throws"
                    | "@throws"
                    | "raise"
                    | "raises"
                    | "instanceof"
                    | "import"
                    | "extends"
                    | "new"
                    | "class"
            )
        });
        if quoted || joined || keyword || (bare && !qualified && !whole.as_str().ends_with(')')) {
            continue;
        }
        let message = if whole.as_str().ends_with(" (") { whole.end() - 1 } else { whole.end() };
        starts.push((kind.start(), message, kind.as_str().to_owned()));
    }
    let preamble = starts.first().map_or(text, |first| &text[..first.0]);
    let ends: Vec<usize> = starts.iter().skip(1).map(|next| next.0).chain([text.len()]).collect();
    let heads = starts
        .into_iter()
        .zip(ends)
        .enumerate()
        .map(|(number, ((_, from, kind), end))| Head {
            kind,
            message: trimmed(&text[from.min(end)..end]).to_owned(),
            role: if number == 0 { Role::Thrown } else { Role::Cause },
        })
        .collect();
    (preamble, heads)
}

/// A message without what led over to the next throwable.
pub(super) fn trimmed(message: &str) -> &str {
    let mut message = message.trim();
    for tail in [
        "nested exception is",
        "Caused by:",
        "caused by:",
        "<=",
        "--->",
        "cause:",
        "root cause:",
        "(Caused by",
        "[",
        "(",
    ] {
        message = message.strip_suffix(tail).unwrap_or(message).trim_end_matches([' ', ';', ',']);
    }
    message
}

/// Whether classes of things that are thrown are called so.
fn is_throwable(name: &str, qualified: bool) -> bool {
    const ENDS: [&str; 7] = ["Exception", "Error", "Throwable", "Failure", "Timeout", "Fault", "Warning"];
    const WORDS: [&str; 8] =
        ["gaierror", "herror", "timeout", "error", "ECONNREFUSED", "ETIMEDOUT", "ECONNRESET", "Refused"];
    let named = ENDS.iter().any(|end| name.ends_with(end))
        && name.bytes().next().is_some_and(|byte| byte.is_ascii_uppercase());
    named || (qualified && WORDS.contains(&name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(text: &str) -> Vec<(String, String)> {
        inline(text).1.into_iter().map(|head| (head.kind, head.message)).collect()
    }

    #[test]
    fn lines_that_are_throwables_are_told_from_others() {
        for line in [
            "java.net.ConnectException: Connection refused",
            "java.net.ConnectException",
            "Error: connect ETIMEDOUT 192.0.2.1:443",
            "AggregateError [ETIMEDOUT]: ",
            "requests.exceptions.ConnectTimeout: x",
            "socket.timeout: timed out",
            "System.Net.Sockets.SocketException (111): Connection refused",
            "Exception in thread \"main\" java.net.ConnectException: x",
            "io.netty.channel.AbstractChannel$AnnotatedConnectException: x",
        ] {
            assert!(whole(line, Role::Thrown).is_some(), "{line}");
        }
        for line in [
            "Error",
            "error: x",
            "at a.b.Exception.x(Y.java:1)",
            "The Exception: x",
            "will retry on ConnectException",
        ] {
            assert_eq!(whole(line, Role::Thrown), None, "{line}");
        }
    }

    #[test]
    fn throwables_inside_a_line_are_found_in_order() {
        let text = "a.ResourceAccessException: I/O error; nested exception is java.net.SocketTimeoutException: connect timed out";
        assert_eq!(
            kinds(text),
            [
                ("a.ResourceAccessException".to_owned(), "I/O error".to_owned()),
                ("java.net.SocketTimeoutException".to_owned(), "connect timed out".to_owned())
            ]
        );
        assert_eq!(kinds("will retry on SocketTimeoutException, ConnectException").len(), 0);
        assert_eq!(kinds("kim wrote: \"java.net.ConnectException: Connection refused\"").len(), 0);
    }
}
