//! One PostgreSQL for all tests of this process, and a database for each test,
//! cloned from a migrated template. Its folder is kept between runs; processes
//! that run at the same time take different ones.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use aid_register::db;
use aid_register::postgres::PrivatePostgres;
use diesel_async::{AsyncConnection, AsyncPgConnection, SimpleAsyncConnection};

static CLUSTER: OnceLock<PrivatePostgres> = OnceLock::new();
static NEXT: AtomicU32 = AtomicU32::new(0);

/// A folder under the system's temporary one that PostgreSQL's user may enter.
pub fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("aid-register-tests-{}", nix::unistd::geteuid())).join(name);
    std::fs::create_dir_all(&folder).unwrap();
    for path in [folder.parent().unwrap(), &folder] {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o711)).unwrap();
    }
    folder
}

fn start() -> PrivatePostgres {
    let cluster = (0..64)
        .find_map(|slot| PrivatePostgres::start_within(&folder(&format!("cluster-{slot}")), Duration::ZERO).ok());
    let cluster = cluster.expect("PostgreSQL's server programs, as `make run` installs them");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let mut connection = AsyncPgConnection::establish(cluster.url()).await.unwrap();
        // Tests may lose what a crash would lose.
        for statement in [
            "ALTER SYSTEM SET fsync = off",
            "ALTER SYSTEM SET max_connections = 400",
            "SELECT pg_reload_conf()",
            "DROP DATABASE IF EXISTS template WITH (FORCE)",
            "CREATE DATABASE template",
        ] {
            connection.batch_execute(statement).await.unwrap();
        }
        db::migrate(&url_of(cluster.url(), "template")).await.unwrap();
    });
    cluster
}

fn url_of(cluster: &str, database: &str) -> String {
    cluster.replace("/postgres?", &format!("/{database}?"))
}

/// The address of a new, migrated, empty database.
pub fn database() -> String {
    // Not on the caller's runtime: starting the cluster blocks.
    std::thread::spawn(|| {
        let cluster = CLUSTER.get_or_init(start);
        let name = format!("test_{}", NEXT.fetch_add(1, Ordering::Relaxed));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut connection = AsyncPgConnection::establish(cluster.url()).await.unwrap();
            let drop = format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)");
            connection.batch_execute(&drop).await.unwrap();
            let create = format!("CREATE DATABASE {name} TEMPLATE template");
            // Two clones at once exclude each other for a moment.
            let mut created = connection.batch_execute(&create).await;
            while created.as_ref().is_err_and(|error| error.to_string().contains("being accessed")) {
                created = connection.batch_execute(&create).await;
            }
            created.unwrap();
        });
        url_of(cluster.url(), &name)
    })
    .join()
    .unwrap()
}

/// The address of a new database without any schema.
pub fn empty_database() -> String {
    let url = database();
    std::thread::scope(|scope| {
        scope
            .spawn(|| {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                runtime.block_on(async {
                    let mut connection = AsyncPgConnection::establish(&url).await.unwrap();
                    connection.batch_execute("DROP SCHEMA public, past CASCADE; CREATE SCHEMA public").await.unwrap();
                });
            })
            .join()
            .unwrap();
    });
    url
}
