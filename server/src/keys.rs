//! API keys: 256 random bits, shown once, kept as a hash. A key needs no slow hash, because it cannot be guessed.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

/// A new API key.
#[must_use]
pub fn new_key() -> String {
    format!("{KEY_PREFIX}{}", URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>()))
}

/// What is stored of a key.
#[must_use]
pub fn hash_key(key: &str) -> [u8; 32] {
    Sha256::digest(key.as_bytes()).into()
}

/// Tells a key from a JWT, and lets secret scanners find leaked ones.
pub const KEY_PREFIX: &str = "lastword_";
