//! What databases say of their statements: rows and logs, as signals. No literal of a statement survives
//! ([`normal`]).

pub mod normal;
pub mod postgres_log;
pub mod slow_log;
pub mod statements;
