//! Packages of 360Giving that come again: from their publisher, from the register itself, and from another one.

use serde_json::{Value, json};

use crate::deliveries::{PATCH, counts, threesixty, unchanged_by_its_own_files};
use crate::imports::send;
use crate::received::import;
use crate::support::TestApp;

/// A grant as a publisher tells it, with more.
fn told(more: &Value) -> Value {
    let mut grant = json!({"id": "T-G", "title": "G", "description": "D", "currency": "GBP", "amountAwarded": 1000,
        "awardDate": "2024-01-01", "plannedDates": [{"startDate": "2024-02-01", "endDate": "2099-02-01", "duration": 3}],
        "recipientOrganization": [{"id": "T-R", "name": "R", "department": "x"}], "fundingOrganization": [{"id": "T-F", "name": "F"}],
        "beneficiaryLocation": [{"id": "RS", "name": "Serbia", "geoCode": "x"}], "fromAnOpenCall": "Yes"});
    grant.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    grant
}

/// The only grant of the register's own package.
async fn own(app: &TestApp) -> Value {
    let package = app.anon().get("/v1/grants.360giving").await.expect(200).json();
    assert_eq!(package["grants"].as_array().unwrap().len(), 1, "{package}");
    package["grants"][0].clone()
}

/// A register with one country.
async fn register() -> TestApp {
    let app = TestApp::empty().await;
    let country = json!({"kind": "country", "name": {"en": "Serbia"}, "country": "RS"});
    app.admin().put("/v1/publishers/aggregator", &json!({"name": "A", "prefixes": [""]}), &[]).await.expect(201);
    app.admin().put("/v1/locations/RS", &country, &[]).await.expect(201);
    app
}

#[actix_web::test]
async fn what_comes_back_as_it_was_told_takes_nothing_away() {
    let app = register().await;
    let (client, anon) = (app.town(), app.anon());
    assert_eq!(counts(&threesixty(&client, &told(&json!({}))).await), [4, 0, 0, 0]);
    // What a package has no room for.
    let more = json!({"start_date": "2024-02", "status": "cancelled", "sectors": [{"code": "11110", "percentage": 60}, {"code": "11220", "percentage": 40}],
        "budget": {"amount": 1000, "currency": "GBP", "exactness": "approximate"}, "places": [{"location": "RS", "percentage": 100}]});
    client.patch("/v1/grants/T-G", &more, &PATCH).await.expect(200);
    let flow = json!({"type": "expenditure", "date": "2024", "value": {"amount": 7, "currency": "GBP", "exactness": "at_least"},
        "grant": "T-G", "receiver": {"grant": "T-G"}});
    client.put("/v1/transactions/T-OWN", &flow, &[]).await.expect(201);
    unchanged_by_its_own_files(&app).await;
    let (before, paid) = (
        anon.get("/v1/grants/T-G").await.expect(200).json(),
        anon.get("/v1/transactions/T-OWN").await.expect(200).json(),
    );
    // With another title only that is another, in whichever order its sectors are told.
    let mut edited = own(&app).await;
    edited["classifications"].as_array_mut().unwrap().reverse();
    edited["title"] = json!("H");
    let report = threesixty(&client, &edited).await;
    assert_eq!(counts(&report), [0, 1, 0, 0], "{report}");
    let mut after = anon.get("/v1/grants/T-G").await.expect(200).json();
    assert_eq!(after["title"]["en"], "H");
    for member in ["title", "version", "updated_at"] {
        after[member] = before[member].clone();
    }
    assert_eq!(after, before);
    assert_eq!(anon.get("/v1/transactions/T-OWN").await.expect(200).json(), paid);
    // The publisher's next file changes what it says in another way, and keeps what it says beside that.
    let report = threesixty(&client, &told(&json!({"amountAwarded": 900, "fromAnOpenCall": "No"}))).await;
    assert_eq!(counts(&report), [0, 2, 0, 0], "{report}");
    let (grant, package) = (anon.get("/v1/grants/T-G").await.expect(200).json(), own(&app).await);
    assert_eq!((&grant["start_date"], &grant["places"]), (&before["start_date"], &before["places"]));
    assert_eq!((&grant["status"], grant["budget"]["amount"].to_string()), (&json!("cancelled"), "900.00".to_owned()));
    assert_eq!(
        (&package["fromAnOpenCall"], &package["beneficiaryLocation"][0]["geoCode"]),
        (&json!("No"), &json!("x"))
    );
    unchanged_by_its_own_files(&app).await;
}

