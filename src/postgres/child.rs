//! The server process: making its data, starting, waiting, stopping.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Gid, Pid, Uid};

use super::find;

/// The longest path that a Unix socket may have, and the name that PostgreSQL adds.
const SOCKET_LIMIT: usize = 107 - "/.s.PGSQL.5432".len();
/// A log that is longer is begun anew.
const LOG_LIMIT: u64 = 10 * 1024 * 1024;

/// The server of one folder.
pub struct Server {
    programs: PathBuf,
    data: PathBuf,
    socket: PathBuf,
    log: PathBuf,
    user: Option<(Uid, Gid)>,
}

impl Server {
    /// Prepares the server of a folder: its folders, and at first use its data.
    pub fn new(folder: &Path) -> anyhow::Result<Self> {
        let data = folder.join("postgres");
        let version = fs::read_to_string(data.join("PG_VERSION")).ok();
        let server = Self {
            programs: find::programs(version.as_deref().map(str::trim))?,
            user: find::unprivileged(&data)?,
            data,
            socket: folder.join("socket"),
            log: folder.join("postgres.log"),
        };
        if server.socket.as_os_str().len() > SOCKET_LIMIT {
            let path = server.socket.display();
            bail!(
                "{path} is too long for a Unix socket ({SOCKET_LIMIT} bytes at most); set REGISTER_DATA_DIR to a shorter folder"
            );
        }
        Ok(server)
    }

    /// Where to connect to.
    pub fn url(&self) -> String {
        format!("postgres:///postgres?host={}&user=postgres", self.socket.display())
    }

    /// Starts the server and waits until it takes connections. An earlier one that
    /// is still on its way out is waited for.
    pub fn start(&self, patience: Duration) -> anyhow::Result<Child> {
        self.folder(&self.socket)?;
        self.check_reach()?;
        if !self.data.join("PG_VERSION").is_file() {
            self.make_data()?;
        }
        if fs::metadata(&self.log).is_ok_and(|log| log.len() > LOG_LIMIT) {
            fs::remove_file(&self.log)?;
        }
        let deadline = Instant::now() + patience;
        self.wait_for_predecessor(deadline)?;
        let mut attempts = 0;
        loop {
            let mut child = self.spawn()?;
            while child.try_wait()?.is_none() {
                if self.is_ready(Some(child.id())) {
                    return Ok(child);
                }
                if Instant::now() > deadline {
                    self.stop(&mut child);
                    bail!("PostgreSQL did not come up in {} s; see {}", patience.as_secs(), self.log.display());
                }
                sleep(Duration::from_millis(10));
            }
            // After a kill, the old server's processes may hold its memory for a moment.
            attempts += 1;
            if attempts == 20 {
                bail!("PostgreSQL does not start; the end of {}:\n{}", self.log.display(), self.log_end());
            }
            sleep(Duration::from_millis(250));
        }
    }

    /// Tells the server to stop, and waits: first politely, then not.
    pub fn stop(&self, child: &mut Child) {
        let tell = |child: &Child, signal| i32::try_from(child.id()).map(|pid| kill(Pid::from_raw(pid), signal));
        let _ = tell(child, Signal::SIGINT);
        let deadline = Instant::now() + Duration::from_secs(30);
        while matches!(child.try_wait(), Ok(None)) {
            if Instant::now() > deadline {
                let _ = tell(child, Signal::SIGQUIT);
                let _ = child.wait();
            }
            sleep(Duration::from_millis(5));
        }
    }

    /// Whether a server takes connections: this one, or any.
    pub fn is_ready(&self, pid: Option<u32>) -> bool {
        let file = fs::read_to_string(self.data.join("postmaster.pid")).unwrap_or_default();
        let lines: Vec<&str> = file.lines().map(str::trim).collect();
        let same = pid.is_none_or(|pid| lines.first().is_some_and(|line| *line == pid.to_string()));
        same && lines.get(7).is_some_and(|status| *status == "ready")
    }

    fn spawn(&self) -> anyhow::Result<Child> {
        let log = fs::File::options().append(true).create(true).open(&self.log)?;
        let mut command = self.command("postgres");
        command.arg("-D").arg(&self.data).arg("-k").arg(&self.socket);
        for setting in ["listen_addresses=", "unix_socket_permissions=0700", "jit=off", "log_timezone=UTC"] {
            command.args(["-c", setting]);
        }
        // A group of its own: Ctrl-C is for this program, which stops the server when it has no more need of it.
        command.process_group(0).stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        end_with_parent(&mut command);
        command.spawn().with_context(|| format!("starting {}", self.programs.join("postgres").display()))
    }

