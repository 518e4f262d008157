//! The calls of an open replica: steps and events out of arguments, values out of outcomes. Never decides.

use js_sys::Array;
use serde::Serialize;
use wasm_bindgen::prelude::*;

use super::args::{Args, field};
use super::core::{Core, config, invalid, new_hash_key};
use super::status::{Failure, RecordStatus, ShownChange, ShownConflict, Stats, SyncResult};
use crate::browser::clock::BrowserClock;
use crate::browser::codec;
use crate::browser::stores::UNREADABLE;
use crate::checkpoint::Replica;
use crate::config::Detect;
use crate::engine::state::{Event, Mode};
use crate::error::Error;
use crate::outgoing::detect::Look;
use crate::outgoing::outbox::ChangeState;
use crate::outgoing::retry::{Choice, Count, Discard, Resolve, Retry, Wipe};
use crate::outgoing::standing::ReadStanding;
use crate::outgoing::write::{Edit, EditKind, ReadRows};
use crate::ports::Clock;
use crate::record::{Entity, Fields, Key, Millis, Stamp};

type Answer = Result<JsValue, Error>;

impl Core {
    /// Syncs by itself from now on.
    pub(super) fn start(&self) -> Answer {
        self.driver.send(Event::Start);
        NOTHING
    }

    /// Stops syncing. Edits are still stored and marked.
    pub(super) fn stop_for_good(&self) -> Answer {
        self.is_frozen.set(false);
        self.stop();
        NOTHING
    }

    /// Runs one whole cycle, also while stopped.
    pub(super) async fn sync_now(&self) -> Answer {
        let was_stopped = self.driver.view().mode == Mode::Stopped;
        if was_stopped {
            self.driver.send(Event::Start);
        }
        let result = self.driver.sync_now().await;
        if was_stopped {
            self.stop();
        }
        shown(&SyncResult::from(result?))
    }

    /// Hints that something happened: `online`, `offline`, `visible`, `focus`, `poke`, `edit`, `freeze`, `resume`, and that
    /// the timer may be `slow` or is to be `brisk` again.
    pub(super) fn trigger(&self, kind: &str) -> Answer {
        match kind {
            // A frozen context keeps its locks and does nothing: the lead must be free before that.
            "freeze" if self.driver.view().mode != Mode::Stopped => {
                self.is_frozen.set(true);
                self.stop();
            }
            "resume" if self.is_frozen.replace(false) => self.driver.send(Event::Start),
            // Whether there is a connection is for a request to find out.
            "online" | "offline" | "visible" | "focus" | "resume" => self.driver.send(Event::Hint),
            "poke" => self.driver.send(Event::Poked),
            "slow" | "brisk" => self.driver.send(Event::Slow(kind == "slow")),
            "edit" => {
                // Written by others: what was followed no longer holds.
                self.driver.ports().store.follow(None);
                self.driver.send(Event::Edited);
                // Read now, and not in the way of the round that follows.
                self.status_changed();
            }
            _ => {}
        }
        NOTHING
    }

    /// Whether this context syncs, and leads. Reads nothing: a round that is asked for must not wait for the database.
    pub(super) fn mode(&self) -> Answer {
        Ok(match self.driver.view().mode {
            Mode::Stopped => "stopped",
            Mode::Leader => "leader",
            Mode::Follower | Mode::Opening(_) => "follower",
        }
        .into())
    }

    /// The state of syncing.
    pub(super) async fn shown_status(&self) -> Answer {
        let standing = self.run(&ReadStanding).await?;
        shown(&self.status(&standing))
    }

    /// Counts rows by where they stand, in all and by entity.
    pub(super) async fn stats(&self) -> Answer {
        let rows = self.run(&Count).await?;
        shown(&Stats::new(&self.config, &rows, &self.waiting().await?))
    }

    /// Stores a record, all of its fields; makes its id where it has none.
    pub(super) async fn put(&self, args: &Args) -> Answer {
        let entity = self.entity(args)?;
        self.edit(entity, vec![self.put_edit(entity, &args.value(1))?]).await.map(|records| records.get(0))
    }

