//! Messages as JSON for Slack and Teams.

use serde_json::{Value, json};

use super::{Item, Kind, Message};
use crate::markup::escaped_text;

/// A section of Slack's Block Kit takes 3000 characters (docs.slack.dev, *Section block*).
const SLACK_SECTION: usize = 3000;
/// A header takes 150 (docs.slack.dev, *Header block*).
const SLACK_HEADER: usize = 150;
/// Teams takes messages of up to 28 KB (learn.microsoft.com, *Create Incoming Webhooks*); markup and the escapes of
/// JSON need some of it.
const TEAMS: usize = 6000;

impl Message {
    /// The body of a request to a Slack incoming webhook.
    pub fn slack(&self) -> Value {
        let header: String = self.title.chars().take(SLACK_HEADER).collect();
        let text = self.mrkdwn(SLACK_SECTION);
        let mut blocks = vec![
            json!({ "type": "header", "text": { "type": "plain_text", "text": header, "emoji": true } }),
        ];
        if !text.is_empty() {
            // Verbatim: names are not turned into links.
            blocks.push(json!({
                "type": "section",
                "text": { "type": "mrkdwn", "text": text, "verbatim": true },
            }));
        }
        let fallback = escaped_text(&self.title);
        json!({ "text": fallback, "blocks": blocks, "unfurl_links": false, "unfurl_media": false })
    }

    /// The body of a request to a Teams webhook: an Adaptive Card whose text is in runs, which have no markup that
    /// foreign text could use.
    pub fn teams(&self) -> Value {
        let run = |text: &str, more: Value| {
            let mut run = json!({ "type": "TextRun", "text": text });
            if let (Some(run), Value::Object(more)) = (run.as_object_mut(), more) {
                run.extend(more);
            }
            json!({ "type": "RichTextBlock", "inlines": [run] })
        };
        let block = |item: &Item| match item.kind {
            Kind::Line => run(&item.text, json!({})),
            Kind::Bullet => run(&format!("• {}", item.text), json!({})),
            Kind::QuoteHead => run(&item.text, json!({ "weight": "Bolder" })),
            Kind::Quote => run(&format!("  {}", item.text), json!({})),
            Kind::Foot => run(&item.text, json!({ "isSubtle": true })),
        };
        let card = |items: &[&Item]| {
            let title = run(&self.title, json!({ "weight": "Bolder", "size": "Medium" }));
            let body: Vec<Value> =
                std::iter::once(title).chain(items.iter().map(|item| block(item))).collect();
            json!({
                "type": "message",
                "summary": self.title,
                "attachments": [{
                    "contentType": "application/vnd.microsoft.card.adaptive",
                    "contentUrl": null,
                    "content": {
                        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                        "type": "AdaptiveCard",
                        "version": "1.4",
                        "msteams": { "width": "Full" },
                        "body": body,
                    },
                }],
            })
            .to_string()
        };
        serde_json::from_str(&self.fitting(TEAMS, card)).unwrap_or_else(|_| json!({ "text": self.title }))
    }
}
