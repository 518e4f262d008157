//! A mood journal in Rust on lastword, and the records of a workout log: no shape is written twice, and a wrong one does not
//! compile. Holds no user interface.

/// The Rust of the documentation, as doctests.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/start/rust.md")]
pub struct Documented;

pub mod journal;
pub mod records;
pub mod workout;

#[cfg(target_family = "wasm")]
pub mod web;
