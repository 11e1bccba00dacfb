//! What an activity says for all that is in it: the currency of its amounts and the language of its texts.
//! Elements that are kept apart from it say that themselves, so that they mean the same in whichever activity they are
//! said again; marked, so that they can be said as they came where it says so too.

use super::xml::Element;

/// Says which attribute an element did not have.
pub const MARK: &str = "register:default";
/// Elements with an amount, and the attribute that they take from the activity.
const AMOUNTS: [&str; 3] = ["value", "forecast", "loan-status"];
const CURRENCY: &str = "currency";
/// Texts, and theirs.
const TEXT: &str = "narrative";
/// The attribute that says which language a text is in.
pub const LANGUAGE: &str = "xml:lang";
/// The language of texts that say none, nor does their activity.
pub const ASSUMED: &str = "en";
/// Says of an activity that its language is assumed: in what was read it had none.
pub const ASSUMES: &str = "register:assumed";

/// What an activity says for all that is in it.
#[derive(Debug, Clone, Default)]
pub struct Context {
    currency: Option<String>,
    language: Option<String>,
}

impl Context {
    /// Of an activity or organisation.
    pub fn of(activity: &Element) -> Self {
        Self {
            currency: activity.get("default-currency").map(str::to_owned),
            language: activity.get(LANGUAGE).filter(|_| !activity.has(ASSUMES)).map(str::to_owned),
        }
    }

    fn of_element(&self, name: &str) -> Option<(&'static str, &str)> {
        match name {
            TEXT => Some((LANGUAGE, self.language.as_deref()?)),
            name if AMOUNTS.contains(&name) => Some((CURRENCY, self.currency.as_deref()?)),
            _ => None,
        }
    }

    /// Says it in an element, and in those in it.
    pub fn state(&self, element: &mut Element) {
        let stated = self.of_element(element.name()).filter(|(attribute, _)| element.get(attribute).is_none());
        if let Some((attribute, value)) = stated {
            element.set(attribute, Some(value));
            element.set(MARK, Some(attribute));
        }
        element.children_mut().for_each(|child| self.state(child));
    }

    /// Leaves out of an element, and of those in it, what they did not say and this says.
    pub fn leave(&self, element: &mut Element) {
        if let Some(marked) = element.get(MARK).map(str::to_owned) {
            let said = self.of_element(element.name());
            if said.is_some_and(|(attribute, value)| marked == attribute && element.get(attribute) == Some(value)) {
                element.set(&marked, None);
                element.set(MARK, None);
            }
        }
        element.children_mut().for_each(|child| self.leave(child));
    }
}
