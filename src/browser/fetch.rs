//! The backend over HTTP: addresses, headers, tokens, bodies to pages and answers. Never retries.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use gloo_net::http::{Method, RequestBuilder};
use js_sys::{Function, Promise};
use lastword_protocol::PROTOCOL_VERSION;
use lastword_protocol::changeset::DownloadRequest;
use lastword_protocol::push::{DEVICE_ID, IDEMPOTENCY_KEY, REQUEST_ID, SYNC_PROTOCOL};
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::JsFuture;
use web_sys::{RequestCache, RequestCredentials, RequestRedirect};

use super::clock::BrowserClock;
use super::http;
use crate::checkpoint::InFlight;
use crate::config::{Config, Since};
use crate::error::Error;
use crate::incoming::pull::Page;
use crate::incoming::timed::Timed;
use crate::incoming::validate;
use crate::outgoing::push::{self, Answer};
use crate::ports::{Clock, Failure, Transport};
use crate::record::{Entity, Scope};

/// A backend of resource or changeset style.
pub struct Backend {
    config: Rc<Config>,
    address: RefCell<Address>,
    device_id: RefCell<String>,
    token: RefCell<Option<String>>,
    /// True once the app has said that it has no tokens to give.
    is_tokenless: Cell<bool>,
    timed: Timed,
    /// False once the backend has refused a zipped body.
    takes_gzip: Cell<bool>,
    /// `token(refresh: boolean): Promise<string | null | undefined>`, undefined where there is nobody to ask.
    ask_token: Function,
}

#[derive(Clone)]
struct Address {
    base: String,
    headers: Vec<(String, String)>,
}

impl Backend {
    /// A backend at `base`, asked for tokens through `ask_token`.
    ///
    /// # Errors
    /// [`Error::Config`] for an address that is not `https`, or `http` of this machine.
    pub fn new(
        config: Rc<Config>,
        base: &str,
        headers: Vec<(String, String)>,
        ask_token: Function,
    ) -> Result<Self, Error> {
        Ok(Self {
            config,
            address: RefCell::new(Address { base: checked(base)?, headers }),
            device_id: RefCell::default(),
            token: RefCell::default(),
            is_tokenless: Cell::new(false),
            timed: Timed::default(),
            takes_gzip: Cell::new(true),
            ask_token,
        })
    }

    /// Turns to another address.
    ///
    /// # Errors
    /// As [`Backend::new`]; the old address stays then.
    pub fn set_address(&self, base: &str, headers: BTreeMap<String, String>) -> Result<(), Error> {
        let address = Address { base: checked(base)?, headers: headers.into_iter().collect() };
        *self.address.borrow_mut() = address;
        self.takes_gzip.set(true);
        self.forget_token();
        Ok(())
    }

    /// Names this replica to the backend.
    pub fn set_device_id(&self, device_id: &str) {
        device_id.clone_into(&mut self.device_id.borrow_mut());
    }

    /// Forgets the token, so that the next request asks for one.
    pub fn forget_token(&self) {
        self.token.borrow_mut().take();
        self.is_tokenless.set(false);
    }

    async fn ask(&self, refresh: bool) -> Option<String> {
        let asked = self.ask_token.call1(&JsValue::NULL, &refresh.into()).ok()?;
        let given = JsFuture::from(Promise::resolve(&asked)).await.ok()?;
        self.is_tokenless.set(given.is_undefined());
        let token = given.as_string().filter(|token| !token.is_empty());
        self.token.borrow_mut().clone_from(&token);
        token
    }

    async fn request(
        &self,
        method: Method,
        path: &str,
        key: Option<&str>,
        body: Option<&str>,
    ) -> Result<Vec<u8>, Failure> {
        let held = self.token.borrow().clone();
        let token = match held {
            Some(token) => Some(token),
            None if self.is_tokenless.get() => None,
            None => self.ask(false).await,
        };
        let request = |encoding| self.built(method.clone(), path, key, token.as_deref(), encoding);
        let Some(body) = body else { return http::send(request(None), None).await };
        if self.config.gzip
            && self.takes_gzip.get()
            && body.len() >= GZIP_BYTES_MIN
            && let Some(zipped) = http::gzip(body).await
        {
            match http::send(request(Some("gzip")), Some(zipped)).await {
                Err(Failure::Status { status: 415, .. }) => self.takes_gzip.set(false),
                answer => return answer,
            }
        }
        http::send(request(None), Some(body.into())).await
    }

