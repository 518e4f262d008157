//! Opening the file: creates it, brings it up to date, and says in one sentence why it cannot. Never repairs anything.

use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::Connection as _;
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::pool::PoolOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};

use super::SqliteStore;
use crate::store::OpenError;

impl SqliteStore {
    /// Opens the database file, creating it when it is not there.
    ///
    /// # Errors
    /// [`OpenError`] says what to do.
    pub async fn open(path: &Path) -> Result<Self, OpenError> {
        check_file(path)?;
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(BUSY_TIMEOUT)
            .pragma("cache_size", CACHE_PAGES)
            .pragma("wal_autocheckpoint", CHECKPOINT_PAGES)
            .pragma("temp_store", "MEMORY");
        let failed = |error: sqlx::Error| open_error(path, &error);
        let mut connection = SqliteConnection::connect_with(&options).await.map_err(failed)?;
        migrate(&mut connection).await.map_err(|error| migrate_error(path, error))?;
        let cursor_secret = write_probe(&mut connection).await.map_err(failed)?;
        connection.close().await.map_err(failed)?;

        let writer =
            PoolOptions::new().max_connections(1).acquire_timeout(WRITER_WAIT).connect_lazy_with(options.clone());
        let readers = PoolOptions::new()
            .max_connections(READERS)
            .acquire_timeout(WRITER_WAIT)
            .connect_lazy_with(options.read_only(true).create_if_missing(false));
        Ok(Self { writer, readers, cursor_secret, run_mark: crate::store::new_mark() })
    }
}

/// Looks before SQLite does, because its own words do not say what to do; root could also write a read-only file.
fn check_file(path: &Path) -> Result<(), OpenError> {
    match path.metadata() {
        Ok(found) if found.is_dir() => Err(OpenError::NotADatabase(path.into())),
        Ok(found) if found.permissions().readonly() => Err(OpenError::ReadOnly(path.into())),
        Ok(_) => Ok(()),
        Err(_) => match path.parent() {
            Some(folder) if folder != Path::new("") && !folder.is_dir() => Err(OpenError::NoFolder(folder.into())),
            _ => Ok(()),
        },
    }
}

/// One transaction around all migrations: a second process that starts at the same time waits for it.
async fn migrate(connection: &mut SqliteConnection) -> Result<(), MigrateError> {
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    MIGRATIONS.run_direct(&mut *transaction).await?;
    Ok(transaction.commit().await?)
}

/// Proves at start that the file can be written to; gives the secret, made at the first start.
async fn write_probe(connection: &mut SqliteConnection) -> Result<[u8; 32], sqlx::Error> {
    let secret: [u8; 32] = rand::random();
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    let insert = "INSERT INTO meta (name, value) VALUES ('cursor_secret', ?) ON CONFLICT DO UPDATE SET value = value";
    sqlx::query(insert).bind(&secret[..]).execute(&mut *transaction).await?;
    let kept: (Vec<u8>,) =
        sqlx::query_as("SELECT value FROM meta WHERE name = 'cursor_secret'").fetch_one(&mut *transaction).await?;
    transaction.commit().await?;
    kept.0.try_into().map_err(|_| sqlx::Error::Protocol("the secret is not 32 bytes".into()))
}

#[allow(clippy::wildcard_enum_match_arm, reason = "all others are faults of the same kind")]
fn migrate_error(path: &Path, error: MigrateError) -> OpenError {
    match error {
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => open_error(path, &error),
        MigrateError::VersionMissing(_) | MigrateError::VersionTooNew(..) => OpenError::Newer,
        other => OpenError::Migration(other.to_string()),
    }
}

fn open_error(path: &Path, error: &sqlx::Error) -> OpenError {
    let path = PathBuf::from(path);
    let code = error.as_database_error().and_then(|error| error.code()?.parse::<u32>().ok()).unwrap_or_default() & 0xff;
    match code {
        8 => OpenError::ReadOnly(path),
        26 => OpenError::NotADatabase(path),
        _ => {
            let reason =
                error.as_database_error().map_or_else(|| error.to_string(), |error| error.message().to_owned());
            OpenError::Unopenable { path, reason }
        }
    }
}

static MIGRATIONS: Migrator = sqlx::migrate!("migrations/sqlite");
/// How long another process (a backup, the command line) may hold the database.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a push waits for those before it.
const WRITER_WAIT: Duration = Duration::from_secs(10);
const READERS: u32 = 4;
/// SQLite's page cache for each connection: negative means KiB.
const CACHE_PAGES: &str = "-16000";
/// How far the write-ahead log grows before its pages move to the file, 16 MiB: a page that many pushes touch moves once.
const CHECKPOINT_PAGES: &str = "4000";
