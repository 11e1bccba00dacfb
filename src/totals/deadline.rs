//! The time that a question may take, over all statements that answer it.

use std::time::Instant;

use diesel_async::{AsyncPgConnection, SimpleAsyncConnection};

use crate::db::TIME_FOR_TOTALS;

/// When the time is over.
pub struct Deadline(Instant);

impl Deadline {
    /// From now on.
    pub fn start() -> Self {
        Self(Instant::now() + TIME_FOR_TOTALS)
    }

    /// Gives the next statement what is left.
    pub async fn limit(&self, connection: &mut AsyncPgConnection) -> diesel::QueryResult<()> {
        // No time at all would be no limit.
        let left = self.0.saturating_duration_since(Instant::now()).as_millis().max(1);
        connection.batch_execute(&format!("SET LOCAL statement_timeout = {left}")).await
    }
}
