//! The backend over `fetch`: request, deadline, limits, status to failure. Never retries and never follows a redirect.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use futures_util::future::{Either, select};
use gloo_net::http::{Method, Request, RequestBuilder, Response};
use gloo_timers::future::TimeoutFuture;
use js_sys::{Function, Promise};
use lastword_protocol::PROTOCOL_VERSION;
use lastword_protocol::changeset::DownloadRequest;
use lastword_protocol::error::ErrorBody;
use lastword_protocol::limits::PAGE_BYTES_MAX;
use lastword_protocol::push::{IDEMPOTENCY_KEY, REQUEST_ID, SYNC_PROTOCOL};
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortController, RequestCache, RequestCredentials, RequestRedirect};

use crate::checkpoint::InFlight;
use crate::config::{Config, Since};
use crate::engine::failure::REQUEST_DEADLINE_MS;
use crate::error::Error;
use crate::incoming::pull::Page;
use crate::incoming::timed::Timed;
use crate::incoming::validate;
use crate::outgoing::push::{self, Answer};
use crate::ports::{Failure, Transport};
use crate::record::{Entity, Scope};

/// A backend of resource or changeset style.
pub struct Backend {
    config: Rc<Config>,
    address: RefCell<Address>,
    device_id: RefCell<String>,
    token: RefCell<Option<String>>,
    timed: Timed,
    /// `token(refresh: boolean): Promise<string | null>`.
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
            timed: Timed::default(),
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
    }

    async fn ask(&self, refresh: bool) -> Option<String> {
        let asked = self.ask_token.call1(&JsValue::NULL, &refresh.into()).ok()?;
        let token = JsFuture::from(Promise::resolve(&asked)).await.ok()?.as_string().filter(|token| !token.is_empty());
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
            None => self.ask(false).await,
        };
        let abort = AbortController::new().map_err(|_| Failure::Network)?;
        let address = self.address.borrow().clone();
        let url = format!("{}{path}", address.base);
        let mut request = RequestBuilder::new(&url)
            .method(method)
            .cache(RequestCache::NoStore)
            .credentials(RequestCredentials::Omit)
            .redirect(RequestRedirect::Error)
            .abort_signal(Some(&abort.signal()))
            .header("Accept", "application/json")
            .header(SYNC_PROTOCOL, &PROTOCOL_VERSION.to_string())
            .header(REQUEST_ID, &uuid::Uuid::new_v4().to_string());
        for (name, value) in &address.headers {
            request = request.header(name, value);
        }
        if let Some(token) = token {
            request = request.header("Authorization", &format!("Bearer {token}"));
        }
        if let Some(key) = key {
            request = request.header(IDEMPOTENCY_KEY, key);
        }
        let request = match body {
            Some(body) => request.header("Content-Type", "application/json").body(body),
            None => request.build(),
        };
        let answered = answer(request.map_err(|_| Failure::Network)?);
        match select(Box::pin(answered), TimeoutFuture::new(DEADLINE_MS)).await {
            Either::Left((answer, _)) => answer,
            Either::Right(_) => {
                // Without a reason: the request then rejects with a plain AbortError.
                abort.abort();
                Err(Failure::Timeout)
            }
        }
    }

    async fn pull_one(&self, entity: Entity, cursor: Option<&str>, limit: usize) -> Result<Page, Failure> {
        let Since::Time { overlap_ms } = self.config.since else {
            let body = self.request(Method::GET, &self.pull_path(entity, cursor, limit), None, None).await?;
            return bad_response(validate::resource_page(&self.config, entity, &body));
        };
        let asked = self.timed.ask(entity, cursor, limit, overlap_ms);
        let since = asked.since.map(|since| match self.config.entity(entity).names.time(since) {
            serde_json::Value::String(text) => text,
            number => number.to_string(),
        });
        let body = self.request(Method::GET, &self.pull_path(entity, since.as_deref(), limit), None, None).await?;
        bad_response(self.timed.page(&self.config, asked, &body))
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

async fn answer(request: Request) -> Result<Vec<u8>, Failure> {
    let response = request.send().await.map_err(|_| Failure::Network)?;
    if !response.ok() {
        return Err(refusal(&response).await);
    }
    let content_type = response.headers().get("content-type").unwrap_or_default();
    if !content_type.starts_with("application/json") {
        return Err(Failure::BadResponse { reason: "its content type is not application/json".into() });
    }
    let body = response.binary().await.map_err(|_| Failure::Network)?;
    if body.len() > BODY_BYTES_MAX {
        return Err(Failure::BadResponse { reason: format!("a body of {} bytes is over the limit", body.len()) });
    }
    Ok(body)
}

async fn refusal(response: &Response) -> Failure {
    let retry_after_ms = response.headers().get("retry-after").and_then(|after| after.trim().parse::<u64>().ok());
    let said = response.binary().await.ok().filter(|body| body.len() <= BODY_BYTES_MAX);
    let error = said.and_then(|body| serde_json::from_slice::<ErrorBody>(&body).ok()).map(|body| body.error);
    let epoch = error.as_ref().and_then(|error| Some(error.details.as_ref()?.get("epoch")?.as_str()?.to_owned()));
    Failure::Status {
        status: response.status(),
        retry_after_ms: retry_after_ms
            .map(|seconds| seconds.saturating_mul(1_000))
            .or_else(|| error.as_ref().and_then(|error| error.retry_after_ms)),
        epoch,
        message: error.map(|error| error.message).unwrap_or_default(),
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

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "thirty thousand")]
pub(super) const DEADLINE_MS: u32 = REQUEST_DEADLINE_MS as u32;
/// A page or an answer over this is not of the protocol: its records are within `PAGE_BYTES_MAX`, and some envelope.
const BODY_BYTES_MAX: usize = 4 * PAGE_BYTES_MAX;
