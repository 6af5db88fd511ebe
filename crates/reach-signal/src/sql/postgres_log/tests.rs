use proptest::prelude::*;

use super::*;

const NOW: Time = Time::from_micros(1_710_200_000_000_000);

fn read(text: &str) -> Vec<(u64, Statement)> {
    let mut log = PostgresLog::new(Origin::default(), TimeZone::fixed(jiff::tz::offset(9)));
    let mut signals: Vec<Signal> = text.lines().filter_map(|line| log.line(NOW, line)).collect();
    signals.extend(log.rest(NOW));
    let statement = |signal: Signal| match signal.word {
        Word::Statement(statement) => (signal.at.as_secs(), statement),
        other => panic!("{other:?}"),
    };
    signals.into_iter().map(statement).collect()
}

fn one(text: &str) -> (u64, Statement) {
    match &mut read(text)[..] {
        [found] => found.clone(),
        found => panic!("{text}: {found:?}"),
    }
}

/// 2024-03-11T09:12:33+09:00.
const AT: u64 = 1_710_115_953;

#[test]
fn any_prefix_will_do() {
    for prefix in [
        "2024-03-11 09:12:33.123 KST [4711] ",
        "2024-03-11 00:12:33.123 UTC [4711] app@shop ",
        "2024-03-11 09:12:33 KST [4711]: [3-1] user=app,db=shop,app=psql,client=192.0.2.7 ",
        "2024-03-11 00:12:33 UTC:192.0.2.7(5432):app@shop:[4711]:",
        "< 2024-03-11 09:12:33.123 KST >",
        "1710115953.123 [4711] app@shop ",
        "app@shop 2024-03-11 09:12:33 KST ",
        "[4711] 2024-03-11 09:12:33.123 KST ",
    ] {
        let (at, found) = one(&format!(
            "{prefix}LOG:  duration: 1234.567 ms  statement: select * from t where name = 'Kim'\n"
        ));
        assert_eq!((at, found.text.as_str()), (AT, "select * from t where name = ?"), "{prefix}");
        assert_eq!(found.elapsed, Some(Duration::from_micros(1_234_567)), "{prefix}");
        let named = prefix.contains("shop").then_some("shop");
        assert_eq!(found.database.as_deref(), named, "{prefix}");
    }
}

