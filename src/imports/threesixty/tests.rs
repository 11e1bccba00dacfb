//! Whole grants, made up and as real publishers write them.

mod files;

use std::collections::BTreeMap;

use chrono::{NaiveDate, Utc};
use serde_json::{Map, Value, json};

use super::said::Said;
use super::{Known, Package, grant};
use crate::collections::grants;
use crate::formats::threesixty::ThreeSixtyGiving;
use crate::formats::{Export, Writer};
use crate::input::{Shapes, check_value};
use crate::kind::Kind;
use crate::openapi;

/// A register with these parties by reference, and whatever else a test needs.
#[derive(Default)]
struct Register {
    organisations: BTreeMap<String, String>,
    beneficiaries: BTreeMap<String, String>,
    others: Vec<&'static str>,
}

impl Known for Register {
    fn organisation(&self, reference: &str) -> Option<String> {
        self.organisations.get(reference).cloned()
    }

    fn beneficiary(&self, reference: &str) -> Option<String> {
        self.beneficiaries.get(reference).cloned()
    }

    fn is_taken(&self, _identifier: &str) -> bool {
        false
    }

    fn is_programme(&self, identifier: &str) -> bool {
        self.others.contains(&identifier)
    }

    fn is_flow(&self, _identifier: &str, _grant: &str) -> bool {
        false
    }

    fn is_place(&self, identifier: &str) -> bool {
        self.others.contains(&identifier)
    }

    fn name(&self, reference: &str) -> String {
        format!("T-{reference}")
    }
}

impl Register {
    /// Takes in what was mapped.
    fn add(&mut self, records: &[(&'static Kind, Value)]) {
        for (kind, record) in records {
            let identifier = record["identifier"].as_str().unwrap();
            let listed = record["identifiers"].as_array().into_iter().flatten();
            let joined =
                listed.map(|one| format!("{}-{}", one["scheme"].as_str().unwrap(), one["code"].as_str().unwrap()));
            let own = identifier.strip_prefix("T-").unwrap_or(identifier).to_owned();
            let references =
                joined.chain([own, identifier.to_owned()]).map(|reference| (reference, identifier.to_owned()));
            match kind.collection {
                "organisations" => self.organisations.extend(references),
                "beneficiaries" => self.beneficiaries.extend(references),
                _ => {}
            }
        }
    }
}

fn today() -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 1, 1).unwrap()
}

/// The records that come of grants, all without faults, as the register would store them.
fn records(register: &Register, grants: &[Value]) -> Vec<(&'static str, Value)> {
    let shapes = Shapes::compile(&openapi::components());
    let mut package = Package::new(register, today());
    let mut records = Vec::new();
    for given in grants {
        let mapped = package.grant(given, &Said::default()).0;
        assert_eq!(mapped.faults, [], "{given}");
        assert!(mapped.grant().is_some());
        for (kind, mut record) in mapped.records {
            let identifier = record["identifier"].as_str().unwrap().to_owned();
            // The register will have this member.
            let original = record.as_object_mut().unwrap().shift_remove("original");
            let checked = check_value(&shapes, kind, &identifier, record.clone());
            assert_eq!(checked.faults, [], "{record}");
            let mut doc = checked.doc;
            if let Some(original) = original {
                doc["original"] = original;
            }
            records.push((kind.collection, doc));
        }
    }
    records
}

fn whole() -> Value {
    json!({
        "id": "G-1", "title": "Wells", "description": "Wells for a village", "currency": "EUR",
        "amountAwarded": 1000.50, "awardDate": "2024-02-01", "amountAppliedFor": 2000,
        "plannedDates": [{"startDate": "2024-01", "endDate": "2024-12", "duration": 12}],
        "actualDates": [{"startDate": "2024-02-03T00:00:00Z"}],
        "recipientOrganization": [
            {"id": "GB-COH-1", "name": "Well Ltd", "charityNumber": "SC012345", "contactName": "Ann", "postalCode": "X"},
            {"id": "GB-COH-2", "name": "Pump Ltd", "companyNumber": "2"}],
        "fundingOrganization": [{"id": "GB-CHC-9", "name": "Fund", "charityNumber": "9", "companyNumber": "9"}],
        "beneficiaryLocation": [{"id": "RS222", "name": "Kladovo"}, {"countryCode": "RS"}, {"countryCode": "XX"}],
        "classifications": [{"vocabulary": "IATI SectorVocabulary 1", "code": "14030"}, {"title": "Water"}],
        "grantProgramme": [{"code": "P-1"}],
        "relatedDocument": [{"url": "https://example.org/a", "title": "Plan"}, {"url": "none"}],
        "commitmentTransaction": [
            {"id": "G-1:c", "transactionDate": "2024-02-01", "value": 600, "provider": "GB-CHC-9", "recipient": "GB-COH-1"},
            {"transactionDate": "2024-03-01", "value": 400.50, "currency": "EUR", "recipient": "who?"}],
        "disbursementTransaction": [{"transactionDate": "2024-04-01", "value": 5, "valueDate": "2024-03-31", "description": "First"},
            {"value": 7}],
        "dateModified": "2025-01-01T00:00:00Z", "Open Call?": "YES"
    })
}

