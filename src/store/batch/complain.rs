//! What the register has against records of a batch: kept and counted by the database,
//! however many there are.

use diesel::sql_types::{Array, BigInt, Bool, Nullable, Text};
use diesel::{QueryableByName, sql_query};
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};

/// What the register says against a record of the batch.
#[derive(Debug, QueryableByName)]
pub struct Complaint {
    /// The record's line or row in what was sent.
    #[diesel(sql_type = BigInt)]
    pub line: i64,
    /// Its pointer in what was sent.
    #[diesel(sql_type = Text)]
    pub place: String,
    /// Its identifier.
    #[diesel(sql_type = Text)]
    pub identifier: String,
    /// Its collection.
    #[diesel(sql_type = Text)]
    pub collection: String,
    /// The member that is at fault.
    #[diesel(sql_type = Text)]
    pub pointer: String,
    /// What is wrong, for programs.
    #[diesel(sql_type = Text)]
    pub code: String,
    /// The other record.
    #[diesel(sql_type = Text)]
    pub target: String,
    /// The collection in which that should be.
    #[diesel(sql_type = Nullable<Text>)]
    pub wanted: Option<String>,
    /// Where it is instead; or the member by which it refers to this one.
    #[diesel(sql_type = Nullable<Text>)]
    pub elsewhere: Option<String>,
}

/// Complains of records that are refused for what the register has, and of references
/// to nothing among those that are refused, for this or for what was wrong with them
/// already. `refused` are further identifiers that are not in the batch.
pub async fn of_refused(connection: &mut AsyncPgConnection, refused: &[String]) -> diesel::QueryResult<usize> {
    let outcomes = sql_query(include_str!("outcomes.sql")).execute(connection).await?;
    let whose = "decided.outcome NOT IN ('created', 'changed', 'unchanged', 'deleted')";
    Ok(outcomes + references(connection, whose, refused, false).await?)
}

/// Complains of references to nothing, of deletions of what is still referred to, and, where
/// `each` record is for itself, of whatever falls with these. They are refused then.
pub async fn of_references(
    connection: &mut AsyncPgConnection,
    refused: &[String],
    each: bool,
) -> diesel::QueryResult<usize> {
    // First what is not deleted after all: it may be referred to.
    let referred = sql_query(include_str!("referred.sql")).execute(connection).await?;
    if referred > 0 {
        fall(connection, each).await?;
    }
    let dangling = references(connection, "decided.outcome IN ('created', 'changed')", refused, each).await?;
    if dangling > 0 {
        fall(connection, each).await?;
    }
    Ok(dangling + referred)
}

async fn references(
    connection: &mut AsyncPgConnection,
    whose: &str,
    refused: &[String],
    each: bool,
) -> diesel::QueryResult<usize> {
    let missing = sql_query(include_str!("missing.sql").replace("{whose}", whose))
        .bind::<Array<Text>, _>(refused)
        .bind::<Bool, _>(each)
        .execute(connection)
        .await?;
    if missing == 0 {
        return Ok(0);
    }
    connection.batch_execute(include_str!("link.sql")).await?;
    connection.batch_execute("ANALYZE missing").await?;
    let complaints = sql_query(include_str!("references.sql").replace("{whose}", whose)).execute(connection).await?;
    connection.batch_execute("DELETE FROM missing").await?;
    Ok(complaints)
}

/// Complains of records for their place in a hierarchy.
pub async fn of_places(
    connection: &mut AsyncPgConnection,
    (code, records): (&str, &[String]),
    each: bool,
) -> diesel::QueryResult<()> {
    sql_query(
        "INSERT INTO complaints (n, pointer, code, target) SELECT n, '/parent', $2, identifier FROM batch
         WHERE identifier = ANY($1) AND NOT EXISTS (
           SELECT FROM complaints c WHERE c.n = batch.n AND c.pointer = '/parent' AND c.code IN ('circle', 'too_deep'))",
    )
    .bind::<Array<Text>, _>(records)
    .bind::<Text, _>(code)
    .execute(connection)
    .await?;
    fall(connection, each).await
}

/// Refuses whatever there are complaints of; and, where `each` record is for itself, what
/// falls with that.
async fn fall(connection: &mut AsyncPgConnection, each: bool) -> diesel::QueryResult<()> {
    if each {
        connection.batch_execute(include_str!("link.sql")).await?;
        connection.batch_execute(include_str!("seed.sql")).await?;
        // Each that falls is looked up by itself, however many others have the same target.
        connection
            .batch_execute(
                "SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off; SET LOCAL enable_seqscan = off",
            )
            .await?;
        sql_query(include_str!("cascade.sql")).execute(connection).await?;
        connection
            .batch_execute(
                "SET LOCAL enable_hashjoin = on; SET LOCAL enable_mergejoin = on; SET LOCAL enable_seqscan = on",
            )
            .await?;
        // What was complained of already has its reason.
        connection
            .batch_execute(
                "INSERT INTO complaints SELECT fallen.* FROM fallen
                 WHERE NOT EXISTS (SELECT FROM complaints WHERE complaints.n = fallen.n);
                 DROP TABLE fallen, seed",
            )
            .await?;
    }
    connection
        .batch_execute("UPDATE decided SET outcome = 'refused' FROM complaints WHERE complaints.n = decided.n")
        .await
}

/// The first complaints, in the order of the batch.
pub async fn complaints(connection: &mut AsyncPgConnection, limit: i64) -> diesel::QueryResult<Vec<Complaint>> {
    sql_query(
        "SELECT line, place, identifier, collection, pointer, code, target, wanted, elsewhere
         FROM complaints JOIN batch USING (n) ORDER BY n, pointer LIMIT $1",
    )
    .bind::<BigInt, _>(limit)
    .load(connection)
    .await
}

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

/// How many complaints there are, and how many records are refused.
pub async fn refused(connection: &mut AsyncPgConnection) -> diesel::QueryResult<(i64, i64)> {
    let complaints: Number = sql_query("SELECT count(*) AS number FROM complaints").get_result(connection).await?;
    let records: Number = sql_query(
        "SELECT count(*) AS number FROM decided WHERE outcome NOT IN ('created', 'changed', 'unchanged', 'deleted')",
    )
    .get_result(connection)
    .await?;
    Ok((complaints.number, records.number))
}
