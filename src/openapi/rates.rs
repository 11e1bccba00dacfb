//! Exchange rates, and the parameters and members of converted amounts.

use serde_json::{Map, Value, json};
use strum::VariantNames;

use super::common::{READ_PROBLEMS, as_of, header_refs, if_none_match_read, not_modified, query, with_problems};
use crate::rates::{Basis, PARAMETERS};

/// What `currency` and `rate_basis` take.
pub fn parameters() -> [Value; 2] {
    [
        query(
            "currency",
            "Show main amounts in this currency too, each with its rate, the rate's date and source: `converted`. Where there is no rate its amount is null.",
            json!({"type": "string", "pattern": "^[A-Z]{3}$"}),
        ),
        rate_basis(
            "The rates to convert by: of the value date (without one, the date that stands for it), or the average of its month or year. A weekend has the rate of the day before.",
        ),
    ]
}

fn rate_basis(about: &str) -> Value {
    query("rate_basis", about, json!({"type": "string", "enum": Basis::VARIANTS}))
}

/// The member with the converted amount.
pub fn converted() -> Value {
    json!({"type": ["object", "null"], "readOnly": true, "description": "With `currency=`: the main amount in that currency.", "properties": {
        "amount": {"type": ["number", "null"], "description": "In cents; null where there is no rate."},
        "currency": {"type": "string"},
        "rate": {"type": ["number", "null"], "description": "Units for one unit of the original currency."},
        "rate_basis": {"type": "string", "enum": Basis::VARIANTS},
        "rates": {"type": "array", "description": "The rates against the euro that it was computed from.", "items": {"type": "object", "properties": {
            "currency": {"type": "string"}, "per_euro": {"type": "number"},
            "date": {"type": "string", "format": "date"}, "source": {"type": "string"}}}},
        "reason": {"type": ["string", "null"], "enum": ["no_rate", "no_date", "date_not_exact", null], "description": "Why there is no amount."}}})
}

/// Adds the operations.
pub fn add(paths: &mut Map<String, Value>) {
    let rate = json!({"currency": "RSD", "rate_basis": "value_date", "date": "2015-12-31", "until": "2015-12-31",
        "per_euro": 121.6261, "source": "National Bank of Serbia, middle rate, list 252 of 2015-12-31"});
    let parameters = vec![
        json!({"name": "currency", "in": "query", "description": "Of these currencies.", "style": "form", "explode": false,
            "schema": {"type": "array", "minItems": 1, "items": {"type": "string", "pattern": "^[A-Z]{3}$"}}}),
        query("date", "Holding on this day.", json!({"type": "string", "format": "date"})),
        rate_basis("Of days, or averages of months or years."),
        as_of(),
        query("limit", "Rates on a page; 100 without it.", json!({"type": "integer", "minimum": 1, "maximum": 1000})),
        query("cursor", "Where to go on, from `links.next`.", json!({"type": "string"})),
        if_none_match_read(),
    ];
    debug_assert!(PARAMETERS.iter().all(|name| parameters.iter().any(|parameter| parameter["name"] == *name)));
    let page = json!({"type": "object", "properties": {
        "data": {"type": "array", "items": {"$ref": "#/components/schemas/ExchangeRate"}},
        "meta": {"type": "object"}, "links": {"$ref": "#/components/schemas/Links"}}});
    let example = json!({"data": [rate], "meta": {"limit": 100},
        "links": {"self": "http://127.0.0.1:8080/v1/exchange-rates", "next": null}});
    let found = json!({"description": "The rates, by currency, basis and date.",
        "headers": header_refs(&["X-Request-Id", "API-Version", "ETag", "Link"]),
        "content": {"application/json": {"schema": page, "example": example}}});
    let body = json!({"rates": [{"currency": "RSD", "rate_basis": "value_date", "date": "2015-12-31", "per_euro": 121.6261,
        "source": "National Bank of Serbia, list 252"}]});
    let stored = json!({"description": "They are kept.", "headers": header_refs(&["X-Request-Id", "API-Version"]),
        "content": {"application/json": {"schema": {"type": "object", "properties": {
            "read": {"type": "integer"}, "changed": {"type": "integer", "description": "New or changed, the averages that follow from them included."}}},
            "example": {"read": 1, "changed": 1}}}});
    let problems = &[400, 401, 403, 404, 405, 408, 413, 414, 415, 431, 500, 503];
    paths.insert(
        "/v1/exchange-rates".into(),
        json!({
            "get": {"tags": ["exchange-rates"], "operationId": "list_exchange_rates", "summary": "List exchange rates",
                "description": "Rates against the euro, with their source: of days, and averages of months and years.",
                "parameters": parameters,
                "responses": with_problems(json!({"200": found, "304": not_modified()}), READ_PROBLEMS)},
            "put": {"tags": ["exchange-rates"], "operationId": "put_exchange_rates", "summary": "Add or replace exchange rates",
                "description": "All of them or none. A rate that changes keeps the one before it: what was asked as of an earlier instant stays as it was. Needs the scope admin.",
                "security": [{"token": []}],
                "requestBody": {"required": true, "content": {"application/json": {
                    "schema": {"$ref": "#/components/schemas/NewExchangeRates"}, "example": body}}},
                "responses": with_problems(json!({"200": stored}), problems)}
        }),
    );
}

/// Their schemas.
pub fn schemas() -> [(&'static str, Value); 2] {
    let number = json!({"type": "number", "exclusiveMinimum": 0, "description": "Units of the currency for one euro."});
    let basis = json!({"type": "string", "enum": Basis::VARIANTS});
    [
        (
            "ExchangeRate",
            json!({"type": "object", "description": "A rate against the euro.", "properties": {
                "currency": {"type": "string"}, "rate_basis": basis, "date": {"type": "string", "format": "date"},
                "until": {"type": "string", "format": "date", "description": "The last day that it holds for."},
                "per_euro": number, "source": {"type": "string"}}}),
        ),
        (
            "NewExchangeRates",
            json!({"type": "object", "description": "Exchange rates, as an administrator writes them.", "required": ["rates"],
            "additionalProperties": false, "properties": {"rates": {"type": "array", "minItems": 1, "maxItems": 20000, "items": {
                "type": "object", "required": ["currency", "date", "per_euro", "source"], "additionalProperties": false, "properties": {
                    "currency": {"type": "string", "format": "currency"}, "rate_basis": basis,
                    "date": {"type": "string", "format": "partial-date", "description": "A day; of an average, its month or year."},
                    "per_euro": number, "source": {"type": "string", "minLength": 1, "maxLength": 500}}}}}}),
        ),
    ]
}
