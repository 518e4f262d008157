//! Requests: what is sent, and what becomes of each kind of answer. `fetch` answers as told; timers go off as told.

use std::collections::BTreeMap;
use std::rc::Rc;

use futures_util::FutureExt;
use futures_util::future::join;
use lastword::browser::fetch::Backend;
use lastword::checkpoint::InFlight;
use lastword::config::Config;
use lastword::error::Error;
use lastword::incoming::pull::Page;
use lastword::ports::{Failure, Transport};
use lastword::record::Scope;
use wasm_bindgen_test::wasm_bindgen_test;
use web_sys::{RequestCache, RequestCredentials, RequestRedirect};

use super::js::{self, Fetch, until};
use crate::contract::{LOG, config};

fn backend_at(base: &str, config: Rc<Config>) -> Result<Backend, Error> {
    let token = js_sys::Function::new_with_args("refresh", "return Promise.resolve(refresh ? 'new' : 'old')");
    Backend::new(config, base, vec![("X-App".into(), "a".into())], token)
}

fn backend() -> Backend {
    backend_at(BASE, config()).unwrap()
}

async fn pull(backend: &Backend) -> Result<Page, Failure> {
    backend.pull(Scope::One(LOG), Some("a cursor&more"), 7).await
}

fn json(body: &str) -> String {
    format!("return new Response({body}, {{headers: {{'content-type': 'application/json'}}}})")
}

/// An answer whose body is a stream with this source.
fn stream(source: &str) -> String {
    json(&format!("new ReadableStream({source})"))
}

#[wasm_bindgen_test]
fn the_address_is_checked() {
    for good in
        ["https://a.example", "https://a.example/sync/", "http://localhost:1", "http://127.0.0.1", "http://[::1]:8"]
    {
        assert!(backend_at(good, config()).is_ok(), "{good}");
    }
    for bad in [
        "",
        "a.example",
        "/api",
        "http://a.example",
        "http://127.0.0.1.a.example",
        "http://localhost.a.example",
        "ftp://localhost",
        "file:///x",
        "javascript:alert(1)",
        "https://user@a.example",
        "https://user:secret@a.example",
        "https://a.example?x=1",
        "https://a.example#x",
    ] {
        let error = backend_at(bad, config()).err();
        assert!(matches!(&error, Some(Error::Config { .. })), "{bad}: {error:?}");
        assert!(!error.unwrap().to_string().contains("secret"));
    }
    let backend = backend();
    assert!(backend.set_address("http://a.example", BTreeMap::new()).is_err());
}

#[wasm_bindgen_test]
async fn a_request_says_what_it_must() {
    let fetch = Fetch::answering(&json(PAGE));
    let backend = backend();
    backend.set_device_id("the-device");
    let page = pull(&backend).await.unwrap();
    assert_eq!((page.cursor.as_str(), page.has_more), ("c1", false));
    let asked = fetch.asked(0);
    let request = asked.request();
    assert_eq!(request.method(), "GET");
    assert_eq!(request.url(), format!("{BASE}/api/v1/log?limit=7&since=a%20cursor%26more"));
    assert_eq!(request.cache(), RequestCache::NoStore);
    assert_eq!(request.credentials(), RequestCredentials::Omit);
    assert_eq!(request.redirect(), RequestRedirect::Manual, "not followed");
    let header = |name: &str| asked.header(name).unwrap_or_default();
    assert_eq!(header("authorization"), "Bearer old");
    assert_eq!((header("accept"), header("x-sync-protocol")), ("application/json".into(), "1".into()));
    assert_eq!((header("x-app"), header("x-request-id").len()), ("a".into(), 36));
    assert_eq!(header("x-device-id"), "the-device");
}

