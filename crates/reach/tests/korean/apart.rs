//! What needs no Korean, and why.

/// Files of which no text needs Korean, or whose texts have it elsewhere: what they are, by the beginnings of their
/// paths.
pub(super) const APART: &[(&str, &str)] = &[
    ("crates/reach/src/words", "English and Korean side by side, or the catalogue itself"),
    ("crates/reach/src/cli", "help: the tests of `cli::korean` demand it"),
    ("crates/reach/src/metrics", "metrics: names and help texts that Prometheus reads"),
    ("crates/reach/src/blackbox/", "the log of a probe, in the words of blackbox_exporter"),
    ("crates/reach/src/web/pages", "HTML, and refusals over HTTP to programs"),
    ("crates/reach/src/web/probe.rs", "an answer over HTTP, in the words of blackbox_exporter"),
    ("crates/reach/src/web/guard.rs", "refusals over HTTP to programs"),
    ("crates/reach/src/web/mod.rs", "metrics, and refusals over HTTP to programs"),
    ("crates/reach/src/receive/otlp.rs", "refusals over HTTP to programs"),
    ("crates/reach/src/receive/mod.rs", "refusals over HTTP to programs"),
    ("crates/reach/src/sql/mysql.rs", "SQL"),
    ("crates/reach/src/sql/postgres.rs", "SQL"),
    ("crates/reach-core/src/judge", "evidence: reach-report has the words"),
    ("crates/reach-net/src/wire", "protocols"),
    ("crates/reach-signal/src/exception", "texts of programs that are recognised"),
    ("crates/reach-signal/src/sql", "texts of databases that are recognised"),
    ("crates/reach-signal/src/log/", "texts of servers that are recognised"),
    ("crates/reach-signal/src/scouter/dictionary.rs", "texts of programs that are recognised"),
    ("crates/reach-store/src/", "SQL"),
];

/// Files below those that do speak to people.
pub(super) const AMONG: &[&str] = &[
    "crates/reach/src/blackbox/module.rs",
    "crates/reach/src/blackbox/module/",
    "crates/reach/src/blackbox/rule.rs",
    "crates/reach-signal/src/log/access/pattern.rs",
    "crates/reach-store/src/error.rs",
];

/// Texts that look like words and need no Korean: where they are, and why.
pub(super) const NO_WORDS: &[(&str, &[&str], &str)] = &[
    (
        "crates/reach-core/src/watch/incidents/orders.rs",
        &["open are", "there are"],
        "beginnings of lists; what comes of them is in COMPOSED",
    ),
    (
        "crates/reach/src/alert/settings.rs",
        &["expected a sequence", "expected a list like [\"a\", \"b\"]"],
        "an end of a text; what comes of it is in COMPOSED",
    ),
    (
        "crates/reach-net/src/sys/capture.rs",
        &["portrange {}-{}", "{protocol} port {}", "({protocol} {} and {})"],
        "filters of packets",
    ),
    (
        "crates/reach-net/src/trust.rs",
        &[
            "a certificate cannot be decoded",
            "a signature is wrong",
            "it has a critical extension that is not understood",
            "it is not meant for servers (extended key usage)",
            "it is signed with an algorithm that is no longer accepted",
            "a certificate authority's certificate is used as a server's",
            "a server's certificate is used as an authority's",
            "its authority may not certify this name",
            "its authority may not have authorities below it",
            "it is no X.509 version 3 certificate",
        ],
        "parts of observations, which stay as they are; reach-report has their Korean (`distrust`)",
    ),
    (
        "crates/reach-lab/src/cell.rs",
        &["SKIPPED: needs network namespaces and their tools: {error}", "a trial in a child process"],
        "for those who test",
    ),
    ("crates/reach-lab/src/story.rs", &["the founding story"], "for those who test"),
    ("crates/reach-signal/src/host", &["pid {process}", "uid {}", "Max open files"], "names of the kernel's"),
    (
        "crates/reach-signal/src/host/hsperf.rs",
        &["this is no hsperfdata", "hsperfdata of version {0}.{1}, not 2.0", "the JVM is still starting"],
        "JVMs that cannot be read are passed over without a word",
    ),
    ("crates/reach-signal/src/otlp/spans.rs", &["HTTP {}", "HTTP {status}"], "the same in Korean"),
    (
        "crates/reach-signal/src/scouter/collector/rounds.rs",
        &[
            "Coordinated Universal Time",
            "Greenwich Mean Time",
            "Korean Standard Time",
            "Korea Standard Time",
            "Japan Standard Time",
            "China Standard Time",
            "Singapore Standard Time",
        ],
        "names of zones that are recognised",
    ),
    (
        "crates/reach-signal/src/scouter/reading/transaction/verdict.rs",
        &["warning slow sql"],
        "what an agent says, to be recognised",
    ),
    ("crates/reach-signal/src/scouter/wire/fields.rs", &["{} bytes"], "a value that a program reads"),
    ("crates/reach/src/alert/hook.rs", &["HTTP error "], "what a connector says, to be recognised"),
    ("crates/reach/src/alert/http.rs", &["HTTP {status}", "HTTP {status}: {said}"], "the same in Korean"),
    ("crates/reach/src/alert/mod.rs", &["telegram {bot} {}", "telegram {bot}"], "a key, never shown"),
    ("crates/reach/src/alert/settings.rs", &["user = \"reach\""], "a piece of a configuration"),
    (
        "crates/reach/src/alert/telegram/answer.rs",
        &[
            "message is not modified",
            "can't parse entities",
            "unsupported start tag",
            "message is too long",
            "message to edit not found",
            "message can't be edited",
            "chat not found",
            "chat_id is empty",
            "not enough rights",
            "thread not found",
        ],
        "what Telegram says, to be recognised",
    ),
    ("crates/reach/src/command/connect/converse.rs", &["{before}reach> "], "a prompt"),
    ("crates/reach/src/command/watch.rs", &["config reload"], "a command"),
    ("crates/reach/src/config/logs.rs", &["journal {}"], "the name of a source"),
    ("crates/reach/src/config/proxy.rs", &["ProxyChoice({}, {:?}, login: {})"], "for those who program"),
    ("crates/reach/src/config/watch/logs.rs", &["name = \"push\""], "a piece of a configuration"),
    ("crates/reach/src/config/watch/read.rs", &["name = \"patch day\""], "a piece of a configuration"),
    ("crates/reach/src/control/server.rs", &["uid {uid}"], "a name of the kernel's"),
    (
        "crates/reach/src/daemon/mod.rs",
        &["the terminal is gone; stopping", "the configuration stays as it was"],
        "arguments of macros of the log",
    ),
    (
        "crates/reach/src/evidence.rs",
        &["no interface: these packets were synthesised"],
        "a comment in a capture",
    ),
    ("crates/reach/src/export/parquet.rs", &["a column of no kind of ours"], "cannot happen"),
    ("crates/reach/src/host", &["this is no file", "pid {process}"], "passed over without a word, or a name"),
    ("crates/reach/src/live_view/view.rs", &["{name} [AS{}]"], "a name"),
    ("crates/reach/src/output.rs", &["reach: {}"], "the frame around what is translated"),
    ("crates/reach/src/recording.rs", &[" at line "], "what serde_json says, to be recognised"),
    (
        "crates/reach/src/sql/tls.rs",
        &["not valid for name", "does not support TLS", "does not have this capability"],
        "what libraries say, to be recognised",
    ),
];
