//! What tests of IATI read: files of other publishers, which the project does not contain, in
//! `../shared/reference` or in the folder that `REGISTER_REFERENCE` names, and pieces of XML.

use std::io::Cursor;
use std::path::PathBuf;

use super::parse::Parser;
use super::xml::Element;

/// A file of the reference folder.
pub fn reference(path: &str) -> PathBuf {
    let folder = std::env::var_os("REGISTER_REFERENCE").map(PathBuf::from);
    folder.unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/reference")).join(path)
}

/// The activities or organisations of a file of IATI.
pub fn read(path: &str) -> Vec<Element> {
    let mut parser = Parser::begin(std::fs::File::open(reference(path)).unwrap()).unwrap();
    std::iter::from_fn(|| parser.next_element().unwrap()).collect()
}

/// The activity with this in it, or the organisation if it begins with `O:`; attributes of its own
/// stand in front, after `@` and before `;`.
pub fn element(inner: &str) -> Element {
    let (kind, inner) = match inner.strip_prefix("O:") {
        Some(inner) => (("iati-organisations", "iati-organisation"), inner),
        None => (("iati-activities", "iati-activity"), inner),
    };
    let own = inner.strip_prefix('@').and_then(|inner| inner.split_once(';'));
    let (attributes, children) = own.unwrap_or(("", inner));
    let (root, name) = kind;
    let namespaces = format!("xmlns:x='urn:x' xmlns:register='{}'", super::NAMESPACE);
    let xml = format!("<{root} {namespaces}>\n<{name} {attributes}>{children}</{name}></{root}>");
    Parser::begin(Cursor::new(xml.into_bytes())).unwrap().next_element().unwrap().unwrap()
}
