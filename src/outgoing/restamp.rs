//! New stamps for edits whose stamps the backend refused as too far ahead. Never touches an edit that it did not refuse.
//!
//! Source: docs/protocol.md, section 3; invariant I10.

use lastword_protocol::limits::STAMP_AHEAD_MAX_MS;

use super::outbox::{self, Change, ChangeState};
use crate::commit::{Found, Next, Read, Step, Write};
use crate::config::Config;
use crate::incoming::conflict::Notice;
use crate::mutation::{self, Mutation};
use crate::or_refuse;
use crate::record::{Entity, Millis, Stamp};

/// Stamps edits again whose stamps the backend refused as too far ahead, keeping their order.
pub struct Restamp {
    /// The leader's fence.
    pub fence: u64,
    /// The raw clock.
    pub now: Millis,
    /// The backend's estimated lead over the raw clock, in milliseconds.
    pub offset_ms: i64,
}

impl Step for Restamp {
    type Outcome = Vec<Notice>;

    fn next(&self, found: &Found, config: &Config) -> Next<Vec<Notice>> {
        match found.rounds {
            0 => {
                let mut reads = vec![Read::Replica];
                reads.extend(config.all().map(Read::AllChanges));
                return Next::Read(reads);
            }
            1 => {
                or_refuse!(found.led_by(self.fence));
                let ids = |entity| self.ahead(found, entity).map(|change| change.key.id.clone()).collect();
                return Next::Read(config.all().map(|entity| Read::Rows(entity, ids(entity))).collect());
            }
            _ => {}
        }
        let mut replica = or_refuse!(found.led_by(self.fence)).clone();
        let mut ahead: Vec<&Change> = config.all().flat_map(|entity| self.ahead(found, entity)).collect();
        outbox::by_stamp(&mut ahead);
        let mut last = self.corrected();
        let mut writes = Vec::new();
        let mut count = 0;
        for change in ahead {
            let key = &change.key;
            let Some(local) = found.local(key.entity, &key.id) else { continue };
            let mut change = change.clone();
            // Each keeps its place behind the last; an equal stamp would let the tie rule pick. What was sent and not
            // refused may be held by others, also where a restored backend shows an older copy.
            let sent = change.left().filter(|sent| *sent < change.stamp && sent.0 <= self.accepted_to()).max();
            let replaced =
                change.base.max(change.held).max(sent).filter(|_| !mutation::is(Mutation::RestampIgnoresReplaced));
            let stamp = last.next().max(replaced.map_or(Stamp(0), Stamp::next));
            if stamp >= change.stamp {
                // It replaces a copy that is as far ahead: only time helps, and the tries are counted.
                continue;
            }
            last = last.next();
            let mut record = local.clone();
            record.client_updated_at = stamp;
            change.remember_stamp();
            change.earlier.retain(|earlier| earlier.0 <= self.accepted_to());
            change.requeue();
            change.stamp = stamp;
            if change.tombstone.is_some() {
                change.tombstone = Some(record);
            } else {
                let synced = found.row(key.entity, &key.id).and_then(|row| row.synced);
                writes.push(Write::PutRow(key.entity, record, synced));
            }
            writes.push(Write::PutChange(change));
            count += 1;
        }
        replica.last_stamp = last;
        replica.offset_ms = self.offset_ms;
        writes.push(Write::PutReplica(replica));
        let notices = if count == 0 { Vec::new() } else { vec![Notice::Restamped { count }] };
        Next::Commit(writes, notices)
    }
}

impl Restamp {
    fn corrected(&self) -> Stamp {
        Stamp(self.now.0.saturating_add(self.offset_ms))
    }

    /// The greatest stamp that the backend may have accepted by now.
    fn accepted_to(&self) -> i64 {
        self.corrected().0.saturating_add(STAMP_AHEAD_MAX_MS)
    }

    fn ahead<'a>(&self, found: &'a Found, entity: Entity) -> impl Iterator<Item = &'a Change> {
        let corrected = self.corrected();
        found.changes.of(entity).map(|(_, change)| change).filter(move |change| {
            change.is_dirty() && change.state != ChangeState::Conflict && change.stamp > corrected
        })
    }
}
