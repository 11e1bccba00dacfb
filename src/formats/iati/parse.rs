//! Reading XML as it comes: one activity or organisation after another, in memory that does not grow
//! with the file. There are no document types and no entities but those of XML itself.

use std::borrow::Cow;
use std::cell::Cell;
use std::collections::BTreeSet;
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::rc::Rc;

use quick_xml::XmlVersion;
use quick_xml::errors::SyntaxError;
use quick_xml::events::{BytesStart, Event};
use quick_xml::reader::Reader;

use super::NAMESPACE;
use super::xml::Element;
use crate::error::Fault;

/// Bytes of one activity or organisation, with all that is in it.
const LARGEST: usize = 16 * 1024 * 1024;
/// Elements in one another; IATI has seven.
const DEPTH: usize = 20;
/// Attributes of an element; IATI has eight.
const ATTRIBUTES: usize = 64;
/// The first bytes, in which the declaration stands.
const HEAD: u64 = 1024;

/// What is in a file of IATI.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// Activities.
    Activities,
    /// Organisations.
    Organisations,
}

/// A file that is being read.
pub struct Parser {
    reader: Reader<Counted>,
    watch: Rc<Watch>,
    buffer: Vec<u8>,
    /// What it holds.
    pub content: Content,
    /// The version of IATI that it names.
    pub version: String,
    /// Prefixes that its root declares, with their names.
    scope: Vec<(String, String)>,
    ended: bool,
}

impl Parser {
    /// Reads to the root, or says why this is no IATI.
    pub fn begin(input: impl Read + 'static) -> Result<Self, Fault> {
        let watch = Rc::new(Watch::default());
        let input = decoded(Box::new(input)).map_err(|words| fault(1, "encoding_invalid", words))?;
        let mut reader = Reader::from_reader(Counted { input, watch: Rc::clone(&watch) });
        reader.config_mut().expand_empty_elements = true;
        let mut parser = Self {
            reader,
            watch,
            buffer: Vec::new(),
            content: Content::Activities,
            version: String::new(),
            scope: Vec::new(),
            ended: false,
        };
        let root = loop {
            match parser.event(0)? {
                Found::Start(root) => break root,
                Found::Text(text) if text.trim().is_empty() => {}
                _ => return Err(fault(parser.line(), "xml_malformed", "this is no XML document: it has no root")),
            }
        };
        parser.content = match root.name() {
            "iati-activities" => Content::Activities,
            "iati-organisations" => Content::Organisations,
            name => {
                let words = format!("the root is <{name:.100}>, not <iati-activities> or <iati-organisations>");
                return Err(fault(root.line(), "xml_unknown", words));
            }
        };
        parser.version = root.get("version").unwrap_or_default().to_owned();
        parser.scope = root.declared();
        Ok(parser)
    }

    /// The next activity or organisation; nothing at the end.
    pub fn next_element(&mut self) -> Result<Option<Element>, Fault> {
        if self.ended {
            return Ok(None);
        }
        let wanted = match self.content {
            Content::Activities => "iati-activity",
            Content::Organisations => "iati-organisation",
        };
        loop {
            self.watch.read.set(0);
            match self.event(1)? {
                Found::Start(element) => {
                    let element = self.whole(element)?;
                    if element.name() == wanted {
                        return Ok(Some(self.with_scope(element)));
                    }
                }
                Found::Text(_) => {}
                Found::End => break,
            }
        }
        self.ended = true;
        // Nothing but comments may come after the root.
        loop {
            match self.event(0)? {
                Found::End => return Ok(None),
                Found::Text(text) if text.trim().is_empty() => {}
                _ => {
                    let words = "more follows after the root's end: a file is one document, and this is none of it";
                    return Err(fault(self.line(), "xml_malformed", words));
                }
            }
        }
    }

    /// Reads on to the end of an element.
    fn whole(&mut self, element: Element) -> Result<Element, Fault> {
        let mut open = vec![element];
        loop {
            let found = self.event(open.len() + 1)?;
            let Some(last) = open.last_mut() else { continue };
            match found {
                Found::Start(element) => open.push(element),
                Found::Text(text) => last.push_text(&text),
                Found::End => {
                    let Some(done) = open.pop() else { continue };
                    match open.last_mut() {
                        Some(parent) => parent.push(done),
                        None => return Ok(done),
                    }
                }
            }
        }
    }

    fn line(&self) -> i64 {
        self.watch.line.get() + 1
    }

