//! Tokens of an identity provider, checked by its published keys. Never accepts a shared secret or an unsigned token.

use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde::Deserialize;
use tokio::sync::Mutex;
use tokio::time::Instant;

/// Where the provider's keys are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JwksSource {
    /// A file, read at start.
    File(PathBuf),
    /// An address, asked at start, every hour and when a token names a key that is not known.
    Url(String),
}

/// Whose tokens are accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JwtOptions {
    /// Where the keys are.
    pub jwks: JwksSource,
    /// What `iss` must be.
    pub issuer: String,
    /// What `aud` must name.
    pub audience: String,
}

/// Why the keys cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JwksError {
    /// The file cannot be read.
    #[error("cannot read the keys in {0}: {1}; check the path given with --jwks")]
    Unreadable(String, String),
    /// The address does not answer.
    #[error("cannot fetch the keys from {0}: {1}; check the address given with --jwks")]
    Unreachable(String, String),
    /// Plain http.
    #[error("the keys at {0} must be fetched over https; correct --jwks")]
    NotHttps(String),
    /// Not a key set, or without a key that can be used.
    #[error("{0} holds no key that can be used; it must be a JSON Web Key Set with RSA, EC or Ed25519 keys")]
    NoKeys(String),
}

/// A valid token: whose it is, and until when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Issuer and subject: the user's name here.
    pub name: String,
    /// When it ends, in seconds since 1970.
    pub expires_s: u64,
}

/// Checks tokens.
pub struct JwtVerifier {
    options: JwtOptions,
    keys: RwLock<Arc<Vec<Jwk>>>,
    /// When the address was last asked; held while asking, so that one request asks for all.
    asked: Mutex<Instant>,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    exp: u64,
}

impl JwtVerifier {
    /// Reads the keys.
    ///
    /// # Errors
    /// [`JwksError`] says what to correct.
    pub async fn new(options: JwtOptions) -> Result<Self, JwksError> {
        let keys = read(&options.jwks).await?;
        Ok(Self { options, keys: RwLock::new(Arc::new(keys)), asked: Mutex::new(Instant::now()) })
    }

    /// Checks signature, issuer, audience and times.
    pub async fn verify(&self, token: &str) -> Option<Identity> {
        let header = decode_header(token).ok()?;
        let key = match self.key(header.kid.as_deref()) {
            Some(key) => key,
            None => {
                self.ask_again(ASK_AGAIN).await;
                self.key(header.kid.as_deref())?
            }
        };
        self.check(token, &key)
    }

    fn check(&self, token: &str, key: &Jwk) -> Option<Identity> {
        // The algorithms follow from the key alone: a token cannot choose a weaker one.
        let algorithms = algorithms(key)?;
        let mut validation = Validation::new(*algorithms.first()?);
        validation.algorithms = algorithms;
        validation.validate_nbf = true;
        validation.set_issuer(&[&self.options.issuer]);
        validation.set_audience(&[&self.options.audience]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        let claims = decode::<Claims>(token, &DecodingKey::from_jwk(key).ok()?, &validation).ok()?.claims;
        let formed = !claims.sub.is_empty() && claims.sub.len() <= SUBJECT_BYTES_MAX;
        formed.then(|| Identity { name: format!("{}|{}", claims.iss, claims.sub), expires_s: claims.exp })
    }

    /// Asks the address again, as `upkeep` does every hour.
    pub async fn refresh(&self) {
        self.ask_again(Duration::ZERO).await;
    }

    async fn ask_again(&self, at_most_every: Duration) {
        let mut asked = self.asked.lock().await;
        if matches!(self.options.jwks, JwksSource::File(_)) || asked.elapsed() < at_most_every {
            return;
        }
        *asked = Instant::now();
        match read(&self.options.jwks).await {
            Ok(keys) => *self.keys.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(keys),
            Err(error) => tracing::warn!(%error, "keeping the keys known so far"),
        }
    }

    /// The key of this id; without one, the only key there is.
    fn key(&self, id: Option<&str>) -> Option<Jwk> {
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner).clone();
        match id {
            Some(_) => keys.iter().find(|key| key.common.key_id.as_deref() == id).cloned(),
            None => keys.first().filter(|_| keys.len() == 1).cloned(),
        }
    }
}

async fn read(source: &JwksSource) -> Result<Vec<Jwk>, JwksError> {
    let (shown, text) = match source {
        JwksSource::File(path) => {
            let shown = path.display().to_string();
            let text = tokio::fs::read_to_string(path).await;
            (shown.clone(), text.map_err(|error| JwksError::Unreadable(shown, error.to_string()))?)
        }
        JwksSource::Url(url) => (url.clone(), fetch(url).await?),
    };
    #[derive(Deserialize)]
    struct KeySet {
        keys: Vec<serde_json::Value>,
    }
    let set: KeySet = serde_json::from_str(&text).map_err(|_| JwksError::NoKeys(shown.clone()))?;
    // One by one: a provider may add a kind of key that is not known here.
    let keys = set.keys.into_iter().filter_map(|key| serde_json::from_value(key).ok());
    let keys: Vec<Jwk> = keys.filter(|key| algorithms(key).is_some()).collect();
    if keys.is_empty() { Err(JwksError::NoKeys(shown)) } else { Ok(keys) }
}

async fn fetch(url: &str) -> Result<String, JwksError> {
    let local = ["http://127.0.0.1", "http://localhost", "http://[::1]"]
        .iter()
        .any(|start| url.strip_prefix(start).is_some_and(|rest| rest.is_empty() || rest.starts_with([':', '/'])));
    if !local && !url.starts_with("https://") {
        return Err(JwksError::NotHttps(url.to_owned()));
    }
    let failed = |error: reqwest::Error| JwksError::Unreachable(url.to_owned(), error.without_url().to_string());
    let client = reqwest::Client::builder().timeout(FETCH_WAIT).redirect(reqwest::redirect::Policy::none()).build();
    let mut answer =
        client.map_err(failed)?.get(url).send().await.map_err(failed)?.error_for_status().map_err(failed)?;
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(failed)? {
        body.extend_from_slice(&chunk);
        if body.len() > JWKS_BYTES_MAX {
            return Err(JwksError::NoKeys(url.to_owned()));
        }
    }
    String::from_utf8(body).map_err(|_| JwksError::NoKeys(url.to_owned()))
}

fn algorithms(key: &Jwk) -> Option<Vec<Algorithm>> {
    use Algorithm::{ES256, ES384, EdDSA, PS256, PS384, PS512, RS256, RS384, RS512};
    match &key.algorithm {
        AlgorithmParameters::RSA(_) => Some(vec![RS256, RS384, RS512, PS256, PS384, PS512]),
        AlgorithmParameters::EllipticCurve(curve) => match curve.curve {
            EllipticCurve::P256 => Some(vec![ES256]),
            EllipticCurve::P384 => Some(vec![ES384]),
            EllipticCurve::P521 | EllipticCurve::Ed25519 => None,
        },
        AlgorithmParameters::OctetKeyPair(pair) => matches!(pair.curve, EllipticCurve::Ed25519).then(|| vec![EdDSA]),
        AlgorithmParameters::OctetKey(_) => None,
    }
}

const ASK_AGAIN: Duration = Duration::from_secs(60);
const FETCH_WAIT: Duration = Duration::from_secs(10);
const JWKS_BYTES_MAX: usize = 1024 * 1024;
const SUBJECT_BYTES_MAX: usize = 255;
