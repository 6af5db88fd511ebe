//! # reach-report
//!
//! The words: what a [`Diagnosis`](reach_core::model::Diagnosis) says to people and to programs.
//!
//! * [`text`] is the screen that an operator reads in ten seconds and pastes into a ticket.
//! * [`json`] is what scripts and dashboards rely on.
//! * [`trace`] is what `reach trace` shows: lists, trees, comparisons, pictures.
//! * [`ping`] is the running commentary of a ping, its table and its summary.
//! * [`notice`] is what a watch tells people, as chats, mails and programs take it.
//! * [`explain`] says what a verdict or a finding means, how it is proved, and what to do.
//! * [`failures`] says what the exceptions in a text mean.
//! * [`markup`] is for texts inside of HTML and SVG.
//! * [`logs`] is what logs say of failures and requests.
//! * [`document`] is a document for people who were not there, and the ways of writing it down; [`chart`] its pictures.
//! * [`page`] is the page that a watch shows in browsers, and a check in a file.
//! * [`report`] is the hand-over: what is written to those who can change it.
//! * [`request`] is the form that asks a firewall's people to let something through; [`feeds`] what providers publish
//!   of their addresses.
//! * [`packets`] comments the packets of a capture.
//! * [`watch`] is what the commands around `reach watch` show.
//! * [`java`] says what clients write into their logs.
//!
//! Every sentence lives in `words`, English and Korean side by side, so that neither can be forgotten.
//!
//! Two rules hold everywhere. *Truth first*: a block that is only inferred is called suspected, and a place is
//! "at or directly behind" the last router that answered; certainty is for messages that name their cause.
//! *Foreign data is never trusted*: whatever a server, a resolver or a certificate sent is cleaned before it
//! is shown, so it can neither move the cursor nor reorder a line.
//!
//! Deliberately absent: clocks, files, sockets, the environment and questions to the terminal. Width, colour,
//! language and time zone come in as arguments ([`Style`]), so the same input always gives the same bytes.

pub mod chart;
mod clean;
pub mod connect;
pub mod document;
pub mod explain;
pub mod failures;
pub mod feeds;
mod hangul;
pub mod java;
pub mod json;
mod lang;
mod layout;
pub mod logs;
pub mod markup;
pub mod notice;
pub mod packets;
pub mod page;
pub mod ping;
pub mod report;
pub mod request;
mod scene;
pub mod signal;
mod style;
pub mod text;
pub mod trace;
mod units;
pub mod watch;
mod words;

pub use hangul::attach as particles;
pub use lang::Lang;
pub use style::Style;
