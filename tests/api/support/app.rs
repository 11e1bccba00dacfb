//! The real server on a port of its own.

use std::net::TcpListener;

use actix_web::dev::ServerHandle;
use aid_register::app;
use aid_register::auth::Auth;
use aid_register::auth::local::LocalKey;
use aid_register::auth::token::Issuer;
use aid_register::content;
use aid_register::db::Database;
use aid_register::dumps::Dumps;
use aid_register::input::Shapes;
use aid_register::openapi;
use aid_register::state::{Settings, State};
use aid_register::store::change::Author;
use aid_register::store::publishers::{self, Publisher};
use diesel_async::{AsyncConnection, AsyncPgConnection};
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

use super::{Client, cluster};

/// Scopes for all collections.
pub const ALL_SCOPES: &str = "programmes:write calls:write grants:write transactions:write beneficiaries:write \
    organisations:write indicators:write observations:write locations:write sources:write";

/// A running register.
pub struct TestApp {
    /// Where it listens: `http://127.0.0.1:port`.
    pub base: String,
    /// Its database.
    pub database_url: String,
    /// Its dumps.
    pub dumps: Dumps,
    key: LocalKey,
    handle: ServerHandle,
    _folder: TempDir,
}

impl TestApp {
    /// A register without content, in which `town` owns `T-` and `city` owns `C-`.
    pub async fn empty() -> Self {
        Self::start(false, Vec::new()).await
    }

    /// A register with the shipped content, and the same two publishers.
    pub async fn shipped() -> Self {
        Self::start(true, Vec::new()).await
    }

    /// An empty register that also trusts other issuers.
    pub async fn trusting(issuers: Vec<Issuer>) -> Self {
        Self::start(false, issuers).await
    }

    async fn start(shipped: bool, issuers: Vec<Issuer>) -> Self {
        let database_url = cluster::database();
        let folder = TempDir::new().unwrap();
        let key = LocalKey::open(folder.path()).unwrap();
        let mut trusted = vec![key.issuer("aid-register")];
        trusted.extend(issuers);
        let db = Database::new(&database_url, 8, 4).unwrap();
        let mut connection = AsyncPgConnection::establish(&database_url).await.unwrap();
        if shipped {
            content::load_shipped(&mut connection, &Arc::new(Shapes::compile(&openapi::components()))).await.unwrap();
        }
        for (id, prefix) in [("town", "T-"), ("city", "C-")] {
            let new = Publisher { id: id.into(), name: id.to_uppercase(), prefixes: vec![prefix.into()] };
            publishers::add(&mut connection, &Author::program("test"), &new).await.unwrap();
        }
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let dumps = Dumps { folder: folder.path().join("dumps"), hours: 0, kept: 2, licence: "CC-BY-4.0".into() };
        let made = dumps.clone();
        let (send, receive) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            actix_web::rt::System::new().block_on(async {
                let settings = Settings { dumps: Some(dumps), ..Settings::default() };
                let state = State::new(db, Auth::new(trusted), settings).await.unwrap();
                let server = app::server(listener, state).unwrap();
                send.send(server.handle()).unwrap();
                server.await.unwrap();
            });
        });
        let handle = receive.recv().unwrap();
        Self { base, database_url, dumps: made, key, handle, _folder: folder }
    }

    /// A client without a token.
    pub fn anon(&self) -> Client {
        Client::new(&self.base, None)
    }

    /// A client that writes for a publisher with these scopes, separated by spaces.
    pub fn client(&self, publisher: &str, scopes: &str) -> Client {
        Client::new(&self.base, Some(self.token(publisher, scopes)))
    }

    /// A client that writes everything for `town`.
    pub fn town(&self) -> Client {
        self.client("town", ALL_SCOPES)
    }

    /// A client with the admin scope.
    pub fn admin(&self) -> Client {
        self.client("office", "admin")
    }

    /// A token of the register's own key.
    pub fn token(&self, publisher: &str, scopes: &str) -> String {
        let scopes: Vec<String> = scopes.split_whitespace().map(String::from).collect();
        self.key.sign("aid-register", publisher, &scopes, Duration::from_secs(600)).unwrap()
    }

    /// A connection to its database.
    pub async fn connection(&self) -> AsyncPgConnection {
        AsyncPgConnection::establish(&self.database_url).await.unwrap()
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        drop(self.handle.stop(false));
    }
}
