//! What the register has against records of a batch, in words.

use diesel_async::AsyncPgConnection;

use super::report::{NAMED, Report};
use crate::error::Fault;
use crate::store::batch::complain::{self, Complaint};
use crate::store::refer;

/// Adds the complaints to the report, and how many records are refused by now.
pub async fn tell(connection: &mut AsyncPgConnection, report: &mut Report) -> diesel::QueryResult<()> {
    let (number, records) = complain::refused(connection).await?;
    report.counts.refused += records;
    let named = complain::complaints(connection, NAMED as i64).await?;
    report.errors_omitted += number - named.len() as i64;
    // More than are named in the end: which of them are first is seen when all are there.
    report.errors.extend(named.into_iter().map(fault));
    Ok(())
}

fn fault(complaint: Complaint) -> Fault {
    let words = words(&complaint);
    let Complaint { line, place, identifier, pointer, mut code, .. } = complaint;
    if code == "reference_deleted" {
        code = "reference_unknown".into();
    }
    let identifier = Some(identifier).filter(|id| !id.starts_with(','));
    Fault { row: Some(line), identifier, code, ..Fault::at(place + &pointer, "", words) }
}

fn words(complaint: &Complaint) -> String {
    let Complaint { identifier: id, collection, target, wanted, elsewhere, .. } = complaint;
    match complaint.code.as_str() {
        "prefix_unknown" => format!("no publisher has a prefix that {id} starts with"),
        "prefix_foreign" => format!("{id} belongs to another publisher"),
        "identifier_taken" => {
            format!("{id} is taken in another collection; identifiers are unique in the whole register")
        }
        "identifier_gone" => format!("{id} was deleted or merged; an identifier is not used again"),
        "record_unknown" => format!("there is no {id} in {collection} to delete"),
        "changed_meanwhile" => format!("{id} was changed by somebody else meanwhile; import it again"),
        code @ ("circle" | "too_deep" | "hierarchy_unclear") => refer::misplacement(id, code),
        "reference_deleted" => format!("{target} is deleted by this import"),
        "reference_refused" => format!("it refers to {target}, which was refused"),
        "still_referred" => format!("{target} refers to it at {}", elsewhere.as_deref().unwrap_or_default()),
        _ => refer::unknown(target, wanted.as_deref().unwrap_or_default(), elsewhere.as_deref()),
    }
}
