//! What reads cost while a dump is made, beside what they cost without.
//!
//! `cargo bench --bench dumps` makes `GRANTS` grants (20 000 unless set) with five transactions each in
//! a private PostgreSQL in a temporary folder, and asks the program over HTTP, one request after
//! another, first alone and then for as long as a dump is made by the program that answers.

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use aid_register::db::Database;
use aid_register::dumps::Dumps;
use aid_register::dumps::make::{self, Made};
use support::times;

/// A page, a record, a total and a search.
const READS: &[&str] = &[
    "grants?sort=title",
    "grants/AR-CUPRIJA-CAC-GRANT",
    "totals/transactions?type=disbursement&group_by=place",
    "grants?q=Kindergarten",
];
/// Requests of each at a time.
const REQUESTS: usize = 25;

/// What the requests of one address took, in milliseconds.
type Times = Vec<f64>;

fn main() -> anyhow::Result<()> {
    let grants = support::grants(20_000)?;
    let (folder, server) = support::postgres()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(support::fill(server.url(), grants))?;
    let base = support::serve(server.url())?;
    let dumps = Dumps { folder: folder.join("dumps"), hours: 0, kept: 1, licence: "CC0-1.0".into() };
    let alone = runtime.block_on(read(&base, |round| round < 8))?;
    let db = Database::new(server.url(), 4, 1)?;
    let done = Arc::new(AtomicBool::new(false));
    let making = std::thread::spawn({
        let done = Arc::clone(&done);
        move || {
            let started = Instant::now();
            let made = actix_web::rt::System::new().block_on(make::make(&db, &dumps));
            done.store(true, Ordering::Relaxed);
            made.map(|made| (made, started.elapsed()))
        }
    });
    let beside = runtime.block_on(read(&base, |_| !done.load(Ordering::Relaxed)))?;
    let (made, took) = making.join().expect("a dump that ends")?;
    let files = if let Made::Dump(made) = made { made.files.len() } else { 0 };
    println!(
        "{files} files dumped in {:.1} s, {} requests meanwhile",
        took.as_secs_f64(),
        beside.iter().map(Vec::len).sum::<usize>()
    );
    println!("| read | alone, median | beside a dump | ratio | alone, 99 of 100 | beside a dump | ratio |");
    println!("| --- | --- | --- | --- | --- | --- | --- |");
    for ((name, alone), beside) in READS.iter().zip(&alone).zip(&beside) {
        let at = |times: &Times, share: usize| times[(times.len() - 1) * share / 100];
        let columns = [50, 99].map(|share| {
            let (alone, beside) = (at(alone, share), at(beside, share));
            format!("{alone:.2} ms | {beside:.2} ms | {:.2}", beside / alone)
        });
        println!("| `{name}` | {} |", columns.join(" | "));
    }
    drop(server);
    std::fs::remove_dir_all(&folder)?;
    Ok(())
}

/// Reads round after round; what each took, the shortest first.
async fn read(base: &str, goes_on: impl Fn(usize) -> bool) -> anyhow::Result<Vec<Times>> {
    let mut all = vec![Times::new(); READS.len()];
    let mut round = 0;
    while goes_on(round) {
        for (read, all) in READS.iter().zip(&mut all) {
            all.extend(times(&format!("{base}/v1/{read}"), REQUESTS).await?);
        }
        round += 1;
    }
    all.iter_mut().for_each(|times| times.sort_by(f64::total_cmp));
    Ok(all)
}
