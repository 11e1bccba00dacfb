//! Imports in the audit log: what they wrote, and what was refused in them.

use diesel_async::AsyncPgConnection;
use serde_json::json;

use crate::store::change::Author;
use crate::store::{audit, batch};

/// A line of the log names so many records; more of them are several lines.
const LINE: i64 = 10_000;

/// Records what a batch wrote.
pub async fn written(connection: &mut AsyncPgConnection, author: &Author) -> diesel::QueryResult<()> {
    let mut after = 0;
    loop {
        let (identifiers, last) = batch::some(connection, true, after, LINE).await?;
        if identifiers.is_empty() {
            return Ok(());
        }
        let details = json!({"import": author.import, "identifiers": identifiers});
        audit::append(connection, audit::act("import", author, details)).await?;
        after = last;
    }
}

/// Records what was refused in an import that stored the rest, the first of it by name.
pub async fn refused(
    connection: &mut AsyncPgConnection,
    author: &Author,
    unstaged: &[String],
    number: i64,
) -> diesel::QueryResult<()> {
    let (mut identifiers, _) = batch::some(connection, false, 0, LINE).await?;
    identifiers.extend(unstaged.iter().take(LINE as usize - identifiers.len()).cloned());
    let details = json!({"import": author.import, "records": number, "identifiers": identifiers});
    audit::append(connection, audit::act("refused", author, details)).await
}
