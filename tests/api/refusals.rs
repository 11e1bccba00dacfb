//! What imports refuse: all of it at once, and at little cost.

use std::time::Duration;

use diesel::sql_types::Text;
use diesel::{QueryableByName, sql_query};
use diesel_async::{RunQueryDsl, SimpleAsyncConnection};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::concurrency::number;
use crate::imports::{faults, finished, grant, lines, send};
use crate::make;
use crate::support::{Client, Patience, TestApp};

pub async fn refused(client: &Client, query: &str, body: impl Into<Vec<u8>>) -> Vec<String> {
    let answer = send(client, query, body, &[]).await;
    assert_eq!(answer.status, 400, "{}", answer.text());
    faults(&answer.json())
}

#[actix_web::test]
async fn all_that_is_wrong_with_a_record_is_told_at_once() {
    let app = TestApp::empty().await;
    let town = app.town();
    town.put("/v1/grants/T-GONE", &make::grant("G"), &[]).await.expect(201);
    town.delete("/v1/grants/T-GONE", &[("if-match", "*")]).await.expect(204);
    let wrong =
        json!({"title": {"en": "x"}, "status": "opne", "programme": "NOPE", "places": [{"location": "NOWHERE"}]});
    let as_put = town.put("/v1/grants/T-1", &wrong, &[]).await.problem(400);
    let with = |identifier: &str| {
        let mut record = wrong.clone();
        record["identifier"] = identifier.into();
        record
    };
    let body = lines(&[with("T-1"), with("C-1"), with("T-GONE"), with("T-1")]);
    for mode in ["atomic", "independent"] {
        let query = format!("format=ndjson&collection=grants&mode={mode}&dry_run=true");
        let answer = send(&town, &query, body.clone(), &[]).await.json();
        let found = faults(&answer);
        let of_first: Vec<String> = found
            .iter()
            .filter(|fault| fault.starts_with("1 "))
            .map(|fault| {
                let parts: Vec<&str> = fault.split(' ').collect();
                format!("{} {}", parts[2], parts[4])
            })
            .collect();
        assert_eq!(of_first, as_put, "{mode}");
        assert!(found.contains(&"2 - /identifier C-1 prefix_foreign".into()), "{found:?}");
        assert!(found.contains(&"2 - /programme C-1 reference_unknown".into()), "{found:?}");
        assert!(found.contains(&"3 - /identifier T-GONE identifier_gone".into()), "{found:?}");
        assert!(found.contains(&"4 - /identifier T-1 duplicate".into()), "{found:?}");
        let report = answer.get("report").unwrap_or(&answer);
        assert_eq!((&report["counts"]["read"], &report["counts"]["refused"]), (&json!(4), &json!(4)), "{answer}");
    }
}