#[actix_web::test]
async fn a_package_of_another_register_is_corrected_by_its_next() {
    let (here, there) = (register().await, register().await);
    let name = json!({"kind": "institution", "name": {"en": "R"}});
    here.town().put("/v1/beneficiaries/T-R", &name, &[]).await.expect(201);
    let funder =
        json!({"type": "multilateral", "name": {"en": "F"}, "identifiers": [{"scheme": "XM-DAC", "code": "41114"}]});
    here.town().put("/v1/organisations/T-F", &funder, &[]).await.expect(201);
    let grant = json!({"title": {"en": "G", "sr-Latn": "D"}, "status": "suspended", "start_date": "2024-03", "recipients": [{"beneficiary": "T-R", "role": "partner"}],
        "budget": {"amount": 10, "currency": "EUR", "exactness": "at_most"}, "places": [{"location": "RS"}],
        "organisations": [{"organisation": "T-F", "role": "funding"}]});
    here.town().put("/v1/grants/T-G", &grant, &[]).await.expect(201);
    unchanged_by_its_own_files(&here).await;
    let package = own(&here).await;
    assert_eq!(package["registerDerived"], true);
    threesixty(&there.town(), &package).await;
    // That it began in March says not when it was awarded.
    assert!(there.anon().get("/v1/transactions").await.expect(200).identifiers().is_empty());
    unchanged_by_its_own_files(&there).await;
    assert_eq!(counts(&threesixty(&here.admin(), &own(&there).await).await), [0; 4]);
    let less = json!({"budget": {"amount": 9}, "description": {"en": "Less"}});
    here.town().patch("/v1/grants/T-G", &less, &PATCH).await.expect(200);
    let report = threesixty(&there.town(), &own(&here).await).await;
    assert_eq!(counts(&report), [0, 1, 0, 0], "{report}");
    let corrected = there.anon().get("/v1/grants/T-G").await.expect(200).json();
    assert_eq!(
        (corrected["budget"]["amount"].to_string(), &corrected["description"]["en"]),
        ("9.00".into(), &json!("Less"))
    );
    // What comes back from there says what is here, in fewer words.
    assert_eq!(counts(&threesixty(&here.admin(), &own(&there).await).await), [0; 4]);
    assert!(there.anon().get("/v1/transactions").await.expect(200).identifiers().is_empty());
}

#[actix_web::test]
async fn who_was_merged_elsewhere_takes_part_all_the_same() {
    let app = register().await;
    let (client, anon) = (app.town(), app.anon());
    for (path, body) in [
        ("organisations/T-X", json!({"name": {"en": "X"}, "type": "other"})),
        ("organisations/T-Y", json!({"name": {"en": "Y"}, "type": "other"})),
        ("beneficiaries/T-B", json!({"name": {"en": "B"}, "kind": "group"})),
        ("beneficiaries/T-C", json!({"name": {"en": "C"}, "kind": "group"})),
    ] {
        client.put(&format!("/v1/{path}"), &body, &[]).await.expect(201);
    }
    for (path, into) in [("organisations/T-X", "T-Y"), ("beneficiaries/T-B", "T-C")] {
        let merge = json!({"into": into});
        client.post_with(&format!("/v1/{path}/merge"), &merge, &[("if-match", "*")]).await.expect(200);
    }
    // An organisation that was receives, a beneficiary that was pays.
    let grant = told(
        &json!({"recipientOrganization": [{"id": "T-X", "name": "X"}], "fundingOrganization": [{"id": "T-B", "name": "B"}]}),
    );
    for expected in [[4, 0, 0, 0], [0; 4]] {
        let report = threesixty(&client, &grant).await;
        assert_eq!(counts(&report), expected, "{report}");
    }
    let recipient = anon.get("/v1/beneficiaries/T-X:beneficiary").await.expect(200).json();
    assert_eq!(recipient["organisation"], "T-Y");
    let party = |role: u32, id: &str| {
        format!("<participating-org role=\"{role}\" ref=\"{id}\"><narrative>P</narrative></participating-org>")
    };
    let inside = format!("{}{}{}", party(1, "T-B"), party(1, "T-NEW"), party(4, "T-NEW"));
    let activity = crate::received::file(&inside);
    for expected in [0, 0] {
        let report = import(&client, "format=iati", activity.clone().into_bytes()).await;
        assert_eq!(counts(&report)[3], expected, "{report}");
    }
    let recipient = anon.get("/v1/beneficiaries/T-NEW:beneficiary").await.expect(200).json();
    assert_eq!(recipient["organisation"], "T-NEW");
}

