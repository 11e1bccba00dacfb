//! The program itself, as a process.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// A running program.
pub struct Process {
    pub child: Child,
    pub base: String,
}

/// The program with a clean environment and a data folder.
pub fn command(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_aid-register"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("REGISTER_") || name == "DATABASE_URL") {
        command.env_remove(name);
    }
    command.env("REGISTER_DATA_DIR", folder).env("REGISTER_ADDR", "127.0.0.1:0").env("REGISTER_LOG", "warn");
    command
}

/// Runs a subcommand to its end.
pub fn run(folder: &Path, arguments: &[&str]) -> Output {
    command(folder).args(arguments).output().unwrap()
}

impl Process {
    /// Starts the program and waits until it says where it is.
    pub fn start(mut command: Command) -> Result<Self, String> {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let said =
            lines.find_map(|line| line.unwrap().split_once("register is at").map(|(_, rest)| rest.trim().to_owned()));
        match said {
            Some(address) => Ok(Self { child, base: address.trim_end_matches("/v1").to_owned() }),
            None => {
                let output = child.wait_with_output().unwrap();
                Err(String::from_utf8_lossy(&output.stderr).into_owned())
            }
        }
    }

    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id().try_into().unwrap()), signal).unwrap();
    }

    /// The process number of the private PostgreSQL of a folder.
    pub fn postgres(folder: &Path) -> Pid {
        let file = std::fs::read_to_string(folder.join("postgres/postmaster.pid")).unwrap();
        Pid::from_raw(file.lines().next().unwrap().trim().parse().unwrap())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Whether a process is there and not a zombie.
pub fn is_alive(pid: Pid) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}
