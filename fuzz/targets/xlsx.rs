//! Tables as workbooks. After the byte that chooses a collection stands either a whole workbook, or the XML of its
//! parts, between lines of `%%`: nothing that is changed in a packed file would keep its checksum.
#![no_main]

use std::io::{Cursor, Write};

use aid_register::imports::rows::Table;
use aid_register::imports::xlsx;
use aid_register_fuzz::{chosen, import};
use libfuzzer_sys::fuzz_target;
use zip::write::SimpleFileOptions;

/// The parts in their order, and what stands in those that are not there.
const PARTS: [(&str, &str); 5] = [
    ("xl/worksheets/sheet1.xml", "<worksheet><sheetData/></worksheet>"),
    ("xl/sharedStrings.xml", "<sst/>"),
    ("xl/styles.xml", "<styleSheet><cellXfs><xf numFmtId=\"0\"/><xf numFmtId=\"14\"/></cellXfs></styleSheet>"),
    (
        "xl/workbook.xml",
        "<workbook xmlns:r=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships\">\
         <sheets><sheet name=\"a\" sheetId=\"1\" r:id=\"r1\"/></sheets></workbook>",
    ),
    (
        "xl/_rels/workbook.xml.rels",
        "<Relationships><Relationship Id=\"r1\" Target=\"worksheets/sheet1.xml\" \
         Type=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet\"/></Relationships>",
    ),
];

/// A workbook of these parts.
fn workbook(text: &str) -> zip::result::ZipResult<Vec<u8>> {
    let mut given = text.split("\n%%\n");
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for (name, usual) in PARTS {
        archive.start_file(name, options)?;
        archive.write_all(given.next().filter(|part| !part.is_empty()).unwrap_or(usual).as_bytes())?;
    }
    Ok(archive.finish()?.into_inner())
}

fuzz_target!(|data: &[u8]| {
    let Some((kind, rest)) = chosen(data) else { return };
    let body = match std::str::from_utf8(rest) {
        Ok(text) if !rest.starts_with(b"PK") => workbook(text).expect("parts can be packed"),
        _ => rest.to_vec(),
    };
    import(|sink| xlsx::read(body.as_slice(), &mut Table::new(kind, sink)));
});
