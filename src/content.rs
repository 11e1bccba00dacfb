//! Loading records from a file, and the content that the program ships.
//!
//! A file is a JSON object with a list of records for each collection:
//! `{"programmes": [{...}], "grants": [{...}]}`. It is an import like those of the API.

pub mod demo;
pub mod indicators;
pub mod shipped;

use std::collections::BTreeSet;
use std::io::Cursor;
use std::sync::Arc;

use anyhow::Context;
use diesel::{QueryableByName, sql_query, sql_types::Bool};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};

use crate::error::{Problem, Reason};
use crate::imports::report::{Counts, Status};
use crate::imports::run::{Source, Unwatched, run};
use crate::imports::{Format, Order};
use crate::input::Shapes;
use crate::store::change::Author;
use crate::store::publishers::{self, Publisher};
use crate::{rates, store};
use shipped::{FILES, PUBLISHERS, RATES};

/// Loads files as one batch, all of it or nothing; the author may write everything.
pub async fn load(
    connection: &mut AsyncPgConnection,
    shapes: &Arc<Shapes>,
    author: &Author,
    files: Vec<(String, Vec<u8>)>,
) -> Result<Counts, Problem> {
    let several = files.len() > 1;
    let sources = files.into_iter().map(|(name, bytes)| Source {
        name: Some(name).filter(|_| several),
        format: Format::Json,
        body: Box::new(Cursor::new(bytes)),
    });
    let order = Order { author: author.clone(), ..Order::default() };
    let report = run(connection, shapes, &order, sources.collect(), 100, &mut Unwatched).await?;
    match report.status {
        Status::Completed => Ok(report.counts),
        _ => Err(Problem::invalid(report.errors)),
    }
}

/// Loads files of exchange rates; says how many were read, and how many are new or changed.
pub async fn load_rates(
    connection: &mut AsyncPgConnection,
    author: &Author,
    files: &[(String, Vec<u8>)],
) -> anyhow::Result<(usize, usize)> {
    anyhow::ensure!(!files.is_empty(), "say which files of rates to load");
    let mut read = Vec::new();
    for (name, bytes) in files {
        read.extend(rates::files::read(bytes).with_context(|| name.clone())?);
    }
    let changed = store::rates::put(connection, author, &read).await?;
    Ok((read.len(), changed))
}

/// Loads tables of indicators that others keep; gives what became of the records, and the codes
/// of what is no place of the register.
pub async fn load_indicators(
    connection: &mut AsyncPgConnection,
    shapes: &Arc<Shapes>,
    author: &Author,
    files: &[(String, Vec<u8>)],
) -> anyhow::Result<(Counts, BTreeSet<String>)> {
    anyhow::ensure!(!files.is_empty(), "say which tables of indicators to load");
    indicators::publisher(connection).await?;
    let (mut records, mut skipped) = (Vec::new(), BTreeSet::new());
    for (name, bytes) in files {
        let read = indicators::read(connection, name, bytes).await.with_context(|| name.clone())?;
        records.push((name.clone(), serde_json::to_vec(&read.records)?));
        skipped.extend(read.skipped);
    }
    Ok((load(connection, shapes, author, records).await?, skipped))
}

#[derive(QueryableByName)]
struct Empty {
    #[diesel(sql_type = Bool)]
    empty: bool,
}

/// Loads the shipped exchange rates into a register that has none.
pub async fn load_shipped_rates(connection: &mut AsyncPgConnection) -> anyhow::Result<()> {
    if store::rates::number(connection).await? > 0 {
        return Ok(());
    }
    let files: Vec<(String, Vec<u8>)> =
        RATES.iter().map(|(name, file)| ((*name).to_owned(), file.as_bytes().to_vec())).collect();
    let (_, kept) = load_rates(connection, &Author::program("shipped-content"), &files).await?;
    log::info!("loaded {kept} exchange rates");
    Ok(())
}

/// Loads the shipped content, with its publishers, into a register that has no
/// record yet. Instances that start together wait for one another.
pub async fn load_shipped(connection: &mut AsyncPgConnection, shapes: &Arc<Shapes>) -> Result<Option<Counts>, Problem> {
    const LOCK: &str = "SELECT pg_advisory_lock(hashtext('aid-register: shipped content'))";
    sql_query(LOCK).execute(connection).await?;
    let empty: Empty = sql_query("SELECT NOT EXISTS (SELECT FROM records) AS empty").get_result(connection).await?;
    if !empty.empty {
        return Ok(None);
    }
    let author = Author::program("shipped-content");
    let mut files: Vec<(String, Vec<u8>)> =
        FILES.iter().map(|(name, file)| ((*name).to_owned(), file.as_bytes().to_vec())).collect();
    files.push(("countries".into(), shipped::countries()));
    let loaded = connection
        .transaction(async |connection| {
            for (id, name, prefixes) in PUBLISHERS {
                let prefixes = prefixes.iter().map(|prefix| (*prefix).to_owned()).collect();
                publishers::add(connection, &author, &Publisher { id: (*id).into(), name: (*name).into(), prefixes })
                    .await?;
            }
            publishers::own(connection, "places", &shipped::single_places()).await?;
            load(connection, shapes, &author, files).await
        })
        .await;
    match loaded {
        Err(problem) if problem.reason == Reason::Conflict => {
            log::warn!("the shipped content was not loaded: {problem}; REGISTER_LOAD_CONTENT=false leaves it out");
            Ok(None)
        }
        loaded => loaded.map(Some),
    }
}
