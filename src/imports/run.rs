//! Carrying an import out: every record is checked and staged first, then all are
//! decided and written together under the clock.

use std::collections::{HashSet, VecDeque};
use std::io::Read;
use std::sync::Arc;

use diesel::sql_types::{Array, Integer, Jsonb, Text};
use diesel::{QueryableByName, sql_query};
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use serde_json::{Value, json};
use tokio::sync::mpsc::{Receiver, channel};
use tokio::task::{JoinHandle, spawn_blocking};

use super::examine::{Current, Examined, examine};
use super::read::read;
use super::report::{Counts, Report, Status};
use super::sink::{Raw, Sink};
use super::{Format, Mode, Order};
use crate::db;
use crate::error::{Fault, Problem, Reason};
use crate::input::Shapes;
use crate::record::Identifier;
use crate::store::batch::{self, Row, Staged};
use crate::store::{audit, commit, refer};

/// So few changes need no confirmation, whatever their share.
const FEW: i64 = 5;

/// Something to be read.
pub struct Source {
    /// Its name, where there are several.
    pub name: Option<String>,
    /// Its format.
    pub format: Format,
    /// Its bytes.
    pub body: Box<dyn Read + Send>,
}

/// Who wants to know how far an import is, and may stop it.
pub trait Progress {
    /// So many records were read; says whether to go on. The last word counts in any case.
    fn tell(&mut self, read: i64, last: bool) -> impl Future<Output = Result<bool, Problem>>;
}

/// Nobody does.
pub struct Unwatched;

impl Progress for Unwatched {
    async fn tell(&mut self, _read: i64, _last: bool) -> Result<bool, Problem> {
        Ok(true)
    }
}

/// Carries out an import in a transaction of its own, or in a savepoint of the one
/// there is. Whatever stores nothing, and a dry run, is rolled back. `guard` is the
/// percentage of a publisher's records that may change without confirmation.
pub async fn run(
    connection: &mut AsyncPgConnection,
    shapes: &Arc<Shapes>,
    order: &Order,
    sources: Vec<Source>,
    guard: i32,
    progress: &mut impl Progress,
) -> Result<Report, Problem> {
    db::begin(connection).await?;
    let import = Import { shapes: Arc::clone(shapes), order: Arc::new(order.clone()), ..Import::default() };
    let result = match import.carry_out(connection, sources, guard, progress).await {
        // What the rules let through and the database does not is the sender's fault too.
        Err(problem) if matches!(problem.reason, Reason::InvalidRequest | Reason::Conflict) => {
            let mut report = Report { status: Status::Refused, dry_run: order.dry_run, ..Report::default() };
            let whole = Fault { code: problem.reason.code().into(), detail: problem.detail, ..Fault::default() };
            report.errors = if problem.errors.is_empty() { vec![whole] } else { problem.errors };
            Ok(report)
        }
        result => result,
    };
    let stored = matches!(&result, Ok(report) if report.status == Status::Completed && !order.dry_run);
    db::end(connection, stored).await?;
    result
}

/// An import under way.
#[derive(Default)]
struct Import {
    shapes: Arc<Shapes>,
    order: Arc<Order>,
    report: Report,
    /// Identifiers of records that are at fault: who refers to them is not at fault for that.
    refused: HashSet<String>,
    /// The same as their places in the batch.
    refused_rows: HashSet<i64>,
    next: i64,
}

