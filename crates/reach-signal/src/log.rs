//! Log files as they grow: lines to records, records to failures and request counts.
