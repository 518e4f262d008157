//! Opens the app's database, creates what is missing in a managed one, and lets go when another tab upgrades it.
//!
//! Never upgrades a database that the app owns, and never drops a store or an index.

use std::cell::{Cell, RefCell};
use std::future::IntoFuture;
use std::rc::Rc;

use futures_channel::oneshot;
use futures_util::future::{Either, select};
use gloo_timers::future::TimeoutFuture;
use idb::request::OpenDatabaseRequest;
use idb::{Database, DatabaseEvent, Event, Factory, KeyPath, ObjectStoreParams, TransactionMode};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::spawn_local;
use web_sys::IdbDatabase;

use super::packed::Indexes;
use super::stores::{BY_RECORD, ENTITY, ID, META};
use super::{EntityLayout, Layout};
use crate::error::Error;

/// An open connection that closes itself when it stands in another tab's way.
pub struct Connection {
    held: Rc<Held>,
    /// What is known of its packed stores: another database may stand behind the next connection.
    pub(super) indexes: Rc<Indexes>,
    _on_version_change: Closure<dyn FnMut()>,
    _on_close: Closure<dyn FnMut()>,
}

struct Held {
    database: IdbDatabase,
    is_open: Cell<bool>,
    when_closed: RefCell<Vec<Box<dyn FnOnce()>>>,
}

