//! Making a dump: all files from one snapshot of the register, in a folder that gets its name when
//! it is complete.

use std::fs::{self, File};
use std::io::{BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use chrono::{DateTime, Utc};
use diesel::sql_types::Bool;
use diesel::{QueryableByName, sql_query};
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};

use super::manifest::{self, Manifest};
use super::{Dumps, keep};
use crate::API_VERSION;
use crate::changes;
use crate::collections;
use crate::db::Database;
use crate::digest::hexadecimal;
use crate::export;
use crate::formats::{Export, Format, Writer};
use crate::http::query::Query;
use crate::kind::Kind;
use crate::page::Options;
use crate::store::ask::Ask;
use crate::store::grain::Grain;
use crate::store::read;

/// The formats of each collection.
const FORMATS: [Format; 3] = [Format::Csv, Format::Ndjson, Format::Parquet];
/// All programmes and grants in one file.
const ACTIVITIES: &str = "activities.xml";
/// What is being made.
const PART: &str = ".part";
/// The lock under which dumps are made ("AIDD").
const LOCK: i64 = 0x4149_4444;

#[derive(QueryableByName)]
struct Locked {
    #[diesel(sql_type = Bool)]
    locked: bool,
}

/// What came of making a dump.
pub enum Made {
    /// The dump.
    Dump(Manifest),
    /// This is the newest, and nothing has changed since.
    Unchanged(Manifest),
    /// Another program makes one.
    Elsewhere,
}

/// Makes a dump, if anything has changed since the newest, and removes those that do not stay.
pub async fn make(db: &Database, dumps: &Dumps) -> anyhow::Result<Made> {
    let mut connection = db.get_for_export().await?;
    let lock = format!("SELECT pg_try_advisory_lock({LOCK}) AS locked");
    let Locked { locked } = sql_query(lock).get_result(&mut *connection).await?;
    if !locked {
        return Ok(Made::Elsewhere);
    }
    let made = under_lock(&mut connection, dumps).await;
    // However that ended, the connection goes back as it came.
    connection.batch_execute(&format!("ROLLBACK; SELECT pg_advisory_unlock({LOCK}); RESET statement_timeout")).await?;
    made
}

async fn under_lock(connection: &mut AsyncPgConnection, dumps: &Dumps) -> anyhow::Result<Made> {
    let part = dumps.path(PART);
    // What one left that was stopped.
    if part.exists() {
        fs::remove_dir_all(&part).with_context(|| format!("clearing {}", part.display()))?;
    }
    connection
        .batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL statement_timeout = 0")
        .await?;
    let (position, as_of) = read::clock(connection).await?;
    if let Some(newest) = dumps.list().into_iter().next().filter(|newest| newest.position == position) {
        return Ok(Made::Unchanged(newest));
    }
    fs::create_dir_all(&part).with_context(|| format!("making {}", part.display()))?;
    let made_at = Utc::now();
    let second = made_at.format("%Y-%m-%dT%H%M%SZ").to_string();
    // A register of few records has several in one second.
    let names = std::iter::once(second.clone()).chain((2..).map(|n| format!("{second}-{n}")));
    let name = names.into_iter().find(|name| !dumps.path(name).exists()).unwrap_or(second);
    let mut written = Vec::new();
    for kind in collections::ALL {
        for format in FORMATS {
            let file = format!("{}.{}", kind.collection, format.name());
            let rows = write(connection, dumps, &part.join(&file), &[kind], format, as_of).await?;
            written.push((file, format, rows, format!("/v1/openapi.json#/components/schemas/{}", kind.schema)));
        }
    }
    let activities = [&collections::programmes::KIND, &collections::grants::KIND];
    let rows = write(connection, dumps, &part.join(ACTIVITIES), &activities, Format::Xml, as_of).await?;
    written.push((ACTIVITIES.into(), Format::Xml, rows, "IATI 2.03".into()));
    connection.batch_execute("COMMIT").await?;
    let folder = part.clone();
    let files = tokio::task::spawn_blocking(move || finish(&folder, written)).await??;
    let manifest = Manifest {
        citation: format!("Aid Register, dump of {}", as_of.format("%-d %B %Y")),
        api_version: API_VERSION.to_owned(),
        licence: dumps.licence.clone(),
        name,
        made_at,
        as_of,
        changes: changes::after(position, &read::register(connection).await?),
        position,
        files,
    };
    fs::write(part.join(manifest::FILE), serde_json::to_vec_pretty(&manifest)?)?;
    fs::rename(&part, dumps.path(&manifest.name)).context("giving the dump its name")?;
    for name in keep::gone(&dumps.list(), dumps.kept) {
        fs::remove_dir_all(dumps.path(name)).with_context(|| format!("removing the dump {name}"))?;
    }
    Ok(Made::Dump(manifest))
}

