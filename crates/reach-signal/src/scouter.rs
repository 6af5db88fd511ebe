//! Scouter's wire format, its collector's client protocol, and what its packs say.
