//! Settings, all from the environment, each documented where it stands.

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;

/// What can be set. The README's table is compared with this in a test.
#[derive(Debug, Clone, Args)]
pub struct Config {
    /// PostgreSQL to use (postgres://user:password@host/database). Without it the program starts a private one in its data folder
    #[arg(long, env = "DATABASE_URL", hide_env_values = true, hide = true)]
    pub database_url: Option<String>,
    /// Where to serve; port 0 takes a free one
    #[arg(long, env = "REGISTER_ADDR", default_value = "127.0.0.1:8080", hide = true)]
    pub addr: SocketAddr,
    /// Folder for the private PostgreSQL and the local signing key. Default: /var/lib/aid-register for root, else $XDG_DATA_HOME/aid-register or ~/.local/share/aid-register
    #[arg(long, env = "REGISTER_DATA_DIR", hide = true)]
    pub data_dir: Option<PathBuf>,
    /// What to log, in env_logger's syntax, such as `warn` or `aid_register=debug`
    #[arg(long, env = "REGISTER_LOG", default_value = "info,actix_server=warn", hide = true)]
    pub log: String,
    /// The address that clients use, for links, such as https://register.example.org. Default: from each request's Host
    #[arg(long, env = "REGISTER_PUBLIC_URL", hide = true)]
    pub public_url: Option<url::Url>,
    /// Load the five shipped programmes into an empty register
    #[arg(long, env = "REGISTER_LOAD_CONTENT", default_value_t = true, action = clap::ArgAction::Set, hide = true)]
    pub load_content: bool,
    /// The audience (aud) that tokens must have
    #[arg(long, env = "REGISTER_AUDIENCE", default_value = "aid-register", hide = true)]
    pub audience: String,
    /// An issuer (iss) of tokens to trust, beside the local key; needs REGISTER_JWKS
    #[arg(long, env = "REGISTER_ISSUER", requires = "jwks", hide = true)]
    pub issuer: Option<String>,
    /// That issuer's key set (JWKS): a file or an http(s) address; needs REGISTER_ISSUER
    #[arg(long, env = "REGISTER_JWKS", requires = "issuer", hide = true)]
    pub jwks: Option<String>,
    /// The claim in that issuer's tokens that names the publisher
    #[arg(long, env = "REGISTER_PUBLISHER_CLAIM", default_value = "publisher", hide = true)]
    pub publisher_claim: String,
    /// Database connections for requests
    #[arg(long, env = "REGISTER_CONNECTIONS", default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..=1000), hide = true)]
    pub connections: u16,
    /// Exports that may run at the same time; each holds a connection of its own
    #[arg(long, env = "REGISTER_EXPORTS", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=1000), hide = true)]
    pub exports: u16,
}

impl Config {
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
