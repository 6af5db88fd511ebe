use proptest::prelude::*;

use super::*;

fn postgres(text: &str) -> String {
    normalise(text, Dialect::Postgres)
}

fn mysql(text: &str) -> String {
    normalise(text, Dialect::Mysql)
}

#[test]
fn literals_of_postgresql_go() {
    for (text, expected) in [
        ("SELECT * FROM t1 WHERE id = 42", "SELECT * FROM t1 WHERE id = ?"),
        ("select a.b2 from x where n='it''s' and m = -1.5e-3;", "select a.b2 from x where n = ? and m = ?"),
        (r"select 'C:\' || name from t", "select ? || name from t"),
        (r"select E'it\'s' || name from t", "select ? || name from t"),
        ("select $$se'cret$$, $q$a $$ b$q$, $1", "select ?, ?, ?"),
        ("select b'101', X'ff', N'x', U&'d\\0061t' from t", "select ?, ?, ?, ? from t"),
        ("select * from t where id in (1,2, 3 ,4)", "select * from t where id in (?)"),
        ("insert into t(a,b) values (1,'x'),(2,'y'), (3,'z')", "insert into t(a, b) values (?)"),
        ("select '5'::int, \"Odd \"\"name 7\" from t", "select ?::int, \"Odd \"\"name 7\" from t"),
        ("select 1 -- secret\n + /* a /* nested */ b */ 2", "select ? + ?"),
        ("select count(*) from t limit 10 offset 20", "select count(*) from t limit ? offset ?"),
        ("select a-1, (b)-2, -3", "select a - ?, (b) - ?, ?"),
        (
            "select x from t where a <> 0x1F and b >= .5 and c != 1_000",
            "select x from t where a <> ? and b >= ? and c != ?",
        ),
        ("select data->>'key' from t where data @> '{\"a\": 1}'", "select data ->> ? from t where data @> ?"),
        ("select array[1,2,3]", "select array[?]"),
        ("alter user x password 'hunter2'", "alter user x password ?"),
        ("select date '2024-01-01', now() - interval '1 day'", "select date ?, now() - interval ?"),
        ("  ", ""),
    ] {
        assert_eq!(postgres(text), expected, "{text}");
    }
}

#[test]
fn literals_of_mysql_go() {
    for (text, expected) in [
        (
            "SELECT * FROM `t 1` WHERE a = \"x\\\"y\" AND b = 'it\\'s'",
            "SELECT * FROM `t 1` WHERE a = ? AND b = ?",
        ),
        ("select 0xFF, x'4D', b'01', _utf8mb4'abc', n'x'", "select ?"),
        ("select 'a' 'b' 'c' from 2024_orders", "select ? from 2024_orders"),
        ("select 1 # secret\n from t -- more\n where a=5--3", "select ? from t where a = ? - ?"),
        ("select /*!50001 sql_no_cache */ a /*+ hint(5) */ from t", "select sql_no_cache a from t"),
        ("select @user_id, @@version, t.`c3`", "select @user_id, @@version, t.`c3`"),
        ("select 1e5, 1.5E-7, 12 from t1e5", "select ?, ?, ? from t1e5"),
        ("update t set n = n + 1 where id in ('a','b')", "update t set n = n + ? where id in (?)"),
    ] {
        let found = mysql(text);
        let expected = if expected == "select ?" { "select ?, ?, ?, ?, ?" } else { expected };
        assert_eq!(found, expected, "{text}");
    }
}

#[test]
fn what_is_cut_in_a_literal_ends_with_it() {
    assert_eq!(postgres("select * from t where name = 'secr"), "select * from t where name = ?");
    assert_eq!(postgres("select $x$ secr"), "select ?");
    assert_eq!(postgres("select \"secr"), "select ?");
    assert_eq!(mysql("select 1 /* secr"), "select ?");
}

#[test]
fn long_statements_are_cut_and_marked() {
    let long = format!("select {} from t", vec!["column_name"; 500].join(", "));
    let line = postgres(&long);
    assert!(line.chars().count() <= MOST && line.ends_with('…'));
    let many = format!("select * from t where id in ({})", vec!["123456"; 100_000].join(","));
    assert_eq!(mysql(&many), "select * from t where id in (?)");
}

#[test]
fn control_characters_do_not_survive() {
    assert_eq!(postgres("select\t\"a\u{1b}[2Jb\"\r\nfrom t"), "select \"a [2Jb\" from t");
}

proptest! {
    #[test]
    fn any_text_is_taken(text in ".{0,400}") {
        for dialect in [Dialect::Postgres, Dialect::Mysql] {
            let line = normalise(&text, dialect);
            prop_assert!(line.chars().count() <= MOST);
            prop_assert!(!line.chars().any(char::is_control));
        }
    }

    #[test]
    fn sql_like_text_is_taken(text in "[a-c0-9'\"`$\\\\ /*#,()\\-\n.exEU&]{0,80}") {
        for dialect in [Dialect::Postgres, Dialect::Mysql] {
            let _ = normalise(&text, dialect);
        }
    }

    /// Whatever is put in as a literal, well quoted, does not come out.
    #[test]
    fn no_literal_survives(secret in "[A-Z0-9'\"\\\\ \n$#*/-]{0,30}", number in 100_000_u64..) {
        let inner = format!("SECRET{secret}");
        let doubled = inner.replace('\'', "''");
        let escaped = doubled.replace('\\', "\\\\");
        for (dialect, quoted) in [
            (Dialect::Postgres, format!("'{doubled}'")),
            (Dialect::Postgres, format!("E'{escaped}'")),
            (Dialect::Mysql, format!("'{escaped}'")),
            (Dialect::Mysql, format!("\"{}\"", inner.replace('\\', "\\\\").replace('"', "\"\""))),
        ] {
            let line = normalise(&format!("select a from t where b = {quoted} and c = {number} and d = 'x'"), dialect);
            prop_assert_eq!(line, "select a from t where b = ? and c = ? and d = ?");
        }
    }
}
