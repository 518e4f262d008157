//! Taking the lead: makes the replica's state where there is none, checks the account, raises the fence. Never waits.
//!
//! Source: docs/protocol.md, sections 8 and 10; invariants I13, I15.

use crate::checkpoint::{Checkpoint, InFlight, Replica};
use crate::commit::{Found, Next, Read, Refusal, Step, Write};
use crate::config::Config;
use crate::record::{ByScope, Millis, Stamp, listed};

/// Opens the replica; to lead, also raises the fence.
pub struct Open {
    /// Whose records these are; none where the app has no accounts.
    pub account: Option<String>,
    /// Used where there is no replica yet: its id.
    pub device_id: String,
    /// Used where there is no replica yet: the key of its content hashes.
    pub hash_key: u64,
    /// What for.
    pub purpose: Purpose,
}

/// What a replica is opened for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To use it. Only this gives a database that has no account one.
    Use,
    /// To lead.
    Lead,
    /// To see what is there: for a leader that has no room to raise its fence, and stores nothing.
    Look,
}

/// The replica as it was found or made.
#[derive(Clone, Debug, PartialEq)]
pub struct Opened {
    /// The replica.
    pub replica: Replica,
    /// Bodies whose answers are not known.
    pub in_flight: Vec<InFlight>,
    /// How far each scope has been pulled.
    pub checkpoints: ByScope<Checkpoint>,
    /// True when this call made the replica.
    pub is_new: bool,
}

impl Step for Open {
    type Outcome = Opened;

    fn next(&self, found: &Found, config: &Config) -> Next<Opened> {
        if found.rounds == 0 {
            let mut reads = vec![Read::Replica, Read::InFlight];
            reads.extend(config.scopes().into_iter().map(Read::Checkpoint));
            return Next::Read(reads);
        }
        let is_new = found.replica.is_none();
        if is_new && self.is_read_only() {
            return Next::Refuse(Refusal::NoReplica);
        }
        let mut replica = found.replica.clone().unwrap_or_else(|| Replica {
            device_id: self.device_id.clone(),
            account: None,
            fence: 0,
            last_stamp: Stamp(0),
            offset_ms: 0,
            clock_max: Millis(0),
            hash_key: self.hash_key,
        });
        match (&replica.account, &self.account) {
            (Some(held), Some(asked)) if held != asked => return Next::Refuse(Refusal::AccountMismatch),
            // Wiped under a leader that still runs: it must not bring its account back.
            (None, Some(_)) if self.purpose != Purpose::Use && !is_new => {
                return Next::Refuse(Refusal::AccountMismatch);
            }
            (None, Some(asked)) => replica.account = Some(asked.clone()),
            (_, _) => {}
        }
        replica.fence += u64::from(self.purpose == Purpose::Lead);
        let changed = found.replica.as_ref() != Some(&replica);
        let writes = if changed { vec![Write::PutReplica(replica.clone())] } else { Vec::new() };
        let checkpoints = listed(config.scopes().into_iter().map(|scope| (scope, found.checkpoint(scope))));
        Next::Commit(writes, Opened { replica, in_flight: found.in_flight.clone(), checkpoints, is_new })
    }

    fn is_read_only(&self) -> bool {
        self.purpose == Purpose::Look
    }

    fn is_strict(&self) -> bool {
        // A device id that a power cut takes back is another one afterwards. A fence may be given out twice then: whoever held
        // it before is gone.
        self.purpose == Purpose::Use
    }
}
