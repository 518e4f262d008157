//! What can go wrong with the database, told apart by what to do. Messages never hold a record, a key or a password.

use std::path::PathBuf;

/// A database operation failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Another writer holds the database for too long.
    #[error("the database is busy")]
    Busy,
    /// No space left for it.
    #[error("the database's disk is full")]
    Full,
    /// It cannot be written to.
    #[error("the database is read-only")]
    ReadOnly,
    /// It cannot be reached or read.
    #[error("the database cannot be reached")]
    Unreachable,
    /// The user does not exist.
    #[error("there is no such user")]
    NoUser,
    /// A fault of this server.
    #[error("database fault: {0}")]
    Fault(String),
}

/// The database cannot be opened at start.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// The folder of the file does not exist.
    #[error("the folder {0} does not exist; create it or choose another file with --database")]
    NoFolder(PathBuf),
    /// The file cannot be written to.
    #[error("the database file {0} is read-only; give the server write permission or choose another with --database")]
    ReadOnly(PathBuf),
    /// The file is no database.
    #[error("{0} is not a SQLite database; choose another file with --database")]
    NotADatabase(PathBuf),
    /// The file cannot be opened.
    #[error("cannot open the database file {path}: {reason}; check its path and permissions")]
    Unopenable {
        /// The file.
        path: PathBuf,
        /// What the database said.
        reason: String,
    },
    /// The URL is none.
    #[error("--database {0} is neither a file nor a postgres:// URL")]
    BadUrl(String),
    /// No answer from Postgres.
    #[error("cannot reach Postgres at {address}: {reason}; check that it runs and that --database is right")]
    NoServer {
        /// Host, port and database, without credentials.
        address: String,
        /// What the database said.
        reason: String,
    },
    /// A newer version wrote it.
    #[error("the database was written by a newer lastword-server; start that version instead")]
    Newer,
    /// A migration failed.
    #[error("the database could not be brought up to date: {0}; restore a backup or ask for help with this message")]
    Migration(String),
}

#[allow(clippy::wildcard_enum_match_arm, reason = "all others are faults of the same kind")]
impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::PoolTimedOut => Self::Busy,
            sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::PoolClosed => Self::Unreachable,
            sqlx::Error::Database(database) => {
                let code = database.code().unwrap_or_default();
                let sqlite = database.try_downcast_ref::<sqlx::sqlite::SqliteError>().is_some();
                let known = if sqlite { sqlite_fault(&code) } else { postgres_fault(&code) };
                // Only the code: a message of Postgres may quote a value.
                known.unwrap_or_else(|| Self::Fault(format!("code {code}")))
            }
            _ => Self::Fault(error.to_string()),
        }
    }
}

/// Sorts a SQLite result code, extended or not. Source: sqlite.org/rescode.html.
fn sqlite_fault(code: &str) -> Option<StoreError> {
    match code.parse::<u32>().ok()? & 0xff {
        5 | 6 => Some(StoreError::Busy),
        8 => Some(StoreError::ReadOnly),
        10 | 14 => Some(StoreError::Unreachable),
        13 => Some(StoreError::Full),
        _ => None,
    }
}

/// Sorts a Postgres SQLSTATE. Source: Postgres manual, appendix A.
fn postgres_fault(code: &str) -> Option<StoreError> {
    match code {
        "53100" => Some(StoreError::Full),
        "25006" => Some(StoreError::ReadOnly),
        "40001" | "40P01" | "55P03" | "57014" => Some(StoreError::Busy),
        _ if code.starts_with("08") || code.starts_with("53") || code.starts_with("57P") => {
            Some(StoreError::Unreachable)
        }
        _ => None,
    }
}
