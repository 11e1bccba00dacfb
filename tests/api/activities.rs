//! Whom and what activities of IATI name, and how they stand to one another.

use serde_json::{Value, json};

use crate::deliveries::{PATCH, activity, counts, flow, iati, unchanged_by_its_own_files};
use crate::support::{Client, TestApp};

/// The first thing of a collection that is found under a name.
async fn found(client: &Client, collection: &str, name: &str) -> Vec<String> {
    client.get(&format!("/v1/search?q={name}&collection={collection}")).await.expect(200).identifiers()
}

/// An activity that somebody else reports.
fn reported(activity: &str, by: &str) -> String {
    let (from, to) = (activity.find("<reporting-org").unwrap(), activity.find("</reporting-org>").unwrap());
    activity.replace(&activity[from..to + "</reporting-org>".len()], by)
}

/// One file of several.
fn together(files: &[String]) -> String {
    let parts = |file: &String| (file.find("<iati-activity ").unwrap(), file.find("</iati-activities>").unwrap());
    let all: String = files.iter().map(|file| &file[parts(file).0..parts(file).1]).collect();
    format!("{}{all}</iati-activities>", &files[0][..parts(&files[0]).0])
}

#[actix_web::test]
async fn a_body_is_called_as_it_calls_itself() {
    let app = TestApp::empty().await;
    let (client, anon) = (app.town(), app.anon());
    let who = |end: &str, reference: &str, name: &str| {
        format!("<{end} ref=\"{reference}\" type=\"10\"><narrative>{name}</narrative></{end}>")
    };
    let paid = |reference: &str, name: &str| {
        let provider = who("provider-org", reference, name);
        activity(
            "T-1",
            "EUR",
            &flow("", "2024-02-01", "1").replace("</transaction>", &format!("{provider}</transaction>")),
        )
    };
    let own = |name: &str| reported(&activity("T-2", "EUR", ""), &who("reporting-org", "US-GOV-1", name));
    let name = async || anon.get("/v1/organisations/T-org-US-GOV-1").await.expect(200).json()["name"]["en"].clone();
    assert_eq!(counts(&iati(&client, &paid("US-GOV-1", "Children Fund")).await)[3], 0);
    assert_eq!(name().await, "Children Fund");
    // What it says itself is better than hearsay, once: afterwards both files change nothing.
    let report = iati(&client, &own("Development Agency")).await;
    assert_eq!((counts(&report)[3], name().await), (0, json!("Development Agency")), "{report}");
    for file in [paid("US-GOV-1", "Children Fund"), own("Development Agency"), own("Agency")] {
        let report = iati(&client, &file).await;
        assert_eq!((counts(&report)[0], name().await), (0, json!("Development Agency")), "{report}");
    }
    unchanged_by_its_own_files(&app).await;
    // Who came in by its own report is no hearsay either, whichever of its names comes next.
    for reporter in ["First", "Second", "First"] {
        let file = activity(&format!("T-{reporter}"), "EUR", "");
        let takes_part =
            "<participating-org role=\"2\" ref=\"US-GOV-2\"><narrative>Part</narrative></participating-org>";
        let file = file.replace("<recipient-country", &format!("{takes_part}<recipient-country"));
        iati(&client, &reported(&file, &who("reporting-org", "US-GOV-2", reporter))).await;
        let is = anon.get("/v1/organisations/T-org-US-GOV-2").await.expect(200).json()["name"]["en"].clone();
        assert_eq!(is, "First");
    }
    // What somebody wrote here is no hearsay.
    let written =
        json!({"name": {"en": "Ours"}, "type": "other", "identifiers": [{"scheme": "XM-DAC", "code": "41122"}]});
    client.put("/v1/organisations/T-UN", &written, &[]).await.expect(201);
    let report = iati(&client, &reported(&own(""), &who("reporting-org", "XM-DAC-41122", "Theirs"))).await;
    assert_eq!(counts(&report)[3], 0, "{report}");
    assert_eq!(anon.get("/v1/organisations/T-UN").await.expect(200).json()["name"]["en"], "Ours");
}

