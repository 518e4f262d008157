//! `SyncCore`: what a worker calls. Never decides: it turns calls into steps and events, and outcomes into values.

use std::cell::Cell;
use std::rc::Rc;

use js_sys::{Array, Function, Reflect};
use lastword_protocol::record::is_id;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::{NoContext, Timestamp, Uuid};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::spawn_local;

use super::error::to_js as thrown;
use super::options::{self, StyleOption};
use super::status::{Failure, RecordStatus, ShownChange, ShownConflict, Status, SyncEvent, SyncResult};
use crate::browser::clock::BrowserClock;
use crate::browser::codec;
use crate::browser::custom::{Custom, Remote};
use crate::browser::fetch::Backend;
use crate::browser::indexeddb::IndexedDb;
use crate::browser::locks::WebLocks;
use crate::browser::reader::Reader;
use crate::commit::{Refusal, Step};
use crate::config::Config;
use crate::driver::{Driver, Ports, Told};
use crate::engine::lease::Open;
use crate::engine::state::{Event, Mode};
use crate::engine::store_error;
use crate::error::Error;
use crate::outgoing::outbox::ChangeState;
use crate::outgoing::retry::{Choice, Discard, Overview, Resolve, Retry, Waiting, Wipe};
use crate::outgoing::write::{Edit, EditKind, LocalWrite, ReadRows};
use crate::ports::{Clock, Store, StoreError};
use crate::record::{Entity, Fields, Key, Record};

type BrowserDriver = Driver<IndexedDb, Remote, BrowserClock, WebLocks>;

/// One open replica.
#[wasm_bindgen]
pub struct SyncCore {
    core: Rc<Core>,
}

struct Core {
    config: Rc<Config>,
    driver: BrowserDriver,
    reader: Reader,
    emit: Function,
    /// True while syncing is stopped only because the page is frozen.
    is_frozen: Cell<bool>,
    status_due: Cell<bool>,
    status_running: Cell<bool>,
}

