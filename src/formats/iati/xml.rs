//! XML as a tree: elements, their attributes in order, their children and text.

use std::borrow::Cow;

use quick_xml::escape::escape;

/// An element.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Element {
    name: Cow<'static, str>,
    attributes: Vec<(Cow<'static, str>, String)>,
    children: Vec<Node>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Node {
    Element(Element),
    Text(String),
}

impl Element {
    /// One without anything in it.
    pub fn new(name: &'static str) -> Self {
        Self { name: name.into(), attributes: Vec::new(), children: Vec::new() }
    }

    /// With this attribute.
    pub fn attribute(mut self, name: &'static str, value: impl ToString) -> Self {
        self.attributes.push((name.into(), value.to_string()));
        self
    }

    /// With this attribute, if there is a value.
    pub fn attribute_if(self, name: &'static str, value: Option<impl ToString>) -> Self {
        match value {
            Some(value) => self.attribute(name, value),
            None => self,
        }
    }

    /// With this text.
    pub fn text(mut self, text: impl Into<String>) -> Self {
        self.children.push(Node::Text(text.into()));
        self
    }

    /// With these children, one after another.
    pub fn with(mut self, children: impl IntoIterator<Item = Element>) -> Self {
        self.children.extend(children.into_iter().map(Node::Element));
        self
    }

    /// Writes it, from this column on.
    pub fn write(&self, column: usize, out: &mut Vec<u8>) {
        out.extend(std::iter::repeat_n(b' ', column));
        out.push(b'<');
        out.extend_from_slice(self.name.as_bytes());
        for (name, value) in &self.attributes {
            // Readers take line ends in attributes for spaces.
            let value = escaped(value).replace('\n', "&#10;").replace('\t', "&#9;");
            out.extend_from_slice(format!(" {name}=\"{value}\"").as_bytes());
        }
        if self.children.is_empty() {
            out.extend_from_slice(b"/>\n");
            return;
        }
        out.push(b'>');
        let lines = self.children.iter().all(|child| matches!(child, Node::Element(_)));
        if lines {
            out.push(b'\n');
        }
        for child in &self.children {
            match child {
                Node::Element(element) => element.write(column + 1, out),
                Node::Text(text) => out.extend_from_slice(escaped(text).as_bytes()),
            }
        }
        if lines {
            out.extend(std::iter::repeat_n(b' ', column));
        }
        out.extend_from_slice(format!("</{}>\n", self.name).as_bytes());
    }
}

/// Text as XML has it; readers take a carriage return for a line end, and no XML can have other
/// control characters.
fn escaped(text: &str) -> String {
    let is_known = |c: char| matches!(c, '\t' | '\n' | '\r' | ' '..) && !matches!(c, '\u{fffe}' | '\u{ffff}');
    let clean: String = text.chars().map(|c| if is_known(c) { c } else { '\u{fffd}' }).collect();
    escape(clean.as_str()).replace('\r', "&#13;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_in_texts_and_attributes_is_no_markup() {
        let mut out = Vec::new();
        Element::new("a")
            .attribute("b", "\"1\n<&\u{1}")
            .with([Element::new("c").text("x < y\r]]> & 🙂")])
            .write(0, &mut out);
        let written = String::from_utf8(out).unwrap();
        assert_eq!(written, "<a b=\"&quot;1&#10;&lt;&amp;\u{fffd}\">\n <c>x &lt; y&#13;]]&gt; &amp; 🙂</c>\n</a>\n");
    }
}
