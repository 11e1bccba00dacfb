//! A private PostgreSQL, for a register without a database server of its own.
//!
//! The server runs as a child of this program, with its data in a folder, on a
//! Unix socket in that folder and nowhere else. It is durable as PostgreSQL is by
//! default. It ends with this program, however that ends: on a stop it is told
//! to, and after a `kill -9` the kernel tells it. If it is killed itself, it is
//! started again. A lock on the folder keeps a second register out.

mod child;
mod find;

use std::fs::{self, File, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{JoinHandle, sleep};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use child::Server;

/// How long to wait for another program to leave the folder.
const LOCK_PATIENCE: Duration = Duration::from_secs(3);
/// How long a server may take to come up, recovery included.
const START_PATIENCE: Duration = Duration::from_secs(120);

/// A running private PostgreSQL. Dropping it stops it.
pub struct PrivatePostgres {
    url: String,
    /// Closing this end tells the supervisor to stop the server.
    stop: Option<Sender<()>>,
    supervisor: Option<JoinHandle<()>>,
    _lock: Option<File>,
}

impl PrivatePostgres {
    /// Starts the server of a folder; refused while another program has it, which
    /// is given a moment to leave.
    pub fn start(folder: &Path) -> anyhow::Result<Self> {
        Self::start_within(folder, LOCK_PATIENCE)
    }

    /// The same with a patience of one's own.
    pub fn start_within(folder: &Path, patience: Duration) -> anyhow::Result<Self> {
        let lock = lock(folder, patience)?.map_err(|holder| {
            anyhow::anyhow!(
                "another aid-register (process {holder}) is using {}; stop it, or set REGISTER_DATA_DIR to another folder",
                folder.display()
            )
        })?;
        Self::start_locked(folder, lock)
    }

    /// Uses the server of a folder: the one that a running register has started, or a new one.
    pub fn attach_or_start(folder: &Path) -> anyhow::Result<Self> {
        match lock(folder, Duration::ZERO)? {
            Ok(lock) => Self::start_locked(folder, lock),
            Err(_) => {
                let server = Server::new(folder)?;
                let started = Instant::now();
                while !server.is_ready(None) {
                    if started.elapsed() > START_PATIENCE {
                        bail!("the register that uses {} does not come up", folder.display());
                    }
                    sleep(Duration::from_millis(50));
                }
                Ok(Self { url: server.url(), stop: None, supervisor: None, _lock: None })
            }
        }
    }

    fn start_locked(folder: &Path, lock: File) -> anyhow::Result<Self> {
        let server = Server::new(folder)?;
        let url = server.url();
        let (stop, stopped) = channel();
        let (ready, started) = channel();
        // The kernel's signal to the child comes when the thread that made it ends,
        // so one thread makes it, watches it and lives as long as it.
        let supervisor = std::thread::Builder::new()
            .name("postgres".into())
            .spawn(move || supervise(&server, &ready, &stopped))
            .context("starting the supervisor of PostgreSQL")?;
        started.recv().context("the supervisor of PostgreSQL ended")??;
        Ok(Self { url, stop: Some(stop), supervisor: Some(supervisor), _lock: Some(lock) })
    }

    /// Where to connect to.
    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for PrivatePostgres {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(supervisor) = self.supervisor.take() {
            let _ = supervisor.join();
        }
    }
}

/// Keeps the server running until told to stop.
fn supervise(server: &Server, ready: &Sender<anyhow::Result<()>>, stopped: &Receiver<()>) {
    let mut child = match server.start(START_PATIENCE) {
        Ok(child) => child,
        Err(error) => {
            let _ = ready.send(Err(error));
            return;
        }
    };
    let _ = ready.send(Ok(()));
    loop {
        match stopped.recv_timeout(Duration::from_millis(100)) {
            Err(RecvTimeoutError::Timeout) => {}
            Ok(()) | Err(RecvTimeoutError::Disconnected) => return server.stop(&mut child),
        }
        if let Ok(Some(status)) = child.try_wait() {
            log::error!("PostgreSQL ended ({status}); starting it again");
            match server.start(START_PATIENCE) {
                Ok(again) => child = again,
                Err(error) => {
                    log::error!("PostgreSQL does not come up: {error:#}");
                    sleep(Duration::from_secs(1));
                }
            }
        }
    }
}

/// Takes the lock of a folder, or names the process that has it.
fn lock(folder: &Path, patience: Duration) -> anyhow::Result<Result<File, String>> {
    let path: PathBuf = folder.join("register.lock");
    let mut file = fs::OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path)
        .with_context(|| format!("opening {}", path.display()))?;
    let started = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => break,
            Err(TryLockError::WouldBlock) if started.elapsed() < patience => sleep(Duration::from_millis(50)),
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                let _ = file.read_to_string(&mut holder);
                return Ok(Err(holder.trim().to_owned()));
            }
            Err(TryLockError::Error(error)) => {
                return Err(error).with_context(|| format!("locking {}", path.display()));
            }
        }
    }
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "{}", std::process::id())?;
    Ok(Ok(file))
}
