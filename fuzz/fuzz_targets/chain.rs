#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| istio_tls::fuzzing::run("chain", data));