#[actix_web::test]
async fn no_fault_hides_another() {
    let app = TestApp::empty().await;
    let town = app.town();
    let rows = [
        json!({"title": {"en": "x"}, "status": "opne", "programme": "NOPE"}),
        json!({"identifier": "T 1", "title": {"en": "x"}, "status": "closed", "programme": "NOPE"}),
        json!({"identifier": "T-1", "title": {"en": "x"}, "status": "closed"}),
        json!({"identifier": "T-1", "title": {"en": "x"}, "status": "closed", "programme": "NOPE"}),
        json!({"identifier": "T-2", "title": {"en": "x"}, "status": "closed",
            "places": [{"location": "T-1", "foo": 1}, {"location": "NOPE"}], "tags": [{"vocabulary": "1.0", "code": "1"}],
            "sectors": [{"vocabulary": "8", "code": "1.99"}, {"vocabulary": "2", "code": "999"}]}),
    ];
    let found = refused(&town, "format=ndjson&collection=grants", lines(&rows)).await;
    assert_eq!(
        found,
        [
            "1 - /identifier - required",
            "1 - /programme - reference_unknown",
            "1 - /status - code_unknown",
            "2 - /identifier T 1 identifier_invalid",
            "2 - /programme - reference_unknown",
            "4 - /identifier T-1 duplicate",
            "4 - /programme - reference_unknown",
            "5 - /places/0/foo T-2 unknown_field",
            "5 - /places/0/location T-2 reference_unknown",
            "5 - /places/1/location T-2 reference_unknown",
            "5 - /sectors/0/code T-2 code_unknown",
            "5 - /sectors/1/code T-2 code_unknown",
            "5 - /tags/0/vocabulary T-2 code_unknown",
        ]
    );
    let lists = json!({"title": {"en": "x"}, "status": "closed",
        "recipients": [{"beneficiary": "NOB", "role": "zz"}, {"beneficiary": "NOB2", "role": "lead"}],
        "organisations": [{"organisation": "NOO", "role": "zz"}],
        "places": [{"location": "NOP", "percentage": 30}, {"location": "NOP2", "percentage": 2}]});
    assert_eq!(
        town.put("/v1/grants/T-9", &lists, &[]).await.problem(400),
        [
            "/organisations/0/organisation reference_unknown",
            "/organisations/0/role code_unknown",
            "/places shares_not_whole",
            "/places/0/location reference_unknown",
            "/places/1/location reference_unknown",
            "/recipients/0/beneficiary reference_unknown",
            "/recipients/0/role code_unknown",
            "/recipients/1/beneficiary reference_unknown",
        ]
    );
    let no_object = json!({"title": {"en": "x"}, "status": "closed",
        "recipients": [7, {"beneficiary": "NOB", "role": "lead"}], "places": ["RS", 3]});
    assert_eq!(
        town.put("/v1/grants/T-9", &no_object, &[]).await.problem(400),
        ["/places/0 type", "/places/1 type", "/recipients/0 type", "/recipients/1/beneficiary reference_unknown"]
    );
    // A sound item of the list has a fault of its own: it is told the same each time.
    let recipients = json!([{"beneficiary": "NOB", "role": "zzz"}, 7, {"beneficiary": "NOC", "role": "lead"}]);
    let both = json!({"title": {"en": "x"}, "status": "closed", "recipients": recipients});
    for _ in 0..12 {
        assert_eq!(town.put("/v1/grants/T-9", &both, &[]).await.problem(400).len(), 4);
    }
    let as_put = town.put("/v1/grants/T-2", &rows[4], &[]).await.problem(400);
    assert_eq!(as_put.len(), 6, "{as_put:?}");
    let many = "/v1/grants?statsu=x&limit=0&sort=foo&status=nope&amount_gte=abc&fields=zz&count=maybe&include=zz";
    assert_eq!(app.anon().get(many).await.problem(400).len(), 8);
    assert_eq!(
        send(&town, "mode=xx&dry_run=maybe&format=zz&collection=foo&bar=1", "x", &[]).await.problem(400).len(),
        5
    );
    let taken = json!({"name": "ok", "prefixes": ["T-", "C-", "NEW-"]});
    let faults = app.admin().put("/v1/publishers/other", &taken, &[]).await.problem(409);
    assert_eq!(faults, ["/prefixes/0 prefix_taken", "/prefixes/1 prefix_taken"]);
}

#[actix_web::test]
async fn what_a_batch_deletes_it_cannot_refer_to() {
    let app = TestApp::empty().await;
    let town = app.town();
    let programme = json!({"identifier": "T-P", "title": {"en": "P"}, "status": "closed"});
    send(&town, "format=ndjson&collection=programmes", lines(&[programme]), &[]).await.expect(200);
    let mut child = grant("T-1", "A");
    child["collection"] = "grants".into();
    child["programme"] = "T-P".into();
    let gone = json!({"collection": "programmes", "identifier": "T-P", "deleted": true});
    let answer = send(&town, "format=ndjson", lines(&[child, gone.clone()]), &[]).await.json();
    assert_eq!(answer["errors"][0]["detail"], "T-P is deleted by this import");
    // A deletion says nothing else: what it does not know is refused.
    let mut merged = gone;
    merged["merged_into"] = "T-Q".into();
    let found = refused(&town, "format=ndjson", lines(&[merged])).await;
    assert_eq!(found, ["1 - /merged_into T-P unknown_field"]);
}

