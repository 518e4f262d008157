//! The lead is one at a time, and passes on.

use futures_util::FutureExt;
use lastword::browser::locks::WebLocks;
use lastword::ports::Locks;
use wasm_bindgen_test::wasm_bindgen_test;

use super::js::lock_counts;

#[wasm_bindgen_test]
async fn one_leads_at_a_time_and_the_next_takes_over() {
    let locks = WebLocks { name: "takes-over".into() };
    let first = locks.lead().await.unwrap();
    let mut second = Box::pin(locks.lead());
    assert!(second.as_mut().now_or_never().is_none());
    for _ in 0..2 {
        // A lock given back too early shows at the second look: the first may overtake it.
        assert_eq!(lock_counts("takes-over").await.unwrap(), "1 1", "one leads, one waits");
    }
    assert!(second.as_mut().now_or_never().is_none(), "two lead");
    drop(first);
    let second = second.await.unwrap();
    assert_eq!(lock_counts("takes-over").await.unwrap(), "1 0");
    drop(second);
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
    drop(first);
    // The lock comes to the one that is gone before it comes to this one.
    let third = locks.lead().await.unwrap();
    assert_eq!(lock_counts("gone").await.unwrap(), "1 0");
    drop(third);
}