    /// A request without its body.
    fn built(
        &self,
        method: Method,
        path: &str,
        key: Option<&str>,
        token: Option<&str>,
        encoding: Option<&str>,
    ) -> RequestBuilder {
        let address = self.address.borrow();
        // `manual` and not `error`: neither follows a redirect, and only this one tells that there was one.
        let mut request = RequestBuilder::new(&format!("{}{path}", address.base))
            .cache(RequestCache::NoStore)
            .credentials(RequestCredentials::Omit)
            .redirect(RequestRedirect::Manual)
            .header("Accept", "application/json")
            .header(SYNC_PROTOCOL, &PROTOCOL_VERSION.to_string())
            .header(REQUEST_ID, &uuid::Uuid::new_v4().to_string());
        for (name, value) in &address.headers {
            request = request.header(name, value);
        }
        let device_id = self.device_id.borrow();
        if !device_id.is_empty() {
            request = request.header(DEVICE_ID, &device_id);
        }
        if method != Method::GET {
            request = request.header("Content-Type", "application/json");
        }
        if let Some(token) = token {
            request = request.header("Authorization", &format!("Bearer {token}"));
        }
        if let Some(key) = key {
            request = request.header(IDEMPOTENCY_KEY, key);
        }
        if let Some(encoding) = encoding {
            request = request.header("Content-Encoding", encoding);
        }
        request.method(method)
    }

    async fn pull_one(&self, entity: Entity, cursor: Option<&str>, limit: usize) -> Result<Page, Failure> {
        let Since::Time { overlap_ms } = self.config.since else {
            let body = self.request(Method::GET, &self.pull_path(entity, cursor, limit), None, None).await?;
            return bad_response(validate::resource_page(&self.config, entity, &body));
        };
        let asked = self.timed.ask(entity, cursor, limit, overlap_ms, BrowserClock.now());
        let since = asked.since.map(|since| {
            let time = self.config.entity(entity).names.time(since);
            time.as_str().map_or_else(|| time.to_string(), str::to_owned)
        });
        let body = self.request(Method::GET, &self.pull_path(entity, since.as_deref(), limit), None, None).await?;
        bad_response(self.timed.page(&self.config, asked, &body, BrowserClock.now()))
    }

    fn pull_path(&self, entity: Entity, since: Option<&str>, limit: usize) -> String {
        let since = since.map(|since| format!("&since={}", encode(since))).unwrap_or_default();
        let entity = self.config.entity(entity);
        with_query(&entity.path, &entity.query, &format!("limit={limit}{since}"))
    }
}

impl Transport for Backend {
    async fn pull(&self, scope: Scope, cursor: Option<&str>, limit: usize) -> Result<Page, Failure> {
        match scope {
            Scope::One(entity) => self.pull_one(entity, cursor, limit).await,
            Scope::All => {
                let asked = DownloadRequest {
                    device_id: self.device_id.borrow().clone(),
                    since: cursor.map(str::to_owned),
                    limit: u32::try_from(limit).ok(),
                };
                let asked = serde_json::to_string(&asked).unwrap_or_default();
                let body = self.request(Method::POST, "/v1/sync/download", None, Some(&asked)).await?;
                bad_response(validate::changeset_page(&self.config, &body))
            }
        }
    }

    async fn push(&self, in_flight: &InFlight) -> Result<Answer, Failure> {
        let entity = in_flight.entity.as_deref().and_then(|name| self.config.find(name));
        let path = entity
            .map(|entity| self.config.entity(entity))
            .map_or("/v1/sync/upload".to_owned(), |entity| with_query(&entity.push_path, &entity.query, ""));
        let body = self.request(Method::POST, &path, Some(&in_flight.key), Some(&in_flight.body)).await?;
        let answer = match entity {
            Some(_) => push::resource_answer(&self.config, in_flight, &body),
            None => push::changeset_answer(&self.config, in_flight, &body),
        };
        bad_response(answer)
    }

    async fn refresh_token(&self) -> bool {
        self.ask(true).await.is_some()
    }
}

/// The base address without its last slash.
fn checked(base: &str) -> Result<String, Error> {
    let config = |message: String| Error::Config { message };
    let url = web_sys::Url::new(base).map_err(|_| config(format!("`{base}` is not an address of a backend")))?;
    let is_local = ["localhost", "127.0.0.1", "[::1]"].contains(&url.hostname().as_str());
    if url.protocol() != "https:" && !(url.protocol() == "http:" && is_local) {
        return Err(config("the backend's address must begin with https:// (http:// only for localhost)".into()));
    }
    if !(url.username().is_empty() && url.password().is_empty() && url.search().is_empty() && url.hash().is_empty()) {
        return Err(config("the backend's address must have no user, query or fragment".into()));
    }
    Ok(url.href().trim_end_matches('/').to_owned())
}

/// `path` with the query parameters of an entity and those of one request.
fn with_query(path: &str, query: &[(String, String)], more: &str) -> String {
    let given = query.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value)));
    let query = given.chain((!more.is_empty()).then(|| more.to_owned())).collect::<Vec<_>>().join("&");
    if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
}

/// What is wrong with a body, as the engine is told.
pub(super) fn bad_response<T>(typed: Result<T, String>) -> Result<T, Failure> {
    typed.map_err(|reason| Failure::BadResponse { reason })
}

fn encode(text: &str) -> String {
    js_sys::encode_uri_component(text).into()
}

/// A smaller body is not worth the work.
const GZIP_BYTES_MIN: usize = 4 * 1024;
