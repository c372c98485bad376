#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| callwright_fuzz::sip::messages(bytes));
