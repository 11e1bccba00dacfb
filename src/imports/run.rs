//! Carrying an import out: every record is checked and staged first, then all are
//! decided and written together under the clock.

use std::collections::VecDeque;
use std::io::Read;
use std::sync::Arc;

use diesel_async::{AsyncPgConnection, SimpleAsyncConnection};
use tokio::sync::mpsc::{Receiver, channel};
use tokio::task::{JoinHandle, spawn_blocking};

use super::examine::{Examined, NOBODY, examine};
use super::partial::{bounded, current};
use super::read::{Prepared, read};
use super::report::{Counts, NAMED, Report, Status};
use super::sink::{Raw, Sink};
use super::spooled::Spooled;
use super::{Format, Mode, Order, advice, complaints, record};
use crate::db;
use crate::error::{Fault, Problem, Reason};
use crate::input::Shapes;
use crate::record::Identifier;
use crate::store::batch::{self, Entry, Staged, complain};
use crate::store::{clients, commit, refer};

/// So few changes need no confirmation, whatever their share.
const FEW: i64 = 5;

/// What is refused for its place in a hierarchy stays where it was, which may be a circle with what
/// moved meanwhile: so often is looked again, before nothing of its kind is moved at all.
const ROUNDS: u32 = 4;

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
    /// Identifiers of records that cannot even be staged: who refers to them is not at
    /// fault for that. No more of them than a report would name.
    unstaged: Vec<String>,
    /// Whether something could not be read to its end: who knows what it would have said.
    is_cut: bool,
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
        let sweeping: Vec<&str> =
            sources.iter().map(|source| source.format).filter(|format| format.sweeps()).map(Format::name).collect();
        for source in sources {
            if !self.stage(connection, source, progress).await? {
                return Ok(self.end(Status::Cancelled));
            }
        }
        let clock = commit::lock(connection).await?;
        clients::still_welcome(connection, &self.order.author).await?;
        for format in &sweeping {
            self.next += batch::sweep(connection, format, self.next).await? as i64;
        }
        batch::decide(connection, &clock, self.order.writes_for(), &sweeping).await?;
        let each = self.order.mode == Mode::Independent;
        complain::of_refused(connection, &self.unstaged).await?;
        let mut rounds = 0;
        let status = loop {
            complain::of_references(connection, &self.unstaged, each).await?;
            let (complaints, _) = complain::refused(connection).await?;
            if self.is_cut || !each && (complaints > 0 || !self.report.errors.is_empty()) {
                // Nothing is written that could show them: they are looked for all the same.
                let children = batch::with_parents(connection).await?;
                if let Some((code, records)) = refer::among(&batch::parents(connection).await?, &children) {
                    complain::of_places(connection, (code, &records), each).await?;
                }
                break Status::Refused;
            }
            let counts = batch::counts(connection).await?;
            let number = |outcome: &str| -> i64 {
                counts.iter().filter(|count| count.outcome == outcome).map(|count| count.number).sum()
            };
            if self.is_too_much(connection, number("changed") + number("deleted"), guard).await? {
                break Status::Unconfirmed;
            }
            db::begin(connection).await?;
            commit::commit(connection, &self.order.author, &clock, &Staged::of(&counts)).await?;
            let children = batch::with_parents(connection).await?;
            let misplaced = if children.is_empty() { None } else { refer::misplaced(connection, &children).await? };
            let Some((code, records)) = misplaced else {
                // What is checked at the end is checked now, in a dry run too.
                connection.batch_execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED").await?;
                advice::beside_others(connection, &mut self.report).await?;
                if !self.order.dry_run {
                    record::written(connection, &self.order.author).await?;
                }
                db::end(connection, true).await?;
                let report = &mut self.report.counts;
                (report.created, report.updated) = (number("created"), number("changed"));
                (report.unchanged, report.deleted) = (number("unchanged"), number("deleted"));
                break Status::Completed;
            };
            db::end(connection, false).await?;
            rounds += 1;
            complain::of_places(connection, (code, &records), each).await?;
            if rounds == ROUNDS {
                let moved = batch::moved(connection, &records).await?;
                complain::of_places(connection, ("hierarchy_unclear", &moved), each).await?;
            }
            if !each {
                break Status::Refused;
            }
        };
        complaints::tell(connection, &mut self.report).await?;
        if each && !self.order.dry_run && self.report.counts.refused > 0 {
            record::refused(connection, &self.order.author, &self.unstaged, self.report.counts.refused).await?;
        }
        if !progress.tell(self.report.counts.read, true).await? && status == Status::Completed {
            self.report.counts = Counts { read: self.report.counts.read, ..Counts::default() };
            return Ok(self.end(Status::Cancelled));
        }
        Ok(self.end(status))
    }

    fn end(mut self, status: Status) -> Report {
        self.report.status = status;
        self.report.sort();
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
        let prepared = match source.format {
            Format::Iati | Format::ThreeSixty => {
                let spooled = Spooled::prepare(connection, &self.order, source.format, source.body).await?;
                Prepared::Spooled(Box::new(spooled))
            }
            format => Prepared::Body(format, source.body),
        };
        let reader = spawn_blocking(move || read(prepared, kind, &mut Sink::new(sender)).is_ok());
        let workers = std::thread::available_parallelism().map_or(1, usize::from);
        let mut checking: VecDeque<JoinHandle<Vec<Examined>>> = VecDeque::new();
        let mut waiting: VecDeque<Vec<Raw>> = VecDeque::new();
        let mut open = true;
        while open || !waiting.is_empty() || !checking.is_empty() {
            if checking.len() < workers
                && let Some(group) = waiting.pop_front()
            {
                let current = current(connection, &group).await?;
                let (shapes, order) = (Arc::clone(&self.shapes), Arc::clone(&self.order));
                checking.push_back(spawn_blocking(move || {
                    group.into_iter().map(|raw| examine(&shapes, &order, raw, &current)).collect()
                }));
            } else if open && checking.len() < workers {
                match groups.recv().await {
                    Some(mut group) => {
                        for note in group.iter_mut().flat_map(|raw| std::mem::take(&mut raw.notes)) {
                            self.report.warn(note);
                        }
                        for name in group.iter_mut().flat_map(|raw| std::mem::take(&mut raw.kept)) {
                            *self.report.kept.entry(name).or_default() += 1;
                        }
                        self.is_cut |= group.iter().any(|raw| raw.is_end);
                        group.retain(|raw| !raw.json.is_empty() || !raw.faults.is_empty());
                        waiting.extend(bounded(connection, group).await?);
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
        for Examined { line, identifier, entry, faults, notes } in group {
            notes.into_iter().for_each(|note| self.report.warn(note));
            let is_record = identifier.is_some() || line > 0;
            self.report.counts.read += i64::from(is_record);
            if entry.is_none() {
                self.report.counts.refused += i64::from(is_record);
                let known = identifier.clone().filter(|id| self.unstaged.len() < NAMED && Identifier::is_valid(id));
                self.unstaged.extend(known);
            }
            for fault in faults {
                let row = fault.row.or_else(|| Some(line).filter(|line| *line > 0));
                let detail = name.map_or(fault.detail.clone(), |name| format!("{name}: {}", fault.detail));
                let identifier = fault.identifier.clone().or(identifier.clone());
                self.report.fault(Fault { row, identifier, detail, ..fault });
            }
            if let Some(entry) = entry {
                self.next += 1;
                let named = entry.identifier != NOBODY;
                let identifier = if named { entry.identifier } else { format!(",{}", self.next) };
                entries.push(Entry { n: self.next, identifier, ..entry });
            }
        }
        let twice = batch::stage(connection, &entries).await?;
        // What else is wrong with a second one is told too.
        let others: Vec<Entry> = twice.iter().map(|(at, _)| entries[*at].unnamed()).collect();
        batch::stage(connection, &others).await?;
        for (at, fault) in twice {
            let entry = &entries[at];
            let pointer = fault.pointer.map(|pointer| format!("{}{pointer}", entry.place));
            let detail = name.map_or(fault.detail.clone(), |name| format!("{name}: {}", fault.detail));
            let identifier = Some(entry.identifier.clone());
            self.report.fault(Fault { row: Some(entry.line), pointer, identifier, detail, ..fault });
        }
        Ok(())
    }

    /// Whether so many changes need a confirmation that is not there.
    async fn is_too_much(
        &mut self,
        connection: &mut AsyncPgConnection,
        changed: i64,
        guard: i32,
    ) -> Result<bool, Problem> {
        if self.order.confirmed || changed < FEW {
            return Ok(false);
        }
        let exceeds = batch::exceeds(connection, FEW, guard).await?;
        for batch::Exceeds { publisher, changed } in &exceeds {
            let detail = format!(
                "this would change or delete {changed} records, more than {guard} per cent of those of {publisher}; \
                 if that is meant, send it again with confirm=true"
            );
            self.report.fault(Fault { code: "confirmation_needed".into(), detail, ..Fault::default() });
        }
        Ok(!exceeds.is_empty())
    }
}
