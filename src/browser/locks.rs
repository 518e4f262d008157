//! The lead as a held Web Lock. Never a flag beside it: the lock itself is the lead.

use futures_channel::oneshot;
use js_sys::{Function, Promise};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, spawn_local};

use crate::ports::{Locks, StoreError};

/// Web Locks under one name.
#[derive(Clone, Debug)]
pub struct WebLocks {
    /// `lastword:<database>:<account>`.
    pub name: String,
}

/// Holds the lock until dropped.
pub struct LockGuard {
    _release: oneshot::Sender<()>,
}

impl Locks for WebLocks {
    type Guard = LockGuard;

    async fn lead(&self) -> Result<LockGuard, StoreError> {
        let (granted, is_granted) = oneshot::channel();
        let (release, released) = oneshot::channel::<()>();
        let mut once = Some((granted, released));
        let holder = Closure::once_into_js(move |_lock: JsValue| -> JsValue {
            let Some((granted, released)) = once.take() else { return JsValue::UNDEFINED };
            // Not wanted any more: the lock is given back at once.
            if granted.send(()).is_err() {
                return JsValue::UNDEFINED;
            }
            wasm_bindgen_futures::future_to_promise(async move {
                // The sender is never used, only dropped.
                let _ = released.await;
                Ok(JsValue::UNDEFINED)
            })
            .into()
        });
        let Some(locks) = NAVIGATOR.with(|navigator| navigator.locks()) else {
            // No Web Locks: the fence in the database alone keeps two leaders apart.
            return Ok(LockGuard { _release: release });
        };
        let request = locks.request(&self.name, holder.unchecked_ref());
        spawn_local(async move {
            // Rejects only when the context goes away, and then nobody waits.
            let _ = JsFuture::from(request).await;
        });
        is_granted.await.map_err(|_| StoreError::Closed)?;
        Ok(LockGuard { _release: release })
    }
}

#[wasm_bindgen]
extern "C" {
    type Navigator;
    #[wasm_bindgen(thread_local_v2, js_name = navigator)]
    static NAVIGATOR: Navigator;
    #[wasm_bindgen(method, getter)]
    fn locks(this: &Navigator) -> Option<LockManager>;

    type LockManager;
    #[wasm_bindgen(method)]
    fn request(this: &LockManager, name: &str, holder: &Function) -> Promise;
}
