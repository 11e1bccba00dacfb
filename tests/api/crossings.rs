//! What crosses a boundary, whatever becomes of it: properties of random chains and trees of flows.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::boundaries::flow;
use crate::flows::{amount, named, places};
use crate::make;
use crate::support::TestApp;
use crate::totals::sum;

#[test]
fn an_intermediary_changes_nothing_that_crossed() {
    let system = actix_web::rt::System::new();
    let app = system.block_on(TestApp::empty());
    let mut records = places();
    let seats = [Some("T-ABROAD"), Some("T-D2"), Some("T-B"), Some("T-ABROAD"), Some("T-COUNTRY"), None, None];
    for (n, place) in seats.iter().enumerate() {
        records.push(named(
            "organisations",
            &format!("T-O{n}"),
            json!({"name": {"en": "O"}, "type": "other", "location": place}),
        ));
    }
    records.push(named(
        "beneficiaries",
        "T-TOWN",
        json!({"kind": "local_government", "name": {"en": "Town"}, "location": "T-A"}),
    ));
    let works = json!({"title": {"en": "G"}, "status": "closed", "places": [{"location": "T-A"}]});
    records.push(named("grants", "T-G", works));
    system.block_on(async { make::write(&mut app.connection().await, &records).await });
    // Through whom, whether these tell of it too, and whether the payment or the receipt says for which grant.
    let hop = (0usize..7, any::<bool>(), any::<bool>(), any::<bool>());
    let cases = (prop::collection::vec(hop, 0..5), 1u32..1_000_000);
    let mut runner = TestRunner::new(Config { cases: 60, ..Config::default() });
    let count = std::cell::Cell::new(0);
    let run = runner.run(&cases, |(between, cents)| {
        let case = count.replace(count.get() + 1);
        // EU pays the town through these, one after another, each passing on what it got.
        let value = json!({"amount": amount(Decimal::new(cents.into(), 2)), "currency": "EUR"});
        let (mut records, mut payer, mut whole) = (Vec::new(), 0, None);
        let mut tell = |kind: &str, payer: usize, receiver: &Value, granted: bool, parent: &Option<String>| {
            let id = format!("T-{case}-{}", records.len());
            let told = json!({"type": kind, "date": format!("20{:02}", 10 + case), "value": value, "parent": parent,
                "provider": {"organisation": format!("T-O{payer}")}, "receiver": receiver, "grant": granted.then_some("T-G")});
            records.push(named("transactions", &id, told));
            Some(id)
        };
        for (next, receipt, paid_for, got_for) in &between {
            let receiver = json!({"organisation": format!("T-O{next}")});
            whole = tell("disbursement", payer, &receiver, *paid_for, &whole);
            if *receipt {
                whole = tell("incoming_funds", payer, &receiver, *got_for, &whole);
            }
            payer = *next;
        }
        tell("disbursement", payer, &json!({"beneficiary": "T-TOWN"}), false, &whole);
        system.block_on(async { make::write(&mut app.connection().await, &records).await });
        // Into the country it may come, go and come back: it came in once.
        for boundary in ["T-A", "T-COUNTRY"] {
            let year = 2010 + case;
            let path = format!("transactions?type=disbursement&boundary={boundary}&date_gte={year}&date_lte={year}");
            let crossed = system.block_on(sum(&app.anon(), &path));
            prop_assert_eq!(crossed, Decimal::new(cents.into(), 2), "{} through {:?}", boundary, between);
        }
        Ok(())
    });
    run.unwrap();
}

#[test]
fn whatever_becomes_of_it_money_comes_in_once() {
    let system = actix_web::rt::System::new();
    let app = system.block_on(TestApp::empty());
    let mut people = places();
    for n in 0..6 {
        let place = ["T-ABROAD", "T-A"][n % 2];
        people.push(named(
            "organisations",
            &format!("T-O{n}"),
            json!({"name": {"en": "O"}, "type": "other", "location": place}),
        ));
    }
    system.block_on(async { make::write(&mut app.connection().await, &people).await });
    // Each flow is a part of an earlier one, or of none, and goes to one of six: those of odd numbers are inside.
    let cases = prop::collection::vec((any::<prop::sample::Index>(), any::<bool>(), 0usize..6, 1u32..1000), 1..12);
    let mut runner = TestRunner::new(Config { cases: 24, ..Config::default() });
    let count = std::cell::Cell::new(0);
    let run = runner.run(&cases, |seeds| {
        let case = count.replace(count.get() + 1);
        let mut flows: Vec<(Option<usize>, usize, usize)> = Vec::new();
        for (n, (of, is_part, to, from)) in seeds.iter().enumerate() {
            let parent = (n > 0 && *is_part).then(|| of.index(n));
            let from = parent.map_or(*from as usize % 6, |parent| flows[parent].2);
            // Nobody pays itself: that is parked.
            flows.push((parent, from, if *to == from { (to + 1) % 6 } else { *to }));
        }
        // What a flow without parts moves is its own, others move what their parts do; and what came in by a flow
        // paid from outside is all of it where it is received inside, else what came in by its parts.
        let (mut amounts, mut entered) = (vec![0; flows.len()], vec![0; flows.len()]);
        for n in (0..flows.len()).rev() {
            let parts = (n + 1..flows.len()).filter(|part| flows[*part].0 == Some(n));
            let (moved, came): (Vec<u32>, Vec<u32>) = parts.map(|part| (amounts[part], entered[part])).unzip();
            amounts[n] = if moved.is_empty() { seeds[n].3 } else { moved.iter().sum() };
            entered[n] = match (flows[n].1 % 2, flows[n].2 % 2) {
                (1, _) => 0,
                (_, 1) => amounts[n],
                _ => came.iter().sum(),
            };
        }
        let roots = (0..flows.len()).filter(|n| flows[*n].0.is_none());
        let expected: u32 = roots.map(|n| entered[n]).sum();
        let records: Vec<_> = flows
            .iter()
            .enumerate()
            .map(|(n, (parent, from, to))| {
                let parent = parent.map(|parent| format!("T-{case}-{parent}"));
                let (from, to) = (format!("T-O{from}"), format!("T-O{to}"));
                let mut flow = flow(&format!("T-{case}-{n}"), &from, &to, amounts[n], parent.as_deref());
                flow.1["date"] = json!(format!("20{:02}", 10 + case));
                flow
            })
            .collect();
        system.block_on(async { make::write(&mut app.connection().await, &records).await });
        let year = 2010 + case;
        let path = format!("transactions?type=disbursement&boundary=T-COUNTRY&date_gte={year}&date_lte={year}");
        prop_assert_eq!(system.block_on(sum(&app.anon(), &path)), Decimal::from(expected), "{:?}", records);
        Ok(())
    });
    run.unwrap();
}