#[actix_web::test]
async fn who_reports_in_a_file_is_known_by_what_it_calls_itself() {
    let app = TestApp::empty().await;
    // References of no list, which would otherwise say nothing.
    let files = [("T-1", "oxfam", "careuk"), ("T-2", "careuk", "oxfam")].map(|(name, by, other)| {
        let takes_part = format!(
            "<participating-org role=\"1\" ref=\"{other}\"><narrative>Somebody</narrative></participating-org>"
        );
        let by = format!("<reporting-org ref=\"{by}\" type=\"21\"><narrative>{by} in full</narrative></reporting-org>");
        reported(&activity(name, "EUR", &takes_part), &by)
    });
    let whole = together(&files);
    let report = iati(&app.town(), &whole).await;
    assert_eq!(counts(&report)[3], 0, "{report}");
    let mut all = app.anon().get("/v1/organisations?q=full").await.expect(200).identifiers();
    all.sort();
    assert_eq!(all, ["T-org-careuk", "T-org-oxfam"]);
    assert_eq!(counts(&iati(&app.town(), &whole).await), [0; 4]);
    unchanged_by_its_own_files(&app).await;
}

#[actix_web::test]
async fn texts_without_a_language_go_out_with_the_one_that_is_assumed() {
    let app = TestApp::empty().await;
    let file = activity("T-1", "EUR", &flow("", "2024-02-01", "1")).replace(" xml:lang=\"en\"", "");
    let report = iati(&app.town(), &file).await;
    let broken: Vec<&Value> = report["warnings"].as_array().unwrap().iter().map(|told| &told["rule"]).collect();
    assert_eq!((counts(&report)[3], broken.contains(&&json!("4.1.1"))), (0, true), "{report}");
    let xml = app.anon().get("/v1/programmes.xml").await.expect(200).text();
    assert_eq!(
        (xml.matches("xml:lang=\"en\"").count(), xml.matches("default-currency=\"EUR\"").count()),
        (1, 1),
        "{xml}"
    );
    let request = app.town().request("POST", "/v1/validate?format=iati").body(xml);
    let validated = app.town().send(request).await.expect(200).json();
    let is_broken = |told: &Value| told["rule"] == "4.1.1";
    assert!(!validated["warnings"].as_array().unwrap().iter().any(is_broken), "{validated}");
    unchanged_by_its_own_files(&app).await;
}

#[actix_web::test]
async fn a_body_is_one_however_its_code_is_spelt() {
    let app = TestApp::empty().await;
    let client = app.town();
    let town = json!({"name": {"en": "Town hall"}, "type": "local_government"});
    client.put("/v1/organisations/T-Town", &town, &[]).await.expect(201);
    let paid = |end: &str, reference: &str, name: &str| {
        let who = format!("<{end} ref=\"{reference}\"><narrative>{name}</narrative></{end}></transaction>");
        flow("", "2024-02-01", "1").replace("</transaction>", &who)
    };
    let inside = [
        paid("provider-org", "41140", "Food Programme"),
        paid("provider-org", "XM-DAC-41140", "Food Programme"),
        paid("provider-org", "41AAA", "Project Services"),
        paid("provider-org", "NOT-APPLICABLE", "Alpha"),
        paid("provider-org", "NOT-APPLICABLE", "Beta"),
        // Who reports is meant by its name too, and where nobody is named.
        paid("provider-org", "22000", "town"),
        flow("", "2024-02-01", "1"),
        // It looks like one of many, and is an identifier here.
        paid("provider-org", "T-Town", "Whoever"),
        // So does this, and is the publisher's to give.
        paid("provider-org", "T-Road-works", "Road Works"),
        // It names itself otherwise in another activity.
        paid("provider-org", "US-GOV-1", "Children Fund"),
    ];
    let first = activity("T-1", "EUR", &inside.concat());
    let own = "<reporting-org ref=\"US-GOV-1\" type=\"10\"><narrative>Development Agency</narrative></reporting-org>";
    let named = [paid("provider-org", "US-GOV-1", "Children Fund"), paid("provider-org", "NOT-APPLICABLE", "Gamma")];
    let second = reported(&activity("T-2", "EUR", &named.concat()), own);
    let whole = together(&[first, second]);
    let report = iati(&client, &whole).await;
    assert_eq!(counts(&report)[3], 0, "{report} {whole}");
    let anon = app.anon();
    assert_eq!(found(&anon, "organisations", "Food+Programme").await, ["T-org-XM-DAC-41140"]);
    assert_eq!(found(&anon, "organisations", "Project+Services").await, ["T-org-XM-DAC-41AAA"]);
    assert_eq!(found(&anon, "organisations", "Development+Agency").await, ["T-org-US-GOV-1"]);
    assert_eq!(found(&anon, "organisations", "Road+Works").await, ["T-Road-works"]);
    assert_eq!(anon.get("/v1/transactions?provider=T-TOWN").await.expect(200).identifiers().len(), 2);
    for one in ["Alpha", "Beta", "Gamma"] {
        assert_eq!(found(&anon, "organisations", one).await.len(), 1, "{one}");
    }
    for nobody in ["Whoever", "Children+Fund"] {
        assert_eq!(found(&anon, "organisations", nobody).await, Vec::<String>::new(), "{nobody}");
    }
    assert_eq!(anon.get("/v1/transactions?provider=T-Town").await.expect(200).identifiers().len(), 1);
    assert_eq!(counts(&iati(&client, &whole).await), [0; 4]);
    unchanged_by_its_own_files(&app).await;
}

