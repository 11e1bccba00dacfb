//! Rows of the template as grants: those of one table as they come, and those of several sheets of a workbook once
//! all are read, since what is said of a grant may stand in several: sheets without what was awarded say more of the
//! grants of the others, by their identifiers.

use std::collections::HashMap;
use std::mem::take;

use serde_json::Value;
use serde_json::map::Entry;

use super::file::{Each, Found};
use super::flat::Columns;
use crate::error::{Fault, clip};
use crate::imports::rows::Rows;
use crate::imports::sink::Closed;
use crate::json::push;

/// What takes them.
pub struct Sheets<'e, 'f> {
    columns: Option<Columns>,
    width: usize,
    /// The sheet that is read, if there are several.
    sheet: Option<String>,
    /// Whether its rows are grants themselves.
    is_whole: bool,
    /// Grants of several sheets, and rows that say more of them, each with its sheet.
    grants: Vec<(i64, Value)>,
    parts: Vec<(i64, String, Value)>,
    /// What is wrong with headers of sheets that are left out.
    headers: Vec<(i64, Vec<Fault>)>,
    is_read: bool,
    is_broken: bool,
    on: &'e mut Each<'f>,
}

impl<'e, 'f> Sheets<'e, 'f> {
    /// A table without a header as yet.
    pub fn new(on: &'e mut Each<'f>) -> Self {
        Self {
            columns: None,
            width: 0,
            sheet: None,
            is_whole: true,
            grants: Vec::new(),
            parts: Vec::new(),
            headers: Vec::new(),
            is_read: false,
            is_broken: false,
            on,
        }
    }

    /// Hands on the grants of several sheets.
    pub fn finish(mut self) -> Result<(), Closed> {
        if self.is_broken {
            return Ok(());
        }
        let headers = take(&mut self.headers);
        if !self.is_read {
            return headers.into_iter().take(1).try_for_each(|(line, faults)| (self.on)(line, Found::Wrong(faults)));
        }
        for fault in headers.into_iter().filter_map(|(_, faults)| faults.into_iter().next()) {
            (self.on)(0, Found::Note(Fault { code: "sheet_ignored".into(), row: None, column: None, ..fault }))?;
        }
        let mut at = HashMap::new();
        for (n, (_, grant)) in self.grants.iter().enumerate() {
            at.entry(grant["id"].as_str().unwrap_or_default().to_owned()).or_insert(n);
        }
        for (line, sheet, part) in take(&mut self.parts) {
            let note = |code: &str, detail: String| {
                let identifier = part["id"].as_str().map(|id| clip(id, 200));
                Fault { identifier, row: Some(line), code: code.into(), detail, ..Fault::default() }
            };
            let Some(n) = part["id"].as_str().and_then(|id| at.get(id)) else {
                let words =
                    format!("sheet {sheet:.100}: no other sheet has a grant of this identifier; the row is left out");
                (self.on)(line, Found::Note(note("grant_unknown", words)))?;
                continue;
            };
            let mut other = Vec::new();
            join(&mut self.grants[*n].1, part.clone(), "", &mut other);
            for pointer in other {
                let words = format!("sheet {sheet:.100} says another {pointer} than the grant's own row: that counts");
                (self.on)(line, Found::Note(note("value_differs", words)))?;
            }
        }
        take(&mut self.grants).into_iter().try_for_each(|(line, grant)| (self.on)(line, Found::Grant(grant)))
    }

    /// What is wrong in one of several sheets says in which.
    fn told(&self, fault: Fault) -> Fault {
        match &self.sheet {
            Some(sheet) => Fault { detail: format!("sheet {sheet:.100}: {}", fault.detail), ..fault },
            None => fault,
        }
    }

    fn wrong(&mut self, line: i64, faults: Vec<Fault>) -> Result<(), Closed> {
        let faults = faults.into_iter().map(|fault| self.told(fault)).collect();
        (self.on)(line, Found::Wrong(faults))
    }
}

impl Rows for Sheets<'_, '_> {
    fn width(&self) -> Option<usize> {
        self.columns.as_ref().map(|_| self.width)
    }

    fn name(&self, _n: usize) -> Option<&str> {
        None
    }

    fn identifier(&self, _cells: &[String]) -> Option<String> {
        None
    }

    fn sheets(&mut self, there: usize) -> usize {
        self.sheet = (there > 1).then(String::new);
        there
    }

    fn sheet(&mut self, name: &str) {
        self.columns = None;
        self.sheet = self.sheet.is_some().then(|| name.to_owned());
    }

