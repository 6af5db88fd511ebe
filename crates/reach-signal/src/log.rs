//! Log files as they grow: bytes to lines, lines to records, records to failures and request counts.
//!
//! [`LogReader`] is the whole of it for one log. What it is made of can be used alone:
//!
//! * [`lines`] cuts bytes into lines of a bounded length, in UTF-8 and an older encoding side by side;
//! * [`stamp`] and [`level`] read what log frameworks write at the beginning of a record;
//! * [`envelope`] takes off what syslog, journald and containers put around a line, and tells streams apart;
//! * [`record`] joins the lines of stack traces with the line that they belong to;
//! * [`access`] reads the access logs of web servers, [`counts`] makes of them how many requests failed;
//! * [`servers`] reads the error logs of proxies, which name the address that failed.
//!
//! What the exceptions of a record mean is read by whoever implements [`Understands`].

pub mod access;
pub mod counts;
pub mod envelope;
pub mod level;
pub mod lines;
mod reader;
pub mod record;
pub mod servers;
pub mod stamp;
mod understands;

pub use self::{
    reader::{Kind, LogPlan, LogReader, Tally},
    understands::{Understanding, Understands, exceptions},
};
