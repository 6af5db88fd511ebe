//! The request form: what a firewall is asked to let through, as the table that a network team works with.
//!
//! A [`RequestForm`] becomes a workbook ([`xlsx`]), or text that pastes into somebody else's table ([`csv`], [`tsv`]). One
//! rule is one line. The columns are those of the forms that are in use, and a [`Template`] makes them those of the house
//! that asks.
//!
//! Two rules hold for everything written here. *Never `Any`*: a request for everything is refused by those who receive
//! it, so [`FormError::TooWide`] says so before they do. *Nothing runs*: whatever comes from outside stays text, and a
//! cell that a spreadsheet would take for a formula is kept from being one.

mod dates;
mod delimited;
mod field;
mod lines;
mod sheet;
mod template;
mod words;

use std::{fmt, ops::RangeInclusive};

use ipnet::IpNet;
use jiff::civil::Date;

use crate::Lang;

pub use delimited::{csv, tsv};
pub use field::Field;
pub use sheet::xlsx;
pub use template::{Cause, Column, Content, EXAMPLE, Part, Template, TemplateError, Warning};

/// A request to a firewall's people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestForm {
    /// The language of titles and words; a template may want another one.
    pub lang: Lang,
    /// The title, where the usual one (`방화벽 오픈 신청서`, `Firewall change request`) does not fit.
    pub title: Option<String>,
    /// Who asks.
    pub requester: Requester,
    /// When the request was written.
    pub made: Date,
    /// What is asked for, one line each.
    pub rules: Vec<Rule>,
    /// Why, in a sentence or two.
    pub reason: String,
    /// Whose approval is needed, where that is known.
    pub approver: Option<String>,
    /// What happens while it is not allowed, and what the change can do to others.
    pub impact: Option<String>,
    /// How the change is taken back.
    pub rollback: Option<String>,
    /// What else has to be known: which rules are alternatives to each other, for example. One line each.
    pub notes: Vec<String>,
}

/// Who asks. What is missing stays a blank to fill in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Requester {
    /// The person.
    pub name: Option<String>,
    /// The department.
    pub department: Option<String>,
    /// The post.
    pub position: Option<String>,
    /// The telephone number.
    pub phone: Option<String>,
    /// The mail address.
    pub mail: Option<String>,
}

/// One line of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Its number, from 1.
    pub number: u32,
    /// The firewall that it is for; often only the network team knows, then it is empty.
    pub firewall: String,
    /// Addresses and networks that connections come from; empty to fill in.
    pub source: Vec<IpNet>,
    /// What is there.
    pub source_name: String,
    /// Where connections go to, at least one.
    pub destination: Vec<Destination>,
    /// What is there.
    pub destination_name: String,
    /// What runs over IP.
    pub protocol: Protocol,
    /// The destination's ports, at least one range.
    pub ports: Vec<RangeInclusive<u16>>,
    /// Which way connections are opened.
    pub direction: Direction,
    /// What it is for.
    pub purpose: String,
    /// The first day.
    pub from: Date,
    /// The last day; `None` for good (`영구`).
    pub until: Option<Date>,
    /// Anything else.
    pub remark: String,
    /// The address that the source has behind NAT. A column of its own as soon as one rule has `Some`, and a blank to
    /// fill in where that is empty.
    pub nat_ip: Option<String>,
    /// Rules with the same number go together; other numbers are other ways to the same end (1 is the recommended one).
    /// 0 where there is only one way.
    pub alternative: u8,
}

/// Where connections go to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    /// An address (a network of one) or a network.
    Network(IpNet),
    /// A name that the firewall resolves or reads in TLS: `fcm.googleapis.com`, `*.googleapis.com`.
    Name(String),
}

/// What runs over IP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
}

impl Protocol {
    /// As forms have it.
    pub const fn text(self) -> &'static str {
        match self {
            Protocol::Tcp => "TCP",
            Protocol::Udp => "UDP",
        }
    }
}

/// Which way connections are opened, seen from the requester's network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From inside to outside.
    Out,
    /// From outside to inside.
    In,
}

impl Direction {
    /// As forms have it.
    pub const fn text(self) -> &'static str {
        match self {
            Direction::Out => "OUT",
            Direction::In => "IN",
        }
    }
}

/// Why there is no form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FormError {
    /// A rule asks for everything.
    TooWide {
        /// Its number.
        rule: u32,
        /// What is too wide.
        field: Field,
        /// What it says.
        value: String,
    },
    /// A rule does not say what it must.
    Missing {
        /// Its number.
        rule: u32,
        /// What it does not say.
        field: Field,
    },
    /// A cell would hold more than a spreadsheet's cell can.
    TooLong {
        /// The rule's number; 0 outside of the table.
        rule: u32,
        /// Which cell: its column's title.
        title: String,
        /// The characters that it would hold.
        characters: usize,
    },
    /// There is nothing to ask for.
    NoRules,
    /// More rules than a sheet has lines.
    TooMany {
        /// Rules.
        rules: usize,
    },
    /// The workbook could not be written; this is a fault of this program.
    Workbook(String),
}

impl FormError {
    /// What is wrong, and what would be right.
    pub fn text(&self, lang: Lang) -> String {
        words::form_error(self, lang)
    }
}

impl fmt::Display for FormError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text(Lang::En))
    }
}

impl std::error::Error for FormError {}
