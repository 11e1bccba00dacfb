//! `GET /v1/codelists`, one list, and one code.

use actix_web::http::header::ETAG;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use serde_json::{Map, Value, json};

use super::{Code, Codelist, all, find};
use crate::digest::digest;
use crate::error::{Fault, Problem, Reason};
use crate::formats::Format;
use crate::formats::csv::{neutral, row};
use crate::hint::nearest;
use crate::http::negotiate;
use crate::http::query::Query;
use crate::page;
use crate::state::State;

/// The formats of lists.
pub const FORMATS: &[Format] = &[Format::Json, Format::Csv];
/// Parameters of one list.
pub const PARAMETERS: [&str; 4] = ["code", "status", "format", "bom"];
/// What a code can be.
pub const STATUSES: [&str; 2] = ["active", "withdrawn"];
/// The columns of CSV.
const COLUMNS: [&str; 9] =
    ["code", "value", "name_en", "name_fr", "name_sr_cyrl", "name_sr_latn", "category", "status", "withdrawn"];

/// `GET /v1/codelists`.
pub async fn index(request: HttpRequest, state: Data<State>) -> Result<HttpResponse, Problem> {
    Query::parse(request.query_string(), []).map_err(Problem::invalid)?;
    negotiate::json(&request)?;
    let base = state.base(&request);
    let data: Vec<Value> = all().map(|list| about(list, &base)).collect();
    let body = json!({"data": data, "links": {"self": format!("{base}/v1/codelists"), "next": null}});
    Ok(page::respond(Format::Json, body.to_string().into_bytes(), None))
}

/// `GET /v1/codelists/{name}`.
pub async fn show(request: HttpRequest, state: Data<State>) -> Result<HttpResponse, Problem> {
    let query = Query::parse(request.query_string(), PARAMETERS).map_err(Problem::invalid)?;
    let list = named(&request)?;
    let format = negotiate::one_of(&request, query.get("format"), FORMATS)?;
    let status = query.get("status");
    if let Some(status) = status.filter(|status| !STATUSES.contains(status)) {
        let words = format!("status is active or withdrawn{}", nearest(status, &STATUSES));
        return Err(Problem::invalid(vec![Fault::parameter("status", "value_unknown", words)]));
    }
    let wanted = query.list("code");
    let codes = list.codes.iter().filter(|code| {
        wanted.as_ref().is_none_or(|wanted| wanted.contains(&code.code.as_str()))
            && status.is_none_or(|status| code.status() == status)
    });
    let base = state.base(&request);
    let body = match format {
        Format::Csv => csv(codes, query.get("bom") == Some("true")),
        _ => {
            let mut body = about(list, &base);
            body["data"] = codes.map(|code| view(list, code, &base)).collect();
            body.to_string().into_bytes()
        }
    };
    Ok(page::respond(format, body, None))
}

/// `GET /v1/codelists/{name}/{code}`: withdrawn codes too.
pub async fn code(request: HttpRequest, state: Data<State>) -> Result<HttpResponse, Problem> {
    Query::parse(request.query_string(), []).map_err(Problem::invalid)?;
    negotiate::json(&request)?;
    let list = named(&request)?;
    let code = request.match_info().get("code").unwrap_or_default();
    let Some(found) = list.code(code) else {
        let known: Vec<&str> = list.codes.iter().map(|code| code.code.as_str()).collect();
        let words = format!("{} has no code {code:.100}{}", list.name, nearest(code, &known));
        return Err(Problem::new(Reason::NotFound, words));
    };
    let body = view(list, found, &state.base(&request)).to_string();
    let tag = format!("\"{}\"", digest(body.as_bytes()));
    Ok(HttpResponse::Ok().insert_header((ETAG, tag)).content_type("application/json").body(body))
}

fn named(request: &HttpRequest) -> Result<&'static Codelist, Problem> {
    let name = request.match_info().get("name").unwrap_or_default();
    find(name).ok_or_else(|| {
        let known: Vec<&str> = all().map(|list| list.name.as_str()).collect();
        Problem::new(Reason::NotFound, format!("There is no code list {name:.100}{}", nearest(name, &known)))
    })
}

fn about(list: &Codelist, base: &str) -> Value {
    let mut languages: Vec<&str> =
        list.codes.iter().flat_map(|code| code.names().map(|(language, _)| language)).collect();
    languages.sort_unstable();
    languages.dedup();
    json!({
        "name": list.name, "about": list.about, "version": list.version, "complete": list.complete,
        "categories": list.categories, "languages": languages, "count": list.codes.len(),
        "url": format!("{base}/v1/codelists/{}", list.name),
    })
}

fn view(list: &Codelist, code: &Code, base: &str) -> Value {
    let names: Map<String, Value> = code.names().map(|(language, name)| (language.to_owned(), name.into())).collect();
    json!({
        "code": code.code, "value": code.value, "name": names, "category": code.category, "status": code.status(),
        "withdrawn": code.withdrawn.as_deref().filter(|date| *date != "?"),
        "url": format!("{base}/v1/codelists/{}/{}", list.name, code.code),
    })
}

fn csv<'c>(codes: impl Iterator<Item = &'c Code>, bom: bool) -> Vec<u8> {
    let mut out = Vec::from(if bom { "\u{feff}" } else { "" });
    row(&COLUMNS.map(String::from), &mut out);
    for code in codes {
        let text = |text: &Option<String>| neutral(text.as_deref().unwrap_or_default());
        let cells = [
            neutral(&code.code),
            text(&code.value),
            text(&code.en),
            text(&code.fr),
            text(&code.cyrillic),
            text(&code.latin),
            text(&code.category),
            code.status().to_owned(),
            text(&code.withdrawn),
        ];
        row(&cells, &mut out);
    }
    out
}
