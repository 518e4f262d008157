//! `purge`, now or every hour. Never keeps tombstones for less than 30 days.

use std::time::Duration;

use clap::Args;
use lastword_server::AppState;
use lastword_server::clock::Clock;
use lastword_server::purge::purge;
use lastword_server::store::ServerStore;

use super::CliError;

#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct PurgeArgs {
    /// How many days tombstones are kept. A replica that was away for longer pulls everything anew.
    #[arg(long, env = "LASTWORD_TOMBSTONE_DAYS", default_value_t = 180, value_parser = clap::value_parser!(i64).range(30..=36_500))]
    tombstone_days: i64,
}

pub(crate) async fn purge_now(store: &dyn ServerStore, args: PurgeArgs) -> Result<(), CliError> {
    let purged = purge(store, Clock::system().now(), args.kept_ms()).await?;
    println!("removed {} tombstones and {} kept answers", purged.tombstones, purged.answers);
    Ok(())
}

/// Purges at start and every hour.
pub(crate) async fn purge_hourly(state: AppState, args: PurgeArgs) {
    let mut hours = tokio::time::interval(Duration::from_secs(60 * 60));
    loop {
        hours.tick().await;
        match purge(state.store.as_ref(), state.clock.now(), args.kept_ms()).await {
            Ok(purged) => tracing::info!(purged.tombstones, purged.answers, "purged"),
            Err(error) => tracing::warn!(%error, "could not purge; next try in an hour"),
        }
    }
}

impl PurgeArgs {
    fn kept_ms(self) -> i64 {
        self.tombstone_days * DAY_MS
    }
}

const DAY_MS: i64 = 24 * 60 * 60 * 1000;
