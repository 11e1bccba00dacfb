//! 360Giving: grants as a package of its data standard 1.4. What it asks for and nobody stated is not
//! made up: grants without it are left out and named. docs/MAPPING.md says what becomes what.

mod grant;
mod rest;

use std::fs::File;
use std::io;

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Map, Value, json};

use super::activity::Activity;
use super::related::{self, Related};
use super::{Export, Writer, typed};
use crate::kind::Kind;

/// The member of grants that came from elsewhere than a package, to this register or another: they say less here
/// than the register did.
pub const DERIVED: &str = "registerDerived";

/// The part of an original that says of each date of a grant in which member it stood.
pub const DATES: &str = "dates";

/// The member that says, of an item of a list that is kept for what the register does not say of it, which of the
/// register's it is: who receives or pays, the flow, the programme, the address of a document, or what these make of
/// the others.
pub const OF: &str = "register:of";

/// What stands for a sector.
pub fn sector(vocabulary: &str, code: &str) -> String {
    format!("{vocabulary} {code}")
}

/// What stands for a period.
pub fn period(start: Option<&str>, end: Option<&str>) -> String {
    format!("{}/{}", start.unwrap_or_default(), end.unwrap_or_default())
}

/// What the standard's list of countries does not have.
const NO_COUNTRY: &str = "XK";

/// Grants that are left out and named; of more only the number is said.
const NAMED: usize = 1000;

/// The SQL of what a package has beside each grant; other collections are none.
pub fn beside(kind: &Kind) -> Option<String> {
    related::of_activity(kind).filter(|_| kind.collection == "grants")
}

/// A grant of the register, what a package would say of it, and which members of the standard that lacks.
pub fn said_of(record: &Map<String, Value>, beside: Option<&str>) -> io::Result<(Activity, Value, Vec<&'static str>)> {
    let related: Related = beside.map(serde_json::from_str).transpose()?.unwrap_or_default();
    let activity: Activity = typed(record)?;
    let (grant, missing) = grant::grant(&activity, &related);
    Ok((activity, grant, missing))
}

/// The writer.
pub struct ThreeSixtyGiving {
    address: String,
    moment: DateTime<Utc>,
    licence: String,
    begun: bool,
    left_out: (Vec<Value>, usize),
}

impl ThreeSixtyGiving {
    /// Writes what an export is of.
    pub fn new(export: &Export) -> Self {
        Self {
            address: export.address.clone(),
            moment: export.moment,
            licence: export.licence.clone(),
            begun: false,
            left_out: Default::default(),
        }
    }
}

impl Writer for ThreeSixtyGiving {
    fn begin(&mut self, out: &mut Vec<u8>) {
        let moment = self.moment.to_rfc3339_opts(SecondsFormat::Secs, true);
        let head = json!({
            "version": "1.4",
            "title": "Aid Register: grants",
            "issued": moment,
            "modified": moment,
            "publisher": {"name": "Aid Register"},
            "license": format!("https://spdx.org/licenses/{}", self.licence),
            "downloadURL": self.address,
        });
        let head = head.to_string();
        out.extend_from_slice(head.strip_suffix('}').unwrap_or(&head).as_bytes());
        out.extend_from_slice(b",\"grants\":[");
    }

    fn record(&mut self, record: &Map<String, Value>, beside: Option<&str>, out: &mut Vec<u8>) -> io::Result<()> {
        let (activity, grant, missing) = said_of(record, beside)?;
        match missing.is_empty() {
            true => {
                out.extend_from_slice(if std::mem::replace(&mut self.begun, true) { b",\n" } else { b"\n" });
                serde_json::to_writer(out, &grant)?;
            }
            false => {
                let (named, number) = &mut self.left_out;
                *number += 1;
                if named.len() < NAMED {
                    named.push(json!({"id": activity.identifier, "missing": missing}));
                }
            }
        }
        Ok(())
    }

    fn end(self: Box<Self>, out: &mut Vec<u8>) -> io::Result<Option<File>> {
        out.extend_from_slice(b"\n]");
        let (named, number) = &self.left_out;
        if *number > 0 {
            let left_out = json!({"number": number, "grants": named});
            out.extend_from_slice(format!(",\"leftOut\":{left_out}").as_bytes());
        }
        out.extend_from_slice(b"}\n");
        Ok(None)
    }
}
