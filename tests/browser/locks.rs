//! The lead is one at a time, and passes on.

use futures_util::FutureExt;
use lastword::browser::locks::WebLocks;
use lastword::ports::Locks;
use wasm_bindgen_test::wasm_bindgen_test;

use super::js::settle;

#[wasm_bindgen_test]
async fn one_leads_at_a_time_and_the_next_takes_over() {
    let locks = WebLocks { name: "takes-over".into() };
    let first = locks.lead().await.unwrap();
    let mut second = Box::pin(locks.lead());
    for _ in 0..3 {
        assert!(second.as_mut().now_or_never().is_none(), "two lead");
        settle().await;
    }
    drop(first);
    second.await.unwrap();
}

#[wasm_bindgen_test]
async fn names_do_not_meet() {
    let (one, other) = (WebLocks { name: "one".into() }, WebLocks { name: "other".into() });
    let _held = one.lead().await.unwrap();
    other.lead().await.unwrap();
}

#[wasm_bindgen_test]
async fn who_no_longer_waits_does_not_keep_the_lead() {
    let locks = WebLocks { name: "gone".into() };
    let first = locks.lead().await.unwrap();
    let mut gone = Box::pin(locks.lead());
    assert!(gone.as_mut().now_or_never().is_none());
    drop(gone);
    let third = locks.lead();
    drop(first);
    third.await.unwrap();
}