#[actix_web::test]
async fn documents_stay_as_they_are_beside_a_wrong_one() {
    let app = TestApp::empty().await;
    let document = |url: &str, titles: &[(&str, &str)], category: &str| {
        let of = |(language, title): &(&str, &str)| format!("<narrative xml:lang=\"{language}\">{title}</narrative>");
        let titles: String = titles.iter().map(of).collect();
        format!("<document-link format=\"text/html\" url=\"{url}\"><title>{titles}</title>{category}</document-link>")
    };
    let category = "<category code=\"A12\"/>";
    let inside = [
        document("http://example.org/1", &[("fr", "Un"), ("en", "One")], category),
        document("http://example.org/2", &[("en", "Two")], ""),
        document("http://example.org/1", &[("en", "Three"), ("en", "and more")], category),
    ];
    let report = iati(&app.town(), &activity("T-1", "EUR", &inside.concat())).await;
    assert_eq!(counts(&report)[3], 0, "{report}");
    unchanged_by_its_own_files(&app).await;
    let xml = app.anon().get("/v1/programmes.xml").await.expect(200).text();
    assert_eq!(xml.matches("<document-link").count(), 3, "{xml}");
}

#[actix_web::test]
async fn circles_of_several_files_come_in_without_the_last() {
    let app = TestApp::empty().await;
    let (client, anon) = (app.town(), app.anon());
    let of =
        |name: &str, above: &str| activity(name, "EUR", &format!("<related-activity type=\"1\" ref=\"{above}\"/>"));
    for (name, above) in [("T-1", "T-2"), ("T-2", "T-3"), ("T-3", "T-1"), ("T-1", "T-2"), ("T-2", "T-3")] {
        let report = iati(&client, &of(name, above)).await;
        assert_eq!(counts(&report)[3], 0, "{name}: {report}");
    }
    // When it came first there was nothing above it, and later it would have gone round.
    let above = async |client: &Client| {
        let all = client.get("/v1/programmes?fields=parent").await.expect(200).json();
        all["data"].as_array().unwrap().iter().map(|one| one["parent"].clone()).collect::<Vec<Value>>()
    };
    let expected = above(&anon).await;
    assert_eq!(expected.iter().filter(|parent| parent.is_null()).count(), 1, "{expected:?}");
    unchanged_by_its_own_files(&app).await;
    let elsewhere = TestApp::empty().await;
    let xml = anon.get("/v1/programmes.xml").await.expect(200).text();
    let report = iati(&elsewhere.town(), &xml).await;
    assert_eq!((counts(&report)[3], above(&elsewhere.anon()).await), (0, expected), "{report}");
}

