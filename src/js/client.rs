//! `SyncCore`: what a worker calls. Never decides: it turns calls into steps and events, and outcomes into values.

use std::rc::Rc;

use js_sys::Array;
use serde::Serialize;
use wasm_bindgen::prelude::*;

use super::core::{Core, Patch, config, field, invalid};
use super::error::to_js as thrown;
use super::options::Types;
use super::status::{Failure, RecordStatus, ShownChange, ShownConflict, Stats, SyncResult};
use crate::browser::clock::BrowserClock;
use crate::browser::codec;
use crate::engine::state::{Event, Mode};
use crate::error::Error;
use crate::outgoing::outbox::ChangeState;
use crate::outgoing::retry::{Choice, Count, Discard, Resolve, Wipe};
use crate::outgoing::write::{Edit, EditKind, ReadRows};
use crate::ports::Clock;
use crate::record::{Fields, Key};

/// One open replica.
#[wasm_bindgen]
pub struct SyncCore {
    core: Rc<Core>,
}

type Answer = Result<JsValue, JsValue>;

impl SyncCore {
    /// Opens a replica whose records are an app's own serde types. [`crate::app`] calls it.
    ///
    /// # Errors
    /// As [`SyncCore::open`].
    pub async fn open_with(types: Types, options: JsValue, host: JsValue) -> Result<Self, JsValue> {
        Core::open(options, host, types).await.map(|core| Self { core }).map_err(|error| thrown(&error))
    }
}

#[wasm_bindgen]
impl SyncCore {
    /// Opens the database of `options` and makes its replica; syncs nothing yet.
    ///
    /// `host` has `emit(event)`, `token(refresh): Promise<string | null>` and, for a backend of custom style,
    /// `exchange(request): Promise<{ body } | { failure }>`.
    ///
    /// # Errors
    /// `config`, `account_mismatch`, `store`.
    pub async fn open(options: JsValue, host: JsValue) -> Result<SyncCore, JsValue> {
        Self::open_with(Types::new(), options, host).await
    }

    /// Syncs by itself from now on.
    pub fn start(&self) {
        self.core.driver.send(Event::Start);
    }

    /// Stops syncing. Edits are still stored and marked.
    pub async fn stop(&self) {
        self.core.is_frozen.set(false);
        self.core.stop();
    }

    /// Runs one whole cycle, also while stopped.
    ///
    /// # Errors
    /// What ended the cycle.
    #[wasm_bindgen(js_name = syncNow)]
    pub async fn sync_now(&self) -> Answer {
        let driver = &self.core.driver;
        let was_stopped = driver.view().mode == Mode::Stopped;
        if was_stopped {
            driver.send(Event::Start);
        }
        let result = driver.sync_now().await;
        if was_stopped {
            self.core.stop();
        }
        shown(result.map(SyncResult::from))
    }

    /// Hints that something happened: `online`, `offline`, `visible`, `focus`, `poke`, `edit`, `freeze`, `resume`, and that
    /// the timer may be `slow` or is to be `brisk` again.
    pub fn trigger(&self, kind: &str) {
        let core = &self.core;
        match kind {
            // A frozen context keeps its locks and does nothing: the lead must be free before that.
            "freeze" if core.driver.view().mode != Mode::Stopped => {
                core.is_frozen.set(true);
                core.stop();
            }
            "resume" if core.is_frozen.replace(false) => core.driver.send(Event::Start),
            // Whether there is a connection is for a request to find out.
            "online" | "offline" | "visible" | "focus" | "resume" => core.driver.send(Event::Hint),
            "poke" => core.driver.send(Event::Poked),
            "slow" | "brisk" => core.driver.send(Event::Slow(kind == "slow")),
            "edit" => core.driver.send(Event::Edited),
            _ => {}
        }
    }

    /// The state of syncing.
    ///
    /// # Errors
    /// `store`.
    pub async fn status(&self) -> Answer {
        let core = &self.core;
        let waiting = core.waiting().await.map_err(|error| thrown(&error))?;
        shown(Ok(core.status(&waiting)))
    }