#[actix_web::test]
async fn a_package_takes_back_what_it_does_not_say_any_more() {
    let app = register().await;
    let (client, anon) = (app.town(), app.anon());
    let country = json!({"kind": "country", "name": {"en": "Bosnia and Herzegovina"}, "country": "BA"});
    app.admin().put("/v1/locations/BA", &country, &[]).await.expect(201);
    let programme = json!({"title": {"en": "P"}, "status": "closed"});
    client.put("/v1/programmes/T-P", &programme, &[]).await.expect(201);
    let paid = json!({"id": "tx-1", "transactionDate": "2024-03-01", "value": 10, "recipient": "T-R"});
    let more = json!({"beneficiaryLocation": [{"id": "RS"}, {"id": "BA"}], "grantProgramme": [{"code": "T-P"}],
        "recipientOrganization": [{"id": "T-R", "name": "R"}, {"id": "T-S", "name": "S"}], "disbursementTransaction": [paid]});
    threesixty(&client, &told(&more)).await;
    let shared = json!({"recipients": [{"beneficiary": "T-R", "role": "lead", "percentage": 60}, {"beneficiary": "T-S", "role": "lead", "percentage": 40}]});
    client.patch("/v1/grants/T-G", &shared, &PATCH).await.expect(200);
    let mut less =
        told(&json!({"beneficiaryLocation": [{"id": "RS"}], "recipientOrganization": [{"id": "T-S", "name": "S"}],
        "plannedDates": [{"startDate": "2024-02-01", "endDate": "2024-01-01"}], "currency": "gbp"}));
    less["disbursementTransaction"] = json!([{"id": "tx-1", "transactionDate": "2024-03-01", "value": 10}]);
    let report = threesixty(&client, &less).await;
    assert_eq!(counts(&report)[3], 0, "{report}");
    let grant = anon.get("/v1/grants/T-G").await.expect(200).json();
    assert_eq!(grant["places"], json!([{"location": "RS", "percentage": null}]), "{grant}");
    let recipients = json!([{"beneficiary": "T-S", "role": "lead", "percentage": null, "amount": null}]);
    assert_eq!(grant["recipients"], recipients, "{grant}");
    assert!(
        grant.get("programme").is_none_or(Value::is_null) && grant.get("end_date").is_none_or(Value::is_null),
        "{grant}"
    );
    // A flow has its publisher's name within its grant.
    let flow = anon.get("/v1/transactions/T-G:disbursement-tx-1").await.expect(200).json();
    assert!(flow.get("receiver").is_none_or(Value::is_null), "{flow}");
    assert_eq!(own(&app).await["disbursementTransaction"][0]["id"], "tx-1");
    assert_eq!(counts(&threesixty(&client, &less).await), [0; 4]);
    unchanged_by_its_own_files(&app).await;
    less["id"] = json!("T-H");
    let report = threesixty(&client, &less).await;
    assert_eq!((counts(&report)[1], counts(&report)[3]), (0, 0), "{report}");
    anon.get("/v1/transactions/T-G:disbursement-tx-1").await.expect(200);
}

