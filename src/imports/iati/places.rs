//! Where an activity works, and in which sectors: shares are kept where they are whole.

use std::collections::{HashMap, HashSet};

use rust_decimal::Decimal;
use serde_json::{Map, Value, json};

use super::activity::Reading;
use super::who;
use super::words::{number, slug, spelt, texts};
use crate::codes;
use crate::collections::locations;
use crate::formats::iati::xml::Element;
use crate::imports::known::Record;
use crate::record::rules::sum;

/// The places of an activity, as far as all of them are known: part of them would be taken for the whole.
pub fn places(activity: &Element, reading: &mut Reading) -> Vec<Value> {
    let named: Vec<&Element> = activity.all("location").collect();
    // How others call their places is no name that places have here, also where the register says it again.
    let said_again = activity.get("register:original").unwrap_or_default().split(' ').any(|name| name == "location");
    let is_own = reading.is_own && !said_again;
    let own = |location: &&Element| is_own && location.get("ref").is_some_and(|place| reading.known.is_place(place));
    if !named.is_empty() && named.iter().all(own) {
        let shares =
            named.iter().map(|one| (one.get("ref").unwrap_or_default().to_owned(), one.get("register:percentage")));
        return shared("location", shares.collect(), reading);
    }
    let countries: Vec<&Element> = activity.all("recipient-country").collect();
    if let Some(region) = activity.all("recipient-region").find(|region| region.get("register:of").is_none()) {
        let words =
            "a region of several countries is no place of the register; all places of the activity are only kept";
        reading.note("places_kept", region.line(), words.to_owned());
        return Vec::new();
    }
    if countries.is_empty() {
        if let Some(location) = named.first() {
            let words = "locations without a country of the activity are only kept";
            reading.note("places_kept", location.line(), words.to_owned());
        }
        return Vec::new();
    }
    let unknown = countries.iter().find(|one| !one.get("code").is_some_and(|code| reading.known.is_place(code)));
    if let Some(unknown) = unknown {
        let words = format!(
            "{:?} is no country of the register; the places are left out",
            unknown.get("code").unwrap_or_default()
        );
        reading.note("place_unknown", unknown.line(), words);
        return Vec::new();
    }
    let shares: Vec<(String, Option<&str>)> =
        countries.iter().map(|one| (one.get("code").unwrap_or_default().to_owned(), one.get("percentage"))).collect();
    let [(country, share)] = shares.as_slice() else {
        if let Some(location) = named.first() {
            let words = "in which of the countries the locations lie nobody says; they are only kept";
            reading.note("places_kept", location.line(), words.to_owned());
        }
        return shared("recipient-country", shares, reading);
    };
    if share.is_some_and(|share| share.parse::<Decimal>() != Ok(Decimal::ONE_HUNDRED)) {
        let words =
            format!("a part of it works in {country}, and nobody says where the rest does; the places are only kept");
        reading.note("places_kept", countries[0].line(), words);
        return Vec::new();
    }
    let located = located(&named, country, reading);
    located.unwrap_or_else(|| vec![json!({"location": country})])
}

/// The locations as places of the register, if each of them has a name; they lie in the one country.
fn located(named: &[&Element], country: &str, reading: &mut Reading) -> Option<Vec<Value>> {
    if named.is_empty() {
        return None;
    }
    let mut found = Vec::new();
    let called =
        |location: &Element| location.first("name").and_then(who::name).as_deref().map(slug).unwrap_or_default();
    let all: HashSet<String> = named.iter().map(|location| called(location)).collect();
    let mut counts: HashMap<String, u32> = HashMap::new();
    for location in named {
        let name = location.first("name").and_then(|name| texts(name, &reading.scope.language));
        let Some(name) = name else {
            let words = "a location without a name is no place of the register; the locations are only kept";
            reading.note("places_kept", location.line(), words.to_owned());
            return None;
        };
        let mut record = Map::new();
        // By its name it is the same place wherever it stands in the next file.
        let mut called = called(location);
        let count = counts.entry(called.clone()).or_default();
        *count += 1;
        // The second of a name has a number, but none that makes it the name of another.
        while *count > 1 && all.contains(&format!("{called}-{count}")) {
            *count += 1;
        }
        if *count > 1 {
            called = format!("{called}-{count}");
        }
        let identifier = format!("{}:location-{called}", reading.identifier);
        record.insert("identifier".into(), identifier.clone().into());
        record.insert("kind".into(), "settlement".into());
        record.insert("name".into(), name);
        record.insert("parent".into(), country.into());
        record.insert("country".into(), country.into());
        if let Some((latitude, longitude)) = location.first("point").and_then(point) {
            record.insert("point".into(), json!({"latitude": latitude, "longitude": longitude}));
        }
        let codes: Vec<Value> = location.all("location-id").filter_map(code).collect();
        record.insert("identifiers".into(), codes.into());
        found.push((identifier, Record::whole(&locations::KIND, Value::Object(record), location.line())));
    }
    let places = found.iter().map(|(identifier, _)| json!({"location": identifier})).collect();
    reading.out.extend(found.into_iter().map(|(_, record)| record));
    Some(places)
}

/// Degrees north and east.
fn point(point: &Element) -> Option<(Value, Value)> {
    let pos = point.first("pos")?.words();
    let mut degrees = pos.split_whitespace();
    let (latitude, longitude) = (degrees.next()?, degrees.next()?);
    let within =
        |text: &str, most: i64| text.parse::<Decimal>().is_ok_and(|degree| degree.abs() <= Decimal::from(most));
    // What is more exact than a millimetre is not more exact.
    let near = |text: &str| text.parse::<Decimal>().map(|degree| number(&degree.round_dp(8).to_string()));
    let is_there = within(latitude, 90) && within(longitude, 180) && degrees.next().is_none();
    if is_there { Some((near(latitude).ok()?, near(longitude).ok()?)) } else { None }
}

