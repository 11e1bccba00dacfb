//! The program as a user runs it: its private PostgreSQL, its ends, its commands.

use std::path::PathBuf;
use std::process::Output;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::make;
use crate::support::process::{Process, command, is_alive, run};
use crate::support::{Client, Patience, cluster};

/// A data folder that goes away with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = cluster::folder(&format!("{name}-{}", std::process::id()));
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn text(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap().trim().to_owned()
}

fn gone(pid: Pid) -> bool {
    let started = Instant::now();
    while is_alive(pid) {
        if started.elapsed() > Duration::from_secs(20) {
            return false;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    true
}

/// Waits for the program to end, as far as it does.
fn ended(process: &mut Process) -> bool {
    let started = Instant::now();
    while process.child.try_wait().unwrap().is_none() {
        if started.elapsed() > Duration::from_secs(30) {
            return false;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    true
}

#[actix_web::test]
async fn starts_serves_and_stops_without_an_orphan() {
    let folder = Folder::new("stops");
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let mut process = Process::start(command(&folder.0)).unwrap();
        let grants = Client::new(&process.base, None).get("/v1/grants").await.expect(200);
        assert!(!grants.identifiers().is_empty(), "the shipped programmes are there");
        let postgres = Process::postgres(&folder.0);
        process.signal(signal);
        assert!(ended(&mut process) && !is_alive(postgres), "{signal}");
    }
}

#[actix_web::test]
async fn commands_work_beside_a_running_register_and_without_one() {
    let folder = Folder::new("commands");
    let process = Process::start(command(&folder.0)).unwrap();
    let added = run(&folder.0, &["publisher", "add", "my-town", "--name", "My Town", "--prefix", "RS-MYTOWN-", "MT-"]);
    assert_eq!(text(&added), "my-town\tMy Town\tMT- RS-MYTOWN-");
    let token = text(&run(&folder.0, &["token", "--publisher", "my-town", "--scope", "grants:write", "--ttl", "5m"]));
    let client = Client::new(&process.base, Some(token));
    client.put("/v1/grants/RS-MYTOWN-1", &make::grant("Roof"), &[]).await.expect(201);
    let file = folder.0.join("more.json");
    std::fs::write(&file, r#"{"grants": [{"identifier": "MT-2", "title": {"en": "Two"}, "status": "closed"}]}"#)
        .unwrap();
    let file = file.to_str().unwrap();
    assert_eq!(text(&run(&folder.0, &["load", file])), "1 created");
    assert_eq!(text(&run(&folder.0, &["load", file])), "1 unchanged");
    assert_eq!(text(&run(&folder.0, &["migrate"])), "up to date");
    drop(process);
    let listed = text(&run(&folder.0, &["publisher", "list"]));
    assert!(listed.contains("my-town\tMy Town") && listed.contains("aid-register\t"), "{listed}");
    std::fs::write(file, r#"{"grants": [{"identifier": "MT-3", "titel": {}}, {"identifier": "NO-1"}], "grant": []}"#)
        .unwrap();
    let refused = run(&folder.0, &["load", file]);
    let words = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && words.contains("/grant"), "{words}");
    std::fs::write(
        file,
        r#"{"programmes": [{"identifier": "MT-P1", "title": {"en": "A"}, "status": "closed", "parent": "MT-P2"},
            {"identifier": "MT-P2", "title": {"en": "B"}, "status": "closed", "parent": "MT-P1"}]}"#,
    )
    .unwrap();
    let circle = String::from_utf8_lossy(&run(&folder.0, &["load", file]).stderr).into_owned();
    assert!(circle.contains("/programmes/0/parent") && circle.contains("/programmes/1/parent"), "{circle}");
    for name in ["DATABASE_URL", "REGISTER_PUBLIC_URL", "REGISTER_ISSUER"] {
        let output = command(&folder.0).env(name, "").args(["publisher", "list"]).output().unwrap();
        assert!(output.status.success(), "{name} set to nothing counts as not set");
    }
    let scope = run(&folder.0, &["token", "--publisher", "x", "--scope", "grant:write"]);
    assert!(String::from_utf8_lossy(&scope.stderr).contains("grants:write"));
    let document: Value = serde_json::from_str(&text(&run(&folder.0, &["openapi"]))).unwrap();
    assert_eq!(document["openapi"], "3.1.0");
}

#[actix_web::test]
async fn nothing_acknowledged_is_lost_by_a_kill_of_the_program() {
    let folder = Folder::new("kill");
    let mut process = Process::start(command(&folder.0)).unwrap();
    text(&run(&folder.0, &["publisher", "add", "town", "--name", "Town", "--prefix", "T-"]));
    let token = text(&run(&folder.0, &["token", "--publisher", "town", "--scope", "grants:write"]));
    let postgres = Process::postgres(&folder.0);
    let http = reqwest::Client::new();
    let mut writes = Vec::new();
    for writer in 0..4 {
        let (http, base, token) = (http.clone(), process.base.clone(), token.clone());
        writes.push(actix_web::rt::spawn(async move {
            let mut acknowledged = Vec::new();
            for n in 0..50 {
                let identifier = format!("T-{writer}-{n}");
                let request = http.put(format!("{base}/v1/grants/{identifier}")).bearer_auth(&token);
                let body = make::any("grants", &identifier, n).to_string();
                match request.header("content-type", "application/json").body(body).send().await {
                    Ok(response) if response.status().as_u16() == 201 => acknowledged.push(identifier),
                    _ => break,
                }
            }
            acknowledged
        }));
    }
    // Some writes in, the program is killed in the middle of others.
    let before = || Client::new(&process.base, None);
    let patience = Patience::new();
    while before().get("/v1/grants?publisher=town&limit=1000").await.identifiers().len() < 40 {
        patience.wait("forty grants");
    }
    process.child.kill().unwrap();
    process.child.wait().unwrap();
    let mut acknowledged = Vec::new();
    for write in writes {
        acknowledged.extend(write.await.unwrap());
    }
    assert!((40..200).contains(&acknowledged.len()), "{} were acknowledged", acknowledged.len());
    assert!(gone(postgres), "PostgreSQL goes with the program");

    let process = Process::start(command(&folder.0)).unwrap();
    let there = Client::new(&process.base, None).get("/v1/grants?publisher=town&limit=1000").await.expect(200);
    let identifiers = there.identifiers();
    let lost: Vec<&String> = acknowledged.iter().filter(|identifier| !identifiers.contains(identifier)).collect();
    assert!(lost.is_empty(), "{lost:?}");
    for record in there.json()["data"].as_array().unwrap() {
        let identifier = record["identifier"].as_str().unwrap();
        let n: usize = identifier.rsplit('-').next().unwrap().parse().unwrap();
        assert_eq!(record["title"], make::any("grants", identifier, n)["title"], "none is half");
    }
}

#[actix_web::test]
async fn a_killed_postgresql_is_started_again() {
    let folder = Folder::new("again");
    let process = Process::start(command(&folder.0)).unwrap();
    let client = Client::new(&process.base, None);
    client.get("/v1/grants").await.expect(200);
    let postgres = Process::postgres(&folder.0);
    kill(postgres, Signal::SIGKILL).unwrap();
    let started = Instant::now();
    loop {
        let answer = client.get("/v1/grants").await;
        let restarted = std::fs::read_to_string(folder.0.join("postgres/postmaster.pid"))
            .is_ok_and(|file| !file.starts_with(&postgres.to_string()));
        if answer.status == 200 && restarted {
            break;
        }
        assert!(matches!(answer.status, 200 | 503), "{}", answer.text());
        assert!(started.elapsed() < Duration::from_secs(60));
    }
}

#[test]
fn two_registers_do_not_meet_and_one_folder_has_one() {
    let (one, two) = (Folder::new("one"), Folder::new("two"));
    let first = Process::start(command(&one.0)).unwrap();
    let second = Process::start(command(&two.0)).unwrap();
    assert_ne!(first.base, second.base);
    let refused = Process::start(command(&one.0)).err().unwrap();
    assert!(refused.contains("another aid-register") && refused.contains(&first.child.id().to_string()), "{refused}");
}

#[actix_web::test]
async fn ten_may_start_at_once_on_an_empty_database() {
    let url = cluster::empty_database();
    let folders: Vec<Folder> = (0..10).map(|n| Folder::new(&format!("ten-{n}"))).collect();
    let threads: Vec<_> = folders
        .iter()
        .map(|folder| {
            let mut command = command(&folder.0);
            command.env("DATABASE_URL", &url).env("REGISTER_CONNECTIONS", "2").env("REGISTER_EXPORTS", "1");
            std::thread::spawn(move || Process::start(command).unwrap())
        })
        .collect();
    let processes: Vec<Process> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
    let mut counts = std::collections::HashSet::new();
    for process in &processes {
        let list = Client::new(&process.base, None).get("/v1/programmes?count=exact").await.expect(200).json();
        counts.insert(list["meta"]["total"].as_u64().unwrap());
    }
    assert_eq!(counts.len(), 1, "all see the same register: {counts:?}");
}

#[actix_web::test]
async fn a_taken_prefix_leaves_the_shipped_content_out() {
    let folder = Folder::new("taken");
    text(&run(&folder.0, &["publisher", "add", "first", "--name", "First", "--prefix", "AR-"]));
    let process = Process::start(command(&folder.0)).unwrap();
    assert!(Client::new(&process.base, None).get("/v1/programmes").await.expect(200).identifiers().is_empty());
}

#[actix_web::test]
async fn an_import_under_way_survives_a_kill() {
    let folder = Folder::new("import");
    let mut process = Process::start(command(&folder.0)).unwrap();
    text(&run(&folder.0, &["publisher", "add", "town", "--name", "Town", "--prefix", "T-"]));
    let token = text(&run(&folder.0, &["token", "--publisher", "town", "--scope", "grants:write"]));
    let record = |n: usize| {
        let mut grant = make::grant(&format!("Grant {n} {}", "x".repeat(100)));
        grant["identifier"] = format!("T-{n}").into();
        format!("{grant}\n")
    };
    let body: String = (0..20_000).map(record).collect();
    let client = Client::new(&process.base, Some(token.clone()));
    let request = client.request("POST", "/v1/imports?format=ndjson&collection=grants").body(body);
    let accepted = client.send(request).await.expect(202).json();
    let path = format!("/v1/imports/{}", accepted["id"].as_str().unwrap());
    // As soon as it is under way.
    let patience = Patience::new();
    while client.get(&path).await.expect(200).json()["status"] != "running" {
        patience.wait("the import to begin");
    }
    process.signal(Signal::SIGKILL);
    assert!(ended(&mut process));
    let process = Process::start(command(&folder.0)).unwrap();
    let client = Client::new(&process.base, Some(token));
    let done = loop {
        patience.wait("the import to end");
        let job = client.get(&path).await.expect(200).json();
        if job["status"] != "queued" && job["status"] != "running" {
            break job;
        }
    };
    assert_eq!((&done["status"], &done["counts"]["created"]), (&Value::from("completed"), &Value::from(20_000)));
    let changes = client.get("/v1/changes?collection=grants&limit=1").await.expect(200).json();
    assert!(!changes["links"]["next"].is_null());
    assert_eq!(client.get("/v1/grants?publisher=town&count=exact&limit=1").await.json()["meta"]["total"], 20_000);
}
