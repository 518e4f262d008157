//! Why a command could not do its work: one sentence that says what to do. Never shows a secret or a Rust value.

use std::net::SocketAddr;
use std::path::PathBuf;

use lastword_server::entities::EntitiesError;
use lastword_server::jwt::JwksError;
use lastword_server::store::{OpenError, StoreError};

/// A command failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CliError {
    /// The database cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The entities cannot be served.
    #[error(transparent)]
    Entities(#[from] EntitiesError),
    /// The identity provider's keys cannot be used.
    #[error(transparent)]
    Jwks(#[from] JwksError),
    /// The metrics cannot be collected.
    #[error("cannot collect metrics: {0}; start without --metrics-listen")]
    Metrics(String),
    /// The database failed.
    #[error("{0}; try again")]
    Store(#[from] StoreError),
    /// The port is taken.
    #[error("port {} of {} is in use; stop the other program or choose another port with --listen", .0.port(), .0.ip())]
    PortInUse(SocketAddr),
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {reason}; choose another address with --listen")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        reason: String,
    },
    /// The static folder does not exist.
    #[error("the folder {0} given with --static does not exist; build it first or correct the path")]
    NoStaticFolder(PathBuf),
    /// The server stopped by a fault.
    #[error("the server stopped: {0}; see the log above")]
    Stopped(String),
    /// Postgres has tools of its own.
    #[error("back up Postgres with pg_dump or its continuous archiving; see docs/backup.md")]
    BackupOfPostgres,
    /// The file is there.
    #[error("the file {0} exists; choose a new one for the backup")]
    BackupExists(PathBuf),
    /// No such user.
    #[error("there is no user `{0}`; add it with: lastword-server user add {0}")]
    NoUser(String),
    /// The name is taken.
    #[error("there is a user `{0}` already; choose another name")]
    UserExists(String),
    /// Not a name.
    #[error("a user name has 1 to 128 characters, none of them a control character; choose another name")]
    BadName,
    /// No such key.
    #[error("there is no key {0} that could be revoked; see: lastword-server key list --user NAME")]
    NoKey(uuid::Uuid),
    /// No such device.
    #[error("there is no device {0} that could be revoked; see: lastword-server device list --user NAME")]
    NoDevice(uuid::Uuid),
}
