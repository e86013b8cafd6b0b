#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| lightproof_tests::fuzz::run("sealed_file", bytes));
