//! Rows of a table, whichever file they stand in and whatever they become.

use std::sync::Arc;

use super::sink::{Closed, Raw, Sink};
use super::table::Header;
use crate::error::Fault;
use crate::kind::Kind;

/// What takes the rows of a table; the first is the header.
pub trait Rows {
    /// How many columns there are, once a header was read that is good.
    fn width(&self) -> Option<usize>;
    /// The name of a column.
    fn name(&self, n: usize) -> Option<&str>;
    /// The identifier in a row, for whatever is wrong with the row.
    fn identifier(&self, cells: &[String]) -> Option<String>;
    /// How many sheets of a workbook are read, of those that there are.
    fn sheets(&mut self, _there: usize) -> usize {
        1
    }
    /// What comes next are the rows of this sheet.
    fn sheet(&mut self, _name: &str) {}
    /// Takes a row.
    fn row(&mut self, line: i64, cells: &[String]) -> Result<(), Closed>;
    /// Takes what is wrong with a row.
    fn fault(&mut self, line: i64, fault: Fault) -> Result<(), Closed>;
    /// Takes why the rest cannot be read.
    fn end(&mut self, line: i64, fault: Fault) -> Result<(), Closed>;
}

/// Rows as records of one collection, with the columns of its export.
pub struct Table<'s> {
    kind: &'static Kind,
    header: Option<Arc<Header>>,
    sink: &'s mut Sink,
}

impl<'s> Table<'s> {
    /// A table without a header as yet.
    pub fn new(kind: &'static Kind, sink: &'s mut Sink) -> Self {
        Self { kind, header: None, sink }
    }
}

impl Rows for Table<'_> {
    fn width(&self) -> Option<usize> {
        self.header.as_ref().map(|header| header.width())
    }

    fn name(&self, n: usize) -> Option<&str> {
        self.header.as_ref()?.name(n)
    }

    fn identifier(&self, cells: &[String]) -> Option<String> {
        self.header.as_ref()?.identifier(cells)
    }

    fn row(&mut self, line: i64, cells: &[String]) -> Result<(), Closed> {
        let raw = |json: Vec<u8>, table: Option<Arc<Header>>, faults: Vec<Fault>| Raw {
            line,
            kind: Some(self.kind),
            json,
            table,
            faults,
            ..Raw::default()
        };
        let Some(table) = &self.header else {
            match Header::read(self.kind, cells) {
                Ok(read) => self.header = Some(Arc::new(read)),
                Err(faults) => self.sink.push(raw(Vec::new(), None, faults))?,
            }
            return Ok(());
        };
        if let Some(fault) = misfit(self, cells) {
            return self.sink.fault(line, fault);
        }
        let (record, faults) = table.record(cells);
        let raw = raw(record.to_string().into_bytes(), Some(Arc::clone(table)), faults);
        self.sink.push(raw)
    }

    fn fault(&mut self, line: i64, fault: Fault) -> Result<(), Closed> {
        self.sink.fault(line, fault)
    }

    fn end(&mut self, line: i64, fault: Fault) -> Result<(), Closed> {
        self.sink.end(line, fault)
    }
}

/// What is wrong with a row that does not stand under its header.
pub fn misfit(table: &impl Rows, cells: &[String]) -> Option<Fault> {
    let width = table.width()?;
    let unnamed = |(n, cell): (usize, &String)| !cell.is_empty() && table.name(n).is_none_or(str::is_empty);
    let detail = if cells.len() != width {
        format!("the row has {} cells, the header {width}: is a quote missing?", cells.len())
    } else if cells.iter().enumerate().any(unnamed) {
        "the row has a cell under a column without a name".to_owned()
    } else {
        return None;
    };
    Some(Fault { code: "row_length".into(), detail, identifier: table.identifier(cells), ..Fault::default() })
}
