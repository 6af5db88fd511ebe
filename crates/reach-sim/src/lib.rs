//! A pretend network in virtual time.
