#![no_main]

use libfuzzer_sys::{fuzz_mutator, fuzz_target, fuzzer_mutate};

fuzz_target!(|bytes: &[u8]| reach_fuzz::parsers::report(bytes));

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    // Now and then the bytes themselves, whatever becomes of the JSON.
    if seed % 4 != 0
        && let Some(changed) = reach_fuzz::mutate::json_lines(&data[..size], max_size, seed)
    {
        data[..changed.len()].copy_from_slice(&changed);
        return changed.len();
    }
    fuzzer_mutate(data, size, max_size)
});
