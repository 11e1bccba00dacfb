//! Bodies of any size: in memory while they are small, else in a file without a name.

use std::fs::File;
use std::io::{Cursor, Read, Seek};
use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::web::Payload;
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use sha2::{Digest, Sha256};
use tokio::io::AsyncWriteExt;
use tokio::time::timeout;

use super::body;
use crate::error::{Problem, Reason};

/// A body up to this size is small.
const SMALL: usize = 1024 * 1024;
/// A client that sends nothing for so long is given up.
const PATIENCE: Duration = Duration::from_secs(30);

/// A body that arrived.
pub struct Upload {
    /// Its bytes, if it is small.
    content: Content,
    /// SHA-256 of its bytes, in hexadecimal.
    pub digest: String,
}

enum Content {
    Memory(Bytes),
    File(File),
}

impl Default for Upload {
    fn default() -> Self {
        Self { content: Content::Memory(Bytes::new()), digest: String::new() }
    }
}

impl Upload {
    /// Receives a body of at most `limit` bytes.
    pub async fn receive(request: &HttpRequest, mut payload: Payload, limit: usize) -> Result<Self, Problem> {
        body::check_coding(request.headers(), "identity")?;
        let too_large = || Problem::new(Reason::ContentTooLarge, format!("This body has at most {limit} bytes"));
        if body::announced(request.headers()).is_some_and(|length| length > limit) {
            return Err(too_large());
        }
        let mut hash = Sha256::new();
        let mut memory = BytesMut::new();
        let mut file: Option<tokio::fs::File> = None;
        let mut length = 0;
        loop {
            let chunk = timeout(PATIENCE, payload.next()).await.map_err(|_| {
                let words = format!("Nothing arrived for {} s", PATIENCE.as_secs());
                Problem::new(Reason::RequestTimeout, words)
            })?;
            let Some(chunk) = chunk else { break };
            let chunk =
                chunk.map_err(|error| Problem::new(Reason::InvalidRequest, format!("The body broke off: {error}")))?;
            length += chunk.len();
            if length > limit {
                return Err(too_large());
            }
            hash.update(&chunk);
            if let Some(file) = &mut file {
                file.write_all(&chunk).await.map_err(Problem::internal)?;
                continue;
            }
            memory.extend_from_slice(&chunk);
            if memory.len() > SMALL {
                let mut large = tokio::fs::File::from_std(tempfile::tempfile().map_err(Problem::internal)?);
                large.write_all(&std::mem::take(&mut memory)).await.map_err(Problem::internal)?;
                file = Some(large);
            }
        }
        let content = match file {
            None => Content::Memory(memory.freeze()),
            Some(mut file) => {
                file.flush().await.map_err(Problem::internal)?;
                let mut file = file.into_std().await;
                file.rewind().map_err(Problem::internal)?;
                Content::File(file)
            }
        };
        let digest = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Self { content, digest })
    }

    /// Whether it is in memory.
    pub fn is_small(&self) -> bool {
        matches!(self.content, Content::Memory(_))
    }

    /// Its bytes from the beginning.
    pub fn into_read(self) -> Box<dyn Read + Send> {
        match self.content {
            Content::Memory(bytes) => Box::new(Cursor::new(bytes)),
            Content::File(file) => Box::new(file),
        }
    }
}
