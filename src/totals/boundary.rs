//! The places that a question names, and what its boundary is drawn around.

use diesel::sql_types::{Array, BigInt, Nullable, Text};
use diesel::{OptionalExtension, QueryableByName, sql_query};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::crossing::Around;
use super::question::Question;
use crate::error::{FAULTS, Fault, Problem};

#[derive(QueryableByName)]
struct Found {
    #[diesel(sql_type = Text)]
    collection: String,
}

#[derive(QueryableByName)]
struct Place {
    #[diesel(sql_type = Text)]
    place: String,
    /// One that is written almost like it.
    #[diesel(sql_type = Nullable<Text>)]
    like: Option<String>,
}

/// Refuses places that the register does not have: a total of nothing would look like an answer.
async fn refuse_unknown_places(connection: &mut AsyncPgConnection, question: &Question) -> Result<(), Problem> {
    if question.places.is_empty() {
        return Ok(());
    }
    let unknown: Vec<Place> = sql_query(
        "SELECT place, (SELECT identifier FROM locations WHERE identifier = upper(place)) AS \"like\"
         FROM unnest($1) AS place WHERE NOT EXISTS (SELECT FROM locations WHERE identifier = place) LIMIT $2",
    )
    .bind::<Array<Text>, _>(&question.places)
    .bind::<BigInt, _>(FAULTS as i64)
    .load(connection)
    .await?;
    let faults: Vec<Fault> = unknown
        .into_iter()
        .map(|Place { place, like }| {
            let hint =
                like.map_or("; /v1/search finds it by its name".to_owned(), |like| format!("; did you mean {like}?"));
            Fault::parameter("place", "place_unknown", format!("there is no place {place:?}{hint}"))
        })
        .collect();
    if faults.is_empty() { Ok(()) } else { Err(Problem::invalid(faults)) }
}

/// What kind of thing the boundary of a question is, if it has one.
pub async fn around(connection: &mut AsyncPgConnection, question: &Question) -> Result<Option<Around>, Problem> {
    refuse_unknown_places(connection, question).await?;
    let Some(boundary) = &question.boundary else { return Ok(None) };
    let found: Option<Found> = sql_query("SELECT collection FROM records WHERE identifier = $1 AND live")
        .bind::<Text, _>(boundary)
        .get_result(connection)
        .await
        .optional()?;
    let words = match found.as_ref().map(|found| found.collection.as_str()) {
        Some("locations") => return Ok(Some(Around::Place)),
        Some("programmes") => return Ok(Some(Around::Programme)),
        Some("organisations" | "beneficiaries") => return Ok(Some(Around::Party)),
        Some(other) => {
            format!(
                "{boundary} is in {other}; money crosses the boundary of a place, programme, organisation or beneficiary"
            )
        }
        None => format!("there is no place, programme, organisation or beneficiary {boundary}"),
    };
    Err(Problem::invalid(vec![Fault::parameter("boundary", "boundary_unknown", words)]))
}
