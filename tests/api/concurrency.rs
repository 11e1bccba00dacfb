//! Many writers at once, and clients that go away.

use std::io::Write;
use std::net::TcpStream;

use diesel::sql_types::BigInt;
use diesel::{QueryableByName, sql_query};
use diesel_async::RunQueryDsl;
use futures::future::join_all;

use crate::make;
use crate::support::{Patience, TestApp};

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

pub async fn number(app: &TestApp, sql: &str) -> i64 {
    sql_query(sql).get_result::<Number>(&mut app.connection().await).await.unwrap().number
}

#[actix_web::test]
async fn of_fifty_changes_with_one_tag_one_wins() {
    let app = TestApp::empty().await;
    let town = app.town();
    let tag = town.put("/v1/grants/T-1", &make::grant("A"), &[]).await.expect(201).header("etag").to_owned();
    for same in [false, true] {
        let tag = if same { app.anon().get("/v1/grants/T-1").await.header("etag").to_owned() } else { tag.clone() };
        let puts = (0..50).map(|n| {
            let (town, tag) = (town.clone(), tag.clone());
            let grant = make::grant(&if same { "the same".to_owned() } else { format!("B{n}") });
            async move { town.put("/v1/grants/T-1", &grant, &[("if-match", &tag)]).await.status }
        });
        let statuses = join_all(puts).await;
        let of = |status: u16| statuses.iter().filter(|other| **other == status).count();
        assert_eq!((of(200), of(412)), (1, 49), "{statuses:?}");
    }
    assert_eq!(number(&app, "SELECT count(*) AS number FROM versions").await, 3);
}

#[actix_web::test]
async fn of_fifty_creations_one_wins() {
    let app = TestApp::empty().await;
    let puts = (0..50).map(|n| {
        let town = app.town();
        async move { town.put("/v1/grants/T-1", &make::grant(&format!("{n}")), &[("if-none-match", "*")]).await.status }
    });
    let statuses = join_all(puts).await;
    assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 1, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 412).count(), 49, "{statuses:?}");
}

#[actix_web::test]
async fn patches_of_whatever_is_there_all_succeed() {
    let app = TestApp::empty().await;
    app.town().put("/v1/grants/T-1", &make::grant("A"), &[]).await.expect(201);
    let patches = (0..8).map(|n| {
        let town = app.town();
        async move {
            let patch = serde_json::json!({"title": {(format!("x-l{n}")): "text"}});
            town.patch("/v1/grants/T-1", &patch, &[("if-match", "*")]).await.expect(200)
        }
    });
    join_all(patches).await;
    let title = app.anon().get("/v1/grants/T-1").await.json()["title"].clone();
    assert_eq!(title.as_object().unwrap().len(), 9, "no patch undid another: {title}");
}

#[actix_web::test]
async fn patches_of_one_of_two_versions_undo_nothing() {
    let app = TestApp::empty().await;
    app.town().put("/v1/grants/T-1", &make::grant("A"), &[]).await.expect(201);
    let patch = async |language: &str| {
        let patch = serde_json::json!({"description": {(language): "text"}});
        app.town().patch("/v1/grants/T-1", &patch, &[("if-match", "\"1-x\", \"2-x\"")]).await.expect(200)
    };
    join_all([patch("en"), patch("sr")]).await;
    let description = app.anon().get("/v1/grants/T-1").await.json()["description"].clone();
    assert_eq!(description.as_object().unwrap().len(), 2, "{description}");
}

#[actix_web::test]
async fn positions_have_no_gaps_and_follow_time() {
    let app = TestApp::empty().await;
    let writers = (0..8).map(|writer| {
        let town = app.town();
        async move {
            for n in 0..10 {
                town.put(&format!("/v1/grants/T-{writer}-{n}"), &make::grant("A"), &[]).await.expect(201);
            }
        }
    });
    join_all(writers).await;
    let gaps = "SELECT count(*) AS number FROM (SELECT position - row_number() OVER (ORDER BY position) AS gap,
        recorded_at > lag(recorded_at) OVER (ORDER BY position) AS later FROM versions) v WHERE gap <> 0 OR NOT later";
    assert_eq!(number(&app, gaps).await, 0);
    assert_eq!(number(&app, "SELECT max(position) AS number FROM versions").await, 80);
    assert_eq!(number(&app, "SELECT position AS number FROM commit_clock").await, 80);
}

