//! What totals and searches cost beside plain SQL, on demonstration data.
//!
//! `cargo bench --bench totals` makes `GRANTS` grants (100 000 unless set) with five
//! transactions each in a private PostgreSQL in a temporary folder, and asks the program over
//! HTTP. Beside each total stands the SQL that groups the raw rows, beside each search the
//! search's own SQL, both in pgbench. It needs pgbench, which comes with PostgreSQL's server.

mod support;

use support::{pgbench, time};

/// The amounts of grants, divided by their shares as plainly as SQL can, by what the total is of.
const RAW: &[(&str, &str)] = &[
    (
        "grants?group_by=place",
        "SELECT coalesce(p ->> 'location', '') AS key, currency, sum(amount * coalesce((p ->> 'percentage')::numeric, 100) / 100), count(*)
         FROM grants LEFT JOIN LATERAL jsonb_array_elements(doc -> 'places') AS p ON true WHERE amount IS NOT NULL GROUP BY 1, 2",
    ),
    (
        "grants?group_by=sector,year",
        "SELECT coalesce(s ->> 'code', '') AS key, left(doc ->> 'start_date', 4), currency, sum(amount * coalesce((s ->> 'percentage')::numeric, 100) / 100), count(*)
         FROM grants LEFT JOIN LATERAL jsonb_array_elements(doc -> 'sectors') AS s ON true WHERE amount IS NOT NULL GROUP BY 1, 2, 3",
    ),
    (
        "transactions?type=disbursement&group_by=place",
        "SELECT coalesce(p ->> 'location', '') AS key, t.currency, sum(t.amount * coalesce((p ->> 'percentage')::numeric, 100) / 100), count(*)
         FROM transactions t JOIN grants g ON g.identifier = t.grant_id LEFT JOIN LATERAL jsonb_array_elements(g.doc -> 'places') AS p ON true
         WHERE t.type = 'disbursement' GROUP BY 1, 2",
    ),
    (
        "transactions?type=disbursement&group_by=programme",
        "SELECT g.programme, t.currency, sum(t.amount), count(*) FROM transactions t JOIN grants g ON g.identifier = t.grant_id
         WHERE t.type = 'disbursement' GROUP BY 1, 2",
    ),
    (
        "transactions?type=disbursement&group_by=funder,year",
        "SELECT doc #>> '{provider,organisation}', left(doc ->> 'date', 4), currency, sum(amount), count(*) FROM transactions
         WHERE type = 'disbursement' GROUP BY 1, 2, 3",
    ),
    (
        "transactions?type=disbursement&group_by=beneficiary_kind,year",
        "SELECT b.kind, left(t.doc ->> 'date', 4), t.currency, sum(t.amount), count(*) FROM transactions t
         JOIN beneficiaries b ON b.identifier = t.doc #>> '{receiver,beneficiary}' WHERE t.type = 'disbursement' GROUP BY 1, 2, 3",
    ),
];

/// What is not summed up: added up from the records, as they are or as they were.
const ADDED: &[&str] = &[
    "transactions?group_by=type&boundary=RS21",
    "transactions?group_by=type,programme&measure=median",
    "transactions?group_by=type,place&place=RS21&currency=EUR",
    "grants?group_by=place,sector",
];

/// Searches.
const SEARCHES: &[&str] = &["Kindergarten", "Bosilegrad", "school Bor"];

fn main() -> anyhow::Result<()> {
    let grants = support::grants(100_000)?;
    let (folder, server) = support::postgres()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(support::fill(server.url(), grants))?;
    let base = support::serve(server.url())?;
    println!("| total | register | raw rows in pgbench | raw / register |");
    println!("| --- | --- | --- | --- |");
    for (question, sql) in RAW {
        let register = runtime.block_on(time(&format!("{base}/v1/totals/{question}&limit=1000"), 50))?;
        let raw = pgbench(&folder, sql, 3)?;
        println!("| `{question}` | {register:.1} ms | {raw:.0} ms | {:.0} |", raw / register);
    }
    println!("| total that is not summed up | now | as of a moment ago | then / now |");
    println!("| --- | --- | --- | --- |");
    let moment = chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
    for question in ADDED {
        let address = format!("{base}/v1/totals/{question}&limit=1000");
        let now = runtime.block_on(time(&address, 3))?;
        let then = runtime.block_on(time(&format!("{address}&as_of={moment}"), 3))?;
        println!("| `{question}` | {now:.0} ms | {then:.0} ms | {:.1} |", then / now);
    }
    println!("| search | register | its SQL in pgbench | register / SQL |");
    println!("| --- | --- | --- | --- |");
    for words in SEARCHES {
        let address = format!("{base}/v1/grants?q={}&sort=identifier", words.replace(' ', "%20"));
        let register = runtime.block_on(time(&address, 50))?;
        let found = words.to_lowercase();
        let conditions: Vec<String> = found.split(' ').map(condition).collect();
        let sql = format!(
            "SELECT identifier, publisher, version, created_at, updated_at, doc::text FROM grants t WHERE {}
             ORDER BY identifier LIMIT 101",
            conditions.join(" AND ")
        );
        let plain = pgbench(&folder, &sql, 50)?;
        println!("| `q={words}` | {register:.1} ms | {plain:.1} ms | {:.1} |", register / plain);
    }
    drop(server);
    std::fs::remove_dir_all(&folder)?;
    Ok(())
}

/// The word stands in the grant, or in the name of a place, organisation or beneficiary of it.
fn condition(word: &str) -> String {
    let named = ["locations", "organisations", "beneficiaries"]
        .map(|name| format!("SELECT identifier FROM {name} WHERE words @@ term('{word}', 'word')"));
    format!(
        "identifier IN (SELECT identifier FROM grants WHERE words @@ term('{word}', 'word')
           UNION SELECT record FROM links WHERE target IN ({}))",
        named.join(" UNION ALL ")
    )
}
