//! Records as they were sent, on their way from a reader's thread to the checks.

use std::sync::Arc;

use tokio::sync::mpsc::Sender;

use super::table::Header;
use crate::error::Fault;
use crate::kind::Kind;
use crate::store::batch::Stance;

/// Records are handed on in groups of so many, or of so many bytes.
const GROUP: (usize, usize) = (500, 256 * 1024);

/// One record as it was sent.
#[derive(Default)]
pub struct Raw {
    /// Its line, row or number, from 1.
    pub line: i64,
    /// Its JSON Pointer, in a body that is one document.
    pub place: String,
    /// Its collection, where that is known without looking.
    pub kind: Option<&'static Kind>,
    /// It, as JSON.
    pub json: Vec<u8>,
    /// The table that it was a row of.
    pub table: Option<Arc<Header>>,
    /// How it stands to what the register has.
    pub stance: Stance,
    /// What is wrong with it already.
    pub faults: Vec<Fault>,
    /// What was left out of it, or is odd, without being wrong.
    pub notes: Vec<Fault>,
    /// Whether nothing after it can be read.
    pub is_end: bool,
    /// What of another standard is kept with it without a member of its own, by name.
    pub kept: Vec<String>,
}

/// Where records go.
pub struct Sink {
    sender: Sender<Vec<Raw>>,
    group: Vec<Raw>,
    bytes: usize,
}

/// Nobody wants more.
pub struct Closed;

impl Sink {
    /// Hands records to a receiver.
    pub fn new(sender: Sender<Vec<Raw>>) -> Self {
        Self { sender, group: Vec::new(), bytes: 0 }
    }

    /// Hands one on.
    pub fn push(&mut self, raw: Raw) -> Result<(), Closed> {
        self.bytes += raw.json.len();
        self.group.push(raw);
        if self.group.len() < GROUP.0 && self.bytes < GROUP.1 {
            return Ok(());
        }
        self.flush()
    }

    /// Hands on what waits.
    pub fn flush(&mut self) -> Result<(), Closed> {
        self.bytes = 0;
        let group = std::mem::take(&mut self.group);
        if group.is_empty() { Ok(()) } else { self.sender.blocking_send(group).map_err(|_| Closed) }
    }

    /// Hands on a fault of a line, or of the whole.
    pub fn fault(&mut self, line: i64, fault: Fault) -> Result<(), Closed> {
        self.push(Raw { line, faults: vec![fault], ..Raw::default() })
    }

    /// Hands on why the rest cannot be read.
    pub fn end(&mut self, line: i64, fault: Fault) -> Result<(), Closed> {
        self.push(Raw { line, faults: vec![fault], is_end: true, ..Raw::default() })
    }

    /// Says of a file that is whole that nothing stands in it, which may well be meant.
    pub fn nothing(&mut self, what: &str) -> Result<(), Closed> {
        let detail = format!("the file has no {what}");
        self.note(Fault { code: "body_empty".into(), detail, ..Fault::default() })
    }

    /// Hands on what is no fault.
    pub fn note(&mut self, note: Fault) -> Result<(), Closed> {
        self.push(Raw { notes: vec![note], ..Raw::default() })
    }
}

/// The body could not be read to its end.
pub fn broken(error: &std::io::Error) -> Fault {
    Fault { detail: format!("the body cannot be read: {error}"), code: "body_broken".into(), ..Fault::default() }
}
