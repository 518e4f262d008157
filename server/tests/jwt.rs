//! Tokens of an identity provider, as the second door. Keys are made here; nothing is fetched from outside.

#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use std::sync::Arc;

use axum::body::Body;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as B64;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode, get_current_timestamp};
use lastword_server::jwt::{JwksError, JwksSource, JwtOptions, JwtVerifier};
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use serde_json::{Value, json};
use support::{App, LOGS, request};

/// An identity provider.
struct Provider {
    id: &'static str,
    private: EncodingKey,
    public: Value,
}

impl Provider {
    fn new(id: &'static str) -> Self {
        let document = Ed25519KeyPair::generate_pkcs8(&ring::rand::SystemRandom::new()).unwrap();
        let pair = Ed25519KeyPair::from_pkcs8(document.as_ref()).unwrap();
        let x = B64.encode(pair.public_key());
        let public = json!({ "kty": "OKP", "crv": "Ed25519", "kid": id, "x": x, "use": "sig", "alg": "EdDSA" });
        Self { id, private: EncodingKey::from_ed_der(document.as_ref()), public }
    }

    fn token(&self, claims: &Value) -> String {
        let header = Header { kid: Some(self.id.into()), ..Header::new(Algorithm::EdDSA) };
        encode(&header, claims, &self.private).unwrap()
    }
}

fn claims(change: &Value) -> Value {
    let mut claims =
        json!({ "iss": "https://id.example", "aud": "lastword", "sub": "ann", "exp": get_current_timestamp() + 600 });
    claims.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
    claims
}

async fn with_jwt(keys: Value, jwks: Option<JwksSource>) -> App {
    let mut app = App::new().await;
    let file = app.folder.path().join("jwks.json");
    std::fs::write(&file, json!({ "keys": keys }).to_string()).unwrap();
    let options = JwtOptions {
        jwks: jwks.unwrap_or(JwksSource::File(file)),
        issuer: "https://id.example".into(),
        audience: "lastword".into(),
    };
    app.state.jwt = Some(Arc::new(JwtVerifier::new(options).await.unwrap()));
    app.router = lastword_server::router(app.state.clone());
    app
}

async fn status(app: &App, token: &str) -> u16 {
    app.send(request("GET", LOGS, token).body(Body::empty()).unwrap()).await.status.as_u16()
}

#[tokio::test]
async fn a_valid_token_is_its_subjects_door_and_a_key_still_opens() {
    let provider = Provider::new("k1");
    let app = with_jwt(json!([{ "kty": "new kind" }, provider.public]), None).await;
    assert_eq!(status(&app, &provider.token(&claims(&json!({})))).await, 200);
    assert_eq!(status(&app, &provider.token(&claims(&json!({})))).await, 200, "the same user again");
    assert_eq!(status(&app, &provider.token(&claims(&json!({ "sub": "bob" })))).await, 200);
    assert_eq!(status(&app, &app.key).await, 200);
    let names: Vec<String> = app.store.users().await.unwrap().into_iter().map(|user| user.name).collect();
    assert_eq!(names, ["ann", "https://id.example|ann", "https://id.example|bob"]);
}

#[tokio::test]
async fn no_other_token_opens() {
    let (provider, stranger) = (Provider::new("k1"), Provider::new("k1"));
    let app = with_jwt(json!([provider.public]), None).await;
    let now = get_current_timestamp();
    for change in [
        json!({ "exp": now - 600 }),
        json!({ "exp": null }),
        json!({ "nbf": now + 600 }),
        json!({ "iss": "https://other.example" }),
        json!({ "aud": "other" }),
        json!({ "aud": null }),
        json!({ "sub": "" }),
        json!({ "sub": "x".repeat(256) }),
    ] {
        assert_eq!(status(&app, &provider.token(&claims(&change))).await, 401, "{change}");
    }
    assert_eq!(status(&app, &stranger.token(&claims(&json!({})))).await, 401, "another key of the same id");
    assert_eq!(status(&app, &Provider { id: "k2", ..provider }.token(&claims(&json!({})))).await, 401);
    // The public key as a shared secret, and no signature at all.
    let secret = EncodingKey::from_secret(stranger.public["x"].as_str().unwrap().as_bytes());
    let forged = encode(&Header { kid: Some("k1".into()), ..Header::default() }, &claims(&json!({})), &secret).unwrap();
    assert_eq!(status(&app, &forged).await, 401);
    let unsigned =
        format!("{}.{}.", B64.encode(r#"{"alg":"none","kid":"k1"}"#), B64.encode(claims(&json!({})).to_string()));
    assert_eq!(status(&app, &unsigned).await, 401);
}

#[tokio::test]
async fn keys_come_from_an_address_and_are_asked_for_again() {
    let provider = Provider::new("k1");
    let set = json!({ "keys": [provider.public] });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/jwks", listener.local_addr().unwrap());
    let serve = axum::Router::new().route("/jwks", axum::routing::get(move || async move { axum::Json(set) }));
    tokio::spawn(async move { axum::serve(listener, serve).await });
    let app = with_jwt(json!([]), Some(JwksSource::Url(url.clone()))).await;
    assert_eq!(status(&app, &provider.token(&claims(&json!({})))).await, 200);

    let options = |jwks| JwtOptions { jwks, issuer: "i".into(), audience: "a".into() };
    let error = async |jwks| JwtVerifier::new(options(jwks)).await.err().unwrap();
    assert!(matches!(error(JwksSource::Url("http://id.example/jwks".into())).await, JwksError::NotHttps(_)));
    assert!(matches!(error(JwksSource::Url("http://localhost.example/".into())).await, JwksError::NotHttps(_)));
    assert!(matches!(error(JwksSource::Url(format!("{url}/none"))).await, JwksError::Unreachable(..)));
    assert!(matches!(error(JwksSource::File("none".into())).await, JwksError::Unreadable(..)));
    assert!(matches!(error(JwksSource::File("Cargo.toml".into())).await, JwksError::NoKeys(_)));
}
