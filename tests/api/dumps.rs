//! Dumps: the whole register as files of one moment, which never change.

use std::io::Read;

use aid_register::db::Database;
use aid_register::dumps::make::{Made, make};
use aid_register::dumps::manifest::Manifest;
use flate2::read::GzDecoder;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::make;
use crate::support::TestApp;

pub async fn dump(app: &TestApp) -> Option<Manifest> {
    match make(&Database::new(&app.database_url, 1, 1).unwrap(), &app.dumps).await.unwrap() {
        Made::Dump(manifest) => Some(manifest),
        Made::Unchanged(_) | Made::Elsewhere => None,
    }
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[actix_web::test]
async fn a_dump_is_the_register_of_one_moment() {
    let app = TestApp::shipped().await;
    let anon = app.anon();
    assert_eq!(anon.get("/v1/dumps").await.expect(200).json()["data"], json!([]));
    let manifest = dump(&app).await.unwrap();
    // What changes afterwards is not in it.
    let mut programme = make::programme("Later");
    programme["start_date"] = "2020".into();
    app.town().put("/v1/programmes/T-LATER", &programme, &[]).await.expect(201);
    let listed = anon.get("/v1/dumps").await.expect(200).json();
    assert_eq!((&listed["data"][0]["name"], listed["data"].as_array().unwrap().len()), (&json!(manifest.name), 1));
    let shown: Manifest =
        serde_json::from_value(anon.get(&format!("/v1/dumps/{}", manifest.name)).await.expect(200).json()).unwrap();
    assert_eq!(shown, manifest);
    assert_eq!(manifest.files.len(), 10 * 5 + 2);
    let instant = manifest.as_of.to_rfc3339_opts(chrono::SecondsFormat::Micros, true);
    for file in &manifest.files {
        let answer = anon
            .get_with(&format!("/v1/dumps/{}/{}", manifest.name, file.name), &[("accept-encoding", "gzip")])
            .await
            .expect(200);
        assert_eq!(
            (answer.body.len() as u64, sha256(&answer.body)),
            (file.bytes, file.sha256.clone()),
            "{}",
            file.name
        );
        assert!(answer.header("cache-control").contains("immutable"));
        if let Some(unpacked) = &file.unpacked {
            let mut text = Vec::new();
            GzDecoder::new(answer.body.as_slice()).read_to_end(&mut text).unwrap();
            let of = manifest.files.iter().find(|other| other.name == *unpacked).unwrap();
            assert_eq!((sha256(&text), file.rows), (of.sha256.clone(), of.rows));
        } else if file.name.ends_with(".csv") || file.name.ends_with(".ndjson") {
            // The same that the register says of that moment, and of all of it.
            let now = anon.get(&format!("/v1/{}?as_of={instant}", file.name)).await.expect(200);
            assert_eq!(String::from_utf8_lossy(&now.body), String::from_utf8_lossy(&answer.body), "{}", file.name);
        }
    }
    let activities = anon.get(&format!("/v1/dumps/{}/activities.xml", manifest.name)).await.expect(200).text();
    for identifier in ["AR-LNOB", "AR-LNOB-APATIN"] {
        assert!(activities.contains(&format!("<iati-identifier>{identifier}</iati-identifier>")));
    }
    assert!(!activities.contains("T-LATER"));
    // The feed goes on where it ends.
    let changes = anon.get(&manifest.changes).await.expect(200).json();
    assert_eq!(changes["data"][0]["identifier"], "T-LATER");
}

#[actix_web::test]
async fn files_have_ranges_and_conditions() {
    let app = TestApp::shipped().await;
    let anon = app.anon();
    let manifest = dump(&app).await.unwrap();
    let path = format!("/v1/dumps/{}/grants.ndjson", manifest.name);
    let whole = anon.get(&path).await.expect(200);
    let part = anon.get_with(&path, &[("range", "bytes=10-19")]).await.expect(206);
    assert_eq!(part.body, whole.body[10..20]);
    assert_eq!(part.header("content-range"), format!("bytes 10-19/{}", whole.body.len()));
    let begun = |tag: &'static str| [("range", "bytes=10-19"), ("if-range", tag)];
    assert_eq!(anon.get_with(&path, &begun("\"other\"")).await.expect(200).body, whole.body);
    let own = [("range", "bytes=10-19"), ("if-range", whole.header("etag"))];
    assert_eq!(anon.get_with(&path, &own).await.expect(206).body, part.body);
    anon.get_with(&path, &[("range", "bytes=99999999-")]).await.expect(416);
    // Of other units there are no parts, and of other files than the one that is meant nothing.
    assert_eq!(anon.get_with(&path, &[("range", "items=0-5")]).await.expect(200).body, whole.body);
    assert_eq!(anon.get_with(&path, &[("if-match", whole.header("etag"))]).await.expect(200).body, whole.body);
    anon.get_with(&path, &[("if-match", "\"other\"")]).await.expect(412);
    anon.get_with(&path, &[("if-none-match", whole.header("etag"))]).await.expect(304);
    let head = anon.send(anon.request("HEAD", &path)).await.expect(200);
    assert_eq!((head.body.len(), head.header("content-length")), (0, whole.body.len().to_string().as_str()));
    // `latest` is the name of the newest; its client follows.
    for path in ["", "/grants.ndjson", "/manifest.json"] {
        let on = anon.get(&format!("/v1/dumps/latest{path}")).await.expect(307);
        assert_eq!(on.header("location"), format!("/v1/dumps/{}{path}", manifest.name));
        anon.get(on.header("location")).await.expect(200);
    }
    for path in [
        "/v1/dumps/nothing",
        "/v1/dumps/..%2f..",
        "/v1/dumps/latest.json",
        &format!("/v1/dumps/{}/passwords", manifest.name),
    ] {
        anon.get(path).await.problem(404);
    }
}

#[actix_web::test]
async fn nothing_new_makes_no_dump_and_old_ones_go() {
    let app = TestApp::shipped().await;
    let first = dump(&app).await.unwrap();
    assert_eq!(dump(&app).await, None);
    // Of the same second there is one; the names of the others are older.
    let folder = &app.dumps.folder;
    for day in ["2024-05-01", "2024-05-02", "2024-06-07"] {
        let old = Manifest {
            name: format!("{day}T030000Z"),
            made_at: format!("{day}T03:00:00Z").parse().unwrap(),
            ..first.clone()
        };
        std::fs::create_dir(folder.join(&old.name)).unwrap();
        std::fs::write(folder.join(&old.name).join("manifest.json"), serde_json::to_vec(&old).unwrap()).unwrap();
    }
    // One that was stopped is no dump.
    std::fs::create_dir(folder.join(".part")).unwrap();
    app.town().put("/v1/programmes/T-1", &make::programme("New"), &[]).await.expect(201);
    while chrono::Utc::now().timestamp() == first.made_at.timestamp() {
        tokio::task::yield_now().await;
    }
    let second = dump(&app).await.unwrap();
    let names: Vec<Value> = app.anon().get("/v1/dumps").await.expect(200).json()["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|dump| dump["name"].clone())
        .collect();
    assert_eq!(
        names,
        [json!(second.name), json!(first.name), json!("2024-06-07T030000Z"), json!("2024-05-01T030000Z")]
    );
}
