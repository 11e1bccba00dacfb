//! Builds again when a migration or the shipped content changes, and tells the
//! tests which checkers of other ecosystems are here. In CI none may be missing.

use std::path::Path;

fn main() {
    for path in ["migrations", "content", "target/tools/checked"] {
        println!("cargo:rerun-if-changed={path}");
    }
    println!("cargo:rerun-if-env-changed=CI");
    let ci = std::env::var("CI").is_ok_and(|ci| ci == "true");
    for (name, program) in [
        ("no_python_tools", "target/tools/python/bin/openapi-spec-validator"),
        ("no_node_tools", "target/tools/node_modules/.bin/redocly"),
    ] {
        println!("cargo:rustc-check-cfg=cfg({name})");
        if !ci && !Path::new(program).exists() {
            println!("cargo:rustc-cfg={name}");
        }
    }
}