    /// Counts rows by where they stand, in all and by entity.
    ///
    /// # Errors
    /// `store`.
    pub async fn stats(&self) -> Answer {
        let core = &self.core;
        let counted = async {
            let rows = core.run(&Count).await?;
            Ok(Stats::new(&core.config, &rows, &core.waiting().await?))
        };
        shown(counted.await)
    }

    /// Stores a record, all of its fields; makes its id where it has none.
    ///
    /// # Errors
    /// `unknown_entity`, `invalid`, `quota_exceeded`, `store`.
    pub async fn put(&self, entity: String, record: JsValue) -> Answer {
        let records = self.bulk_put(entity, vec![record]).await?;
        Ok(Array::from(&records).get(0))
    }

    /// Stores records, all in one transaction.
    ///
    /// # Errors
    /// As `put`; then none is stored.
    #[wasm_bindgen(js_name = bulkPut)]
    pub async fn bulk_put(&self, entity: String, records: Vec<JsValue>) -> Answer {
        let core = &self.core;
        let written = async {
            let entity = core.entity(&entity)?;
            let edits = records.iter().map(|record| core.put_edit(entity, record)).collect::<Result<_, _>>()?;
            core.shown(entity, core.write(edits).await?)
        };
        written.await.map(|records| Array::from_iter(records).into()).map_err(|error| thrown(&error))
    }

    /// Changes some fields of a live record.
    ///
    /// # Errors
    /// `unknown_entity`, `not_found`, `invalid`, `quota_exceeded`, `store`.
    pub async fn update(&self, entity: String, id: String, patch: JsValue) -> Answer {
        let core = &self.core;
        let written = async {
            let key = Key { entity: core.entity(&entity)?, id };
            let patch = core.fields(key.entity, &patch)?.1;
            let entity = key.entity;
            core.shown(entity, core.write(vec![Edit { key, kind: EditKind::Patch(patch) }]).await?)
        };
        let records = written.await.map_err(|error| thrown(&error))?;
        Ok(records.into_iter().next().unwrap_or(JsValue::UNDEFINED))
    }

    /// Makes a record a tombstone.
    ///
    /// # Errors
    /// `unknown_entity`, `quota_exceeded`, `store`.
    pub async fn delete(&self, entity: String, id: String) -> Answer {
        self.bulk_delete(entity, vec![id]).await
    }

    /// Makes records tombstones, all in one transaction.
    ///
    /// # Errors
    /// As `delete`.
    #[wasm_bindgen(js_name = bulkDelete)]
    pub async fn bulk_delete(&self, entity: String, ids: Vec<String>) -> Answer {
        let core = &self.core;
        let deleted = async { core.edit_all(core.entity(&entity)?, ids, &EditKind::Delete).await };
        nothing(deleted.await)
    }

    /// A live record; undefined where there is none.
    ///
    /// # Errors
    /// `unknown_entity`, `store`.
    pub async fn get(&self, entity: String, id: String) -> Answer {
        let core = &self.core;
        let read = async { core.reader.record(core.entity(&entity)?, &id, false).await };
        read.await.map_err(|error| thrown(&error))
    }

    /// The live records of an entity; with tombstones where `options.includeDeleted`.
    ///
    /// # Errors
    /// `unknown_entity`, `store`.
    pub async fn list(&self, entity: String, options: JsValue) -> Answer {
        let core = &self.core;
        let deleted = field(&options, "includeDeleted").is_truthy();
        let read = async { core.reader.records(core.entity(&entity)?, deleted).await };
        read.await.map(|records| records.into_iter().collect::<Array>().into()).map_err(|error| thrown(&error))
    }

    /// Where a record stands.
    ///
    /// # Errors
    /// `unknown_entity`, `store`.
    #[wasm_bindgen(js_name = statusOf)]
    pub async fn status_of(&self, entity: String, id: String) -> Answer {
        let core = &self.core;
        let read = async {
            let entity = core.entity(&entity)?;
            let waiting = core.waiting().await?;
            let change = waiting.changes.iter().find(|change| change.key.entity == entity && change.key.id == id);
            let exists = !core.reader.record(entity, &id, true).await?.is_undefined();
            Ok(RecordStatus::new(change, exists))
        };
        shown(read.await)
    }

