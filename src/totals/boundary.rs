//! What a boundary is drawn around.

use diesel::sql_types::Text;
use diesel::{OptionalExtension, QueryableByName, sql_query};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::facts::Around;
use super::question::Question;
use crate::error::{Fault, Problem};

#[derive(QueryableByName)]
struct Found {
    #[diesel(sql_type = Text)]
    collection: String,
}

/// What kind of thing the boundary of a question is, if it has one.
pub async fn around(connection: &mut AsyncPgConnection, question: &Question) -> Result<Option<Around>, Problem> {
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