#[wasm_bindgen_test]
async fn a_push_carries_its_key_and_its_exact_body() {
    let fetch = Fetch::answering(&json("'{\"results\":[]}'"));
    backend().push(&in_flight("\u{1f600}")).await.unwrap();
    let asked = fetch.asked(0);
    assert_eq!(asked.request().method(), "POST");
    assert_eq!(asked.request().url(), format!("{BASE}/api/v1/log/batch"));
    assert_eq!(asked.header("idempotency-key").as_deref(), Some("the-key"));
    assert_eq!(asked.header("content-type").as_deref(), Some("application/json"));
    assert_eq!(js_sys::Uint8Array::from(asked.bytes()).to_vec(), "\u{1f600}".as_bytes());
}

#[wasm_bindgen_test]
async fn a_refused_token_is_replaced() {
    let fetch = Fetch::answering(&format!(
        "if (request.headers.get('authorization') === 'Bearer old') return new Response('', {{status: 401}}); {}",
        json(PAGE)
    ));
    let backend = backend();
    assert!(matches!(pull(&backend).await, Err(Failure::Status { status: 401, .. })));
    assert!(backend.refresh_token().await);
    pull(&backend).await.unwrap();
    assert_eq!(fetch.count(), 2);
}

#[wasm_bindgen_test]
async fn a_body_that_comes_in_pieces_is_one_page() {
    let source = format!(
        "{{ at: 0, pull(c) {{ const all = new TextEncoder().encode({PAGE});
            if (this.at === all.length) c.close(); else c.enqueue(all.slice(this.at, ++this.at)); }} }}"
    );
    let _fetch = Fetch::answering(&stream(&source));
    assert_eq!(pull(&backend()).await.unwrap().cursor, "c1");
}

#[wasm_bindgen_test]
async fn a_body_without_end_is_cut_at_the_limit() {
    let endless = "{ pull(c) { self.pieces = (self.pieces ?? 0) + 1; c.enqueue(new Uint8Array(1 << 20).fill(32)); } }";
    let fetch = Fetch::answering(&stream(endless));
    match pull(&backend()).await {
        Err(Failure::BadResponse { reason }) => assert!(reason.contains("over"), "{reason}"),
        other => panic!("{other:?}"),
    }
    assert!(js::value("self.pieces").as_f64().unwrap() < 20.0, "it went on reading");
    assert!(fetch.asked(0).request().signal().aborted());
}

#[wasm_bindgen_test]
async fn no_answer_within_the_deadline_is_a_timeout() {
    let fetch = Fetch::answering("return new Promise(() => {})");
    let timers = js::fake_timers();
    let (answer, ()) = join(pull(&backend()), async {
        until(|| fetch.count() == 1 && timers.count() == 1).await;
        timers.go_off();
    })
    .await;
    assert_eq!(answer.unwrap_err(), Failure::Timeout);
    assert!(fetch.asked(0).request().signal().aborted());
}

#[wasm_bindgen_test]
async fn each_piece_has_the_whole_deadline() {
    let pieces = "{ pull(c) { self.left = (self.left ?? 5) - 1; if (self.left) c.enqueue(new Uint8Array([32])); else return new Promise(() => {}); } }";
    let _fetch = Fetch::answering(&stream(pieces));
    let timers = js::fake_timers();
    let backend = backend();
    let mut answer = Box::pin(pull(&backend));
    assert!(answer.as_mut().now_or_never().is_none());
    let (answer, ()) = join(answer, async {
        // One for the head, one for each of four pieces, one for the fifth.
        until(|| timers.count() == 6).await;
        timers.go_off();
    })
    .await;
    assert_eq!(answer.unwrap_err(), Failure::Timeout);
}

#[wasm_bindgen_test]
async fn an_answer_that_is_not_of_the_protocol_is_no_answer() {
    let html = "return new Response('<p>Sign in</p>', {headers: {'content-type': 'text/html'}})";
    for answer in [html.to_owned(), json("'<p>'"), json("''"), json("'null'"), json("'{\"records\":'")] {
        let _fetch = Fetch::answering(&answer);
        assert!(matches!(pull(&backend()).await, Err(Failure::BadResponse { .. })), "{answer}");
    }
    let cut_off = "{ pull(c) { if (this.once) c.error(new TypeError('cut off')); else { this.once = true; c.enqueue(new Uint8Array([123])); } } }";
    for answer in ["throw new TypeError('no network')".to_owned(), stream(cut_off)] {
        let _fetch = Fetch::answering(&answer);
        assert_eq!(pull(&backend()).await.unwrap_err(), Failure::Network, "{answer}");
    }
    let redirect = "return Object.defineProperty(new Response(), 'type', {value: 'opaqueredirect'})";
    let _fetch = Fetch::answering(redirect);
    assert_eq!(pull(&backend()).await.unwrap_err(), Failure::Redirected);
}

