//! Every error of the client, its stable code, and whether trying again can help: the one table.

use lastword_protocol::push::FieldError;

/// What can go wrong, as the app is told.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The configuration cannot be used.
    #[error("{message}")]
    Config {
        /// One sentence that says what to change.
        message: String,
    },
    /// The entity is not declared.
    #[error("no entity called `{entity}` is declared")]
    UnknownEntity {
        /// As given.
        entity: String,
    },
    /// There is no such record.
    #[error("no record `{id}` in `{entity}`")]
    NotFound {
        /// The entity.
        entity: String,
        /// The id.
        id: String,
    },
    /// A record does not match its schema or cannot travel as JSON.
    #[error("the record is not valid: {}", list(.fields))]
    Invalid {
        /// The fields at fault.
        fields: Vec<FieldError>,
    },
    /// The backend could not be reached.
    #[error("the backend could not be reached")]
    Network,
    /// The backend did not answer in time.
    #[error("the backend did not answer within {after_ms} ms")]
    Timeout {
        /// The deadline.
        after_ms: i64,
    },
    /// The backend could not serve just now.
    #[error("the backend answered {status}{}", said(.message))]
    Backend {
        /// HTTP status.
        status: u16,
        /// What it said.
        message: String,
        /// How long it asked to wait.
        retry_after_ms: Option<u64>,
    },
    /// The backend's answer is not of the protocol.
    #[error("the backend's answer is not of the protocol: {reason}")]
    BadResponse {
        /// What is wrong with it.
        reason: String,
    },
    /// The backend asks for credentials.
    #[error("sign in again: the backend does not accept the token")]
    AuthNeeded,
    /// This user may not.
    #[error("the backend forbids this user to sync `{scope}`")]
    Forbidden {
        /// What was asked for.
        scope: String,
    },
    /// The backend has no such endpoint.
    #[error("the backend has no endpoint for `{scope}` (it answered {status}): check the path in the configuration")]
    NoEndpoint {
        /// What was asked for.
        scope: String,
        /// HTTP status.
        status: u16,
    },
    /// The backend does not serve this protocol version.
    #[error("the backend needs another version of lastword")]
    UpgradeRequired,
    /// The browser's storage is full.
    #[error("the browser's storage is full: nothing was stored")]
    QuotaExceeded,
    /// The database failed.
    #[error("the database failed ({name}): {message}")]
    Store {
        /// The browser's name of the error.
        name: String,
        /// What it said.
        message: String,
    },
    /// The database was closed or deleted under us.
    #[error("the database was closed or deleted: open it again")]
    StoreClosed,
    /// The database belongs to another account.
    #[error("this database belongs to another account: sign out first, keeping or wiping its records")]
    AccountMismatch,
    /// Another tab leads now.
    #[error("another tab took over")]
    Fenced,
    /// Syncing was stopped before it ended.
    #[error("syncing was stopped")]
    Stopped,
}

impl Error {
    /// Stable name of the error, as documented in docs/errors.md.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Config { .. } => "config",
            Self::UnknownEntity { .. } => "unknown_entity",
            Self::NotFound { .. } => "not_found",
            Self::Invalid { .. } => "invalid",
            Self::Network => "network",
            Self::Timeout { .. } => "timeout",
            Self::Backend { .. } => "backend",
            Self::BadResponse { .. } => "bad_response",
            Self::AuthNeeded => "auth_needed",
            Self::Forbidden { .. } => "forbidden",
            Self::NoEndpoint { .. } => "no_endpoint",
            Self::UpgradeRequired => "upgrade_required",
            Self::QuotaExceeded => "quota_exceeded",
            Self::Store { .. } => "store",
            Self::StoreClosed => "store_closed",
            Self::AccountMismatch => "account_mismatch",
            Self::Fenced => "fenced",
            Self::Stopped => "stopped",
        }
    }

    /// True when the same call may succeed later without a change by the app or the user.
    #[must_use]
    pub fn retryable(&self) -> bool {
        match self {
            Self::Network
            | Self::Timeout { .. }
            | Self::Backend { .. }
            | Self::BadResponse { .. }
            | Self::Store { .. }
            | Self::Fenced => true,
            Self::Config { .. }
            | Self::UnknownEntity { .. }
            | Self::NotFound { .. }
            | Self::Invalid { .. }
            | Self::AuthNeeded
            | Self::Forbidden { .. }
            | Self::NoEndpoint { .. }
            | Self::UpgradeRequired
            | Self::QuotaExceeded
            | Self::StoreClosed
            | Self::AccountMismatch
            | Self::Stopped => false,
        }
    }

    /// How long the backend asked to wait, in milliseconds.
    #[must_use]
    pub fn retry_after_ms(&self) -> Option<u64> {
        if let Self::Backend { retry_after_ms, .. } = self { *retry_after_ms } else { None }
    }
}

fn list(fields: &[FieldError]) -> String {
    let listed: Vec<String> = fields.iter().map(|field| format!("{} {}", field.path, field.message)).collect();
    listed.join("; ")
}

fn said(message: &str) -> String {
    if message.is_empty() { String::new() } else { format!(": {message}") }
}
