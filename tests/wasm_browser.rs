//! The browser's interfaces beside the store contract, in a page: values, databases, requests, locks.
#![cfg(target_arch = "wasm32")]
#![allow(clippy::unwrap_used, reason = "tests")]

mod browser;
#[allow(dead_code, unused_imports, unused_macros, reason = "only its configuration and helpers are used here")]
mod contract;
#[allow(unused_imports, unused_macros, reason = "as above")]
mod indexeddb;

wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);