impl Import {
    async fn carry_out(
        mut self,
        connection: &mut AsyncPgConnection,
        sources: Vec<Source>,
        guard: i32,
        progress: &mut impl Progress,
    ) -> Result<Report, Problem> {
        self.report.dry_run = self.order.dry_run;
        batch::begin(connection).await?;
        for source in sources {
            if !self.stage(connection, source, progress).await? {
                return Ok(self.end(Status::Cancelled));
            }
        }
        let clock = commit::lock(connection).await?;
        batch::decide(connection, &clock, self.order.writes_for()).await?;
        for row in batch::refused(connection).await? {
            let words = refusal(&row);
            self.refuse(&row, Fault::at("/identifier", &row.target, words));
        }
        let status = loop {
            self.references(connection).await?;
            let counts = batch::counts(connection).await?;
            let number = |outcome: &str| -> i64 {
                counts.iter().filter(|count| count.outcome == outcome).map(|count| count.number).sum()
            };
            if self.order.mode == Mode::Atomic && !self.report.errors.is_empty() {
                break Status::Refused;
            }
            let changed = number("changed") + number("deleted");
            if self.is_too_much(connection, changed, guard).await? {
                break Status::Unconfirmed;
            }
            db::begin(connection).await?;
            commit::commit(connection, &self.order.author, &clock, &Staged::of(&counts)).await?;
            let children = batch::with_parents(connection).await?;
            let circles =
                if children.is_empty() { HashSet::new() } else { refer::circles(connection, &children).await? };
            if circles.is_empty() {
                // What is checked at the end is checked now, in a dry run too.
                connection.batch_execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED").await?;
                if changed + number("created") > 0 && !self.order.dry_run {
                    let identifiers = batch::written(connection).await?;
                    let details = json!({"import": self.order.author.import, "identifiers": identifiers});
                    audit::append(connection, audit::act("import", &self.order.author, details)).await?;
                }
                db::end(connection, true).await?;
                let report = &mut self.report.counts;
                (report.created, report.updated) = (number("created"), number("changed"));
                (report.unchanged, report.deleted) = (number("unchanged"), number("deleted"));
                break Status::Completed;
            }
            db::end(connection, false).await?;
            let circles: Vec<String> = circles.into_iter().collect();
            let rows = batch::rows(connection, &circles).await?;
            for row in &rows {
                self.refuse(
                    row,
                    Fault::at("/parent", "circle", format!("{} would be its own ancestor", row.identifier)),
                );
            }
            batch::refuse(connection, &rows.iter().map(|row| row.n).collect::<Vec<_>>()).await?;
        };
        if status == Status::Completed && !progress.tell(self.report.counts.read, true).await? {
            self.report.counts = Counts { read: self.report.counts.read, ..Counts::default() };
            return Ok(self.end(Status::Cancelled));
        }
        Ok(self.end(status))
    }

    fn end(mut self, status: Status) -> Report {
        self.report.status = status;
        self.report.errors.sort_by_key(|fault| fault.row);
        self.report
    }

    /// Reads, checks and stages one source. Reading, checking and the database work at
    /// the same time; says whether to go on.
    async fn stage(
        &mut self,
        connection: &mut AsyncPgConnection,
        source: Source,
        progress: &mut impl Progress,
    ) -> Result<bool, Problem> {
        let (sender, mut groups): (_, Receiver<Vec<Raw>>) = channel(2);
        let kind = self.order.collection;
        let reader = spawn_blocking(move || read(source.format, kind, source.body, &mut Sink::new(sender)).is_ok());
        let workers = std::thread::available_parallelism().map_or(1, usize::from);
        let mut checking: VecDeque<JoinHandle<Vec<Examined>>> = VecDeque::new();
        let mut open = true;
        while open || !checking.is_empty() {
            if open && checking.len() < workers {
                match groups.recv().await {
                    Some(group) => {
                        let current = current(connection, &group).await?;
                        let (shapes, order) = (Arc::clone(&self.shapes), Arc::clone(&self.order));
                        checking.push_back(spawn_blocking(move || {
                            group.into_iter().map(|raw| examine(&shapes, &order, raw, &current)).collect()
                        }));
                    }
                    None => open = false,
                }
            } else if let Some(group) = checking.pop_front() {
                let group = group.await.map_err(Problem::internal)?;
                self.take(connection, group, source.name.as_deref()).await?;
                if !progress.tell(self.report.counts.read, false).await? {
                    return Ok(false);
                }
            }
        }
        reader.await.map_err(Problem::internal)?;
        Ok(true)
    }

    /// Stages the records that are right, and notes what is wrong with the others.
    async fn take(
        &mut self,
        connection: &mut AsyncPgConnection,
        group: Vec<Examined>,
        name: Option<&str>,
    ) -> Result<(), Problem> {
        let mut entries = Vec::with_capacity(group.len());
        for Examined { line, identifier, result } in group {
            let is_record = identifier.is_some() || line > 0;
            self.report.counts.read += i64::from(is_record);
            match result {
                Ok(mut entry) => {
                    self.next += 1;
                    entry.n = self.next;
                    entries.push(entry);
                }
                Err(faults) => {
                    self.report.counts.refused += i64::from(is_record);
                    for fault in faults {
                        let row = fault.row.or_else(|| Some(line).filter(|line| *line > 0));
                        let detail = name.map_or(fault.detail.clone(), |name| format!("{name}: {}", fault.detail));
                        self.report.fault(Fault { row, identifier: identifier.clone(), detail, ..fault });
                    }
                    self.refused.extend(identifier);
                }
            }
        }
        for (at, fault) in batch::stage(connection, &entries).await? {
            let entry = &entries[at];
            self.report.counts.refused += 1;
            let pointer = fault.pointer.map(|pointer| format!("{}{pointer}", entry.place));
            let detail = name.map_or(fault.detail.clone(), |name| format!("{name}: {}", fault.detail));
            let identifier = Some(entry.identifier.clone());
            self.report.fault(Fault { row: Some(entry.line), pointer, identifier, detail, ..fault });
        }
        Ok(())
    }

