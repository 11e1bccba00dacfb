//! Who gives and who receives, as organisations and beneficiaries of the register.

use serde_json::{Value, json};
use unicode_normalization::UnicodeNormalization;

use super::part::Part;
use super::{Known, Mapped};
use crate::collections::{beneficiaries, organisations};
use crate::record::Identifier;

/// Lists of charities: of England and Wales, Scotland, Northern Ireland.
const CHARITIES: [&str; 3] = ["GB-CHC", "GB-SC", "GB-NIC"];
/// The list of companies in the United Kingdom.
const COMPANIES: &str = "GB-COH";
/// Members that lead to a person.
const PERSONAL: [&str; 3] = ["contactName", "telephone", "email"];

/// Somebody who takes part in a grant.
pub struct Party {
    /// How the package names it.
    pub reference: String,
    /// How the register does.
    pub identifier: String,
    /// What it is called in the package.
    pub name: String,
}

/// Who pays for a grant; made where the register does not have them.
pub fn funders(known: &dyn Known, grant: &mut Part, out: &mut Mapped) -> Vec<Party> {
    parties(grant, "fundingOrganization", out, |part, reference, name, out| {
        let (identifiers, _) = identifiers(part, reference, out);
        if let Some(identifier) = known.organisation(reference) {
            return identifier;
        }
        // One body may give here and receive there: these are two records.
        let identifier = known.name(&format!("{}:funder", spelled(reference)));
        let record =
            json!({"identifier": identifier, "name": {"en": name}, "type": "other", "identifiers": identifiers});
        out.party(&organisations::KIND, record);
        identifier
    })
}

/// Who receives a grant; made where the register does not have them.
pub fn recipients(known: &dyn Known, grant: &mut Part, out: &mut Mapped) -> Vec<Party> {
    parties(grant, "recipientOrganization", out, |part, reference, name, out| {
        let (identifiers, kind) = identifiers(part, reference, out);
        if let Some(identifier) = known.beneficiary(reference) {
            return identifier;
        }
        let organisation = known.organisation(reference);
        let mut identifier = known.name(&spelled(reference));
        if organisation.as_ref() == Some(&identifier) || known.is_taken(&identifier) {
            identifier = known.name(&format!("{}:beneficiary", spelled(reference)));
        }
        let mut record =
            json!({"identifier": identifier, "kind": kind, "name": {"en": name}, "identifiers": identifiers});
        if let Some(organisation) = organisation {
            record["organisation"] = organisation.into();
        }
        out.party(&beneficiaries::KIND, record);
        identifier
    })
}

/// The people who receive from a funder, as one group: the register has no records of persons.
pub fn individuals(known: &dyn Known, funder: Option<&Party>, out: &mut Mapped) -> Party {
    let (reference, name) = match funder {
        Some(funder) => (format!("{}:individuals", funder.reference), format!("Individuals, {}", funder.name)),
        None => ("individuals".to_owned(), "Individuals".to_owned()),
    };
    let identifier = known.beneficiary(&reference).unwrap_or_else(|| {
        let identifier = known.name(&spelled(&reference));
        let record = json!({"identifier": identifier, "kind": "group", "name": {"en": name}, "identifiers": []});
        out.party(&beneficiaries::KIND, record);
        identifier
    });
    Party { reference, identifier, name }
}

/// The organisations of a member, each once; `identify` gives the identifier of each.
fn parties(
    grant: &mut Part,
    member: &str,
    out: &mut Mapped,
    identify: impl Fn(&mut Part, &str, &str, &mut Mapped) -> String,
) -> Vec<Party> {
    let mut found: Vec<Party> = Vec::new();
    let mut parts = grant.parts(member, out);
    for part in &mut parts {
        if part.forget(|name| PERSONAL.contains(&name)) {
            out.note(&part.pointer, "person_left_out", "contact persons are not kept");
        }
        let (reference, name) = (part.text("id", out), part.text("name", out));
        let (Some(reference), Some(name)) = (&reference, &name) else {
            for (member, text) in [("id", &reference), ("name", &name)] {
                let pointer = part.at(member);
                let is_told = out.faults.iter().any(|fault| fault.pointer.as_ref() == Some(&pointer));
                if text.is_none() && !is_told {
                    out.fault(pointer, "required", format!("the organisation has no {member}"));
                }
            }
            continue;
        };
        let identifier = identify(part, reference, name, out);
        part.became(&identifier);
        if !found.iter().any(|party| party.identifier == identifier) {
            found.push(Party { reference: reference.clone(), identifier, name: name.clone() });
        }
    }
    grant.put(member, parts);
    found
}

