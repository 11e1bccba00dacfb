//! A whole list as a stream, in constant memory. The rows come from one
//! statement, so an export shows one moment of the register.

use std::io;
use std::time::Duration;

use actix_web::http::Method;
use actix_web::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE, ETAG};
use actix_web::{HttpRequest, HttpResponse};
use bytes::{Bytes, BytesMut};
use chrono::DateTime;
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use futures_util::{StreamExt, TryStreamExt, stream};
use tokio::io::AsyncReadExt;
use tokio::sync::mpsc::{Sender, channel};
use tokio::sync::oneshot;

use crate::API_VERSION;
use crate::db::Connection;
use crate::digest::digest;
use crate::error::{Fault, Problem};
use crate::formats::{Export, Format, Writer, related};
use crate::page::Options;
use crate::state::State;
use crate::store::ask::Ask;
use crate::store::grain::{self, Grain};
use crate::store::rates;
use crate::store::read::{self, Row};

/// Bytes are handed to the client in pieces of about this size.
const PIECE: usize = 64 * 1024;
/// A client that takes nothing for this long is given up.
const PATIENCE: Duration = Duration::from_secs(60);

/// An export that is asked for.
struct Job {
    ask: Ask,
    options: Options,
    format: Format,
    export: Export,
    /// Whether nobody wants the rows.
    is_head: bool,
}

/// Answers with every record that a question finds.
pub async fn stream(
    state: &State,
    ask: Ask,
    options: Options,
    format: Format,
    request: &HttpRequest,
) -> Result<HttpResponse, Problem> {
    let collection = ask.kind.collection;
    let mut connection = state.db.get_for_export().await?;
    let (pieces, receiver) = channel::<Result<Bytes, io::Error>>(2);
    let (tell, told) = oneshot::channel();
    let export = Export {
        kind: ask.kind,
        fields: options.fields.clone(),
        bom: options.bom,
        converts: ask.conversion.is_some(),
        grain: ask.grain,
        address: format!("{}{}", state.base(request), request.uri()),
        moment: DateTime::UNIX_EPOCH,
        licence: state.licence.clone(),
    };
    let job = Job { ask, options, format, export, is_head: request.method() == Method::HEAD };
    // From BEGIN on the connection belongs to this task alone: however it ends, no
    // connection goes back to the pool in the middle of a transaction.
    actix_web::rt::spawn(async move {
        let client = pieces.clone();
        let done = run(&mut connection, job, tell, pieces).await;
        if let Err(problem) = done {
            log::info!("an export of {collection} broke off: {problem}");
            // The headers are sent; what is left is to break off, so that nobody takes a part for the whole.
            let _ = client.send(Err(io::Error::other("broken off"))).await;
            abandon(connection).await;
        }
    });
    let position = told.await.map_err(|_| Problem::unavailable("The database is not reachable; try again"))??;
    let question = format!("{API_VERSION}\n{}\n{collection}\n{}", state.register, request.query_string());
    let body = stream::unfold(receiver, async |mut receiver| receiver.recv().await.map(|piece| (piece, receiver)));
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, format.content_type()))
        .insert_header((CONTENT_DISPOSITION, format!("inline; filename=\"{collection}.{}\"", format.extension())))
        .insert_header((ETAG, format!("\"{position}-{}-{}\"", format.name(), digest(question.as_bytes()))))
        .streaming(body.boxed_local()))
}

/// Tells the register's position and sends the rows of the same moment.
async fn run(
    connection: &mut Connection,
    mut job: Job,
    tell: oneshot::Sender<Result<i64, Problem>>,
    pieces: Sender<Result<Bytes, io::Error>>,
) -> Result<(), Problem> {
    let lays_out = job.options.as_of.is_some() && (job.format.is_standard() || job.ask.grain == Grain::Transaction);
    let mode = if lays_out { "READ WRITE" } else { "READ ONLY" };
    connection.batch_execute(&format!("BEGIN ISOLATION LEVEL REPEATABLE READ {mode}")).await?;
    let prepared = prepare(connection, &mut job).await;
    let failed = prepared.as_ref().map(|_| ()).map_err(Problem::clone);
    tell.send(prepared).map_err(|_| Problem::unavailable("the client went away"))?;
    failed?;
    if !job.is_head {
        // Who goes away while rows are still being looked for does not keep them being looked for.
        tokio::select! {
            sent = send(connection, job, &pieces) => sent?,
            () = pieces.closed() => return Err(Problem::unavailable("the client went away")),
        }
    }
    Ok(connection.batch_execute("COMMIT").await?)
}

