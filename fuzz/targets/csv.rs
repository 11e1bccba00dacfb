//! Tables as CSV, of the collection that the first byte chooses.
#![no_main]

use aid_register::imports::csv;
use aid_register::imports::rows::Table;
use aid_register_fuzz::{chosen, import};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((kind, rest)) = chosen(data) else { return };
    import(|sink| csv::read(rest, &mut Table::new(kind, sink)));
});
