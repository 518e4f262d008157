//! JavaScript that the tests need: any value, another library's hand on the database, a `fetch` that answers as told.

use wasm_bindgen::prelude::*;

#[wasm_bindgen(inline_js = r#"
export function value(source) { return new Function(`return (${source})`)(); }

/** Opens a database as another library does, waiting for others to close; `upgrade` is the body of a function of (db, transaction). */
export function raw_open(name, version, upgrade) {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(name, version);
    request.onupgradeneeded = () => new Function("db", "transaction", upgrade)(request.result, request.transaction);
    request.onerror = () => reject(request.error);
    request.onsuccess = () => {
      const db = request.result;
      db.onversionchange = () => db.close();
      resolve(db);
    };
  });
}

/** Runs the body of a function of (store) in a transaction; gives the result of the request it returns. */
export function raw_run(db, store, body) {
  return new Promise((resolve, reject) => {
    const transaction = db.transaction(store, "readwrite");
    const request = new Function("store", body)(transaction.objectStore(store));
    transaction.oncomplete = () => resolve(request.result);
    transaction.onabort = () => reject(transaction.error);
  });
}

export async function exists(name) { return (await indexedDB.databases()).some((database) => database.name === name); }

const real = { fetch: globalThis.fetch, setTimeout: globalThis.setTimeout, clearTimeout: globalThis.clearTimeout };

/** Replaces `fetch`: `body` is that of an async function of (request, bytes, count). Gives what was asked. */
export function fake_fetch(body) {
  const Async = (async () => {}).constructor;
  const answer = new Async("request", "bytes", "count", body);
  const asked = [];
  globalThis.fetch = async (request) => {
    const bytes = new Uint8Array(await request.clone().arrayBuffer());
    asked.push({ request, bytes, header: (name) => request.headers.get(name) });
    return answer(request, bytes, asked.length);
  };
  return asked;
}

/** Replaces timers: they go off when told. Gives those that are set, and counts all that ever were. */
export function fake_timers() {
  const timers = { set: new Map(), count: 0 };
  globalThis.setTimeout = (then) => { timers.set.set(++timers.count, then); return timers.count; };
  globalThis.clearTimeout = (id) => timers.set.delete(id);
  timers.go_off = () => { for (const then of timers.set.values()) then(); };
  return timers;
}

export function restore() { Object.assign(globalThis, real); }

export async function unzip(bytes) {
  return new Response(new Response(bytes).body.pipeThrough(new DecompressionStream("gzip"))).text();
}

/** How many hold a lock, and how many wait for it. */
export async function lock_counts(name) {
  const { held, pending } = await navigator.locks.query();
  return [held, pending].map((locks) => locks.filter((lock) => lock.name === name).length).join(" ");
}

/** One turn of the event loop, without a timer. */
export function turn() {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => { port1.close(); resolve(); };
    port2.postMessage(null);
  });
}
"#)]
extern "C" {
    pub(crate) fn value(source: &str) -> JsValue;
    #[wasm_bindgen(catch)]
    pub(crate) async fn raw_open(name: &str, version: Option<u32>, upgrade: &str) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(catch)]
    pub(crate) async fn raw_run(db: &JsValue, store: &str, body: &str) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(catch)]
    pub(crate) async fn exists(name: &str) -> Result<JsValue, JsValue>;
    pub(crate) fn fake_fetch(body: &str) -> js_sys::Array;
    pub(crate) fn fake_timers() -> Timers;
    pub(crate) fn restore();
    #[wasm_bindgen(catch)]
    pub(crate) async fn unzip(bytes: JsValue) -> Result<JsValue, JsValue>;
    pub(crate) async fn turn();
    #[wasm_bindgen(catch)]
    pub(crate) async fn lock_counts(name: &str) -> Result<JsValue, JsValue>;

    pub(crate) type Timers;
    #[wasm_bindgen(method, getter)]
    pub(crate) fn count(this: &Timers) -> u32;
    #[wasm_bindgen(method)]
    pub(crate) fn go_off(this: &Timers);

    pub(crate) type Asked;
    #[wasm_bindgen(method, getter)]
    pub(crate) fn bytes(this: &Asked) -> JsValue;
    #[wasm_bindgen(method, getter)]
    pub(crate) fn request(this: &Asked) -> web_sys::Request;
    #[wasm_bindgen(method)]
    pub(crate) fn header(this: &Asked, name: &str) -> Option<String>;
}

/// Waits for a state that no promise and no timer tells of.
pub(crate) async fn until(is_so: impl Fn() -> bool) {
    while !is_so() {
        turn().await;
    }
}

/// A `fetch` that answers as told, until it is dropped.
pub(crate) struct Fetch {
    asked: js_sys::Array,
}

impl Fetch {
    pub(crate) fn answering(body: &str) -> Self {
        Self { asked: fake_fetch(body) }
    }

    pub(crate) fn count(&self) -> u32 {
        self.asked.length()
    }

    pub(crate) fn asked(&self, index: u32) -> Asked {
        self.asked.get(index).unchecked_into()
    }
}

impl Drop for Fetch {
    fn drop(&mut self) {
        restore();
    }
}
