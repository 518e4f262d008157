//! Pokes between nodes by NOTIFY, gathered for a moment: each NOTIFY takes a lock of the whole database server.

use std::collections::HashSet;
use std::time::Duration;

use sqlx::PgPool;
use sqlx::postgres::PgListener;
use tokio::sync::mpsc;
use uuid::Uuid;

use super::PostgresStore;
use crate::pokes::Pokes;
use crate::store::{StoreError, UserId};

/// Sends what is queued, until the store is dropped.
pub(super) async fn send(pool: PgPool, node: i64, mut queue: mpsc::Receiver<UserId>) {
    while let Some(first) = queue.recv().await {
        tokio::time::sleep(GATHER).await;
        let mut users = HashSet::from([first]);
        while users.len() < USERS_PER_NOTIFY
            && let Ok(user) = queue.try_recv()
        {
            users.insert(user);
        }
        let ids: Vec<String> = users.iter().map(|user| user.0.simple().to_string()).collect();
        let message = format!("{node} {}", ids.join(" "));
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
        for user in words.filter_map(|word| Uuid::try_parse(word).ok()) {
            pokes.poke(UserId(user));
        }
    }
}

const CHANNEL: &str = "lastword";
const GATHER: Duration = Duration::from_millis(20);
/// A payload is at most 8,000 bytes, an id 33.
const USERS_PER_NOTIFY: usize = 200;
