//! What a dump says of itself.

use std::path::Path;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The name of its file.
pub const FILE: &str = "manifest.json";

/// A dump.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Manifest {
    /// Its name: the instant that it was made at.
    #[schema(examples("2026-11-22T180000Z"))]
    pub name: String,
    /// When it was made.
    pub made_at: DateTime<Utc>,
    /// The moment of the register that it shows: `as_of` this, the register says the same.
    pub as_of: DateTime<Utc>,
    /// The number of the last change in it.
    pub position: i64,
    /// Where the feed of changes goes on.
    #[schema(examples("/v1/changes?after=WyI2MDQiLCIiXQ"))]
    pub changes: String,
    /// The version of the API whose schemas the records have.
    pub api_version: String,
    /// The licence, by SPDX identifier.
    #[schema(examples("CC-BY-4.0"))]
    pub licence: String,
    /// How to cite it.
    pub citation: String,
    /// Its files.
    pub files: Vec<File>,
}

/// A file of a dump.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct File {
    /// Its name.
    #[schema(examples("grants.csv"))]
    pub name: String,
    /// Its media type.
    pub media_type: String,
    /// Its size.
    pub bytes: u64,
    /// SHA-256 of its bytes, in hexadecimal digits.
    pub sha256: String,
    /// The records that it was made of; what a standard leaves out of them, the file names.
    pub rows: u64,
    /// What describes a record: a schema of the OpenAPI document, or of a standard.
    pub schema: String,
    /// Of a packed file, what it is when it is unpacked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unpacked: Option<String>,
}

impl Manifest {
    /// Reads the one of a folder; a folder without one is no dump.
    pub fn read(folder: &Path) -> Option<Self> {
        let text = std::fs::read(folder.join(FILE)).ok()?;
        let manifest: Self = serde_json::from_slice(&text).ok()?;
        // A folder that somebody renamed is none either.
        (folder.file_name()?.to_str()? == manifest.name).then_some(manifest)
    }
}
