//! Tells who listens that a user's history moved. Carries no data, and a lost poke does no harm.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::store::{DeviceId, UserId};

/// The listeners of this process, by user. Cheap to clone.
#[derive(Clone, Default)]
pub struct Pokes(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    closed: bool,
    users: HashMap<UserId, Vec<Arc<Ear>>>,
}

/// What a listener waits on.
struct Ear {
    device: Option<DeviceId>,
    woken: Notify,
}

/// One listener. Pokes that come while it is busy are one poke.
pub struct Listener {
    user: UserId,
    pokes: Pokes,
    ear: Arc<Ear>,
}

impl Pokes {
    /// Listens for one user, on behalf of `device` where that is known; `None` once the server is stopping.
    #[must_use]
    pub fn listen(&self, user: UserId, device: Option<DeviceId>) -> Option<Listener> {
        let mut inner = self.inner();
        if inner.closed {
            return None;
        }
        let ear = Arc::new(Ear { device, woken: Notify::new() });
        inner.users.entry(user).or_default().push(ear.clone());
        Some(Listener { user, pokes: self.clone(), ear })
    }

    /// Wakes the user's listeners, but for the device whose push it was: its answer told it.
    pub fn poke(&self, user: UserId, by: DeviceId) {
        for ear in self.inner().users.get(&user).into_iter().flatten() {
            if ear.device != Some(by) {
                ear.woken.notify_one();
            }
        }
    }

    /// Ends all listeners, and all to come: the server is stopping.
    pub fn close(&self) {
        let mut inner = self.inner();
        inner.closed = true;
        for ear in inner.users.values().flatten() {
            ear.woken.notify_one();
        }
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
        self.ear.woken.notified().await;
        !self.pokes.is_closed()
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let mut inner = self.pokes.inner();
        if let Some(ears) = inner.users.get_mut(&self.user) {
            ears.retain(|ear| !Arc::ptr_eq(ear, &self.ear));
            if ears.is_empty() {
                inner.users.remove(&self.user);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt as _;
    use uuid::Uuid;

    const ANN: UserId = UserId(Uuid::from_u128(1));
    const BOB: UserId = UserId(Uuid::from_u128(2));
    const PHONE: DeviceId = DeviceId(Uuid::from_u128(3));
    const LAPTOP: DeviceId = DeviceId(Uuid::from_u128(4));

    fn heard(listener: &mut Listener) -> Option<bool> {
        listener.poked().now_or_never()
    }

    #[test]
    fn a_poke_reaches_the_users_listeners_and_none_is_kept_for_nobody() {
        let pokes = Pokes::default();
        let (mut one, mut two) = (pokes.listen(ANN, None).unwrap(), pokes.listen(ANN, Some(LAPTOP)).unwrap());
        let mut other = pokes.listen(BOB, None).unwrap();
        pokes.poke(ANN, PHONE);
        pokes.poke(ANN, PHONE);
        assert_eq!((heard(&mut one), heard(&mut two), heard(&mut other)), (Some(true), Some(true), None));
        assert_eq!(heard(&mut one), None, "two pokes while it was busy are one");
        drop(one);
        assert_eq!(pokes.inner().users.len(), 2);
        drop((two, other));
        assert_eq!(pokes.inner().users.len(), 0);
        let mut last = pokes.listen(ANN, None).unwrap();
        pokes.close();
        assert!(heard(&mut last) == Some(false) && pokes.listen(ANN, None).is_none());
    }

    #[test]
    fn a_device_is_not_woken_by_its_own_push() {
        let pokes = Pokes::default();
        let (mut phone, mut laptop) =
            (pokes.listen(ANN, Some(PHONE)).unwrap(), pokes.listen(ANN, Some(LAPTOP)).unwrap());
        pokes.poke(ANN, PHONE);
        assert_eq!((heard(&mut phone), heard(&mut laptop)), (None, Some(true)));
        pokes.poke(ANN, LAPTOP);
        pokes.poke(ANN, PHONE);
        assert_eq!((heard(&mut phone), heard(&mut laptop)), (Some(true), Some(true)));
    }
}
