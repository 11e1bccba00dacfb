//! Files of other publishers, which tests read and the project does not contain: in
//! `../shared/reference`, or in the folder that `REGISTER_REFERENCE` names. Tests that
//! need them are ignored where they are missing; in CI they fail.

use std::collections::BTreeMap;
use std::path::PathBuf;

/// A file of the reference folder.
pub fn file(path: &str) -> PathBuf {
    let folder = std::env::var_os("REGISTER_REFERENCE").map(PathBuf::from);
    folder.unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/reference")).join(path)
}

/// The rows of a CSV file, by the names of its columns.
pub fn table(path: &str) -> Vec<BTreeMap<String, String>> {
    let file = file(path);
    let mut reader = csv::Reader::from_path(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    reader.deserialize().map(Result::unwrap).collect()
}
