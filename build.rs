//! Builds again when a migration or the shipped content changes, and tells the
//! tests which checkers of other ecosystems and which files of other publishers are
//! here. In CI none may be missing.

use std::path::Path;

fn main() {
    for path in ["migrations", "content", "target/tools/checked", "../shared/reference"] {
        println!("cargo:rerun-if-changed={path}");
    }
    println!("cargo:rerun-if-env-changed=CI");
    println!("cargo:rerun-if-env-changed=REGISTER_REFERENCE");
    let reference = std::env::var("REGISTER_REFERENCE").unwrap_or_else(|_| "../shared/reference".into());
    let ci = std::env::var("CI").is_ok_and(|ci| ci == "true");
    for (name, program) in [
        ("no_python_tools", "target/tools/python/bin/openapi-spec-validator"),
        ("no_node_tools", "target/tools/node_modules/.bin/redocly"),
        ("no_libreoffice", "/usr/bin/soffice"),
        ("no_reference", &format!("{reference}/geo/SOURCE.md")),
    ] {
        println!("cargo:rustc-check-cfg=cfg({name})");
        if !ci && !Path::new(program).exists() {
            println!("cargo:rustc-cfg={name}");
        }
    }
}