    fn event(&mut self, depth: usize) -> Result<Found, Fault> {
        let line = || self.watch.line.get() + 1;
        loop {
            self.buffer.clear();
            let malformed = |words: String| fault(line(), "xml_malformed", words);
            let event = self.reader.read_event_into(&mut self.buffer).map_err(|error| match &error {
                quick_xml::Error::Io(cause) if cause.kind() == io::ErrorKind::FileTooLarge => {
                    let words = format!("an activity or organisation has at most {LARGEST} bytes");
                    fault(line(), "record_too_large", words)
                }
                quick_xml::Error::Io(_) => fault(line(), "body_broken", format!("the body cannot be read: {error}")),
                quick_xml::Error::Encoding(_) => {
                    fault(line(), "encoding_invalid", "this is not UTF-8, which it says or means that it is")
                }
                quick_xml::Error::Syntax(cause) if *cause != SyntaxError::InvalidBangMarkup => {
                    fault(line(), "xml_truncated", format!("the file ends in the middle of something: {cause}"))
                }
                _ => malformed(format!("this is no well-formed XML: {error}")),
            })?;
            return match event {
                Event::Start(_) if depth > DEPTH => {
                    Err(fault(line(), "xml_too_deep", format!("more than {DEPTH} elements in one another")))
                }
                Event::Start(start) => element(&start, line()).map(Found::Start).map_err(malformed),
                Event::End(_) => Ok(Found::End),
                Event::Text(text) => clean(&text.xml10_content()).map(Found::Text).map_err(malformed),
                Event::CData(text) => clean(&text.xml10_content()).map(Found::Text).map_err(malformed),
                Event::GeneralRef(reference) => {
                    let known = match &*reference {
                        "lt" => Some('<'),
                        "gt" => Some('>'),
                        "amp" => Some('&'),
                        "quot" => Some('"'),
                        "apos" => Some('\''),
                        _ => reference.resolve_char_ref().map_err(|error| malformed(error.to_string()))?,
                    };
                    let words = || malformed(format!("there is no entity &{:.50};", &*reference));
                    clean(&known.ok_or_else(words)?.to_string()).map(Found::Text).map_err(malformed)
                }
                Event::DocType(_) => {
                    Err(fault(line(), "doctype_refused", "a document type is not read; leave <!DOCTYPE …> out"))
                }
                Event::Eof if depth > 0 => {
                    Err(fault(line(), "xml_truncated", "the file ends before its last element does"))
                }
                Event::Eof => Ok(Found::End),
                Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::Empty(_) => continue,
            };
        }
    }

    /// The element with what it needs of the root: the prefixes in it are declared where they stand.
    fn with_scope(&self, element: Element) -> Element {
        let ours = self.scope.iter().any(|(prefix, name)| prefix == "register" && name == NAMESPACE);
        let mut scope: Vec<(&str, &str)> = self.scope.iter().map(|(p, n)| (p.as_str(), n.as_str())).collect();
        let own = element.declared();
        scope.extend(own.iter().map(|(p, n)| (p.as_str(), n.as_str())));
        element.rescoped(&scope, ours)
    }
}

enum Found {
    Start(Element),
    Text(String),
    End,
}

fn element(start: &BytesStart<'_>, line: i64) -> Result<Element, String> {
    let mut attributes = Vec::new();
    let mut seen = BTreeSet::new();
    // Twice the same is looked for here, as looking pair by pair takes for ever where there are many.
    for attribute in start.attributes().with_checks(false) {
        let attribute = attribute.map_err(|error| format!("this is no well-formed XML: {error}"))?;
        if attributes.len() == ATTRIBUTES {
            return Err(format!("an element has at most {ATTRIBUTES} attributes"));
        }
        let name = named(attribute.key.0)?;
        if !seen.insert(name.clone()) {
            return Err(format!("the attribute {name:.100} stands twice"));
        }
        let value = attribute.normalized_value(XmlVersion::Implicit1_0).map_err(|error| error.to_string())?;
        attributes.push((name, clean(&value)?));
    }
    Ok(Element::read(named(start.name().0)?, attributes, line))
}

