//! The store contract on IndexedDB, in a dedicated worker: in both layouts.
#![cfg(target_arch = "wasm32")]
#![allow(clippy::unwrap_used, reason = "tests")]

mod contract;
mod indexeddb;

use contract::each_case;
use indexeddb::{browser_tests, packed_tests};
use wasm_bindgen_test::wasm_bindgen_test_configure;

wasm_bindgen_test_configure!(run_in_dedicated_worker);
each_case!(browser_tests);
each_case!(packed_tests);
