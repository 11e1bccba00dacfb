//! Input is held against the schema that the OpenAPI document publishes: what
//! is documented is what is enforced, and every fault is found at once.

use std::collections::{BTreeSet, HashSet};

use jsonschema::error::{TypeKind, ValidationErrorKind as Kind};
use jsonschema::{ValidationError, Validator};
use serde_json::{Value, json};

use crate::error::{FAULTS, Fault, SHORT, clip};
use crate::hint::nearest;
use crate::record::{Identifier, PartialDate, VISIBLE, is_visible};
use crate::{codes, json};

/// The compiled schema of one kind of record.
pub struct Shape {
    validator: Validator,
    document: Value,
}

impl Shape {
    /// Compiles a schema by its name among the components of an OpenAPI 3.1 document.
    ///
    /// # Panics
    /// When the program's own schema is broken; a test compiles each.
    pub fn of(components: &Value, name: &str) -> Self {
        let document = json!({"$ref": format!("#/components/schemas/{name}"), "components": components});
        let validator = jsonschema::options()
            .with_draft(jsonschema::Draft::Draft202012)
            .should_validate_formats(true)
            .with_format(VISIBLE, is_visible)
            .with_format("identifier", Identifier::is_valid)
            .with_format("partial-date", PartialDate::is_valid)
            .with_format("currency", codes::is_currency)
            .with_format("bcp-47", codes::is_language)
            .with_format("spdx", codes::is_licence)
            .with_format("uri", codes::is_web_address)
            .build(&document)
            .unwrap_or_else(|error| panic!("schema {name}: {error}"));
        Self { validator, document }
    }

    /// Every fault of a document's shape.
    pub fn faults(&self, value: &Value) -> Vec<Fault> {
        if self.validator.is_valid(value) {
            return Vec::new();
        }
        let mut faults: Vec<Fault> = Vec::new();
        for error in self.validator.iter_errors(value) {
            self.translate(&error, "", &mut faults);
            if faults.len() >= FAULTS {
                faults.truncate(FAULTS);
                break;
            }
        }
        // What a format says in words its pattern need not say again.
        let told: HashSet<Option<String>> =
            faults.iter().filter(|fault| fault.code.ends_with("_invalid")).map(|fault| fault.pointer.clone()).collect();
        faults.retain(|fault| fault.code != "pattern" || !told.contains(&fault.pointer));
        faults
    }

    /// One error of the validator as faults of ours.
    fn translate(&self, error: &ValidationError<'_>, base: &str, faults: &mut Vec<Fault>) {
        let pointer = format!("{base}{}", error.instance_path().as_str());
        match error.kind() {
            Kind::AdditionalProperties { unexpected } => {
                let known = self.known_keys(error);
                faults.extend(unexpected.iter().take(FAULTS).map(|key| {
                    let words = format!("{key:?} is not known here{}", nearest(key, &known));
                    Fault::at(json::push(&pointer, key), "unknown_field", words)
                }));
            }
            Kind::Required { property } => {
                let key = property.as_str().unwrap_or_default();
                faults.push(Fault::at(json::push(&pointer, key), "required", format!("{key:?} is missing")));
            }
            // An optional member is "null or this": what counts is what is wrong with this.
            Kind::OneOfNotValid { context } | Kind::AnyOf { context } => {
                let branch = context.iter().find(|branch| {
                    !branch.iter().any(|error| matches!(error.kind(), Kind::Type { kind: TypeKind::Single(kind) } if kind.to_string() == "null"))
                });
                for nested in branch.into_iter().flatten() {
                    self.translate(nested, base, faults);
                }
            }
            Kind::Enum { options } => {
                let known: Vec<&str> = options.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
                let given = error.instance().as_str().unwrap_or_default();
                let words = format!("{} is no code for this{}", short(error.instance()), nearest(given, &known));
                faults.push(Fault::at(pointer, "code_unknown", words));
            }
            Kind::PropertyNames { error: name } => {
                let key = name.instance().as_str().unwrap_or_default();
                let words = format!("{key:?} is no BCP 47 language tag such as en, sr or sr-Cyrl");
                faults.push(Fault::at(json::push(&pointer, key), "language_unknown", words));
            }
            Kind::Format { format } if format == VISIBLE => {
                faults.push(Fault::at(pointer, "pattern", "the text is empty"));
            }
            Kind::Format { format } => {
                let what = match format.as_str() {
                    "identifier" => "an identifier: 1 to 200 visible characters without spaces and commas",
                    "partial-date" => "a date of the calendar: 2011, 2011-03 or 2011-03-01",
                    "currency" => "an ISO 4217 currency such as EUR or RSD",
                    "spdx" => "an SPDX licence such as CC-BY-4.0",
                    "uri" => "an http or https address",
                    other => other,
                };
                let words = format!("{} is not {what}", short(error.instance()));
                faults.push(Fault::at(pointer, &format!("{}_invalid", format.replace('-', "_")), words));
            }
            Kind::Pattern { .. } if error.instance().as_str().is_some_and(|text| !is_visible(text)) => {
                faults.push(Fault::at(pointer, "pattern", "the text is empty"));
            }
            Kind::MinProperties { .. } => faults.push(Fault::at(pointer, "minProperties", "it is empty")),
            kind => faults.push(Fault::at(pointer, kind.keyword(), clip(&error.to_string(), SHORT))),
        }
    }

