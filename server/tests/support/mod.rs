//! A server in memory of the test: called without a socket, on a database file of its own.

#![allow(dead_code, unreachable_pub, missing_docs, reason = "each test binary uses a part")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test")]

pub mod postgres;
pub mod process;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt as _;
use lastword_protocol::time::ServerMillis;
use lastword_server::clock::Clock;
use lastword_server::entities::Entities;
use lastword_server::keys::{hash_key, new_key};
use lastword_server::store::postgres::PostgresStore;
use lastword_server::store::sqlite::SqliteStore;
use lastword_server::store::{KeyRow, ServerStore, UserId, UserRow};
use lastword_server::{AppState, Options, router};
use serde_json::{Value, json};
use tower::ServiceExt as _;
use uuid::Uuid;

pub const LOGS: &str = "/api/v1/workout-logs";
pub const BATCH: &str = "/api/v1/workout-logs/batch";
pub const START_MS: i64 = 1_700_000_000_000;

/// A running server.
pub struct App {
    pub router: Router,
    pub state: AppState,
    pub store: Arc<dyn ServerStore>,
    pub folder: tempfile::TempDir,
    /// What the server's clock reads.
    pub now: Arc<AtomicI64>,
    pub key: String,
    pub user: UserId,
}

/// Two nodes on one database, of each kind that can be had here: SQLite, then Postgres.
pub async fn databases() -> Vec<Database> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("test.db");
    let mut found = vec![Database {
        kind: "sqlite",
        nodes: [Arc::new(SqliteStore::open(&file).await.unwrap()), Arc::new(SqliteStore::open(&file).await.unwrap())],
        folder,
    }];
    if let Some(url) = postgres::new_database().await {
        // Both start at once, as nodes do.
        let (one, two) = tokio::join!(PostgresStore::open(&url, 10), PostgresStore::open(&url, 10));
        let folder = tempfile::tempdir().unwrap();
        found.push(Database { kind: "postgres", nodes: [Arc::new(one.unwrap()), Arc::new(two.unwrap())], folder });
    }
    found
}

/// A database with two stores on it, as two nodes have.
pub struct Database {
    pub kind: &'static str,
    pub nodes: [Arc<dyn ServerStore>; 2],
    /// Lives as long as the database.
    pub folder: tempfile::TempDir,
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {} {}", self.status, String::from_utf8_lossy(&self.body)))
    }

    /// The body of a 200.
    pub fn ok(&self) -> Value {
        assert_eq!(self.status, 200, "{}", String::from_utf8_lossy(&self.body));
        self.json()
    }

    /// Checks status and code of an error, and that its body has the one shape.
    pub fn refused(&self, status: u16, code: &str) -> Value {
        assert_eq!(self.status, status, "{}", String::from_utf8_lossy(&self.body));
        assert_eq!(self.headers["content-type"], "application/json");
        let error = self.json()["error"].clone();
        assert_eq!(error["code"], code, "{error}");
        assert!(error["message"].is_string() && error["retryable"].is_boolean(), "{error}");
        error
    }
}

impl App {
    pub async fn new() -> Self {
        Self::with(Options::default()).await
    }

