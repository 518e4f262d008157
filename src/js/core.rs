//! An open replica behind `SyncCore`: its parts, its writes, what it tells the page. Never decides when to sync.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use js_sys::{Array, Function};
use lastword_protocol::record::is_id;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::{NoContext, Timestamp, Uuid};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::spawn_local;

use super::args::field;
use super::options::{self, StyleOption, Types};
use super::status::{Status, SyncEvent};
use crate::browser::clock::BrowserClock;
use crate::browser::codec;
use crate::browser::custom::{Custom, Remote};
use crate::browser::fetch::Backend;
use crate::browser::indexeddb::IndexedDb;
use crate::browser::locks::WebLocks;
use crate::browser::reader::Reader;
use crate::commit::{Kept, Refusal, Step};
use crate::config::Config;
use crate::driver::{Driver, Ports, Told};
use crate::engine::lease::{Open, Purpose};
use crate::engine::state::{Event, Mode};
use crate::engine::store_error;
use crate::error::Error;
use crate::outgoing::retry::{Overview, Waiting};
use crate::outgoing::standing::{ReadStanding, Standing};
use crate::outgoing::write::{Edit, EditKind, LocalWrite};
use crate::ports::{Clock, Store, StoreError};
use crate::record::{Entity, Fields, Key, Record};

type BrowserDriver = Driver<IndexedDb, Remote, BrowserClock, WebLocks>;

/// The parts of an open replica.
pub(super) struct Core {
    pub(super) config: Rc<Config>,
    pub(super) driver: BrowserDriver,
    pub(super) reader: Reader,
    pub(super) emit: Function,
    /// Whose records these are, where the app has said so.
    pub(super) account: RefCell<Option<String>>,
    /// True while syncing is stopped only because the page is frozen.
    pub(super) is_frozen: Cell<bool>,
    pub(super) status_due: Cell<bool>,
    pub(super) status_running: Cell<bool>,
    /// Who this replica is to the backend.
    pub(super) device_id: RefCell<String>,
}