    /// Makes the data in a folder beside, so that an interrupted attempt leaves nothing half made.
    fn make_data(&self) -> anyhow::Result<()> {
        let draft = self.data.with_extension("new");
        if draft.exists() {
            fs::remove_dir_all(&draft)?;
        }
        self.folder(&draft)?;
        let output = self
            .command("initdb")
            .arg("-D")
            .arg(&draft)
            .args(["-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8", "--auth=trust", "--no-instructions"])
            .output()
            .with_context(|| format!("running {}", self.programs.join("initdb").display()))?;
        if !output.status.success() {
            bail!("initdb failed: {}", String::from_utf8_lossy(&output.stderr).trim());
        }
        if self.data.exists() {
            fs::remove_dir(&self.data)
                .with_context(|| format!("{} is neither empty nor a database", self.data.display()))?;
        }
        fs::rename(&draft, &self.data)?;
        log::info!("made a new database in {}", self.data.display());
        Ok(())
    }

    /// A folder of the server's user, for nobody else.
    fn folder(&self, path: &Path) -> anyhow::Result<()> {
        fs::create_dir_all(path).with_context(|| format!("making {}", path.display()))?;
        fs::set_permissions(path, fs::Permissions::from_mode(0o700))?;
        if let Some((uid, gid)) = self.user {
            chown(path, Some(uid.as_raw()), Some(gid.as_raw()))?;
        }
        Ok(())
    }

    /// The server's user must be able to get to its folders.
    fn check_reach(&self) -> anyhow::Result<()> {
        let reached = self.command("postgres").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
        match reached {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => bail!("{} --version: {status}", self.programs.join("postgres").display()),
            Err(error) => bail!(
                "the user that runs PostgreSQL cannot enter {} ({error}); set REGISTER_DATA_DIR to a folder that it can, such as /var/lib/aid-register",
                self.socket.display()
            ),
        }
    }

    /// Waits for an earlier server to end, and clears what a dead one left. PostgreSQL
    /// itself takes a zombie, or a stranger with the old number, for a running server.
    fn wait_for_predecessor(&self, deadline: Instant) -> anyhow::Result<()> {
        let files = [self.data.join("postmaster.pid"), self.socket.join(".s.PGSQL.5432.lock")];
        for file in files {
            while let Some(pid) = first_line(&file) {
                if !is_postgres(pid) {
                    let _ = fs::remove_file(&file);
                    break;
                }
                if Instant::now() > deadline {
                    bail!("an earlier PostgreSQL (process {pid}) does not end");
                }
                sleep(Duration::from_millis(20));
            }
        }
        Ok(())
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.programs.join(program));
        command.current_dir(&self.socket);
        for name in ["PGDATA", "PGHOST", "PGPORT", "PGUSER", "PGDATABASE", "PGOPTIONS"] {
            command.env_remove(name);
        }
        if let Some((uid, gid)) = self.user {
            command.uid(uid.as_raw()).gid(gid.as_raw());
        }
        command
    }

    fn log_end(&self) -> String {
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(5)..].join("\n")
    }
}

/// Whether a process is a living PostgreSQL; without /proc, whether there is one at all.
fn is_postgres(pid: u32) -> bool {
    if !Path::new("/proc/self/stat").exists() {
        return i32::try_from(pid).is_ok_and(|pid| kill(Pid::from_raw(pid), None).is_ok());
    }
    let status = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    status.contains("(postgres)") && !status.contains(") Z ")
}

fn first_line(path: &Path) -> Option<u32> {
    fs::read_to_string(path).ok()?.lines().next()?.trim().parse().ok()
}

/// Has the kernel stop the child when this program ends, even by `kill -9`.
#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "what runs between fork and exec is marked unsafe; these two calls are safe there")]
fn end_with_parent(command: &mut Command) {
    let parent = nix::unistd::getpid();
    let ask = move || {
        nix::sys::prctl::set_pdeathsig(Signal::SIGINT)?;
        // The parent may have ended before the kernel was asked.
        if nix::unistd::getppid() == parent { Ok(()) } else { Err(std::io::Error::other("the parent has ended")) }
    };
    unsafe {
        command.pre_exec(ask);
    }
}

#[cfg(not(target_os = "linux"))]
fn end_with_parent(_command: &mut Command) {}
