//! NDJSON: the records of a list as they stand in its JSON, one a line.

use std::io;

use serde_json::{Map, Value};

use super::Writer;

/// The writer.
pub struct Ndjson;

impl Writer for Ndjson {
    fn begin(&mut self, _out: &mut Vec<u8>) {}

    fn record(&mut self, record: &Map<String, Value>, _beside: Option<&str>, out: &mut Vec<u8>) -> io::Result<()> {
        // Writing a map of strings to memory cannot fail.
        let _ = serde_json::to_writer(&mut *out, record);
        out.push(b'\n');
        Ok(())
    }
}