/// Takes the moment of an export; gives the register's position, 0 for the past, with the number of
/// rates, where it converts. Refuses what the format has no room for.
async fn prepare(connection: &mut Connection, job: &mut Job) -> Result<i64, Problem> {
    // The past does not change, whatever is written now.
    let position = match job.options.as_of {
        Some(as_of) => {
            as_of.enter(connection).await?;
            if job.format.is_standard() {
                connection.batch_execute(related::PAST).await?;
            }
            if job.ask.grain == Grain::Transaction {
                connection.batch_execute(grain::PAST).await?;
            }
            job.export.moment = as_of.0;
            0
        }
        None => {
            let (position, moment) = read::clock(connection).await?;
            job.export.moment = moment;
            position + if job.export.converts { rates::number(connection).await? } else { 0 }
        }
    };
    job.ask.resolve(connection).await?;
    if let Some(rows) = job.format.rows()
        && read::is_over(connection, &job.ask, rows).await?
    {
        let words =
            format!("these are more than {rows} rows, which is all that a sheet holds: use format=csv, or filter");
        return Err(Problem::invalid(vec![Fault::parameter("format", "rows_too_many", words)]));
    }
    Ok(position)
}

/// Writes all records that a question finds; after each, `take` may take what is written out of the
/// buffer. Says how many they were.
pub async fn write(
    connection: &mut AsyncPgConnection,
    ask: &Ask,
    options: &Options,
    writer: &mut dyn Writer,
    buffer: &mut Vec<u8>,
    mut take: impl AsyncFnMut(&mut Vec<u8>) -> Result<(), Problem>,
) -> Result<u64, Problem> {
    let mut number = 0;
    let mut rows = ask.rows().load_stream::<Row>(connection).await?;
    while let Some(row) = rows.try_next().await? {
        let mut view = row.view(ask.kind)?;
        let piece = row.piece.as_deref().map(serde_json::from_str).transpose().map_err(Problem::internal)?;
        let added = piece.map(|piece| ask.grain.narrow(ask.kind, &mut view, piece)).unwrap_or_default();
        let mut view = options.pick(view);
        view.extend(added);
        writer.record(&view, row.beside.as_deref(), buffer).map_err(Problem::internal)?;
        take(buffer).await?;
        number += 1;
    }
    Ok(number)
}

async fn send(connection: &mut Connection, job: Job, pieces: &Sender<Result<Bytes, io::Error>>) -> Result<(), Problem> {
    let Job { ask, options, format, export, .. } = job;
    let Some(mut writer) = format.writer(&export).map_err(Problem::internal)? else { return Ok(()) };
    let mut buffer = Vec::with_capacity(PIECE + PIECE / 4);
    writer.begin(&mut buffer);
    let hand_over = async |buffer: &mut Vec<u8>| {
        let piece = Bytes::from(std::mem::take(buffer));
        let sent = tokio::time::timeout(PATIENCE, pieces.send(Ok(piece))).await;
        if matches!(sent, Ok(Ok(()))) { Ok(()) } else { Err(Problem::unavailable("the client went away")) }
    };
    let take = async |buffer: &mut Vec<u8>| if buffer.len() >= PIECE { hand_over(buffer).await } else { Ok(()) };
    write(connection, &ask, &options, &mut *writer, &mut buffer, take).await?;
    let ended = tokio::task::spawn_blocking(move || writer.end(&mut buffer).map(|file| (buffer, file)));
    let (mut buffer, file) = ended.await.map_err(Problem::internal)?.map_err(Problem::internal)?;
    hand_over(&mut buffer).await?;
    if let Some(file) = file {
        let mut file = tokio::fs::File::from_std(file);
        loop {
            let mut piece = BytesMut::with_capacity(PIECE);
            if file.read_buf(&mut piece).await.map_err(Problem::internal)? == 0 {
                break;
            }
            buffer.extend_from_slice(&piece);
            hand_over(&mut buffer).await?;
        }
    }
    Ok(())
}

/// Ends a statement whose rows nobody wants, and its connection with it.
async fn abandon(connection: Connection) {
    let token = connection.cancel_token();
    drop(Connection::take(connection));
    let _ = token.cancel_query(tokio_postgres::NoTls).await;
}
