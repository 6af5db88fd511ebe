//! Texts without what nobody but their owner should see.

use reach_core::signal::Failure;

use crate::exception;

/// Whether a name fits a pattern, in which `*` stands for anything.
pub(super) fn fits(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| name.strip_prefix(first)) else { return false };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

/// A statement without its literals: what stands in single quotes, and numbers.
pub(super) fn statement(sql: &str) -> String {
    let mut clean = String::new();
    let mut chars = sql.chars().peekable();
    let mut in_word = false;
    while let Some(char) = chars.next() {
        if char == '\'' {
            skip_quoted(&mut chars);
            clean.push('?');
            in_word = false;
        } else if char.is_ascii_digit() && !in_word {
            while chars.next_if(|next| next.is_ascii_alphanumeric() || *next == '.').is_some() {}
            clean.push('?');
        } else {
            // `@{1}` is what the agent has put in a literal's place.
            in_word = char.is_alphanumeric() || matches!(char, '_' | '$' | '{');
            clean.push(if char.is_control() { ' ' } else { char });
        }
    }
    shorten(&clean, 2000)
}

fn skip_quoted(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) {
    while let Some(char) = chars.next() {
        match char {
            '\\' => drop(chars.next()),
            '\'' if chars.next_if_eq(&'\'').is_none() => return,
            _ => {}
        }
    }
}

/// The first line of an error, without logins; where it has nothing to do with the network, also without what it
/// quotes, which are values more often than not.
pub(super) fn error(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    let clean = line.split_whitespace().map(without_login).collect::<Vec<_>>().join(" ");
    if exception::short(&clean).is_some() { clean } else { unquoted(&clean) }
}

/// The database of a method's name that says that a connection to it is opened (`OPEN-DBC URL (how)`): its URL, without
/// `jdbc:`, login and parameters.
pub(super) fn database(method: &str) -> Option<String> {
    let url = method.strip_prefix("OPEN-DBC ")?.split_whitespace().next()?;
    let clean = without_login(url);
    let clean = clean.strip_prefix("jdbc:").unwrap_or(&clean);
    (!clean.is_empty() && clean != "null").then(|| shorten(clean, 200))
}

/// A remark of a database without the values that it quotes.
pub(super) fn database_error(text: &str) -> String {
    remark(&unquoted(text))
}

fn unquoted(text: &str) -> String {
    let mut clean = String::new();
    for (number, part) in text.split('\'').enumerate() {
        clean.push_str(if number % 2 == 0 { part } else { "'?'" });
    }
    clean
}

/// A remark without logins in it, in the length of a failure's text.
pub(super) fn remark(text: &str) -> String {
    let words = text.split_whitespace().map(without_login);
    shorten(&words.collect::<Vec<_>>().join(" "), Failure::TEXT)
}

/// A word without the login and the parameters that a URL may have.
fn without_login(word: &str) -> String {
    let Some((scheme, rest)) = word.split_once("://") else {
        return match word.split_once("jdbc:") {
            Some((before, url)) => {
                let url = url.split(['?', ';']).next().unwrap_or_default();
                // jdbc:oracle:thin:user/password@host
                let host = url.rsplit_once('@').map(|(login, host)| {
                    let scheme = login.rsplit_once(':').map_or("", |(scheme, _)| scheme);
                    format!("{scheme}:@{host}")
                });
                format!("{before}jdbc:{}", host.as_deref().unwrap_or(url))
            }
            None => word.to_owned(),
        };
    };
    let rest = rest.split(['?', ';', '#']).next().unwrap_or_default();
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let authority = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let scheme = scheme.rsplit_once('@').map_or(scheme, |(_, scheme)| scheme);
    // A password may hold a slash, and then the host stands behind what looks like a path.
    let path = path.rsplit_once('@').map_or(path, |(_, host)| host);
    format!("{scheme}://{authority}{path}")
}

/// The host and the port of the first JDBC URL in a text.
pub(super) fn jdbc_destination(text: &str) -> Option<(String, Option<u16>)> {
    let url = text.split_whitespace().find_map(|word| word.find("jdbc:").map(|at| &word[at..]))?;
    database_destination(&without_login(url))
}

/// The host and the port of a database's URL, which has no login any more.
pub(super) fn database_destination(url: &str) -> Option<(String, Option<u16>)> {
    let authority = match url.split_once("//") {
        Some((_, rest)) => rest.split(['/', ',']).next()?.to_owned(),
        None => match url.rsplit_once('@') {
            // jdbc:oracle:thin:@host:1521:sid
            Some((_, rest)) => rest.splitn(3, [':', '/']).take(2).collect::<Vec<_>>().join(":"),
            // host:port/name, as some pools have it; and not h2:mem:name, which is nowhere.
            None => {
                let (authority, _) = url.split_once('/')?;
                let (_, port) = authority.split_once(':')?;
                port.parse::<u16>().ok()?;
                authority.to_owned()
            }
        },
    };
    destination(&authority)
}