type Answer = Result<JsValue, JsValue>;

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
        Core::open(options, host).await.map(|core| Self { core }).map_err(|error| thrown(&error))
    }

    /// Syncs by itself from now on.
    pub fn start(&self) {
        self.core.driver.send(Event::Start);
    }

    /// Stops syncing. Edits are still stored and marked.
    pub async fn stop(&self) {
        self.core.is_frozen.set(false);
        self.core.driver.send(Event::Stop);
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
            driver.send(Event::Stop);
        }
        shown(result.map(SyncResult::from))
    }

    /// Hints that something happened: `online`, `visible`, `focus`, `poke`, `edit`, `freeze`, `resume`, `offline`, `hidden`.
    pub fn trigger(&self, kind: &str) {
        let core = &self.core;
        match kind {
            // A frozen context keeps its locks and does nothing: the lead must be free before that.
            "freeze" if core.driver.view().mode != Mode::Stopped => {
                core.is_frozen.set(true);
                core.driver.send(Event::Stop);
            }
            "resume" if core.is_frozen.replace(false) => core.driver.send(Event::Start),
            "online" | "visible" | "focus" | "poke" | "resume" => core.driver.send(Event::Hint),
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

    /// Counts by state, and each entity's last push and pull.
    ///
    /// # Errors
    /// `store`.
    pub async fn stats(&self) -> Answer {
        self.status().await
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
            core.write(edits).await
        };
        core.records(&entity, written.await)
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
            core.write(vec![Edit { key, kind: EditKind::Patch(patch) }]).await
        };
        let records = core.records(&entity, written.await)?;
        Ok(Array::from(&records).get(0))
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
        self.core.edit_all(&entity, ids, &EditKind::Delete).await
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
        self.core.edit_all(&entity, vec![id], &EditKind::MarkDirty).await
    }

    /// Marks every record of an entity, or of all, to be pushed as it stands.
    ///
    /// # Errors
    /// `unknown_entity`, `store`.
    #[wasm_bindgen(js_name = markAllDirty)]
    pub async fn mark_all_dirty(&self, entity: Option<String>) -> Answer {
        let core = &self.core;
        let entities = match &entity {
            Some(name) => vec![core.entity(name).map_err(|error| thrown(&error))?],
            None => core.config.all().collect(),
        };
        for entity in entities {
            let rows = core.run(&ReadRows { entity, ids: None }).await.map_err(|error| thrown(&error))?;
            let ids = rows.into_iter().filter(|(_, row)| row.row().is_some_and(|row| !row.record.is_deleted));
            let name = core.config.entity(entity).name.clone();
            core.edit_all(&name, ids.map(|(id, _)| id).collect(), &EditKind::MarkDirty).await?;
        }
        Ok(JsValue::UNDEFINED)
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
            core.driver.send(Event::Stop);
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
        let configured = codec::from_js::<Patch>(patch)
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

impl Core {
    async fn open(options: JsValue, host: JsValue) -> Result<Rc<Self>, Error> {
        let parsed = options::parse(options)?;
        let function = |name: &str| {
            field(&host, name).dyn_into::<Function>().map_err(|_| config(&format!("the host must have `{name}`")))
        };
        let (config, layout, account) = (parsed.config, parsed.layout, parsed.options.account);
        let backend = parsed.options.backend;
        let transport = if backend.style == StyleOption::Custom {
            Remote::Custom(Custom::new(config.clone(), function("exchange")?, function("token")?))
        } else {
            let headers = backend.headers.clone().into_iter().collect();
            Remote::Http(Backend::new(config.clone(), backend.base()?, headers, function("token")?)?)
        };
        let store = IndexedDb::open(config.clone(), layout.clone()).await?;
        let locks = WebLocks { name: format!("lastword:{}", layout.database) };
        let ports = Rc::new(Ports { store, transport, clock: BrowserClock, locks });
        let told_to: Rc<Cell<Option<Rc<Self>>>> = Rc::default();
        let (driver, running) = Driver::new(ports, config.clone(), account.clone(), {
            let told_to = told_to.clone();
            move |told| {
                let core = told_to.take();
                if let Some(core) = &core {
                    core.told(told);
                }
                told_to.set(core);
            }
        });
        let core = Rc::new(Self {
            config,
            reader: Reader::new(layout),
            driver,
            emit: function("emit")?,
            is_frozen: Cell::new(false),
            status_due: Cell::new(false),
            status_running: Cell::new(false),
        });
        core.open_replica(account).await?;
        told_to.set(Some(core.clone()));
        spawn_local(running);
        Ok(core)
    }

    /// Makes the replica where there is none, and checks whose it is.
    async fn open_replica(&self, account: Option<String>) -> Result<(), Error> {
        let clock = BrowserClock;
        let open = Open {
            account,
            device_id: Uuid::new_v4().to_string(),
            hash_key: clock.random() >> HASH_KEY_UNUSED_BITS,
            lead: false,
        };
        let opened = self.run(&open).await?;
        self.driver.ports().transport.set_device_id(&opened.replica.device_id);
        Ok(())
    }

    fn configure(&self, patch: Patch) -> Result<(), Error> {
        let transport = &self.driver.ports().transport;
        if let Some(backend) = patch.backend {
            if (backend.style == StyleOption::Custom) != matches!(transport, Remote::Custom(_)) {
                return Err(config("a backend cannot become one of another style while it is open"));
            }
            if let Some(url) = &backend.url {
                transport.set_address(url, backend.headers)?;
            }
        }
        let pace = options::pace(patch.interval_ms, patch.debounce_ms)?;
        transport.forget_token();
        self.driver.send(Event::Paced(pace));
        self.driver.send(Event::TokenChanged);
        Ok(())
    }

    async fn run<S: Step>(&self, step: &S) -> Result<S::Outcome, Error> {
        self.driver.ports().store.run(step).await.map_err(|error| match error {
            StoreError::Refused(Refusal::NotFound(key)) => {
                Error::NotFound { entity: self.config.entity(key.entity).name.clone(), id: key.id }
            }
            error => store_error(&error),
        })
    }

    async fn waiting(&self) -> Result<Waiting, Error> {
        self.run(&Overview).await
    }

    async fn write(&self, edits: Vec<Edit>) -> Result<Vec<Record>, Error> {
        let keys = edits.iter().map(|edit| edit.key.clone()).collect();
        let records = self.run(&LocalWrite { edits, now: BrowserClock.now().wall }).await?;
        self.edited(keys);
        Ok(records)
    }

    async fn edit_all(&self, entity: &str, ids: Vec<String>, kind: &EditKind) -> Answer {
        let written = async {
            let entity = self.entity(entity)?;
            let edit = |id| Edit { key: Key { entity, id }, kind: kind.clone() };
            self.write(ids.into_iter().map(edit).collect()).await
        };
        nothing(written.await.map(drop))
    }

    async fn retry(&self, keys: Option<Vec<Key>>) -> Result<usize, Error> {
        let count = self.run(&Retry { keys }).await?;
        self.driver.send(Event::Edited);
        self.status_changed();
        Ok(count)
    }

    /// Tells the app and the engine of a local write.
    fn edited(self: &Self, keys: Vec<Key>) {
        for mut event in SyncEvent::all(&self.config, Told::Changed(keys)) {
            if let SyncEvent::Change { source, .. } = &mut event {
                *source = "local";
            }
            self.emit(&event);
        }
        self.driver.send(Event::Edited);
        self.status_changed();
    }

    fn put_edit(&self, entity: Entity, record: &JsValue) -> Result<Edit, Error> {
        let (id, fields) = self.fields(entity, record)?;
        let kind = EditKind::Put(self.checked(entity, fields)?);
        Ok(Edit { key: Key { entity, id: id.unwrap_or_else(new_id) }, kind })
    }

    /// The id and the app fields of an object of the app's; what belongs to sync is passed over.
    fn fields(&self, entity: Entity, object: &JsValue) -> Result<(Option<String>, Fields), Error> {
        let object = codec::object_from_js(object).map_err(|reason| invalid("", reason))?;
        let names = &self.config.entity(entity).names;
        let (id, mut fields) = names.split(object);
        let id = match id {
            None | Some(Value::Null) => None,
            Some(Value::String(id)) if is_id(&id) => Some(id),
            Some(_) => return Err(invalid(&format!("/{}", names.id), "must be a string of 1 to 128 bytes".into())),
        };
        fields.remove(crate::browser::stores::SYNCED);
        Ok((id, fields))
    }

    fn checked(&self, entity: Entity, fields: Fields) -> Result<Fields, Error> {
        let faults = self.config.entity(entity).schema.as_ref().map(|schema| schema.check(&fields)).unwrap_or_default();
        if faults.is_empty() { Ok(fields) } else { Err(Error::Invalid { fields: faults }) }
    }

    fn entity(&self, name: &str) -> Result<Entity, Error> {
        self.config.find(name).ok_or_else(|| Error::UnknownEntity { entity: name.to_owned() })
    }

    fn records(&self, entity: &str, written: Result<Vec<Record>, Error>) -> Answer {
        let names = &self.config.entity(self.entity(entity).map_err(|error| thrown(&error))?).names;
        let records = written.map_err(|error| thrown(&error))?;
        let array = Array::new();
        for record in records {
            array.push(&codec::record_to_js(record, names).map_err(|reason| thrown(&invalid("", reason)))?);
        }
        Ok(array.into())
    }

    fn status(&self, waiting: &Waiting) -> Status<'_> {
        Status::new(&self.config, &self.driver.view(), waiting, BrowserClock.now().wall)
    }

    fn told(self: &Rc<Self>, told: Told) {
        for event in SyncEvent::all(&self.config, told) {
            self.emit(&event);
        }
        self.status_soon();
    }

    fn status_changed(&self) {
        // The loop answers with a changed view, which leads to `status_soon`.
        self.driver.send(Event::Touched);
    }

    /// Tells the status soon: once for many changes, and again if something changed meanwhile.
    fn status_soon(self: &Rc<Self>) {
        self.status_due.set(true);
        if self.status_running.replace(true) {
            return;
        }
        let core = self.clone();
        spawn_local(async move {
            while core.status_due.replace(false) {
                if let Ok(waiting) = core.waiting().await {
                    core.emit(&StatusEvent { kind: "status", status: core.status(&waiting) });
                }
                BrowserClock.sleep(STATUS_PAUSE_MS).await;
            }
            core.status_running.set(false);
        });
    }

    fn emit<T: Serialize>(&self, event: &T) {
        if let Ok(event) = codec::to_js(event) {
            // A listener that throws is the app's own affair.
            let _ = self.emit.call1(&JsValue::NULL, &event);
        }
    }
}

