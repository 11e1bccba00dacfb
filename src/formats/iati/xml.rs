//! XML as a tree: elements, their attributes in order, their children and text.

use std::borrow::Cow;
use std::collections::BTreeSet;

use quick_xml::escape::escape;

/// An element.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Element {
    name: Cow<'static, str>,
    attributes: Vec<(Cow<'static, str>, String)>,
    children: Vec<Node>,
    /// The line on which it began, from 1; 0 for one that was made here.
    line: i64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Node {
    Element(Element),
    Text(String),
}

impl Element {
    /// One without anything in it.
    pub fn new(name: &'static str) -> Self {
        Self { name: name.into(), attributes: Vec::new(), children: Vec::new(), line: 0 }
    }

    /// One that was read on this line.
    pub fn read(name: String, attributes: Vec<(String, String)>, line: i64) -> Self {
        let attributes = attributes.into_iter().map(|(name, value)| (name.into(), value)).collect();
        Self { name: name.into(), attributes, children: Vec::new(), line }
    }

    /// The same under another name.
    pub fn named(self, name: &'static str) -> Self {
        Self { name: name.into(), ..self }
    }

    /// Its name, with the prefix that it has.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The line on which it began.
    pub fn line(&self) -> i64 {
        self.line
    }

    /// Its attributes, in their order.
    pub fn attributes(&self) -> impl Iterator<Item = (&str, &str)> {
        self.attributes.iter().map(|(name, value)| (name.as_ref(), value.as_str()))
    }

    /// Whether it has an attribute, which may say nothing.
    pub fn has(&self, name: &str) -> bool {
        self.attributes().any(|(other, _)| other == name)
    }

    /// The value of an attribute, without the spaces around it; none of one that says nothing.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.attributes().find(|(other, _)| *other == name).map(|(_, value)| value.trim()).filter(|v| !v.is_empty())
    }

    /// The elements in it.
    pub fn children(&self) -> impl Iterator<Item = &Element> {
        self.children.iter().filter_map(|node| match node {
            Node::Element(element) => Some(element),
            Node::Text(_) => None,
        })
    }

    /// The elements of a name in it.
    pub fn all(&self, name: &str) -> impl Iterator<Item = &Element> {
        self.children().filter(move |child| child.name == name)
    }

    /// The first element of a name in it.
    pub fn first(&self, name: &str) -> Option<&Element> {
        self.children().find(|child| child.name == name)
    }

    /// The elements in it, and in these, in their order.
    pub fn descendants(&self) -> Vec<&Element> {
        self.children().flat_map(|child| std::iter::once(child).chain(child.descendants())).collect()
    }

    /// The text that stands right in it, without the spaces around it.
    pub fn words(&self) -> String {
        let texts = self.children.iter().filter_map(|node| match node {
            Node::Text(text) => Some(text.as_str()),
            Node::Element(_) => None,
        });
        texts.collect::<String>().trim().to_owned()
    }

    /// The elements in it, to be changed.
    pub fn children_mut(&mut self) -> impl Iterator<Item = &mut Element> {
        self.children.iter_mut().filter_map(|node| match node {
            Node::Element(element) => Some(element),
            Node::Text(_) => None,
        })
    }

    /// The elements in it, and nothing else of it.
    pub fn into_children(self) -> Vec<Element> {
        let elements = self.children.into_iter().filter_map(|node| match node {
            Node::Element(element) => Some(element),
            Node::Text(_) => None,
        });
        elements.collect()
    }

    /// Its name and attributes, without anything in it.
    pub fn bare(&self) -> Self {
        Self { children: Vec::new(), name: self.name.clone(), attributes: self.attributes.clone(), line: self.line }
    }

    /// The element without its attributes.
    pub fn unattributed(self) -> Self {
        Self { attributes: Vec::new(), ..self }
    }

    /// The element without what the register itself says in it, but for which of its attributes were not
    /// its own ([`super::context`]).
    pub fn plain(&self) -> Self {
        let mut plain = self.clone();
        plain.attributes.retain(|(name, _)| !name.starts_with("register:") || name == super::context::MARK);
        let children = std::mem::take(&mut plain.children);
        plain.children = children
            .into_iter()
            .map(|node| match node {
                Node::Element(element) => Node::Element(element.plain()),
                text => text,
            })
            .collect();
        plain
    }

    /// The text that stands right in it, with the spaces around it.
    pub fn raw(&self) -> Cow<'_, str> {
        let mut texts = self.children.iter().filter_map(|node| match node {
            Node::Text(text) => Some(text.as_str()),
            Node::Element(_) => None,
        });
        let first = texts.next().unwrap_or_default();
        texts.fold(Cow::Borrowed(first), |all, more| all + more)
    }

    /// Puts an element at its end.
    pub fn push(&mut self, child: Element) {
        self.children.push(Node::Element(child));
    }

    /// Puts text at its end; spaces between elements say nothing.
    pub fn push_text(&mut self, text: &str) {
        match self.children.last_mut() {
            Some(Node::Text(before)) => before.push_str(text),
            _ if text.trim().is_empty() => {}
            _ => self.children.push(Node::Text(text.to_owned())),
        }
    }

    /// Sets an attribute, or takes it away.
    pub fn set(&mut self, name: &str, value: Option<&str>) {
        self.attributes.retain(|(other, _)| other != name);
        self.attributes.extend(value.map(|value| (name.to_owned().into(), value.to_owned())));
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

    /// The element with each prefix declared in the child that it stands in, as it was in `scope`; of
    /// prefixes that nobody declared, and of the register's unless they are `ours`, nothing is left.
    pub fn rescoped(mut self, scope: &[(&str, &str)], ours: bool) -> Self {
        self.retain(scope, ours);
        self.declare(scope);
        let Self { children, .. } = &mut self;
        for child in children {
            let Node::Element(child) = child else { continue };
            let mut prefixes = BTreeSet::new();
            child.prefixes(&mut prefixes);
            let used: Vec<(&str, &str)> =
                scope.iter().copied().filter(|(prefix, _)| prefixes.contains(*prefix)).collect();
            for (prefix, name) in used {
                child.attributes.push((format!("xmlns:{prefix}").into(), name.to_owned()));
            }
        }
        self
    }

    /// Keeps the elements and attributes whose prefix is in scope, or declared where they stand.
    fn retain(&mut self, scope: &[(&str, &str)], ours: bool) {
        let declared: Vec<(String, String)> = self.declared();
        let mut inner = scope.to_vec();
        inner.extend(declared.iter().map(|(prefix, name)| (prefix.as_str(), name.as_str())));
        let known = |name: &str| match name.split_once(':') {
            None | Some(("xml" | "xmlns", _)) => true,
            Some(("register", _)) => ours,
            Some((prefix, _)) => inner.iter().any(|(other, _)| *other == prefix),
        };
        self.attributes.retain(|(name, _)| known(name));
        self.children.retain_mut(|node| match node {
            Node::Element(child) => {
                let own = child.declared();
                let prefix = child.name.split_once(':').map(|(prefix, _)| prefix);
                let is_known = known(&child.name) || own.iter().any(|(other, _)| Some(other.as_str()) == prefix);
                child.retain(&inner, ours);
                is_known
            }
            Node::Text(_) => true,
        });
    }

    /// The prefixes that it declares, with their names.
    pub fn declared(&self) -> Vec<(String, String)> {
        let declared = |(name, value): (&str, &str)| Some((name.strip_prefix("xmlns:")?.to_owned(), value.to_owned()));
        self.attributes().filter_map(declared).collect()
    }

    /// Declares the prefixes of its own attributes, and nothing else.
    fn declare(&mut self, scope: &[(&str, &str)]) {
        self.attributes.retain(|(name, _)| !name.starts_with("xmlns"));
        let own = self.attributes.iter().filter_map(|(name, _)| name.split_once(':')).map(|(prefix, _)| prefix);
        let used: BTreeSet<String> =
            own.filter(|prefix| !matches!(*prefix, "xml" | "register")).map(str::to_owned).collect();
        for (prefix, name) in scope.iter().filter(|(prefix, _)| used.contains(*prefix)) {
            self.attributes.push((format!("xmlns:{prefix}").into(), (*name).to_owned()));
        }
    }

    /// The prefixes in it that are not declared in it.
    fn prefixes(&self, found: &mut BTreeSet<String>) {
        let own = |prefix: &str| self.attributes.iter().any(|(name, _)| name.strip_prefix("xmlns:") == Some(prefix));
        let mut inner = BTreeSet::new();
        let names = self.attributes.iter().map(|(name, _)| name.as_ref()).chain([self.name.as_ref()]);
        inner.extend(names.filter_map(|name| name.split_once(':')).map(|(prefix, _)| prefix.to_owned()));
        self.children().for_each(|child| child.prefixes(&mut inner));
        found.extend(
            inner.into_iter().filter(|prefix| !matches!(prefix.as_str(), "xml" | "xmlns" | "register") && !own(prefix)),
        );
    }

    /// Writes it, from this column on.
    pub fn write(&self, column: usize, out: &mut Vec<u8>) {
        out.extend(std::iter::repeat_n(b' ', column));
        self.put(Some(column), out);
        out.push(b'\n');
    }

    /// Writes it on lines of their own from a column on; or where it stands, among text, of which spaces are a part.
    fn put(&self, column: Option<usize>, out: &mut Vec<u8>) {
        out.push(b'<');
        out.extend_from_slice(self.name.as_bytes());
        for (name, value) in &self.attributes {
            // Readers take line ends in attributes for spaces.
            let value = escaped(value).replace('\n', "&#10;").replace('\t', "&#9;");
            out.extend_from_slice(format!(" {name}=\"{value}\"").as_bytes());
        }
        if self.children.is_empty() {
            out.extend_from_slice(b"/>");
            return;
        }
        out.push(b'>');
        let column = column.filter(|_| self.children.iter().all(|child| matches!(child, Node::Element(_))));
        if column.is_some() {
            out.push(b'\n');
        }
        for child in &self.children {
            match (child, column) {
                (Node::Element(element), Some(column)) => element.write(column + 1, out),
                (Node::Element(element), None) => element.put(None, out),
                (Node::Text(text), _) => out.extend_from_slice(escaped(text).as_bytes()),
            }
        }
        out.extend(std::iter::repeat_n(b' ', column.unwrap_or_default()));
        out.extend_from_slice(format!("</{}>", self.name).as_bytes());
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
