//! What there is, in the words of catalogues: DCAT-AP 3 as JSON-LD, a Data Package 2, and schema.org
//! for the documentation page. All three are made of the same facts.

use actix_web::http::header::ETAG;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::collections;
use crate::digest::digest;
use crate::error::Problem;
use crate::formats::columns::Columns;
use crate::formats::types::Type;
use crate::formats::{Export, Format};
use crate::http::negotiate;
use crate::http::query::Query;
use crate::kind::Kind;
use crate::state::State;
use crate::store::grain::Grain;
use crate::store::read;

/// The register's name and what it is, in a sentence.
const TITLE: &str = "Aid Register";
const ABOUT: &str = "Programmes, grants, beneficiaries and indicators of development assistance, with the organisations, calls, \
    transactions, observations, places and sources that they refer to.";
/// Media types as IANA's register has them, by the format's name.
const IANA: &str = "http://www.iana.org/assignments/media-types/";
/// The European Union's file types.
const FILE_TYPES: &str = "http://publications.europa.eu/resource/authority/file-type/";

/// What a catalogue says of the whole register.
pub struct Catalogue {
    base: String,
    licence: String,
    modified: DateTime<Utc>,
}

/// `GET /v1/catalog.jsonld`.
pub async fn dcat(request: HttpRequest, state: Data<State>) -> Result<HttpResponse, Problem> {
    let catalogue = Catalogue::of(&request, &state, "application/ld+json").await?;
    Ok(respond("application/ld+json", &catalogue.dcat()))
}

/// `GET /v1/datapackage.json`.
pub async fn data_package(request: HttpRequest, state: Data<State>) -> Result<HttpResponse, Problem> {
    let catalogue = Catalogue::of(&request, &state, "application/json").await?;
    Ok(respond("application/json", &catalogue.data_package()))
}

fn respond(content_type: &'static str, body: &Value) -> HttpResponse {
    let body = body.to_string();
    let tag = format!("\"{}\"", digest(body.as_bytes()));
    HttpResponse::Ok().insert_header((ETAG, tag)).content_type(content_type).body(body)
}

impl Catalogue {
    async fn of(request: &HttpRequest, state: &State, media: &str) -> Result<Self, Problem> {
        Query::parse(request.query_string(), []).map_err(Problem::invalid)?;
        negotiate::json_as(request, media)?;
        Self::now(request, state).await
    }

    /// The register as it is now.
    pub async fn now(request: &HttpRequest, state: &State) -> Result<Self, Problem> {
        let (_, modified) = read::clock(&mut *state.db.get().await?).await?;
        Ok(Self { base: state.base(request), licence: state.licence.clone(), modified })
    }

    fn address(&self, kind: &Kind, format: Format) -> String {
        format!("{}/v1/{}.{}", self.base, kind.collection, format.name())
    }

    /// How to cite the register.
    fn citation(&self) -> String {
        format!("{TITLE}, {}, {}", self.modified.format("%-d %B %Y"), self.base)
    }

    fn licence_url(&self) -> String {
        format!("https://spdx.org/licenses/{}", self.licence)
    }

    /// The catalogue as DCAT-AP 3.
    fn dcat(&self) -> Value {
        let modified = json!({"@type": "xsd:dateTime", "@value": self.modified.to_rfc3339()});
        let english = |text: &str| json!({"@language": "en", "@value": text});
        let publisher =
            json!({"@id": format!("{}/#publisher", self.base), "@type": "foaf:Agent", "foaf:name": english(TITLE)});
        let licence = json!({"@id": self.licence_url(), "@type": "dct:LicenseDocument"});
        let datasets = collections::ALL.iter().map(|kind| {
            let distributions = Format::of(kind).into_iter().filter(|format| *format != Format::Json).map(|format| {
                let address = self.address(kind, format);
                json!({
                    "@id": format!("{address}#distribution"), "@type": "dcat:Distribution",
                    "dct:title": english(&format!("{} as {}", kind.collection, format.name())),
                    "dcat:accessURL": {"@id": address}, "dcat:downloadURL": {"@id": address},
                    "dcat:mediaType": {"@id": format!("{IANA}{}", format.essence())},
                    "dct:format": {"@id": format!("{FILE_TYPES}{}", file_type(format))},
                    "dct:license": licence, "dct:modified": modified,
                })
            });
            json!({
                "@id": format!("{}/v1/{}#dataset", self.base, kind.collection), "@type": "dcat:Dataset",
                "dct:identifier": kind.collection, "dct:title": english(kind.collection), "dct:description": english(kind.about),
                "dct:publisher": publisher, "dct:license": licence, "dct:modified": modified,
                "dct:bibliographicCitation": self.citation(),
                "dct:spatial": {"@id": "http://publications.europa.eu/resource/authority/country/SRB", "@type": "dct:Location"},
                "dct:accrualPeriodicity": {"@id": "http://publications.europa.eu/resource/authority/frequency/CONT"},
                "dcat:theme": {"@id": "http://publications.europa.eu/resource/authority/data-theme/GOVE"},
                "dcat:landingPage": {"@id": format!("{}/docs/", self.base), "@type": "foaf:Document"},
                "dcat:distribution": distributions.collect::<Vec<_>>(),
            })
        });
        let service = json!({
            "@id": format!("{}/v1/#service", self.base), "@type": "dcat:DataService", "dct:title": english("Aid Register API"),
            "dcat:endpointURL": {"@id": format!("{}/v1/", self.base)},
            "dcat:endpointDescription": {"@id": format!("{}/v1/openapi.json", self.base)},
            "dcat:servesDataset": collections::ALL.iter()
                .map(|kind| json!({"@id": format!("{}/v1/{}#dataset", self.base, kind.collection)})).collect::<Vec<_>>(),
        });
        json!({
            "@context": {
                "dcat": "http://www.w3.org/ns/dcat#", "dct": "http://purl.org/dc/terms/", "foaf": "http://xmlns.com/foaf/0.1/",
                "xsd": "http://www.w3.org/2001/XMLSchema#",
            },
            "@id": format!("{}/v1/catalog.jsonld", self.base), "@type": "dcat:Catalog",
            "dct:title": english(TITLE), "dct:description": english(ABOUT), "dct:publisher": publisher,
            "dct:license": licence, "dct:modified": modified, "dct:bibliographicCitation": self.citation(),
            "dct:language": {"@id": "http://publications.europa.eu/resource/authority/language/ENG"},
            "foaf:homepage": {"@id": format!("{}/docs/", self.base)},
            "dcat:dataset": datasets.collect::<Vec<_>>(), "dcat:service": service,
        })
    }