#[actix_web::test]
async fn a_client_that_goes_away_leaves_no_transaction_open() {
    let app = TestApp::empty().await;
    let address = app.base.trim_start_matches("http://").to_owned();
    let token = app.token("town", "grants:write");
    for n in 0..40 {
        let body = make::grant("A").to_string();
        let mut stream = TcpStream::connect(&address).unwrap();
        let head = format!(
            "PUT /v1/grants/T-{n} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(head.as_bytes()).unwrap();
        // Unread input makes the close a reset.
        nix::sys::socket::setsockopt(
            &stream,
            nix::sys::socket::sockopt::Linger,
            &nix::libc::linger { l_onoff: 1, l_linger: 0 },
        )
        .unwrap();
        drop(stream);
    }
    // The server goes on, and whatever was begun ends one way or the other.
    app.town().put("/v1/grants/T-last", &make::grant("A"), &[]).await.expect(201);
    let open = "SELECT count(*) AS number FROM pg_stat_activity WHERE datname = current_database()
        AND state LIKE 'idle in transaction%'";
    let started = std::time::Instant::now();
    while number(&app, open).await > 0 {
        assert!(started.elapsed().as_secs() < 20, "a transaction stays open");
    }
    let halves =
        "SELECT count(*) AS number FROM versions v LEFT JOIN grants g USING (identifier) WHERE g.identifier IS NULL";
    assert_eq!(number(&app, halves).await, 0);
}

#[actix_web::test]
async fn what_is_looked_for_ends_with_who_asked() {
    use diesel_async::SimpleAsyncConnection;
    let app = TestApp::empty().await;
    let address = app.base.trim_start_matches("http://").to_owned();
    // Nothing can be read as long as this goes on.
    let mut holder = app.connection().await;
    holder.batch_execute("BEGIN; LOCK transactions IN ACCESS EXCLUSIVE MODE").await.unwrap();
    let waiting = "SELECT count(*) AS number FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    for path in ["/v1/transactions.csv", "/v1/grants.csv?grain=transaction"] {
        let mut stream = TcpStream::connect(&address).unwrap();
        stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes()).unwrap();
        let started = std::time::Instant::now();
        while number(&app, waiting).await == 0 {
            assert!(started.elapsed().as_secs() < 20, "{path} does not wait");
        }
        drop(stream);
        let started = std::time::Instant::now();
        while number(&app, waiting).await > 0 {
            assert!(started.elapsed().as_secs() < 20, "{path} waits for nobody");
        }
    }
    holder.batch_execute("ROLLBACK").await.unwrap();
}

#[actix_web::test]
async fn waiting_writers_leave_readers_alone() {
    use diesel_async::SimpleAsyncConnection;
    let app = TestApp::empty().await;
    let mut holder = app.connection().await;
    holder.batch_execute("BEGIN; SELECT FROM commit_clock FOR UPDATE").await.unwrap();
    let puts: Vec<_> = (0..20)
        .map(|n| {
            let town = app.town();
            let path = format!("/v1/grants/T-{n}");
            actix_web::rt::spawn(async move { town.put(&path, &make::grant("A"), &[]).await.status })
        })
        .collect();
    for _ in 0..20 {
        app.anon().get("/v1/grants").await.expect(200);
    }
    holder.batch_execute("COMMIT").await.unwrap();
    for put in puts {
        assert!(matches!(put.await.unwrap(), 201 | 503));
    }
}

#[actix_web::test]
async fn a_prefix_that_changes_hands_during_a_write_is_judged_again() {
    use aid_register::store::change::Author;
    use aid_register::store::publishers::{self, Publisher};
    use diesel_async::SimpleAsyncConnection;
    let app = TestApp::empty().await;
    let mut holder = app.connection().await;
    holder.batch_execute("BEGIN; SELECT FROM commit_clock FOR UPDATE").await.unwrap();
    let town = app.town();
    let put = actix_web::rt::spawn(async move { town.put("/v1/grants/T-X-1", &make::grant("A"), &[]).await.status });
    // The write has passed its first check when it waits for the clock.
    let waiting = "SELECT count(*) AS number FROM pg_stat_activity
        WHERE wait_event_type = 'Lock' AND datname = current_database()";
    let patience = Patience::new();
    while number(&app, waiting).await == 0 {
        patience.wait("the clock to be waited for");
    }
    let insert = "INSERT INTO publisher_prefixes (prefix, publisher) VALUES ('T-X-', 'city'); COMMIT";
    holder.batch_execute(insert).await.unwrap();
    assert_eq!(put.await.unwrap(), 403);
    let again = Publisher { id: "town".into(), name: "Town".into(), prefixes: vec!["T-X-".into()] };
    assert!(
        publishers::add(&mut holder, &Author::program("test"), &again)
            .await
            .unwrap_err()
            .to_string()
            .contains("belongs to city")
    );
}
