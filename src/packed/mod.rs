//! Rows kept many to a value, for entities of layout `packed`: what a commit appends, which value holds which row, and
//! what to join in idle time. Never touches a store, and never looks into a row.
//!
//! A store holds blocks under numbers that only grow. A block is what one commit wrote: its rows in [`segments`], and an
//! index of their ids. The newest block that names an id says what became of it. Nothing that was written is ever
//! changed; blocks that have grown thin are joined into a new one and removed, in one transaction.
//!
//! [`segments`]: block::Packed::segments

pub mod block;
pub mod index;
