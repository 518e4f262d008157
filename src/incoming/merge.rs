//! Step 3 of 4: one local and one remote copy to an outcome, by the one merge order. Never reads a clock.
//!
//! Source: docs/protocol.md, section 2. The whole table is tested exhaustively in tests/merge_table.rs.

use std::cmp::Ordering;

use lastword_protocol::order;

use crate::config::Policy;
use crate::mutation::{self, Mutation};
use crate::outgoing::outbox::{Change, ChangeState};
use crate::record::Record;

/// What to do with a remote copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Store the remote copy; nothing local was unsent.
    TakeRemote,
    /// Store the remote copy; the local edit lost and is reported.
    Supersede,
    /// Keep the local copy: the remote one is older than what is known here.
    KeepLocal,
    /// Keep the local edit: it is newer and stays in the outbox.
    KeepEdit,
    /// Both copies are the same: the outbox row has done its work.
    Confirm,
    /// The user decides.
    Conflict,
    /// Keep the local copy, acknowledged once, and push it again: the backend lost it.
    Requeue,
    /// Keep the local copy and push it: the backend lost it.
    Heal,
}

/// Picks the outcome for a record without unsent edits.
///
/// `heal` while resyncing with a backend that lost history.
#[must_use]
pub fn clean(local: Option<&Record>, remote: &Record, heal: bool) -> Outcome {
    let Some(local) = local else { return Outcome::TakeRemote };
    if heal {
        return match order::compare(local, remote) {
            Ordering::Greater => Outcome::Heal,
            Ordering::Equal | Ordering::Less => Outcome::TakeRemote,
        };
    }
    let stale = match (local.server_updated_at, remote.server_updated_at) {
        (Some(local), Some(remote)) => remote < local,
        _ => remote.client_updated_at < local.client_updated_at,
    };
    if stale { Outcome::KeepLocal } else { Outcome::TakeRemote }
}

/// Picks the outcome for a record that the outbox names; `local` is its row or kept tombstone.
#[must_use]
pub fn marked(change: &Change, local: Option<&Record>, remote: &Record, policy: Policy) -> Outcome {
    let Some(local) = local else {
        // Removed on this device alone, since it was acknowledged: its echo does not bring it back.
        let is_echo = change.state == ChangeState::Acknowledged && remote.client_updated_at == change.stamp;
        return if is_echo { Outcome::Confirm } else { Outcome::TakeRemote };
    };
    let mut order = order::compare(local, remote);
    let is_tie = local.client_updated_at == remote.client_updated_at;
    if mutation::is(Mutation::TieBrokenByArrival) && is_tie && order == Ordering::Greater {
        order = Ordering::Less;
    }
    if change.state == ChangeState::Acknowledged {
        return acknowledged(change, order, remote);
    }
    if is_earlier(remote, change) && !mutation::is(Mutation::StalePageOverwrites) {
        return Outcome::KeepLocal;
    }
    if order == Ordering::Equal {
        return Outcome::Confirm;
    }
    let expected = is_expected(change, local, remote);
    match policy {
        Policy::Manual if !expected => Outcome::Conflict,
        Policy::LastWriteWins | Policy::Manual if order == Ordering::Greater => Outcome::KeepEdit,
        Policy::LastWriteWins | Policy::Manual => Outcome::Supersede,
    }
}

/// The outcome that the stamps of the outbox row and of the remote copy decide alone, whatever the local copy holds.
///
/// Equal to [`marked`] where the local copy is the one that `change` names. A copy that was accepted when the acknowledged one
/// was is that one: no two copies of a backend are accepted at one time.
#[must_use]
pub fn by_stamp(change: &Change, remote: &Record, policy: Policy) -> Option<Outcome> {
    let order = change.stamp.cmp(&remote.client_updated_at);
    if change.state != ChangeState::Acknowledged {
        let is_kept = order == Ordering::Greater && policy == Policy::LastWriteWins && !is_earlier(remote, change);
        return is_kept.then_some(Outcome::KeepEdit);
    }
    let is_echo =
        order == Ordering::Equal && change.accepted_at.is_some() && remote.server_updated_at == change.accepted_at;
    match order {
        Ordering::Less => Some(Outcome::TakeRemote),
        Ordering::Equal | Ordering::Greater => is_echo.then_some(Outcome::Confirm),
    }
}

/// True for a copy that the edits replaced, or that this replica sent: no one else had a say.
#[must_use]
pub fn is_expected(change: &Change, local: &Record, remote: &Record) -> bool {
    let stamp = remote.client_updated_at;
    // A copy with the very stamp of the local one and other content is someone else's.
    Some(stamp) == change.base || (change.left().any(|left| left == stamp) && stamp != local.client_updated_at)
}

/// True for a copy that the backend held before the one it is known to hold: a reader that lags brings it.
fn is_earlier(remote: &Record, change: &Change) -> bool {
    remote.server_updated_at.zip(change.accepted_at).is_some_and(|(remote, known)| remote < known)
}

/// A lagging reader must not bring an older copy back; one that came after the acknowledgement replaces or lost it.
fn acknowledged(change: &Change, local_vs_remote: Ordering, remote: &Record) -> Outcome {
    let stale = is_earlier(remote, change) || change.accepted_at.is_none() || remote.server_updated_at.is_none();
    match local_vs_remote {
        Ordering::Equal => Outcome::Confirm,
        Ordering::Less => Outcome::TakeRemote,
        Ordering::Greater if mutation::is(Mutation::StalePageOverwrites) => Outcome::TakeRemote,
        Ordering::Greater if stale => Outcome::KeepLocal,
        // A history that still holds the acknowledged copy never takes an older one after it.
        Ordering::Greater => Outcome::Requeue,
    }
}
