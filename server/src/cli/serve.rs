//! `serve`: open, listen, say so, stop when told to. Finishes the requests it has begun.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;
use lastword_server::entities::Entities;
use lastword_server::upkeep::upkeep;
use lastword_server::{AppState, Options, router};
use tokio::net::TcpListener;
use tracing_subscriber::EnvFilter;

use super::purge::PurgeArgs;
use super::{CliError, DatabaseArgs};

#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    /// Address and port to listen on; port 0 takes a free one.
    #[arg(long, env = "LASTWORD_LISTEN", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// The file that declares the entities; the one the client uses.
    #[arg(long, env = "LASTWORD_ENTITIES", default_value = "entities.json")]
    entities: PathBuf,
    /// A folder of static files to serve at /.
    #[arg(long = "static", env = "LASTWORD_STATIC")]
    static_folder: Option<PathBuf>,
    /// An origin that browsers may call from, or *; may stand several times.
    #[arg(long = "cors-origin", env = "LASTWORD_CORS_ORIGINS", value_delimiter = ',')]
    cors_origins: Vec<String>,
    /// Refuse a record that names another record which does not exist.
    #[arg(long, env = "LASTWORD_CHECK_REFERENCES")]
    check_references: bool,
    #[command(flatten)]
    purge: PurgeArgs,
    /// Which log lines to write, as in `info,sqlx=warn`.
    #[arg(long, env = "LASTWORD_LOG", default_value = "info,sqlx=warn")]
    log: String,
}

pub(crate) async fn serve(database: &DatabaseArgs, args: ServeArgs) -> Result<(), CliError> {
    start_log(&args.log);
    let entities = Entities::load(&args.entities)?;
    if let Some(folder) = args.static_folder.as_ref().filter(|folder| !folder.is_dir()) {
        return Err(CliError::NoStaticFolder(folder.clone()));
    }
    let store = super::open(database).await?;
    let options = Options {
        check_references: args.check_references,
        cors_origins: args.cors_origins,
        static_folder: args.static_folder,
    };
    let state = AppState::new(store, entities, options);
    let listener = listen(args.listen).await?;
    let address = listener.local_addr().map_err(|error| listen_error(args.listen, &error))?;
    println!("lastword-server listening on http://{address}");
    let upkeep = tokio::spawn(upkeep(state.clone(), args.purge.kept_ms()));
    axum::serve(listener, router(state.clone()))
        .with_graceful_shutdown(async move {
            told_to_stop().await;
            // Event streams would never end by themselves.
            state.pokes.close();
        })
        .await
        .map_err(|error| CliError::Stopped(error.to_string()))?;
    upkeep.abort();
    tracing::info!("stopped");
    Ok(())
}

async fn listen(address: SocketAddr) -> Result<TcpListener, CliError> {
    TcpListener::bind(address).await.map_err(|error| listen_error(address, &error))
}

fn listen_error(address: SocketAddr, error: &std::io::Error) -> CliError {
    if error.kind() == ErrorKind::AddrInUse {
        return CliError::PortInUse(address);
    }
    CliError::Listen { address, reason: error.to_string() }
}

fn start_log(filter: &str) {
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt().json().with_env_filter(filter).with_writer(std::io::stderr).init();
}

/// Ends on SIGINT or SIGTERM.
async fn told_to_stop() {
    let interrupt = tokio::signal::ctrl_c();
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        match signal(SignalKind::terminate()) {
            Ok(mut terminate) => tokio::select! { _ = interrupt => (), _ = terminate.recv() => () },
            Err(_) => drop(interrupt.await),
        }
    }
    #[cfg(not(unix))]
    drop(interrupt.await);
    tracing::info!("finishing the requests in flight");
}
