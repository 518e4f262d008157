//! Every bound that client and backend both obey, with its unit. Source: docs/protocol.md, section 1.

/// Longest record id, in UTF-8 bytes.
pub const ID_BYTES_MAX: usize = 128;
/// Longest entity name, in bytes.
pub const ENTITY_BYTES_MAX: usize = 64;
/// Deepest nesting of a record's payload.
pub const PAYLOAD_DEPTH_MAX: usize = 32;
/// Most keys in one object of a payload.
pub const OBJECT_KEYS_MAX: usize = 1_000;
/// Largest encoded payload, in bytes.
pub const PAYLOAD_BYTES_MAX: usize = 256 * 1024;
/// Largest integer a payload may hold, either sign: 2^53 - 1.
pub const INTEGER_MAX: i64 = 9_007_199_254_740_991;
/// Records in a batch that a client sends by default.
pub const BATCH_RECORDS: usize = 100;
/// Encoded bytes in a batch that a client sends by default.
pub const BATCH_BYTES: usize = 1024 * 1024;
/// Most records in a batch that a backend accepts.
pub const BATCH_RECORDS_MAX: usize = 500;
/// Most decoded bytes in a batch that a backend accepts.
pub const BATCH_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Records in a page by default.
pub const PAGE_RECORDS: usize = 1_000;
/// Most records in a page.
pub const PAGE_RECORDS_MAX: usize = 5_000;
/// Most decoded bytes in a page.
pub const PAGE_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Longest cursor, in bytes.
pub const CURSOR_BYTES_MAX: usize = 512;
/// How far a stamp may be ahead of the backend's clock, in milliseconds.
pub const STAMP_AHEAD_MAX_MS: i64 = 5 * 60 * 1000;
/// Least time a backend keeps a push answer under its idempotency key, in milliseconds.
pub const ANSWERS_KEPT_MS: i64 = 7 * 24 * 60 * 60 * 1000;
/// How long a backend keeps tombstones by default, in milliseconds.
pub const TOMBSTONES_KEPT_MS: i64 = 180 * 24 * 60 * 60 * 1000;