    /// The keys that an object may have, from the schema that refused one.
    fn known_keys(&self, error: &ValidationError<'_>) -> Vec<&str> {
        let place = error.evaluation_path().as_str();
        let place = place.rsplit_once("/$ref").map_or(place, |(_, rest)| rest);
        let parent = place.rsplit_once('/').map_or("", |(parent, _)| parent);
        let absolute = error.schema_path().as_str();
        let absolute = absolute.rsplit_once('/').map_or("", |(parent, _)| parent);
        [absolute, parent]
            .iter()
            .find_map(|place| self.document.pointer(&format!("{place}/properties")))
            .and_then(Value::as_object)
            .map(|properties| properties.keys().map(String::as_str).collect())
            .unwrap_or_default()
    }
}

/// A value in a message.
fn short(value: &Value) -> String {
    clip(&value.to_string(), SHORT)
}

/// Removes the members that faults point at, so that what remains can be read
/// and its own faults be named too. Items take their whole list with them, lest
/// a sum looks wrong that is only incomplete.
pub fn prune(mut value: Value, faults: &[Fault]) -> Value {
    let top = |fault: &Fault| {
        let key = fault.pointer.as_deref()?.split('/').nth(1)?;
        Some(key.replace("~1", "/").replace("~0", "~"))
    };
    let wrong: HashSet<String> = faults.iter().filter_map(top).collect();
    if let Some(members) = value.as_object_mut() {
        members.retain(|key, _| !wrong.contains(key));
    }
    value
}

/// Removes just what the faults point at, for whoever wants to see the rest of a list all the
/// same. An item is replaced by a sound one of its list, so that the others keep their places.
pub fn prune_members(mut value: Value, faults: &[Fault]) -> Value {
    let places: BTreeSet<&str> = faults.iter().filter_map(|fault| fault.pointer.as_deref()).collect();
    let split = || places.iter().filter_map(|place| place.rsplit_once('/'));
    for (parent, key) in split() {
        if let Some(members) = value.pointer_mut(parent).and_then(Value::as_object_mut) {
            members.shift_remove(&key.replace("~1", "/").replace("~0", "~"));
        }
    }
    let lists: BTreeSet<&str> = split().map(|(parent, _)| parent).collect();
    for list in lists {
        let Some(items) = value.pointer_mut(list).and_then(Value::as_array_mut) else { continue };
        let is_sound = |n: usize| {
            let item = format!("{list}/{n}");
            !faults.iter().any(|fault| fault.touches(&item))
        };
        let (sound, faulty): (Vec<usize>, Vec<usize>) = (0..items.len()).partition(|n| is_sound(*n));
        // The smallest will do: it may have to stand for many.
        match sound.into_iter().map(|n| items[n].clone()).min_by_key(|item| item.to_string().len()) {
            Some(sound) => {
                let itself = faulty.into_iter().filter(|n| places.contains(format!("{list}/{n}").as_str()));
                itself.for_each(|n| items[n] = sound.clone());
            }
            None => items.retain(Value::is_object),
        }
    }
    value
}