#[actix_web::test]
async fn a_grant_that_no_package_can_tell_stays_as_it_is() {
    let app = register().await;
    let (client, anon) = (app.town(), app.anon());
    let who = json!({"kind": "institution", "name": {"en": "R"}});
    client.put("/v1/beneficiaries/T-R", &who, &[]).await.expect(201);
    let grant = json!({"title": {"en": "G"}, "status": "finalisation", "start_date": "2011", "budget": {"amount": 5, "currency": "EUR"},
        "recipients": [{"beneficiary": "T-R", "role": "lead"}]});
    client.put("/v1/grants/T-G", &grant, &[]).await.expect(201);
    let mut edited = own(&app).await;
    edited.as_object_mut().unwrap().shift_remove("actualDates");
    assert_eq!(counts(&threesixty(&client, &edited).await), [0, 1, 0, 0]);
    for _ in 0..2 {
        let report = threesixty(&client, &edited).await;
        assert_eq!(counts(&report), [0; 4], "{report}");
    }
    assert_eq!(anon.get("/v1/organisations").await.expect(200).identifiers(), [""; 0]);
}

#[actix_web::test]
async fn a_date_that_begins_a_grant_awards_nothing() {
    let app = register().await;
    let mut grant = told(&json!({"classifications": [{"title": "x"}]}));
    grant.as_object_mut().unwrap().shift_remove("awardDate");
    threesixty(&app.town(), &grant).await;
    unchanged_by_its_own_files(&app).await;
    assert_eq!(app.anon().get("/v1/transactions").await.expect(200).identifiers(), [""; 0]);
    // What no database keeps is refused, wherever it stands.
    for (member, value) in
        [("id", json!("T-\0")), ("title", json!("\0")), ("x\0", json!(1)), ("grantProgramme", json!([{"code": "\0"}]))]
    {
        let report = threesixty(&app.town(), &told(&json!({member: value}))).await;
        assert_eq!(report["errors"][0]["code"], "text_invalid", "{report}");
    }
}

#[actix_web::test]
async fn what_was_planned_is_not_said_to_have_been() {
    let app = register().await;
    let (client, anon) = (app.town(), app.anon());
    let period = |from: &str, to: &str| json!([{"startDate": from, "endDate": to}]);
    let number = json!({"id": "GB-CHC-777777", "name": "R", "charityNumber": "777777"});
    let mut grant =
        told(&json!({"plannedDates": period("2020-01-01", "2020-12-31"), "recipientOrganization": [number]}));
    for member in ["beneficiaryLocation", "fromAnOpenCall"] {
        grant.as_object_mut().unwrap().shift_remove(member);
    }
    threesixty(&client, &grant).await;
    assert_eq!(anon.get("/v1/grants/T-G").await.expect(200).json()["status"], "closed");
    let package = own(&app).await;
    assert_eq!((&package["plannedDates"], package.get("actualDates")), (&grant["plannedDates"], None));
    assert_eq!(package["recipientOrganization"][0], number);
    assert_eq!(package.get("registerDerived"), None, "{package}");
    // Of both each says its own.
    grant["actualDates"] = json!([{"startDate": "2020-02-01"}]);
    threesixty(&client, &grant).await;
    let package = own(&app).await;
    assert_eq!([&package["plannedDates"], &package["actualDates"]], [&grant["plannedDates"], &grant["actualDates"]]);
    unchanged_by_its_own_files(&app).await;
    // What somebody says of it here is as the register has it.
    client.patch("/v1/grants/T-G", &json!({"end_date": "2021-01-31"}), &PATCH).await.expect(200);
    assert_eq!(own(&app).await["actualDates"], period("2020-02-01", "2021-01-31"));
    unchanged_by_its_own_files(&app).await;
}

#[actix_web::test]
async fn a_table_that_ends_within_a_row_stores_nothing() {
    let app = register().await;
    let whole = "Identifier,Title,Description,Currency,Amount Awarded,Award Date,Recipient Org:Identifier,Recipient Org:Name\n\
        T-G,T,D,GBP,1000.5,2014-06-05,T-R,R\nT-H,T,D,GBP,100";
    for mode in ["atomic", "independent"] {
        let answer = send(&app.town(), &format!("format=360giving&confirm=true&mode={mode}"), whole, &[]).await;
        assert!(answer.text().contains("row_truncated"), "{}", answer.text());
        assert_eq!(app.anon().get("/v1/grants").await.expect(200).identifiers(), [""; 0], "{mode}");
    }
    // What is no row does no harm, and columns without a name need no cells.
    let rest = format!("{}\n  ", whole.rsplit_once('\n').unwrap().0).replacen("Org:Name\n", "Org:Name,,\n", 1);
    import(&app.town(), "format=360giving", rest.into()).await;
    assert_eq!(app.anon().get("/v1/grants").await.expect(200).identifiers(), ["T-G"]);
}

