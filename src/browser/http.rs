//! One request over `fetch`: deadlines, limits, status to failure. Never retries, and never follows a redirect.

use futures_util::future::{Either, select};
use gloo_net::http::{RequestBuilder, Response};
use gloo_timers::future::TimeoutFuture;
use js_sys::{Date, Reflect, Uint8Array};
use lastword_protocol::error::ErrorBody;
use lastword_protocol::limits::PAGE_BYTES_MAX;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortController, ReadableStream, ReadableStreamDefaultReader, ReadableWritablePair, ResponseType};

use super::clock::BrowserClock;
use crate::engine::failure::REQUEST_DEADLINE_MS;
use crate::incoming::validate;
use crate::ports::{Clock, Failure};

/// Sends a request and gives the body of an answer that is JSON.
///
/// # Errors
/// Why there is no usable answer. The request is over then: nothing goes on behind it.
pub(super) async fn send(request: RequestBuilder, body: Option<JsValue>) -> Result<Vec<u8>, Failure> {
    let abort = AbortController::new().map_err(|_| Failure::Network)?;
    let request = request.abort_signal(Some(&abort.signal()));
    let request = match body {
        Some(body) => request.body(body),
        None => request.build(),
    };
    let request = request.map_err(|_| Failure::Network)?;
    let answer = match within_deadline(Box::pin(request.send())).await {
        Ok(Ok(response)) => answer(&response).await,
        Ok(Err(_)) => Err(Failure::Network),
        Err(failure) => Err(failure),
    };
    if answer.is_err() {
        // Without a reason: what still hangs on the request then rejects with a plain AbortError.
        abort.abort();
    }
    answer
}

/// `text` as gzip; none where the browser cannot.
pub(super) async fn gzip(text: &str) -> Option<JsValue> {
    let plain = web_sys::Response::new_with_opt_str(Some(text)).ok()?.body()?;
    let zipped: ReadableStream = plain.pipe_through(&CompressionStream::new("gzip").ok()?.into());
    let bytes = web_sys::Response::new_with_opt_readable_stream(Some(&zipped)).ok()?.array_buffer().ok()?;
    JsFuture::from(bytes).await.ok()
}

async fn answer(response: &Response) -> Result<Vec<u8>, Failure> {
    if response.type_() == ResponseType::Opaqueredirect {
        return Err(Failure::Redirected);
    }
    if !response.ok() {
        return Err(refusal(response).await);
    }
    let content_type = response.headers().get("content-type").unwrap_or_default();
    if !content_type.to_ascii_lowercase().starts_with("application/json") {
        return Err(Failure::BadResponse { reason: "its content type is not application/json".into() });
    }
    whole_body(response, BODY_BYTES_MAX).await
}

/// Reads a body as it comes: each piece has the whole deadline, and one piece too many ends it.
async fn whole_body(response: &Response, bytes_max: usize) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let Some(stream) = response.body() else { return Ok(bytes) };
    let reader = stream.get_reader().unchecked_into::<ReadableStreamDefaultReader>();
    let begun = BrowserClock.now().mono;
    loop {
        let piece = within_deadline(JsFuture::from(reader.read())).await?.map_err(|_| Failure::Network)?;
        let value = Reflect::get(&piece, &"value".into()).map_err(|_| Failure::Network)?;
        if value.is_undefined() {
            return Ok(bytes);
        }
        let piece = value.unchecked_into::<Uint8Array>();
        let held = bytes.len();
        let grown = held + piece.length() as usize;
        if grown > bytes_max {
            return Err(Failure::BadResponse { reason: format!("its body is over {bytes_max} bytes") });
        }
        if BrowserClock.now().mono - begun > BODY_DEADLINE_MS {
            return Err(Failure::Timeout);
        }
        bytes.resize(grown, 0);
        piece.copy_to(&mut bytes[held..]);
    }
}

async fn refusal(response: &Response) -> Failure {
    let retry_after_ms = response.headers().get("retry-after").and_then(|after| retry_after_ms(&after));
    let said = whole_body(response, ERROR_BYTES_MAX).await.ok();
    let error = said.and_then(|body| validate::parse::<ErrorBody>(&body).ok()).map(|body| body.error);
    let epoch = error.as_ref().and_then(|error| Some(error.details.as_ref()?.get("epoch")?.as_str()?.to_owned()));
    Failure::Status {
        status: response.status(),
        retry_after_ms: retry_after_ms.or_else(|| error.as_ref()?.retry_after_ms),
        epoch,
        message: error.map(|error| error.message).unwrap_or_default(),
    }
}

/// `Retry-After`: seconds, or a date by the backend's clock.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "never negative, and bounded where used")]
fn retry_after_ms(header: &str) -> Option<u64> {
    let header = header.trim();
    if let Ok(seconds) = header.parse::<u64>() {
        return Some(seconds.saturating_mul(1_000));
    }
    let date = Date::parse(header);
    (!date.is_nan()).then(|| (date - Date::now()).max(0.0) as u64)
}

/// Waits for the next sign of life.
async fn within_deadline<F: Future + Unpin>(next: F) -> Result<F::Output, Failure> {
    match select(next, TimeoutFuture::new(DEADLINE_MS)).await {
        Either::Left((next, _)) => Ok(next),
        Either::Right(_) => Err(Failure::Timeout),
    }
}

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(extends = ReadableWritablePair)]
    type CompressionStream;
    /// Throws where the browser has none.
    #[wasm_bindgen(constructor, catch)]
    fn new(format: &str) -> Result<CompressionStream, JsValue>;
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "thirty thousand")]
pub(super) const DEADLINE_MS: u32 = REQUEST_DEADLINE_MS as u32;
/// How long a body may trickle in: less than the engine waits for a whole answer.
const BODY_DEADLINE_MS: i64 = 60_000;
/// A page or an answer over this is not of the protocol: its records are within `PAGE_BYTES_MAX`, and some envelope.
const BODY_BYTES_MAX: usize = 4 * PAGE_BYTES_MAX;
/// More than any error says.
const ERROR_BYTES_MAX: usize = 64 * 1024;
