//! Who may write: bearer tokens (JWT, RFC 7519 and 9068) from trusted issuers.
//!
//! A token says who somebody is, which scopes they have, and for which publisher
//! they write. What a publisher may write is decided by the prefixes of its
//! identifiers, which the register keeps. Reading needs no token.

pub mod keys;
pub mod local;
pub mod token;
pub mod trusted;

use actix_web::http::header::{AUTHORIZATION, HeaderMap, WWW_AUTHENTICATE};
use actix_web::{HttpMessage, HttpRequest};
use diesel_async::AsyncPgConnection;

use crate::collections;
use crate::error::{Problem, Reason};
use crate::http::observe::RequestId;
use crate::kind::Kind;
use crate::store::change::Author;
use crate::store::{clients, publishers};
use keys::Refusal;
use token::{Issuer, Token};

/// The scope that may write everything and manage publishers.
pub const ADMIN: &str = "admin";
/// Longer tokens are refused unread.
const LONGEST: usize = 8 * 1024;

/// Whose request it is, as far as that was verified.
#[derive(Clone)]
struct Who {
    issuer: String,
    subject: String,
}

/// Notes whose request it is, for the audit log.
fn identify(request: &HttpRequest, token: &Token) {
    let who = Who { issuer: token.issuer.clone(), subject: token.subject.clone() };
    request.extensions_mut().insert(who);
}

/// The author of a request's acts, as far as it was verified.
pub fn author(request: &HttpRequest) -> Author {
    let who = request.extensions().get::<Who>().cloned();
    let (issuer, subject) = who.map_or_else(Default::default, |who| (who.issuer, who.subject));
    Author { issuer, subject, request_id: RequestId::of(request), reason: None, import: None }
}

/// All trusted issuers.
pub struct Auth {
    issuers: Vec<Issuer>,
}

impl Auth {
    /// Trusts these issuers.
    pub fn new(issuers: Vec<Issuer>) -> Self {
        Self { issuers }
    }

    /// Their names.
    pub fn issuers(&self) -> impl Iterator<Item = &str> {
        self.issuers.iter().map(|issuer| issuer.name.as_str())
    }

    /// The token of a request, verified; the audit log knows from then on whose it is.
    pub async fn authenticate(&self, request: &HttpRequest) -> Result<Token, Problem> {
        let token = self.verify(request.headers()).await?;
        identify(request, &token);
        Ok(token)
    }

    async fn verify(&self, headers: &HeaderMap) -> Result<Token, Problem> {
        let mut lines = headers.get_all(AUTHORIZATION);
        let Some(line) = lines.next() else {
            return Err(Problem::new(Reason::Unauthorized, "This needs a bearer token in the Authorization header"));
        };
        if lines.next().is_some() {
            return Err(unauthorized("there are two Authorization headers"));
        }
        let line = line.to_str().map_err(|_| unauthorized("the Authorization header is not ASCII"))?;
        let bearer = line.split_once(' ').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
        let Some((_, text)) = bearer else { return Err(unauthorized("the Authorization header is not: Bearer TOKEN")) };
        let text = text.trim();
        if text.len() > LONGEST {
            return Err(unauthorized("the token is longer than 8 KiB"));
        }
        let claimed = token::claimed_issuer(text).map_err(|words| unauthorized(&words))?;
        let Some(issuer) = self.issuers.iter().find(|issuer| issuer.name == claimed) else {
            let trusted: Vec<&str> = self.issuers.iter().map(|issuer| issuer.name.as_str()).collect();
            return Err(unauthorized(&format!(
                "its issuer (iss) is not trusted here; trusted are {}",
                trusted.join(", ")
            )));
        };
        issuer.verify(text).await.map_err(|refusal| match refusal {
            Refusal::Bad(words) => unauthorized(&words),
            Refusal::KeysMissing => {
                Problem::unavailable(format!("The keys of {claimed} cannot be fetched now; try again"))
            }
        })
    }
}

/// A 401 that says what is wrong, in the header too (RFC 6750).
fn unauthorized(words: &str) -> Problem {
    let quoted: String =
        words.chars().filter(|c| c.is_ascii() && !c.is_ascii_control() && !"\"\\".contains(*c)).collect();
    Problem::new(Reason::Unauthorized, format!("The token is not good: {words}")).with_header(
        WWW_AUTHENTICATE,
        &format!("Bearer realm=\"aid-register\", error=\"invalid_token\", error_description=\"{quoted}\""),
    )
}

