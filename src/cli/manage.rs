//! The commands that manage who may publish, and look at what was done.

use anyhow::Context;
use clap::Subcommand;
use diesel_async::AsyncPgConnection;

use super::print;
use crate::store::change::Author;
use crate::store::publishers::{self, Publisher};
use crate::store::{audit, clients};

/// Publishers and their clients.
#[derive(Subcommand)]
pub enum PublisherCommand {
    /// Add a publisher, or add prefixes to one, or give it another name
    Add {
        /// Its id, as tokens name it: a-z, 0-9 and -
        id: String,
        /// Its name; without it, one that exists keeps its own
        #[arg(long)]
        name: Option<String>,
        /// What its identifiers start with; may be given several times
        #[arg(long, required = true, num_args = 1..)]
        prefix: Vec<String>,
    },
    /// List all publishers
    List,
    /// Let a client of an identity provider write for a publisher
    AddClient {
        /// The publisher
        id: String,
        /// The `iss` of its tokens
        #[arg(long)]
        issuer: String,
        /// The `sub` of its tokens
        #[arg(long)]
        subject: String,
    },
    /// Refuse a client from now on
    RevokeClient {
        /// The publisher
        id: String,
        /// The client's id, as `clients` shows it
        client: String,
    },
    /// List the clients of a publisher
    Clients {
        /// The publisher
        id: String,
    },
}

#[derive(Subcommand)]
pub enum AuditCommand {
    /// Print where the log ends, as ENTRIES:HASH, to be noted elsewhere
    Head,
    /// Check every entry, and the log against an end that was noted earlier
    Verify {
        /// ENTRIES:HASH
        #[arg(long, value_parser = audit_head)]
        head: Option<audit::Head>,
    },
    /// Print every entry, a line each
    List,
}

fn audit_head(text: &str) -> Result<audit::Head, String> {
    let parts = text.split_once(':').and_then(|(n, hash)| Some((n.parse().ok()?, hash)));
    match parts {
        Some((n, hash)) if hash.len() == 64 => Ok(audit::Head { n, hash: hash.to_owned() }),
        _ => Err("a head is a number, a colon and 64 hexadecimal digits, as `audit head` prints it".into()),
    }
}

/// Manages publishers and their clients; these are of trusted issuers.
pub async fn publisher(
    connection: &mut AsyncPgConnection,
    command: PublisherCommand,
    issuers: &[&str],
) -> anyhow::Result<()> {
    let author = Author::program("publisher");
    let known = publishers::list(connection).await?;
    let line = |publisher: &Publisher| {
        print(&format!("{}\t{}\t{}", publisher.id, publisher.name, publisher.prefixes.join(" ")))
    };
    let tell = |client: &clients::Client| {
        let state = if client.revoked_at.is_some() { "revoked" } else { "good" };
        print(&format!("{}\t{}\t{}\t{state}", client.id, client.issuer, client.subject))
    };
    match command {
        PublisherCommand::List => known.iter().try_for_each(line),
        PublisherCommand::Add { id, name, prefix } => {
            let name = name.or(known.into_iter().find(|known| known.id == id).map(|known| known.name));
            let name = name.context("a new publisher needs --name")?;
            publishers::add(connection, &author, &Publisher { id: id.clone(), name, prefixes: prefix }).await?;
            let all = publishers::list(connection).await?;
            all.iter().filter(|publisher| publisher.id == id).try_for_each(line)
        }
        PublisherCommand::AddClient { id, issuer, subject } => {
            anyhow::ensure!(known.iter().any(|known| known.id == id), "there is no publisher {id}");
            let trusted = issuers.contains(&issuer.as_str());
            anyhow::ensure!(trusted, "{issuer} is not trusted by these settings; trusted are {}", issuers.join(", "));
            tell(&clients::add(connection, &author, &id, &issuer, &subject).await?)
        }
        PublisherCommand::RevokeClient { id, client } => {
            let revoked = clients::revoke(connection, &author, &id, &client).await?;
            tell(&revoked.with_context(|| format!("{id} has no client {client}; `publisher clients` shows all"))?)
        }
        PublisherCommand::Clients { id } => {
            let known = publishers::list(connection).await?;
            let is_known = known.iter().any(|publisher| publisher.id == id);
            anyhow::ensure!(is_known, "there is no publisher {id}; `publisher list` shows all");
            clients::list(connection, &id).await?.iter().try_for_each(tell)
        }
    }
}

/// Looks at the audit log.
pub async fn audit(connection: &mut AsyncPgConnection, command: AuditCommand) -> anyhow::Result<()> {
    match command {
        AuditCommand::Head => {
            let head = audit::head(connection).await?;
            print(&format!("{}:{}", head.n, head.hash))
        }
        AuditCommand::Verify { head } => {
            let end = audit::verify(connection, head.as_ref()).await?;
            print(&format!("the log is whole: {} entries, the last with hash {}", end.n, end.hash))
        }
        AuditCommand::List => audit::each(connection, |entry| print(&entry.entry)).await,
    }
}
