//! Bodies that are read twice, from a copy on disk: for what they name, so that the register is asked
//! once, then for their records.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};

use diesel_async::AsyncPgConnection;
use tokio::task::spawn_blocking;

use super::known::Known;
use super::sink::{Closed, Sink, broken};
use super::threesixty::said::Said;
use super::{Format, Order, iati, threesixty};
use crate::error::{Fault, Problem};

/// A copy of a body, and what the register knows of what it names.
pub struct Spooled {
    format: Format,
    file: File,
    known: Known,
    /// What the register says of grants that a package names.
    said: Said,
    /// Why the body is not whole.
    broken: Option<Fault>,
}

impl Spooled {
    /// Reads a body for what it names, and asks the register; what cannot be read is told when it is
    /// read for good.
    pub async fn prepare(
        connection: &mut AsyncPgConnection,
        order: &Order,
        format: Format,
        body: Box<dyn Read + Send>,
    ) -> Result<Self, Problem> {
        let copied = spawn_blocking(move || -> std::io::Result<_> {
            let (mut file, broken) = copy(body)?;
            let named = match format {
                Format::ThreeSixty => threesixty::records::names(&file),
                _ => iati::names(file.try_clone()?),
            };
            file.seek(SeekFrom::Start(0))?;
            Ok((file, named, broken))
        });
        let (file, named, broken) = copied.await.map_err(Problem::internal)?.map_err(Problem::internal)?;
        let known = Known::ask(connection, named, order.writes_for(), order.collection).await?;
        let said = match format {
            Format::ThreeSixty => {
                let grants = known.all_of("grants");
                Said::ask(connection, order.writes_for(), threesixty::records::today(), &grants).await?
            }
            _ => Said::default(),
        };
        Ok(Self { format, file, known, said, broken })
    }

    /// Reads its records.
    pub fn read(mut self, sink: &mut Sink) -> Result<(), Closed> {
        match (self.broken, self.format) {
            (Some(broken), _) => sink.end(broken.row.unwrap_or_default(), broken),
            (None, Format::ThreeSixty) => threesixty::records::records(&self.file, &self.known, &self.said, sink),
            (None, _) => iati::records(self.file, &mut self.known, sink),
        }
    }
}

/// A copy of a body on disk, to be read from its beginning, and why it is not whole if it is not.
fn copy(mut body: impl Read) -> std::io::Result<(File, Option<Fault>)> {
    let mut file = tempfile::tempfile()?;
    let mut buffer = vec![0; 64 * 1024];
    let broken = loop {
        match body.read(&mut buffer) {
            Ok(0) => break None,
            Ok(length) => file.write_all(&buffer[..length])?,
            Err(error) => break Some(broken(&error)),
        }
    };
    file.seek(SeekFrom::Start(0))?;
    Ok((file, broken))
}
