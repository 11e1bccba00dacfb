//! What a row of a table is about: a record, the part of it that falls on one sector or place, or
//! one flow of it. The parts are those that totals are made of, so they add up alike.

use serde_json::{Map, Value, json};
use strum::{EnumString, IntoStaticStr, VariantNames};

use crate::collections::transactions;
use crate::kind::{CONVERTED, Kind, PLACE_NOTES};
use crate::rates::convert::Conversion;
use crate::record::Amount;

/// The places of an activity `f.activity`, and what names one.
pub const PLACES: (&str, &str) = ("f.activity -> 'places'", "location");
/// Its five-digit OECD DAC sectors.
pub const SECTORS: (&str, &str) =
    (r#"jsonb_path_query_array(f.activity, '$.sectors[*] ? (@.vocabulary == "1")')"#, "code");

/// The member that says why a part is of no sector or place.
pub const REASON: &str = "part_reason";
/// The member with the name of the place of a row.
pub const NAME: &str = "place_name";
/// The member with the flow of a row.
pub const FLOW: &str = "transaction";

/// What a row is about.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, EnumString, VariantNames, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum Grain {
    /// A record.
    #[default]
    Record,
    /// What falls on one OECD DAC sector.
    Sector,
    /// What falls on one place.
    Place,
    /// One flow that the record, or a grant of it, reports.
    Transaction,
}

/// Lays out flows and grants of an instant that was entered, in the stead of its views: the past has no indexes, and
/// flows are looked up for each record.
pub const PAST: &str = "
    CREATE TEMPORARY TABLE transactions ON COMMIT DROP AS SELECT * FROM transactions;
    CREATE INDEX ON transactions (grant_id);
    CREATE INDEX ON transactions (programme);
    CREATE TEMPORARY TABLE grants ON COMMIT DROP AS SELECT * FROM grants;
    CREATE INDEX ON grants (programme);
    ANALYZE transactions, grants";

/// An amount of the database with cents, as records have it.
fn cents(amount: Value) -> Value {
    serde_json::from_value::<Amount>(amount).map_or(Value::Null, |amount| json!(amount))
}

/// An instant as records show it.
fn instant(of: &str) -> String {
    format!(r#"to_char({of} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')"#)
}

impl Grain {
    /// Its name.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// The grains that a collection has.
    pub fn of(kind: &Kind) -> &'static [Self] {
        match (kind.activity, kind.flows) {
            (Some(_), Some(_)) => &[Self::Record, Self::Sector, Self::Place, Self::Transaction],
            (Some(_), None) => &[Self::Record, Self::Sector, Self::Place],
            _ => &[Self::Record],
        }
    }

    /// What makes several rows of a row `t`: the end of a FROM clause, with what is of each
    /// as the JSON `piece.doc`, in the order of `piece.n`.
    pub fn pieces(self, kind: &Kind, conversion: Option<&Conversion>) -> Option<String> {
        let converted = |kind: &Kind| {
            let sql = conversion.and_then(|conversion| conversion.sql(kind));
            sql.map_or("NULL::jsonb".to_owned(), |sql| format!("({sql})::jsonb"))
        };
        let (list, key) = match self {
            Self::Record => return None,
            Self::Sector => SECTORS,
            Self::Place => PLACES,
            Self::Transaction => {
                let flow = converted(&transactions::KIND);
                return Some(format!(
                    " CROSS JOIN LATERAL (SELECT t.identifier) AS own (identifier) CROSS JOIN LATERAL (
                       SELECT jsonb_build_object('flow', t.doc || jsonb_build_object('publisher', t.publisher, 'version', t.version,
                         'created_at', {}, 'updated_at', {}), 'converted', {flow}) AS doc, t.identifier AS n
                       FROM transactions t WHERE {}) AS piece",
                    instant("t.created_at"),
                    instant("t.updated_at"),
                    kind.flows?
                ));
            }
        };
        // A place has its name beside its code.
        let piece = match self {
            Self::Place => "unnamed
             LEFT JOIN locations place ON place.identifier = unnamed.key
             CROSS JOIN LATERAL (SELECT unnamed.n, unnamed.doc || jsonb_build_object('name', place.doc -> 'name', 'note', place.doc -> 'note') AS doc) AS piece",
            _ => "piece",
        };
        // The whole is converted, then divided: so the parts add up to it.
        Some(format!(
            " CROSS JOIN LATERAL (SELECT {} AS activity) AS f
             CROSS JOIN LATERAL (SELECT parts({list}, '{key}') AS parts, {} AS converted OFFSET 0) AS shares
             CROSS JOIN LATERAL (
               SELECT n, key, jsonb_build_object('key', key, 'part', part, 'converted', shares.converted || jsonb_build_object('amount',
                 (SELECT d.part FROM divide((shares.converted ->> 'amount')::numeric, shares.parts) AS d WHERE d.key = divided.key))) AS doc
               FROM divide(t.amount, shares.parts) WITH ORDINALITY AS divided (key, part, n)) AS {piece}",
            kind.activity?,
            converted(kind)
        ))
    }

    /// Leaves of a record what the row is about; gives the members that say so.
    pub fn narrow(self, kind: &Kind, view: &mut Map<String, Value>, mut piece: Value) -> Map<String, Value> {
        let (member, code) = match self {
            Self::Record => return Map::new(),
            Self::Sector => ("sectors", SECTORS.1),
            Self::Place => ("places", PLACES.1),
            Self::Transaction => {
                let mut flow = piece["flow"].take();
                flow[CONVERTED] = piece["converted"].take();
                view.remove(CONVERTED);
                return Map::from_iter([(FLOW.to_owned(), flow)]);
            }
        };
        let key = piece["key"].take();
        let reason = key.as_str().and_then(|key| key.strip_prefix(',')).map(String::from);
        if let Some(amount) =
            kind.money.and_then(|money| view.get_mut(money.member)).and_then(|money| money.get_mut("amount"))
        {
            *amount = cents(piece["part"].take());
        }
        if !piece["converted"].is_null() {
            let mut converted = piece["converted"].take();
            converted["amount"] = cents(converted["amount"].take());
            view.insert(CONVERTED.into(), converted);
        }
        let note = piece["note"].take();
        let noted = if note.is_null() {
            Map::new()
        } else {
            Map::from_iter([(key.as_str().unwrap_or_default().to_owned(), note)])
        };
        let items = view.get(member).and_then(Value::as_array);
        let own = |item: &&Value| item[code] == key && (self != Self::Sector || item["vocabulary"] == "1");
        let items = match (&reason, items.and_then(|items| items.iter().find(own))) {
            (Some(_), _) => json!([]),
            (None, Some(item)) => json!([item]),
            (None, None) if self == Self::Sector => json!([{code: key, "vocabulary": "1"}]),
            (None, None) => json!([{code: key}]),
        };
        let mut added = Map::from_iter([
            (member.to_owned(), items),
            (NAME.to_owned(), piece["name"].take()),
            (REASON.to_owned(), json!(reason)),
        ]);
        if self == Self::Place {
            added.insert(PLACE_NOTES.into(), noted.into());
        }
        added
    }
}
