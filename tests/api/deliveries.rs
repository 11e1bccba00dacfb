//! Files that come again, changed, after others wrote, or from the register itself.

use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::imports::send;
use crate::make;
use crate::received::{file, import};
use crate::support::{Client, TestApp};
use crate::totals::sum;

pub const PATCH: [(&str, &str); 2] = [("content-type", "application/merge-patch+json"), ("if-match", "*")];

/// An activity of this name and currency, with this in it.
pub fn activity(name: &str, currency: &str, inside: &str) -> String {
    let country = if inside.contains("recipient-country") { "" } else { "<recipient-country code=\"RS\"/>" };
    let inside = format!("{country}<sector vocabulary=\"1\" code=\"11110\"/>{inside}");
    let whole = file(&inside).replace("T-1<", &format!("{name}<"));
    whole.replace("default-currency=\"EUR\"", &format!("default-currency=\"{currency}\""))
}

pub fn flow(attributes: &str, day: &str, value: &str) -> String {
    format!(
        "<transaction{attributes}><transaction-type code=\"3\"/><transaction-date iso-date=\"{day}\"/>
         <value value-date=\"{day}\">{value}</value></transaction>"
    )
}

pub async fn iati(client: &Client, body: &str) -> Value {
    import(client, "format=iati", body.as_bytes().to_vec()).await
}

pub async fn threesixty(client: &Client, grant: &Value) -> Value {
    let package = json!({"version": "1.4", "grants": [grant]});
    import(client, "format=360giving", package.to_string().into_bytes()).await
}

/// Created, updated, deleted, refused.
pub fn counts(report: &Value) -> [i64; 4] {
    ["created", "updated", "deleted", "refused"].map(|name| report["counts"][name].as_i64().unwrap())
}

/// Imports the register's own files with the rights of its administrator; nothing may change.
pub async fn unchanged_by_its_own_files(app: &TestApp) {
    for collection in ["organisations", "programmes", "grants"] {
        let xml = app.anon().get(&format!("/v1/{collection}.xml")).await.expect(200).text();
        let report = iati(&app.admin(), &xml).await;
        assert_eq!(counts(&report), [0; 4], "{collection}: {report} {xml}");
    }
    let package = app.anon().get("/v1/grants.360giving").await.expect(200).body;
    let report = import(&app.admin(), "format=360giving", package.to_vec()).await;
    assert_eq!(counts(&report), [0; 4], "{report}");
}

#[actix_web::test]
async fn what_vanished_from_a_file_comes_back_with_it() {
    let app = TestApp::empty().await;
    let (client, anon) = (app.town(), app.anon());
    let of = |values: &[u32]| -> String {
        let flows: String = values.iter().map(|value| flow("", "2024-02-01", &value.to_string())).collect();
        activity("T-1", "EUR", &flows)
    };
    let total = async || sum(&anon, "transactions?type=disbursement").await;
    iati(&client, &of(&[1, 2, 4])).await;
    let report = iati(&client, &of(&[1, 4])).await;
    assert_eq!((counts(&report), total().await), ([0, 1, 1, 0], Decimal::from(5)), "{report}");
    anon.get("/v1/transactions/T-1:transaction-3").await.expect(410);
    let report = iati(&client, &of(&[1, 4, 8, 16])).await;
    assert_eq!((counts(&report), total().await), ([2, 0, 0, 0], Decimal::from(29)), "{report}");
    let back = anon.get("/v1/transactions/T-1:transaction-3").await.expect(200).json();
    assert_eq!((&back["version"], back["value"]["amount"].to_string()), (&json!(3), "8.00".to_owned()));
    let versions = anon.get("/v1/transactions/T-1:transaction-3/versions").await.expect(200).json();
    let changes: Vec<&str> =
        versions["data"].as_array().unwrap().iter().map(|version| version["change"].as_str().unwrap()).collect();
    assert_eq!(changes.len(), 3, "{versions}");
    // What somebody deleted stays deleted.
    client.delete("/v1/transactions/T-1:transaction-4", &[("if-match", "*")]).await.expect(204);
    let report = iati(&client, &of(&[1, 4, 8, 16])).await;
    assert_eq!((&report["errors"][0]["code"], total().await), (&json!("identifier_gone"), Decimal::from(13)));
}

