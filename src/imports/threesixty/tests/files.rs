//! Grants as real publishers write them.

use std::path::PathBuf;

use calamine::{Data, Reader, Xlsx, open_workbook};
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::super::flat::Columns;
use super::super::said::Said;
use super::super::{Mapped, Package, grant};
use super::{Register, records, today};

fn budgets(records: &[(&'static str, Value)], collection: &str, member: &str) -> Decimal {
    let of = records.iter().filter(|(of, _)| *of == collection);
    of.map(|(_, record)| record[member]["amount"].to_string().parse::<Decimal>().unwrap()).sum()
}

fn file(name: &str) -> PathBuf {
    let folder = std::env::var_os("REGISTER_REFERENCE").map(PathBuf::from);
    let folder = folder.unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/reference"));
    folder.join("360giving-files").join(name)
}

fn package(name: &str) -> Vec<Value> {
    // Who converted the workbook took its escape of a line's end for text.
    let json = std::fs::read_to_string(file(name)).unwrap().replace("_x000D_", "\\r");
    let package: Value = serde_json::from_str(&json).unwrap();
    package["grants"].as_array().unwrap().clone()
}

/// The grants of a workbook, its cells as texts.
fn workbook(name: &str) -> Vec<Value> {
    let mut book: Xlsx<_> = open_workbook(file(name)).unwrap();
    let range = book.worksheet_range_at(0).unwrap().unwrap();
    let text = |cell: &Data| match cell {
        Data::DateTime(at) => at.as_datetime().unwrap().format("%Y-%m-%d").to_string(),
        other => other.to_string(),
    };
    let mut rows = range.rows().map(|row| row.iter().map(text).collect::<Vec<String>>());
    let header = rows.next().unwrap();
    assert!(Columns::is_threesixty(&header));
    let columns = Columns::read(&header).unwrap();
    let read = |row: Vec<String>| {
        let (grant, faults) = columns.grant(&row);
        assert_eq!(faults, []);
        grant
    };
    rows.map(read).filter(|grant| *grant != json!({})).collect()
}

#[test]
#[cfg_attr(no_reference, ignore = "the reference files are missing: set REGISTER_REFERENCE")]
fn a_workbook_and_its_package_say_the_same() {
    let name = "andrew-lloyd-webber-foundation";
    let mut register = Register { others: vec!["GB"], ..Register::default() };
    let from_package = package(&format!("{name}.json"));
    let of_package = records(&register, &from_package);
    let of_workbook = records(&register, &workbook(&format!("{name}.xlsx")));
    assert_eq!(of_package.len(), of_workbook.len());
    for (one, other) in of_package.iter().zip(&of_workbook) {
        assert_eq!(one, other);
    }
    let count = |collection: &str| of_package.iter().filter(|(of, _)| *of == collection).count();
    let counts = ["organisations", "beneficiaries", "grants", "transactions"].map(count);
    assert_eq!(counts, [1, 288, 475, 475]);
    let sum: Decimal = "21757793.27".parse().unwrap();
    assert_eq!(budgets(&of_package, "grants", "budget"), sum);
    assert_eq!(budgets(&of_workbook, "transactions", "value"), sum);

    // Once the register has it, it changes nothing.
    let mut first = Package::new(&register, today());
    let mapped: Vec<Mapped> = from_package.iter().map(|grant| first.grant(grant, &Said::default()).0).collect();
    mapped.iter().for_each(|mapped| register.add(&mapped.records));
    let again = records(&register, &from_package);
    let of_parties = |(of, _): &&(&str, Value)| !["organisations", "beneficiaries"].contains(of);
    assert!(of_package.iter().filter(of_parties).eq(again.iter()));
}

#[test]
#[cfg_attr(no_reference, ignore = "the reference files are missing: set REGISTER_REFERENCE")]
fn real_packages_become_records() {
    for (name, grants, sum) in [
        ("wolfson-foundation-a002400000KeYdsAAF.json", 379, "31178456"),
        ("esmee-fairbairn-grantnav-5.json", 5, "1946486"),
    ] {
        let given = package(name);
        let records = records(&Register::default(), &given);
        let count = |collection: &str| records.iter().filter(|(of, _)| *of == collection).count();
        assert_eq!([count("grants"), count("transactions")], [grants, grants], "{name}");
        let stated: Decimal =
            given.iter().map(|grant| grant["amountAwarded"].as_f64().unwrap() as i64).map(Decimal::from).sum();
        assert_eq!(budgets(&records, "grants", "budget"), stated, "{name}");
        assert_eq!(stated, sum.parse().unwrap(), "{name}");
    }
    // Dates as Britain writes them are read, and it is said how.
    let mapped = grant::grant(&Register::default(), today(), &package("wolfson-foundation-a002400000KeYdsAAF.json")[0]);
    assert_eq!(mapped.notes[0].code, "date_order");
    assert_eq!(mapped.records[3].1["date"], "2014-06-05");
}