/// A name, if XML has such: what is none could not be written again.
fn named(name: &str) -> Result<String, String> {
    let is_first = |c: char| {
        matches!(c, 'A'..='Z' | '_' | 'a'..='z' | '\u{c0}'..='\u{2ff}' | '\u{370}'..='\u{1fff}' | '\u{200c}' | '\u{200d}'
            | '\u{2070}'..='\u{218f}' | '\u{2c00}'..='\u{2fef}' | '\u{3001}'..='\u{d7ff}' | '\u{f900}'..='\u{fdcf}'
            | '\u{fdf0}'..='\u{fffd}' | '\u{10000}'..='\u{effff}')
            && !matches!(c, '\u{d7}' | '\u{f7}' | '\u{37e}')
    };
    let is_later = |c: char| {
        is_first(c) || matches!(c, '-' | '.' | '0'..='9' | '\u{b7}' | '\u{300}'..='\u{36f}' | '\u{203f}' | '\u{2040}')
    };
    let is_part = |part: &str| part.starts_with(is_first) && part.chars().all(is_later);
    let (prefix, local) = name.split_once(':').unwrap_or(("_", name));
    if is_part(prefix) && is_part(local) { Ok(name.to_owned()) } else { Err(format!("{name:.100} is no name")) }
}

/// Text, if XML has all of its characters.
fn clean(text: &str) -> Result<String, String> {
    let is_none = |byte: &u8| *byte < b' ' && !matches!(byte, b'\t' | b'\n' | b'\r');
    match text.as_bytes().iter().any(is_none) || text.contains(['\u{fffe}', '\u{ffff}']) {
        true => Err("this is no well-formed XML: there is a character that it does not have".to_owned()),
        false => Ok(text.to_owned()),
    }
}

fn fault(line: i64, code: &str, words: impl Into<String>) -> Fault {
    Fault { row: Some(line), code: code.into(), detail: words.into(), ..Fault::default() }
}

/// The input in UTF-8, from the encoding that its first bytes or its declaration name.
fn decoded(mut input: Box<dyn Read>) -> Result<Box<dyn BufRead>, String> {
    let mut head = Vec::new();
    input.by_ref().take(HEAD).read_to_end(&mut head).map_err(|error| format!("the body cannot be read: {error}"))?;
    let named = declared(&head).map(Cow::into_owned);
    let input = Cursor::new(head).chain(input);
    let encoding = match &named {
        Some(name) => {
            let found = encoding_rs::Encoding::for_label(name.as_bytes());
            Some(found.ok_or_else(|| format!("there is no encoding {name:.50}; send UTF-8"))?)
        }
        None => None,
    };
    if named.is_none() || encoding == Some(encoding_rs::UTF_8) {
        return Ok(Box::new(BufReader::with_capacity(64 * 1024, input)));
    }
    let decoder = encoding_rs_io::DecodeReaderBytesBuilder::new().encoding(encoding).build(input);
    Ok(Box::new(BufReader::with_capacity(64 * 1024, decoder)))
}

/// The encoding that the first bytes name, by their order or in the declaration.
fn declared(head: &[u8]) -> Option<Cow<'_, str>> {
    match head {
        [0xff, 0xfe, ..] => return Some("utf-16le".into()),
        [0xfe, 0xff, ..] => return Some("utf-16be".into()),
        _ => {}
    }
    let end = head.iter().position(|byte| *byte == b'>')?;
    let declaration = String::from_utf8_lossy(&head[..end]).into_owned();
    let (_, after) =
        declaration.strip_prefix('\u{feff}').unwrap_or(&declaration).strip_prefix("<?xml")?.split_once("encoding")?;
    let value = after.trim_start().strip_prefix('=')?.trim_start();
    let quote = value.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
    Some(Cow::Owned(value[1..].split(quote).next()?.to_ascii_lowercase()))
}

/// Where the reader is.
#[derive(Default)]
struct Watch {
    /// Ends of lines before it.
    line: Cell<i64>,
    /// Bytes since the last activity or organisation.
    read: Cell<usize>,
}

/// Input that counts its lines, and is not read further than one activity may be long.
struct Counted {
    input: Box<dyn BufRead>,
    watch: Rc<Watch>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.fill_buf()?.read(buffer)?;
        self.consume(length);
        Ok(length)
    }
}

impl BufRead for Counted {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.watch.read.get() > LARGEST {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.input.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        if let Ok(buffer) = self.input.fill_buf() {
            let lines = buffer[..amount.min(buffer.len())].iter().filter(|byte| **byte == b'\n').count();
            self.watch.line.set(self.watch.line.get() + lines as i64);
        }
        self.watch.read.set(self.watch.read.get() + amount);
        self.input.consume(amount);
    }
}

#[cfg(test)]
mod tests;
