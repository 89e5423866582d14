#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    pneumatic_fuzz::properties::v2::check(data);
});