    pub async fn with(options: Options) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&folder.path().join("test.db")).await.unwrap();
        Self::on(Arc::new(store), folder, options).await
    }

    /// A server on this store, with a new user `ann`.
    pub async fn on(store: Arc<dyn ServerStore>, folder: tempfile::TempDir, options: Options) -> Self {
        let (user, key) = add_user(store.as_ref(), "ann").await;
        let now = Arc::new(AtomicI64::new(START_MS));
        let mut state = AppState::new(store.clone(), entities(), options);
        let reading = now.clone();
        state.clock = Clock::from_fn(move || ServerMillis(reading.load(Ordering::SeqCst)));
        Self { router: router(state.clone()), state, store, folder, now, key, user }
    }

    /// The same user on another node, or in a restored database.
    pub fn beside(&self, store: Arc<dyn ServerStore>) -> Self {
        let mut state = AppState::new(store.clone(), entities(), self.state.options.as_ref().clone());
        state.clock = self.state.clock.clone();
        let (folder, now, key) = (tempfile::tempdir().unwrap(), self.now.clone(), self.key.clone());
        Self { router: router(state.clone()), state, store, folder, now, key, user: self.user }
    }

    pub async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes().to_vec();
        Answer { status: parts.status, headers: parts.headers, body }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(request("GET", path, &self.key).body(Body::empty()).unwrap()).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.post_text(path, body.to_string()).await
    }

    pub async fn post_text(&self, path: &str, body: impl Into<Body>) -> Answer {
        let request = request("POST", path, &self.key).header("content-type", "application/json");
        self.send(request.body(body.into()).unwrap()).await
    }

    /// A push under an idempotency key.
    pub async fn post_named(&self, path: &str, name: Uuid, body: &Value) -> Answer {
        let request = request("POST", path, &self.key).header("content-type", "application/json");
        self.send(request.header("idempotency-key", name.to_string()).body(body.to_string().into()).unwrap()).await
    }

    /// Opens the event stream.
    pub async fn events(&self, key: &str) -> Events {
        self.events_by(request("GET", "/api/v1/events", key)).await
    }

    /// Opens the event stream of one of the user's devices.
    pub async fn events_of(&self, number: u128) -> Events {
        self.events_by(request("GET", "/api/v1/events", &self.key).header("x-device-id", device(number))).await
    }

    async fn events_by(&self, request: axum::http::request::Builder) -> Events {
        let request = request.body(Body::empty()).unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Events(response.into_body())
    }

    /// Pushes workout logs; gives the results.
    pub async fn push(&self, records: Value) -> Vec<Value> {
        self.post(BATCH, &batch(records)).await.ok()["results"].as_array().unwrap().clone()
    }

    /// Pushes one workout log by one of the user's devices.
    pub async fn push_by(&self, number: u128, stamp: u64) {
        let record = json!({ "id": "a", "clientUpdatedAt": stamp });
        self.post(BATCH, &json!({ "deviceId": device(number), "records": [record] })).await.ok();
    }

    /// Pulls one page of workout logs.
    pub async fn pull(&self, since: Option<&str>) -> Answer {
        self.get(&since.map_or(LOGS.to_owned(), |cursor| format!("{LOGS}?since={cursor}"))).await
    }
}

/// An open event stream.
pub struct Events(Body);

impl Events {
    /// The next event; empty when the stream has ended.
    pub async fn next(&mut self) -> String {
        let Some(frame) = self.0.frame().await else { return String::new() };
        String::from_utf8(frame.unwrap().into_data().unwrap().to_vec()).unwrap()
    }
}

pub fn request(method: &str, path: &str, key: &str) -> axum::http::request::Builder {
    Request::builder().method(method).uri(path).header("authorization", format!("Bearer {key}"))
}

pub fn batch(records: Value) -> Value {
    json!({ "deviceId": device(1), "records": records })
}

pub fn device(number: u128) -> String {
    Uuid::from_u128(number).to_string()
}

pub async fn add_user(store: &dyn ServerStore, name: &str) -> (UserId, String) {
    let user = UserRow { id: UserId(Uuid::now_v7()), name: name.into(), created_ms: START_MS };
    assert!(store.add_user(&user).await.unwrap());
    let key = new_key();
    let row =
        KeyRow { id: Uuid::now_v7(), label: String::new(), created_ms: START_MS, last_used_ms: None, revoked_ms: None };
    store.add_key(user.id, &row, &hash_key(&key)).await.unwrap();
    (user.id, key)
}

pub fn entities() -> Entities {
    let file = json!({ "entities": {
        "workout-logs": {
            "schema": { "type": "object", "properties": { "reps": { "type": "integer", "minimum": 0 } } },
            "references": { "planId": "plans" }
        },
        "plans": {},
    }});
    Entities::compile(serde_json::from_value(file).unwrap()).unwrap()
}
