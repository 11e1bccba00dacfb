//! What indicators say.

use serde_json::{Map, Value, json};

use super::common::{READ_PROBLEMS, as_of, filter, header_refs, if_none_match_read, not_modified, with_problems};
use crate::results::routes::filters;
use crate::totals::METHOD;

/// Adds it.
pub fn add(paths: &mut Map<String, Value>) {
    let about = "Values against targets over time, with how much of the way was gone and why that is not known where it \
        is not; wholes against the parts that must add up to them; what indicators that feed this one add up to, or why \
        they may not; and the same as labels and data sets, which a chart takes as they are. The filters are those of \
        observations. `/docs/METHOD.md` has the rules.";
    let mut parameters = vec![json!({"name": "identifier", "in": "path", "required": true,
        "description": "Its identifier, percent-encoded.", "schema": {"type": "string"}, "example": "AR-LNOB-TEACHERS"})];
    parameters.extend(filters().map(filter));
    parameters.extend([as_of(), if_none_match_read()]);
    let problems: Vec<u16> = READ_PROBLEMS.iter().copied().chain([410]).collect();
    let found = json!({"description": "The progress.", "headers": header_refs(&["X-Request-Id", "API-Version", "ETag"]),
        "content": {"application/json": {"schema": schema(), "example": example()}}});
    let operation = json!({"tags": ["indicators"], "operationId": "show_indicator_progress",
        "summary": "Values of an indicator against its targets", "description": about, "parameters": parameters,
        "responses": with_problems(json!({"200": found, "304": not_modified()}), &problems)});
    paths.insert("/v1/indicators/{identifier}/progress".into(), json!({"get": operation}));
}

fn object(properties: Value) -> Value {
    json!({"type": "object", "properties": properties})
}

fn nullable(kind: &str, about: &str) -> Value {
    json!({"type": [kind, "null"], "description": about})
}

fn nullable_object(properties: Value) -> Value {
    json!({"type": ["object", "null"], "properties": properties})
}

/// Several objects' members in one.
fn merged(parts: &[Value]) -> Value {
    let members = parts.iter().filter_map(Value::as_object).flatten();
    Value::Object(members.map(|(name, value)| (name.clone(), value.clone())).collect())
}

fn schema() -> Value {
    let number = |about: &str| nullable("number", about);
    let slice = json!({"place": nullable("object", "Where; null for everywhere."),
        "beneficiary": nullable("object", "Of whom; null for everyone."),
        "disaggregation": {"type": "object", "description": "Of which people or things."}});
    let period = json!({"start_date": nullable("string", "The first day."), "end_date": nullable("string", "The date, or the last day.")});
    let figure = merged(&[
        period.clone(),
        json!({"value": number("The value, of the observation in use or of the parts that add up to it."),
            "value_text": {"type": "object"}, "exact": {"type": "boolean"},
            "observations": {"type": "array", "description": "What the value is made of.", "items": {"type": "object"}},
            "others": {"type": "array", "description": "What other sources say.", "items": {"type": "object"}},
            "observations_omitted": {"type": "integer", "description": "How many more there are: an answer lists 10 000 items in all."},
            "missing": {"type": "array", "description": "Indicators of which nothing is known then.", "items": {"type": "string"}},
            "indicators": {"type": "array", "description": "What it is rolled up from.", "items": {"type": "object"}}}),
    ]);
    let point = merged(&[
        figure.clone(),
        json!({"target": number("What it is held against."), "achieved_percentage": number("How much of the way from the baseline to the target."),
            "achieved_reason": nullable("string", "Why nobody can say."), "target_met": nullable("boolean", "In the direction that is better.")}),
    ]);
    let series = merged(&[
        slice.clone(),
        json!({"baseline": nullable_object(figure.clone()), "targets": {"type": "array", "items": object(figure)},
            "latest": nullable_object(point.clone()), "actual": {"type": "array", "items": object(point)}}),
    ]);
    let check = merged(&[
        slice,
        period,
        json!({"kind": {"type": "string"}, "identifier": {"type": "string", "description": "The observation of the whole."},
            "value": {"type": "number"}, "by": {"type": "array", "items": {"type": "string"}}, "parts": {"type": "array", "items": {"type": "object"}},
            "count": {"type": "integer"}, "sum": {"type": "number"}, "difference": number("The sum less the value."), "adds_up": {"type": "boolean"}}),
    ]);
    let chart = nullable_object(json!({"labels": {"type": "array", "items": {"type": "string"}},
        "datasets": {"type": "array", "items": object(json!({"label": {"type": "string"}, "kind": {"type": "string"},
            "data": {"type": "array", "items": {"type": ["number", "null"]}}}))}}));
    let roll_up = json!({"type": ["object", "null"], "description": "Of the indicators that name this as their parent.", "properties": {
        "indicators": {"type": "array", "items": {"type": "string"}}, "values": {"type": ["array", "null"], "items": {"type": "object"}},
        "refused": {"type": "array", "items": object(json!({"indicator": {"type": "string"}, "reason": {"type": "string"}, "detail": {"type": "string"}}))}}});
    object(json!({"identifier": {"type": "string"}, "title": {"type": "object"}, "measure": {"type": "string"},
        "unit": nullable("object", "Of the values."), "direction": nullable("string", "Which way is better."), "additive": {"type": "boolean"},
        "data": {"type": "array", "description": "One for each place, beneficiary and part that was observed; the whole comes first.", "items": object(series)},
        "checks": {"type": "array", "items": object(check)}, "roll_up": roll_up, "chart": chart,
        "meta": {"type": "object"}, "links": {"$ref": "#/components/schemas/Links"}}))
}

fn example() -> Value {
    let local = "http://127.0.0.1:8080";
    let (everywhere, period) = (
        json!({"place": {"identifier": "RS", "name": {"en": "Serbia"}}, "beneficiary": null, "disaggregation": {}}),
        json!({"start_date": "2020-05-01", "end_date": "2022-07-15"}),
    );
    let point = merged(&[
        period.clone(),
        json!({"value": 150, "exact": true, "observations": [], "others": [], "target": null,
        "achieved_percentage": null, "achieved_reason": "no_target", "target_met": null}),
    ]);
    json!({
        "identifier": "AR-LNOB-TEACHERS", "title": {"en": "Teachers trained against dropping out of school"}, "measure": "unit",
        "unit": {"en": "teachers"}, "direction": "increase", "additive": true,
        "data": [merged(&[everywhere.clone(), json!({"baseline": null, "targets": [], "latest": point, "actual": [point]})])],
        "checks": [merged(&[everywhere, period, json!({"kind": "actual", "identifier": "AR-LNOB-TEACHERS-TOTAL-STATED", "value": 150,
            "by": ["beneficiary", "place"], "parts": [], "count": 5, "sum": 150, "difference": 0, "adds_up": true})])],
        "roll_up": null, "chart": {"labels": ["2022-07-15"], "datasets": [{"label": "Serbia", "kind": "actual", "data": [150]}]},
        "meta": {"observations": 6, "method": {"url": format!("{local}/docs/METHOD.md"), "version": METHOD}},
        "links": {"self": format!("{local}/v1/indicators/AR-LNOB-TEACHERS/progress")}
    })
}