#[test]
fn a_grant_becomes_records() {
    let register = Register { others: vec!["P-1", "RS222", "RS"], ..Register::default() };
    let mapped = grant::grant(&register, today(), &whole());
    let codes: Vec<&str> = mapped.notes.iter().map(|note| note.code.as_str()).collect();
    assert_eq!(codes, ["person_left_out", "flow_incomplete"]);
    let records = records(&register, &[whole()]);
    let names: Vec<(&str, &str)> =
        records.iter().map(|(of, record)| (*of, record["identifier"].as_str().unwrap())).collect();
    assert_eq!(
        names,
        [
            ("organisations", "T-GB-CHC-9:funder"),
            ("beneficiaries", "T-GB-COH-1"),
            ("beneficiaries", "T-GB-COH-2"),
            ("grants", "G-1"),
            ("transactions", "G-1:c"),
            ("transactions", "G-1:outgoing_commitment:2"),
            ("transactions", "G-1:disbursement:1"),
        ]
    );
    assert_eq!((&records[1].1["kind"], &records[2].1["kind"]), (&json!("association"), &json!("enterprise")));
    let identifiers = json!([{"scheme": "GB-COH", "code": "1"}, {"scheme": "GB-SC", "code": "SC012345"}]);
    assert_eq!(records[1].1["identifiers"], identifiers);
    let mut grant = mapped.grant().unwrap().clone();
    let original = grant.as_object_mut().unwrap().shift_remove("original").unwrap();
    assert_eq!(
        grant,
        json!({
            "identifier": "G-1", "title": {"en": "Wells"}, "description": {"en": "Wells for a village"}, "status": "closed",
            "programme": "P-1", "start_date": "2024-02-03", "end_date": "2024-12",
            "budget": {"amount": 1000.50, "currency": "EUR"},
            "recipients": [{"beneficiary": "T-GB-COH-1", "role": "lead"}, {"beneficiary": "T-GB-COH-2", "role": "lead"}],
            "organisations": [{"organisation": "T-GB-CHC-9:funder", "role": "funding"}],
            "places": [{"location": "RS222"}, {"location": "RS"}],
            "sectors": [{"vocabulary": "1", "code": "14030"}],
            "documents": [{"url": "https://example.org/a", "title": {"en": "Plan"}}],
        })
    );
    let text = original["parts"]["rest"]["text"].as_str().unwrap();
    let rest: Value = serde_json::from_str(text).unwrap();
    assert_eq!(
        rest,
        json!({
            "Open Call?": "YES", "amountAppliedFor": 2000,
            "plannedDates": [{"duration": 12, "startDate": "2024-01", "register:of": "2024-02-03/2024-12"}],
            "recipientOrganization": [{"postalCode": "X", "register:of": "T-GB-COH-1"}],
            // It only looks like the number of the charity.
            "fundingOrganization": [{"companyNumber": "9", "register:of": "T-GB-CHC-9:funder"}],
            "classifications": [{"title": "Water"}], "relatedDocument": [{"url": "none"}],
            "commitmentTransaction": [{"recipient": "who?", "register:of": "G-1:outgoing_commitment:2"}],
            "disbursementTransaction": [{"value": 7}],
        })
    );
    let flow = &records[4].1;
    assert_eq!(
        (&flow["provider"]["organisation"], &flow["receiver"]["beneficiary"]),
        (&json!("T-GB-CHC-9:funder"), &json!("T-GB-COH-1"))
    );
    assert_eq!(records[6].1["value"]["value_date"], "2024-03-31");
}

