//! Where an activity works: countries with their shares, and places within them.

use std::collections::{BTreeMap, HashMap};

use rust_decimal::Decimal;

use super::activity::narratives;
use super::xml::Element;
use crate::formats::related::Place;
use crate::record::{PlaceShare, Translations};

/// What the OECD calls countries that nobody specified.
const UNSPECIFIED: &str = "998";

/// The countries of its places. Where their shares are not known, or not even they, the standard
/// wants a region all the same: one that specifies nothing.
pub fn countries(places: &[PlaceShare], known: &HashMap<String, Place>) -> Vec<Element> {
    let mut shares: BTreeMap<&str, Option<Decimal>> = BTreeMap::new();
    let mut names: HashMap<&str, &Place> = HashMap::new();
    for share in places {
        let place = known.get(&share.location.0);
        let Some((place, country)) = place.and_then(|place| Some((place, place.country.as_deref()?))) else {
            return unspecified();
        };
        let part = share.percentage.map(|percentage| percentage.0);
        let sum = shares.get(country).map_or(part, |before| Some((*before)? + part?));
        shares.insert(country, sum);
        names.insert(country, place);
    }
    let is_one = shares.len() == 1;
    if shares.is_empty() || !is_one && shares.values().any(Option::is_none) {
        return unspecified();
    }
    let country = |(code, share): (&str, Option<Decimal>)| {
        let place = names[code];
        Element::new("recipient-country")
            .attribute("code", code)
            .attribute_if("percentage", share.filter(|_| !is_one).map(|share| share.normalize()))
            .with(narratives(&place.country_name))
    };
    shares.into_iter().map(country).collect()
}

fn unspecified() -> Vec<Element> {
    vec![
        Element::new("recipient-region")
            .attribute("code", UNSPECIFIED)
            .attribute("vocabulary", "1")
            .attribute("register:of", "nothing"),
    ]
}

/// Its places; what must be said of one stands in its description.
pub fn locations(places: &[PlaceShare], known: &HashMap<String, Place>) -> Vec<Element> {
    let location = |share: &PlaceShare| {
        let location = Element::new("location")
            .attribute("ref", &share.location.0)
            .attribute_if("register:percentage", share.percentage.map(|percentage| percentage.0.normalize()));
        let Some(place) = known.get(&share.location.0) else { return location };
        let text = |name: &'static str, text: &Translations| Element::new(name).with(narratives(text));
        let point = place.point.as_ref().map(|point| {
            let pos = format!("{} {}", point.latitude.0.normalize(), point.longitude.0.normalize());
            Element::new("point")
                .attribute("srsName", "http://www.opengis.net/def/crs/EPSG/0/4326")
                .with([Element::new("pos").text(pos)])
        });
        location
            .with([Element::new("location-reach").attribute("code", "1"), text("name", &place.name)])
            .with(place.note.as_ref().map(|note| text("description", note)))
            .with(point)
    };
    places.iter().map(location).collect()
}
