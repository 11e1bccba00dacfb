//! Files of IATI: their XML, the schema and the rules they are held against, and the records that they become.
#![no_main]

use std::io::Cursor;

use aid_register::imports::iati::{names, records};
use aid_register::imports::known::Known;
use aid_register_fuzz::import;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let mut known = Known::nothing(names(Cursor::new(data.to_vec())));
    import(|sink| records(Cursor::new(data.to_vec()), &mut known, sink));
});