#[actix_web::test]
async fn a_corrected_package_counts_nothing_twice() {
    let app = TestApp::empty().await;
    let client = app.town();
    let party = |id: &str| json!([{"id": id, "name": id}]);
    let grant = |more: Value| {
        let mut grant = json!({"id": "T-G", "title": "G", "description": "D", "currency": "GBP", "amountAwarded": 1000,
            "awardDate": "2024-01-01", "recipientOrganization": party("T-R"), "fundingOrganization": party("T-F")});
        grant.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        grant
    };
    let paid = |id: Option<&str>, value: u32| json!({"id": id, "transactionDate": "2024-02-01", "currency": "GBP", "value": value});
    let total = async |of_type: &str| sum(&app.anon(), &format!("transactions?type={of_type}")).await;
    threesixty(&client, &grant(json!({}))).await;
    assert_eq!(total("outgoing_commitment").await, Decimal::from(1000));
    let both = json!([paid(Some("T-C1"), 600), paid(Some("T-C2"), 400)]);
    let report = threesixty(
        &client,
        &grant(json!({"commitmentTransaction": both, "disbursementTransaction": [paid(None, 10), paid(None, 20)]})),
    )
    .await;
    assert_eq!((counts(&report), total("outgoing_commitment").await), ([4, 1, 1, 0], Decimal::from(1000)), "{report}");
    assert_eq!(report["kept"], json!({"awardDate": 1}));
    // One that somebody else wrote is not the file's to take away.
    let own = json!({"type": "outgoing_commitment", "date": "2024", "value": {"amount": 7, "currency": "GBP"}, "grant": "T-G"});
    client.put("/v1/transactions/T-OWN", &own, &[]).await.expect(201);
    threesixty(&client, &grant(json!({"disbursementTransaction": [paid(None, 20)]}))).await;
    assert_eq!((total("outgoing_commitment").await, total("disbursement").await), (1007.into(), 20.into()));
}

#[actix_web::test]
async fn flows_keep_their_currency_wherever_they_are_said_again() {
    let app = TestApp::empty().await;
    let (client, anon) = (app.town(), app.anon());
    iati(&client, &activity("T-1", "EUR", &flow(" ref=\"a\"", "2024-02-01", "5"))).await;
    iati(&client, &activity("T-2", "USD", "")).await;
    let move_it = json!({"programme": "T-2"});
    client.patch("/v1/transactions/T-1:transaction:a", &move_it, &PATCH).await.expect(200);
    let xml = anon.get("/v1/programmes.xml").await.expect(200).text();
    assert!(
        xml.contains("default-currency=\"USD\"") && xml.contains("currency=\"EUR\" register:default=\"currency\">5<"),
        "{xml}"
    );
    client.patch("/v1/programmes/T-2", &json!({"original": null}), &PATCH).await.expect(200);
    let xml = anon.get("/v1/programmes.xml").await.expect(200).text();
    assert!(!xml.contains("USD") && xml.contains("currency=\"EUR\" register:default=\"currency\">5<"), "{xml}");
    // What is wrong with the activity itself costs it nothing else.
    let wrong = activity("T-3", "RSD", &flow("", "2024-02-01", "7"))
        .replace("xml:lang=\"en\"", "xml:lang=\"fr\" humanitarian=\"perhaps\"");
    iati(&client, &wrong).await;
    let xml = anon.get("/v1/programmes.xml?q=T-3").await.expect(200).text();
    assert!(xml.contains("default-currency=\"RSD\" xml:lang=\"fr\"") && !xml.contains("humanitarian"), "{xml}");
    assert!(xml.contains("<value value-date=\"2024-02-01\">7<"), "{xml}");
    unchanged_by_its_own_files(&app).await;
}

