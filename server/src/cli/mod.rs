//! Commands and their arguments. Never prints a secret, but for a key at its making.

mod accounts;
mod error;
mod purge;
mod serve;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, Parser, Subcommand};
use lastword_server::entities::Entities;
use lastword_server::openapi::document;
use lastword_server::store::ServerStore;
use lastword_server::store::postgres::PostgresStore;
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
    /// Most connections to Postgres from this node.
    #[arg(long, env = "LASTWORD_DATABASE_CONNECTIONS", default_value_t = 10, global = true)]
    connections: u32,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve until told to stop.
    Serve(serve::ServeArgs),
    /// Bring the database up to date and exit.
    Migrate,
    /// Print the OpenAPI document of a server with these entities.
    Openapi {
        /// The file that declares the entities.
        #[arg(long, env = "LASTWORD_ENTITIES", default_value = "entities.json")]
        entities: PathBuf,
    },
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
        Command::Serve(args) => serve::serve(&cli.database, args).await,
        Command::Migrate => {
            open(&cli.database).await?;
            println!("the database is up to date");
            Ok(())
        }
        Command::Openapi { entities } => {
            println!("{:#}", document(&Entities::load(&entities)?));
            Ok(())
        }
        Command::Purge(args) => purge::purge_now(open(&cli.database).await?.as_ref(), args).await,
        Command::Backup { file } => backup(&cli.database, &file).await,
        Command::User(command) => accounts::user(open(&cli.database).await?.as_ref(), command).await,
        Command::Key(command) => accounts::key(open(&cli.database).await?.as_ref(), command).await,
        Command::Device(command) => accounts::device(open(&cli.database).await?.as_ref(), command).await,
    }
}

async fn open(args: &DatabaseArgs) -> Result<Arc<dyn ServerStore>, CliError> {
    if args.is_postgres() {
        return Ok(Arc::new(PostgresStore::open(&args.database, args.connections).await?));
    }
    Ok(Arc::new(SqliteStore::open(Path::new(&args.database)).await?))
}

async fn backup(args: &DatabaseArgs, file: &Path) -> Result<(), CliError> {
    if args.is_postgres() {
        return Err(CliError::BackupOfPostgres);
    }
    if file.exists() {
        return Err(CliError::BackupExists(file.into()));
    }
    SqliteStore::open(Path::new(&args.database)).await?.backup(file).await?;
    println!("wrote {}", file.display());
    Ok(())
}

impl DatabaseArgs {
    /// The database without credentials.
    fn shown(&self) -> String {
        match self.database.rsplit_once('@') {
            Some((_, place)) if self.is_postgres() => {
                format!("postgres://{}", place.split('?').next().unwrap_or_default())
            }
            _ if self.is_postgres() => "postgres".into(),
            _ => self.database.clone(),
        }
    }

    fn is_postgres(&self) -> bool {
        self.database.starts_with("postgres://") || self.database.starts_with("postgresql://")
    }
}
