//! Carrying out imports that wait, one after another. Several instances may do so:
//! each import is taken by one. What was begun when a program died is begun anew.

use std::io::Read;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use bytes::{Buf, Bytes};
use diesel_async::AsyncPgConnection;
use serde_json::json;
use tokio::sync::Notify;
use tokio::sync::mpsc::{Receiver, channel};
use tokio::time::timeout;
use uuid::Uuid;

use super::jobs::{self, Job};
use super::report::{Report, Status};
use super::run::{Progress, Source, run};
use crate::db::{self, Database};
use crate::error::{Fault, Problem};
use crate::idempotency;
use crate::input::Shapes;
use crate::store::audit;

/// Without a call, the database is asked this often: other instances take orders too.
const PAUSE: Duration = Duration::from_secs(2);
/// After a failure of the register an import is begun again so many times.
const ATTEMPTS: i32 = 3;
/// How often an import says how far it is.
const TELL: Duration = Duration::from_millis(300);

/// What carries out imports.
pub struct Worker {
    /// Connections.
    pub db: Database,
    /// The schemas that input is held against.
    pub shapes: Arc<Shapes>,
    /// The percentage of a publisher's records that may change without confirmation.
    pub guard: i32,
    /// Called when there is something to do.
    pub call: Arc<Notify>,
    /// The import that is under way.
    pub current: Arc<Mutex<Option<Uuid>>>,
}

impl Worker {
    /// Works until the program ends.
    pub async fn work(self) {
        let mut swept: Option<Instant> = None;
        loop {
            match self.next().await {
                Ok(true) => continue,
                Ok(false) => {}
                Err(problem) => log::error!("an import was interrupted: {problem}"),
            }
            if swept.is_none_or(|at| at.elapsed() > Duration::from_secs(3600)) {
                swept = Some(Instant::now());
                if let Err(problem) = idempotency::forget(&self.db).await {
                    log::warn!("old answers were not removed: {problem}");
                }
            }
            let _ = timeout(PAUSE, self.call.notified()).await;
        }
    }

    /// Carries out the import that waits longest; says whether there was one.
    async fn next(&self) -> Result<bool, Problem> {
        let mut connection = self.db.get_for_write().await?;
        db::begin(&mut connection).await?;
        let Some(job) = jobs::claim(&mut connection).await? else {
            db::end(&mut connection, false).await?;
            return Ok(false);
        };
        self.is_at(Some(job.id));
        let done = self.carry_out(&mut connection, &job).await;
        self.is_at(None);
        let done = match done {
            // Its statement was ended: it is taken up once more, to be told that it is cancelled.
            Err(_) if jobs::is_cancelled(&mut *self.db.get().await?, job.id).await? => {
                log::info!("import {}: interrupted, since it was cancelled", job.id);
                db::end(&mut connection, false).await?;
                return Ok(true);
            }
            done => done,
        };
        db::end(&mut connection, done.is_ok()).await?;
        done.map(|()| true)
    }

    fn is_at(&self, import: Option<Uuid>) {
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = import;
    }

    /// Ends a statement of the import when it is cancelled, however long that would have taken.
    fn interrupt(&self, connection: &AsyncPgConnection, id: Uuid) -> AbortOnDrop {
        let (db, token) = (self.db.clone(), connection.cancel_token());
        AbortOnDrop(tokio::spawn(async move {
            loop {
                tokio::time::sleep(TELL).await;
                let cancelled = async { Ok::<_, Problem>(jobs::is_cancelled(&mut *db.get().await?, id).await?) };
                if matches!(cancelled.await, Ok(true)) {
                    let _ = token.cancel_query(tokio_postgres::NoTls).await;
                }
            }
        }))
    }

    async fn carry_out(&self, connection: &mut AsyncPgConnection, job: &Job) -> Result<(), Problem> {
        let order = job.order()?;
        let ended = |status: Status| Report { status, dry_run: order.dry_run, ..Report::default() };
        let (cancelled, attempts) = jobs::tell(&mut *self.db.get().await?, job.id, 0, 1).await?;
        let report = match (cancelled, attempts) {
            (true, _) => ended(Status::Cancelled),
            (false, attempts) if attempts > ATTEMPTS => {
                let mut report = ended(Status::Failed);
                let detail = format!("the register failed {ATTEMPTS} times while it carried this out; send it again");
                report.fault(Fault { code: "register_failed".into(), detail, ..Fault::default() });
                report
            }
            _ => {
                let lost = Arc::new(OnceLock::new());
                let body = Box::new(Stored::read(self.db.clone(), job.id, Arc::clone(&lost)));
                let sources = vec![Source { name: None, format: order.format, body }];
                let mut progress = Telling { db: &self.db, id: job.id, told: Instant::now(), lost };
                let _until_done = self.interrupt(connection, job.id);
                run(connection, &self.shapes, &order, sources, self.guard, &mut progress).await?
            }
        };
        let status: &str = report.status.into();
        log::info!("import {}: {status} {:?}", job.id, report.counts);
        if report.status != Status::Completed {
            let details = json!({"import": job.id, "status": status});
            audit::append(connection, audit::act("refused", &order.author, details)).await?;
        }
        jobs::finish(connection, job.id, &report).await
    }
}

/// A task that ends with whoever began it.
struct AbortOnDrop(tokio::task::JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Tells how far an import is, and hears of its being cancelled.
struct Telling<'a> {
    db: &'a Database,
    id: Uuid,
    told: Instant,
    /// Why the body could not be read to its end.
    lost: Arc<OnceLock<String>>,
}

impl Progress for Telling<'_> {
    async fn tell(&mut self, read: i64, last: bool) -> Result<bool, Problem> {
        // That is the register's fault, not the sender's.
        if let Some(words) = self.lost.get() {
            return Err(Problem::unavailable(format!("the body of the import cannot be read: {words}")));
        }
        if !last && self.told.elapsed() < TELL {
            return Ok(true);
        }
        self.told = Instant::now();
        let (cancelled, _) = jobs::tell(&mut *self.db.get().await?, self.id, read, 0).await?;
        Ok(!cancelled)
    }
}

/// A body in the database, read by a thread that may block.
struct Stored {
    parts: Receiver<Result<Bytes, String>>,
    part: Bytes,
}

impl Stored {
    fn read(db: Database, id: Uuid, lost: Arc<OnceLock<String>>) -> Self {
        let (sender, parts) = channel(2);
        actix_web::rt::spawn(async move {
            for n in 0.. {
                let part = async { Ok::<_, Problem>(jobs::part(&mut *db.get().await?, id, n).await?) };
                let part = match part.await {
                    Ok(Some(part)) => Ok(part),
                    Ok(None) => return,
                    Err(problem) => {
                        let words = problem.to_string();
                        let _ = lost.set(words.clone());
                        Err(words)
                    }
                };
                let failed = part.is_err();
                if sender.send(part).await.is_err() || failed {
                    return;
                }
            }
        });
        Self { parts, part: Bytes::new() }
    }
}

impl Read for Stored {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        while self.part.is_empty() {
            match self.parts.blocking_recv() {
                Some(part) => self.part = part.map_err(std::io::Error::other)?,
                None => return Ok(0),
            }
        }
        let length = buffer.len().min(self.part.len());
        self.part.copy_to_slice(&mut buffer[..length]);
        Ok(length)
    }
}