/// The lists that a body stands in, and what kind of beneficiary these make it.
fn identifiers(part: &mut Part, reference: &str, out: &mut Mapped) -> (Vec<Value>, &'static str) {
    let mut listed: Vec<(&str, String)> =
        scheme(reference).map(|(scheme, code)| (scheme, code.to_owned())).into_iter().collect();
    let has = |listed: &[(&str, String)], schemes: &[&str]| listed.iter().any(|(scheme, _)| schemes.contains(scheme));
    let charity = part.text("charityNumber", out);
    let company = part.text("companyNumber", out);
    let is_charity = charity.is_some() || has(&listed, &CHARITIES);
    let is_company = company.is_some() || has(&listed, &[COMPANIES]);
    // A number that the reference ends with says what that says; of another list it may only look like one.
    let says = |listed: &[(&str, String)], schemes: &[&str], number: &str| {
        listed.iter().any(|(scheme, code)| schemes.contains(scheme) && code == number)
    };
    let is_alike = |number: &str| reference.ends_with(&format!("-{number}"));
    if let Some(number) = charity.filter(|number| !says(&listed, &CHARITIES, number)) {
        match charity_list(&number).filter(|_| !is_alike(&number) && !has(&listed, &CHARITIES)) {
            Some(list) => listed.push((list, number)),
            None => part.keep("charityNumber", number),
        }
    }
    if let Some(number) = company.filter(|number| !says(&listed, &[COMPANIES], number)) {
        match is_alike(&number) || has(&listed, &[COMPANIES]) {
            false => listed.push((COMPANIES, number)),
            true => part.keep("companyNumber", number),
        }
    }
    let kind = match (is_charity, is_company) {
        (true, _) => "association",
        (false, true) => "enterprise",
        (false, false) => "institution",
    };
    let identifiers = listed.into_iter().map(|(scheme, code)| json!({"scheme": scheme, "code": code})).collect();
    (identifiers, kind)
}

/// Which charities have numbers like this.
fn charity_list(number: &str) -> Option<&'static str> {
    let is_number = |text: &str| (5..=7).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    match number.strip_prefix("SC") {
        Some(digits) => is_number(digits).then_some("GB-SC"),
        None => is_number(number).then_some("GB-CHC"),
    }
}

/// The list and the code of an identifier of org-id.guide (`GB-CHC-1164859`), or of one that its publisher made up by
/// the rules of 360Giving (`360G-…`). Joined by `-` they are the identifier again.
fn scheme(reference: &str) -> Option<(&str, &str)> {
    const OWN: &str = "360G";
    if let Some(code) = reference.strip_prefix("360G-") {
        return (!code.is_empty()).then_some((OWN, code));
    }
    let mut parts = reference.splitn(3, '-');
    let (country, list, code) = (parts.next()?, parts.next()?, parts.next()?);
    let is_country = country.len() == 2 && country.bytes().all(|b| b.is_ascii_uppercase());
    let is_list = !list.is_empty() && list.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_');
    (is_country && is_list && !code.is_empty()).then(|| (&reference[..country.len() + 1 + list.len()], code))
}

/// A reference as an identifier can have it: what it cannot stands there in hexadecimal, as in addresses.
pub fn spelled(reference: &str) -> String {
    let mut spelled = String::new();
    for c in reference.nfc() {
        let mut bytes = [0; 4];
        match c.encode_utf8(&mut bytes) {
            text if Identifier::is_valid(text) || c == '.' => spelled.push(c),
            text => text.bytes().for_each(|byte| spelled.push_str(&format!("%{byte:02X}"))),
        }
    }
    spelled
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_of_lists_are_told_apart() {
        for (reference, parts) in [
            ("GB-CHC-1164859", Some(("GB-CHC", "1164859"))),
            ("US-EIN-13-3458820", Some(("US-EIN", "13-3458820"))),
            ("CA-CRA_ACR-1", Some(("CA-CRA_ACR", "1"))),
            ("360G-ALWF-ORG:Icon_Theatre", Some(("360G", "ALWF-ORG:Icon_Theatre"))),
            ("360G-", None),
            ("GB-CHC-", None),
            ("GB-CHC", None),
            ("Icon Theatre", None),
            ("é-CHC-1", None),
        ] {
            assert_eq!(scheme(reference), parts, "{reference}");
        }
    }

    #[test]
    fn references_become_identifiers() {
        assert_eq!(spelled("GB-CHC-1"), "GB-CHC-1");
        assert_eq!(spelled("360G-x:a b,c"), "360G-x:a%20b%2Cc");
        assert_eq!(spelled("c\u{301}"), "ć");
        // A mark that nothing stands before is no start of an identifier, but part of one.
        assert!(Identifier::is_valid(&spelled("a\u{200b}\u{feff}.b")));
    }
}
