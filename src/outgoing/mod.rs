//! A record leaves: (1) [`write`] or the app changes a row, (2) [`detect`] marks it in the [`outbox`], (3) [`plan`]
//! orders what is due and [`encode`] makes a body, (4) [`push`] is its answer, (5) [`ack`] clears exactly what was sent.
//! Never applies a pulled record.

pub mod ack;
pub mod detect;
pub mod encode;
pub mod outbox;
pub mod plan;
pub mod push;
pub mod restamp;
pub mod retry;
pub mod standing;
pub mod write;
