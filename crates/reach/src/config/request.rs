//! `[request]` of the configuration: who asks for changes, so that nobody types it each time.

use reach_report::report::Asker;
use serde::Deserialize;

/// What the section says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RequestConfig {
    /// The person who asks.
    pub requester: Option<String>,
    /// Of which department.
    pub department: Option<String>,
    /// How to reach them.
    pub contact: Option<String>,
    /// The address that the source is translated to before the firewall.
    pub nat_ip: Option<String>,
    /// What the connections are for.
    pub purpose: Option<String>,
}

impl RequestConfig {
    /// Who asks, as a hand-over says it, for as long as it takes.
    pub fn asker(self) -> Asker {
        let Self { requester, department, contact, nat_ip, purpose } = self;
        let said = |text: Option<String>| text.filter(|text| !text.trim().is_empty());
        Asker {
            requester: said(requester),
            department: said(department),
            contact: said(contact),
            nat_ip: said(nat_ip),
            purpose: said(purpose),
            from: None,
            until: None,
        }
    }

    /// The section in the text of a configuration; empty where there is none.
    ///
    /// # Errors
    ///
    /// Says what is no TOML, or what in the section is wrong.
    pub fn in_file(text: &str) -> Result<Self, String> {
        let table: toml::Table = text.parse().map_err(|error: toml::de::Error| error.message().to_owned())?;
        match table.get("request") {
            Some(section) => section.clone().try_into().map_err(|error| error.message().to_owned()),
            None => Ok(Self::default()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_section_says_who_asks_and_a_word_that_nobody_knows_is_told() {
        let text = "[store]\npath = \"x\"\n[request]\nrequester = \"Kim\"\ncontact = \"4321\"\n";
        let read = RequestConfig::in_file(text).expect("read");
        assert_eq!((read.requester.as_deref(), read.department), (Some("Kim"), None));
        assert_eq!(RequestConfig::in_file(""), Ok(RequestConfig::default()));
        assert!(
            RequestConfig::in_file("[request]\nrequestor = 1").is_err_and(|why| why.contains("requestor"))
        );
        assert!(RequestConfig::in_file("[request").is_err());
    }
}