#[actix_web::test]
async fn numbers_of_what_is_measured_in_words_go_out_and_come_back() {
    let app = TestApp::empty().await;
    let words = "<comment><narrative>good</narrative></comment>";
    let result = format!(
        "<result type=\"1\"><title><narrative>R</narrative></title><indicator measure=\"5\"><title><narrative>I</narrative></title>
         <baseline year=\"2023\" value=\"2\"/>
         <period><period-start iso-date=\"2024-01-01\"/><period-end iso-date=\"2024-12-31\"/>
         <target value=\"3\">{words}</target><actual>{words}</actual></period></indicator></result>"
    );
    let report = iati(&app.town(), &activity("T-1", "EUR", &result)).await;
    assert_eq!(counts(&report)[3], 0, "{report}");
    let renamed = json!({"title": {"en": "Other"}});
    app.town().patch("/v1/indicators/T-1:indicator-1-1", &renamed, &PATCH).await.expect(200);
    unchanged_by_its_own_files(&app).await;
    let values = async |client: &Client| {
        let all = client.get("/v1/observations?fields=value,value_text,note,end_date").await.expect(200).json();
        all["data"].clone()
    };
    let elsewhere = TestApp::empty().await;
    let xml = app.anon().get("/v1/programmes.xml").await.expect(200).text();
    assert!(!xml.contains("value=\"3\""), "the standard has no room for it: {xml}");
    let report = iati(&elsewhere.town(), &xml).await;
    assert_eq!((counts(&report)[3], values(&elsewhere.anon()).await), (0, values(&app.anon()).await), "{report}");
    // Beside words a note has no room.
    let note = json!({"note": {"en": "by the assembly"}});
    app.town().patch("/v1/observations/T-1:indicator-1-1:actual-1-1", &note, &PATCH).await.expect(200);
    let xml = app.anon().get("/v1/programmes.xml").await.expect(200).text();
    assert!(
        xml.split("</actual>")
            .all(|actual| actual.rsplit("<actual").next().is_some_and(|one| one.matches("<comment").count() < 2)),
        "{xml}"
    );
    assert!(!xml.contains("by the assembly"), "{xml}");
    unchanged_by_its_own_files(&app).await;
}

#[actix_web::test]
async fn activities_that_go_round_in_a_circle_come_in_without() {
    let app = TestApp::empty().await;
    let related = |to: &str| format!("<related-activity type=\"1\" ref=\"{to}\"/>");
    let all = [("T-1", "T-2"), ("T-2", "T-3"), ("T-3", "T-1"), ("T-4", "T-1")]
        .map(|(name, above)| activity(name, "EUR", &related(above)));
    let report = iati(&app.town(), &together(&all)).await;
    let told = report["warnings"].as_array().unwrap().iter().filter(|told| told["code"] == "circle").count();
    assert_eq!((counts(&report)[3], told), (0, 3), "{report}");
    assert_eq!(app.anon().get("/v1/programmes?parent=T-1").await.expect(200).identifiers(), ["T-4"]);
    unchanged_by_its_own_files(&app).await;
    let xml = app.anon().get("/v1/programmes.xml").await.expect(200).text();
    assert_eq!(xml.matches("<related-activity type=\"1\"").count(), 4, "what they say is kept: {xml}");
}

#[actix_web::test]
async fn what_stands_alone_is_there_and_what_stands_for_many_is_not_one() {
    let app = TestApp::empty().await;
    let (client, anon) = (app.town(), app.anon());
    let paid = |to: &str| {
        flow("", "2024-02-01", "1").replace(
            "</transaction>",
            &format!("<receiver-org ref=\"22000\"><narrative>{to}</narrative></receiver-org></transaction>"),
        )
    };
    let period = |values: &str| {
        format!(
            "<result type=\"1\"><title><narrative>R</narrative></title><indicator measure=\"1\"><title><narrative>I</narrative></title>
             <period><period-start iso-date=\" 2024-01-01 \"/><period-end iso-date=\"2024-12-31\"/>{values}</period></indicator></result>"
        )
    };
    let inside = [
        paid("Alpha"),
        paid("Beta"),
        period("<target value=\"10\"/>"),
        period("<actual><comment><narrative>most</narrative></comment></actual>"),
    ];
    let whole = activity("T-1", "EUR", &inside.concat());
    let report = iati(&client, &whole).await;
    assert_eq!(counts(&report)[3], 0, "{report}");
    let observations = anon.get("/v1/observations").await.expect(200).json();
    let told: Vec<(&Value, &Value)> =
        observations["data"].as_array().unwrap().iter().map(|one| (&one["value"], &one["value_text"])).collect();
    assert_eq!(told, [(&json!(10), &Value::Null), (&Value::Null, &json!({"en": "most"}))], "{observations}");
    let who: Vec<String> =
        ["Alpha", "Beta"].map(|name| format!("/v1/search?q={name}&collection=organisations,beneficiaries")).into();
    for address in who {
        assert_eq!(anon.get(&address).await.expect(200).identifiers().len(), 1, "{address}");
    }
    assert_eq!(counts(&iati(&client, &whole).await), [0; 4]);
    unchanged_by_its_own_files(&app).await;
}

