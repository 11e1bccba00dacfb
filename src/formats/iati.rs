//! IATI 2.03: programmes and grants as activities, organisations and beneficiaries as organisations,
//! in the order of the standard's schema and by its rules. What the standard has no room for stands
//! in attributes of the register's own namespace; docs/MAPPING.md says what becomes what.

pub mod activity;
pub mod codes;
pub mod context;
pub mod finding;
pub mod groups;
pub mod money;
pub mod organisation;
pub mod original;
pub mod parse;
pub mod places;
pub mod results;
pub mod rules;
#[cfg(test)]
mod samples;
pub mod schema;
pub mod sectors;
pub mod xml;

use std::fs::File;
use std::io;

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Map, Value};

use super::activity::Activity;
use super::related::{self, Related};
use super::{Export, Writer, typed};
use crate::kind::Kind;
use organisation::Organisation;

/// The namespace of what the standard has no room for.
pub const NAMESPACE: &str = "urn:aid-register:1";
/// Records that are left out and named; of more only the number is said.
const NAMED: usize = 1000;

/// The SQL of what a file has beside each record `t` of a collection; none of collections that are
/// neither activities nor organisations.
pub fn beside(kind: &Kind) -> Option<String> {
    match kind.collection {
        "organisations" | "beneficiaries" => Some(related::OF_PARTY.to_owned()),
        _ => related::of_activity(kind),
    }
}

/// The writer.
pub struct Iati {
    collection: &'static str,
    root: &'static str,
    moment: DateTime<Utc>,
    licence: String,
    /// Activities without a start, as far as they are named, and how many they are.
    left_out: (Vec<String>, usize),
}

impl Iati {
    /// Writes what an export is of.
    pub fn new(export: &Export) -> Self {
        let is_activities = matches!(export.kind.collection, "programmes" | "grants");
        let root = if is_activities { "iati-activities" } else { "iati-organisations" };
        let collection = export.kind.collection;
        Self { collection, root, moment: export.moment, licence: export.licence.clone(), left_out: Default::default() }
    }
}

impl Writer for Iati {
    fn begin(&mut self, out: &mut Vec<u8>) {
        let moment = self.moment.to_rfc3339_opts(SecondsFormat::Secs, true);
        let root = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!-- Licence: {} -->\n\
             <{} version=\"2.03\" generated-datetime=\"{moment}\" xmlns:register=\"{NAMESPACE}\">\n",
            commented(&self.licence),
            self.root
        );
        out.extend_from_slice(root.as_bytes());
    }

    fn record(&mut self, record: &Map<String, Value>, beside: Option<&str>, out: &mut Vec<u8>) -> io::Result<()> {
        let related: Related = beside.map(serde_json::from_str).transpose()?.unwrap_or_default();
        if self.root == "iati-organisations" {
            let of = typed::<Organisation>(record)?;
            organisation::organisation(&of, self.collection, &related, self.moment.date_naive()).write(1, out);
            return Ok(());
        }
        let activity: Activity = typed(record)?;
        // A dump has both in one file; only grants have who receives.
        let collection = if record.contains_key("recipients") { "grants" } else { "programmes" };
        match activity::activity(&activity, collection, &related, self.moment.date_naive()) {
            Some(element) => element.write(1, out),
            None => {
                let (named, number) = &mut self.left_out;
                *number += 1;
                if named.len() < NAMED {
                    named.push(activity.identifier.0);
                }
            }
        }
        Ok(())
    }

    fn end(self: Box<Self>, out: &mut Vec<u8>) -> io::Result<Option<File>> {
        let (named, number) = &self.left_out;
        if *number > 0 {
            let more = if *number > named.len() { " and others" } else { "" };
            let words = format!(
                " <!-- {number} left out, as nobody stated when they start, which IATI requires: {}{more} -->\n",
                commented(&named.join(", "))
            );
            out.extend_from_slice(words.as_bytes());
        }
        out.extend_from_slice(format!("</{}>\n", self.root).as_bytes());
        Ok(None)
    }
}

/// Text in a comment, which two hyphens would end.
fn commented(text: &str) -> String {
    text.replace("--", "-\u{2010}")
}