/// Writes the records of collections to one file; says how many they are.
async fn write(
    connection: &mut AsyncPgConnection,
    dumps: &Dumps,
    path: &Path,
    kinds: &[&'static Kind],
    format: Format,
    moment: DateTime<Utc>,
) -> anyhow::Result<u64> {
    let export = |kind: &'static Kind| Export {
        kind,
        fields: None,
        bom: false,
        converts: false,
        grain: Grain::default(),
        address: format!("/v1/{}.{}", kind.collection, format.name()),
        moment,
        licence: dumps.licence.clone(),
    };
    let mut writer: Box<dyn Writer> = format.writer(&export(kinds[0]))?.context("a dump is a stream")?;
    let mut file = BufWriter::new(File::create(path).with_context(|| format!("writing {}", path.display()))?);
    let mut buffer = Vec::new();
    writer.begin(&mut buffer);
    let mut rows = 0;
    for kind in kinds {
        let faults = |_| anyhow::anyhow!("a list without parameters is refused");
        let mut ask = Ask::read(kind, &Query::default(), None, "").map_err(faults)?;
        ask.beside = format.beside(kind, false);
        let options = Options::read(kind, &Query::default(), format).map_err(faults)?;
        let take = async |buffer: &mut Vec<u8>| {
            file.write_all(buffer).map_err(crate::error::Problem::internal)?;
            buffer.clear();
            Ok(())
        };
        rows += export::write(connection, &ask, &options, &mut *writer, &mut buffer, take).await?;
    }
    // Parquet keeps a part of the rows to the end.
    writer.end(&mut buffer)?;
    file.write_all(&buffer)?;
    file.into_inner().map_err(|error| error.into_error())?.sync_all()?;
    Ok(rows)
}

/// Packs what is text, and says of each file what it is.
fn finish(folder: &Path, written: Vec<(String, Format, u64, String)>) -> anyhow::Result<Vec<manifest::File>> {
    let mut files = Vec::new();
    for (name, format, rows, schema) in written {
        let path = folder.join(&name);
        let (bytes, sha256) = measure(&path)?;
        let media_type = format.content_type().to_owned();
        files.push(manifest::File { name: name.clone(), media_type, bytes, sha256, rows, schema, unpacked: None });
        if format != Format::Parquet {
            let packed = PathBuf::from(format!("{}.gz", path.display()));
            let mut encoder = GzEncoder::new(BufWriter::new(File::create(&packed)?), Compression::default());
            std::io::copy(&mut BufReader::new(File::open(&path)?), &mut encoder)?;
            encoder.finish()?.into_inner().map_err(|error| error.into_error())?.sync_all()?;
            let (bytes, sha256) = measure(&packed)?;
            let of = files[files.len() - 1].clone();
            let media_type = "application/gzip".to_owned();
            files.push(manifest::File {
                name: format!("{name}.gz"),
                media_type,
                bytes,
                sha256,
                unpacked: Some(name),
                ..of
            });
        }
    }
    Ok(files)
}

/// The size of a file and SHA-256 of its bytes.
fn measure(path: &Path) -> std::io::Result<(u64, String)> {
    let mut file = BufReader::new(File::open(path)?);
    let (mut hasher, mut buffer, mut bytes) = (Sha256::new(), vec![0; 64 * 1024], 0);
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            return Ok((bytes, hexadecimal(&hasher.finalize())));
        }
        hasher.update(&buffer[..read]);
        bytes += read as u64;
    }
}
