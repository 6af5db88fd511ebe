//! The path MTU as a log shows it.

use super::log::Log;
use crate::model::{Endpoint, PathMtu};

/// The path MTU, if sizes were tried.
pub(super) fn path_mtu(log: &Log, endpoint: Endpoint) -> Option<PathMtu> {
    let _ = (log, endpoint);
    None
}
