//! Issuers that the settings trust: one by variables, any number by a file.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use jsonwebtoken::Algorithm;
use serde::Deserialize;
use url::Url;

use super::keys::{Keys, Origin};
use super::local::ISSUER;
use super::token::{ALGORITHMS, Issuer, TYPES};

/// An issuer as the settings describe it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trusted {
    /// The `iss` of its tokens.
    pub issuer: String,
    /// The `aud` that they must have; without it, that of the register.
    pub audience: Option<String>,
    /// Its key set: a file or an address. Without it, the issuer's own
    /// `/.well-known/openid-configuration` says where.
    pub jwks: Option<String>,
    /// What its keys may sign with: RS256, ES256, EdDSA; without it, any of these.
    pub algorithms: Option<Vec<String>>,
    /// The `typ` that its tokens may have; without it, `at+jwt` and `JWT`.
    pub types: Option<Vec<String>>,
    /// The claim that names the publisher; without it, `publisher`.
    pub publisher_claim: Option<String>,
}

/// Reads a file with a list of issuers.
pub fn read(file: &Path) -> anyhow::Result<Vec<Trusted>> {
    let text =
        std::fs::read_to_string(file).with_context(|| format!("REGISTER_ISSUERS: reading {}", file.display()))?;
    serde_json::from_str(&text)
        .with_context(|| format!("REGISTER_ISSUERS: {} is not a JSON list of issuers", file.display()))
}

impl Trusted {
    /// Trusts it.
    pub fn trust(&self, audience: &str) -> anyhow::Result<Issuer> {
        let name = &self.issuer;
        ensure!(name != ISSUER, "{ISSUER} is the local key's name, and cannot be another issuer's");
        let address = |text: &str| Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
        let origin = match self.jwks.as_deref() {
            None => match address(name) {
                Some(url) => Origin::Discovery(url),
                None => bail!("issuer {name} is no http(s) address: say where its key set (jwks) is"),
            },
            Some(jwks) => match address(jwks) {
                Some(url) => Origin::Address(url),
                None if Path::new(jwks).is_file() => Origin::File(PathBuf::from(jwks)),
                None => bail!("issuer {name}: there is no file {jwks}, and it is no http(s) address"),
            },
        };
        let algorithm = |text: &String| -> anyhow::Result<Algorithm> {
            let known = ALGORITHMS.iter().copied().find(|known| format!("{known:?}") == *text);
            known.with_context(|| format!("issuer {name}: {text} is none of RS256, ES256, EdDSA"))
        };
        let algorithms = match &self.algorithms {
            Some(names) => names.iter().map(algorithm).collect::<anyhow::Result<Vec<_>>>()?,
            None => ALGORITHMS.to_vec(),
        };
        let types = match &self.types {
            Some(types) => types.iter().map(|of| of.to_ascii_lowercase()).collect(),
            None => TYPES.iter().map(|of| (*of).to_owned()).collect(),
        };
        Ok(Issuer {
            name: name.clone(),
            audience: self.audience.clone().unwrap_or_else(|| audience.to_owned()),
            publisher_claim: self.publisher_claim.clone().unwrap_or_else(|| "publisher".into()),
            algorithms,
            types,
            keys: Keys::new(origin),
        })
    }
}
