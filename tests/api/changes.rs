//! The change feed: in the order of commits, without gaps, and soon.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures::StreamExt;
use futures::future::join_all;
use serde_json::{Value, json};

use crate::make;
use crate::support::{Client, TestApp};

/// A copy of the register, kept by following the feed.
#[derive(Default)]
struct Replica {
    cursor: Option<String>,
    records: BTreeMap<(String, String), Value>,
    seen: Vec<(String, i64)>,
}

impl Replica {
    fn take(&mut self, change: &Value) {
        let text = |name: &str| change[name].as_str().unwrap().to_owned();
        let key = (text("collection"), text("identifier"));
        self.seen.push((key.1.clone(), change["version"].as_i64().unwrap()));
        match &change["record"] {
            Value::Null => assert!(self.records.remove(&key).is_some(), "{change}"),
            record => drop(self.records.insert(key, record.clone())),
        }
        self.cursor = Some(text("cursor"));
    }

    /// Reads one page; says whether there is more.
    async fn read(&mut self, client: &Client, more: &str) -> bool {
        let after = self.cursor.as_ref().map_or(String::new(), |cursor| format!("&after={cursor}"));
        let page = client.get(&format!("/v1/changes?include=records{after}{more}")).await.expect(200).json();
        page["data"].as_array().unwrap().iter().for_each(|change| self.take(change));
        self.cursor = page["meta"]["cursor"].as_str().map(String::from);
        !page["links"]["next"].is_null()
    }
}

