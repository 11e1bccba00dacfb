//! Rows of the 360Giving spreadsheet template as grants of a package.

use serde_json::{Map, Number, Value};

use super::fields::{self, Field, Holds};
use crate::error::{Fault, clip};
use crate::json::push;

/// A list in a table has this many items at most.
const ITEMS: usize = 1000;
/// Texts of a list that stand in one cell are separated by this.
const SEPARATOR: char = ';';

/// The columns of a table, and where in a grant each belongs.
pub struct Columns(Vec<Column>);

struct Column {
    name: String,
    path: Vec<Step>,
    holds: Holds,
}

#[derive(Clone, PartialEq)]
enum Step {
    Member(String),
    Item(usize),
}

impl Columns {
    /// Reads a header. Columns that the standard does not have are members of that name.
    pub fn read(cells: &[String]) -> Result<Self, Vec<Fault>> {
        let columns: Vec<Column> = cells.iter().map(|cell| Column::read(cell.trim())).collect();
        let mut faults = Vec::new();
        for (n, column) in columns.iter().enumerate().filter(|(_, column)| !column.name.is_empty()) {
            let mut fault = |code: &str, detail: String| {
                let column = Some(clip(&column.name, 100));
                faults.push(Fault { row: Some(1), column, code: code.into(), detail, ..Fault::default() });
            };
            if let Some(other) = columns[..n].iter().find(|other| other.path == column.path) {
                fault("column_repeated", format!("{:.100} is the same as {:.100}", column.name, other.name));
            } else if matches!(column.holds, Holds::One(_) | Holds::Many(_)) {
                fault(
                    "column_unknown",
                    format!("{0:.100} has parts: say which, as in {0:.100}:Identifier", column.name),
                );
            }
        }
        if !columns.iter().any(|column| column.is("id")) {
            let detail = "there is no column Identifier".to_owned();
            let column = Some("Identifier".to_owned());
            faults.push(Fault { row: Some(1), column, code: "required".into(), detail, ..Fault::default() });
        }
        if faults.is_empty() { Ok(Self(columns)) } else { Err(faults) }
    }

    /// Whether a header is one of 360Giving: it names grants, and what was awarded.
    pub fn is_threesixty(cells: &[String]) -> bool {
        let columns: Vec<Column> = cells.iter().map(|cell| Column::read(cell.trim())).collect();
        ["id", "amountAwarded"].iter().all(|member| columns.iter().any(|column| column.is(member)))
    }

    /// One row as a grant, and what is wrong with its cells. Empty cells say nothing.
    pub fn grant(&self, cells: &[String]) -> (Value, Vec<Fault>) {
        let mut grant = Value::Object(Map::new());
        let mut faults = Vec::new();
        for (n, cell) in cells.iter().enumerate().filter(|(_, cell)| !cell.trim().is_empty()) {
            let Some(column) = self.0.get(n).filter(|column| !column.name.is_empty()) else {
                let detail = "the row has a cell under a column without a name".to_owned();
                faults.push(Fault { code: "row_length".into(), detail, ..Fault::default() });
                continue;
            };
            match column.value(cell) {
                Some(value) => *slot(&mut grant, &column.path) = value,
                None => {
                    let words = format!("{cell:.100} is not a number: write 1234.5 or 1,234.50");
                    let fault = Fault::at(pointer(&column.path), "number_invalid", words);
                    faults.push(Fault { column: Some(clip(&column.name, 100)), ..fault });
                }
            }
        }
        close_up(&mut grant);
        (grant, faults)
    }
}

impl Column {
    fn read(name: &str) -> Self {
        // Titles are joined by colons, names of members by slashes.
        let separator = if name.contains(':') { ':' } else { '/' };
        let parts: Vec<&str> = name.split(separator).map(str::trim).collect();
        let mut path = Vec::new();
        let holds = resolve(fields::GRANT, &parts, &mut path).unwrap_or_else(|| {
            path = vec![Step::Member(name.to_owned())];
            Holds::Text
        });
        Self { name: name.to_owned(), path, holds }
    }

    fn is(&self, member: &str) -> bool {
        matches!(self.path.as_slice(), [Step::Member(name)] if name == member)
    }

