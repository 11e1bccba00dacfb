//! What others publish comes in whole, comes in once, and goes out as it came.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use diesel::sql_types::{Array, Text};
use diesel::{QueryableByName, sql_query};
use diesel_async::RunQueryDsl;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::iati::held;
use crate::imports::{finished, send};
use crate::reference;
use crate::support::{Client, TestApp};

/// All collections that files of IATI have something for.
const SCOPES: &str = "programmes:write grants:write transactions:write organisations:write beneficiaries:write \
    indicators:write observations:write locations:write";
/// What of the files is refused, and why; docs/MAPPING.md has the same table.
const REFUSED: [(&str, &[&str]); 1] = [("dp-unicef-kosovo.xml", &["required"])];
/// Types of flows of IATI 1.0x.
const OLD: [(&str, &str); 4] = [("IF", "1"), ("C", "2"), ("D", "3"), ("E", "4")];

/// A client for a publisher with every prefix.
pub async fn aggregator(app: &TestApp) -> Client {
    let publisher = json!({"name": "An aggregator", "prefixes": [""]});
    app.admin().put("/v1/publishers/aggregator", &publisher, &[]).await.expect(201);
    app.client("aggregator", SCOPES)
}

/// Imports a body, waiting until it is done; gives the report.
pub async fn import(client: &Client, query: &str, body: Vec<u8>) -> Value {
    let answer = send(client, &format!("mode=independent&confirm=true&{query}"), body, &[]).await;
    let report = if answer.status == 202 { finished(client, &answer).await } else { answer.json() };
    assert_eq!(report["status"], "completed", "{report}");
    report
}

fn codes(report: &Value) -> Vec<&str> {
    report["errors"].as_array().unwrap().iter().map(|fault| fault["code"].as_str().unwrap()).collect()
}

/// The real files, by name.
fn files() -> Vec<(String, PathBuf)> {
    let listed = reference::table("iati-files/MANIFEST.csv");
    listed
        .into_iter()
        .map(|row| (row["file"].clone(), reference::file(&format!("iati-files/{}", row["file"]))))
        .collect()
}

