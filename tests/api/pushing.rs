//! docs/pushing.md, as somebody types it.

use std::process::Command;

use crate::support::cluster;
use crate::support::process::{Process, command};

#[actix_web::test]
async fn every_command_of_the_guide_does_what_it_says() {
    let folder = cluster::folder(&format!("pushing-{}", std::process::id()));
    let process = Process::start(command(&folder)).unwrap();
    let guide = include_str!("../../docs/pushing.md");
    // Blocks alternate: commands, and what their output contains.
    let mut script = "set -eu\ncd \"$(mktemp -d)\"\n".to_owned();
    let mut expected: Vec<Vec<&str>> = Vec::new();
    for block in guide.split("```").skip(1).step_by(2) {
        let (kind, text) = block.split_once('\n').unwrap();
        match kind {
            "sh" => {
                script.push_str(&format!("{text}\nprintf '\\n=====\\n'\n"));
                expected.push(Vec::new());
            }
            "text" => expected.last_mut().unwrap().extend(text.lines()),
            other => panic!("a block of {other:?}"),
        }
    }
    let script = script
        .replace("aid=target/release/aid-register", &format!("aid={}", env!("CARGO_BIN_EXE_aid-register")))
        .replace("http://127.0.0.1:8080", &process.base);
    let output = Command::new("bash")
        .args(["-c", &script])
        .env("REGISTER_DATA_DIR", &folder)
        .env_remove("DATABASE_URL")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    let parts: Vec<&str> = said.split("\n=====\n").collect();
    assert!(expected.iter().flatten().count() > 10 && parts.len() == expected.len() + 1);
    for (part, lines) in parts.iter().zip(expected) {
        for line in lines {
            assert!(part.contains(line), "{line}\nis not in\n{part}");
        }
    }
    drop(process);
    let _ = std::fs::remove_dir_all(&folder);
}
