//! The store contract on memory, on the host.
#![allow(clippy::unwrap_used, reason = "tests")]

mod contract;

use contract::{config, each_case};
use futures_util::FutureExt;
use lastword::memory::MemoryStore;

macro_rules! host_tests {
    ($($group:ident: $($case:ident),*;)*) => {
        $($(
            #[test]
            fn $case() {
                // A store in memory never waits.
                contract::$group::$case(&MemoryStore::new(config())).now_or_never().unwrap();
            }
        )*)*
    };
}
each_case!(host_tests);
