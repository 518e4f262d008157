//! Commands and their arguments. Never prints a secret, but for a key at its making.

mod accounts;
mod error;
mod serve;

use std::path::Path;
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
        Command::User(command) => accounts::user(open(&cli.database.database).await?.as_ref(), command).await,
        Command::Key(command) => accounts::key(open(&cli.database.database).await?.as_ref(), command).await,
        Command::Device(command) => accounts::device(open(&cli.database.database).await?.as_ref(), command).await,
    }
}

async fn open(database: &str) -> Result<Arc<dyn ServerStore>, CliError> {
    Ok(Arc::new(SqliteStore::open(Path::new(database)).await?))
}