#[test]
fn the_way_in_is_the_inverse_of_the_way_out() {
    let mut register = Register { others: vec!["P-1", "RS222", "RS"], ..Register::default() };
    let mapped = grant::grant(&register, today(), &whole());
    register.add(&mapped.records);
    let stored = records(&register, &[whole()]);
    let of =
        |collection: &'static str| stored.iter().filter(move |(of, _)| *of == collection).map(|(_, record)| record);
    let mut own = of("grants").next().unwrap().as_object().unwrap().clone();
    own.insert("updated_at".into(), "2025-01-01T00:00:00Z".into());
    let beside = json!({
        "programme": {"title": {"en": "Water"}},
        "transactions": of("transactions").collect::<Vec<_>>(),
        "parties": mapped.records[..3].iter().map(|(_, party)| (party["identifier"].as_str().unwrap().to_owned(), party.clone())).collect::<Map<_, _>>(),
    });
    let export = Export {
        kind: &grants::KIND,
        fields: None,
        bom: false,
        converts: false,
        grain: Default::default(),
        address: String::new(),
        moment: Utc::now(),
        licence: String::new(),
    };
    let mut writer = Box::new(ThreeSixtyGiving::new(&export));
    let mut out = Vec::new();
    writer.begin(&mut out);
    writer.record(&own, Some(&beside.to_string()), &mut out).unwrap();
    writer.end(&mut out).unwrap();
    let package: Value = serde_json::from_slice(&out).unwrap();
    let again = records(&register, package["grants"].as_array().unwrap());
    assert_eq!(again.len(), 4, "{again:?}");
    for ((_, one), (_, other)) in again.iter().zip(stored.iter()) {
        let (mut one, mut other) = (one.clone(), other.clone());
        // A month goes out as its last day.
        if other["end_date"] == "2024-12" {
            other["end_date"] = "2024-12-31".into();
        }
        for record in [&mut one, &mut other] {
            record.as_object_mut().unwrap().shift_remove("original");
        }
        assert_eq!(one, other);
    }
}

#[test]
fn no_person_gets_into_the_register() {
    let mut given = whole();
    let members = given.as_object_mut().unwrap();
    members.shift_remove("recipientOrganization");
    members.insert("recipientIndividual".into(), json!({"id": "GB-X-1", "name": "Jane Doe"}));
    members.insert("Recipient Ind:Nickname".into(), "Jane".into());
    let mapped = grant::grant(&Register::default(), today(), &given);
    assert_eq!(mapped.faults, []);
    let all: Vec<String> = mapped.records.iter().map(|(_, record)| record.to_string()).collect();
    assert!(!all.concat().contains("Jane") && !all.concat().contains("GB-X-1"));
    assert_eq!(
        mapped.grant().unwrap()["recipients"],
        json!([{"beneficiary": "T-GB-CHC-9:individuals", "role": "lead"}])
    );
}

#[test]
fn the_first_to_name_a_party_counts() {
    let (register, mut given) = (Register::default(), whole());
    let mut package = Package::new(&register, today());
    assert_eq!(package.grant(&given, &Said::default()).0.records.len(), 7);
    given["fundingOrganization"][0]["name"] = "The Fund".into();
    let (again, _) = package.grant(&given, &Said::default());
    assert_eq!(again.records.len(), 4);
    assert!(again.notes.iter().any(|note| note.code == "name_differs"));
}

#[test]
fn whatever_has_the_wrong_type_is_said() {
    let wrong = [json!(null), json!(true), json!(3.5), json!("x"), json!([]), json!([1]), json!([[]]), json!({"a": 1})];
    for value in &wrong {
        grant::grant(&Register::default(), today(), value);
        for (name, _) in whole().as_object().unwrap() {
            let mut given = whole();
            given[name] = value.clone();
            grant::grant(&Register::default(), today(), &given);
            for part in
                ["id", "name", "startDate", "code", "url", "value", "transactionDate", "countryCode", "vocabulary"]
            {
                let mut given = whole();
                if given[name][0].is_object() {
                    given[name][0][part] = value.clone();
                    grant::grant(&Register::default(), today(), &given);
                }
            }
        }
    }
    let mut given = whole();
    given["id"] = "a b".into();
    given["amountAwarded"] = "many".into();
    given["awardDate"] = "31 May".into();
    given["recipientOrganization"][1] = json!({"id": 5});
    given["fundingOrganization"] = json!({});
    given["plannedDates"] = json!("soon");
    let mapped = grant::grant(&Register::default(), today(), &given);
    let mut told: Vec<(&str, &str)> =
        mapped.faults.iter().map(|fault| (fault.pointer.as_deref().unwrap(), fault.code.as_str())).collect();
    told.sort_unstable();
    assert_eq!(
        told,
        [
            ("/amountAwarded", "type"),
            ("/awardDate", "date_invalid"),
            ("/id", "identifier_invalid"),
            ("/plannedDates", "type"),
            ("/recipientOrganization/1/id", "type"),
            ("/recipientOrganization/1/name", "required"),
        ]
    );
    assert!(mapped.records.is_empty());
    assert!(mapped.faults.iter().all(|fault| fault.identifier.as_deref() == Some("a b")));
}
