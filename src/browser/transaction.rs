//! One IndexedDB transaction: its stores, its requests, its end. Never awaits anything but its own requests.
//!
//! Ours and not `idb`'s where an ending is waited for: an aborted transaction is no success, its own reason is kept, and
//! no handler is dropped while the browser may still call it.

use std::cell::RefCell;
use std::rc::Rc;

use futures_channel::oneshot;
use idb::{ObjectStore, Transaction};
use js_sys::{Array, Object, Reflect};
use wasm_bindgen::prelude::*;
use web_sys::{DomException, IdbRequest, IdbTransaction};

use super::database::{Connection, idb_error};
use super::packed::Indexes;
use crate::error::Error;
use crate::ports::StoreError;

/// A transaction under way.
pub(super) struct Running {
    raw: IdbTransaction,
    stores: Vec<String>,
    /// What is known of the packed stores.
    pub(super) indexes: Rc<Indexes>,
}

/// Why a transaction did not go on. Nothing of it is written.
pub(super) enum Ended {
    /// It needs a store that it did not name.
    Narrow,
    /// It could not begin: the connection is closed.
    Closed,
    /// Everything else.
    Failed(StoreError),
}

impl From<idb::Error> for Ended {
    fn from(error: idb::Error) -> Self {
        Self::Failed(store_error(&idb_error(error)))
    }
}

impl Running {
    /// Begins a transaction over `stores`.
    pub(super) fn begin(
        connection: &Connection,
        stores: Vec<String>,
        read_only: bool,
        strict: bool,
    ) -> Result<Self, Ended> {
        let options = Object::new();
        let durability = if strict { "strict" } else { "relaxed" };
        let _ = Reflect::set(&options, &"durability".into(), &durability.into());
        let names: Array = stores.iter().map(JsValue::from).collect();
        let mode = if read_only { "readonly" } else { "readwrite" };
        match connection.database().unchecked_ref::<WithDurability>().transaction(&names, mode, &options) {
            Ok(raw) => Ok(Self { raw, stores, indexes: connection.indexes.clone() }),
            Err(error) => Err(match error.dyn_into::<DomException>() {
                Ok(exception) if exception.name() != "InvalidStateError" => Ended::Failed(failed(&exception)),
                _ => Ended::Closed,
            }),
        }
    }

    /// A store of this transaction.
    pub(super) fn store(&self, name: &str) -> Result<ObjectStore, Ended> {
        if !self.names(name) {
            return Err(Ended::Narrow);
        }
        Ok(Transaction::from(self.raw.clone()).object_store(name)?)
    }

    /// True when `name` is among its stores.
    pub(super) fn names(&self, name: &str) -> bool {
        self.stores.iter().any(|store| store == name)
    }

    /// Takes everything back. The error is the transaction's own reason where it already has one.
    pub(super) fn abort(&self, ended: Ended) -> Ended {
        let reason = self.raw.error();
        // One that has ended by itself cannot be aborted again.
        let _ = self.raw.abort();
        match (ended, reason) {
            (Ended::Failed(_), Some(reason)) => Ended::Failed(failed(&reason)),
            (ended, _) => ended,
        }
    }

    /// Waits until everything is on disk (strict) or with the browser (relaxed).
    pub(super) async fn committed(self) -> Result<(), Ended> {
        let (sender, ended) = oneshot::channel();
        let mut sender = Some(sender);
        // One handler for both: exactly one of the two events ends a transaction, and `error` comes before `abort`.
        let handler = Closure::<dyn FnMut(web_sys::Event)>::new(move |event: web_sys::Event| {
            if let Some(sender) = sender.take() {
                let _ = sender.send(event.type_() == "complete");
            }
        });
        // Where it was told to commit, Firefox keeps the reason with the write that failed.
        let reason: Rc<RefCell<Option<DomException>>> = Rc::default();
        let refused = {
            let reason = reason.clone();
            Closure::<dyn FnMut(web_sys::Event)>::new(move |event: web_sys::Event| {
                let request = event.target().and_then(|target| target.dyn_into::<IdbRequest>().ok());
                if let Some(error) = request.and_then(|request| request.error().ok().flatten()) {
                    reason.borrow_mut().get_or_insert(error);
                }
            })
        };
        self.raw.set_oncomplete(Some(handler.as_ref().unchecked_ref()));
        self.raw.set_onabort(Some(handler.as_ref().unchecked_ref()));
        self.raw.set_onerror(Some(refused.as_ref().unchecked_ref()));
        // At once: by itself it would wait for the answers to its writes first. One that has ended by itself tells why below.
        let _ = self.raw.unchecked_ref::<WithCommit>().commit();
        let is_complete = ended.await.unwrap_or(false);
        self.raw.set_oncomplete(None);
        self.raw.set_onabort(None);
        self.raw.set_onerror(None);
        if is_complete {
            return Ok(());
        }
        let reason = reason.take().or_else(|| self.raw.error());
        Err(Ended::Failed(match reason {
            Some(exception) => failed(&exception),
            None => StoreError::Failed { name: "AbortError".into(), message: "the transaction was aborted".into() },
        }))
    }
}

fn failed(exception: &DomException) -> StoreError {
    if exception.name() == "QuotaExceededError" {
        return StoreError::Quota;
    }
    StoreError::Failed { name: exception.name(), message: exception.message() }
}

/// The client's error as the port's.
pub(super) fn store_error(error: &Error) -> StoreError {
    if let Error::Store { name, message } = error {
        return StoreError::Failed { name: name.clone(), message: message.clone() };
    }
    if *error == Error::QuotaExceeded {
        return StoreError::Quota;
    }
    StoreError::Failed { name: error.code().to_owned(), message: error.to_string() }
}

#[wasm_bindgen]
extern "C" {
    type WithCommit;
    #[wasm_bindgen(method, catch)]
    fn commit(this: &WithCommit) -> Result<(), JsValue>;

    type WithDurability;
    /// `IDBDatabase.transaction` with its third argument.
    #[wasm_bindgen(method, catch)]
    fn transaction(
        this: &WithDurability,
        stores: &Array,
        mode: &str,
        options: &Object,
    ) -> Result<IdbTransaction, JsValue>;
}
