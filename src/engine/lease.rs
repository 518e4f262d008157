//! Taking the lead: makes the replica's state where there is none, checks the account, raises the fence. Never waits.
//!
//! Source: docs/protocol.md, sections 8 and 10; invariants I13, I15.

use crate::checkpoint::{Checkpoint, InFlight, Replica};
use crate::commit::{Found, Next, Read, Refusal, Step, Write};
use crate::config::Config;
use crate::record::{ByScope, Millis, Stamp};

/// Opens the replica; with `lead`, also raises the fence.
pub struct Open {
    /// Whose records these are; none where the app has no accounts.
    pub account: Option<String>,
    /// Used where there is no replica yet: its id.
    pub device_id: String,
    /// Used where there is no replica yet: the key of its content hashes.
    pub hash_key: u64,
    /// True to take the lead. Only opening without it gives a database that has no account one.
    pub lead: bool,
}

/// The replica as it was found or made.
#[derive(Clone, Debug, PartialEq)]
pub struct Opened {
    /// The replica.
    pub replica: Replica,
    /// A push whose answer is not known.
    pub in_flight: Option<InFlight>,
    /// How far each scope has been pulled.
    pub checkpoints: ByScope<Checkpoint>,
    /// True when this call made the replica.
    pub is_new: bool,
}

/// Reads the replica as it is: for a leader that has no room to raise its fence, and stores nothing.
pub struct Look {
    /// Whose records these must be.
    pub account: Option<String>,
}

impl Step for Open {
    type Outcome = Opened;

    fn next(&self, found: &Found, config: &Config) -> Next<Opened> {
        if found.rounds == 0 {
            return Next::Read(reads(config));
        }
        let is_new = found.replica.is_none();
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
            (None, Some(_)) if self.lead && !is_new => return Next::Refuse(Refusal::AccountMismatch),
            (None, Some(asked)) => replica.account = Some(asked.clone()),
            (_, _) => {}
        }
        replica.fence += u64::from(self.lead);
        let changed = found.replica.as_ref() != Some(&replica);
        let writes = if changed { vec![Write::PutReplica(replica.clone())] } else { Vec::new() };
        Next::Commit(writes, opened(replica, found, config, is_new))
    }

    fn is_strict(&self) -> bool {
        // A fence or a device id that a power cut takes back would be given out twice.
        true
    }
}

impl Step for Look {
    type Outcome = Opened;

    fn next(&self, found: &Found, config: &Config) -> Next<Opened> {
        if found.rounds == 0 {
            return Next::Read(reads(config));
        }
        match &found.replica {
            None => Next::Refuse(Refusal::NoReplica),
            Some(replica) if self.account.is_some() && replica.account != self.account => {
                Next::Refuse(Refusal::AccountMismatch)
            }
            Some(replica) => Next::Commit(Vec::new(), opened(replica.clone(), found, config, false)),
        }
    }

    fn is_read_only(&self) -> bool {
        true
    }
}

fn reads(config: &Config) -> Vec<Read> {
    let mut reads = vec![Read::Replica, Read::InFlight];
    reads.extend(config.scopes().into_iter().map(Read::Checkpoint));
    reads
}

fn opened(replica: Replica, found: &Found, config: &Config, is_new: bool) -> Opened {
    let checkpoints = config.scopes().into_iter().map(|scope| (scope, found.checkpoint(scope))).collect();
    Opened { replica, in_flight: found.in_flight.clone(), checkpoints, is_new }
}