    fn value(&self, cell: &str) -> Option<Value> {
        Some(match self.holds {
            Holds::Number => Value::Number(number(cell.trim())?),
            Holds::Texts => cell.split(SEPARATOR).map(str::trim).filter(|text| !text.is_empty()).collect(),
            Holds::Text | Holds::One(_) | Holds::Many(_) => cell.into(),
        })
    }
}

/// Where a column belongs, and what it holds; a list without a number means its first item.
fn resolve(fields: &'static [Field], parts: &[&str], path: &mut Vec<Step>) -> Option<Holds> {
    let (first, mut rest) = parts.split_first()?;
    let field = fields::find(fields, first)?;
    path.push(Step::Member(field.name.to_owned()));
    let item = rest.first().and_then(|part| part.parse::<usize>().ok());
    if item.is_some_and(|item| item >= ITEMS) {
        return None;
    }
    if item.is_some() {
        rest = &rest[1..];
    }
    match field.holds {
        Holds::Texts if item.is_some() && rest.is_empty() => {
            path.extend(item.map(Step::Item));
            Some(Holds::Text)
        }
        holds if rest.is_empty() && item.is_none() => Some(holds),
        Holds::One(of) if item.unwrap_or(0) == 0 => resolve(of, rest, path),
        Holds::Many(of) => {
            path.push(Step::Item(item.unwrap_or(0)));
            resolve(of, rest, path)
        }
        _ => None,
    }
}

/// The place of a path in a grant; what leads there is made.
fn slot<'v>(grant: &'v mut Value, path: &[Step]) -> &'v mut Value {
    path.iter().fold(grant, |value, step| match step {
        Step::Member(name) => {
            if !value.is_object() {
                *value = Value::Object(Map::new());
            }
            &mut value[name.as_str()]
        }
        Step::Item(n) => {
            if !value.is_array() {
                *value = Value::Array(Vec::new());
            }
            if let Value::Array(items) = value
                && items.len() <= *n
            {
                items.resize(n + 1, Value::Null);
            }
            &mut value[n]
        }
    })
}

/// Takes out the items of lists that no cell said anything of.
fn close_up(value: &mut Value) {
    match value {
        Value::Array(items) => {
            items.retain(|item| !item.is_null());
            items.iter_mut().for_each(close_up);
        }
        Value::Object(members) => members.values_mut().for_each(close_up),
        _ => {}
    }
}

fn pointer(path: &[Step]) -> String {
    path.iter().fold(String::new(), |pointer, step| match step {
        Step::Member(name) => push(&pointer, name),
        Step::Item(n) => format!("{pointer}/{n}"),
    })
}

