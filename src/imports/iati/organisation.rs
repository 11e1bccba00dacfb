//! An IATI organisation as an organisation of the register.

use serde_json::{Value, json};

use super::activity::{original, said_by, unread};
use super::who::{Who, canonical};
use super::words::{identifiers, language, object, texts};
use crate::collections::organisations;
use crate::error::Fault;
use crate::formats::iati::codes;
use crate::formats::iati::organisation::{Organisation, members};
use crate::formats::iati::xml::Element;
use crate::imports::known::{Known, Record};
use crate::imports::table::Header;

/// Who an organisation is.
pub fn who(element: &Element) -> Option<Who> {
    if let Some(own) = element.get("register:identifier") {
        let is_beneficiary = element.get("register:collection") == Some("beneficiaries");
        return Some(Who::Identifier(own.to_owned(), is_beneficiary));
    }
    let words = element.first("organisation-identifier")?.words();
    Some(Who::Reference(canonical(&words))).filter(|who| who.reference() != Some(""))
}

/// The organisation; its budgets and documents are kept with it.
pub fn organisation(element: &Element, version: &str, known: &mut Known) -> Vec<Record> {
    let line = element.line();
    let nothing = |words: &str, code: &str| {
        let fault = Fault { row: Some(line), code: code.into(), detail: words.into(), ..Fault::default() };
        vec![Record { faults: vec![fault], ..Record::whole(&organisations::KIND, Value::Null, line) }]
    };
    let Some(who) = who(element) else { return nothing("the organisation has no organisation-identifier", "required") };
    if matches!(who, Who::Identifier(_, true)) {
        return nothing("what this is of is a beneficiary; send these as NDJSON or CSV", "beneficiary_in_iati");
    }
    let identifier = known.organisation(&who).map_or_else(|| who.name(known), str::to_owned);
    let language = language(element);
    // What it is, only who reports it says, if that is the same.
    let own = element.first("reporting-org").filter(|by| by.get("ref").map(canonical).as_deref() == who.reference());
    let of_type = element
        .get("register:type")
        .or(own.and_then(|by| by.get("type")))
        .and_then(|code| codes::value_of("OrganisationType", code));
    let is_known = known.organisation(&who).is_some();
    let mut record = object([
        ("identifier", Some(identifier.into())),
        ("name", element.first("name").and_then(|name| texts(name, &language))),
        ("type", of_type.or((!is_known).then_some("other")).map(Value::from)),
        ("identifiers", listed(element).or(who.reference().filter(|_| !is_known).map(identifiers))),
        ("website", website(element).map(Value::from)),
    ]);
    let mut said = vec!["name"];
    said.extend(["type", "identifiers", "website"].into_iter().filter(|member| record.contains_key(*member)));
    let of: Option<Organisation> = serde_json::from_value(Value::Object(record.clone())).ok();
    let original = original(element, version, &|name| members(name, of.as_ref()?));
    if !original.parts.is_empty() {
        said.push("original");
        record.insert("original".into(), json!(original));
    }
    let said = Some(said_by(element, Header::saying(&organisations::KIND, &said)).into());
    let kept = unread(&original);
    vec![Record { said, kept, ..Record::whole(&organisations::KIND, Value::Object(record), line) }]
}

/// Its website, as the register itself wrote it; of others it is a document like any.
fn website(element: &Element) -> Option<&str> {
    element.all("document-link").find(|link| link.get("register:of") == Some("website"))?.get("url")
}

/// Where it is listed, as the register itself wrote it.
fn listed(element: &Element) -> Option<Value> {
    let listed = element
        .all("register:identifier")
        .filter_map(|one| Some(json!({"scheme": one.get("scheme")?, "code": one.get("code")?})));
    element.has("register:type").then(|| listed.collect())
}
