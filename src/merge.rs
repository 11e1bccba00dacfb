//! `POST /v1/{organisations|beneficiaries}/{identifier}/merge`: two records of one body become one.

use actix_web::http::header::CONTENT_LOCATION;
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use serde::Deserialize;
use serde_json::json;

use crate::auth;
use crate::error::{Fault, Problem};
use crate::http::observe::RequestId;
use crate::http::precondition::Precondition;
use crate::http::query::Query;
use crate::http::{body, identifier};
use crate::json;
use crate::kind::Kind;
use crate::resource::reason;
use crate::state::State;
use crate::store;
use crate::store::change::{Author, Change, Intent};

/// The collections whose records can be merged with what refers to them.
pub const COLLECTIONS: [&str; 2] = ["organisations", "beneficiaries"];

/// Into what to merge.
#[derive(Deserialize)]
struct Merge {
    into: String,
}

/// Merges the record into another, if the token may write all that refers to it.
pub async fn merge(
    kind: &'static Kind,
    request: HttpRequest,
    state: Data<State>,
    payload: Payload,
) -> Result<HttpResponse, Problem> {
    let token = state.auth.authenticate(&request).await?;
    let from = identifier::from_path(&request)?;
    let mut connection = state.db.get().await?;
    let publisher = auth::authorize(&mut connection, &token, kind, &from).await?;
    let rights = auth::rights(&mut connection, &token, Some(kind)).await?;
    drop(connection);
    let query = Query::parse(request.query_string(), ["reason"]).map_err(Problem::invalid)?;
    let precondition = Precondition::of(request.headers())?;
    let body = body::read(&request, payload, "application/json").await?;
    let value = json::parse(&body).map_err(Problem::invalid)?;
    let faults = state.shapes.faults("Merge", &value);
    if !faults.is_empty() {
        return Err(Problem::invalid(faults));
    }
    let Merge { into } = serde_json::from_value(value)
        .map_err(|error| Problem::invalid(vec![Fault::at("", "body_invalid", error.to_string())]))?;
    let author = Author {
        issuer: token.issuer,
        subject: token.subject,
        request_id: RequestId::of(&request),
        reason: reason(&query)?,
        import: None,
    };
    let intent = Intent::Delete { merged_into: Some(into.clone()) };
    let change = Change { kind, identifier: from.clone(), publisher, intent, precondition };
    let (db, survivor) = (state.db.clone(), into.clone());
    // In a task of its own: a client that goes away cannot leave a transaction open.
    let task = actix_web::rt::spawn(async move {
        let mut connection = db.get_for_write().await?;
        store::merge::merge(&mut connection, &author, &rights, change, &survivor).await
    });
    let moved = task.await.map_err(Problem::internal)??;
    let place = state.base(&request) + &identifier::path(kind.collection, &into);
    Ok(HttpResponse::Ok().insert_header((CONTENT_LOCATION, place)).json(json!({
        "merged": from, "into": into, "changed": moved,
    })))
}
