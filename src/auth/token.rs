//! Verifying one token. Everything that the JWT library leaves open by default
//! is closed here, and what is missing is named.

use chrono::Utc;
use jsonwebtoken::{Algorithm, DecodingKey, TokenData, Validation};
use serde_json::{Map, Value};

use super::keys::{Keys, Refusal};

/// Clocks may differ by this many seconds.
const LEEWAY: i64 = 30;

/// Who issues tokens, for whom, and with which keys.
pub struct Issuer {
    /// The `iss` of its tokens.
    pub name: String,
    /// The `aud` that they must have.
    pub audience: String,
    /// The claim that names the publisher.
    pub publisher_claim: String,
    /// What its tokens may be signed with.
    pub algorithms: Vec<Algorithm>,
    /// The `typ` that they may have, in lower case; one without any is a `jwt`.
    pub types: Vec<String>,
    /// Its public keys.
    pub keys: Keys,
}

/// What tokens are signed with, unless an issuer is bound to less.
pub const ALGORITHMS: [Algorithm; 3] = [Algorithm::RS256, Algorithm::ES256, Algorithm::EdDSA];
/// What access tokens are called (RFC 9068), unless an issuer calls them otherwise.
pub const TYPES: [&str; 2] = ["at+jwt", "jwt"];

/// A verified token.
#[derive(Debug, Clone)]
pub struct Token {
    /// Who issued it.
    pub issuer: String,
    /// Whose it is.
    pub subject: String,
    /// For which publisher it writes.
    pub publisher: Option<String>,
    /// What it allows.
    pub scopes: Vec<String>,
}

impl Token {
    /// Whether it allows this.
    pub fn has_scope(&self, scope: &str) -> bool {
        self.scopes.iter().any(|other| other == scope)
    }
}

/// The issuer that a token claims, before anything is verified.
pub fn claimed_issuer(text: &str) -> Result<String, String> {
    let claims: TokenData<Map<String, Value>> = jsonwebtoken::dangerous::insecure_decode(text)
        .map_err(|_| "it is not a JSON Web Token signed with RS256, ES256 or EdDSA".to_owned())?;
    match claims.claims.get("iss") {
        Some(Value::String(issuer)) => Ok(issuer.clone()),
        Some(_) => Err("its issuer (iss) is not a string".into()),
        None => Err("it has no issuer (iss)".into()),
    }
}

impl Issuer {
    /// Verifies signature and claims.
    pub async fn verify(&self, text: &str) -> Result<Token, Refusal> {
        let header = jsonwebtoken::decode_header(text).map_err(|_| "its header cannot be read".to_owned())?;
        self.check_header(text, header.typ.as_deref())?;
        if !self.algorithms.contains(&header.alg) {
            let taken: Vec<String> = self.algorithms.iter().map(|known| format!("{known:?}")).collect();
            return Err(format!("it is signed with {:?}; {} are taken here", header.alg, taken.join(", ")).into());
        }
        let (key, algorithm) = self.keys.find(header.kid.as_deref()).await?;
        if header.alg != algorithm {
            return Err(format!("it is signed with {:?}, but its key is for {algorithm:?}", header.alg).into());
        }
        let claims = self.decode(text, &key, algorithm)?;
        check_times(&claims)?;
        let harmless = |text: &&str| (1..=200).contains(&text.len()) && !text.chars().any(char::is_control);
        let text_claim = |name: &str| claims.get(name).and_then(Value::as_str).filter(harmless).map(String::from);
        let subject = text_claim("sub").or_else(|| text_claim("client_id")).or_else(|| text_claim("azp"));
        Ok(Token {
            issuer: self.name.clone(),
            subject: subject.ok_or("it has no subject (sub) of 1 to 200 characters")?,
            publisher: text_claim(&self.publisher_claim),
            scopes: scopes(&claims),
        })
    }

    /// Header members that would change what a signature means are refused.
    fn check_header(&self, text: &str, typ: Option<&str>) -> Result<(), String> {
        use base64::Engine;
        let encoded = text.split('.').next().unwrap_or_default();
        let header: Map<String, Value> = base64::prelude::BASE64_URL_SAFE_NO_PAD
            .decode(encoded)
            .ok()
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .ok_or("its header cannot be read")?;
        if let Some(name) = ["crit", "b64", "zip"].iter().find(|name| header.contains_key(**name)) {
            return Err(format!("its header has {name:?}, which is not understood here"));
        }
        let typ = typ.unwrap_or("JWT").to_ascii_lowercase();
        let typ = typ.strip_prefix("application/").unwrap_or(&typ);
        if self.types.iter().any(|known| known == typ) {
            return Ok(());
        }
        Err(format!("it is a {typ:?}, not an access token (typ {})", self.types.join(" or ")))
    }

    fn decode(&self, text: &str, key: &DecodingKey, algorithm: Algorithm) -> Result<Map<String, Value>, String> {
        use jsonwebtoken::errors::ErrorKind as Kind;
        let mut validation = Validation::new(algorithm);
        validation.set_audience(&[&self.audience]);
        validation.set_issuer(&[&self.name]);
        validation.set_required_spec_claims(&["exp", "iss", "aud"]);
        validation.validate_nbf = true;
        validation.leeway = LEEWAY.unsigned_abs();
        let decoded = jsonwebtoken::decode::<Map<String, Value>>(text, key, &validation);
        decoded.map(|token| token.claims).map_err(|error| match error.kind() {
            Kind::MissingRequiredClaim(claim) if claim == "aud" => {
                format!("it has no audience (aud); its issuer must add {:?}", self.audience)
            }
            Kind::MissingRequiredClaim(claim) => format!("it has no claim {claim}, or not as a whole number"),
            Kind::InvalidAudience => format!("it is for another audience (aud); here it must be {:?}", self.audience),
            Kind::ExpiredSignature => "it has expired (exp)".into(),
            Kind::ImmatureSignature => "it is not valid yet (nbf)".into(),
            Kind::InvalidSignature | Kind::Base64(_) => "its signature is wrong".into(),
            _ => "it cannot be verified".into(),
        })
    }
}

/// Times are numbers, and the token was not issued in the future.
fn check_times(claims: &Map<String, Value>) -> Result<(), String> {
    let now = Utc::now().timestamp() as f64;
    for name in ["exp", "nbf", "iat"] {
        match claims.get(name).map(Value::as_f64) {
            Some(None) => return Err(format!("its {name} is not a number")),
            Some(Some(time)) if name == "iat" && time > now + LEEWAY as f64 => {
                return Err("it was issued in the future (iat)".into());
            }
            _ => {}
        }
    }
    if claims.get("iss").is_some_and(|issuer| !issuer.is_string()) {
        return Err("its issuer (iss) is not a string".into());
    }
    Ok(())
}

/// `scope` as one string (RFC 8693) or `scp` as a list.
fn scopes(claims: &Map<String, Value>) -> Vec<String> {
    let of = |value: &Value| match value {
        Value::String(text) => text.split_whitespace().map(String::from).collect(),
        Value::Array(items) => items.iter().filter_map(Value::as_str).map(String::from).collect(),
        _ => Vec::new(),
    };
    ["scope", "scp"].iter().filter_map(|name| claims.get(*name)).flat_map(of).collect()
}
