//! Months of watching, played in seconds: the real patrol, incidents, courier and words over a pretend network in
//! virtual time, and what a person with a telephone gets to hear of it.

#![forbid(unsafe_code)]

#[path = "months/calm.rs"]
mod calm;
#[path = "months/founding.rs"]
mod founding;
#[path = "months/long.rs"]
mod long;
#[path = "months/names.rs"]
mod names;
#[path = "months/network.rs"]
mod network;
#[path = "months/own.rs"]
mod own;
#[path = "months/rules.rs"]
mod rules;
#[path = "months/telephone.rs"]
mod telephone;
#[path = "months/watcher.rs"]
mod watcher;
