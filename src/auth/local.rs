//! The register's own key: for a first token without an identity provider.

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use aws_lc_rs::signature::Ed25519KeyPair;
use chrono::Utc;
use jsonwebtoken::jwk::{Jwk, JwkSet};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::json;

use super::keys::{Keys, Origin};
use super::token::Issuer;

/// The `iss` of tokens signed here.
pub const ISSUER: &str = "aid-register";
/// The file in the data folder.
const FILE: &str = "signing-key.der";

/// The key pair (Ed25519).
pub struct LocalKey {
    key: EncodingKey,
    public: Jwk,
}

impl LocalKey {
    /// Opens the key of a data folder, making it at first use.
    pub fn open(folder: &Path) -> anyhow::Result<Self> {
        let path = folder.join(FILE);
        let der = match fs::read(&path) {
            Ok(der) => der,
            Err(error) if error.kind() == ErrorKind::NotFound => make(folder, &path)?,
            Err(error) => return Err(error).with_context(|| format!("reading {}", path.display())),
        };
        let key = EncodingKey::from_ed_der(&der);
        let mut public = Jwk::from_encoding_key(&key, Algorithm::EdDSA)
            .with_context(|| format!("{} is no Ed25519 key in PKCS#8", path.display()))?;
        public.common.key_id = Some(public.thumbprint(jsonwebtoken::jwk::ThumbprintHash::SHA256)?);
        Ok(Self { key, public })
    }

    /// Trusts this key.
    pub fn issuer(&self, audience: &str) -> Issuer {
        Issuer {
            name: ISSUER.into(),
            audience: audience.into(),
            publisher_claim: "publisher".into(),
            algorithms: vec![Algorithm::EdDSA],
            types: vec!["at+jwt".into()],
            keys: Keys::new(Origin::Own(JwkSet { keys: vec![self.public.clone()] })),
        }
    }

    /// Signs a token.
    pub fn sign(&self, audience: &str, publisher: &str, scopes: &[String], ttl: Duration) -> anyhow::Result<String> {
        let now = Utc::now().timestamp();
        let mut header = Header::new(Algorithm::EdDSA);
        header.typ = Some("at+jwt".into());
        header.kid.clone_from(&self.public.common.key_id);
        let claims = json!({
            "iss": ISSUER,
            "aud": audience,
            "sub": publisher,
            "publisher": publisher,
            "scope": scopes.join(" "),
            "iat": now,
            "exp": now + i64::try_from(ttl.as_secs())?,
            "jti": uuid::Uuid::now_v7().to_string(),
        });
        Ok(jsonwebtoken::encode(&header, &claims, &self.key)?)
    }
}

/// Makes a key that only this user can read. Of two programs that do so at once, one wins.
fn make(folder: &Path, path: &Path) -> anyhow::Result<Vec<u8>> {
    // Version 1 of PKCS#8: the form that the JWT library reads a public key from.
    let pair = Ed25519KeyPair::generate_pkcs8v1(&aws_lc_rs::rand::SystemRandom::new())
        .map_err(|_| anyhow::anyhow!("making a signing key"))?;
    let draft = folder.join(format!("{FILE}.{}", std::process::id()));
    let mut file: File = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&draft)
        .with_context(|| format!("writing {}", draft.display()))?;
    file.write_all(pair.as_ref())?;
    file.sync_all()?;
    let linked = fs::hard_link(&draft, path);
    fs::remove_file(&draft)?;
    match linked {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => {
            Err(error).with_context(|| format!("writing {}", path.display()))
        }
        _ => Ok(fs::read(path)?),
    }
}