#[wasm_bindgen_test]
async fn a_refusal_says_what_the_backend_said() {
    let body = r#"'{"error":{"code":"epoch_changed","message":"restored","retryable":true,"retryAfterMs":1500,"details":{"epoch":"e2"}}}'"#;
    let after = async |header: &str, body: &str| {
        let _fetch = Fetch::answering(&format!("return new Response({body}, {{status: 503, headers: {{{header}}}}})"));
        let Err(Failure::Status { status: 503, message, retry_after_ms, epoch }) = pull(&backend()).await else {
            panic!("it was not refused with 503")
        };
        (message, retry_after_ms, epoch)
    };
    assert_eq!(after("", body).await, ("restored".into(), Some(1500), Some("e2".into())));
    assert_eq!(after("'retry-after': '7'", body).await.1, Some(7_000));
    assert_eq!(after("'retry-after': 'soon'", "'x'").await, (String::new(), None, None));
    assert_eq!(after("'retry-after': 'Wed, 21 Oct 2015 07:28:00 GMT'", "''").await.1, Some(0));
    let in_a_minute = after("'retry-after': new Date(Date.now() + 60_000).toUTCString()", "''").await.1.unwrap();
    assert!((30_000..=60_000).contains(&in_a_minute), "{in_a_minute}");
}

#[wasm_bindgen_test]
async fn a_large_body_is_zipped_where_the_backend_takes_it() {
    let zips = Rc::new(Config { gzip: true, ..Rc::into_inner(config()).unwrap() });
    let large = "sets of squats ".repeat(1_000);
    let answered = json("'{\"results\":[]}'");

    let fetch = Fetch::answering(&answered);
    let backend = backend_at(BASE, zips).unwrap();
    backend.push(&in_flight(&large)).await.unwrap();
    let asked = fetch.asked(0);
    assert_eq!(asked.header("content-encoding").as_deref(), Some("gzip"));
    assert!(js_sys::Uint8Array::from(asked.bytes()).length() < 1_000);
    assert_eq!(js::unzip(asked.bytes()).await.unwrap(), large.as_str());
    backend.push(&in_flight("small")).await.unwrap();
    assert_eq!(fetch.asked(1).header("content-encoding"), None);
    drop(fetch);

    let fetch = Fetch::answering(&format!(
        "if (request.headers.has('content-encoding')) return new Response('', {{status: 415}}); {answered}"
    ));
    backend.push(&in_flight(&large)).await.unwrap();
    backend.push(&in_flight(&large)).await.unwrap();
    assert_eq!(fetch.count(), 3, "zipped, plain, and plain from then on");
    for asked in [fetch.asked(1), fetch.asked(2)] {
        assert_eq!(js_sys::Uint8Array::from(asked.bytes()).to_vec(), large.as_bytes());
        assert_eq!(asked.header("idempotency-key").as_deref(), Some("the-key"));
    }
    drop(fetch);

    let fetch = Fetch::answering(&answered);
    self::backend().push(&in_flight(&large)).await.unwrap();
    assert_eq!(fetch.asked(0).header("content-encoding"), None, "only where it was asked for");
}

fn in_flight(body: &str) -> InFlight {
    InFlight { place: 0, key: "the-key".into(), entity: Some("log".into()), sent: Vec::new(), body: body.into() }
}

const BASE: &str = "https://backend.example/base";
/// An empty page, as JavaScript.
const PAGE: &str = r#"'{"records":[],"cursor":"c1","hasMore":false,"upTo":1,"serverTime":1,"epoch":"e"}'"#;
