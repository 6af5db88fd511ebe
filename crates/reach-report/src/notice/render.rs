//! Messages as chats take them.

use super::{Item, Kind, Message};
use crate::{Lang, markup::escaped_text, words::say};

/// How a carrier marks things.
struct Markup {
    escape: fn(&str) -> String,
    title: (&'static str, &'static str),
    quote: (&'static str, &'static str),
    quote_line: &'static str,
    head: (&'static str, &'static str),
}

const HTML: Markup = Markup {
    escape: escaped_text,
    title: ("<b>", "</b>"),
    quote: ("<blockquote expandable>", "</blockquote>"),
    quote_line: "",
    head: ("<b>", "</b>"),
};

const PLAIN: Markup =
    Markup { escape: str::to_owned, title: ("", ""), quote: ("", ""), quote_line: "  ", head: ("", "") };

const MRKDWN: Markup =
    Markup { escape: escaped_text, title: ("*", "*"), quote: ("", ""), quote_line: "> ", head: ("*", "*") };

impl Message {
    /// As Telegram's Bot API takes it with `parse_mode` HTML (core.telegram.org/bots/api, *HTML style*): only `&`,
    /// `<` and `>` are escaped. At most `limit` UTF-16 code units, markup included, which Telegram itself does not
    /// count.
    pub fn telegram_html(&self, limit: usize) -> String {
        self.fitting(limit, |items| whole(&self.title, items, &HTML))
    }

    /// Without any markup. At most `limit` UTF-16 code units.
    pub fn plain(&self, limit: usize) -> String {
        self.fitting(limit, |items| whole(&self.title, items, &PLAIN))
    }

    /// Plain text without the title, as the body of a mail has it.
    pub fn body(&self) -> String {
        let items: Vec<&Item> = self.items.iter().collect();
        body(&items, &PLAIN)
    }

    /// The body in Slack's mrkdwn (docs.slack.dev, *Formatting message text*). At most `limit` UTF-16 code units.
    pub(super) fn mrkdwn(&self, limit: usize) -> String {
        self.fitting(limit, |items| body(items, &MRKDWN))
    }

    /// Leaves out items, the least important and the last of them first, until it fits; says how many things are
    /// missing. The title and what is never left out are short.
    pub(super) fn fitting(&self, limit: usize, render: impl Fn(&[&Item]) -> String) -> String {
        let mut kept: Vec<&Item> = self.items.iter().collect();
        let (mut left_out, mut missing) = (false, 0);
        loop {
            let more = left_out.then(|| more(missing, self.lang));
            let mut shown = kept.clone();
            let place = shown.iter().rposition(|item| item.kind != Kind::Foot).map_or(0, |at| at + 1);
            if let Some(more) = &more {
                shown.insert(place, more);
            }
            let text = render(&shown);
            if utf16(&text) <= limit {
                return text;
            }
            let Some(rank) = kept.iter().map(|item| item.rank).max().filter(|&rank| rank > 0) else {
                return shortest(&self.title, &text, limit);
            };
            if let Some(at) = kept.iter().rposition(|item| item.rank == rank) {
                missing += kept.remove(at).counts;
                left_out = true;
            }
            // A heading of nothing says nothing.
            if kept.last().is_some_and(|item| item.kind == Kind::QuoteHead) {
                kept.pop();
            }
            heads_without_lines(&mut kept);
        }
    }
}

fn heads_without_lines(items: &mut Vec<&Item>) {
    let mut at = 0;
    while at < items.len() {
        let empty = items[at].kind == Kind::QuoteHead
            && items.get(at + 1).is_none_or(|next| next.kind != Kind::Quote);
        if empty {
            items.remove(at);
        } else {
            at += 1;
        }
    }
}

/// Not even what must be told fits: the title alone, if it does.
fn shortest(title: &str, text: &str, limit: usize) -> String {
    let fits = |text: &str| utf16(text) <= limit;
    let escaped = escaped_text(title);
    match (fits(text), fits(&escaped)) {
        (true, _) => text.to_owned(),
        (false, true) => escaped,
        (false, false) => String::new(),
    }
}

/// Says that something was left out.
fn more(missing: usize, lang: Lang) -> Item {
    let text = match missing {
        0 => say!(lang, "… (shortened)", "…(일부 생략)"),
        missing => say!(lang, "+{missing} more", "외 {missing}개"),
    };
    Item { kind: Kind::Line, text, counts: 0, rank: 0 }
}

fn whole(title: &str, items: &[&Item], markup: &Markup) -> String {
    let (before, after) = markup.title;
    let title = (markup.escape)(title);
    let body = body(items, markup);
    format!("{before}{title}{after}\n{body}")
}

fn body(items: &[&Item], markup: &Markup) -> String {
    let mut out = String::new();
    let mut quoting = false;
    for item in items {
        let quoted = matches!(item.kind, Kind::Quote | Kind::QuoteHead);
        if quoting && (!quoted || item.kind == Kind::QuoteHead) {
            out.push_str(markup.quote.1);
            quoting = false;
        }
        if !out.is_empty() {
            out.push('\n');
        }
        if quoted && !quoting {
            out.push_str(markup.quote.0);
            quoting = true;
        }
        let text = (markup.escape)(&item.text);
        match item.kind {
            Kind::Line | Kind::Foot => out.push_str(&text),
            Kind::Bullet => {
                out.push_str("• ");
                out.push_str(&text);
            }
            Kind::QuoteHead => {
                out.push_str(markup.quote_line);
                out.push_str(markup.head.0);
                out.push_str(&text);
                out.push_str(markup.head.1);
            }
            Kind::Quote => {
                out.push_str(markup.quote_line);
                out.push_str(&text);
            }
        }
    }
    if quoting {
        out.push_str(markup.quote.1);
    }
    out
}

/// The length as JavaScript, Telegram and Slack count it.
fn utf16(text: &str) -> usize {
    text.encode_utf16().count()
}
