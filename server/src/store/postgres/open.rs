//! Reaching the database: brings it up to date, and says in one sentence why it cannot. Never shows credentials.

use std::str::FromStr as _;
use std::time::Duration;

use sqlx::Connection as _;
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::pool::PoolOptions;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool};
use tokio::sync::mpsc;

use super::{PostgresStore, announce};
use crate::store::{OpenError, new_mark};

impl PostgresStore {
    /// Opens the database at `url`, with at most `connections` connections. Several nodes may start together.
    ///
    /// # Errors
    /// [`OpenError`] says what to do.
    pub async fn open(url: &str, connections: u32) -> Result<Self, OpenError> {
        let bad_url = |_| OpenError::BadUrl(url.split('@').next_back().unwrap_or_default().to_owned());
        let options =
            PgConnectOptions::from_str(url).map_err(bad_url)?.application_name("lastword-server").options(SETTINGS);
        let address =
            format!("{}:{}/{}", options.get_host(), options.get_port(), options.get_database().unwrap_or_default());
        let failed = |error: sqlx::Error| no_server(&address, &error);
        // One try by hand: the pool would go on trying and then say only that it took too long.
        let first = tokio::time::timeout(CONNECT_WAIT, PgConnection::connect_with(&options)).await;
        first.map_err(|_| failed(sqlx::Error::PoolTimedOut))?.map_err(failed)?.close().await.map_err(failed)?;
        let pool = PoolOptions::new()
            .max_connections(connections.max(2))
            .acquire_timeout(ACQUIRE_WAIT)
            .test_before_acquire(false)
            .before_acquire(|connection, found| Box::pin(check_idle(connection, found.idle_for)))
            .connect_lazy_with(options);
        MIGRATIONS.run(&pool).await.map_err(|error| migrate_error(&address, error))?;
        let cursor_secret = secret(&pool).await.map_err(failed)?;
        let (announcements, queue) = mpsc::channel(ANNOUNCEMENTS_MAX);
        let node = new_mark();
        tokio::spawn(announce::send(pool.clone(), node, queue));
        Ok(Self { writer: pool.clone(), readers: pool, cursor_secret, node, announcements })
    }
}

/// Asks a connection whether it still stands, unless it did just now: that would be one more way to the database and back
/// for each request.
async fn check_idle(connection: &mut PgConnection, idle_for: Duration) -> Result<bool, sqlx::Error> {
    if idle_for > IDLE_TRUSTED {
        connection.ping().await?;
    }
    Ok(true)
}

/// The database's secret, made by the first node ever.
async fn secret(pool: &PgPool) -> Result<[u8; 32], sqlx::Error> {
    let new: [u8; 32] = rand::random();
    let sql = "INSERT INTO meta (name, value) VALUES ('cursor_secret', $1) ON CONFLICT DO NOTHING";
    sqlx::query(sql).bind(&new[..]).execute(pool).await?;
    let sql = "SELECT value FROM meta WHERE name = 'cursor_secret'";
    let kept: Vec<u8> = sqlx::query_scalar(sql).fetch_one(pool).await?;
    kept.try_into().map_err(|_| sqlx::Error::Protocol("the secret is not 32 bytes".into()))
}

#[allow(clippy::wildcard_enum_match_arm, reason = "all others are faults of the same kind")]
fn migrate_error(address: &str, error: MigrateError) -> OpenError {
    match error {
        MigrateError::VersionMissing(_) | MigrateError::VersionTooNew(..) => OpenError::Newer,
        MigrateError::Execute(error) => no_server(address, &error),
        other => OpenError::Migration(other.to_string()),
    }
}

fn no_server(address: &str, error: &sqlx::Error) -> OpenError {
    let reason = match error.as_database_error() {
        Some(error) => error.message().to_owned(),
        None if matches!(error, sqlx::Error::PoolTimedOut) => "no answer in time".to_owned(),
        None => error.to_string(),
    };
    OpenError::NoServer { address: address.to_owned(), reason }
}

static MIGRATIONS: Migrator = sqlx::migrate!("migrations/postgres");
/// An answer means that the commit is on disk; no wait is for ever; and no plan made for an empty table is kept while
/// the table grows (measured: pushes of the first minute ten times slower).
const SETTINGS: [(&str, &str); 5] = [
    ("synchronous_commit", "on"),
    ("plan_cache_mode", "force_custom_plan"),
    ("lock_timeout", "10s"),
    ("statement_timeout", "30s"),
    ("idle_in_transaction_session_timeout", "60s"),
];
const CONNECT_WAIT: Duration = Duration::from_secs(10);
const IDLE_TRUSTED: Duration = Duration::from_secs(1);
const ACQUIRE_WAIT: Duration = Duration::from_secs(10);
const ANNOUNCEMENTS_MAX: usize = 4_096;
