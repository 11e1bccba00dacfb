//! Dumps: the whole register as files of one moment, made by `aid-register dump` and on a schedule, and
//! never changed afterwards.
//!
//! A dump is a folder: each collection as CSV, NDJSON and Parquet, all activities as one IATI file,
//! text also packed with gzip, and a [`manifest`] that says what each file is. [`make`] makes one,
//! [`keep`] says which of the old ones stay, [`routes`] serves them.

pub mod keep;
pub mod make;
pub mod manifest;
pub mod routes;

use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::Utc;

use crate::db::Database;
use make::Made;
use manifest::Manifest;

/// How often is looked whether it is time.
const PAUSE: Duration = Duration::from_secs(60);

/// Where dumps are, and how they are made.
#[derive(Debug, Clone)]
pub struct Dumps {
    /// Their folder.
    pub folder: PathBuf,
    /// Hours from one to the next; 0 is never.
    pub hours: u32,
    /// So many of the newest stay.
    pub kept: usize,
    /// The licence of what is published, by SPDX identifier.
    pub licence: String,
}

impl Dumps {
    /// What there is, the newest first; what cannot be read is none.
    pub fn list(&self) -> Vec<Manifest> {
        let folders = std::fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let mut found: Vec<Manifest> = folders.filter_map(|folder| Manifest::read(&folder.path())).collect();
        found.sort_by(|a, b| b.name.cmp(&a.name));
        found
    }

    /// One of them; `latest` is the newest.
    pub fn find(&self, name: &str) -> Option<Manifest> {
        if name == "latest" {
            return self.list().into_iter().next();
        }
        let is_name = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        if is_name { Manifest::read(&self.path(name)) } else { None }
    }

    fn path(&self, name: &str) -> PathBuf {
        Path::new(&self.folder).join(name)
    }

    /// Makes dumps when it is time, for as long as the program runs: not while nothing has changed.
    pub async fn schedule(self, db: Database) {
        if self.hours == 0 {
            return;
        }
        loop {
            tokio::time::sleep(PAUSE).await;
            let newest = self.list().into_iter().next();
            let is_time = newest
                .is_none_or(|newest| Utc::now() - newest.made_at >= chrono::TimeDelta::hours(i64::from(self.hours)));
            if !is_time {
                continue;
            }
            match make::make(&db, &self).await {
                Ok(Made::Dump(manifest)) => log::info!("dumped the register as {}", manifest.name),
                Ok(Made::Unchanged(_) | Made::Elsewhere) => {}
                Err(problem) => log::warn!("the register could not be dumped: {problem:#}"),
            }
        }
    }
}
