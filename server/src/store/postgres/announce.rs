//! Pokes between nodes by NOTIFY, gathered for a moment: each NOTIFY takes a lock of the whole database server.

use std::collections::HashSet;
use std::time::Duration;

use sqlx::PgPool;
use sqlx::postgres::PgListener;
use tokio::sync::mpsc;
use uuid::Uuid;

use super::PostgresStore;
use crate::pokes::Pokes;
use crate::store::{DeviceId, StoreError, UserId};

/// Sends what is queued, until the store is dropped.
pub(super) async fn send(pool: PgPool, node: i64, mut queue: mpsc::Receiver<(UserId, DeviceId)>) {
    while let Some(first) = queue.recv().await {
        tokio::time::sleep(GATHER).await;
        let mut moves = HashSet::from([first]);
        while moves.len() < MOVES_PER_NOTIFY
            && let Ok(next) = queue.try_recv()
        {
            moves.insert(next);
        }
        let words = moves.iter().map(|(user, by)| format!(" {}/{}", user.0.simple(), by.0.simple()));
        let message = format!("{node}{}", words.collect::<String>());
        if let Err(error) = sqlx::query("SELECT pg_notify($1, $2)").bind(CHANNEL).bind(message).execute(&pool).await {
            tracing::warn!(error = %StoreError::from(error), "could not tell other nodes of a change");
        }
    }
}

/// Wakes the listeners of this node for what others announce.
pub(super) async fn listen(store: &PostgresStore, pokes: &Pokes) -> Result<(), StoreError> {
    let mut listener = PgListener::connect_with(&store.readers).await?;
    listener.listen(CHANNEL).await?;
    loop {
        let notification = listener.recv().await?;
        let mut words = notification.payload().split(' ');
        if words.next().and_then(|node| node.parse().ok()) == Some(store.node) {
            continue;
        }
        for (user, by) in words.filter_map(|word| word.split_once('/')) {
            if let (Ok(user), Ok(by)) = (Uuid::try_parse(user), Uuid::try_parse(by)) {
                pokes.poke(UserId(user), DeviceId(by));
            }
        }
    }
}

const CHANNEL: &str = "lastword";
const GATHER: Duration = Duration::from_millis(20);
/// A payload is at most 8,000 bytes; a user and a device are 66.
const MOVES_PER_NOTIFY: usize = 100;
