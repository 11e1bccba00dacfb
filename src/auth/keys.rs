//! Public keys of an issuer: kept, and fetched again when a token names a key
//! that is not among them. An issuer that is away does not stop known keys.

use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, RwLock};
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, JwkSet, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};
use tokio::sync::Mutex;
use url::Url;

/// Keys are fetched again at most this often.
const PAUSE: Duration = Duration::from_secs(10);
/// Keys are not trusted longer than this without asking whether they still are the
/// issuer's; while it cannot be asked, they are.
const AGE: Duration = Duration::from_secs(300);
/// A key set is not larger than this.
const LARGEST: usize = 256 * 1024;

/// Why a token was not taken.
pub enum Refusal {
    /// It is not good; in words.
    Bad(String),
    /// Its issuer's keys cannot be had, so nobody knows.
    KeysMissing,
}

impl From<String> for Refusal {
    fn from(words: String) -> Self {
        Self::Bad(words)
    }
}

impl From<&str> for Refusal {
    fn from(words: &str) -> Self {
        Self::Bad(words.to_owned())
    }
}

/// Where keys come from.
pub enum Origin {
    /// This program.
    Own(JwkSet),
    /// A file with a JSON Web Key Set.
    File(PathBuf),
    /// An address with one.
    Address(Url),
    /// An issuer that says itself where its set is (OpenID Connect Discovery).
    Discovery(Url),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Own(_) => f.write_str("this program"),
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Address(url) | Self::Discovery(url) => write!(f, "{url}"),
        }
    }
}

/// The keys of one issuer.
pub struct Keys {
    origin: Origin,
    known: RwLock<Arc<JwkSet>>,
    /// When they were last fetched, and whether that succeeded; held while they are, so that it is done once.
    fetched: Mutex<Option<(Instant, bool)>>,
}

impl Keys {
    /// Keys from an origin; those of this program are known at once.
    pub fn new(origin: Origin) -> Self {
        let known = match &origin {
            Origin::Own(keys) => keys.clone(),
            _ => JwkSet { keys: Vec::new() },
        };
        Self { origin, known: RwLock::new(Arc::new(known)), fetched: Mutex::new(None) }
    }

    /// The key with this id, or the only one there is.
    pub async fn find(&self, kid: Option<&str>) -> Result<(DecodingKey, Algorithm), Refusal> {
        if self.aged().await {
            self.refresh().await;
        }
        let jwk = match self.known_key(kid) {
            Some(jwk) => jwk,
            None => {
                let fresh = self.refresh().await;
                match self.known_key(kid) {
                    Some(jwk) => jwk,
                    None if !fresh => return Err(Refusal::KeysMissing),
                    None if kid.is_some() => return Err("its key (kid) is not among the issuer's".into()),
                    None => return Err("it names no key (kid), and the issuer does not have exactly one".into()),
                }
            }
        };
        let algorithm = algorithm(&jwk).ok_or("its key is not for signing with RS256, ES256 or EdDSA")?;
        let key = DecodingKey::from_jwk(&jwk).map_err(|_| "its key cannot be read")?;
        Ok((key, algorithm))
    }

    async fn aged(&self) -> bool {
        self.fetched.lock().await.is_some_and(|(at, _)| at.elapsed() > AGE)
    }

    fn known_key(&self, kid: Option<&str>) -> Option<Jwk> {
        let known = self.known.read().map(|known| Arc::clone(&known)).ok()?;
        match kid {
            // A set may use one name for a key that signs and one that does not.
            Some(kid) => {
                let named = || known.keys.iter().filter(|jwk| jwk.common.key_id.as_deref() == Some(kid));
                named().find(|jwk| algorithm(jwk).is_some()).or_else(|| named().next()).cloned()
            }
            None if known.keys.len() == 1 => known.keys.first().cloned(),
            None => None,
        }
    }

    /// Fetches the keys, unless that was just done; says whether the last attempt
    /// succeeded. The old keys stay if it does not.
    async fn refresh(&self) -> bool {
        let mut fetched = self.fetched.lock().await;
        if matches!(self.origin, Origin::Own(_)) {
            return true;
        }
        if let Some((at, succeeded)) = *fetched
            && at.elapsed() < PAUSE
        {
            return succeeded;
        }
        let keys = self.fetch().await;
        *fetched = Some((Instant::now(), keys.is_ok()));
        match keys {
            Ok(keys) => {
                log::info!("fetched {} signing keys", keys.keys.len());
                if let Ok(mut known) = self.known.write() {
                    *known = Arc::new(keys);
                }
                true
            }
            Err(error) => {
                log::warn!("fetching signing keys from {}: {error:#}", self.origin);
                false
            }
        }
    }

    async fn fetch(&self) -> anyhow::Result<JwkSet> {
        let bytes = match &self.origin {
            Origin::Own(keys) => return Ok(keys.clone()),
            Origin::File(path) => tokio::fs::read(path).await?,
            Origin::Address(url) => get(url).await?,
            Origin::Discovery(issuer) => get(&discover(issuer).await?).await?,
        };
        Ok(serde_json::from_slice(&bytes)?)
    }
}

/// Reads an address: bounded in time and size, and without following it elsewhere.
async fn get(url: &Url) -> anyhow::Result<Vec<u8>> {
    let client = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(Duration::from_secs(5))
        .build()?;
    let response = client.get(url.clone()).send().await?.error_for_status()?;
    anyhow::ensure!(response.status().is_success(), "{url} answered {}", response.status());
    let mut bytes = Vec::new();
    let mut body = response.bytes_stream();
    while let Some(chunk) = body.next().await {
        bytes.extend_from_slice(&chunk?);
        anyhow::ensure!(bytes.len() <= LARGEST, "{url} is larger than {LARGEST} bytes");
    }
    Ok(bytes)
}

/// Where an issuer says that its key set is. It must be the issuer that it says to be.
async fn discover(issuer: &Url) -> anyhow::Result<Url> {
    #[derive(serde::Deserialize)]
    struct Configuration {
        issuer: String,
        jwks_uri: Url,
    }
    let base = issuer.as_str().trim_end_matches('/');
    let place = Url::parse(&format!("{base}/.well-known/openid-configuration"))?;
    let found: Configuration = serde_json::from_slice(&get(&place).await?)?;
    anyhow::ensure!(found.issuer.trim_end_matches('/') == base, "{place} is of the issuer {}", found.issuer);
    Ok(found.jwks_uri)
}

/// What a key is for: by its own kind, never by what a token says.
fn algorithm(jwk: &Jwk) -> Option<Algorithm> {
    if matches!(jwk.common.public_key_use, Some(ref used) if *used != PublicKeyUse::Signature) {
        return None;
    }
    let by_kind = match &jwk.algorithm {
        AlgorithmParameters::RSA(_) => Algorithm::RS256,
        AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P256 => Algorithm::ES256,
        AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519 => Algorithm::EdDSA,
        _ => return None,
    };
    match jwk.common.key_algorithm {
        Some(stated) => (Algorithm::try_from(stated).ok()? == by_kind).then_some(by_kind),
        None => Some(by_kind),
    }
}
