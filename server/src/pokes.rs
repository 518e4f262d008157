//! Tells who listens that a user's history moved. Carries no data, and a lost poke does no harm.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use crate::store::UserId;

/// The listeners of this process, by user. Cheap to clone.
#[derive(Clone, Default)]
pub struct Pokes(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    closed: bool,
    users: HashMap<UserId, watch::Sender<()>>,
}

/// One listener. Pokes that come while it is busy are one poke.
pub struct Listener {
    user: UserId,
    pokes: Pokes,
    receiver: watch::Receiver<()>,
}

impl Pokes {
    /// Listens for one user; `None` once the server is stopping.
    #[must_use]
    pub fn listen(&self, user: UserId) -> Option<Listener> {
        let mut inner = self.inner();
        if inner.closed {
            return None;
        }
        let receiver = inner.users.entry(user).or_insert_with(|| watch::channel(()).0).subscribe();
        Some(Listener { user, pokes: self.clone(), receiver })
    }

    /// Wakes the user's listeners.
    pub fn poke(&self, user: UserId) {
        if let Some(sender) = self.inner().users.get(&user) {
            sender.send_replace(());
        }
    }

    /// Ends all listeners, and all to come: the server is stopping.
    pub fn close(&self) {
        let mut inner = self.inner();
        inner.closed = true;
        inner.users.clear();
    }

    /// True once the server is stopping.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.inner().closed
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        // The map is whole after every statement, so a panic elsewhere cannot have left it half changed.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Listener {
    /// Waits for the next poke; false when the server is stopping.
    pub async fn poked(&mut self) -> bool {
        self.receiver.changed().await.is_ok()
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let mut inner = self.pokes.inner();
        // The receiver of this listener still counts.
        if inner.users.get(&self.user).is_some_and(|sender| sender.receiver_count() <= 1) {
            inner.users.remove(&self.user);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[tokio::test]
    async fn a_poke_reaches_the_users_listeners_and_none_is_kept_for_nobody() {
        let (pokes, ann, bob) = (Pokes::default(), UserId(Uuid::from_u128(1)), UserId(Uuid::from_u128(2)));
        let (mut one, mut two) = (pokes.listen(ann).unwrap(), pokes.listen(ann).unwrap());
        let other = pokes.listen(bob).unwrap();
        pokes.poke(ann);
        pokes.poke(ann);
        assert!(one.poked().await && two.poked().await);
        assert!(!one.receiver.has_changed().unwrap() && !other.receiver.has_changed().unwrap());
        drop(one);
        assert_eq!(pokes.inner().users.len(), 2);
        drop((two, other));
        assert_eq!(pokes.inner().users.len(), 0);
        let mut last = pokes.listen(ann).unwrap();
        pokes.close();
        assert!(!last.poked().await && pokes.listen(ann).is_none());
    }
}
