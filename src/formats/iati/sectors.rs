//! Sectors with their shares, and tags.

use super::xml::Element;
use crate::record::{SectorShare, Tag};

/// What the OECD calls a sector that nobody specified.
const UNSPECIFIED: &str = "99810";
/// The OECD's codes of five digits.
const DAC: &str = "1";
/// Codes of whoever reports; what they mean has to stand beside them.
const OWN: [&str; 2] = ["98", "99"];

/// The sectors, and as tags those whose shares are not known, which the standard has no room for.
pub fn sectors(sectors: &[SectorShare]) -> (Vec<Element>, Vec<Element>) {
    let several = |share: &SectorShare| sectors.iter().filter(|other| other.vocabulary == share.vocabulary).count() > 1;
    let (unshared, shared): (Vec<&SectorShare>, Vec<&SectorShare>) =
        sectors.iter().partition(|share| share.percentage.is_none() && several(share));
    let mut found: Vec<Element> = shared.into_iter().map(sector).collect();
    if found.is_empty() {
        found.push(
            Element::new("sector")
                .attribute("vocabulary", DAC)
                .attribute("code", UNSPECIFIED)
                .attribute("register:of", "nothing"),
        );
    }
    let tags = unshared.into_iter().map(|share| {
        let words = format!("Sector {} of vocabulary {}; its share is not known", share.code, share.vocabulary);
        Element::new("tag")
            .attribute("vocabulary", "99")
            .attribute("code", &share.code)
            .attribute("register:sector-vocabulary", &share.vocabulary)
            .with([Element::new("narrative").attribute("xml:lang", "en").text(words)])
    });
    (found, tags.collect())
}

fn sector(share: &SectorShare) -> Element {
    let own = OWN.contains(&share.vocabulary.as_str());
    let meaning = own.then(|| Element::new("narrative").attribute("xml:lang", "en").text(&share.code));
    Element::new("sector")
        .attribute("vocabulary", &share.vocabulary)
        .attribute("code", &share.code)
        .attribute_if("percentage", share.percentage.map(|percentage| percentage.0.normalize()))
        .with(meaning)
}

/// A tag.
pub fn tag(tag: &Tag) -> Element {
    Element::new("tag").attribute("vocabulary", &tag.vocabulary).attribute("code", &tag.code)
}