#[actix_web::test]
async fn one_wrong_element_takes_no_right_one_with_it() {
    let app = TestApp::empty().await;
    let planned = |from: &str, to: &str, value: u32| {
        format!(
            "<planned-disbursement><period-start iso-date=\"{from}\"/><period-end iso-date=\"{to}\"/>
             <value value-date=\"{from}\">{value}</value></planned-disbursement>"
        )
    };
    let inside = [
        planned("2024-01-01", "2024-06-30", 1),
        planned("2024-06-30", "2024-01-01", 2),
        planned("2025-01-01", "2025-06-30", 3),
    ];
    iati(&app.town(), &activity("T-1", "EUR", &inside.concat())).await;
    let xml = app.anon().get("/v1/programmes.xml").await.expect(200).text();
    assert!(xml.contains("register:omitted=\"planned-disbursement\""), "{xml}");
    assert_eq!([1, 2, 3].map(|n| xml.contains(&format!("\">{n}</value>"))), [true, false, true], "{xml}");
    unchanged_by_its_own_files(&app).await;
    // A flow that breaks the schema is told by the register, beside the others as they came.
    let more = |kept: &str| flow("", "2024-02-01", "1").replace("</transaction>", &format!("{kept}</transaction>"));
    let right = "<flow-type code=\"10\"/>";
    let inside = [more(right), more("<flow-type/><flow-type/>"), more(right)].concat();
    iati(&app.town(), &activity("T-3", "EUR", &inside)).await;
    let xml = app.anon().get("/v1/programmes.xml?q=T-3").await.expect(200).text();
    let told = [right, "<flow-type/>", "<transaction ", "register:omitted=\"transaction\""];
    assert_eq!(told.map(|text| xml.matches(text).count()), [2, 0, 3, 1], "{xml}");
    unchanged_by_its_own_files(&app).await;
    // With one of them all lose what only all may say.
    let sector = "<sector vocabulary=\"1\" code=\"11220\"/>";
    let inside = [more(sector), more(&format!("{sector}<flow-type/><flow-type/>")), more(sector)].concat();
    let file = activity("T-4", "EUR", &inside).replace("<sector vocabulary=\"1\" code=\"11110\"/>", "");
    iati(&app.town(), &file).await;
    let xml = app.anon().get("/v1/programmes.xml?q=T-4").await.expect(200).text();
    let broken = app.town().send(app.town().request("POST", "/v1/validate?format=iati").body(xml.clone())).await.json();
    let is_error = |told: &&Value| told["severity"] == "error";
    let errors: Vec<&Value> = broken["warnings"].as_array().unwrap().iter().filter(is_error).collect();
    assert!(errors.is_empty() && xml.matches("<transaction ").count() == 3, "{errors:?} {xml}");
    unchanged_by_its_own_files(&app).await;
    // Of what the register says in part itself, what is right stays as well.
    let link = |url: &str, category: &str| {
        format!(
            "<document-link format=\"text/html\" url=\"{url}\"><title><narrative>D</narrative></title><category code=\"{category}\"/></document-link>"
        )
    };
    let related = |of_type: &str, to: &str| format!("<related-activity type=\"{of_type}\" ref=\"{to}\"/>");
    let date = "<activity-date type=\"3\" iso-date=\"2024-13-01\"/><activity-date type=\"4\" iso-date=\"2024-05-01\"/><activity-date type=\"1\" iso-date=\"2023-12-01\"><narrative>hoped</narrative></activity-date>";
    let inside = [
        link("https://a.example/1", "A02"),
        link("https://a.example/2", "no"),
        related("1", "T-1"),
        related("no", "T-9"),
        related("3", "T-8"),
        date.into(),
    ];
    let report = iati(&app.town(), &activity("T-2", "EUR", &inside.concat())).await;
    assert_eq!(counts(&report)[0], 1, "{report}");
    let xml = app.anon().get("/v1/programmes.xml?q=T-2").await.expect(200).text();
    let stays = [
        "<category code=\"A02\"/>",
        "https://a.example/2",
        "type=\"3\" ref=\"T-8\"",
        "<narrative>hoped</narrative>",
        "register:omitted=\"activity-date document-link related-activity\"",
    ];
    assert_eq!(stays.map(|text| xml.contains(text)), [true; 5], "{xml}");
    assert_eq!(xml.matches("2024-05-01").count(), 1, "what ended is not planned to: {xml}");
    assert!(!xml.contains("T-9") && !xml.contains("2024-13") && xml.matches("ref=\"T-1\"").count() == 1, "{xml}");
    unchanged_by_its_own_files(&app).await;
}

