//! The app's own `pull` and `push` functions as a backend. Never trusts what they answer more than a backend's bytes.
//!
//! The functions run on the page. Their answers come as JSON text and take the way of every other answer.

use std::collections::BTreeMap;
use std::rc::Rc;

use futures_util::future::{Either, select};
use gloo_timers::future::TimeoutFuture;
use js_sys::{Function, Promise, Reflect};
use serde::{Deserialize, Serialize};
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::JsFuture;

use super::codec;
use super::fetch::{Backend, bad_response};
use super::http::DEADLINE_MS;
use crate::checkpoint::InFlight;
use crate::config::Config;
use crate::error::Error;
use crate::incoming::pull::Page;
use crate::incoming::validate;
use crate::outgoing::push::{self, Answer};
use crate::ports::{Failure, Transport};
use crate::record::Scope;

/// Where the records go.
pub enum Remote {
    /// Over HTTP.
    Http(Backend),
    /// Through the app.
    Custom(Custom),
}

/// The app's functions.
pub struct Custom {
    config: Rc<Config>,
    /// `exchange(request): Promise<{ body } | { failure }>`.
    exchange: Function,
    /// `token(refresh: boolean): Promise<string | null>`.
    ask_token: Function,
}

/// What the app is asked.
#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase")]
enum Request<'a> {
    Pull { scope: &'a str, cursor: Option<&'a str>, limit: usize },
    Push { scope: &'a str, body: &'a str, idempotency_key: &'a str },
}

/// An error that the app's function threw; one without a status counts as no connection.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Refused {
    #[serde(default)]
    status: Option<u16>,
    #[serde(default)]
    message: String,
    #[serde(default)]
    retry_after_ms: Option<u64>,
    #[serde(default)]
    epoch: Option<String>,
}

impl Custom {
    /// A backend behind the app's functions.
    #[must_use]
    pub fn new(config: Rc<Config>, exchange: Function, ask_token: Function) -> Self {
        Self { config, exchange, ask_token }
    }

    async fn exchange(&self, request: &Request<'_>) -> Result<String, Failure> {
        // Not by way of JSON: the body is text of its own, and megabytes of it need no second pair of quotes.
        let plain = serde_wasm_bindgen::Serializer::json_compatible();
        let request = bad_response(request.serialize(&plain).map_err(|error| error.to_string()))?;
        let asked = self.exchange.call1(&JsValue::NULL, &request).map_err(|_| Failure::Network)?;
        let reply = JsFuture::from(Promise::resolve(&asked));
        let reply = match select(reply, TimeoutFuture::new(DEADLINE_MS)).await {
            Either::Left((reply, _)) => reply.map_err(|_| Failure::Network)?,
            Either::Right(_) => return Err(Failure::Timeout),
        };
        let field = |name: &str| Reflect::get(&reply, &name.into()).unwrap_or(JsValue::UNDEFINED);
        if let Some(body) = field("body").as_string() {
            return Ok(body);
        }
        let Refused { status, message, retry_after_ms, epoch } = bad_response(codec::from_js(&field("failure")))?;
        let status = status.ok_or(Failure::Network)?;
        Err(Failure::Status { status, message, retry_after_ms, epoch })
    }
}

impl Transport for Custom {
    async fn pull(&self, scope: Scope, cursor: Option<&str>, limit: usize) -> Result<Page, Failure> {
        let request = Request::Pull { scope: self.config.scope_name(scope), cursor, limit };
        let body = self.exchange(&request).await?;
        bad_response(match scope {
            Scope::One(entity) => validate::resource_page(&self.config, entity, body.as_bytes()),
            Scope::All => validate::changeset_page(&self.config, body.as_bytes()),
        })
    }

    async fn push(&self, in_flight: &InFlight) -> Result<Answer, Failure> {
        let scope = in_flight.entity.as_deref().unwrap_or(self.config.scope_name(Scope::All));
        let request = Request::Push { scope, body: &in_flight.body, idempotency_key: &in_flight.key };
        let body = self.exchange(&request).await?;
        bad_response(match in_flight.entity {
            Some(_) => push::resource_answer(&self.config, in_flight, body.as_bytes()),
            None => push::changeset_answer(&self.config, in_flight, body.as_bytes()),
        })
    }

    async fn refresh_token(&self) -> bool {
        let Ok(asked) = self.ask_token.call1(&JsValue::NULL, &true.into()) else { return false };
        JsFuture::from(Promise::resolve(&asked)).await.is_ok_and(|token| token.is_string())
    }
}

impl Remote {
    /// Turns to another address. The app's functions have none.
    ///
    /// # Errors
    /// [`Error::Config`]; the old address stays then.
    pub fn set_address(&self, base: &str, headers: BTreeMap<String, String>) -> Result<(), Error> {
        match self {
            Self::Http(backend) => backend.set_address(base, headers),
            Self::Custom(_) => Ok(()),
        }
    }

    /// Names this replica to the backend.
    pub fn set_device_id(&self, device_id: &str) {
        if let Self::Http(backend) = self {
            backend.set_device_id(device_id);
        }
    }

    /// Forgets the token, so that the next request asks for one.
    pub fn forget_token(&self) {
        if let Self::Http(backend) = self {
            backend.forget_token();
        }
    }
}

impl Transport for Remote {
    async fn pull(&self, scope: Scope, cursor: Option<&str>, limit: usize) -> Result<Page, Failure> {
        match self {
            Self::Http(backend) => backend.pull(scope, cursor, limit).await,
            Self::Custom(custom) => custom.pull(scope, cursor, limit).await,
        }
    }

    async fn push(&self, in_flight: &InFlight) -> Result<Answer, Failure> {
        match self {
            Self::Http(backend) => backend.push(in_flight).await,
            Self::Custom(custom) => custom.push(in_flight).await,
        }
    }

    async fn refresh_token(&self) -> bool {
        match self {
            Self::Http(backend) => backend.refresh_token().await,
            Self::Custom(custom) => custom.refresh_token().await,
        }
    }
}
