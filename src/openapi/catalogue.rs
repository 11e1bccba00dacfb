//! What there is, in the words of catalogues.

use serde_json::{Map, Value, json};

use super::common::{READ_PROBLEMS, header_refs, if_none_match_read, not_modified, with_problems};

/// Adds the operations.
pub fn add(paths: &mut Map<String, Value>) {
    let read = |id: &str, summary: &str, about: &str, media: &str, example: Value| {
        let found = json!({"description": summary, "headers": header_refs(&["X-Request-Id", "API-Version", "ETag"]),
            "content": {media: {"schema": {"type": "object"}, "example": example}}});
        json!({"get": {"tags": ["catalogue"], "operationId": id, "summary": summary, "description": about,
            "parameters": [if_none_match_read()],
            "responses": with_problems(json!({"200": found, "304": not_modified()}), READ_PROBLEMS)}})
    };
    paths.insert(
        "/v1/catalog.jsonld".into(),
        read(
            "show_catalogue",
            "The catalogue, as DCAT-AP 3",
            "Every collection as a data set with its distributions, licence and citation, for data portals.",
            "application/ld+json",
            json!({"@type": "dcat:Catalog", "dct:title": {"@language": "en", "@value": "Aid Register"}}),
        ),
    );
    paths.insert("/v1/datapackage.json".into(), read("show_data_package", "The register as a Data Package",
        "Every collection as a table with its columns (Data Package 2), for frictionless and its kin.", "application/json",
        json!({"$schema": "https://datapackage.org/profiles/2.0/datapackage.json", "name": "aid-register", "resources": []})));
}