#[derive(Serialize)]
struct StatusEvent<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    status: Status<'a>,
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

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct Patch {
    backend: Option<options::BackendOptions>,
    interval_ms: Option<i64>,
    debounce_ms: Option<i64>,
}

/// A new record's id: a UUID of version 7, so that ids sort by the time they were made.
fn new_id() -> String {
    let ms = u64::try_from(BrowserClock.now().wall.0).unwrap_or(0);
    let nanos = u32::try_from(ms % 1_000).unwrap_or(0) * NANOS_PER_MS;
    Uuid::new_v7(Timestamp::from_unix(NoContext, ms / 1_000, nanos)).to_string()
}

fn shown<T: Serialize>(result: Result<T, Error>) -> Answer {
    let value = result.map_err(|error| thrown(&error))?;
    codec::to_js(&value).map_err(|reason| thrown(&invalid("", reason)))
}

fn nothing<T>(result: Result<T, Error>) -> Answer {
    result.map(|_| JsValue::UNDEFINED).map_err(|error| thrown(&error))
}

fn field(object: &JsValue, name: &str) -> JsValue {
    Reflect::get(object, &name.into()).unwrap_or(JsValue::UNDEFINED)
}

fn invalid(path: &str, message: String) -> Error {
    Error::Invalid { fields: vec![lastword_protocol::push::FieldError { path: path.to_owned(), message }] }
}

fn config(message: &str) -> Error {
    Error::Config { message: message.to_owned() }
}

/// Least time between two status events.
const STATUS_PAUSE_MS: i64 = 50;
/// A JavaScript number holds 53 bits.
const HASH_KEY_UNUSED_BITS: u32 = 11;
const NANOS_PER_MS: u32 = 1_000_000;
