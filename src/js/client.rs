//! `SyncCore`: what a worker holds. Never does a call itself: it finds the call by its name.
//!
//! One exported function for all calls, and not one each: every exported async function is a state machine and glue of
//! its own, and the thirty of them were a fifth of the package.

use std::rc::Rc;

use js_sys::Array;
use wasm_bindgen::prelude::*;

use super::args::Args;
use super::core::{Core, config};
use super::error::to_js as thrown;
use super::options::Types;
use crate::error::Error;

/// One open replica.
#[wasm_bindgen]
pub struct SyncCore {
    core: Rc<Core>,
}

impl SyncCore {
    /// Opens a replica whose records are an app's own serde types. [`crate::app`] calls it.
    ///
    /// # Errors
    /// As [`SyncCore::open`].
    pub async fn open_with(types: Types, options: JsValue, host: JsValue) -> Result<Self, JsValue> {
        Core::open(&options, host, types).await.map(|core| Self { core }).map_err(|error| thrown(&error))
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

    /// Does the call `name` with `args`: see `CoreCalls` in `worker/core.ts`.
    ///
    /// # Errors
    /// Those of the call; `config` where there is none of that name.
    pub async fn call(&self, name: String, args: Array) -> Result<JsValue, JsValue> {
        self.core.called(&name, &Args(args)).await.map_err(|error| thrown(&error))
    }
}

impl Core {
    async fn called(&self, name: &str, args: &Args) -> Result<JsValue, Error> {
        match name {
            "start" => self.start(),
            "stop" => self.stop_for_good(),
            "syncNow" => self.sync_now().await,
            "trigger" => self.trigger(&args.text(0)?),
            "mode" => self.mode(),
            "status" => self.shown_status().await,
            "stats" => self.stats().await,
            "deviceId" => Ok(self.device_id.borrow().as_str().into()),
            "put" => self.put(args).await,
            "bulkPut" => self.bulk_put(args).await,
            "update" => self.update(args).await,
            "delete" => self.delete(self.entity(args)?, vec![args.text(1)?]).await,
            "bulkDelete" => self.delete(self.entity(args)?, args.texts(1)?).await,
            "get" => self.reader.record(self.entity(args)?, &args.text(1)?, false).await,
            "list" => self.list(args).await,
            "statusOf" => self.status_of(self.key(args)?).await,
            "markDirty" => self.mark_dirty(self.key(args)?).await,
            "markAllDirty" => self.mark_all_dirty(self.some_entity(args)?).await,
            "pending" => self.pending(self.some_entity(args)?).await,
            "conflicts" => self.conflicts().await,
            "resolveConflict" => self.resolve_conflict(self.key(args)?, &args.value(2)).await,
            "failures" => self.failures().await,
            "retry" => self.retry(Some(vec![self.key(args)?])).await.map(|_| JsValue::UNDEFINED),
            "retryAll" => self.retry(None).await,
            "discard" => self.discard(self.key(args)?).await,
            "exportUnsynced" => self.export_unsynced().await,
            "signIn" => self.sign_in(&args.value(0)).await,
            "signOut" => self.sign_out(&args.value(0)).await,
            "configure" => self.configure(&args.value(0)),
            "destroy" => self.destroy().await,
            _ => Err(config(&format!("there is no call `{name}`"))),
        }
    }
}