impl Connection {
    /// Opens the database of `layout`, creating the stores that a managed one lacks.
    ///
    /// # Errors
    /// [`Error::Config`] says what an attached database lacks; other errors are the browser's.
    pub async fn open(layout: &Layout) -> Result<Self, Error> {
        let mut tries = 0;
        loop {
            tries += 1;
            let database = open(&layout.database, layout.attached).await?;
            let missing = missing(layout, &database.store_names());
            if missing.is_empty() {
                keyed(layout, &database)?;
                return Ok(Self::watched(database));
            }
            let next = database.version().map_err(idb_error)?.saturating_add(1);
            database.close();
            if layout.attached {
                return Err(Error::Config {
                    message: format!(
                        "the database `{}` lacks {}: add them to your schema (see `lastwordStores`) and open it once",
                        layout.database,
                        missing.iter().map(|store| format!("`{}`", store.name)).collect::<Vec<_>>().join(", ")
                    ),
                });
            }
            match upgrade(&layout.database, next, missing).await {
                Ok(database) => database.close(),
                // Another tab upgraded in between: what it made may be all that was missing.
                Err(Error::Store { name, .. }) if name == "VersionError" && tries < UPGRADE_TRIES_MAX => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn watched(database: Database) -> Self {
        let database = IdbDatabase::from(database);
        let held = Rc::new(Held { database, is_open: Cell::new(true), when_closed: RefCell::default() });
        let close = |held: &Rc<Held>| {
            let held = held.clone();
            Closure::<dyn FnMut()>::new(move || held.close())
        };
        let (on_version_change, on_close) = (close(&held), close(&held));
        held.database.set_onversionchange(Some(on_version_change.as_ref().unchecked_ref()));
        held.database.set_onclose(Some(on_close.as_ref().unchecked_ref()));
        Self { held, indexes: Rc::default(), _on_version_change: on_version_change, _on_close: on_close }
    }

    /// True until it was closed: by us, by the browser, or for another tab's upgrade.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.held.is_open.get()
    }

    /// The connection itself.
    #[must_use]
    pub fn database(&self) -> &IdbDatabase {
        &self.held.database
    }

    /// Closes it; transactions under way still end.
    pub fn close(&self) {
        self.held.close();
    }

    /// Does `then` once, when the connection closes.
    pub fn when_closed(&self, then: impl FnOnce() + 'static) {
        self.held.when_closed.borrow_mut().push(Box::new(then));
    }
}

impl Held {
    fn close(&self) {
        self.is_open.set(false);
        self.database.close();
        let then = self.when_closed.take();
        then.into_iter().for_each(|then| then());
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.held.database.set_onversionchange(None);
        self.held.database.set_onclose(None);
        self.held.close();
    }
}

/// A store to be created.
struct Missing {
    name: String,
    key_path: Option<KeyPath>,
}

/// Deletes the database. Resolves when every connection to it is closed.
///
/// # Errors
/// The browser's.
pub async fn delete(name: &str) -> Result<(), Error> {
    let request = Factory::new().and_then(|factory| factory.delete(name)).map_err(idb_error)?;
    request.await.map_err(idb_error)
}

async fn open(name: &str, must_exist: bool) -> Result<Database, Error> {
    let mut request = Factory::new().and_then(|factory| factory.open(name, None)).map_err(idb_error)?;
    if must_exist {
        // An upgrade from nothing means that the app has not made its database yet: it must stay its own to make.
        request.on_upgrade_needed(|event| {
            let request = event.target().map(web_sys::IdbOpenDbRequest::from);
            if let Some(transaction) = request.ok().and_then(|request| request.transaction()) {
                let _ = transaction.abort();
            }
        });
    }
    match within_deadline(name, request).await {
        Err(Error::Store { name: kind, .. }) if must_exist && kind == "AbortError" => Err(Error::Config {
            message: format!("the database `{name}` does not exist yet: open it with your own library first"),
        }),
        opened => opened,
    }
}

async fn upgrade(name: &str, version: u32, missing: Vec<Missing>) -> Result<Database, Error> {
    let mut request = Factory::new().and_then(|factory| factory.open(name, Some(version))).map_err(idb_error)?;
    request.on_upgrade_needed(move |event| {
        let Ok(database) = event.database() else { return };
        let present = database.store_names();
        for store in missing.into_iter().filter(|store| !present.contains(&store.name)) {
            let mut params = ObjectStoreParams::new();
            params.key_path(store.key_path);
            // One that cannot be made is found missing when the database is opened again.
            let _ = database.create_object_store(&store.name, params);
        }
    });
    within_deadline(name, request).await
}

/// Waits for an open, but not for ever: one that comes too late is closed, so that it stands in nobody's way.
async fn within_deadline(name: &str, request: OpenDatabaseRequest) -> Result<Database, Error> {
    let (sender, opened) = oneshot::channel();
    let request = request.into_future();
    spawn_local(async move {
        if let Err(Ok(too_late)) = sender.send(request.await) {
            Database::close(&too_late);
        }
    });
    match select(opened, TimeoutFuture::new(OPEN_DEADLINE_MS)).await {
        Either::Left((Ok(opened), _)) => opened.map_err(idb_error),
        Either::Left((Err(_), _)) | Either::Right(_) => Err(Error::Store {
            name: "blocked".into(),
            message: format!("another tab keeps an old version of `{name}` open: close it"),
        }),
    }
}

/// Checks that each store is keyed by its entity's id.
fn keyed(layout: &Layout, database: &Database) -> Result<(), Error> {
    let stores: Vec<&str> = layout.entities.iter().map(|entity| entity.store.as_str()).collect();
    let transaction = database.transaction(&stores, TransactionMode::ReadOnly).map_err(idb_error)?;
    for entity in layout.entities.iter() {
        let path = transaction.object_store(&entity.store).and_then(|store| store.key_path()).map_err(idb_error)?;
        let id = &entity.names.id;
        if path == key_path(entity) {
            continue;
        }
        let (name, store) = (&entity.name, &entity.store);
        if entity.packed {
            let message = format!(
                "entity `{name}` is kept in layout \"rows\" by its store `{store}`: leave `layout` out, or name another `database`, which is pulled anew"
            );
            return Err(Error::Config { message });
        }
        let keyed = match path {
            Some(KeyPath::Single(field)) => {
                format!("is keyed by `{field}`: say so with `fields: {{ id: \"{field}\" }}`")
            }
            Some(KeyPath::Array(_)) => format!("is keyed by several fields: key it by `{id}` alone"),
            None => format!(
                "keeps its keys apart from its rows: key it by a field `{id}`, or declare `layout: \"packed\"` if that is how it was made"
            ),
        };
        let message = format!("entity `{name}` has no id: its store `{store}` {keyed}");
        return Err(Error::Config { message });
    }
    Ok(())
}

fn missing(layout: &Layout, present: &[String]) -> Vec<Missing> {
    let own = BY_RECORD
        .iter()
        .map(|name| Missing { name: (*name).to_owned(), key_path: Some(KeyPath::new_array([ENTITY, ID])) });
    let meta = Missing { name: META.to_owned(), key_path: Some(KeyPath::new_single("name")) };
    let rows = layout.entities.iter().map(|entity| Missing { name: entity.store.clone(), key_path: key_path(entity) });
    own.chain([meta]).chain(rows).filter(|store| !present.contains(&store.name)).collect()
}

/// How the store of an entity is keyed: by the id of its rows, or by the numbers of its blocks.
fn key_path(entity: &EntityLayout) -> Option<KeyPath> {
    (!entity.packed).then(|| KeyPath::new_single(&entity.names.id))
}

/// The browser's error as ours.
pub(super) fn idb_error(error: idb::Error) -> Error {
    let name = dom_exception(&error).map_or_else(|| "IndexedDB".to_owned(), |exception| exception.name());
    if name == "QuotaExceededError" {
        return Error::QuotaExceeded;
    }
    Error::Store { name, message: error.to_string() }
}

#[allow(clippy::wildcard_enum_match_arm, reason = "only what comes from the browser holds its exception")]
fn dom_exception(error: &idb::Error) -> Option<web_sys::DomException> {
    match error {
        idb::Error::DomException(exception) => Some(exception.clone()),
        idb::Error::IndexedDbOpenFailed(value)
        | idb::Error::TransactionOpenFailed(value)
        | idb::Error::ObjectStoreNotFound(value)
        | idb::Error::AddFailed(value)
        | idb::Error::UpdateFailed(value)
        | idb::Error::DeleteFailed(value)
        | idb::Error::ClearFailed(value)
        | idb::Error::GetFailed(value)
        | idb::Error::GetAllFailed(value)
        | idb::Error::GetAllKeysFailed(value)
        | idb::Error::IndexNotFound(value) => value.clone().dyn_into().ok(),
        _ => None,
    }
}

/// How often two tabs may upgrade in each other's way.
const UPGRADE_TRIES_MAX: u32 = 5;
/// How long an open may be blocked by another tab.
const OPEN_DEADLINE_MS: u32 = 20_000;
