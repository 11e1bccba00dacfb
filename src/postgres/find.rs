//! Finding PostgreSQL's server programs, and the user to run them as.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use nix::unistd::{Gid, Uid, User, geteuid};

/// What to tell a user who lacks the server.
const MISSING: &str = "PostgreSQL's server programs are missing: install the package postgresql \
    (Debian, Ubuntu: apt-get install postgresql; Fedora: dnf install postgresql-server), or set DATABASE_URL";

/// The folder with `initdb` and `postgres`: of this major version if one is
/// asked for, else where `pg_config` says, else the newest, else on the path.
pub fn programs(version: Option<&str>) -> anyhow::Result<PathBuf> {
    let complete = |folder: &PathBuf| folder.join("initdb").is_file() && folder.join("postgres").is_file();
    let mut installed: Vec<(u32, PathBuf)> = ["/usr/lib/postgresql", "/usr/pgsql", "/opt/homebrew/opt"]
        .iter()
        .filter_map(|parent| std::fs::read_dir(parent).ok())
        .flatten()
        .filter_map(|entry| {
            let name = entry.ok()?.path();
            let digits = name.file_name()?.to_str()?.trim_start_matches("postgresql@").parse().ok()?;
            Some((digits, name.join("bin")))
        })
        .filter(|(_, folder)| complete(folder))
        .collect();
    installed.sort();
    if let Some((_, folder)) = installed.iter().find(|(major, _)| Some(major.to_string().as_str()) == version) {
        return Ok(folder.clone());
    }
    let said = Command::new("pg_config").arg("--bindir").output().ok();
    let said = said.map(|output| PathBuf::from(String::from_utf8_lossy(&output.stdout).trim())).filter(complete);
    let newest = || installed.pop().map(|(_, folder)| folder);
    let on_path = || {
        let path = std::env::var_os("PATH")?;
        let found = std::env::split_paths(&path).find(complete)?;
        // A link on the path leads to the folder where the other programs are.
        found.join("postgres").canonicalize().ok()?.parent().map(Path::to_owned)
    };
    said.or_else(newest).or_else(on_path).ok_or_else(|| anyhow::anyhow!(MISSING))
}

/// PostgreSQL refuses to run as root: then another user runs it, the one whose data
/// there already is, if any. Anybody else uses only data of their own.
pub fn unprivileged(data: &Path) -> anyhow::Result<Option<(Uid, Gid)>> {
    let owner = std::fs::metadata(data.join("PG_VERSION")).ok().map(|file| (file.uid(), file.gid()));
    if !geteuid().is_root() {
        if owner.is_some_and(|(uid, _)| uid != geteuid().as_raw()) {
            anyhow::bail!("{} belongs to another user; set REGISTER_DATA_DIR to a folder of your own", data.display());
        }
        return Ok(None);
    }
    if let Some((uid, gid)) = owner.filter(|(uid, _)| *uid != 0) {
        return Ok(Some((Uid::from_raw(uid), Gid::from_raw(gid))));
    }
    for name in ["postgres", "nobody"] {
        if let Some(user) = User::from_name(name)? {
            return Ok(Some((user.uid, user.gid)));
        }
    }
    anyhow::bail!("PostgreSQL does not run as root, and there is neither a user postgres nor nobody to run it as")
}
