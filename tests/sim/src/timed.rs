//! A backend that gives no cursors and is asked with a time: it shows what it stored since, by `serverUpdatedAt`, which a
//! transaction takes when it begins and shows when it commits. Never shows one later than the overlap that clients keep.

use lastword::config::Since;
use lastword::incoming::pull::Page;
use lastword::incoming::timed::Asked;
use lastword::ports::Failure;
use lastword::record::{Entity, Record, Scope};
use serde_json::json;

use crate::backend::{Backend, Reader, entity_of};
use crate::rng::Rng;
use crate::world::{At, World};

impl World {
    /// What the request for a page says, where it says a time.
    pub(crate) fn ask(&mut self, at: At, scope: Scope, cursor: Option<&str>, limit: usize) -> Option<Asked> {
        let (Scope::One(entity), Since::Time { overlap_ms }) = (scope, self.config.since) else { return None };
        let now = self.now(at.replica);
        let timed = &self.replicas[at.replica].tabs[at.tab].timed;
        Some(timed.ask(entity, cursor, limit, overlap_ms, now))
    }

    /// The page as the client makes it of the answer.
    pub(crate) fn timed_page(&mut self, at: At, asked: Asked, user: usize, reader: Reader) -> Result<Page, Failure> {
        let body = self.backend.since(user, asked.entity, asked.since, asked.limit, reader);
        let now = self.now(at.replica);
        let page = self.replicas[at.replica].tabs[at.tab].timed.page(&self.config, asked, &body, now);
        page.map_err(|reason| Failure::BadResponse { reason })
    }
}

impl Backend {
    fn since(&self, user: usize, entity: Entity, since: Option<i64>, limit: usize, reader: Reader) -> Vec<u8> {
        let users = self.standby.as_ref().filter(|_| reader == Reader::Standby).unwrap_or(&self.users);
        let time = |record: &Record| record.server_updated_at.map_or(0, |time| time.0);
        let mut found: Vec<&Record> = users[user]
            .records
            .iter()
            .enumerate()
            .filter(|(index, _)| entity_of(*index) == entity)
            .filter_map(|(_, slot)| Some(&slot.as_ref()?.record))
            .filter(|record| since.is_none_or(|since| time(record) > since))
            .collect();
        found.sort_by_key(|record| time(record));
        found.truncate(limit);
        serde_json::to_vec(&json!({ "records": found })).unwrap_or_default()
    }
}

/// When a transaction that commits now began: what its copy is stamped with.
pub(crate) fn began(now: i64, late_max_ms: i64, rng: &mut Rng) -> i64 {
    now - if rng.chance(400) { rng.between(0, late_max_ms) } else { rng.between(0, 5) }
}
