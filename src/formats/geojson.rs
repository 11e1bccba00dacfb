//! GeoJSON (RFC 7946): a feature for each record, at the points of its places.

use std::fs::File;
use std::io;

use serde_json::{Map, Value, json};

use super::Writer;
use crate::kind::Kind;

/// The points of the places of a record `t`.
const POINTS: &str = "(SELECT jsonb_agg(p.doc -> 'point' ORDER BY l.pointer)::text FROM links l JOIN locations p ON p.identifier = l.target
    WHERE l.record = t.identifier AND l.role = 'place' AND p.latitude IS NOT NULL)";
/// The point of a place itself.
const OWN_POINT: &str = "CASE WHEN t.latitude IS NOT NULL THEN jsonb_build_array(t.doc -> 'point')::text END";

/// The SQL of the points of a record.
pub fn points(kind: &Kind) -> &'static str {
    if kind.collection == "locations" { OWN_POINT } else { POINTS }
}

/// The writer.
#[derive(Default)]
pub struct Geojson {
    begun: bool,
}

impl Writer for Geojson {
    fn begin(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"type\":\"FeatureCollection\",\"features\":[");
    }

    fn record(&mut self, record: &Map<String, Value>, beside: Option<&str>, out: &mut Vec<u8>) -> io::Result<()> {
        out.extend_from_slice(if std::mem::replace(&mut self.begun, true) { b",\n" } else { b"\n" });
        let feature = json!({
            "type": "Feature", "id": record.get("identifier"), "geometry": geometry(beside), "properties": record,
        });
        // Writing to memory cannot fail.
        let _ = serde_json::to_writer(out, &feature);
        Ok(())
    }

    fn end(self: Box<Self>, out: &mut Vec<u8>) -> io::Result<Option<File>> {
        out.extend_from_slice(b"\n]}\n");
        Ok(None)
    }
}

/// One point, several, or none: longitude first.
pub fn geometry(points: Option<&str>) -> Value {
    let points: Vec<Value> = points.and_then(|points| serde_json::from_str(points).ok()).unwrap_or_default();
    let positions: Vec<Value> = points.iter().map(|point| json!([point["longitude"], point["latitude"]])).collect();
    match positions.as_slice() {
        [] => Value::Null,
        [only] => json!({"type": "Point", "coordinates": only}),
        several => json!({"type": "MultiPoint", "coordinates": several}),
    }
}
