//! Commands and their arguments. Never prints a secret, but for a key at its making.

mod accounts;
mod error;
mod purge;
mod serve;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, Parser, Subcommand};
use lastword_server::store::ServerStore;
use lastword_server::store::sqlite::SqliteStore;

pub(crate) use error::CliError;

/// The reference backend of lastword.
#[derive(Debug, Parser)]
#[command(version, about, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    database: DatabaseArgs,
}

#[derive(Debug, Args)]
struct DatabaseArgs {
    /// A SQLite file, made when it is not there, or a postgres:// URL.
    #[arg(long, env = "LASTWORD_DATABASE", default_value = "lastword.db", global = true, hide_env_values = true)]
    database: String,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve until told to stop.
    Serve(serve::ServeArgs),
    /// Bring the database up to date and exit.
    Migrate,
    /// Remove old tombstones and kept answers now; `serve` does it by itself every hour.
    Purge(purge::PurgeArgs),
    /// Write a consistent copy of a SQLite database to a new file, while the server runs.
    Backup {
        /// The new file.
        file: PathBuf,
    },
    /// Add and list users.
    #[command(subcommand)]
    User(accounts::UserCommand),
    /// Make, list and revoke API keys.
    #[command(subcommand)]
    Key(accounts::KeyCommand),
    /// List and revoke devices.
    #[command(subcommand)]
    Device(accounts::DeviceCommand),
}

/// Runs one command.
pub(crate) async fn run(cli: Cli) -> Result<(), CliError> {
    match cli.command {
        Command::Serve(args) => serve::serve(&cli.database.database, args).await,
        Command::Migrate => {
            open(&cli.database.database).await?;
            println!("the database is up to date");
            Ok(())
        }
        Command::Purge(args) => purge::purge_now(open(&cli.database.database).await?.as_ref(), args).await,
        Command::Backup { file } => backup(&cli.database.database, &file).await,
        Command::User(command) => accounts::user(open(&cli.database.database).await?.as_ref(), command).await,
        Command::Key(command) => accounts::key(open(&cli.database.database).await?.as_ref(), command).await,
        Command::Device(command) => accounts::device(open(&cli.database.database).await?.as_ref(), command).await,
    }
}

async fn open(database: &str) -> Result<Arc<dyn ServerStore>, CliError> {
    Ok(Arc::new(SqliteStore::open(Path::new(database)).await?))
}

async fn backup(database: &str, file: &Path) -> Result<(), CliError> {
    if is_postgres(database) {
        return Err(CliError::BackupOfPostgres);
    }
    if file.exists() {
        return Err(CliError::BackupExists(file.into()));
    }
    SqliteStore::open(Path::new(database)).await?.backup(file).await?;
    println!("wrote {}", file.display());
    Ok(())
}

fn is_postgres(database: &str) -> bool {
    database.starts_with("postgres://") || database.starts_with("postgresql://")
}