/// What flows of files add up to, read without the register.
fn sums(files: &[PathBuf]) -> Value {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut command = Command::new(root.join("target/tools/python/bin/python"));
    let output = command.arg(root.join("tests/iati.py")).arg("sums").args(files).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[derive(QueryableByName)]
struct Sum {
    #[diesel(sql_type = Text)]
    key: String,
    #[diesel(sql_type = Text)]
    sum: String,
}

/// What the register's flows of activities add up to, by the code of their type and their currency.
async fn registered(app: &TestApp, activities: &[String]) -> BTreeMap<String, Decimal> {
    let sums: Vec<Sum> = sql_query(
        "SELECT type || ' ' || currency AS key, sum(amount)::text AS sum FROM transactions
         WHERE coalesce(grant_id, programme) = ANY($1) GROUP BY type, currency",
    )
    .bind::<Array<Text>, _>(activities)
    .load(&mut app.connection().await)
    .await
    .unwrap();
    sums.into_iter().map(|row| (row.key, row.sum.parse().unwrap())).collect()
}

/// The name of a type of flows in the register.
fn type_of(code: &str) -> String {
    let code = OLD.iter().find(|(old, _)| *old == code).map_or(code, |(_, new)| new);
    let list = aid_register::codelists::find("TransactionType").unwrap();
    list.code(code).unwrap().value.clone().unwrap()
}

#[actix_web::test]
#[cfg_attr(any(no_python_tools, no_reference), ignore = "lxml or the files are missing: run tests/tools.sh")]
async fn real_files_come_in_once_and_whole() {
    let app = TestApp::shipped().await;
    let client = aggregator(&app).await;
    let files = files();
    assert_eq!(files.len(), 38);
    let told = sums(&files.iter().map(|(_, path)| path.clone()).collect::<Vec<_>>());
    for (name, path) in &files {
        let report = import(&client, "format=iati", std::fs::read(path).unwrap()).await;
        let refused = REFUSED.iter().find(|(file, _)| file == name).map_or(&[][..], |(_, codes)| codes);
        assert_eq!(codes(&report), refused, "{name}: {report}");
        let told = &told[path.to_str().unwrap()];
        let activities: Vec<String> = serde_json::from_value(told["activities"].clone()).unwrap();
        let activities: Vec<String> = activities.iter().map(|name| name.replace(' ', "%20")).collect();
        let found = registered(&app, &activities).await;
        let mut expected: BTreeMap<String, Decimal> = BTreeMap::new();
        for (key, sum) in told["sums"].as_object().unwrap() {
            let (code, currency) = key.split_once(' ').unwrap();
            *expected.entry(format!("{} {currency}", type_of(code))).or_default() +=
                sum.as_str().unwrap().parse::<Decimal>().unwrap();
        }
        assert_eq!(found.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>(), "{name}");
        for (key, sum) in &expected {
            // Amounts that are finer than a hundredth of a cent are rounded to that, and told.
            assert!((found[key] - sum).abs() < Decimal::new(1, 2), "{name} {key}: {} is not {sum}", found[key]);
        }
    }
    for (name, path) in &files {
        let counts = import(&client, "format=iati", std::fs::read(path).unwrap()).await["counts"].clone();
        let changes = ["created", "updated", "deleted"].map(|change| counts[change].as_i64().unwrap());
        assert_eq!(changes, [0, 0, 0], "{name}: {counts}");
    }
    // What no address could name has a name here, and its own in exports.
    let name = "XM-DAC-41122-Kosovo (UN SC resolution 1244)-8971/A0/05/001/003";
    let own = name.replace(' ', "%20");
    let address = format!("/v1/programmes.xml?identifier={}", own.replace('%', "%25"));
    let xml = app.anon().get(&address).await.expect(200).text();
    assert!(xml.contains(&format!("<iati-identifier>{name}</iati-identifier>")), "{xml}");
    // What went in comes out, by the standard's rules, and changes nothing when it is sent again.
    let folder = tempfile::tempdir().unwrap();
    for collection in ["programmes", "grants", "organisations"] {
        let path = folder.path().join(collection);
        let answer = app.anon().get(&format!("/v1/{collection}.xml")).await.expect(200);
        std::fs::write(&path, &answer.body).unwrap();
        let told = held(std::slice::from_ref(&path));
        assert_eq!(told[path.to_str().unwrap()]["faults"], json!([]));
        let report = import(&client, "format=iati", answer.body.to_vec()).await;
        let counts = &report["counts"];
        let changes = ["created", "updated", "deleted"].map(|change| counts[change].as_i64().unwrap());
        assert_eq!(changes, [0, 0, 0], "{collection}: {counts}");
        // The shipped records are another publisher's.
        assert!(codes(&report).iter().all(|code| *code == "prefix_foreign"), "{:?}", codes(&report));
    }
}

#[actix_web::test]
#[cfg_attr(no_reference, ignore = "the files are missing")]
async fn grants_of_real_funders_come_in_and_go_out() {
    let app = TestApp::shipped().await;
    let client = aggregator(&app).await;
    let funders = [
        "andrew-lloyd-webber-foundation.json",
        "esmee-fairbairn-grantnav-5.json",
        "wolfson-foundation-a002400000KeYdsAAF.json",
    ];
    let read = |name: &str| std::fs::read(reference::file(&format!("360giving-files/{name}"))).unwrap();
    let mut expected = Decimal::ZERO;
    for name in funders {
        let report = import(&client, "format=360giving", read(name)).await;
        assert_eq!(codes(&report), [""; 0], "{name}");
        let package: Value = serde_json::from_slice(&read(name)).unwrap();
        let amounts = package["grants"].as_array().unwrap().iter().map(|grant| grant["amountAwarded"].to_string());
        expected += amounts.map(|amount| amount.parse::<Decimal>().unwrap().round_dp(4)).sum::<Decimal>();
    }
    let total = app.anon().get("/v1/totals/grants?original_currency=GBP").await.expect(200).json();
    assert_eq!(total["meta"]["total"][0]["sum"].to_string().parse::<Decimal>().unwrap(), expected);
    // The same as a workbook; what its converter made of a line end differs.
    let report = import(&client, "format=360giving", read("andrew-lloyd-webber-foundation.xlsx")).await;
    assert_eq!((&report["counts"]["created"], &report["counts"]["updated"]), (&json!(0), &json!(1)));
    import(&client, "format=360giving", read(funders[0])).await;
    let package = app.anon().get("/v1/grants.360giving").await.expect(200);
    let faults = crate::threesixty::faults(&package.json());
    assert!(faults.is_empty(), "{faults:#?}");
    let counts = import(&client, "format=360giving", package.body.to_vec()).await["counts"].clone();
    assert_eq!((&counts["created"], &counts["updated"]), (&json!(0), &json!(0)), "{counts}");
}

/// An activity with this in it.
pub fn file(inside: &str) -> String {
    format!(
        "<iati-activities version=\"2.03\"><iati-activity default-currency=\"EUR\" xml:lang=\"en\">
         <iati-identifier>T-1</iati-identifier><reporting-org ref=\"T-TOWN\" type=\"11\"><narrative>Town</narrative></reporting-org>
         <title><narrative>A roof</narrative></title><description><narrative>of tiles</narrative></description>
         <participating-org role=\"1\" ref=\"XM-DAC-41114\"><narrative>UNDP</narrative></participating-org>
         <activity-status code=\"2\"/><activity-date type=\"2\" iso-date=\"2024-01-01\"/>{inside}</iati-activity></iati-activities>"
    )
}

fn flow(n: u32, value: &str) -> String {
    format!(
        "<transaction ref=\"{n}\"><transaction-type code=\"3\"/><transaction-date iso-date=\"2024-02-0{n}\"/>
         <value value-date=\"2024-02-01\">{value}</value><aid-type code=\"C01\"/></transaction>"
    )
}

#[actix_web::test]
async fn what_is_wrong_is_told_and_the_rest_goes_in() {
    let app = TestApp::empty().await;
    let client = app.town();
    let contact = "<contact-info><email>a@example.org</email></contact-info>";
    let report =
        import(&client, "format=iati", file(&format!("{contact}{}{}", flow(1, "10.50"), flow(2, "ten"))).into()).await;
    let told: Vec<Value> = report["errors"].as_array().unwrap().clone();
    assert_eq!(told.len(), 1, "{report}");
    assert_eq!((&told[0]["code"], &told[0]["identifier"]), (&json!("number_invalid"), &json!("T-1:transaction:2")));
    assert!(told[0]["row"].as_i64().unwrap() > 1);
    assert_eq!(report["kept"], json!({"contact-info": 1, "reporting-org": 1, "transaction/aid-type": 2}));
    let anon = app.anon();
    // Who is named and not known becomes an organisation under the publisher's own prefix, with its code.
    let programme = anon.get("/v1/programmes/T-1").await.expect(200).json();
    let organisation = programme["organisations"][0]["organisation"].as_str().unwrap().to_owned();
    assert_eq!(organisation, "T-org-XM-DAC-41114");
    assert_eq!(anon.get("/v1/organisations?code=41114").await.expect(200).identifiers(), [organisation]);
    assert_eq!(
        anon.get("/v1/transactions/T-1:transaction:1").await.expect(200).json()["value"]["amount"].to_string(),
        "10.50"
    );
    // What is gone from the file goes; what is wrong in it stays as it was.
    let report = import(&client, "format=iati", file(&format!("{contact}{}", flow(2, "20"))).into()).await;
    assert_eq!((&report["counts"]["created"], &report["counts"]["deleted"]), (&json!(1), &json!(1)), "{report}");
    let report = import(&client, "format=iati", file(&format!("{contact}{}", flow(2, "x"))).into()).await;
    assert_eq!((&report["counts"]["refused"], &report["counts"]["deleted"]), (&json!(1), &json!(0)), "{report}");
    anon.get("/v1/transactions/T-1:transaction:2").await.expect(200);
    // An activity that lacks what the standard wants of it comes in all the same.
    let budget = "<budget><period-start iso-date=\"2024-01-01\"/><period-end iso-date=\"2024-12-31\"/><value value-date=\"soon\">7</value></budget>";
    let poor = file(&format!("{budget}{}", flow(1, "5"))).replace("T-1<", "T-2<");
    let poor = poor.replace("A roof", " ").replace("<activity-status code=\"2\"/>", "<activity-status code=\"7\"/>");
    let report = import(&client, "format=iati", poor.into()).await;
    let told: Vec<&Value> = report["warnings"].as_array().unwrap().iter().map(|told| &told["code"]).collect();
    for code in ["title_missing", "status_unclear", "date_unclear"] {
        assert!(told.contains(&&json!(code)), "{code}: {report}");
    }
    assert_eq!(report["counts"]["refused"], 0, "{report}");
    let poor = anon.get("/v1/programmes/T-2").await.expect(200).json();
    assert_eq!(
        (&poor["title"], &poor["status"], &poor["budget"]["amount"].to_string()),
        (&json!({"en": "T-2"}), &json!("implementation"), &"7.00".to_owned())
    );
    // A member that was changed is said anew, and the rest as it came.
    let change = json!({"title": {"en": "A better roof"}});
    let merge = [("content-type", "application/merge-patch+json"), ("if-match", "*")];
    client.patch("/v1/programmes/T-1", &change, &merge).await;
    let xml = anon.get("/v1/programmes.xml").await.expect(200).text();
    assert!(xml.contains("a@example.org") && xml.contains("of tiles"), "{xml}");
}

#[actix_web::test]
async fn files_that_cannot_be_trusted_change_nothing() {
    let app = TestApp::empty().await;
    let client = app.town();
    let whole = file("");
    let deep = format!("<iati-activities version=\"2.03\">{}", "<a>".repeat(100));
    let wide: String = (0..1_000_000).map(|n| format!(" a{n}=\"\"")).collect();
    for (body, code) in [
        (format!("<!DOCTYPE a [<!ENTITY b SYSTEM \"file:///etc/passwd\">]>{whole}"), "doctype_refused"),
        (whole.replace("A roof", "&b;"), "xml_malformed"),
        (whole.replace("A roof", "\u{fffd}").replace('\u{fffd}', "&#0;"), "xml_malformed"),
        (whole[..whole.len() - 30].to_owned(), "xml_truncated"),
        (deep, "xml_too_deep"),
        (format!("<iati-activities><iati-activity{wide}/></iati-activities>"), "xml_malformed"),
        ("<html></html>".to_owned(), "xml_unknown"),
        ("identifier,title_en\n".to_owned(), "xml_malformed"),
    ] {
        let answer = send(&client, "format=iati", body, &[]).await;
        let told = if answer.status == 202 { finished(&client, &answer).await } else { answer.expect(400).json() };
        assert_eq!(codes(&told)[0], code, "{told}");
    }
    let latin: Vec<u8> = whole.replace("A roof", "\u{e9}").chars().map(|c| c as u8).collect();
    let answer = send(&client, "format=iati", latin, &[]).await.expect(400).json();
    assert_eq!(codes(&answer), ["encoding_invalid"]);
    for (body, code) in
        [("{\"grants\": [{\"id\": \"T-1\"", "json_malformed"), ("{}", "required"), ("PK\u{3}\u{4}", "workbook_invalid")]
    {
        let answer = send(&client, "format=360giving", body, &[]).await.expect(400).json();
        assert_eq!(codes(&answer)[0], code, "{answer}");
    }
    let programmes = app.anon().get("/v1/programmes").await.expect(200);
    assert!(programmes.identifiers().is_empty());
    // A whole file in which nothing stands says so.
    for (query, body) in
        [("format=iati", "<iati-activities version=\"2.03\"/>"), ("format=360giving", "{\"grants\": []}")]
    {
        let report = import(&client, query, body.into()).await;
        assert_eq!(report["warnings"][0]["code"], "body_empty", "{report}");
    }
}

#[actix_web::test]
async fn bodies_are_held_against_all_rules() {
    let app = TestApp::empty().await;
    let client = app.town();
    let validate = async |query: &str, body: String| {
        let request = client.request("POST", &format!("/v1/validate?{query}")).body(body);
        client.send(request).await.expect(200).json()
    };
    let rules = |report: &Value| -> Vec<(String, String)> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let told = report["warnings"].as_array().unwrap().iter().filter(|warning| warning["rule"].is_string());
        told.map(|warning| (text(&warning["rule"]), text(&warning["severity"]))).collect()
    };
    let good = file("<recipient-country code=\"RS\"/><sector code=\"11220\"/>");
    let report = validate("format=iati", good.clone()).await;
    assert_eq!((&report["valid"], rules(&report).len()), (&json!(true), 1), "{report}");
    assert!(report["rules"]["iati"].as_str().is_some() && report["rules"]["register"].as_str().is_some());
    let broken = good.replace("code=\"2\"/><activity-date", "code=\"9\"/><activity-date").replace("type=\"11\"", "");
    let report = validate("format=iati", broken).await;
    let told = rules(&report);
    assert_eq!(report["valid"], false);
    for rule in ["schema.attribute_missing", "codelist.ActivityStatus"] {
        assert!(told.contains(&(rule.to_owned(), "error".to_owned())), "{rule}: {told:?}");
    }
    // The register's own, in any format.
    let organisation = json!({"collection": "organisations", "identifier": "T-O", "name": {"en": "O"}, "type": "other",
        "identifiers": [{"scheme": "RS-PIB", "code": "100002888"}, {"scheme": "RS-APR", "code": "17162543"}]});
    let mut lines = vec![organisation];
    let budget = |amount: u32| json!({"amount": amount, "currency": "EUR"});
    lines.push(json!({"collection": "programmes", "identifier": "T-P", "title": {"en": "P"}, "status": "closed", "budget": budget(10)}));
    lines.push(json!({"collection": "grants", "identifier": "T-G", "title": {"en": "G"}, "status": "closed", "programme": "T-P", "budget": budget(11)}));
    lines.extend((0..25).map(|n| {
        let value = budget(if n == 7 { 50_000 } else { 10 + n });
        json!({"collection": "transactions", "identifier": format!("T-F{n}"), "type": "disbursement", "date": "2024", "value": value})
    }));
    let body: String = lines.iter().map(|line| format!("{line}\n")).collect();
    let report = validate("format=ndjson", body).await;
    let expected = [
        ("register.tax_number", "warning"),
        ("register.budget_above_parent", "warning"),
        ("register.outlier", "advisory"),
    ];
    assert_eq!(rules(&report), expected.map(|(rule, severity)| (rule.to_owned(), severity.to_owned())), "{report}");
    assert_eq!(report["valid"], true);
    // Nothing is there.
    assert!(app.anon().get("/v1/organisations").await.expect(200).identifiers().is_empty());
    let request = app.anon().request("POST", "/v1/validate?format=iati").body(good);
    app.anon().send(request).await.problem(401);
}