#[actix_web::test]
async fn a_chain_falls_at_once() {
    let app = TestApp::empty().await;
    let chain: Vec<Value> = (0..31)
        .map(|n| {
            let parent = if n == 30 { "T-NOWHERE".to_owned() } else { format!("T-{}", n + 1) };
            json!({"identifier": format!("T-{n}"), "title": {"en": "P"}, "status": "closed", "parent": parent})
        })
        .collect();
    for (mode, expected) in [("atomic", 1), ("independent", 31)] {
        let query = format!("format=ndjson&collection=programmes&mode={mode}");
        let answer = send(&app.town(), &query, lines(&chain), &[]).await.json();
        assert_eq!(answer["errors"].as_array().unwrap().len(), expected, "{mode}");
    }
    assert!(app.anon().get("/v1/programmes").await.identifiers().is_empty());
    // Deletions fall in a chain too: each is still referred to by the one that stays.
    let mut chain: Vec<Value> = chain.into_iter().take(30).collect();
    chain[29].as_object_mut().unwrap().remove("parent");
    send(&app.town(), "format=ndjson&collection=programmes", lines(&chain), &[]).await.expect(200);
    let city = json!({"title": {"en": "C"}, "status": "closed", "parent": "T-0"});
    app.client("city", "programmes:write").put("/v1/programmes/C-0", &city, &[]).await.expect(201);
    let all: Vec<Value> = (0..30).map(|n| json!({"identifier": format!("T-{n}"), "deleted": true})).collect();
    let query = "format=ndjson&collection=programmes&mode=independent&confirm=true";
    let answer = send(&app.town(), query, lines(&all), &[]).await.expect(200).json();
    assert_eq!((&answer["counts"]["refused"], &answer["counts"]["deleted"]), (&json!(30), &json!(0)), "{answer}");
}

#[actix_web::test]
async fn a_body_with_nothing_in_it_is_refused() {
    let app = TestApp::empty().await;
    let town = app.town();
    for (what, query, body) in [
        ("no table", "format=csv&collection=grants", ""),
        ("a mark alone", "format=csv&collection=grants", "\u{feff}"),
        ("lines", "format=csv&collection=grants", "\n\n\n"),
        ("no lines", "format=ndjson", ""),
        ("no list", "format=json", "{}"),
        ("nothing at all", "format=json", ""),
        (
            "another's",
            "format=csv&collection=grants",
            "identifier,collection,title_en,status\nT-1,programmes,A,closed\n",
        ),
    ] {
        assert_eq!(refused(&town, query, body).await.len(), 1, "{what}");
    }
    send(&town, "format=json", "{\"grants\": []}", &[]).await.expect(200);
}

