//! Packages of 360Giving hold by its schema, and say what the register says.

use jsonschema::Validator;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

use crate::exchanged::{activity, register};
use crate::make;
use crate::reference;
use crate::support::TestApp;

/// The schema of packages, with formats asserted.
fn schema() -> Validator {
    let read = |name: &str| -> Value {
        let path = reference::file(&format!("360giving/schema/360-giving-{name}.json"));
        serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
    };
    let mut package = read("package-schema");
    // It refers to that of another version by an address that nobody asks here.
    package["properties"]["grants"]["items"] = read("schema");
    jsonschema::options().should_validate_formats(true).build(&package).unwrap()
}

/// What a package breaks of it.
pub fn faults(package: &Value) -> Vec<String> {
    let schema = schema();
    let faults = schema.iter_errors(package).map(|fault| format!("{} {fault}", fault.instance_path()));
    faults.take(20).collect()
}

async fn package(app: &TestApp, schema: &Validator) -> Value {
    let package = app.anon().get("/v1/grants.360giving").await.expect(200).json();
    let faults: Vec<String> =
        schema.iter_errors(&package).map(|fault| format!("{} {fault}", fault.instance_path())).collect();
    assert!(faults.is_empty(), "{faults:#?}: {package}");
    package
}

#[actix_web::test]
#[cfg_attr(no_reference, ignore = "the standard is missing")]
async fn the_shipped_register_is_valid() {
    let app = TestApp::shipped().await;
    let package = package(&app, &schema()).await;
    let grant = &package["grants"][0];
    assert_eq!((&grant["id"], &grant["amountAwarded"]), (&json!("AR-CUPRIJA-CAC-GRANT"), &json!(177_200)));
    assert_eq!(grant["fundingOrganization"][0]["name"], "European Union (European Commission)");
    assert_eq!(grant["recipientOrganization"][0]["name"], "Municipality of Ćuprija");
    // What was given in kind has no amount, which the standard asks for.
    assert_eq!(package["leftOut"]["number"], 10);
    assert_eq!(package["leftOut"]["grants"][0]["missing"], json!(["amountAwarded", "awardDate"]));
    assert_eq!(app.anon().get("/v1/grants?format=360giving").await.expect(200).json()["grants"], package["grants"]);
    app.anon().get("/v1/programmes.360giving").await.problem(404);
}

#[test]
#[cfg_attr(no_reference, ignore = "the standard is missing")]
fn any_register_is_valid() {
    let system = actix_web::rt::System::new();
    let schema = schema();
    let mut runner = TestRunner::new(Config { cases: 4, max_shrink_iters: 20, ..Config::default() });
    let run = runner.run(&prop::collection::vec(activity(), 2..40), |activities| {
        system.block_on(async {
            let app = TestApp::empty().await;
            let mut records = register(activities);
            // One that has all that the standard asks for.
            let mut whole = make::grant("Whole");
            whole["identifier"] = json!("T-WHOLE");
            whole["start_date"] = json!("2011-03");
            whole["budget"] = json!({"amount": 12.5, "currency": "EUR"});
            whole["recipients"] = json!([{"beneficiary": "T-SCHOOL", "role": "lead"}]);
            records.push(("grants", whole));
            make::write(&mut app.connection().await, &records).await;
            let package = package(&app, &schema).await;
            let number = package["grants"].as_array().unwrap().len() as u64;
            let left_out = package["leftOut"]["number"].as_u64().unwrap_or_default();
            let grants: Vec<&Value> =
                records.iter().filter(|(of, _)| *of == "grants").map(|(_, grant)| grant).collect();
            assert_eq!(number + left_out, grants.len() as u64);
            for written in package["grants"].as_array().unwrap() {
                let grant = grants.iter().find(|grant| grant["identifier"] == written["id"]).unwrap();
                let amount = |value: &Value| value.to_string().parse::<f64>().unwrap();
                assert_eq!(amount(&written["amountAwarded"]), amount(&grant["budget"]["amount"]));
            }
        });
        Ok(())
    });
    run.unwrap();
}
