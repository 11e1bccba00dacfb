//! Settings, all from the environment, each documented where it stands. A
//! variable that is set to nothing counts as not set.

use std::fmt::Display;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::{Context, bail};
use url::Url;

use crate::auth::trusted::{self, Trusted};
use crate::codes;
use crate::dumps::Dumps;
use crate::state::Settings;

/// One setting.
pub struct Setting {
    /// The environment variable.
    pub name: &'static str,
    /// What holds without it.
    pub default: &'static str,
    /// What it says.
    pub about: &'static str,
}

const fn setting(name: &'static str, default: &'static str, about: &'static str) -> Setting {
    Setting { name, default, about }
}

/// All settings. The README's table is compared with this in a test.
pub const SETTINGS: &[Setting] = &[
    setting("DATABASE_URL", "", "PostgreSQL to use; without it a private one is started"),
    setting("REGISTER_ADDR", "127.0.0.1:8080", "where to serve; port 0 takes a free one"),
    setting("REGISTER_DATA_DIR", "", "folder for the private PostgreSQL and the signing key"),
    setting(
        "REGISTER_LOG",
        "info,actix_server=warn,actix_http=off,actix_web_prom=error",
        "what to log, in env_logger's syntax",
    ),
    setting("REGISTER_PUBLIC_URL", "", "the address that clients use, for links"),
    setting("REGISTER_LOAD_CONTENT", "true", "load the five programmes into an empty register"),
    setting("REGISTER_AUDIENCE", "aid-register", "the audience (aud) that tokens must have"),
    setting("REGISTER_ISSUER", "", "an issuer (iss) of tokens to trust"),
    setting(
        "REGISTER_JWKS",
        "",
        "that issuer's key set, a file or an http(s) address; without it, the issuer says where",
    ),
    setting("REGISTER_PUBLISHER_CLAIM", "publisher", "the claim that names the publisher"),
    setting("REGISTER_ISSUERS", "", "a JSON file with any number of issuers; see the README"),
    setting("REGISTER_IMPORT_LIMIT", "256", "megabytes of the largest import"),
    setting(
        "REGISTER_IMPORT_GUARD",
        "50",
        "per cent of its records that a publisher's import may change without confirm=true",
    ),
    setting("REGISTER_CONNECTIONS", "16", "database connections for requests"),
    setting("REGISTER_EXPORTS", "4", "exports that may run at the same time"),
    setting("REGISTER_DUMP_HOURS", "24", "hours from one dump of the whole register to the next; 0 makes none"),
    setting("REGISTER_DUMPS_KEPT", "7", "so many of the newest dumps stay, beside the first of each month"),
    setting("REGISTER_LICENCE", "CC-BY-4.0", "the licence of what is published here, by SPDX identifier"),
];

/// The settings of one run; [`SETTINGS`] says what each means.
#[derive(Debug, Clone)]
pub struct Config {
    /// `DATABASE_URL`
    pub database_url: Option<String>,
    /// `REGISTER_ADDR`
    pub addr: SocketAddr,
    /// `REGISTER_DATA_DIR`
    pub data_dir: Option<PathBuf>,
    /// `REGISTER_LOG`
    pub log: String,
    /// `REGISTER_PUBLIC_URL`
    pub public_url: Option<Url>,
    /// `REGISTER_LOAD_CONTENT`
    pub load_content: bool,
    /// `REGISTER_AUDIENCE`
    pub audience: String,
    /// `REGISTER_ISSUER`, `REGISTER_JWKS` and `REGISTER_PUBLISHER_CLAIM`, and `REGISTER_ISSUERS`
    pub issuers: Vec<Trusted>,
    /// `REGISTER_IMPORT_LIMIT`, in megabytes
    pub import_limit: usize,
    /// `REGISTER_IMPORT_GUARD`
    pub import_guard: usize,
    /// `REGISTER_CONNECTIONS`
    pub connections: usize,
    /// `REGISTER_EXPORTS`
    pub exports: usize,
    /// `REGISTER_DUMP_HOURS`
    pub dump_hours: u32,
    /// `REGISTER_DUMPS_KEPT`
    pub dumps_kept: usize,
    /// `REGISTER_LICENCE`
    pub licence: String,
}

