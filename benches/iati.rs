//! How fast files of IATI are read: parsed, held against the schema, the rules and the code lists, and mapped to
//! records, on one core; as a ratio to the XML parser alone, which makes nothing of it.
//!
//! `cargo bench --bench iati -- FILE…` reads these files of activities over and over, `MEGABYTES` (50) of each.

use std::fs;
use std::io::{BufReader, Cursor};
use std::time::Instant;

use aid_register::formats::iati::parse::Parser;
use aid_register::formats::iati::{rules, schema};
use aid_register::imports::iati::activity::activity;
use aid_register::imports::known::Known;
use chrono::Utc;
use quick_xml::events::Event;
use quick_xml::reader::Reader;

const MEGABYTE: f64 = 1e6;

fn main() {
    let wanted: f64 = std::env::var("MEGABYTES").map_or(50.0, |text| text.parse().expect("MEGABYTES is a number"));
    let files: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    if files.is_empty() {
        println!("say which files of activities to read: cargo bench --bench iati -- FILE…");
        return;
    }
    println!("| file | MB | parser alone, MB/s | parsed, checked and mapped, MB/s | ratio | records |");
    println!("| --- | --- | --- | --- | --- | --- |");
    for file in files {
        let xml = fs::read_to_string(&file).expect("the file can be read");
        let (whole, megabytes) = repeated(&xml, wanted);
        let alone = {
            let since = Instant::now();
            let mut reader = Reader::from_reader(BufReader::new(Cursor::new(&whole)));
            let mut buffer = Vec::new();
            while !matches!(reader.read_event_into(&mut buffer).expect("it is XML"), Event::Eof) {
                buffer.clear();
            }
            megabytes / since.elapsed().as_secs_f64()
        };
        let since = Instant::now();
        let mut parser = Parser::begin(Cursor::new(whole)).expect("it is IATI");
        let (mut known, mut records) = (Known::default(), 0);
        let today = Utc::now().date_naive();
        while let Some(element) = parser.next_element().expect("it is IATI to its end") {
            let findings = schema::check(&element).len() + rules::check(&element, today).len();
            let (found, _) = activity(&element, "2.03", &mut known);
            records += found.into_iter().map(|record| record.raw().json.len().min(1)).sum::<usize>();
            std::hint::black_box(findings);
        }
        let checked = megabytes / since.elapsed().as_secs_f64();
        let name = file.rsplit('/').next().unwrap_or_default();
        println!("| {name} | {megabytes:.0} | {alone:.0} | {checked:.1} | {:.2} | {records} |", checked / alone);
    }
}

/// The activities of a file so often that they have this many megabytes.
fn repeated(xml: &str, megabytes: f64) -> (Vec<u8>, f64) {
    let from = xml.find("<iati-activity ").or(xml.find("<iati-activity>")).expect("it has activities");
    let to = xml.rfind("</iati-activities>").expect("it has an end");
    let times = (megabytes * MEGABYTE / (to - from) as f64).ceil() as usize;
    let mut whole = Vec::with_capacity(times * (to - from) + xml.len());
    whole.extend_from_slice(&xml.as_bytes()[..from]);
    (0..times).for_each(|_| whole.extend_from_slice(&xml.as_bytes()[from..to]));
    whole.extend_from_slice(&xml.as_bytes()[to..]);
    let megabytes = whole.len() as f64 / MEGABYTE;
    (whole, megabytes)
}