#[actix_web::test]
async fn nul_is_refused_wherever_it_stands() {
    let app = TestApp::empty().await;
    let town = app.town();
    for (query, body) in [
        ("format=csv&collection=grants", "\0".repeat(1000)),
        ("format=csv&collection=grants", "identifier,titl\0e_en,status\nT-1,a,closed\n".into()),
        ("format=csv&collection=grants", "identifier,budget_amount\nT-1,1\x002\n".into()),
        ("format=csv&collection=grants", "identifier,deleted\nT-1,tr\0ue\n".into()),
        ("format=ndjson&collection=grants", r#"{"identifier": "T-X", "a\u0000": 1}"#.into()),
        ("format=ndjson&collection=grants", r#"{"identifier": "T-\u0000X"}"#.into()),
        ("format=ndjson", r#"{"identifier": "T-X", "collection": "gr\u0000ants"}"#.into()),
        ("format=json", r#"{"a\u0000": []}"#.into()),
        ("format=json", r#"{"grants": [{"identifier": "T-X", "a\u0000": 1}]}"#.into()),
    ] {
        assert!(!refused(&town, query, body.clone()).await.is_empty());
        let later = send(&town, query, body, &[("prefer", "respond-async")]).await.expect(202);
        assert_eq!(finished(&town, &later).await["status"], "refused", "{query}");
    }
    let good = format!("{}\n{{\"identifier\": \"T-X\", \"a\\u0000\": 1}}\n", grant("T-1", "A"));
    let answer = send(&town, "format=ndjson&collection=grants&mode=independent", good, &[]).await.expect(200).json();
    assert_eq!((&answer["counts"]["created"], &answer["counts"]["refused"]), (&json!(1), &json!(1)));
}

#[actix_web::test]
async fn who_is_revoked_meanwhile_writes_nothing() {
    let app = TestApp::empty().await;
    let admin = app.admin();
    let body = json!({"issuer": "aid-register", "subject": "clerk"});
    let added = admin.post("/v1/publishers/town/clients", &body).await.expect(201);
    let token = app.token("clerk", "grants:write");
    let record = json!({"identifier": "T-1", "title": {"en": "A"}, "status": "closed"}).to_string();
    let mut open = Vec::new();
    for line in ["PUT /v1/grants/T-1", "POST /v1/imports?format=ndjson&collection=grants"] {
        let mut socket = tokio::net::TcpStream::connect(app.base.trim_start_matches("http://")).await.unwrap();
        let head = format!(
            "{line} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            record.len()
        );
        socket.write_all(head.as_bytes()).await.unwrap();
        socket.write_all(&record.as_bytes()[..10]).await.unwrap();
        open.push(socket);
    }
    // Both are heard by now: another request on a new connection is answered after them.
    tokio::time::sleep(Duration::from_millis(500)).await;
    admin.delete(added.header("location"), &[]).await.expect(200);
    for mut socket in open {
        socket.write_all(&record.as_bytes()[10..]).await.unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 403"), "{answer}");
    }
    app.anon().get("/v1/grants/T-1").await.problem(404);
}

#[actix_web::test]
async fn a_guard_stands_before_every_publisher_and_refusals_are_on_record() {
    let app = TestApp::empty().await;
    let records: Vec<Value> = (0..20).map(|n| grant(&format!("T-{n}"), "A")).collect();
    send(&app.town(), "format=ndjson&collection=grants", lines(&records), &[]).await.expect(200);
    let gone: Vec<Value> = (0..20).map(|n| json!({"identifier": format!("T-{n}"), "deleted": true})).collect();
    for client in [app.town(), app.admin()] {
        let answer = send(&client, "format=ndjson&collection=grants", lines(&gone), &[]).await;
        assert_eq!(answer.status, 409, "{}", answer.text());
        assert!(answer.text().contains("more than 50 per cent of those of town"), "{}", answer.text());
    }
    let mixed = lines(&[grant("T-30", "A"), json!({"identifier": "T-31", "status": "no"}), grant("C-1", "A")]);
    send(&app.town(), "format=ndjson&collection=grants&mode=independent", mixed, &[]).await.expect(200);
    let log = audit_log(&app).await;
    let refusal = log.iter().rev().find(|entry| entry["act"] == "refused" && entry["records"] == 2).unwrap();
    assert_eq!(refusal["identifiers"], json!(["T-31", "C-1"]), "{refusal}");
}

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    entry: String,
}

async fn audit_log(app: &TestApp) -> Vec<Value> {
    let sql = "SELECT entry FROM audit_log ORDER BY n";
    let lines: Vec<Line> = sql_query(sql).load(&mut app.connection().await).await.unwrap();
    lines.iter().map(|line| serde_json::from_str(&line.entry).unwrap()).collect()
}

#[actix_web::test]
async fn a_body_that_the_register_cannot_read_is_read_again() {
    let app = TestApp::empty().await;
    let town = app.town();
    let records: Vec<Value> = (0..9000).map(|n| grant(&format!("T-{n}"), &"x".repeat(900))).collect();
    let query = "format=ndjson&collection=grants&mode=independent";
    let accepted = send(&town, query, lines(&records), &[]).await.expect(202);
    // In the middle of it the rest of the body is out of reach, until it was begun again.
    let mut connection = app.connection().await;
    connection.batch_execute("ALTER TABLE import_bodies RENAME COLUMN bytes TO hidden").await.unwrap();
    let patience = Patience::new();
    let begun = "SELECT coalesce(max(attempts), 0)::bigint AS number FROM import_progress";
    while number(&app, begun).await < 2 {
        patience.wait("a second attempt");
    }
    connection.batch_execute("ALTER TABLE import_bodies RENAME COLUMN hidden TO bytes").await.unwrap();
    let done = finished(&town, &accepted).await;
    assert_eq!((&done["status"], &done["counts"]["created"]), (&json!("completed"), &json!(9000)), "{done}");
}

#[actix_web::test]
async fn one_fault_with_many_children_falls_at_once_and_circles_are_named_beside() {
    let app = TestApp::empty().await;
    let town = app.client("town", "programmes:write grants:write");
    let hub = json!({"collection": "programmes", "identifier": "T-HUB", "title": {"en": "m"}, "status": "bad"});
    let star = (0..2000).map(|n| {
        let mut grant = grant(&format!("T-{n}"), "A");
        (grant["collection"], grant["programme"]) = ("grants".into(), "T-HUB".into());
        grant
    });
    let star: Vec<Value> = [hub].into_iter().chain(star).collect();
    let answer = send(&town, "format=ndjson&mode=independent", lines(&star), &[]).await.expect(200).json();
    assert_eq!(answer["counts"]["refused"], 2001, "{}", answer["counts"]);
    let circle = |n: u8, parent: u8| json!({"collection": "programmes", "identifier": format!("T-C{n}"), "title": {"en": "c"}, "status": "closed", "parent": format!("T-C{parent}")});
    let mut lost = grant("T-LOST", "A");
    (lost["collection"], lost["programme"]) = ("grants".into(), "NOPE".into());
    let body = lines(&[circle(1, 2), circle(2, 1), lost]);
    for mode in ["atomic", "independent"] {
        let answer = send(&town, &format!("format=ndjson&mode={mode}"), body.clone(), &[]).await.json();
        assert_eq!(
            faults(&answer),
            ["1 - /parent T-C1 circle", "2 - /parent T-C2 circle", "3 - /programme T-LOST reference_unknown"],
            "{mode}"
        );
    }
    let alone = lines(&[circle(1, 2), circle(2, 1)]);
    let answer = send(&town, "format=ndjson&mode=atomic", alone, &[]).await.json();
    assert_eq!(faults(&answer), ["1 - /parent T-C1 circle", "2 - /parent T-C2 circle"], "each once");
    // A deletion that is refused leaves its record to be referred to.
    let mut inner = grant("T-IN", "A");
    inner["programme"] = "T-P".into();
    let programme = json!({"identifier": "T-P", "title": {"en": "P"}, "status": "closed"});
    send(&town, "format=json", json!({"programmes": [programme], "grants": [inner]}).to_string(), &[])
        .await
        .expect(200);
    let mut new = grant("T-NEW", "A");
    new["programme"] = "T-P".into();
    let body = json!({"programmes": [{"identifier": "T-P", "deleted": true}], "grants": [new]}).to_string();
    let answer = send(&town, "format=json&mode=independent", body, &[]).await.expect(200).json();
    assert_eq!((&answer["counts"]["created"], &answer["counts"]["refused"]), (&json!(1), &json!(1)), "{answer}");
}

#[actix_web::test]
async fn a_row_for_a_record_that_was_there_already_is_refused_unread() {
    let app = TestApp::empty().await;
    let town = app.town();
    town.put("/v1/grants/T-1", &grant("T-1", "A"), &[]).await.expect(201);
    let table = "identifier,status\n".to_owned() + &"T-1,suspended\n".repeat(1200);
    let answer = send(&town, "format=csv&collection=grants&mode=independent", table, &[]).await.expect(200).json();
    assert_eq!((&answer["counts"]["updated"], &answer["counts"]["refused"]), (&json!(1), &json!(1199)));
    assert_eq!(faults(&answer)[0], "3 - /identifier T-1 duplicate");
}

#[actix_web::test]
async fn circles_that_come_of_refusals_end_after_a_few_rounds() {
    let app = TestApp::empty().await;
    let town = app.town();
    let place = |id: String, parent: String| json!({"identifier": id, "title": {"en": "P"}, "status": "closed", "parent": if parent.is_empty() { Value::Null } else { parent.into() }});
    let chain = 14;
    let id = |kind: &str, n: usize| format!("T-{kind}{n}");
    let mut before = vec![place("T-ROOT".into(), String::new())];
    let mut after = Vec::new();
    for n in 1..=chain {
        before.extend([
            place(id("Z", n), "T-ROOT".into()),
            place(id("X", n), id("Z", n)),
            place(id("F", n), id("X", n.max(2) - 1)),
        ]);
        after.push(place(id("X", n), id("F", n)));
        if n < chain {
            after.push(place(id("Z", n), id("X", n + 1)));
        }
    }
    let query = "format=ndjson&collection=programmes&mode=independent&confirm=true";
    let sent = send(&town, query, lines(&before), &[]).await.expect(200).json();
    assert_eq!(sent["counts"]["refused"], 0, "{sent}");
    let moving = after.len();
    // What moves nothing is taken all the same.
    let mut still = place(id("F", chain), id("X", chain - 1));
    still["title"] = json!({"en": "Another title"});
    after.extend([still, place("T-NEW".into(), "T-ROOT".into())]);
    let sent = send(&town, query, lines(&after), &[]).await.expect(200).json();
    assert_eq!((&sent["counts"]["updated"], &sent["counts"]["created"]), (&json!(1), &json!(1)), "{sent}");
    let codes: Vec<&str> =
        sent["errors"].as_array().unwrap().iter().map(|fault| fault["code"].as_str().unwrap()).collect();
    assert!(codes.contains(&"circle") && codes.contains(&"hierarchy_unclear"), "{codes:?}");
    assert_eq!((codes.len(), &sent["counts"]["refused"]), (moving, &json!(moving)), "each once");
}