/// A number, digit by digit as it is written; commas may stand between thousands.
fn number(text: &str) -> Option<Number> {
    let (whole, fraction) = text.split_once('.').map_or((text, None), |(whole, fraction)| (whole, Some(fraction)));
    let mut groups = whole.strip_prefix('-').unwrap_or(whole).split(',');
    let first = groups.next()?;
    let mut others = groups.peekable();
    let is_grouped = others.peek().is_some();
    if is_grouped && (!(1..=3).contains(&first.len()) || others.any(|group| group.len() != 3)) {
        return None;
    }
    let whole = whole.replace(',', "");
    let plain = fraction.map_or(whole.clone(), |fraction| format!("{whole}.{fraction}"));
    serde_json::from_str(&plain).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn cells(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn columns_belong_where_the_template_says() {
        for (name, place) in [
            ("Identifier", "/id"),
            (" id ", "/id"),
            ("Last modified", "/dateModified"),
            ("From an open call?", "/fromOpenCall"),
            ("amountAwarded", "/amountAwarded"),
            ("Recipient Org:0:Name", "/recipientOrganization/0/name"),
            ("Recipient Org:Name", "/recipientOrganization/0/name"),
            ("RECIPIENT ORG : 2 : City", "/recipientOrganization/2/addressLocality"),
            ("recipientOrganization/0/name", "/recipientOrganization/0/name"),
            ("recipientOrganization/1/location/3/geoCode", "/recipientOrganization/1/location/3/geoCode"),
            ("Funding Org:0:Location:0:Country Code", "/fundingOrganization/0/location/0/countryCode"),
            ("Planned Dates:Start Date", "/plannedDates/0/startDate"),
            ("Planned Dates:Duration (months)", "/plannedDates/0/duration"),
            ("Beneficiary Location:0:Country Code", "/beneficiaryLocation/0/countryCode"),
            ("Grant Programme: Title", "/grantProgramme/0/title"),
            ("Related Document:1:Web Address", "/relatedDocument/1/url"),
            ("Commitment Transaction:0:Value", "/commitmentTransaction/0/value"),
            ("disbursementTransaction:1:Value Date", "/disbursementTransaction/1/valueDate"),
            ("Recipient Ind:Name", "/recipientIndividual/name"),
            ("Recipient Ind:0:Name", "/recipientIndividual/name"),
            ("To Individuals Details:Grant Purpose", "/toIndividualsDetails/grantPurpose"),
            ("relatedActivity/1", "/relatedActivity/1"),
            ("For Regrant Type", "/regrantType"),
            // What the standard does not have keeps its name.
            ("Open Call?", "/Open Call?"),
            ("Recipient Org:0:Shoe Size", "/Recipient Org:0:Shoe Size"),
            ("Recipient Org:1000:Name", "/Recipient Org:1000:Name"),
            ("Title:0", "/Title:0"),
            ("", "/"),
        ] {
            assert_eq!(pointer(&Column::read(name.trim()).path), place, "{name}");
        }
    }

    #[test]
    fn headers_of_360giving_are_told_apart() {
        assert!(Columns::is_threesixty(&cells(&["identifier", " amount awarded"])));
        assert!(Columns::is_threesixty(&cells(&["id", "title", "amountAwarded"])));
        assert!(!Columns::is_threesixty(&cells(&["identifier", "title_en", "budget_amount"])));
        assert!(!Columns::is_threesixty(&cells(&["Amount Awarded"])));
        assert!(!Columns::is_threesixty(&[]));
    }

    #[test]
    fn columns_that_contradict_each_other_are_refused() {
        let codes = |names: &[&str]| -> Vec<String> {
            Columns::read(&cells(names)).err().unwrap_or_default().into_iter().map(|fault| fault.code).collect()
        };
        assert_eq!(codes(&["Identifier", "Title", "", ""]), [] as [&str; 0]);
        assert_eq!(codes(&["Title"]), ["required"]);
        assert_eq!(codes(&["id", "Recipient Org:Name", "recipientOrganization/0/name"]), ["column_repeated"]);
        assert_eq!(codes(&["id", "Recipient Org"]), ["column_unknown"]);
        assert_eq!(codes(&["id", "Notes", "Notes"]), ["column_repeated"]);
    }

    #[test]
    fn cells_become_values() {
        let names = ["Identifier", "Amount Awarded", "Recipient Org:2:Name", "Related Activity", "Open/Closed", ""];
        let columns = Columns::read(&cells(&names)).unwrap();
        let (grant, faults) = columns.grant(&cells(&["A-1", "1,234,567.50", "X", "B; C;", "yes", ""]));
        assert_eq!(faults, []);
        let expected = json!({"id": "A-1", "recipientOrganization": [{"name": "X"}], "relatedActivity": ["B", "C"],
            "Open/Closed": "yes"});
        let mut members = grant.clone();
        members.as_object_mut().unwrap().shift_remove("amountAwarded");
        assert_eq!(members, expected);
        assert_eq!(grant["amountAwarded"].to_string(), "1234567.50");
        let (grant, faults) = columns.grant(&cells(&["", " ", "", "", "", "stray", "more"]));
        assert_eq!((grant, faults.len()), (json!({}), 2));
        let (_, faults) = columns.grant(&cells(&["A-1", "about 5"]));
        assert_eq!(
            (faults[0].pointer.as_deref(), faults[0].column.as_deref()),
            (Some("/amountAwarded"), Some(names[1]))
        );
    }

    #[test]
    fn numbers_lose_nothing() {
        for (written, read) in [
            ("5", "5"),
            ("-1,000.10", "-1000.10"),
            ("12345678901234567890.01", "12345678901234567890.01"),
            ("999,999", "999999"),
        ] {
            assert_eq!(number(written).map(|number| number.to_string()).as_deref(), Some(read));
        }
        for wrong in ["1,5", "1234,567", ",500", "1,,000", "£5", "5 000", "1.000,50", "1.5.2", "-", "nan"] {
            assert_eq!(number(wrong), None, "{wrong}");
        }
    }
}
