//! Step 3 of 5: what is due, in the order to send it. Never reads a row, and writes nothing.
//!
//! Source: docs/protocol.md, section 8; invariant I14.

use super::outbox::{self, Change, Operation};
use crate::commit::{Found, Next, Read, Step};
use crate::config::Config;
use crate::mutation::{self, Mutation};
use crate::record::{Entity, Key, Millis, Scope};

/// Lists what is due to be pushed, in reference order: parents first, deletes last and children first.
pub struct Plan {
    /// The raw clock.
    pub now: Millis,
}

impl Step for Plan {
    type Outcome = Vec<Planned>;

    fn next(&self, found: &Found, config: &Config) -> Next<Vec<Planned>> {
        if found.rounds == 0 {
            return Next::Read(vec![Read::Outbox]);
        }
        let due = |entity: Entity, delete: bool| {
            let mut due: Vec<&Change> = found
                .changes
                .of(entity)
                .map(|(_, change)| change)
                .filter(|change| change.is_due(self.now) && (change.operation == Operation::Delete) == delete)
                .collect();
            // By id, so that a batch is one stretch of the outbox; but in one tree of records, a parent was written first.
            if config.entity(entity).references.iter().any(|(_, parent)| *parent == entity) {
                outbox::by_stamp(&mut due);
            }
            due
        };
        let mut entities: Vec<Entity> = config.all().collect();
        if mutation::is(Mutation::ChildBeforeParent) {
            entities.reverse();
        }
        let puts = entities.into_iter().flat_map(|entity| due(entity, false));
        let deletes = config.all().rev().flat_map(|entity| due(entity, true));
        let planned = puts
            .chain(deletes)
            .take(PLANNED_MAX)
            .map(|change| Planned { scope: config.scope_of(change.key.entity), key: change.key.clone() })
            .collect();
        Next::Commit(Vec::new(), planned)
    }

    fn is_read_only(&self) -> bool {
        true
    }
}

/// One change to be pushed.
#[derive(Clone, Debug, PartialEq)]
pub struct Planned {
    /// The scope whose endpoint takes it.
    pub scope: Scope,
    /// The record.
    pub key: Key,
}

/// Most changes planned at once; what is left is planned when these are done.
const PLANNED_MAX: usize = 10_000;
