//! What every request shares. Holds no request's data.

use std::sync::Arc;
use std::time::Duration;

use crate::clock::Clock;
use crate::cursor::CursorKey;
use crate::entities::Entities;
use crate::jwt::JwtVerifier;
use crate::pokes::Pokes;
use crate::rate::RateLimit;
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
    /// Checks tokens of an identity provider, where one is configured.
    pub jwt: Option<Arc<JwtVerifier>>,
    /// Limits each user's requests.
    pub rate: Arc<RateLimit>,
    /// What is switched on.
    pub options: Arc<Options>,
}

/// What an embedder or the command line can choose.
#[derive(Clone, Debug)]
pub struct Options {
    /// Requests a second that each user may send in the long run; ten times that at once. 0: as many as it likes.
    pub requests_per_second: u32,
    /// Refuse a live record that names a record which does not exist.
    pub check_references: bool,
    /// Origins that browsers may call from; `*` for any. Empty: only the server's own.
    pub cors_origins: Vec<String>,
    /// A folder of static files to serve at `/`.
    pub static_folder: Option<std::path::PathBuf>,
    /// How long a request may take until its answer begins; then it is 408. An event stream has begun by then.
    pub deadline: Duration,
    /// How long an event stream stays silent. After that it looks whether its listener may still listen.
    pub heartbeat: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            requests_per_second: 100,
            check_references: false,
            cors_origins: Vec::new(),
            static_folder: None,
            deadline: Duration::from_secs(30),
            heartbeat: Duration::from_secs(25),
        }
    }
}

impl AppState {
    /// The state of a server on `store`.
    #[must_use]
    pub fn new(store: Arc<dyn ServerStore>, entities: Entities, options: Options) -> Self {
        let cursors = CursorKey::new(store.cursor_secret());
        Self {
            store,
            entities: Arc::new(entities),
            cursors,
            clock: Clock::system(),
            pokes: Pokes::default(),
            jwt: None,
            rate: Arc::new(RateLimit::new(options.requests_per_second)),
            options: Arc::new(options),
        }
    }
}