const LOG: &str = "\
2024-03-11 09:12:30.000 KST [4711] app@shop LOG:  duration: 0.021 ms
2024-03-11 09:12:31.000 KST [4711] app@shop LOG:  statement: select 'all are logged'
2024-03-11 09:12:33.000 KST [4711] app@shop LOG:  duration: 2001.5 ms  statement: SELECT *
\tFROM orders
\t\tWHERE note = 'two
\tLOG:  duration: 5.0 ms  statement: select ''secret'''
\t  AND id = 7
2024-03-11 09:12:33.000 KST [4712] app@shop LOG:  duration: 300.1 ms  execute <unnamed>: update t set a = $1 where b = $2
2024-03-11 09:12:33.000 KST [4712] app@shop DETAIL:  parameters: $1 = 'secret', $2 = 'LOG:  duration: 9.0 ms  statement: select secret'
2024-03-11 09:12:33.000 KST [4713] app@shop LOG:  duration: 400.2 ms  parse S_1: select a from b where c = $1
2024-03-11 09:12:33.000 KST [4713] app@shop LOG:  duration: 500.3 ms  execute fetch from S_1/C_2: select a from b where c = $1
2024-03-11 09:12:33.000 KST [4714] app@shop ERROR:  duplicate key value violates unique constraint \"k\"
2024-03-11 09:12:33.000 KST [4714] app@shop DETAIL:  Key (mail)=(secret@x.example) already exists.
2024-03-11 09:12:33.000 KST [4714] app@shop STATEMENT:  insert into k values ('secret@x.example')
2024-03-11 09:12:33.000 KST [4715] app@shop ERROR:  canceling statement due to statement timeout
2024-03-11 09:12:33.000 KST [4716] app@shop ERROR:  deadlock detected
2024-03-11 09:12:33.000 KST [4716] app@shop DETAIL:  Process 4716 waits for ShareLock on transaction 5; blocked by process 4717.
\tProcess 4716: update t set a = 'secret'
2024-03-11 09:12:33.000 KST [4716] app@shop HINT:  See server log for query details.
2024-03-11 09:12:33.000 KST [4716] app@shop STATEMENT:  update t set a = 'secret'
2024-03-11 09:12:33.000 KST [4715] app@shop STATEMENT:  select pg_sleep(100),
\t  'secret'
2024-03-11 09:12:33.000 KST [9] LOG:  checkpoint complete: wrote 3 buffers
";

#[test]
fn what_was_slow_and_what_was_cancelled_is_told_without_its_values() {
    let found = read(LOG);
    let texts: Vec<(&str, Option<&str>)> =
        found.iter().map(|(_, it)| (it.text.as_str(), it.error.as_deref())).collect();
    assert_eq!(
        texts,
        [
            ("SELECT * FROM orders WHERE note = ? AND id = ?", None),
            ("update t set a = ? where b = ?", None),
            ("select a from b where c = ?", None),
            ("select a from b where c = ?", None),
            ("update t set a = ?", Some("deadlock detected")),
            ("select pg_sleep(?), ?", Some("canceling statement due to statement timeout")),
        ]
    );
    assert!(found.iter().all(|(at, it)| *at == AT && it.database.as_deref() == Some("shop")));
    assert!(!format!("{found:?}").contains("secret"));
}

#[test]
fn a_server_that_speaks_korean_is_understood() {
    let found = read(
        "2024-03-11 09:12:33.123 KST [4711] app@shop 로그:  실행시간: 1500.000 ms  명령 구문: select '비밀'\n\
         2024-03-11 09:12:33.123 KST [4711] app@shop 로그:  수행시간: 1600.000 ms  쿼리실행 <unnamed>: select $1\n\
         2024-03-11 09:12:33.123 KST [4711] app@shop 오류:  명령실행시간 초과로 작업을 취소합니다.\n\
         2024-03-11 09:12:33.123 KST [4711] app@shop 명령 구문:  select pg_sleep(9)\n",
    );
    let texts: Vec<&str> = found.iter().map(|(_, it)| it.text.as_str()).collect();
    assert_eq!(texts, ["select ?", "select ?", "select pg_sleep(?)"]);
    assert_eq!(found[2].1.error.as_deref(), Some("canceling statement due to statement timeout"));
}

#[test]
fn csv_and_json_are_understood() {
    let csv = "2024-03-11 09:12:33.123 KST,\"app\",\"shop\",4711,\"192.0.2.7:5\",65ee.1267,3,\"SELECT\",2024-03-11 09:00:00 KST,3/12,0,LOG,00000,\"duration: 2000.123 ms  statement: select *\nfrom \"\"Orders\"\"\nwhere a = 'secret'\",,,,,,,,,\"psql\",\"client backend\",,0\n\
               2024-03-11 09:12:33.123 KST,\"app\",\"shop\",4711,\"192.0.2.7:5\",65ee.1267,4,\"SELECT\",2024-03-11 09:00:00 KST,3/12,0,ERROR,57014,\"canceling statement due to statement timeout\",,,,,,\"select pg_sleep(9), 'secret'\",,,\"psql\",\"client backend\",,0\n\
               2024-03-11 09:12:33.123 KST,,,9,,65ee.9,4,,2024-03-11 09:00:00 KST,,0,LOG,00000,\"checkpoint starting: time\",,,,,,,,,\"\",\"checkpointer\",,0\n";
    let json = "{\"timestamp\":\"2024-03-11 09:12:33.123 KST\",\"user\":\"app\",\"dbname\":\"shop\",\"pid\":4711,\"remote_host\":\"192.0.2.7\",\"error_severity\":\"LOG\",\"message\":\"duration: 2000.123 ms  statement: select *\\nfrom \\\"Orders\\\"\\nwhere a = 'secret'\"}\n\
                {\"timestamp\":\"2024-03-11 09:12:33.123 KST\",\"dbname\":\"shop\",\"pid\":4711,\"error_severity\":\"ERROR\",\"state_code\":\"57014\",\"message\":\"canceling statement due to statement timeout\",\"statement\":\"select pg_sleep(9), 'secret'\"}\n\
                {\"timestamp\":\"2024-03-11 09:12:33.123 KST\",\"error_severity\":\"LOG\",\"message\":\"checkpoint starting: time\"}\n";
    for text in [csv, json] {
        let found = read(text);
        assert_eq!(found.len(), 2, "{found:?}");
        assert_eq!((found[0].0, found[0].1.text.as_str()), (AT, "select * from \"Orders\" where a = ?"));
        assert_eq!(found[1].1.error.as_deref(), Some("canceling statement due to statement timeout"));
        assert!(found.iter().all(|(_, it)| it.database.as_deref() == Some("shop")), "{found:?}");
        assert!(!format!("{found:?}").contains("secret") && !format!("{found:?}").contains("192.0.2.7"));
    }
}

#[test]
fn what_auto_explain_writes_is_the_statement_alone() {
    let text = "2024-03-11 09:12:33.123 KST [7] LOG:  duration: 3000.000 ms  plan:\n\tQuery Text: select a\n\tfrom t where b = 'secret'\n\tSeq Scan on t  (cost=0.00..1.00 rows=1 width=4)\n\t  Filter: (b = 'secret'::text)\n";
    assert_eq!(one(text).1.text, "select a from t where b = ?");
    let json = "2024-03-11 09:12:33.123 KST [7] LOG:  duration: 3000.000 ms  plan:\n\t{\n\t  \"Query Text\": \"select a\\nfrom t where b = 'secret'\",\n\t  \"Plan\": {\n\t    \"Filter\": \"(b = 'secret'::text)\"\n\t  }\n\t}\n";
    assert_eq!(one(json).1.text, "select a from t where b = ?");
}

#[test]
fn parts_that_syslog_was_given_are_one_message() {
    // As they stand behind what syslog puts before each.
    let text = "[3-1] 2024-03-11 09:12:33.123 KST [7] app@shop LOG:  duration: 3000.000 ms  statement: select a,\n\
                [3-2] \tb from t where c = 'secret\n[3-3] , more' and d = 5\n[4-1] LOG:  other\n";
    assert_eq!(one(text).1.text, "select a, b from t where c = ? and d = ?");
}

#[test]
fn the_rest_of_a_record_that_began_before_is_passed_over() {
    let text = "\tfrom t where c = 'secret'\n2024-03-11 09:12:33.123 KST [7] LOG:  duration: 1.0 ms  statement: select 1\n";
    assert_eq!(one(text).1.text, "select ?");
}

proptest! {
    #[test]
    fn any_lines_are_taken(lines in prop::collection::vec(".{0,60}", 0..20), at in 0_usize..20) {
        let mut text: Vec<&str> = LOG.lines().collect();
        for (index, line) in lines.iter().enumerate() {
            text.insert((at + index * 3) % text.len(), line);
        }
        let mut log = PostgresLog::new(Origin::default(), TimeZone::UTC);
        for line in text { log.line(NOW, line); }
        log.rest(NOW);
    }
}