    /// The same as a Data Package: a CSV for each collection, with its columns.
    fn data_package(&self) -> Value {
        let resources = collections::ALL.iter().map(|kind| {
            let fields = self.columns(kind);
            json!({
                "name": kind.collection, "type": "table", "title": kind.collection, "description": kind.about,
                "path": self.address(kind, Format::Csv), "format": "csv", "mediatype": "text/csv", "encoding": "utf-8",
                "schema": {"fields": fields, "primaryKey": ["identifier"]},
            })
        });
        json!({
            "$schema": "https://datapackage.org/profiles/2.0/datapackage.json",
            "name": "aid-register", "title": TITLE, "description": ABOUT, "homepage": format!("{}/docs/", self.base),
            "version": crate::API_VERSION, "created": self.modified.to_rfc3339(),
            "licenses": [{"name": self.licence, "path": self.licence_url()}],
            "contributors": [{"title": TITLE, "roles": ["publisher"]}],
            "sources": [{"title": self.citation(), "path": format!("{}/v1/sources", self.base)}],
            "resources": resources.collect::<Vec<_>>(),
        })
    }

    fn columns(&self, kind: &'static Kind) -> Vec<Value> {
        let export = Export {
            kind,
            fields: None,
            bom: false,
            converts: false,
            grain: Grain::Record,
            address: String::new(),
            moment: self.modified,
            licence: String::new(),
        };
        let columns = Columns::new(&export);
        let names = columns.names().into_iter().zip(columns.types(kind));
        names.map(|(name, of)| match of {
            Type::Text => json!({"name": name, "type": "string"}),
            Type::Number | Type::Money => json!({"name": name, "type": "number"}),
            Type::Integer => json!({"name": name, "type": "integer"}),
            Type::Boolean => json!({"name": name, "type": "boolean"}),
            // A date may be a year or a month.
            Type::Date => json!({"name": name, "type": "string", "constraints": {"pattern": "[0-9]{4}(-[0-9]{2}(-[0-9]{2})?)?"}}),
            Type::Instant => json!({"name": name, "type": "datetime", "format": "any"}),
        })
        .collect()
    }

    /// The same as schema.org has it, for search engines.
    pub fn schema_org(&self) -> Value {
        let downloads = collections::ALL.iter().map(|kind| {
            json!({"@type": "DataDownload", "name": kind.collection, "encodingFormat": "text/csv", "contentUrl": self.address(kind, Format::Csv)})
        });
        json!({
            "@context": "https://schema.org/", "@type": "Dataset", "name": TITLE, "description": ABOUT,
            "url": format!("{}/docs/", self.base), "license": self.licence_url(), "citation": self.citation(),
            "dateModified": self.modified.to_rfc3339(), "isAccessibleForFree": true,
            "creator": {"@type": "Organization", "name": TITLE},
            "spatialCoverage": {"@type": "Place", "name": "Serbia"},
            "distribution": downloads.collect::<Vec<_>>(),
        })
    }
}

/// A format in the European Union's list of file types.
fn file_type(format: Format) -> &'static str {
    match format {
        Format::Json => "JSON",
        Format::Ndjson => "NDJSON",
        Format::Csv => "CSV",
        Format::Xlsx => "XLSX",
        Format::Parquet => "PARQUET",
        Format::Geojson => "GEOJSON",
        Format::Xml => "XML",
        Format::ThreeSixtyGiving => "JSON",
    }
}