    /// Marks a record to be pushed as it stands.
    ///
    /// # Errors
    /// `unknown_entity`, `not_found`, `store`.
    #[wasm_bindgen(js_name = markDirty)]
    pub async fn mark_dirty(&self, entity: String, id: String) -> Answer {
        let core = &self.core;
        let marked = async { core.edit_all(core.entity(&entity)?, vec![id], &EditKind::MarkDirty).await };
        nothing(marked.await)
    }

    /// Marks every record of an entity, or of all, to be pushed as it stands.
    ///
    /// # Errors
    /// `unknown_entity`, `store`.
    #[wasm_bindgen(js_name = markAllDirty)]
    pub async fn mark_all_dirty(&self, entity: Option<String>) -> Answer {
        let core = &self.core;
        let marked = async {
            let entities = match &entity {
                Some(name) => vec![core.entity(name)?],
                None => core.config.all().collect(),
            };
            for entity in entities {
                let rows = core.run(&ReadRows { entity, ids: None }).await?;
                let live = rows.into_iter().filter(|(_, row)| row.row().is_some_and(|row| !row.record.is_deleted));
                core.edit_all(entity, live.map(|(id, _)| id).collect(), &EditKind::MarkDirty).await?;
            }
            Ok(())
        };
        nothing(marked.await)
    }

    /// The outbox, of one entity or of all.
    ///
    /// # Errors
    /// `unknown_entity`, `store`.
    pub async fn pending(&self, entity: Option<String>) -> Answer {
        let core = &self.core;
        let read = async {
            let only = entity.as_deref().map(|name| core.entity(name)).transpose()?;
            let waiting = core.waiting().await?;
            let unsent = waiting.changes.into_iter().filter(|change| {
                change.state != ChangeState::Acknowledged && only.is_none_or(|only| only == change.key.entity)
            });
            Ok(unsent.map(|change| ShownChange::new(&core.config, change)).collect::<Vec<_>>())
        };
        shown(read.await)
    }

    /// The conflicts that wait for the user.
    ///
    /// # Errors
    /// `store`.
    pub async fn conflicts(&self) -> Answer {
        let core = &self.core;
        let show = |conflict| ShownConflict::new(&core.config, conflict);
        shown(core.waiting().await.map(|waiting| waiting.conflicts.into_iter().map(show).collect::<Vec<_>>()))
    }

    /// Settles a conflict: `{ keep: "local" | "remote" }` or `{ merged }`.
    ///
    /// # Errors
    /// `unknown_entity`, `not_found`, `config`, `invalid`, `store`.
    #[wasm_bindgen(js_name = resolveConflict)]
    pub async fn resolve_conflict(&self, entity: String, id: String, choice: JsValue) -> Answer {
        let core = &self.core;
        let resolved = async {
            let key = Key { entity: core.entity(&entity)?, id };
            let merged = field(&choice, "merged");
            let choice = match field(&choice, "keep").as_string().as_deref() {
                Some("local") => Choice::KeepLocal,
                Some("remote") => Choice::KeepRemote,
                _ if merged.is_object() => {
                    Choice::Merged(core.checked(key.entity, core.fields(key.entity, &merged)?.1)?)
                }
                _ => return Err(config("a choice is { keep: \"local\" }, { keep: \"remote\" } or { merged: record }")),
            };
            core.run(&Resolve { key: key.clone(), choice, now: BrowserClock.now().wall }).await?;
            core.edited(vec![key]);
            Ok(())
        };
        nothing(resolved.await)
    }

    /// The changes that failed, dead letters included.
    ///
    /// # Errors
    /// `store`.
    pub async fn failures(&self) -> Answer {
        let core = &self.core;
        let waiting = core.waiting().await;
        let failed = waiting.map(|waiting| {
            waiting.changes.into_iter().filter_map(|change| Failure::new(&core.config, change)).collect::<Vec<_>>()
        });
        shown(failed)
    }

    /// Puts a failed change back into the queue.
    ///
    /// # Errors
    /// `unknown_entity`, `store`.
    pub async fn retry(&self, entity: String, id: String) -> Answer {
        let core = &self.core;
        let retried = async {
            let keys = Some(vec![Key { entity: core.entity(&entity)?, id }]);
            core.retry(keys).await
        };
        nothing(retried.await)
    }