impl Core {
    pub(super) async fn open(options: &JsValue, host: JsValue, types: Types) -> Result<Rc<Self>, Error> {
        let parsed = options::parse(options, types)?;
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
        let store = IndexedDb::open(config.clone(), layout).await?;
        let locks = WebLocks { name: format!("lastword:{}", store.layout().database) };
        let reader = Reader::new(store.clone());
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
            reader,
            driver,
            emit: function("emit")?,
            account: RefCell::default(),
            is_frozen: Cell::new(false),
            status_due: Cell::new(false),
            status_running: Cell::new(false),
            device_id: RefCell::default(),
        });
        core.open_replica(account).await?;
        told_to.set(Some(core.clone()));
        spawn_local(running);
        Ok(core)
    }

    /// Makes the replica where there is none, and checks whose it is.
    pub(super) async fn open_replica(&self, account: Option<String>) -> Result<(), Error> {
        let open = |purpose| Open {
            account: account.clone(),
            device_id: Uuid::new_v4().to_string(),
            hash_key: new_hash_key(),
            purpose,
        };
        let store = &self.driver.ports().store;
        let opened = match store.run(&open(Purpose::Look)).await {
            // There is none yet, or it has no account: only a start that finds it as it wants it does without a write.
            Err(StoreError::Refused(_)) => store.run(&open(Purpose::Use)).await,
            looked => looked,
        };
        let opened = opened.map_err(|error| store_error(&error))?;
        self.driver.ports().transport.set_device_id(&opened.replica.device_id);
        self.device_id.replace(opened.replica.device_id);
        self.account.replace(account);
        Ok(())
    }

    /// Changes the backend's address and headers, or the pace of syncing; also says that there is another token.
    pub(super) fn configure(&self, patch: &JsValue) -> Result<JsValue, Error> {
        let patch: Patch =
            codec::from_js(patch).map_err(|error| config(&format!("the options are not valid: {error}")))?;
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
        Ok(JsValue::UNDEFINED)
    }

    pub(super) async fn run<S: Step>(&self, step: &S) -> Result<S::Outcome, Error> {
        let step = Kept::new(step);
        self.transact(&step).await?;
        step.outcome().ok_or(Error::StoreClosed)
    }

    async fn transact(&self, step: &dyn Step<Outcome = ()>) -> Result<(), Error> {
        let store = &self.driver.ports().store;
        let mut done = store.transact(step).await;
        if matches!(done, Err(StoreError::Refused(Refusal::NoReplica))) {
            // Evicted or deleted under us: what the app does now begins another replica.
            let account = self.account.borrow().clone();
            self.open_replica(account).await?;
            done = store.transact(step).await;
        }
        done.map_err(|error| match error {
            StoreError::Refused(Refusal::NotFound(key)) => {
                Error::NotFound { entity: self.config.entity(key.entity).name.clone(), id: key.id }
            }
            error @ (StoreError::Refused(_) | StoreError::Quota | StoreError::Closed | StoreError::Failed { .. }) => {
                store_error(&error)
            }
        })
    }

    pub(super) async fn waiting(&self) -> Result<Waiting, Error> {
        self.run(&Overview).await
    }

    /// Stores edits; the records as the app sees them.
    pub(super) async fn edit(&self, entity: Entity, edits: Vec<Edit>) -> Result<Array, Error> {
        let records = self.write(edits).await?;
        self.shown(entity, records)
    }

    async fn write(&self, edits: Vec<Edit>) -> Result<Vec<Record>, Error> {
        let keys = edits.iter().map(|edit| edit.key.clone()).collect();
        let records = self.run(&LocalWrite { edits, now: BrowserClock.now().wall }).await?;
        self.edited(keys);
        Ok(records)
    }

    /// The same edit to each of `ids`, all in one transaction.
    pub(super) async fn edit_all(&self, entity: Entity, ids: Vec<String>, kind: &EditKind) -> Result<JsValue, Error> {
        let edit = |id| Edit { key: Key { entity, id }, kind: kind.clone() };
        self.write(ids.into_iter().map(edit).collect()).await.map(|_| JsValue::UNDEFINED)
    }

    /// Tells the app and the engine of a local write.
    pub(super) fn edited(&self, keys: Vec<Key>) {
        for mut event in SyncEvent::all(&self.config, Told::Changed(keys)) {
            if let SyncEvent::Change { source, .. } = &mut event {
                *source = "local";
            }
            self.emit(&event);
        }
        self.driver.send(Event::Edited);
        self.status_changed();
    }

    pub(super) fn put_edit(&self, entity: Entity, record: &JsValue) -> Result<Edit, Error> {
        let (id, fields) = self.fields(entity, record)?;
        let kind = EditKind::Put(self.checked(entity, fields)?);
        Ok(Edit { key: Key { entity, id: id.unwrap_or_else(new_id) }, kind })
    }

    /// The id and the app fields of an object of the app's; what belongs to sync is passed over.
    pub(super) fn fields(&self, entity: Entity, object: &JsValue) -> Result<(Option<String>, Fields), Error> {
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

    pub(super) fn checked(&self, entity: Entity, fields: Fields) -> Result<Fields, Error> {
        let entity = self.config.entity(entity);
        let faults = entity.schema.as_ref().map(|schema| schema.check(&fields)).unwrap_or_default();
        if !faults.is_empty() {
            return Err(Error::Invalid { fields: faults });
        }
        match entity.accepts.map(|accepts| accepts(&fields)) {
            Some(Err(message)) => Err(invalid("", message)),
            Some(Ok(())) | None => Ok(fields),
        }
    }

    fn shown(&self, entity: Entity, records: Vec<Record>) -> Result<Array, Error> {
        let names = &self.config.entity(entity).names;
        let shown = Array::new();
        for record in records {
            shown.push(&codec::record_to_js(record, names).map_err(|reason| invalid("", reason))?);
        }
        Ok(shown)
    }

    /// Stops syncing, and says so also where nothing was under way.
    pub(super) fn stop(&self) {
        self.driver.send(Event::Stop);
        self.status_changed();
    }

    pub(super) fn status(&self, standing: &Standing) -> Status<'_> {
        Status::new(&self.config, &self.driver.view(), standing, BrowserClock.now().wall)
    }

    pub(super) fn told(self: &Rc<Self>, told: Told) {
        if matches!(told, Told::Ended(Ok(_))) {
            let core = self.clone();
            spawn_local(async move { core.driver.ports().store.tidy().await });
        }
        for event in SyncEvent::all(&self.config, told) {
            self.emit(&event);
        }
        self.status_soon();
    }

    pub(super) fn status_changed(&self) {
        // The loop answers with a changed view, which leads to `status_soon`.
        self.driver.send(Event::Touched);
    }

    /// Tells the status soon: once for many changes, and again if something changed meanwhile.
    pub(super) fn status_soon(self: &Rc<Self>) {
        self.status_due.set(true);
        if self.status_running.replace(true) {
            return;
        }
        let core = self.clone();
        spawn_local(async move {
            while core.status_due.replace(false) {
                core.tell_status().await;
                BrowserClock.sleep(STATUS_PAUSE_MS).await;
            }
            core.status_running.set(false);
        });
    }

    /// While a round runs, its own commits move the status on from the last read: reading the outbox again and again would
    /// cost more than the round. What others write meanwhile is read at its end, or as soon as they say so.
    async fn tell_status(&self) {
        let store = &self.driver.ports().store;
        if !self.driver.view().is_syncing {
            store.follow(None);
        }
        let event = |standing: &Standing| codec::to_js(&StatusEvent { kind: "status", status: self.status(standing) });
        let event = match store.followed(event) {
            Some(event) => event,
            None => {
                let Ok(standing) = self.run(&ReadStanding).await else { return };
                let event = event(&standing);
                // Where another tab leads, its commits would be missed.
                if self.driver.view().mode == Mode::Leader {
                    store.follow(Some(standing));
                }
                event
            }
        };
        if let Ok(event) = event {
            let _ = self.emit.call1(&JsValue::NULL, &event);
        }
    }

    pub(super) fn emit<T: Serialize>(&self, event: &T) {
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

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(super) struct Patch {
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

pub(super) fn new_hash_key() -> u64 {
    BrowserClock.random() >> HASH_KEY_UNUSED_BITS
}

pub(super) fn invalid(path: &str, message: String) -> Error {
    Error::Invalid { fields: vec![lastword_protocol::push::FieldError { path: path.to_owned(), message }] }
}

pub(super) fn config(message: &str) -> Error {
    Error::Config { message: message.to_owned() }
}

/// Least time between two status events.
const STATUS_PAUSE_MS: i64 = 50;
/// A JavaScript number holds 53 bits.
const HASH_KEY_UNUSED_BITS: u32 = 11;
const NANOS_PER_MS: u32 = 1_000_000;
