//! Step 1 of 4: what a pull asks for and what a page holds once it is typed. Never fetches.

use crate::record::{Entity, Record, Scope, ServerMillis};

use super::validate::Quarantined;

/// A typed page.
#[derive(Clone, Debug, PartialEq)]
pub struct Page {
    /// What the page is of.
    pub scope: Scope,
    /// Its records in the backend's commit order.
    pub arrived: Vec<Arrived>,
    /// Covers exactly these records.
    pub cursor: String,
    /// True when more wait behind it.
    pub has_more: bool,
    /// Everything the backend accepted up to this time has been seen with this page.
    pub up_to: Option<ServerMillis>,
    /// The backend's clock when it answered.
    pub server_time: Option<ServerMillis>,
    /// The backend's history.
    pub epoch: Option<String>,
    /// How many records wait behind this page, where the backend counts them.
    pub remaining: Option<u64>,
    /// Its length as it arrived.
    pub bytes: usize,
}

/// One record of a page.
#[derive(Clone, Debug, PartialEq)]
pub enum Arrived {
    /// A valid copy.
    Good(Entity, Record),
    /// A copy that failed validation.
    Bad(Quarantined),
}
