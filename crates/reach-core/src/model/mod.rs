//! The nouns: what is probed, what came back, and what is concluded. Plain values, no behaviour beyond
//! reading themselves.

mod case;
mod diagnosis;
mod finding;
mod outcome;
mod probe;
mod route;
mod target;
mod vantage;
mod verdict;

pub use case::*;
pub use diagnosis::*;
pub use finding::*;
pub use outcome::*;
pub use probe::*;
pub use route::*;
pub use target::*;
pub use vantage::*;
pub use verdict::*;