    /// Refuses what refers to nothing, what is deleted and still referred to, and then
    /// what referred to these.
    async fn references(&mut self, connection: &mut AsyncPgConnection) -> Result<(), Problem> {
        loop {
            let missing = batch::missing(connection).await?;
            let dangling = if missing.is_empty() { Vec::new() } else { batch::dangling(connection, &missing).await? };
            let referred = batch::referred(connection).await?;
            if dangling.is_empty() && referred.is_empty() {
                return Ok(());
            }
            let mut rows: Vec<i64> = Vec::new();
            let blamed: Vec<bool> = dangling.iter().map(|row| self.refused.contains(&row.target)).collect();
            for (row, blamed) in dangling.iter().zip(blamed) {
                rows.push(row.n);
                if blamed && self.order.mode == Mode::Atomic {
                    continue;
                }
                let (code, words) = if blamed {
                    ("reference_refused", format!("it refers to {}, which was refused", row.target))
                } else {
                    let elsewhere =
                        missing.iter().find(|other| other.target == row.target && other.collection == row.collection);
                    let elsewhere = elsewhere.and_then(|other| other.elsewhere.as_deref());
                    ("reference_unknown", refer::unknown(&row.target, &row.collection, elsewhere))
                };
                self.refuse(row, Fault::at(&row.pointer, code, words));
            }
            for row in &referred {
                rows.push(row.n);
                let words = format!("{} refers to it at {}", row.target, row.pointer);
                self.refuse(row, Fault::at("", "still_referred", words));
            }
            batch::refuse(connection, &rows).await?;
        }
    }

    fn refuse(&mut self, row: &Row, fault: Fault) {
        if self.refused_rows.insert(row.n) {
            self.report.counts.refused += 1;
        }
        self.refused.insert(row.identifier.clone());
        let pointer = fault.pointer.map(|pointer| format!("{}{pointer}", row.place));
        self.report.fault(Fault { row: Some(row.line), pointer, identifier: Some(row.identifier.clone()), ..fault });
    }

    /// Whether so many changes need a confirmation that is not there.
    async fn is_too_much(
        &mut self,
        connection: &mut AsyncPgConnection,
        changed: i64,
        guard: i32,
    ) -> Result<bool, Problem> {
        let Some(publisher) = self.order.publisher.as_deref().filter(|_| !self.order.confirmed && changed >= FEW)
        else {
            return Ok(false);
        };
        if !batch::exceeds(connection, publisher, changed, guard).await? {
            return Ok(false);
        }
        let detail = format!(
            "this would change or delete {changed} records, more than {guard} per cent of those of {publisher}; \
             if that is meant, send it again with confirm=true"
        );
        self.report.fault(Fault { code: "confirmation_needed".into(), detail, ..Fault::default() });
        Ok(true)
    }
}

/// Why the register does not take a record.
fn refusal(row: &Row) -> String {
    let id = &row.identifier;
    match row.target.as_str() {
        "prefix_unknown" => format!("no publisher has a prefix that {id} starts with"),
        "prefix_foreign" => format!("{id} belongs to another publisher"),
        "identifier_taken" => {
            format!("{id} is taken in another collection; identifiers are unique in the whole register")
        }
        "identifier_gone" => format!("{id} was deleted or merged; an identifier is not used again"),
        "record_unknown" => format!("there is no {id} in {} to delete", row.collection),
        "changed_meanwhile" => format!("{id} was changed by somebody else meanwhile; import it again"),
        code => code.to_owned(),
    }
}

#[derive(QueryableByName)]
struct Document {
    #[diesel(sql_type = Text)]
    identifier: String,
    #[diesel(sql_type = Integer)]
    version: i32,
    #[diesel(sql_type = Jsonb)]
    doc: Value,
}

#[derive(serde::Deserialize)]
struct Named {
    identifier: Option<String>,
}

/// The records as they are of which a table does not say everything.
async fn current(connection: &mut AsyncPgConnection, group: &[Raw]) -> Result<Current, Problem> {
    let partial = |raw: &&Raw| raw.table.as_ref().is_some_and(|table| table.is_partial());
    let Some(kind) = group.iter().find(partial).and_then(|raw| raw.kind) else { return Ok(Current::new()) };
    let named = group.iter().filter(partial).filter_map(|raw| serde_json::from_slice::<Named>(&raw.json).ok());
    let identifiers: Vec<String> =
        named.filter_map(|named| named.identifier).filter(|id| Identifier::is_valid(id)).collect();
    let sql = format!("SELECT identifier, version, doc FROM {} WHERE identifier = ANY($1)", kind.collection);
    let found: Vec<Document> = sql_query(sql).bind::<Array<Text>, _>(&identifiers).load(connection).await?;
    Ok(found.into_iter().map(|document| (document.identifier, (document.version, document.doc))).collect())
}
