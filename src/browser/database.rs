//! Opens the app's database, creates what is missing in a managed one, and lets go when another tab upgrades it.
//!
//! Never upgrades a database that the app owns, and never drops a store or an index.

use std::cell::Cell;
use std::rc::Rc;

use futures_util::future::{Either, select};
use gloo_timers::future::TimeoutFuture;
use idb::request::OpenDatabaseRequest;
use idb::{Database, DatabaseEvent, Event, Factory, KeyPath, ObjectStoreParams};
use wasm_bindgen::prelude::*;
use web_sys::IdbDatabase;

use super::Layout;
use super::stores::{BY_RECORD, META};
use crate::error::Error;

/// An open connection that closes itself when it stands in another tab's way.
pub struct Connection {
    database: IdbDatabase,
    is_open: Rc<Cell<bool>>,
    _on_version_change: Closure<dyn FnMut()>,
    _on_close: Closure<dyn FnMut()>,
}

impl Connection {
    /// Opens the database of `layout`, creating the stores that a managed one lacks.
    ///
    /// # Errors
    /// [`Error::Config`] says what an attached database lacks; other errors are the browser's.
    pub async fn open(layout: &Layout) -> Result<Self, Error> {
        let database = open(&layout.database, None, layout.attached).await?;
        let missing = missing(layout, &database.store_names());
        if missing.is_empty() {
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
        upgrade(&layout.database, next, missing).await.map(Self::watched)
    }

    fn watched(database: Database) -> Self {
        let database = IdbDatabase::from(database);
        let is_open = Rc::new(Cell::new(true));
        let on_version_change = Closure::<dyn FnMut()>::new({
            let (database, is_open) = (database.clone(), is_open.clone());
            move || {
                is_open.set(false);
                database.close();
            }
        });
        let on_close = Closure::<dyn FnMut()>::new({
            let is_open = is_open.clone();
            move || is_open.set(false)
        });
        database.set_onversionchange(Some(on_version_change.as_ref().unchecked_ref()));
        database.set_onclose(Some(on_close.as_ref().unchecked_ref()));
        Self { database, is_open, _on_version_change: on_version_change, _on_close: on_close }
    }

    /// True until the browser or another tab's upgrade closed it.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.is_open.get()
    }

    /// The connection itself.
    #[must_use]
    pub fn database(&self) -> &IdbDatabase {
        &self.database
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.database.set_onversionchange(None);
        self.database.set_onclose(None);
        self.database.close();
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

async fn open(name: &str, version: Option<u32>, must_exist: bool) -> Result<Database, Error> {
    let mut request: OpenDatabaseRequest =
        Factory::new().and_then(|factory| factory.open(name, version)).map_err(idb_error)?;
    if must_exist {
        // An upgrade from nothing means that the app has not made its database yet: it must stay its own to make.
        request.on_upgrade_needed(|event| {
            let request = event.target().map(web_sys::IdbOpenDbRequest::from);
            if let Some(transaction) = request.ok().and_then(|request| request.transaction()) {
                let _ = transaction.abort();
            }
        });
    }
    let opened = within_deadline(name, request).await;
    match opened {
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
        for store in missing {
            let mut params = ObjectStoreParams::new();
            params.key_path(store.key_path);
            // A store that another tab made first is what we want.
            if let Err(error) = database.create_object_store(&store.name, params) {
                let _ = error;
            }
        }
    });
    within_deadline(name, request).await
}

async fn within_deadline(name: &str, request: OpenDatabaseRequest) -> Result<Database, Error> {
    let opened = std::future::IntoFuture::into_future(request);
    match select(opened, TimeoutFuture::new(OPEN_DEADLINE_MS)).await {
        Either::Left((opened, _)) => opened.map_err(idb_error),
        Either::Right(_) => Err(Error::Store {
            name: "blocked".into(),
            message: format!("another tab keeps an old version of `{name}` open: close it"),
        }),
    }
}

fn missing(layout: &Layout, present: &[String]) -> Vec<Missing> {
    let own = BY_RECORD
        .iter()
        .map(|name| Missing { name: (*name).to_owned(), key_path: Some(KeyPath::new_array(["entity", "id"])) });
    let meta = Missing { name: META.to_owned(), key_path: Some(KeyPath::new_single("name")) };
    let rows = layout
        .entities
        .iter()
        .map(|entity| Missing { name: entity.store.clone(), key_path: Some(KeyPath::new_single(&entity.names.id)) });
    own.chain([meta]).chain(rows).filter(|store| !present.contains(&store.name)).collect()
}

/// The browser's error as ours.
pub(super) fn idb_error(error: idb::Error) -> Error {
    let name = dom_exception(&error).map_or_else(|| "IndexedDB".to_owned(), |exception| exception.name());
    if name == "QuotaExceededError" {
        return Error::QuotaExceeded;
    }
    Error::Store { name, message: error.to_string() }
}

fn dom_exception(error: &idb::Error) -> Option<web_sys::DomException> {
    match error {
        idb::Error::DomException(exception) => Some(exception.clone()),
        idb::Error::IndexedDbOpenFailed(value)
        | idb::Error::TransactionOpenFailed(value)
        | idb::Error::ObjectStoreNotFound(value)
        | idb::Error::AddFailed(value) => value.clone().dyn_into().ok(),
        _ => None,
    }
}

/// How long an open may be blocked by another tab.
const OPEN_DEADLINE_MS: u32 = 20_000;