    /// Puts every failed change back into the queue; answers how many.
    ///
    /// # Errors
    /// `store`.
    #[wasm_bindgen(js_name = retryAll)]
    pub async fn retry_all(&self) -> Answer {
        shown(self.core.retry(None).await)
    }

    /// Gives up a local change; the backend's copy takes its place.
    ///
    /// # Errors
    /// `unknown_entity`, `not_found`, `store`.
    pub async fn discard(&self, entity: String, id: String) -> Answer {
        let core = &self.core;
        let discarded = async {
            let key = Key { entity: core.entity(&entity)?, id };
            core.run(&Discard { key: key.clone() }).await?;
            core.edited(vec![key]);
            Ok(())
        };
        nothing(discarded.await)
    }

    /// Everything that has not reached the backend, with its contents: for a file that the user keeps.
    ///
    /// # Errors
    /// `store`.
    #[wasm_bindgen(js_name = exportUnsynced)]
    pub async fn export_unsynced(&self) -> Answer {
        let core = &self.core;
        let exported = async {
            let waiting = core.waiting().await?;
            let mut records = Vec::new();
            for change in waiting.changes.into_iter().filter(|change| change.state != ChangeState::Acknowledged) {
                let Key { entity, id } = change.key.clone();
                let rows = core.run(&ReadRows { entity, ids: Some(vec![id]) }).await?;
                let row = rows.into_iter().next().and_then(|(_, row)| row.row().map(|row| row.record.clone()));
                let names = &core.config.entity(entity).names;
                let record = row.or(change.tombstone.clone()).map(|record| names.object(record));
                records.push(Exported { change: ShownChange::new(&core.config, change), record });
            }
            Ok(Export { exported_at: BrowserClock.now().wall.0, unsynced: records })
        };
        shown(exported.await)
    }

    /// Says whose records these are; fixed from the first time on.
    ///
    /// # Errors
    /// `account_mismatch`, `store`.
    #[wasm_bindgen(js_name = signIn)]
    pub async fn sign_in(&self, to: JsValue) -> Answer {
        let core = &self.core;
        let account = field(&to, "account").as_string();
        let signed = async {
            core.open_replica(account.clone()).await?;
            core.driver.ports().transport.forget_token();
            core.driver.send(Event::SignedIn(account));
            Ok(())
        };
        nothing(signed.await)
    }

    /// Stops syncing and forgets the token; with `wipe`, removes every record of the account.
    ///
    /// Answers how many edits had not reached the backend.
    ///
    /// # Errors
    /// `store`.
    #[wasm_bindgen(js_name = signOut)]
    pub async fn sign_out(&self, how: JsValue) -> Answer {
        let core = &self.core;
        let signed = async {
            core.stop();
            core.driver.ports().transport.forget_token();
            let waiting = core.waiting().await?;
            let unsent = waiting.changes.iter().filter(|change| change.is_dirty()).count();
            if field(&how, "wipe").is_truthy() {
                core.run(&Wipe).await?;
                core.status_changed();
            }
            Ok(SignedOut { unsent })
        };
        shown(signed.await)
    }

    /// Changes the backend's address and headers, or the pace of syncing; also says that there is another token.
    ///
    /// # Errors
    /// `config`.
    pub async fn configure(&self, patch: JsValue) -> Answer {
        let core = &self.core;
        let configured = codec::options_from_js::<Patch>(&patch)
            .map_err(|error| config(&format!("the options are not valid: {error}")))
            .and_then(|patch| core.configure(patch));
        nothing(configured)
    }

    /// Stops and closes everything; the records stay.
    pub async fn destroy(&self) {
        self.core.driver.send(Event::Stop);
        self.core.reader.close().await;
        self.core.driver.ports().store.close().await;
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
}

fn shown<T: Serialize>(result: Result<T, Error>) -> Answer {
    let value = result.map_err(|error| thrown(&error))?;
    codec::to_js(&value).map_err(|reason| thrown(&invalid("", reason)))
}

fn nothing<T>(result: Result<T, Error>) -> Answer {
    result.map(|_| JsValue::UNDEFINED).map_err(|error| thrown(&error))
}
