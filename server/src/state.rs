//! What every request shares. Holds no request's data.

use std::sync::Arc;

use crate::clock::Clock;
use crate::cursor::CursorKey;
use crate::entities::Entities;
use crate::pokes::Pokes;
use crate::store::ServerStore;

/// Shared by all requests; cheap to clone.
#[derive(Clone)]
pub struct AppState {
    /// The database.
    pub store: Arc<dyn ServerStore>,
    /// The entities served.
    pub entities: Arc<Entities>,
    /// Signs cursors.
    pub cursors: CursorKey,
    /// The backend's clock.
    pub clock: Clock,
    /// Wakes those who listen for changes.
    pub pokes: Pokes,
    /// What is switched on.
    pub options: Arc<Options>,
}

/// What an embedder or the command line can choose.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Refuse a live record that names a record which does not exist.
    pub check_references: bool,
    /// Origins that browsers may call from; `*` for any. Empty: only the server's own.
    pub cors_origins: Vec<String>,
    /// A folder of static files to serve at `/`.
    pub static_folder: Option<std::path::PathBuf>,
}

impl AppState {
    /// The state of a server on `store`.
    #[must_use]
    pub fn new(store: Arc<dyn ServerStore>, entities: Entities, options: Options) -> Self {
        let cursors = CursorKey::new(store.cursor_secret());
        let (entities, options) = (Arc::new(entities), Arc::new(options));
        Self { store, entities, cursors, clock: Clock::system(), pokes: Pokes::default(), options }
    }
}
