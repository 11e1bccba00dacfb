use super::*;

fn read(xml: &'static str) -> Result<Vec<Element>, Fault> {
    let mut parser = Parser::begin(xml.as_bytes())?;
    std::iter::from_fn(|| parser.next_element().transpose()).collect()
}

#[test]
fn elements_have_their_lines_and_the_prefixes_they_need() {
    let read = read(
        "<?xml version='1.0'?>\n<iati-activities version='2.03' xmlns:x='urn:x'>\n<other/>\n\
         <iati-activity>\n<title><narrative>a &amp; <![CDATA[<b>]]></narrative></title><x:y z='1'/>\n</iati-activity>\n\
         </iati-activities>",
    )
    .unwrap();
    assert_eq!(read.len(), 1);
    assert_eq!((read[0].line(), read[0].first("title").unwrap().line()), (4, 5));
    assert_eq!(read[0].first("title").unwrap().first("narrative").unwrap().words(), "a & <b>");
    assert_eq!(read[0].first("x:y").unwrap().get("xmlns:x"), Some("urn:x"));
}

#[test]
fn what_is_no_iati_is_told_with_its_line() {
    let code = |xml: &'static str| read(xml).map_err(|fault| (fault.code.clone(), fault.row)).unwrap_err();
    assert_eq!(code("<html/>"), ("xml_unknown".into(), Some(1)));
    assert_eq!(code("plain"), ("xml_malformed".into(), Some(1)));
    assert_eq!(code("<!DOCTYPE a [<!ENTITY b 'c'>]><a/>"), ("doctype_refused".into(), Some(1)));
    assert_eq!(code("<iati-activities>\n<iati-activity>&b;</iati-activity>"), ("xml_malformed".into(), Some(2)));
    assert_eq!(code("<iati-activities>\n<iati-activity>"), ("xml_truncated".into(), Some(2)));
    assert_eq!(code("<iati-activities><a></b></iati-activities>"), ("xml_malformed".into(), Some(1)));
    for name in ["x:a&b", "x:1", "x:", "x:y:z", "<b", "1"] {
        for element in [format!("<{name}/>"), format!("<a {name}='1'/>")] {
            let xml =
                format!("<iati-activities xmlns:x='urn:x'><iati-activity>{element}</iati-activity></iati-activities>");
            assert_eq!(code(Box::leak(xml.into())).0, "xml_malformed", "{element}");
        }
    }
    let deep: &'static str = Box::leak(format!("<iati-activities>{}", "<a>".repeat(100)).into());
    assert_eq!(code(deep).0, "xml_too_deep");
    let wide: String = (0..1_000_000).map(|n| format!(" a{n}=''")).collect();
    let wide: &'static str = Box::leak(format!("<iati-activities><a{wide}/></iati-activities>").into());
    assert_eq!(code(wide).0, "xml_malformed");
}

#[test]
fn encodings_are_those_that_are_named() {
    let named = "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><iati-activities><iati-activity a=\"\u{e9}\"/></iati-activities>";
    let bytes: Vec<u8> = named.chars().map(|c| c as u8).collect();
    let mut parser = Parser::begin(Cursor::new(bytes.clone())).unwrap();
    assert_eq!(parser.next_element().unwrap().unwrap().get("a"), Some("é"));
    let wrong = String::from_utf8_lossy(&bytes).replace("ISO-8859-1", "UTF-8").replace('\u{fffd}', "~");
    let wrong: Vec<u8> = wrong.bytes().map(|byte| if byte == b'~' { 0xe9 } else { byte }).collect();
    let read = Parser::begin(Cursor::new(wrong)).and_then(|mut parser| parser.next_element());
    assert_eq!(read.unwrap_err().code, "encoding_invalid");
    let unknown = named.replace("ISO-8859-1", "EBCDIC-37");
    assert!(Parser::begin(Cursor::new(unknown.into_bytes())).is_err());
    let wide: Vec<u8> = std::iter::once(0xfeff)
        .chain(named.replace("ISO-8859-1", "UTF-16").encode_utf16())
        .flat_map(u16::to_le_bytes)
        .collect();
    assert!(Parser::begin(Cursor::new(wide)).unwrap().next_element().unwrap().is_some());
}
