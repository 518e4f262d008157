//! `serve`: open, listen, say so, stop when told to. Finishes the requests it has begun.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::serve::ListenerExt as _;
use clap::Args;
use lastword_server::entities::Entities;
use lastword_server::jwt::{JwksSource, JwtOptions, JwtVerifier};
use lastword_server::upkeep::upkeep;
use lastword_server::{AppState, Options, metrics, router};
use tokio::net::TcpListener;
use tracing_subscriber::EnvFilter;

use super::purge::PurgeArgs;
use super::{CliError, DatabaseArgs};

#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    /// Address and port to listen on; port 0 takes a free one.
    #[arg(long, env = "LASTWORD_LISTEN", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// The file that declares the entities; the one the client uses. When absent: entities.json, if there is one.
    #[arg(long, env = "LASTWORD_ENTITIES")]
    entities: Option<PathBuf>,
    /// A folder of static files to serve at /.
    #[arg(long = "static", env = "LASTWORD_STATIC")]
    static_folder: Option<PathBuf>,
    /// An origin that browsers may call from, or *; may stand several times.
    #[arg(long = "cors-origin", env = "LASTWORD_CORS_ORIGINS", value_delimiter = ',')]
    cors_origins: Vec<String>,
    /// Refuse a record that names another record which does not exist.
    #[arg(long, env = "LASTWORD_CHECK_REFERENCES")]
    check_references: bool,
    /// Requests a second that each user may send in the long run, ten times that at once; 0 for no limit.
    #[arg(long, env = "LASTWORD_REQUESTS_PER_SECOND", default_value_t = 100)]
    requests_per_second: u32,
    #[command(flatten)]
    jwt: JwtArgs,
    #[command(flatten)]
    purge: PurgeArgs,
    /// Serve Prometheus metrics at /metrics of this address.
    #[arg(long, env = "LASTWORD_METRICS_LISTEN")]
    metrics_listen: Option<SocketAddr>,
    /// Which log lines to write, as in `info,sqlx=warn`.
    #[arg(long, env = "LASTWORD_LOG", default_value = "info,sqlx=warn")]
    log: String,
}

#[derive(Debug, Args)]
struct JwtArgs {
    /// Accept tokens of an identity provider: file or https address of its JSON Web Key Set.
    #[arg(long, env = "LASTWORD_JWKS", requires = "jwt_issuer", requires = "jwt_audience")]
    jwks: Option<String>,
    /// What `iss` of a token must be.
    #[arg(long, env = "LASTWORD_JWT_ISSUER", requires = "jwks")]
    jwt_issuer: Option<String>,
    /// What `aud` of a token must name.
    #[arg(long, env = "LASTWORD_JWT_AUDIENCE", requires = "jwks")]
    jwt_audience: Option<String>,
}

pub(crate) async fn serve(database: &DatabaseArgs, args: ServeArgs) -> Result<(), CliError> {
    start_log(&args.log);
    let configuration = shown(database, &args);
    let entities = declared(args.entities.as_deref())?;
    if let Some(folder) = args.static_folder.as_ref().filter(|folder| !folder.is_dir()) {
        return Err(CliError::NoStaticFolder(folder.clone()));
    }
    let store = super::open(database).await?;
    let options = Options {
        requests_per_second: args.requests_per_second,
        check_references: args.check_references,
        cors_origins: args.cors_origins,
        static_folder: args.static_folder,
        ..Options::default()
    };
    let mut state = AppState::new(store, entities, options);
    if let Some(options) = args.jwt.options() {
        state.jwt = Some(Arc::new(JwtVerifier::new(options).await?));
    }
    let listener = listen(args.listen).await?;
    if let Some(address) = args.metrics_listen {
        serve_metrics(address).await?;
    }
    let address = listener.local_addr().map_err(|error| listen_error(args.listen, &error))?;
    // Before it says that it listens: who reads that may tell it to stop.
    let told = told_to_stop()?;
    tracing::info!(configuration, version = env!("CARGO_PKG_VERSION"), "started");
    println!("lastword-server listening on http://{address}");
    let upkeep = tokio::spawn(upkeep(state.clone(), args.purge.kept_ms()));
    // Small answers and pokes leave at once.
    let listener = listener.tap_io(|connection| drop(connection.set_nodelay(true)));
    axum::serve(listener, router(state.clone()))
        .with_graceful_shutdown(async move {
            told.await;
            // Event streams would never end by themselves.
            state.pokes.close();
        })
        .await
        .map_err(|error| CliError::Stopped(error.to_string()))?;
    upkeep.abort();
    tracing::info!("stopped");
    Ok(())
}

/// The entities to serve. None at all is a start too: one sees that it runs, and what to do next.
fn declared(file: Option<&Path>) -> Result<Entities, CliError> {
    if file.is_none() && !Path::new(ENTITIES_FILE).exists() {
        tracing::warn!("no entity is served: declare them in {ENTITIES_FILE}, or name a file with --entities");
        return Ok(Entities::default());
    }
    Ok(Entities::load(file.unwrap_or(Path::new(ENTITIES_FILE)))?)
}

/// What the server runs with. Of the database only what holds no password.
fn shown(database: &DatabaseArgs, args: &ServeArgs) -> String {
    serde_json::json!({
        "database": database.shown(),
        "listen": args.listen,
        "entities": args.entities,
        "static": args.static_folder,
        "cors_origins": args.cors_origins,
        "check_references": args.check_references,
        "requests_per_second": args.requests_per_second,
        "tombstone_days": args.purge.days(),
        "metrics_listen": args.metrics_listen,
        "jwks": args.jwt.jwks,
        "jwt_issuer": args.jwt.jwt_issuer,
        "jwt_audience": args.jwt.jwt_audience,
    })
    .to_string()
}

impl JwtArgs {
    fn options(self) -> Option<JwtOptions> {
        let jwks = self.jwks?;
        let is_url = jwks.starts_with("https://") || jwks.starts_with("http://");
        let jwks = if is_url { JwksSource::Url(jwks) } else { JwksSource::File(jwks.into()) };
        Some(JwtOptions { jwks, issuer: self.jwt_issuer?, audience: self.jwt_audience? })
    }
}

async fn serve_metrics(address: SocketAddr) -> Result<(), CliError> {
    let handle = metrics::install().map_err(|error| CliError::Metrics(error.to_string()))?;
    let listener = listen(address).await?;
    let address = listener.local_addr().map_err(|error| listen_error(address, &error))?;
    tracing::info!(%address, "serving metrics");
    tokio::spawn(async move { axum::serve(listener, metrics::router(handle)).await });
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

/// Listens for SIGINT and SIGTERM from now on; what it gives ends at the first.
fn told_to_stop() -> Result<impl Future<Output = ()>, CliError> {
    #[cfg(unix)]
    let told = {
        use tokio::signal::unix::{SignalKind, signal};
        let listen = |kind| signal(kind).map_err(|error| CliError::Stopped(error.to_string()));
        let (mut interrupt, mut terminate) = (listen(SignalKind::interrupt())?, listen(SignalKind::terminate())?);
        async move {
            tokio::select! { _ = interrupt.recv() => (), _ = terminate.recv() => () }
        }
    };
    #[cfg(not(unix))]
    let told = async { drop(tokio::signal::ctrl_c().await) };
    Ok(async move {
        told.await;
        tracing::info!("finishing the requests in flight");
    })
}

const ENTITIES_FILE: &str = "entities.json";