impl Config {
    /// Reads the settings; `lookup` is [`std::env::var`] but in tests.
    pub fn read(lookup: impl Fn(&str) -> Option<String>) -> anyhow::Result<Self> {
        let given = |name: &str| lookup(name).filter(|value| !value.is_empty());
        let or_default = |name: &str| {
            let default = SETTINGS.iter().find(|setting| setting.name == name).map_or("", |setting| setting.default);
            given(name).unwrap_or_else(|| default.to_owned())
        };
        let mut issuers = match given("REGISTER_ISSUERS") {
            Some(file) => trusted::read(Path::new(&file))?,
            None => Vec::new(),
        };
        match (given("REGISTER_ISSUER"), given("REGISTER_JWKS")) {
            (Some(issuer), jwks) => issuers.push(Trusted {
                issuer,
                jwks,
                audience: None,
                algorithms: None,
                types: None,
                publisher_claim: Some(or_default("REGISTER_PUBLISHER_CLAIM")),
            }),
            (None, Some(_)) => bail!("REGISTER_JWKS is the key set of REGISTER_ISSUER: set that too"),
            (None, None) => {}
        }
        let public_url =
            given("REGISTER_PUBLIC_URL").map(|text| parse::<Url>("REGISTER_PUBLIC_URL", &text)).transpose()?;
        if public_url.as_ref().is_some_and(|url| !matches!(url.scheme(), "http" | "https")) {
            bail!("REGISTER_PUBLIC_URL is an http or https address");
        }
        let licence = or_default("REGISTER_LICENCE");
        if !codes::is_licence(&licence) {
            bail!("REGISTER_LICENCE is {licence:?}: it takes an SPDX licence such as CC-BY-4.0");
        }
        let count = |name: &str| match parse(name, &or_default(name))? {
            0 => bail!("{name} is at least 1"),
            count => Ok(count),
        };
        Ok(Self {
            database_url: given("DATABASE_URL"),
            addr: parse("REGISTER_ADDR", &or_default("REGISTER_ADDR"))
                .context("REGISTER_ADDR takes an IP address and a port, such as 127.0.0.1:8080")?,
            data_dir: given("REGISTER_DATA_DIR").map(PathBuf::from),
            log: or_default("REGISTER_LOG"),
            public_url,
            load_content: parse("REGISTER_LOAD_CONTENT", &or_default("REGISTER_LOAD_CONTENT"))?,
            audience: or_default("REGISTER_AUDIENCE"),
            issuers,
            import_limit: count("REGISTER_IMPORT_LIMIT")?,
            import_guard: count("REGISTER_IMPORT_GUARD")?,
            connections: count("REGISTER_CONNECTIONS")?,
            exports: count("REGISTER_EXPORTS")?,
            dump_hours: parse("REGISTER_DUMP_HOURS", &or_default("REGISTER_DUMP_HOURS"))?,
            dumps_kept: count("REGISTER_DUMPS_KEPT")?,
            licence,
        })
    }

    /// Where dumps are, and how they are made.
    pub fn dumps(&self) -> anyhow::Result<Dumps> {
        let folder = self.data_folder()?.join("dumps");
        Ok(Dumps { folder, hours: self.dump_hours, kept: self.dumps_kept, licence: self.licence.clone() })
    }

    /// What the server is told.
    pub fn settings(&self) -> anyhow::Result<Settings> {
        Ok(Settings {
            public_url: self.public_url.clone(),
            licence: self.licence.clone(),
            import_guard: i32::try_from(self.import_guard).unwrap_or(100).min(100),
            import_limit: self.import_limit.saturating_mul(1024 * 1024),
            dumps: Some(self.dumps()?),
        })
    }

    /// The data folder, made if it is missing.
    pub fn data_folder(&self) -> anyhow::Result<PathBuf> {
        let folder = match &self.data_dir {
            Some(folder) => folder.clone(),
            None if nix::unistd::geteuid().is_root() => PathBuf::from("/var/lib/aid-register"),
            None => {
                let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".local/share"));
                let data = std::env::var_os("XDG_DATA_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
                data.or_else(home).context("neither HOME nor REGISTER_DATA_DIR is set")?.join("aid-register")
            }
        };
        std::fs::create_dir_all(&folder).with_context(|| {
            format!("making the data folder {}; set REGISTER_DATA_DIR to another", folder.display())
        })?;
        Ok(std::path::absolute(folder)?)
    }
}

fn parse<T: FromStr<Err: Display>>(name: &str, text: &str) -> anyhow::Result<T> {
    text.parse().map_err(|error| anyhow::anyhow!("{name} is {text:?}: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &'static str, value: &'static str) -> anyhow::Result<Config> {
        Config::read(|other| (other == name).then(|| value.to_owned()))
    }

    #[test]
    fn nothing_is_as_good_as_not_set() {
        for setting in SETTINGS {
            read(setting.name, "").unwrap();
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (name, value) in [
            ("REGISTER_ADDR", "localhost"),
            ("REGISTER_PUBLIC_URL", "ftp://x"),
            ("REGISTER_LOAD_CONTENT", "maybe"),
            ("REGISTER_JWKS", "https://id.example.org/jwks"),
            ("REGISTER_ISSUERS", "/nowhere.json"),
            ("REGISTER_EXPORTS", "0"),
            ("REGISTER_LICENCE", "free"),
        ] {
            assert!(format!("{:#}", read(name, value).unwrap_err()).contains(name), "{name}");
        }
    }
}
