//! Time and chance of a browser: `Date`, `performance`, `crypto`, timers. Never steps over the longest timer.

use gloo_timers::future::TimeoutFuture;
use js_sys::Date;
use wasm_bindgen::prelude::*;

use crate::ports::{Clock, Now};
use crate::record::Millis;

/// The browser's clocks.
#[derive(Clone, Copy, Debug, Default)]
pub struct BrowserClock;

impl Clock for BrowserClock {
    #[allow(clippy::cast_possible_truncation, reason = "milliseconds fit: both clocks count below 2^53")]
    fn now(&self) -> Now {
        Now { wall: Millis(Date::now() as i64), mono: performance_now() as i64 }
    }

    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "takes 32 random bits at a time")]
    fn random(&self) -> u64 {
        u64::from_le_bytes(uuid::Uuid::new_v4().as_bytes()[..8].try_into().unwrap_or_default())
    }

    async fn sleep(&self, ms: i64) {
        TimeoutFuture::new(u32::try_from(ms.clamp(0, SLEEP_MAX_MS)).unwrap_or(0)).await;
    }
}

#[wasm_bindgen]
extern "C" {
    /// The monotonic clock, in page and worker alike.
    #[wasm_bindgen(js_namespace = performance, js_name = now)]
    fn performance_now() -> f64;
}

/// A longer timer would wrap around and fire at once; an early one only wakes the engine for nothing.
const SLEEP_MAX_MS: i64 = 1_000_000_000;
