//! An [`Error`] as a JavaScript `Error` with `code`, `retryable`, `retryAfterMs` and `details`. Never holds a record.

use js_sys::Reflect;
use wasm_bindgen::JsValue;

use crate::browser::codec;
use crate::error::Error;

/// The JavaScript `Error` of `error`.
#[must_use]
pub fn to_js(error: &Error) -> JsValue {
    let thrown = js_sys::Error::new(&error.to_string());
    // An Error object takes any field.
    let set = |name: &str, value: JsValue| drop(Reflect::set(&thrown, &name.into(), &value));
    set("code", error.code().into());
    set("retryable", error.retryable().into());
    if let Some(after) = error.retry_after_ms() {
        #[allow(clippy::cast_precision_loss, reason = "bounded by an hour")]
        set("retryAfterMs", (after as f64).into());
    }
    if let Error::Invalid { fields } = error
        && let Ok(fields) = codec::to_js(fields)
    {
        set("details", fields);
    }
    thrown.into()
}
