//! A whole list as a stream, in constant memory. The rows come from one
//! statement, so an export shows one moment of the register.

use std::time::Duration;

use actix_web::http::Method;
use actix_web::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE, ETAG};
use actix_web::{HttpRequest, HttpResponse};
use bytes::Bytes;
use diesel_async::{RunQueryDsl, SimpleAsyncConnection};
use futures_util::{StreamExt, TryStreamExt, stream};
use tokio::sync::mpsc::{Sender, channel};
use tokio::sync::oneshot;

use crate::API_VERSION;
use crate::db::Connection;
use crate::digest::digest;
use crate::error::Problem;
use crate::formats::{Format, Writer};
use crate::page::Options;
use crate::state::State;
use crate::store::ask::Ask;
use crate::store::rates;
use crate::store::read::{self, Row};

/// Bytes are handed to the client in pieces of about this size.
const PIECE: usize = 64 * 1024;
/// A client that takes nothing for this long is given up.
const PATIENCE: Duration = Duration::from_secs(60);

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
    let (pieces, receiver) = channel::<Result<Bytes, std::io::Error>>(2);
    let (tell, told) = oneshot::channel();
    let writer = format.writer(ask.kind, options.fields.as_deref(), options.bom, ask.conversion.is_some());
    let writer = writer.filter(|_| request.method() != Method::HEAD);
    // From BEGIN on the connection belongs to this task alone: however it ends, no
    // connection goes back to the pool in the middle of a transaction.
    actix_web::rt::spawn(async move {
        let client = pieces.clone();
        let done = run(&mut connection, ask, options, writer, tell, pieces).await;
        if let Err(problem) = done {
            log::info!("an export of {collection} broke off: {problem}");
            // The headers are sent; what is left is to break off, so that nobody takes a part for the whole.
            let _ = client.send(Err(std::io::Error::other("broken off"))).await;
            abandon(connection).await;
        }
    });
    let position = told.await.map_err(|_| Problem::unavailable("The database is not reachable; try again"))??;
    let question = format!("{API_VERSION}\n{}\n{collection}\n{}", state.register, request.query_string());
    let body = stream::unfold(receiver, async |mut receiver| receiver.recv().await.map(|piece| (piece, receiver)));
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, format.content_type()))
        .insert_header((CONTENT_DISPOSITION, format!("inline; filename=\"{collection}.{}\"", format.name())))
        .insert_header((ETAG, format!("\"{position}-{}-{}\"", format.name(), digest(question.as_bytes()))))
        .streaming(body.boxed_local()))
}

/// Reads the register's position (0 for the past; with the number of rates, where it converts), tells it, and sends the rows of the same moment;
/// none without a writer.
async fn run(
    connection: &mut Connection,
    mut ask: Ask,
    options: Options,
    writer: Option<Box<dyn Writer>>,
    tell: oneshot::Sender<Result<i64, Problem>>,
    pieces: Sender<Result<Bytes, std::io::Error>>,
) -> Result<(), Problem> {
    connection.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
    // The past does not change, whatever is written now.
    let position = match options.as_of {
        Some(as_of) => as_of.enter(connection).await.map(|()| 0)?,
        None if ask.conversion.is_some() => read::position(connection).await? + rates::number(connection).await?,
        None => read::position(connection).await?,
    };
    let resolved = ask.resolve(connection).await;
    let failed = resolved.clone();
    tell.send(resolved.map(|()| position)).map_err(|_| Problem::unavailable("the client went away"))?;
    failed?;
    if let Some(writer) = writer {
        send(connection, ask, options, writer, pieces).await?;
    }
    Ok(connection.batch_execute("COMMIT").await?)
}

async fn send(
    connection: &mut Connection,
    ask: Ask,
    options: Options,
    mut writer: Box<dyn Writer>,
    pieces: Sender<Result<Bytes, std::io::Error>>,
) -> Result<(), Problem> {
    let mut buffer = Vec::with_capacity(PIECE + PIECE / 4);
    writer.begin(&mut buffer);
    let hand_over = async |buffer: &mut Vec<u8>| {
        let piece = Bytes::from(std::mem::take(buffer));
        let sent = tokio::time::timeout(PATIENCE, pieces.send(Ok(piece))).await;
        if matches!(sent, Ok(Ok(()))) { Ok(()) } else { Err(Problem::unavailable("the client went away")) }
    };
    {
        let mut rows = ask.rows().load_stream::<Row>(connection).await?;
        while let Some(row) = rows.try_next().await? {
            writer.record(&options.pick(row.view(ask.kind)?), row.points.as_deref(), &mut buffer);
            if buffer.len() >= PIECE {
                hand_over(&mut buffer).await?;
            }
        }
    }
    writer.end(&mut buffer);
    hand_over(&mut buffer).await
}

/// Ends a statement whose rows nobody wants, and its connection with it.
async fn abandon(connection: Connection) {
    let token = connection.cancel_token();
    drop(Connection::take(connection));
    let _ = token.cancel_query(tokio_postgres::NoTls).await;
}