    /// Stores records, all in one transaction.
    pub(super) async fn bulk_put(&self, args: &Args) -> Answer {
        let entity = self.entity(args)?;
        let mut edits = Vec::new();
        for record in args.list(1)?.iter() {
            edits.push(self.put_edit(entity, &record)?);
        }
        self.edit(entity, edits).await.map(JsValue::from)
    }

    /// Changes some fields of a live record.
    pub(super) async fn update(&self, args: &Args) -> Answer {
        let key = self.key(args)?;
        let entity = key.entity;
        let kind = EditKind::Patch(self.fields(entity, &args.value(2))?.1);
        self.edit(entity, vec![Edit { key, kind }]).await.map(|records| records.get(0))
    }

    /// Makes records tombstones, all in one transaction.
    pub(super) async fn delete(&self, entity: Entity, ids: Vec<String>) -> Answer {
        self.edit_all(entity, ids, &EditKind::Delete).await
    }

    /// The live records of an entity; with tombstones where `includeDeleted`.
    pub(super) async fn list(&self, args: &Args) -> Answer {
        let deleted = field(&args.value(1), "includeDeleted").is_truthy();
        let records = self.reader.records(self.entity(args)?, deleted).await?;
        Ok(records.into_iter().collect::<Array>().into())
    }

    /// Where a record stands.
    pub(super) async fn status_of(&self, key: Key) -> Answer {
        let change = match self.config.entity(key.entity).detect {
            Detect::Exact => self.waiting().await?.changes.into_iter().find(|change| change.key == key),
            // What the app wrote by itself may not have been found yet (I21).
            Detect::Scan => self.run(&Look { key: key.clone(), now: BrowserClock.now().wall }).await?,
        };
        let exists = !self.reader.record(key.entity, &key.id, true).await?.is_undefined();
        shown(&RecordStatus::new(change.as_ref(), exists))
    }

    /// Marks a record to be pushed as it stands.
    pub(super) async fn mark_dirty(&self, key: Key) -> Answer {
        self.edit_all(key.entity, vec![key.id], &EditKind::MarkDirty).await
    }

    /// Marks every record of an entity, or of all, to be pushed as it stands.
    pub(super) async fn mark_all_dirty(&self, only: Option<Entity>) -> Answer {
        let entities = only.map_or_else(|| self.config.all().collect(), |entity| vec![entity]);
        for entity in entities {
            let rows = self.run(&ReadRows { entity, ids: None }).await?;
            let live = rows.into_iter().filter(|(_, row)| row.row().is_some_and(|row| !row.record.is_deleted));
            self.edit_all(entity, live.map(|(id, _)| id).collect(), &EditKind::MarkDirty).await?;
        }
        NOTHING
    }

    /// The outbox, of one entity or of all.
    pub(super) async fn pending(&self, only: Option<Entity>) -> Answer {
        let mut unsent = self.waiting().await?.changes;
        unsent.retain(|change| change.is_dirty() && only.is_none_or(|only| only == change.key.entity));
        shown(&unsent.into_iter().map(|change| ShownChange::new(&self.config, change)).collect::<Vec<_>>())
    }

    /// The conflicts that wait for the user.
    pub(super) async fn conflicts(&self) -> Answer {
        let conflicts = self.waiting().await?.conflicts.into_iter();
        shown(&conflicts.map(|conflict| ShownConflict::new(&self.config, conflict)).collect::<Vec<_>>())
    }

    /// Settles a conflict: `{ keep: "local" | "remote" }` or `{ merged }`.
    pub(super) async fn resolve_conflict(&self, key: Key, choice: &JsValue) -> Answer {
        let merged = field(choice, "merged");
        let choice = match field(choice, "keep").as_string().as_deref() {
            Some("local") => Choice::KeepLocal,
            Some("remote") => Choice::KeepRemote,
            _ if merged.is_object() => Choice::Merged(self.checked(key.entity, self.fields(key.entity, &merged)?.1)?),
            _ => return Err(config("a choice is { keep: \"local\" }, { keep: \"remote\" } or { merged: record }")),
        };
        self.run(&Resolve { key: key.clone(), choice, now: BrowserClock.now().wall }).await?;
        self.edited(vec![key]);
        NOTHING
    }

    /// The changes that failed, dead letters included.
    pub(super) async fn failures(&self) -> Answer {
        let changes = self.waiting().await?.changes.into_iter();
        shown(&changes.filter_map(|change| Failure::new(&self.config, change)).collect::<Vec<_>>())
    }