    fn row(&mut self, line: i64, cells: &[String]) -> Result<(), Closed> {
        let Some(columns) = &self.columns else {
            match Columns::read(cells) {
                Ok(columns) => {
                    let named = cells.iter().rposition(|cell| !cell.trim().is_empty());
                    (self.columns, self.width) = (Some(columns), named.map_or(0, |last| last + 1));
                    self.is_whole = self.sheet.is_none() || Columns::is_threesixty(cells);
                    self.is_read = true;
                }
                // Notes, or lists of codes: no grants, if another sheet has them.
                Err(faults) if self.sheet.is_some() && faults.iter().any(|fault| fault.code == "required") => {
                    let missing = faults.into_iter().filter(|fault| fault.code == "required");
                    let missing = missing.map(|fault| self.told(fault)).collect();
                    self.headers.push((line, missing));
                }
                Err(faults) => {
                    self.is_read = true;
                    self.wrong(line, faults)?;
                }
            }
            return Ok(());
        };
        let (grant, faults) = columns.grant(cells);
        if faults.is_empty() {
            match &self.sheet {
                None => return (self.on)(line, Found::Grant(grant)),
                Some(_) if self.is_whole => self.grants.push((line, grant)),
                Some(sheet) => self.parts.push((line, sheet.clone(), grant)),
            }
            return Ok(());
        }
        let identifier = grant["id"].as_str().map(str::to_owned);
        let faults = faults.into_iter().map(|fault| Fault { identifier: identifier.clone(), ..fault });
        self.wrong(line, faults.collect())
    }

    fn fault(&mut self, line: i64, fault: Fault) -> Result<(), Closed> {
        self.wrong(line, vec![fault])
    }

    fn end(&mut self, line: i64, fault: Fault) -> Result<(), Closed> {
        self.is_broken = true;
        let fault = self.told(fault);
        (self.on)(line, Found::End(fault))
    }
}

/// Adds to a value what another says of the same; `other` are places where they say different things. Items of lists
/// are the same if their identifiers are.
fn join(value: &mut Value, more: Value, pointer: &str, other: &mut Vec<String>) {
    match (value, more) {
        (Value::Object(members), Value::Object(more)) => {
            for (name, value) in more {
                match members.entry(name) {
                    Entry::Occupied(mut known) => {
                        let pointer = push(pointer, known.key());
                        join(known.get_mut(), value, &pointer, other);
                    }
                    Entry::Vacant(place) => drop(place.insert(value)),
                }
            }
        }
        (Value::Array(items), Value::Array(more)) => {
            for item in more {
                let same = |known: &Value| *known == item || !item["id"].is_null() && known["id"] == item["id"];
                match items.iter().position(same) {
                    Some(n) => join(&mut items[n], item, &format!("{pointer}/{n}"), other),
                    None => items.push(item),
                }
            }
        }
        (value, more) if *value != more => other.push(pointer.to_owned()),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// What comes of a workbook of these sheets.
    fn read(sheets: &[(&str, &[&[&str]])]) -> (Vec<Value>, Vec<String>) {
        let (mut grants, mut codes) = (Vec::new(), Vec::new());
        let mut on = |_, found| {
            match found {
                Found::Grant(grant) => grants.push(grant),
                Found::Wrong(faults) => codes.extend(faults.into_iter().map(|fault| format!("wrong {}", fault.code))),
                Found::Note(fault) => codes.push(fault.code),
                Found::End(fault) => codes.push(format!("end {}", fault.code)),
            }
            Ok(())
        };
        let mut rows = Sheets::new(&mut on);
        rows.sheets(sheets.len());
        for (name, lines) in sheets {
            rows.sheet(name);
            for (line, cells) in (1..).zip(*lines) {
                let cells: Vec<String> = cells.iter().map(|cell| (*cell).to_owned()).collect();
                assert!(rows.row(line, &cells).is_ok());
                if rows.width().is_none() {
                    break;
                }
            }
        }
        assert!(rows.finish().is_ok());
        (grants, codes)
    }

    #[test]
    fn what_several_sheets_say_is_joined() {
        let notes: &[&[&str]] = &[&["About this file"], &["Grants of 2024"]];
        let grants: &[&[&str]] = &[
            &["Identifier", "Amount Awarded", "Recipient Org:Identifier", "Title"],
            &["A", "5", "R-1", "Roof"],
            &["B", "6", "R-2", "Road"],
        ];
        let more: &[&[&str]] = &[&["Identifier", "Amount Awarded"], &["C", "7"]];
        let recipients: &[&[&str]] = &[
            &["Identifier", "Recipient Org:0:Identifier", "Recipient Org:0:Name", "Title"],
            &["A", "R-1", "School", "Roof"],
            &["A", "R-3", "Town", "Roofs"],
            &["Z", "R-4", "Nobody", ""],
        ];
        let (found, codes) =
            read(&[("Notes", notes), ("recipients", recipients), ("grants", grants), ("grants2", more)]);
        let expected = json!([
            {"id": "A", "amountAwarded": 5, "title": "Roof",
             "recipientOrganization": [{"id": "R-1", "name": "School"}, {"id": "R-3", "name": "Town"}]},
            {"id": "B", "amountAwarded": 6, "title": "Road", "recipientOrganization": [{"id": "R-2"}]},
            {"id": "C", "amountAwarded": 7},
        ]);
        assert_eq!(json!(found), expected);
        assert_eq!(codes, ["sheet_ignored", "value_differs", "grant_unknown"]);
        let (found, codes) = read(&[("Notes", notes), ("More", notes)]);
        assert_eq!((found.len(), codes), (0, vec!["wrong required".to_owned()]));
    }
}
