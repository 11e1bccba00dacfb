//! Workbooks that would cost more than they weigh.

use std::io::Write;

use crate::refusals::refused;
use crate::support::TestApp;

/// A workbook with these parts.
fn workbook(styles: &[u8], strings: &[u8]) -> Vec<u8> {
    book(styles, strings, "")
}

/// A workbook with these parts and this in its sheet.
fn book(styles: &[u8], strings: &[u8], rows: &str) -> Vec<u8> {
    book_at("xl/", styles, strings, rows)
}

/// The same, but it lies in another folder.
fn book_at(folder: &str, styles: &[u8], strings: &[u8], rows: &str) -> Vec<u8> {
    let mut book = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let relations = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    let main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
    let rels = |items: &str| {
        format!(
            r#"<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">{items}</Relationships>"#
        )
    };
    let relation = |id: &str, kind: &str, to: &str| {
        format!(r#"<Relationship Id="{id}" Type="{relations}/{kind}" Target="{to}"/>"#)
    };
    let parts: Vec<(String, Vec<u8>)> = vec![
        ("[Content_Types].xml".into(), br#"<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>"#.into()),
        ("_rels/.rels".into(), rels(&relation("r1", "officeDocument", &format!("{folder}workbook.xml"))).into()),
        (
            format!("{folder}workbook.xml"),
            format!(r#"<workbook xmlns="{main}" xmlns:r="{relations}"><sheets><sheet name="a" sheetId="1" r:id="r1"/></sheets></workbook>"#).into(),
        ),
        (
            format!("{folder}_rels/workbook.xml.rels"),
            rels(&(relation("r1", "worksheet", "worksheets/sheet1.xml") + &relation("r2", "styles", "styles.xml"))).into(),
        ),
        (format!("{folder}styles.xml"), styles.into()),
        (format!("{folder}sharedStrings.xml"), strings.into()),
        ("xl/worksheets/sheet1.xml".into(), format!(r#"<worksheet xmlns="{main}"><sheetData>{rows}</sheetData></worksheet>"#).into()),
    ];
    for (name, content) in parts {
        book.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        book.write_all(&content).unwrap();
    }
    book.finish().unwrap().into_inner()
}

#[actix_web::test]
async fn bodies_that_would_cost_more_than_they_weigh_are_refused() {
    let app = TestApp::empty().await;
    let town = app.town();
    let many = |tag: &str, n: usize| format!("<x><y>{}</y></x>", tag.repeat(n)).into_bytes();
    for (what, book, code) in [
        ("styles", workbook(&many("<xf/>", 2_000_000), b"<sst/>"), "workbook_invalid"),
        ("strings", workbook(b"<styleSheet/>", &many("<si/>", 2_000_000)), "workbook_invalid"),
        (
            "a boast",
            workbook(b"<styleSheet/>", br#"<sst count="1" uniqueCount="1000000000000000"></sst>"#),
            "workbook_invalid",
        ),
        ("another boast", workbook(b"<styleSheet/>", b"<sst uniqueCount='many'/>"), "workbook_invalid"),
        ("a hidden book", book_at("xl/worksheets/", &many("<xf/>", 2_000_000), b"<sst/>", ""), "workbook_invalid"),
        ("nothing", workbook(b"<styleSheet/>", b"<sst/>"), "required"),
    ] {
        let found = refused(&town, "format=xlsx&collection=grants", book).await;
        assert!(found.len() == 1 && found[0].ends_with(code), "{what}: {found:?}");
    }
    // A formula may say that it is shared any number of times.
    let cell = |at: &str, text: &str| format!(r#"<c r="{at}" t="str"><v>{text}</v></c>"#);
    let shared = r#"<c r="B2" t="str"><f t="shared" ref="B2:B3" si="1000000000000">1+1</f><v>pipeline</v></c>"#;
    let rows = format!(
        r#"<row r="1">{}{}</row><row r="2">{}{shared}</row>"#,
        cell("A1", "identifier"),
        cell("B1", "status"),
        cell("A2", "T-1")
    );
    let found = refused(&town, "format=xlsx&collection=grants", book(b"<styleSheet/>", b"<sst/>", &rows)).await;
    assert_eq!(found, ["2 title_en /title T-1 required".replace("title_en", "-")]);
}
