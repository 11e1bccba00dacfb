//! What a file names, found before it is read for good: which of its activities are programmes, and of
//! whom and what the register has to be asked.

use std::collections::{HashMap, HashSet};

use super::parties::{Reporter, participants, parties};
use super::who::{Reporting, Who};
use super::words::named;
use crate::formats::iati::xml::Element;
use crate::imports::known::Named;

/// Kinds of aid that are funds and schemes: IATI AidType B01 to B04 and A02.
const SCHEMES: [&str; 6] = ["A01", "A02", "B01", "B02", "B03", "B04"];

/// An activity of the file.
#[derive(Debug, Default)]
struct Entry {
    /// What it says that it is.
    stated: Option<&'static str>,
    /// Whether others are parts of it, or it is a scheme.
    is_whole: bool,
    /// Whether somebody else receives it.
    is_award: bool,
}

/// What a file names.
#[derive(Debug, Default)]
pub struct Index {
    activities: HashMap<String, Entry>,
    /// What activities of the file say they are parts of.
    above: HashMap<String, Vec<String>>,
    /// Activities and places that are named beside those of the file.
    others: HashSet<String>,
    /// Who is named.
    pub parties: HashSet<Who>,
    /// How those who report name themselves.
    reporters: HashMap<Who, Reporter>,
}

impl Index {
    /// Takes an activity into account.
    pub fn add(&mut self, activity: &Element) {
        let Some(identifier) = identifier(activity) else { return };
        let mut entry = Entry { stated: stated(activity), ..Entry::default() };
        let above = wholes(activity);
        self.others.extend(above.iter().cloned());
        self.above.entry(identifier.clone()).or_insert(above);
        let parts = activity.all("related-activity").filter(|related| related.get("type") == Some("2"));
        let parts: Vec<String> = parts.filter_map(|related| related.get("ref")).map(named).collect();
        entry.is_whole = !parts.is_empty();
        self.others.extend(parts);
        entry.is_whole |=
            activity.all("default-aid-type").filter_map(|aid| aid.get("code")).any(|aid| SCHEMES.contains(&aid));
        let reporting = Reporting::of(activity);
        let implementing =
            participants(activity).filter(|(_, role)| *role == "4").filter_map(|(who, _)| Who::of(who, &reporting));
        let receiving = activity.all("transaction").filter_map(|flow| Who::of(flow.first("receiver-org")?, &reporting));
        entry.is_award = implementing.chain(receiving).any(|who| Some(&who) != reporting.who.as_ref());
        self.parties.extend(parties(activity));
        if let (Some(who), Some(own)) = (&reporting.who, Reporter::of(activity)) {
            self.reporters.entry(who.clone()).or_insert(own);
        }
        // Any reference may be an identifier of the register.
        let parties = activity.descendants().into_iter().filter(|one| one.name().ends_with("-org"));
        self.parties.extend(parties.filter_map(|one| one.get("ref")).map(|one| Who::Reference(one.to_owned())));
        for flow in activity.all("transaction").chain(activity.all("planned-disbursement")) {
            let names = [("provider-org", "provider-activity-id"), ("receiver-org", "receiver-activity-id")];
            let of = names.iter().filter_map(|(end, name)| flow.first(end)?.get(name));
            let alone = ["register:provider-activity", "register:receiver-activity", "register:reporter"];
            self.others.extend(of.chain(alone.iter().filter_map(|name| flow.get(name))).map(named));
        }
        let countries = activity.all("recipient-country").filter_map(|country| country.get("code"));
        let locations = activity.all("location").filter_map(|location| location.get("ref"));
        let observed =
            activity.all("result").flat_map(Element::descendants).filter(|element| element.name() == "location");
        self.others.extend(countries.chain(locations).map(str::to_owned));
        self.others.extend(observed.filter_map(|location| location.get("ref")).map(str::to_owned));
        // Of several of one name the first is read.
        self.activities.entry(identifier).or_insert(entry);
    }

    /// What the register is to be asked for.
    pub fn named(self) -> Named {
        let wholes: HashSet<&String> = self.above.values().flatten().collect();
        let all = self.activities.iter().map(|(name, entry)| (name.clone(), entry.collection(wholes.contains(name))));
        let activities = all.collect();
        let Self { above, others, parties, reporters, .. } = self;
        Named { activities, above, others, parties, reporters }
    }
}

impl Entry {
    /// The collection of the activity, as far as the file alone says it: what has parts or
    /// is a scheme is a programme, an award to somebody a grant, and anything else a programme.
    fn collection(&self, has_parts: bool) -> &'static str {
        let is_grant = self.is_award && !self.is_whole && !has_parts;
        self.stated.unwrap_or(if is_grant { "grants" } else { "programmes" })
    }
}

/// The identifier of an activity. What no address could name in it is written as its code.
pub fn identifier(activity: &Element) -> Option<String> {
    activity.first("iati-identifier").map(Element::words).filter(|words| !words.is_empty()).map(|words| named(&words))
}

/// What an activity may be a part of, the first first; the register says of its own what they are.
pub fn wholes(activity: &Element) -> Vec<String> {
    if activity.has("register:part-of") {
        return activity.get("register:part-of").map(str::to_owned).into_iter().collect();
    }
    let above = activity.all("related-activity").filter(|related| related.get("type") == Some("1"));
    above.filter_map(|related| related.get("ref")).map(named).collect()
}

/// What the register itself said that it is.
fn stated(activity: &Element) -> Option<&'static str> {
    match activity.get("register:collection")? {
        "programmes" => Some("programmes"),
        "grants" => Some("grants"),
        _ => None,
    }
}
