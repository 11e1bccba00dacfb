//! How far the register is, for those who wait for it to go on. One task asks the
//! database, which other instances write to as well, however many wait.

use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch::{self, Receiver};

use crate::db::Database;
use crate::store::read;

/// How often the database is asked while somebody waits.
const PAUSE: Duration = Duration::from_millis(200);

/// The register's position, as it moves.
#[derive(Clone)]
pub struct Watch(Receiver<i64>);

impl Watch {
    /// Begins to watch; ends when the program is told to stop.
    pub fn start(db: Database) -> Self {
        let (sender, receiver) = watch::channel(0);
        actix_web::rt::spawn(async move {
            let watching = async {
                loop {
                    tokio::time::sleep(PAUSE).await;
                    // One receiver is the one that all others are cloned from.
                    if sender.receiver_count() <= 1 {
                        continue;
                    }
                    let Ok(mut connection) = db.get().await else { continue };
                    if let Ok(position) = read::position(&mut connection).await {
                        sender.send_if_modified(|known| std::mem::replace(known, position) != position);
                    }
                }
            };
            let (Ok(mut terminate), Ok(mut interrupt)) =
                (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
            else {
                return watching.await;
            };
            tokio::select! {
                () = watching => {}
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        });
        Self(receiver)
    }

    /// Waits until the register is beyond a position; `None` when the program stops.
    pub async fn beyond(&mut self, position: i64) -> Option<()> {
        self.0.wait_for(|now| *now > position).await.ok().map(|_| ())
    }
}