fn code(id: &Element) -> Option<Value> {
    let scheme = match id.get("vocabulary")? {
        "G1" => "GEONAMES".to_owned(),
        "G2" => "OPENSTREETMAP".to_owned(),
        "A4" => "ISO-3166-1-ALPHA-3".to_owned(),
        other => format!("IATI-{}", spelt(other)),
    };
    Some(json!({"scheme": scheme, "code": id.get("code")?}))
}

/// The sectors of an activity, by vocabulary, and those without shares that the register itself wrote
/// as tags.
pub fn sectors(activity: &Element, reading: &mut Reading) -> Vec<Value> {
    let mut found: Vec<(&str, String, Option<&str>)> = Vec::new();
    for sector in activity.all("sector").filter(|sector| sector.get("register:of").is_none()) {
        let vocabulary = sector.get("vocabulary").unwrap_or("1");
        let Some(code) = sector.get("code").map(|code| targeted(vocabulary == "8", code)) else { continue };
        if !is_sector(vocabulary, &code) {
            let words = format!("{code:?} is no code of vocabulary {vocabulary}, or that is none; it is left out");
            reading.note("sector_unknown", sector.line(), words);
            continue;
        }
        found.push((vocabulary, code, sector.get("percentage")));
    }
    let unshared =
        activity.all("tag").filter_map(|tag| Some((tag.get("register:sector-vocabulary")?, tag.get("code")?)));
    found.extend(unshared.map(|(vocabulary, code)| (vocabulary, code.to_owned(), None)));
    let mut vocabularies: Vec<&str> = found.iter().map(|(vocabulary, ..)| *vocabulary).collect();
    let mut seen = HashSet::new();
    vocabularies.retain(|vocabulary| seen.insert(*vocabulary));
    let mut sectors = Vec::new();
    for vocabulary in vocabularies {
        let of = found.iter().filter(|(other, ..)| *other == vocabulary);
        let shares: Vec<(String, Option<&str>)> = of.map(|(_, code, share)| (code.clone(), *share)).collect();
        for mut one in shared("sector", shares, reading) {
            if let Some(one) = one.as_object_mut() {
                let code = one.shift_remove("location");
                one.insert("vocabulary".into(), vocabulary.into());
                one.insert("code".into(), code.unwrap_or_default());
            }
            sectors.push(one);
        }
    }
    sectors
}

/// A code; that of a target of the Goals with its letter as the list has it: `3.d`, not `3.D`.
fn targeted(is_target: bool, code: &str) -> String {
    if is_target { code.to_lowercase() } else { code.to_owned() }
}

fn is_sector(vocabulary: &str, code: &str) -> bool {
    codes::SECTOR_VOCABULARIES.contains(&vocabulary)
        && match vocabulary {
            "1" => codes::sector_name(code).is_some(),
            "2" => codes::is_sector_category(code),
            "7" => codes::is_sdg_goal(code),
            "8" => codes::is_sdg_target(code),
            "9" => codes::is_sdg_indicator(code),
            _ => code.chars().count() <= 100,
        }
}

/// The tags of an activity.
pub fn tags(activity: &Element, reading: &mut Reading) -> Vec<Value> {
    let mut tags: Vec<Value> = Vec::new();
    for tag in activity.all("tag").filter(|tag| tag.get("register:sector-vocabulary").is_none()) {
        let (Some(vocabulary), Some(code)) = (tag.get("vocabulary"), tag.get("code")) else { continue };
        let code = &targeted(vocabulary == "3", code);
        let is_known = codes::TAG_VOCABULARIES.contains(&vocabulary)
            && match vocabulary {
                "2" => codes::is_sdg_goal(code),
                "3" => codes::is_sdg_target(code),
                _ => code.chars().count() <= 100,
            };
        let one = json!({"vocabulary": vocabulary, "code": code});
        if !is_known {
            let words = format!("{code:?} is no code of vocabulary {vocabulary}, or that is none; it is left out");
            reading.note("tag_unknown", tag.line(), words);
        } else if !tags.contains(&one) {
            tags.push(one);
        }
    }
    tags
}

/// What has shares, each once: with all of them where they are whole, else without any.
fn shared(what: &str, shares: Vec<(String, Option<&str>)>, reading: &mut Reading) -> Vec<Value> {
    let mut found: Vec<(String, Option<Decimal>)> = Vec::new();
    for (code, share) in shares {
        let share = share.and_then(|share| share.parse::<Decimal>().ok());
        match found.iter_mut().find(|(other, _)| *other == code) {
            Some((_, sum)) => *sum = sum.zip(share).and_then(|(a, b)| a.checked_add(b)),
            None => found.push((code, share)),
        }
    }
    let stated: Vec<Decimal> = found.iter().filter_map(|(_, share)| *share).collect();
    let sum = sum(stated.iter().copied());
    let is_whole = stated.len() == found.len() && sum == Some(Decimal::ONE_HUNDRED);
    if !is_whole && !stated.is_empty() {
        let sum = sum.map_or("more than a number holds".into(), |sum| sum.normalize().to_string());
        let words = format!("the percentages of {what} sum to {sum}, not 100; they are left out");
        reading.note("shares_not_whole", reading.line, words);
    }
    let one = |(code, share): (String, Option<Decimal>)| match share.filter(|_| is_whole) {
        Some(share) => json!({"location": code, "percentage": number(&share.to_string())}),
        None => json!({"location": code}),
    };
    found.into_iter().map(one).collect()
}