/// Host and port of `host:port`. A port that is none is left out.
pub(super) fn destination(address: &str) -> Option<(String, Option<u16>)> {
    let (host, port) = match address.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') || host.ends_with(']') => (host, port.parse().ok()),
        _ => (address, None),
    };
    let host = host.trim_start_matches('[').trim_end_matches(']').trim_end_matches('.').to_lowercase();
    let is_name = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '%');
    (!host.is_empty() && host.len() <= 253 && host.chars().all(is_name))
        .then_some((host, port.filter(|p| *p != 0)))
}

/// A text without control characters, and of that no more than so many characters.
pub(super) fn shorten(text: &str, most: usize) -> String {
    let clean = text.trim().chars().map(|c| if c.is_control() { ' ' } else { c });
    let mut short: String = clean.clone().take(most).collect();
    if clean.count() > most {
        short.pop();
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_lose_their_literals_and_keep_their_names() {
        for (sql, clean) in [
            ("select * from t where id = @{1}", "select * from t where id = @{1}"),
            (
                "select 'it''s' , x from t2 where a=17.5 and b='a\\'b'",
                "select ? , x from t2 where a=? and b=?",
            ),
            ("select 'never closed", "select ?"),
            ("insert into 주문 values (0x1F, '홍길동')", "insert into 주문 values (?, ?)"),
        ] {
            assert_eq!(statement(sql), clean);
        }
    }

    #[test]
    fn no_login_stays_in_a_url() {
        for (text, clean) in [
            (
                "jdbc:mysql://kim:s3cret@db.example.kr:3306/orders?user=kim&password=s3cret java.net.ConnectException",
                "jdbc:mysql://db.example.kr:3306/orders java.net.ConnectException",
            ),
            ("jdbc:sqlserver://db:1433;user=sa;password=x", "jdbc:sqlserver://db:1433"),
            ("jdbc:oracle:thin:scott/tiger@db.example.kr:1521:X", "jdbc:oracle:thin:@db.example.kr:1521:X"),
            ("https://a:b@h/p?token=x failed", "https://h/p failed"),
        ] {
            assert_eq!(remark(text), clean);
        }
    }

    #[test]
    fn the_destination_of_a_database_is_found() {
        for (text, host, port) in [
            (
                "jdbc:hsqldb:hsql://db.example.kr:9001/orders java.sql.SQLException",
                "db.example.kr",
                Some(9001),
            ),
            ("jdbc:mysql://kim:x@DB.example.kr/orders", "db.example.kr", None),
            ("jdbc:oracle:thin:@db.example.kr:1521:sid", "db.example.kr", Some(1521)),
            ("jdbc:sqlserver://[2001:db8::1]:1433;user=x", "2001:db8::1", Some(1433)),
            ("jdbc:postgresql://a:1,b:2/x", "a", Some(1)),
        ] {
            assert_eq!(jdbc_destination(text), Some((host.to_owned(), port)), "{text}");
        }
        assert_eq!(jdbc_destination("no url"), None);
    }

    #[test]
    fn a_database_is_known_by_its_url_without_login() {
        for (method, database, destination) in [
            (
                "OPEN-DBC jdbc:mysql://kim:s3cret@db.example.kr:3306/orders?user=kim&password=x (CONN)",
                "mysql://db.example.kr:3306/orders",
                Some(("db.example.kr".to_owned(), Some(3306))),
            ),
            (
                "OPEN-DBC jdbc:oracle:thin:scott/tiger@db:1521:X (getConnection())",
                "oracle:thin:@db:1521:X",
                Some(("db".to_owned(), Some(1521))),
            ),
            ("OPEN-DBC db01:5432/orders (x)", "db01:5432/orders", Some(("db01".to_owned(), Some(5432)))),
            ("OPEN-DBC jdbc:h2:mem:test (x)", "h2:mem:test", None),
        ] {
            assert_eq!(super::database(method).as_deref(), Some(database));
            assert_eq!(database_destination(database), destination, "{database}");
        }
        for other in ["org.example.Service.open()", "OPEN-DBC null (x)", "OPEN-DBC "] {
            assert_eq!(super::database(other), None);
        }
    }

    #[test]
    fn errors_keep_what_names_a_destination_and_lose_what_else_they_quote() {
        for (text, clean) in [
            (
                "java.sql.SQLException: Duplicate entry 'kim' for key",
                "java.sql.SQLException: Duplicate entry '?' for key",
            ),
            (
                "java.net.ConnectException: Connection refused\n\tat a.B",
                "java.net.ConnectException: Connection refused",
            ),
            ("warning slow sql, over 300 ms", "warning slow sql, over 300 ms"),
        ] {
            assert_eq!(error(text), clean);
        }
    }

    #[test]
    fn patterns_have_stars_anywhere() {
        for (pattern, name, fit) in [
            ("*", "/was01/a", true),
            ("/was*", "/was01/a", true),
            ("*/api-*", "/was01/api-1", true),
            ("/was01/a", "/was01/a", true),
            ("/was01", "/was01/a", false),
            ("*b", "/was01/a", false),
            ("", "x", false),
        ] {
            assert_eq!(fits(pattern, name), fit, "{pattern} {name}");
        }
    }
}
