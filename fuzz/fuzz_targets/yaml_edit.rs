//! Random YAML files and random edits of them: refused, or exactly what was asked for.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| countersign_fuzz::yaml::run(data));