/// What a token may write, many records at a time.
pub struct Rights {
    /// For whom.
    pub publisher: Option<String>,
    /// Whether it may write the records of all publishers.
    pub everywhere: bool,
    /// The collections that it may write.
    pub scopes: Vec<String>,
}

/// A token as the register knows its client: for whom it writes, and whether it still may.
async fn known(connection: &mut AsyncPgConnection, token: &Token) -> Result<Token, Problem> {
    match clients::of_token(connection, &token.issuer, &token.subject).await? {
        Some(client) if client.revoked_at.is_some() => Err(Problem::new(Reason::Forbidden, clients::REVOKED)),
        Some(client) => {
            let claimed = token.publisher.clone().filter(|claimed| *claimed != client.publisher);
            let known = publishers::list(connection).await?;
            if let Some(claimed) = claimed.filter(|claimed| known.iter().any(|known| known.id == *claimed)) {
                let words = format!("The token says {claimed}, but its client is registered for {}", client.publisher);
                return Err(Problem::new(Reason::Forbidden, words));
            }
            Ok(Token { publisher: Some(client.publisher), ..token.clone() })
        }
        None => Ok(token.clone()),
    }
}

/// Whether a token may manage publishers.
pub async fn administrate(connection: &mut AsyncPgConnection, token: &Token) -> Result<(), Problem> {
    if known(connection, token).await?.has_scope(ADMIN) { Ok(()) } else { Err(lacks(ADMIN)) }
}

/// What a token may write; in one collection, if one is meant.
pub async fn rights(connection: &mut AsyncPgConnection, token: &Token, kind: Option<&Kind>) -> Result<Rights, Problem> {
    let token = &known(connection, token).await?;
    let everywhere = token.has_scope(ADMIN);
    let may = |kind: &&Kind| everywhere || token.has_scope(&kind.scope());
    let scopes: Vec<String> =
        collections::ALL.iter().copied().filter(may).map(|kind| kind.collection.to_owned()).collect();
    if let Some(kind) = kind.filter(|kind| !may(kind)) {
        return Err(lacks(&kind.scope()));
    }
    if scopes.is_empty() {
        return Err(lacks("grants:write"));
    }
    let known = publishers::list(connection).await?;
    let publisher = token.publisher.clone().filter(|publisher| known.iter().any(|known| known.id == *publisher));
    match (&publisher, &token.publisher) {
        (None, _) if everywhere => {}
        (None, Some(publisher)) => {
            let words = format!("The token's publisher {publisher} is not known here");
            return Err(Problem::new(Reason::Forbidden, words));
        }
        (None, None) => return Err(Problem::new(Reason::Forbidden, "The token names no publisher")),
        _ => {}
    }
    Ok(Rights { publisher, everywhere, scopes })
}

/// A 403 that names the scope, in the header too (RFC 6750).
fn lacks(scope: &str) -> Problem {
    let challenge = format!("Bearer realm=\"aid-register\", error=\"insufficient_scope\", scope=\"{scope}\"");
    let problem = Problem::new(Reason::Forbidden, format!("The token lacks the scope {scope}"));
    problem.with_header(WWW_AUTHENTICATE, &challenge)
}

/// Whether a token may write a record; if so, to whom the record belongs.
pub async fn authorize(
    connection: &mut AsyncPgConnection,
    token: &Token,
    kind: &Kind,
    identifier: &str,
) -> Result<String, Problem> {
    let token = &known(connection, token).await?;
    let forbidden = |words: String| Err(Problem::new(Reason::Forbidden, words));
    if !token.has_scope(&kind.scope()) && !token.has_scope(ADMIN) {
        return Err(lacks(&kind.scope()));
    }
    let Some(owner) = publishers::owner(connection, identifier).await? else {
        return forbidden(format!("No publisher has a prefix that {identifier} starts with"));
    };
    if token.has_scope(ADMIN) || token.publisher.as_deref() == Some(owner.as_str()) {
        return Ok(owner);
    }
    match &token.publisher {
        None => forbidden("The token names no publisher".into()),
        Some(publisher) => {
            let known = publishers::list(connection).await?;
            match known.iter().find(|known| known.id == *publisher) {
                None => forbidden(format!("The token's publisher {publisher} is not known here")),
                Some(known) => forbidden(format!("{identifier} belongs to another publisher; {}", known.identifiers())),
            }
        }
    }
}