/// What a package gives back with a grant belongs to what it came with, whatever becomes of that here.
#[actix_web::test]
#[cfg_attr(no_reference, ignore = "the standard is missing")]
async fn what_is_kept_stays_with_what_it_came_with() {
    let app = TestApp::empty().await;
    let body = |id: &str, more: Value| {
        let mut body = json!({"id": id, "name": id});
        more.as_object().unwrap().iter().for_each(|(name, value)| body[name] = value.clone());
        body
    };
    let grant = json!({
        "id": "T-1", "title": "Roof", "description": "A roof", "currency": "GBP", "amountAwarded": 1000, "awardDate": "2020-01-02",
        "recipientOrganization": [
            body("GB-CHC-1000001", json!({"postalCode": "A1", "dateModified": "2020-01-01T00:00:00Z"})),
            body("GB-CHC-1000002", json!({"postalCode": "B2"})),
            body("GB-CHC-1000003", json!({"location": [{"countryCode": "rs", "name": "C"}]}))],
        "fundingOrganization": [body("GB-CHC-1000004", json!({}))],
        "classifications": [{"vocabulary": "own", "code": "1", "title": "Own"},
            {"vocabulary": "IATI SectorVocabulary 1", "code": "11220", "title": "Primary education"}],
        "plannedDates": [{"startDate": "2020-01-01", "endDate": "2020-06-30", "duration": 6}, {"startDate": "2021"}],
        "disbursementTransaction": [{"value": 5, "description": "no date"},
            {"id": "a", "transactionDate": "2020-02-01", "value": 400, "currency": "GBP", "note": "first"},
            {"id": "b", "transactionDate": "2020-03-01", "value": 500, "currency": "GBP", "note": "second"}],
    });
    threesixty(&app.town(), &grant).await;
    let told = async || app.anon().get("/v1/grants.360giving").await.expect(200).json();
    let members = |grant: &Value, list: &str, name: &str| -> Vec<Value> {
        grant[list].as_array().unwrap().iter().map(|item| item[name].clone()).collect()
    };
    let package = told().await;
    let back = &package["grants"][0];
    assert_eq!(crate::threesixty::faults(&package), [] as [&str; 0]);
    assert_eq!(members(back, "recipientOrganization", "postalCode"), [json!("A1"), json!("B2"), Value::Null]);
    assert_eq!(back["recipientOrganization"][0]["dateModified"], "2020-01-01T00:00:00Z");
    assert_eq!(back["recipientOrganization"][2]["location"], json!([{"name": "C"}]));
    assert_eq!(members(back, "classifications", "title"), ["Primary education", "Own"]);
    assert_eq!(back["plannedDates"], grant["plannedDates"]);
    assert_eq!(members(back, "disbursementTransaction", "note"), [json!("first"), json!("second"), Value::Null]);
    unchanged_by_its_own_files(&app).await;
    assert_eq!(counts(&threesixty(&app.town(), &grant).await), [0; 4]);
    // Somebody receives no more, and it ends later.
    let recipients = app.anon().get("/v1/grants/T-1").await.json()["recipients"].as_array().unwrap()[1..].to_vec();
    let changes = json!({"recipients": recipients, "end_date": "2020-12-31"});
    app.town().patch("/v1/grants/T-1", &changes, &PATCH).await.expect(200);
    let back = &told().await["grants"][0];
    assert_eq!(members(back, "recipientOrganization", "postalCode"), [json!("B2"), Value::Null]);
    assert_eq!(back["actualDates"], json!([{"startDate": "2020-01-01", "endDate": "2020-12-31"}]));
    assert_eq!(back["plannedDates"], json!([{"startDate": "2021"}]));
}
