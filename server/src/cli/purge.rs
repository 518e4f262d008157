//! `purge`, now. Never keeps tombstones for less than 30 days.

use clap::Args;
use lastword_server::clock::Clock;
use lastword_server::store::ServerStore;
use lastword_server::upkeep::purge;

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

impl PurgeArgs {
    pub(crate) fn days(self) -> i64 {
        self.tombstone_days
    }

    pub(crate) fn kept_ms(self) -> i64 {
        self.tombstone_days * DAY_MS
    }
}

const DAY_MS: i64 = 24 * 60 * 60 * 1000;
