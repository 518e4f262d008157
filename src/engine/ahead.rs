//! The first pages of the scopes whose turn comes next, fetched while others are pulled. Never applies one.
//!
//! A cycle with nothing to do over many scopes is then a few round trips, not one for each. Only scopes that were pulled
//! before are asked, each for its share of one page, and a pull of several pages drops what came: two pages are held at
//! most (I17). No push lies between: what is asked for here is pulled before anything else happens.

use super::Engine;
use super::state::{Action, Cycle, PullRequest, Running, Task};
use crate::config::Since;
use crate::incoming::pull::Page;
use crate::ports::{Failure, Now};
use crate::record::Scope;

/// A page asked for before its turn.
pub(super) struct Ahead {
    scope: Scope,
    since: Option<String>,
    pub(super) id: u64,
    pub(super) sent_at: Now,
    /// What came of it before its turn.
    pub(super) came: Option<Result<Page, Failure>>,
}

impl Engine {
    /// Asks for the first pages of the pulls that follow the present one.
    pub(super) fn fetch_ahead(&mut self, now: Now) {
        let is_pulling = |cycle: &&Cycle| matches!(cycle.running, Some(Running::Pull(_)));
        let Some(cycle) = self.cycle.as_ref().filter(is_pulling) else { return };
        if self.config.since != Since::Cursor {
            return;
        }
        let next = cycle.tasks.iter().map_while(|task| if let Task::Pull(scope) = task { Some(*scope) } else { None });
        let scopes: Vec<Scope> = next.take(AHEAD_MAX).filter(|scope| !cycle.is_ahead(*scope)).collect();
        for scope in scopes {
            let known = self.checkpoints.get(&scope).filter(|known| known.resync.is_none() && known.cursor.is_some());
            let Some(since) = known.map(|known| known.cursor.clone()).filter(|_| !self.stopped.contains_key(&scope))
            else {
                continue;
            };
            let id = self.id();
            let limit = (self.config.page_records / AHEAD_MAX).max(1);
            self.actions.push(Action::Pull(id, PullRequest { scope, since: since.clone(), limit }));
            if let Some(cycle) = &mut self.cycle {
                cycle.ahead.push(Ahead { scope, since, id, sent_at: now, came: None });
            }
        }
    }
}

impl Cycle {
    fn is_ahead(&self, scope: Scope) -> bool {
        self.ahead.iter().any(|ahead| ahead.scope == scope)
    }

    /// The page that was asked for under this number, if it still may have a turn.
    pub(super) fn ahead(&mut self, id: u64) -> Option<&mut Ahead> {
        self.ahead.iter_mut().find(|ahead| ahead.id == id)
    }

    /// The turn of `scope` has come: its page, if it was asked for behind this cursor.
    pub(super) fn take_ahead(&mut self, scope: Scope, since: Option<&String>) -> Option<Ahead> {
        let place = self.ahead.iter().position(|ahead| ahead.scope == scope)?;
        Some(self.ahead.remove(place)).filter(|ahead| ahead.since.as_ref() == since)
    }
}

/// So many pages at once, together no larger than one; with the one that is pulled, a browser's connections to a host.
const AHEAD_MAX: usize = 4;
