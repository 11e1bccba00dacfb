//! Cursors: as they come, as the JSON in them, and those of our own.
#![no_main]

use aid_register::store::cursor::Cursor;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let (question, rest) = text.split_once('\n').unwrap_or(("", text));
    for text in [rest.to_owned(), BASE64_URL_SAFE_NO_PAD.encode(rest)] {
        if let Some(cursor) = Cursor::decode(&text, question) {
            assert_eq!(Cursor::decode(&cursor.encode(question), question), Some(cursor));
        }
    }
    let (key, identifier) = rest.split_once('\n').unwrap_or((rest, ""));
    let cursor = Cursor { key: key.into(), identifier: identifier.into() };
    let own = cursor.encode(question);
    assert_eq!(Cursor::decode(&own, question), Some(cursor));
    assert_eq!(Cursor::decode(&own, &format!("{question} ")), None);
});