async fn everything(client: &Client, collection: &str) -> Vec<Value> {
    let lines = client.get(&format!("/v1/{collection}.ndjson")).await.expect(200).text();
    lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[actix_web::test]
async fn a_replica_under_eight_writers_ends_equal() {
    let app = TestApp::empty().await;
    let busy = Arc::new(AtomicUsize::new(8));
    let writers = (0..8).map(|writer: usize| {
        let (town, busy) = (app.town(), Arc::clone(&busy));
        async move {
            for n in 0..40usize {
                let (collection, id) = (["sources", "grants"][n % 2], format!("T-{writer}-{}", n % 7));
                let id = if collection == "grants" { id } else { format!("T-S{writer}-{}", n % 7) };
                let path = format!("/v1/{collection}/{id}");
                let mut record = make::any(collection, &id, n);
                record["title"] = json!({"en": format!("{writer} {n}")});
                match n {
                    0..14 => drop(town.put(&path, &record, &[]).await.expect(201)),
                    _ if n % 11 == 5 => drop(town.delete(&path, &[("if-match", "*")]).await),
                    _ => drop(town.put(&path, &record, &[("if-match", "*")]).await),
                }
            }
            busy.fetch_sub(1, Ordering::SeqCst);
        }
    });
    let anon = app.anon();
    let follower = async {
        let mut replica = Replica::default();
        loop {
            let done = busy.load(Ordering::SeqCst) == 0;
            let more = replica.read(&anon, "&limit=7").await;
            if done && !more {
                return replica;
            }
        }
    };
    let (replica, _) = futures::future::join(follower, join_all(writers)).await;
    for collection in ["sources", "grants"] {
        let copied: Vec<Value> =
            replica.records.iter().filter(|(key, _)| key.0 == collection).map(|(_, r)| r.clone()).collect();
        assert_eq!(copied, everything(&anon, collection).await);
        assert!(copied.len() > 10);
    }
    // No change was told twice, and none was left out: versions follow each other.
    let mut versions: BTreeMap<&str, i64> = BTreeMap::new();
    for (identifier, version) in &replica.seen {
        let before = versions.insert(identifier, *version).unwrap_or_default();
        assert_eq!(*version, before + 1, "{identifier}");
    }
}

#[actix_web::test]
async fn a_waiting_reader_hears_of_a_change_within_a_second() {
    let app = TestApp::empty().await;
    let mut replica = Replica::default();
    replica.read(&app.anon(), "").await;
    let anon = app.anon();
    let wait = async {
        replica.read(&anon, "&wait=30").await;
        Instant::now()
    };
    let write = async {
        app.town().put("/v1/grants/T-1", &make::grant("A"), &[]).await.expect(201);
        Instant::now()
    };
    let (heard, written) = futures::future::join(wait, write).await;
    assert!(heard.saturating_duration_since(written) < Duration::from_secs(1));
    assert_eq!(replica.seen, [("T-1".to_owned(), 1)]);
    // Changes elsewhere do not end the wait for one collection.
    let start = Instant::now();
    let path = format!("/v1/changes?collection=sources&wait=1&after={}", replica.cursor.unwrap());
    let (page, _) = futures::future::join(anon.get(&path), async {
        app.town().put("/v1/grants/T-2", &make::grant("A"), &[]).await.expect(201)
    })
    .await;
    assert_eq!(page.json()["data"], json!([]));
    assert!(start.elapsed() >= Duration::from_secs(1));
}

#[actix_web::test]
async fn events_go_on_where_they_were_cut_off() {
    let app = TestApp::empty().await;
    let records: Vec<_> = (0..250).map(|n| ("sources", make::any("sources", &format!("T-{n:03}"), n))).collect();
    make::write(&mut app.connection().await, &records).await;
    let open = async |last: Option<String>| {
        let mut request =
            app.anon().request("GET", "/v1/changes?include=records").header("accept", "text/event-stream");
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        let response = request.header("accept-encoding", "gzip").send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        response.bytes_stream()
    };
    // Takes events until there are so many.
    let take = async |stream: &mut (dyn futures::Stream<Item = reqwest::Result<bytes::Bytes>> + Unpin),
                      wanted: usize| {
        let (mut text, mut events) = (String::new(), Vec::<(String, Value)>::new());
        while events.len() < wanted {
            text.push_str(std::str::from_utf8(&stream.next().await.unwrap().unwrap()).unwrap());
            while let Some((event, rest)) = text.split_once("\n\n") {
                let field = |name: &str| event.lines().find_map(|line| line.strip_prefix(name)).map(String::from);
                if let (Some(id), Some(data)) = (field("id: "), field("data: ")) {
                    assert_eq!(field("event: ").as_deref(), Some("change"));
                    events.push((id, serde_json::from_str(&data).unwrap()));
                }
                text = rest.to_owned();
            }
        }
        events
    };
    let mut stream = Box::pin(open(None).await);
    let first = take(&mut stream, 250).await;
    drop(stream);
    let resumed = Some(first[239].0.clone());
    let mut stream = Box::pin(open(resumed).await);
    let rest = take(&mut stream, 10).await;
    assert_eq!(rest[..], first[240..]);
    app.town().put("/v1/grants/T-1", &make::grant("A"), &[]).await.expect(201);
    let live = take(&mut stream, 1).await;
    assert_eq!(live[0].1["identifier"], "T-1");
    assert_eq!(live[0].1["record"], app.anon().get("/v1/grants/T-1").await.json());
}

#[actix_web::test]
async fn cursors_and_parameters_are_checked() {
    let app = TestApp::empty().await;
    app.town().put("/v1/grants/T-1", &make::grant("A"), &[]).await.expect(201);
    let path = "/v1/changes?after=WyI3IiwiIiwiMCJd&collection=grant&include=all&wait=61&limit=0";
    assert_eq!(
        app.anon().get(path).await.problem(400),
        [
            "after cursor_invalid",
            "limit limit_invalid",
            "collection collection_unknown",
            "include name_unknown",
            "wait wait_invalid"
        ]
    );
    let stream = [("accept", "text/event-stream"), ("last-event-id", "x")];
    assert_eq!(app.anon().get_with("/v1/changes", &stream).await.problem(400), ["Last-Event-ID cursor_invalid"]);
    let latest = app.anon().get("/v1/changes?after=latest").await.expect(200).json();
    assert_eq!(latest["data"], json!([]));
    let change = app.anon().get("/v1/changes?collection=grants").await.expect(200).json()["data"][0].clone();
    let version = app.anon().get(change["url"].as_str().unwrap()).await.expect(200);
    assert_eq!(change["content_hash"], aid_register::digest::sha256(&version.body));
}

#[actix_web::test]
async fn the_head_of_a_stream_ends() {
    let app = TestApp::empty().await;
    let head = app.anon().request("HEAD", "/v1/changes?after=latest").header("accept", "text/event-stream");
    let answer = app.anon().send(head).await.expect(200);
    assert_eq!((answer.header("content-type"), answer.body.len()), ("text/event-stream", 0));
    let wrong = app.anon().get_with("/v1/changes", &[("accept", "text/csv")]).await;
    assert!(wrong.json()["detail"].as_str().unwrap().contains("text/event-stream"));
}
