//! Arguments that every command has which sends packets.

use std::path::PathBuf;

use clap::{Args, ValueHint};

/// What to keep as evidence.
#[derive(Clone, Debug, Default, Args)]
pub struct EvidenceArgs {
    /// Write the packets of this run, each with a comment, for Wireshark
    ///
    /// A pcapng file of exactly the packets of this run. Each has a comment: the probe that it belongs to, and
    /// what became of that. Without the privilege to capture (CAP_NET_RAW), the packets are synthesised from
    /// what is known of them, and marked so.
    #[arg(long, value_name = "FILE", help_heading = "Recordings", value_hint = ValueHint::FilePath)]
    pub pcap: Option<PathBuf>,
}
