//! Wire types, the one merge order, the schema check and the limits that lastword clients and backends share.
//!
//! Does no I/O, reads no clock and draws no random number. The normative text is `docs/protocol.md`.

pub mod accept;
mod canonical;
pub mod changeset;
pub mod entity;
pub mod error;
pub mod json;
pub mod limits;
pub mod order;
pub mod pull;
pub mod push;
pub mod record;
pub mod schema;
pub mod strict;
pub mod time;

/// Version of the wire, sent as `X-Sync-Protocol` with every request.
///
/// | version | change |
/// | --- | --- |
/// | 1 | first |
pub const PROTOCOL_VERSION: u32 = 1;
