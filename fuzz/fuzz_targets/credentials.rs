#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| reach_fuzz::parsers::credentials(bytes));