#[actix_web::test]
async fn who_was_merged_is_who_the_file_means() {
    let app = TestApp::empty().await;
    let (client, anon) = (app.town(), app.anon());
    let named = "<participating-org role=\"1\"><narrative>Nameless Fund</narrative></participating-org>
        <participating-org role=\"1\"><narrative> </narrative></participating-org>";
    iati(&client, &activity("T-1", "EUR", named)).await;
    let organisations = anon.get("/v1/organisations").await.expect(200).identifiers();
    assert_eq!(organisations.len(), 2, "an empty name is nobody's: {organisations:?}");
    let fund = organisations.iter().find(|name| name.contains("nameless")).unwrap();
    let target = json!({"name": {"en": "The Fund"}, "type": "other"});
    client.put("/v1/organisations/T-FUND", &target, &[]).await.expect(201);
    let into = json!({"into": "T-FUND"});
    client.post_with(&format!("/v1/organisations/{fund}/merge"), &into, &[("if-match", "*")]).await.expect(200);
    let report = iati(&client, &activity("T-1", "EUR", named)).await;
    assert_eq!(counts(&report)[3], 0, "{report}");
    assert_eq!(anon.get("/v1/programmes?organisation=T-FUND").await.expect(200).identifiers(), ["T-1"]);
    // Who gives there may receive here.
    let grant = json!({"id": "T-G", "title": "G", "description": "D", "currency": "GBP", "amountAwarded": 1, "awardDate": "2024-01-01",
        "recipientOrganization": [{"id": "T-FUND", "name": "F"}], "fundingOrganization": [{"id": "T-FUND", "name": "F"}]});
    let report = threesixty(&client, &grant).await;
    assert_eq!(counts(&report)[3], 0, "{report}");
    let recipient = anon.get("/v1/beneficiaries/T-FUND:beneficiary").await.expect(200).json();
    assert_eq!(recipient["organisation"], "T-FUND");
    assert_eq!(counts(&threesixty(&client, &grant).await), [0; 4]);
}

#[actix_web::test]
async fn files_of_the_register_change_nothing_in_it() {
    let app = TestApp::shipped().await;
    let client = app.town();
    let body = |kind: &str| json!({"kind": kind, "name": {"en": kind}});
    client.put("/v1/beneficiaries/T-A", &body("group"), &[]).await.expect(201);
    client.put("/v1/beneficiaries/T-B", &body("agency"), &[]).await.expect(201);
    client
        .put(
            "/v1/organisations/T-O",
            &json!({"name": {"en": "O"}, "type": "academic_training_and_research", "website": "https://o.example/", "identifiers": [{"scheme": "RS-PIB", "code": "1"}]}),
            &[],
        )
        .await
        .expect(201);
    for (n, value_date) in [None, Some("2011-03"), Some("2011-03-01"), Some("2012")].into_iter().enumerate() {
        let mut grant = make::grant("G");
        grant["start_date"] = json!(if n % 2 == 0 { "2011-03" } else { "2011-03-01" });
        // Without an end there is no period, and no budget of the standard.
        grant["end_date"] = if n < 3 { json!("2012-06") } else { Value::Null };
        grant["budget"] =
            json!({"amount": 1000, "currency": "EUR", "value_date": value_date, "exactness": "approximate"});
        grant["recipients"] = json!([{"beneficiary": "T-A", "role": "lead", "percentage": 60}, {"beneficiary": "T-B", "role": "partner", "percentage": 40}]);
        grant["funding"] = json!([{"organisation": "T-O", "kind": "eu", "percentage": 100}]);
        grant["organisations"] = json!([{"organisation": "T-O", "role": "funding"}]);
        grant["sectors"] =
            json!([{"vocabulary": "99", "code": "X", "percentage": 100}, {"code": "11110", "percentage": 100}]);
        client.put(&format!("/v1/grants/T-G{n}"), &grant, &[]).await.expect(201);
    }
    // Who receives as both has a share of each.
    let mut grant = make::grant("Both");
    grant["recipients"] = json!([{"beneficiary": "T-A", "role": "lead", "percentage": 60}, {"beneficiary": "T-A", "role": "partner", "percentage": 40}]);
    client.put("/v1/grants/T-G4", &grant, &[]).await.expect(201);
    // A promise for a day to come, and a value of no period, have no room in the standard.
    let promise = json!({"type": "outgoing_commitment", "date": "2099-01-01", "value": {"amount": 5, "currency": "EUR", "value_date": "2024"}, "grant": "T-G0"});
    client.put("/v1/transactions/T-G0:transaction-1", &promise, &[]).await.expect(201);
    let paid =
        json!({"type": "disbursement", "date": "2020-05", "value": {"amount": 5, "currency": "EUR"}, "grant": "T-G0"});
    client.put("/v1/transactions/T-G0:transaction-2", &paid, &[]).await.expect(201);
    for (id, date) in [("T-ALONE", "2020-05-01"), ("T-COMING", "2099")] {
        let flow = json!({"type": "disbursement", "date": date, "value": {"amount": 5, "currency": "EUR"}, "grant": "T-G0",
            "provider": {"programme": "AR-LNOB"}, "receiver": {"grant": "T-G1"}, "description": {"en": "second", "sr-Latn": "druga"}});
        client.put(&format!("/v1/transactions/{id}"), &flow, &[]).await.expect(201);
    }
    unchanged_by_its_own_files(&app).await;
    // Another register has the same of them.
    let other = TestApp::shipped().await;
    let client = other.town();
    for collection in ["organisations", "programmes", "grants"] {
        let xml = app.anon().get(&format!("/v1/{collection}.xml?publisher=town")).await.expect(200);
        iati(&client, &xml.text()).await;
    }
    for path in ["/v1/organisations/T-O", "/v1/grants/T-G0", "/v1/grants/T-G3", "/v1/transactions/T-G0:transaction-2"] {
        let [mine, theirs] =
            [app.anon().get(path).await.expect(200).json(), other.anon().get(path).await.expect(200).json()];
        for member in ["type", "identifiers", "website", "budget", "sectors", "value", "date", "start_date", "end_date"]
        {
            assert_eq!(mine[member], theirs[member], "{path} {member}");
        }
    }
}