    /// Puts failed changes back into the queue, all where none is named; answers how many.
    pub(super) async fn retry(&self, keys: Option<Vec<Key>>) -> Answer {
        let count = self.run(&Retry { keys }).await?;
        self.driver.send(Event::Edited);
        self.status_changed();
        Ok(count.into())
    }

    /// Gives up a local change; the backend's copy takes its place.
    pub(super) async fn discard(&self, key: Key) -> Answer {
        self.run(&Discard { key: key.clone() }).await?;
        self.edited(vec![key]);
        NOTHING
    }

    /// Everything that has not reached the backend, with its contents: for a file that the user keeps.
    pub(super) async fn export_unsynced(&self) -> Answer {
        let mut unsynced = Vec::new();
        for change in
            self.waiting().await?.changes.into_iter().filter(|change| change.state != ChangeState::Acknowledged)
        {
            let Key { entity, id } = change.key.clone();
            let rows = self.run(&ReadRows { entity, ids: Some(vec![id]) }).await?;
            let row = rows.into_iter().next().and_then(|(_, row)| row.row().map(|row| row.record.clone()));
            let names = &self.config.entity(entity).names;
            let record = row.or(change.tombstone.clone()).map(|record| names.object(record));
            let raw = change.raw.clone();
            unsynced.push(Exported { change: ShownChange::new(&self.config, change), record, raw });
        }
        shown(&Export { exported_at: BrowserClock.now().wall.0, unsynced })
    }

    /// Says whose records these are; fixed from the first time on.
    pub(super) async fn sign_in(&self, to: &JsValue) -> Answer {
        let account = field(to, "account");
        // Anything else would be nobody's, and the accounts of two would be one.
        if !account.is_string() && !account.is_undefined() {
            return Err(config("`account` must be a string"));
        }
        let account = account.as_string();
        self.open_replica(account.clone()).await?;
        self.driver.ports().transport.forget_token();
        self.driver.send(Event::SignedIn(account));
        NOTHING
    }

    /// Stops syncing and forgets the token; with `wipe`, removes every record of the account.
    ///
    /// Answers how many edits had not reached the backend.
    pub(super) async fn sign_out(&self, how: &JsValue) -> Answer {
        self.stop();
        self.driver.ports().transport.forget_token();
        self.account.take();
        let unsent = if field(how, "wipe").is_truthy() {
            let wiped = self.wipe().await;
            self.status_changed();
            wiped?
        } else {
            self.waiting().await?.changes.iter().filter(|change| change.is_dirty()).count()
        };
        shown(&SignedOut { unsent })
    }

    /// Removes every record, whatever else of ours cannot be read.
    async fn wipe(&self) -> Result<usize, Error> {
        let wiped = self.run(&Wipe::default()).await;
        if !matches!(&wiped, Err(Error::Store { name, .. }) if name == UNREADABLE) {
            return wiped;
        }
        let instead = Replica {
            device_id: self.device_id.borrow().clone(),
            account: None,
            // Beyond any that a leader held.
            fence: u64::try_from(BrowserClock.now().wall.0).unwrap_or_default(),
            last_stamp: Stamp(0),
            offset_ms: 0,
            clock_max: Millis(0),
            hash_key: new_hash_key(),
        };
        self.run(&Wipe { instead: Some(instead) }).await
    }

    /// Stops and closes everything; the records stay.
    pub(super) async fn destroy(&self) -> Answer {
        self.driver.send(Event::Stop);
        self.reader.close().await;
        self.driver.ports().store.close().await;
        NOTHING
    }
}

#[derive(Serialize)]
struct SignedOut {
    unsent: usize,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Export<'a> {
    exported_at: i64,
    unsynced: Vec<Exported<'a>>,
}

#[derive(Serialize)]
struct Exported<'a> {
    change: ShownChange<'a>,
    record: Option<Fields>,
    /// What stands in the outbox and cannot be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    raw: Option<String>,
}

fn shown<T: Serialize>(value: &T) -> Answer {
    codec::to_js(value).map_err(|reason| invalid("", reason))
}

pub(super) const NOTHING: Answer = Ok(JsValue::UNDEFINED);