#[actix_web::test]
async fn what_breaks_a_rule_does_not_take_along_what_keeps_it() {
    let app = TestApp::empty().await;
    let (client, anon) = (app.town(), app.anon());
    let country = json!({"kind": "country", "name": {"en": "Serbia"}, "country": "RS"});
    app.admin().put("/v1/publishers/aggregator", &json!({"name": "A", "prefixes": [""]}), &[]).await.expect(201);
    app.admin().put("/v1/locations/RS", &country, &[]).await.expect(201);
    let place = |name: &str| format!("<location><name><narrative>{name}</narrative></name></location>");
    let zones = format!("<recipient-country code=\"RS\"/>{}", ["Zone", "Zone", "Zone 2"].map(place).concat());
    let report = iati(&client, &activity("T-1", "EUR", &zones)).await;
    assert_eq!(counts(&report)[3], 0, "{report}");
    let places = anon.get("/v1/programmes/T-1").await.expect(200).json()["places"].clone();
    let named = ["zone", "zone-3", "zone-2"].map(|name| json!(format!("T-1:location-{name}")));
    let found: Vec<&Value> = places.as_array().unwrap().iter().map(|place| &place["location"]).collect();
    assert_eq!(found, named.iter().collect::<Vec<_>>());
    // An amount without a currency, in an activity without one.
    let planned = "<planned-disbursement><period-start iso-date=\"2027-01-01\"/><value value-date=\"2027-01-01\">5</value></planned-disbursement>";
    let file = activity("T-2", "EUR", planned).replace(" default-currency=\"EUR\"", "");
    assert_eq!(counts(&iati(&client, &file).await)[3], 0);
    // A start that is still to come, said as actual beside a planned one.
    let dates =
        "<activity-date type=\"1\" iso-date=\"2016-01-01\"/><activity-date type=\"2\" iso-date=\"2131-01-01\"/>";
    let whole = activity("T-3", "EUR", "");
    let (before, after) = whole.split_once("<recipient-country").unwrap();
    let start = before.find("<activity-date").unwrap_or(before.len());
    let file = format!("{}{dates}<recipient-country{after}", &before[..start]);
    iati(&client, &file).await;
    let xml = anon.get("/v1/programmes.xml").await.expect(200).text();
    let report =
        client.send(client.request("POST", "/v1/validate?format=iati").body(xml.clone())).await.expect(200).json();
    let found = report["warnings"].as_array().unwrap();
    assert!(!found.iter().any(|one| one["severity"] == "error"), "{report} {xml}");
    assert!(xml.contains(" 2131-01-01") || xml.contains("\"2131-01-01\""), "{xml}");
    assert!(!xml.contains("register:assumed"), "{xml}");
    unchanged_by_its_own_files(&app).await;
    // Which way is better is not said any more.
    let measured = |ascending: &str| {
        format!(
            "<result type=\"1\"><title><narrative>R</narrative></title><indicator measure=\"1\"{ascending}>
               <title><narrative>I</narrative></title></indicator></result>"
        )
    };
    let direction = async |ascending: &str| {
        iati(&client, &activity("T-4", "EUR", &measured(ascending))).await;
        anon.get("/v1/indicators/T-4:indicator-1-1").await.expect(200).json()["direction"].clone()
    };
    assert_eq!(direction(" ascending=\"1\"").await, "increase");
    assert_eq!(direction("").await, Value::Null);
    unchanged_by_its_own_files(&app).await;
}

#[actix_web::test]
async fn who_is_known_by_name_is_whom_the_publisher_of_the_activity_named() {
    let app = TestApp::empty().await;
    let by_role =
        |role| format!("<participating-org role=\"{role}\"><narrative>Some Body</narrative></participating-org>");
    let takes_part = ["1", "4"].map(by_role).concat();
    let files = ["T-1", "C-1"].map(|name| {
        let file = activity(name, "EUR", "");
        file.replace("<activity-status", &format!("{takes_part}<activity-status"))
    });
    for (publisher, file) in ["town", "city"].iter().zip(&files) {
        let client = app.client(publisher, "programmes:write grants:write organisations:write beneficiaries:write");
        let report = iati(&client, file).await;
        assert_eq!(counts(&report)[3], 0, "{report}");
    }
    for collection in ["organisations", "beneficiaries"] {
        let bodies = app.anon().get(&format!("/v1/{collection}?q=Some+Body")).await.expect(200).identifiers();
        assert_eq!(bodies.len(), 2, "{bodies:?}");
    }
    // Whoever brings both leaves each with its own.
    let report = iati(&app.admin(), &together(&files)).await;
    assert_eq!(counts(&report), [0; 4], "{report}");
}