#[actix_web::test]
async fn what_a_file_does_not_say_any_more_is_not_said() {
    let app = TestApp::empty().await;
    let (client, anon) = (app.town(), app.anon());
    let budget = "<budget><period-start iso-date=\"2024-01-01\"/><period-end iso-date=\"2024-12-31\"/><value value-date=\"2024-01-01\">500</value></budget>";
    let location =
        "<recipient-country code=\"RS\"/><location ref=\"RS\"><name><narrative>Rudno</narrative></name></location>";
    let country = json!({"kind": "country", "name": {"en": "Serbia"}, "country": "RS"});
    app.admin().put("/v1/publishers/aggregator", &json!({"name": "A", "prefixes": [""]}), &[]).await.expect(201);
    app.admin().put("/v1/locations/RS", &country, &[]).await.expect(201);
    let report = iati(&client, &activity("T-1", "EUR", &format!("{budget}{location}"))).await;
    // How its publisher calls a place is no name that it has here.
    let programme = anon.get("/v1/programmes/T-1").await.expect(200).json();
    assert_eq!(
        (&programme["places"][0]["location"], programme["budget"]["amount"].to_string()),
        (&json!("T-1:location-rudno"), "500.00".into()),
        "{report}"
    );
    iati(&client, &activity("T-1", "EUR", location)).await;
    assert_eq!(anon.get("/v1/programmes/T-1").await.expect(200).json()["budget"], Value::Null);
    // A budget that did not come from a file stays.
    client.patch("/v1/programmes/T-1", &json!({"budget": {"amount": 3, "currency": "EUR"}}), &PATCH).await.expect(200);
    iati(&client, &activity("T-1", "EUR", location)).await;
    assert_eq!(anon.get("/v1/programmes/T-1").await.expect(200).json()["budget"]["amount"].to_string(), "3.00");
    // What stands twice is the first; what follows the end is no file.
    let (one, two) = (
        activity("T-2", "EUR", &flow("", "2024-01-01", "1")),
        activity("T-2", "EUR", &flow("", "2024-01-01", "9").repeat(2)),
    );
    let both = one.replace("</iati-activities>", "") + two.split_once('>').unwrap().1;
    let report = iati(&client, &both).await;
    assert_eq!(
        (report["errors"][0]["code"].as_str(), sum(&anon, "transactions?type=disbursement").await),
        (Some("duplicate"), 1.into()),
        "{report}"
    );
    // Of what cannot be read to its end nobody knows what it says.
    let cut = |body: &str, format: &str| (body[..body.len() - 9].to_owned(), format.to_owned());
    let grants = r#"{"grants": [{"id": "T-G", "title": "G", "description": "D"}], "more": "more"}"#;
    for (body, query) in [
        (format!("{one}{two}"), "format=iati".to_owned()),
        cut(&activity("T-9", "EUR", ""), "format=iati"),
        cut(grants, "format=360giving"),
        (
            "identifier,kind,name_en\nT-P,group,P\nT-Q,group,\"Q\n".to_owned(),
            "format=csv&collection=beneficiaries".to_owned(),
        ),
    ] {
        let query = format!("mode=independent&confirm=true&{query}");
        let report = send(&client, &query, body, &[]).await.expect(400).json();
        assert_eq!(report["errors"].as_array().unwrap().len(), 1, "{query} {report}");
    }
    for path in ["programmes/T-9", "grants/T-G", "beneficiaries/T-P"] {
        anon.get(&format!("/v1/{path}")).await.expect(404);
    }
}
