//! HTTP behaviour, called without a socket. The numbers in brackets are sections of docs/protocol.md.

#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use std::sync::atomic::Ordering;

use axum::body::Body;
use lastword_protocol::limits::{BATCH_BYTES_MAX, PAGE_BYTES_MAX, STAMP_AHEAD_MAX_MS};
use lastword_protocol::time::ServerMillis;
use lastword_server::Options;
use lastword_server::upkeep::purge;
use serde_json::{Value, json};
use support::{App, BATCH, LOGS, START_MS, batch, device, request};
use uuid::Uuid;

#[tokio::test]
async fn a_pushed_record_is_pulled_with_the_backends_fields() {
    let app = App::new().await;
    let results = app.push(json!([{ "id": "a", "clientUpdatedAt": 5, "name": "squat" }])).await;
    assert_eq!(results[0]["status"], "applied");
    assert_eq!((&results[0]["version"], &results[0]["serverUpdatedAt"]), (&json!(1), &json!(START_MS)));
    let page = app.pull(None).await.ok();
    let record = &page["records"][0];
    assert_eq!((&record["name"], &record["isDeleted"]), (&json!("squat"), &json!(false)));
    assert_eq!(record["serverId"], results[0]["serverId"]);
    assert_eq!((&page["hasMore"], &page["remaining"]), (&json!(false), &json!(0)));
    assert_eq!((&page["upTo"], &page["serverTime"]), (&json!(START_MS), &json!(START_MS)));
    let next = app.pull(page["cursor"].as_str()).await.ok();
    assert_eq!(next["records"], json!([]));
}

/// (2) Last write wins by the one order, and a loser is told the winner.
#[tokio::test]
async fn the_newer_copy_wins_whatever_the_order_of_arrival() {
    let app = App::new().await;
    app.push(json!([{ "id": "a", "clientUpdatedAt": 10, "name": "new" }])).await;
    let older = app.push(json!([{ "id": "a", "clientUpdatedAt": 9, "name": "old" }])).await;
    assert_eq!((&older[0]["status"], &older[0]["record"]["name"]), (&json!("conflict"), &json!("new")));
    let tombstone = app.push(json!([{ "id": "a", "clientUpdatedAt": 10, "isDeleted": true }])).await;
    assert_eq!((&tombstone[0]["status"], &tombstone[0]["version"]), (&json!("applied"), &json!(2)));
    let tie = app.push(json!([{ "id": "b", "clientUpdatedAt": 1, "n": 2 }, { "id": "c", "clientUpdatedAt": 1 }])).await;
    assert_eq!(tie[0]["status"], "applied");
    let smaller = app.push(json!([{ "id": "b", "clientUpdatedAt": 1, "n": 1 }])).await;
    assert_eq!(smaller[0]["status"], "conflict");
}

/// I8: any number of repeats of a body gives the state of one, and the answer of the first.
#[tokio::test]
async fn a_repeat_changes_nothing() {
    let app = App::new().await;
    let body = batch(json!([{ "id": "a", "clientUpdatedAt": 5, "reps": 1 }]));
    let name = Uuid::from_u128(77);
    let first = app.post_named(BATCH, name, &body).await.ok();
    app.push(json!([{ "id": "a", "clientUpdatedAt": 6, "reps": 2 }])).await;
    let cursor = app.pull(None).await.ok()["cursor"].clone();
    app.now.fetch_add(1000, Ordering::SeqCst);
    let again = app.post_named(BATCH, name, &body).await.ok();
    assert_eq!(again["results"], first["results"]);
    assert_eq!(again["serverTime"], START_MS + 1000, "a kept answer must not carry an old clock");
    assert_eq!(app.pull(cursor.as_str()).await.ok()["records"], json!([]));
    let other = batch(json!([{ "id": "b", "clientUpdatedAt": 5 }]));
    app.post_named(BATCH, name, &other).await.refused(422, "key_reused");
    let unnamed = app.push(json!([{ "id": "a", "clientUpdatedAt": 6, "reps": 2 }])).await;
    assert_eq!((&unnamed[0]["status"], &unnamed[0]["version"]), (&json!("applied"), &json!(2)));
}

/// I12 and I24: each item has exactly one result and harms no other.
#[tokio::test]
async fn one_bad_record_delays_no_other() {
    let app = App::new().await;
    let ahead = START_MS + STAMP_AHEAD_MAX_MS + 1;
    let big = "x".repeat(300_000);
    let results = app
        .push(json!([
            { "id": "good", "clientUpdatedAt": 5 },
            { "id": "good", "clientUpdatedAt": 6 },
            { "id": "schema", "clientUpdatedAt": 5, "reps": -1 },
            { "id": "skew", "clientUpdatedAt": ahead },
            { "id": "big", "clientUpdatedAt": 5, "note": big },
            { "id": "stampless" },
            { "id": "nul\u{0}", "clientUpdatedAt": 5 },
            { "clientUpdatedAt": 5 },
            { "id": "proto", "clientUpdatedAt": 5, "__proto__": {} },
            7,
            { "id": "deleted", "clientUpdatedAt": 5, "reps": -1, "isDeleted": true },
            { "id": "last", "clientUpdatedAt": 5 },
        ]))
        .await;
    let got: Vec<_> = results.iter().map(|r| (r["id"].as_str().unwrap(), r["code"].as_str().unwrap_or("-"))).collect();
    assert_eq!(
        got,
        [
            ("good", "-"),
            ("good", "duplicate_id"),
            ("schema", "invalid"),
            ("skew", "clock_skew"),
            ("big", "too_large"),
            ("stampless", "invalid"),
            ("nul\u{0}", "invalid"),
            ("", "invalid"),
            ("proto", "invalid"),
            ("", "invalid"),
            ("deleted", "-"),
            ("last", "-"),
        ]
    );
    assert_eq!(results[2]["fields"][0]["path"], "/reps");
    assert_eq!(app.pull(None).await.ok()["records"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn a_malformed_body_is_one_clear_error_and_writes_nothing() {
    let app = App::new().await;
    app.post_text(BATCH, r#"{"deviceId":"#).await.refused(400, "bad_request");
    let secret = app.post_text(BATCH, r#"{"deviceId":"x","records":"hunter2"}"#).await.refused(422, "invalid");
    assert!(!secret.to_string().contains("hunter2"), "{secret}");
    app.post_text(BATCH, vec![0xff, 0xfe]).await.refused(400, "bad_request");
    app.post(BATCH, &json!({ "deviceId": "phone", "records": [] })).await.refused(422, "invalid");
    let many: Vec<Value> = (0..501).map(|n| json!({ "id": n.to_string(), "clientUpdatedAt": 1 })).collect();
    app.post(BATCH, &batch(many.into())).await.refused(413, "too_large");
    app.post_text(BATCH, vec![b' '; BATCH_BYTES_MAX + 1]).await.refused(413, "too_large");
    let text = request("POST", BATCH, &app.key).header("content-type", "text/plain");
    app.send(text.body(Body::from("{}")).unwrap()).await.refused(415, "unsupported_media_type");
    let named = request("POST", BATCH, &app.key).header("content-type", "application/json");
    let named = named.header("idempotency-key", "mine").body(batch(json!([])).to_string().into()).unwrap();
    app.send(named).await.refused(400, "bad_request");
    assert_eq!(app.pull(None).await.ok()["records"], json!([]));
}

#[tokio::test]
async fn routes_methods_and_versions_that_are_not_served_say_so() {
    let app = App::new().await;
    app.get("/api/v1/nothing").await.refused(404, "not_found");
    app.get(BATCH).await.refused(405, "method_not_allowed");
    app.get(&format!("{LOGS}?limit=0")).await.refused(400, "bad_request");
    app.get(&format!("{LOGS}?limit=5001")).await.refused(400, "bad_request");
    app.get(&format!("{LOGS}?limit=many")).await.refused(400, "bad_request");
    let newer = request("GET", LOGS, &app.key).header("x-sync-protocol", "2").body(Body::empty()).unwrap();
    app.send(newer).await.refused(426, "upgrade_required");
    let same = request("GET", LOGS, &app.key).header("x-sync-protocol", "1").body(Body::empty()).unwrap();
    app.send(same).await.ok();
    assert_eq!(app.get("/health").await.ok()["status"], "ok");
}

#[tokio::test]
async fn no_valid_key_no_entry() {
    let app = App::new().await;
    for path in [LOGS, "/api/v1/sync/status"] {
        for (header, value) in [("x-none", "1".into()), ("authorization", "Bearer nope".into())]
            .into_iter()
            .chain([("authorization", format!("Basic {}", app.key)), ("authorization", app.key.clone())])
        {
            let asked = axum::http::Request::builder().uri(path).header(header, value);
            let answer = app.send(asked.body(Body::empty()).unwrap()).await;
            answer.refused(401, "unauthorized");
            assert_eq!(answer.headers["www-authenticate"], "Bearer");
        }
    }
    let key = app.store.keys(app.user).await.unwrap()[0].id;
    assert!(app.store.revoke_key(key, START_MS).await.unwrap());
    app.get(LOGS).await.refused(401, "unauthorized");
}

/// (4) Pages: contiguous, in commit order, nothing twice, nothing missed, under both limits.
#[tokio::test]
async fn pages_give_every_record_once() {
    let app = App::new().await;
    for n in 0..25 {
        app.push(json!([{ "id": format!("r{n}"), "clientUpdatedAt": 1 }])).await;
        let plan = batch(json!([{ "id": format!("p{n}"), "clientUpdatedAt": 1 }]));
        app.post("/api/v1/plans/batch", &plan).await.ok();
    }
    let (mut ids, mut since, mut remaining) = (Vec::new(), String::new(), 26);
    loop {
        let page = app.get(&format!("{LOGS}?limit=10{since}")).await.ok();
        let records = page["records"].as_array().unwrap();
        if ids.is_empty() {
            assert_eq!(page["remaining"], 15);
            app.push(json!([{ "id": "r25", "clientUpdatedAt": 1 }])).await;
            app.post("/api/v1/plans/batch", &batch(json!([{ "id": "p25", "clientUpdatedAt": 1 }]))).await.ok();
        }
        ids.extend(records.iter().map(|record| record["id"].as_str().unwrap().to_owned()));
        remaining -= records.len();
        assert!(ids.len() == 10 || page["remaining"] == remaining, "{remaining} wait: {}", page["remaining"]);
        if page["hasMore"] == json!(false) {
            assert!(page["upTo"].as_i64().unwrap() > records.last().unwrap()["serverUpdatedAt"].as_i64().unwrap());
            break;
        }
        assert_eq!(page["upTo"], records.last().unwrap()["serverUpdatedAt"]);
        since = format!("&since={}", page["cursor"].as_str().unwrap());
    }
    assert_eq!(ids, (0..26).map(|n| format!("r{n}")).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_page_stays_under_its_bytes() {
    let app = App::new().await;
    let note = "x".repeat(200_000);
    for n in 0..30 {
        app.push(json!([{ "id": format!("r{n}"), "clientUpdatedAt": 1, "note": note }])).await;
    }
    let answer = app.pull(None).await;
    assert!(answer.body.len() <= PAGE_BYTES_MAX + 1024, "{}", answer.body.len());
    let page = answer.ok();
    let given = page["records"].as_array().unwrap().len();
    assert!((15..=21).contains(&given), "{given}");
    assert_eq!(page["remaining"], 30 - given);
    assert_eq!(app.pull(page["cursor"].as_str()).await.ok()["hasMore"], json!(false));
}

/// (11) `serverUpdatedAt` strictly increases for each user, whatever the clock does.
#[tokio::test]
async fn server_times_strictly_increase() {
    let app = App::new().await;
    app.push(json!([{ "id": "a", "clientUpdatedAt": 1 }, { "id": "b", "clientUpdatedAt": 1 }])).await;
    app.now.fetch_sub(100_000, Ordering::SeqCst);
    app.push(json!([{ "id": "c", "clientUpdatedAt": 1 }])).await;
    let page = app.pull(None).await.ok();
    let times: Vec<i64> =
        page["records"].as_array().unwrap().iter().map(|r| r["serverUpdatedAt"].as_i64().unwrap()).collect();
    assert_eq!(times, [START_MS, START_MS + 1, START_MS + 2]);
}

#[tokio::test]
async fn a_cursor_that_was_altered_or_is_of_another_path_is_refused() {
    let app = App::new().await;
    app.push(json!([{ "id": "a", "clientUpdatedAt": 1 }])).await;
    let cursor = app.pull(None).await.ok()["cursor"].as_str().unwrap().to_owned();
    let flipped = if cursor.ends_with('A') { 'B' } else { 'A' };
    let altered = format!("{}{flipped}{}", &cursor[..40], &cursor[41..]);
    let altered = if altered == cursor { format!("{}{}{}", &cursor[..40], 'C', &cursor[41..]) } else { altered };
    for bad in [altered.as_str(), "", "x", "AAAA"] {
        app.pull(Some(bad)).await.refused(400, "bad_request");
    }
    app.get(&format!("/api/v1/plans?since={cursor}")).await.refused(400, "bad_request");
    assert!(cursor.len() <= 512);
}

/// (9) A wiped server has another secret, and answers 410 all the same.
#[tokio::test]
async fn a_wiped_server_is_another_epoch() {
    let (old, new) = (App::new().await, App::new().await);
    old.push(json!([{ "id": "a", "clientUpdatedAt": 1 }])).await;
    let cursor = old.pull(None).await.ok();
    new.pull(cursor["cursor"].as_str()).await.refused(410, "epoch_changed");
}

/// (4, 9) Purged tombstones: old cursors expire, new pulls do not, and an old edit does not bring a record back.
#[tokio::test]
async fn purged_tombstones_stay_gone() {
    let app = App::new().await;
    let three = ["keep", "also", "gone"].map(|id| json!({ "id": id, "clientUpdatedAt": 1 }));
    app.push(json!(three)).await;
    let old = app.pull(None).await.ok();
    app.push(json!([{ "id": "gone", "clientUpdatedAt": 9, "isDeleted": true }])).await;
    app.push(json!([{ "id": "later", "clientUpdatedAt": 1 }])).await;
    let purged = purge(app.store.as_ref(), ServerMillis(START_MS + 100), 0).await.unwrap();
    assert_eq!(purged.tombstones, 1);
    app.pull(old["cursor"].as_str()).await.refused(410, "cursor_expired");

    // A pull that began after the purge goes on below the horizon, page after page.
    let (mut ids, mut since) = (Vec::new(), String::new());
    for _ in 0..3 {
        let page = app.get(&format!("{LOGS}?limit=1{since}")).await.ok();
        ids.push(page["records"][0]["id"].as_str().unwrap().to_owned());
        since = format!("&since={}", page["cursor"].as_str().unwrap());
    }
    assert_eq!(ids, ["keep", "also", "later"]);

    let hint = json!({ "known": true });
    let old_edit = app.push(json!([{ "id": "gone", "clientUpdatedAt": 9, "_sync": hint }])).await;
    assert_eq!(old_edit[0]["status"], "gone");
    let newer = app.push(json!([{ "id": "gone", "clientUpdatedAt": 10, "_sync": hint }])).await;
    assert_eq!(newer[0]["status"], "applied");
}

#[tokio::test]
async fn references_are_checked_by_option() {
    let app = App::with(Options { check_references: true, ..Options::default() }).await;
    let log = json!([{ "id": "a", "clientUpdatedAt": 1, "planId": "p" }, { "id": "b", "clientUpdatedAt": 1 }]);
    let results = app.push(log.clone()).await;
    assert_eq!(results[0]["code"], "missing_reference");
    assert_eq!(results[0]["reference"], json!({ "entity": "plans", "id": "p" }));
    assert_eq!(results[1]["status"], "applied");
    let both = json!({ "device_id": device(1), "changes": [
        { "entity_type": "plans", "id": "q", "data": {}, "updated_at": 1, "deleted": false },
        { "entity_type": "workout-logs", "id": "c", "data": { "planId": "q" }, "updated_at": 1, "deleted": false },
    ]});
    assert_eq!(app.post("/v1/sync/upload", &both).await.ok()["applied"].as_array().unwrap().len(), 2);
    app.post("/api/v1/plans/batch", &batch(json!([{ "id": "p", "clientUpdatedAt": 1 }]))).await.ok();
    assert_eq!(app.push(log).await[0]["status"], "applied");
    let nul = app.push(json!([{ "id": "n", "clientUpdatedAt": 1, "planId": "\u{0}" }])).await;
    assert_eq!(nul[0]["code"], "missing_reference");
}

/// (5) Changeset style: one cursor for all entities, the same records and rules.
#[tokio::test]
async fn changeset_style_serves_the_same_records() {
    let app = App::new().await;
    app.push(json!([{ "id": "a", "clientUpdatedAt": 5, "reps": 1 }])).await;
    let body = json!({ "device_id": device(2), "changes": [
        { "entity_type": "workout-logs", "id": "a", "data": { "reps": 0 }, "updated_at": 4, "deleted": false },
        { "entity_type": "plans", "id": "p", "data": null, "updated_at": 4, "deleted": true },
        { "entity_type": "boats", "id": "b", "data": {}, "updated_at": 4, "deleted": false },
        { "entity_type": "plans", "id": "q", "updated_at": "soon" },
    ]});
    let name = Uuid::from_u128(5);
    let answer = app.post_named("/v1/sync/upload", name, &body).await.ok();
    assert_eq!(answer["applied"][0]["id"], "p");
    assert_eq!(answer["conflicts"][0]["server"]["data"]["reps"], 1);
    let codes: Vec<&Value> = answer["rejected"].as_array().unwrap().iter().map(|r| &r["code"]).collect();
    assert_eq!(codes, ["unknown_entity", "invalid"]);
    let again = app.post_named("/v1/sync/upload", name, &body).await.ok();
    assert_eq!(again["applied"], answer["applied"]);

    let page = app.post("/v1/sync/download", &json!({ "device_id": device(2) })).await.ok();
    let seen: Vec<_> = page["changes"].as_array().unwrap().iter().map(|c| (&c["entity_type"], &c["deleted"])).collect();
    assert_eq!(seen, [(&json!("workout-logs"), &json!(false)), (&json!("plans"), &json!(true))]);
    assert_eq!((&page["has_more"], &page["server_cursor"]), (&json!(false), &answer["server_cursor"]));
    let next = json!({ "device_id": device(2), "since": page["server_cursor"] });
    assert_eq!(app.post("/v1/sync/download", &next).await.ok()["changes"], json!([]));
}

/// (5) The cursor of a user's very first upload is as good as any.
#[tokio::test]
async fn the_cursor_of_a_first_upload_is_of_the_history_it_began() {
    let app = App::new().await;
    let change = json!({ "entity_type": "plans", "id": "p", "data": {}, "updated_at": 4, "deleted": false });
    let first = app.post("/v1/sync/upload", &json!({ "device_id": device(1), "changes": [change] })).await.ok();
    let next = json!({ "device_id": device(1), "since": first["server_cursor"] });
    let page = app.post("/v1/sync/download", &next).await.ok();
    assert_eq!((&page["changes"], &page["epoch"]), (&json!([]), &first["epoch"]));
}

#[tokio::test]
async fn status_counts_and_knows_the_device() {
    let app = App::new().await;
    app.push(json!([{ "id": "a", "clientUpdatedAt": 5 }, { "id": "b", "clientUpdatedAt": 5, "isDeleted": true }]))
        .await;
    let status = app.get(&format!("/api/v1/sync/status?deviceId={}", device(1))).await.ok();
    assert_eq!(status["entities"], json!([{ "entity": "workout-logs", "records": 1, "tombstones": 1 }]));
    assert_eq!(status["device"]["lastPushAt"], START_MS);
    assert_eq!(status["lastChangeAt"], START_MS + 1);
    let other = app.get(&format!("/api/v1/sync/status?deviceId={}", device(9))).await.ok();
    assert_eq!(other["device"], Value::Null);
}

#[tokio::test]
async fn a_revoked_device_is_refused() {
    let app = App::new().await;
    app.push(json!([{ "id": "a", "clientUpdatedAt": 5 }])).await;
    let id = app.store.devices(app.user).await.unwrap()[0].id;
    assert!(app.store.revoke_device(app.user, id, START_MS).await.unwrap());
    app.post(BATCH, &batch(json!([{ "id": "b", "clientUpdatedAt": 5 }]))).await.refused(403, "forbidden");
    app.post("/v1/sync/download", &json!({ "device_id": device(1) })).await.refused(403, "forbidden");
    let asked_by = |path: &str, device: &str| {
        app.send(request("GET", path, &app.key).header("x-device-id", device).body(Body::empty()).unwrap())
    };
    for path in [LOGS, "/api/v1/events"] {
        asked_by(path, &device(1)).await.refused(403, "forbidden");
        asked_by(path, "phone").await.refused(400, "bad_request");
        // The body of an event stream never ends.
        let other = request("GET", path, &app.key).header("x-device-id", device(2)).body(Body::empty()).unwrap();
        assert_eq!(tower::ServiceExt::oneshot(app.router.clone(), other).await.unwrap().status(), 200);
    }
    assert_eq!(app.store.devices(app.user).await.unwrap()[1].last_pull_ms, Some(START_MS), "the other's is noted");
}

#[tokio::test]
async fn browsers_of_listed_origins_may_call() {
    let app = App::with(Options { cors_origins: vec!["https://app.example".into()], ..Options::default() }).await;
    let preflight = |origin: &str| {
        let asked = axum::http::Request::builder().method("OPTIONS").uri(BATCH).header("origin", origin);
        let asked = asked.header("access-control-request-method", "POST");
        asked
            .header("access-control-request-headers", "authorization,idempotency-key,x-device-id")
            .body(Body::empty())
            .unwrap()
    };
    let allowed = app.send(preflight("https://app.example")).await;
    assert_eq!(allowed.headers["access-control-allow-origin"], "https://app.example");
    assert!(allowed.headers["access-control-allow-headers"].to_str().unwrap().to_lowercase().contains("x-device-id"));
    assert!(!app.send(preflight("https://evil.example")).await.headers.contains_key("access-control-allow-origin"));
    let none = App::new().await.send(preflight("https://app.example")).await;
    assert!(!none.headers.contains_key("access-control-allow-origin"));
}

/// (5) `hello`, then `change` at each move, each with the newest cursor; nothing of other users.
#[tokio::test]
async fn events_poke_the_users_listeners() {
    let app = App::new().await;
    let (_, other_key) = support::add_user(app.store.as_ref(), "bob").await;
    let mut events = app.events(&app.key).await;
    let mut others = app.events(&other_key).await;
    let hello = events.next().await;
    assert!(hello.starts_with("event: hello\n"), "{hello}");
    assert!(others.next().await.starts_with("event: hello\n"));
    app.push(json!([{ "id": "a", "clientUpdatedAt": 5 }])).await;
    let change = events.next().await;
    assert!(change.starts_with("event: change\n"), "{change}");
    let data: Value = serde_json::from_str(change.lines().nth(1).unwrap().strip_prefix("data: ").unwrap()).unwrap();
    let page = app.post("/v1/sync/download", &json!({ "device_id": device(1), "since": data["cursor"] })).await.ok();
    assert_eq!(page["changes"], json!([]), "the cursor covers the change");
    app.state.pokes.close();
    assert_eq!((events.next().await, others.next().await), (String::new(), String::new()), "both end, bob unpoked");
    app.get("/api/v1/events").await.refused(503, "unavailable");
}

/// (5) A device that pushed was answered: its own stream stays silent, and those of others do not.
#[tokio::test]
async fn a_push_does_not_poke_its_own_device() {
    let heartbeat = std::time::Duration::from_millis(20);
    let app = App::with(Options { heartbeat, ..Options::default() }).await;
    let (mut own, mut other, mut unnamed) =
        (app.events_of(1).await, app.events_of(2).await, app.events(&app.key).await);
    for stream in [&mut own, &mut other, &mut unnamed] {
        assert!(stream.next().await.starts_with("event: hello\n"));
    }
    app.push_by(1, 1).await;
    assert!(own.next().await.starts_with(':'), "silent for as long as a heartbeat");
    assert!(other.next().await.starts_with("event: change\n"));
    assert!(unnamed.next().await.starts_with("event: change\n"));
    app.push_by(2, 2).await;
    assert!(own.next().await.starts_with("event: change\n"));
    assert!(other.next().await.starts_with(':'));
}

/// (5) A silent stream says that it lives, and ends when its key is revoked.
#[tokio::test]
async fn a_silent_stream_beats_while_its_key_is_valid() {
    let heartbeat = std::time::Duration::from_millis(20);
    let app = App::with(Options { heartbeat, ..Options::default() }).await;
    let mut events = app.events(&app.key).await;
    assert!(events.next().await.starts_with("event: hello\n"));
    for _ in 0..2 {
        let beat = events.next().await;
        assert!(beat.starts_with(':') && beat.lines().count() == 2, "{beat:?}");
    }
    let key = app.store.keys(app.user).await.unwrap()[0].id;
    assert!(app.store.revoke_key(key, START_MS).await.unwrap());
    while !events.next().await.is_empty() {}
}

/// A body that never ends is given up at the deadline, and holds nothing up.
#[tokio::test]
async fn a_request_that_never_ends_is_answered_at_the_deadline() {
    let deadline = std::time::Duration::from_millis(50);
    let app = App::with(Options { deadline, ..Options::default() }).await;
    let begun = futures::stream::iter([Ok::<_, std::io::Error>(r#"{"deviceId":"#)]);
    let never_ends = Body::from_stream(futures::StreamExt::chain(begun, futures::stream::pending()));
    let error = app.post_text(BATCH, never_ends).await.refused(408, "request_timeout");
    assert_eq!(error["retryable"], true);
}

/// (4) Gzip both ways; the limit counts inflated bytes.
#[tokio::test]
async fn bodies_may_be_compressed_within_their_limit() {
    let app = App::new().await;
    let gzip = |bytes: &[u8]| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        std::io::Write::write_all(&mut encoder, bytes).unwrap();
        encoder.finish().unwrap()
    };
    let send = |encoding: &'static str, bytes: Vec<u8>| {
        let request = request("POST", BATCH, &app.key).header("content-type", "application/json");
        app.send(request.header("content-encoding", encoding).body(bytes.into()).unwrap())
    };
    let note = "note ".repeat(1000);
    let body = batch(json!([{ "id": "a", "clientUpdatedAt": 5, "note": note }])).to_string();
    send("gzip", gzip(body.as_bytes())).await.ok();
    send("gzip", gzip(&vec![b' '; 3 * BATCH_BYTES_MAX])).await.refused(413, "too_large");
    send("gzip", body.into_bytes()).await.refused(400, "bad_request");
    send("zstd", vec![1, 2, 3]).await.refused(415, "unsupported_media_type");
    for encoding in ["gzip", "br"] {
        let asked = request("GET", LOGS, &app.key).header("accept-encoding", encoding).body(Body::empty()).unwrap();
        let answer = app.send(asked).await;
        assert_eq!(answer.headers["content-encoding"], encoding);
        assert!(answer.body.len() < 1000);
    }
}

#[tokio::test]
async fn a_user_who_calls_too_often_is_asked_to_wait() {
    let app = App::with(Options { requests_per_second: 1, ..Options::default() }).await;
    let mut refused = app.pull(None).await;
    while refused.status == 200 {
        refused = app.pull(None).await;
    }
    let error = refused.refused(429, "rate_limited");
    assert!((1..=1000).contains(&error["retryAfterMs"].as_i64().unwrap()));
    assert_eq!((refused.headers["retry-after"].to_str().unwrap(), &error["retryable"]), ("1", &json!(true)));
    assert_eq!(app.get("/health").await.status, 200);
}

#[tokio::test]
async fn every_answer_has_its_id_and_the_security_headers() {
    let app = App::new().await;
    for path in [LOGS, "/health", "/nothing"] {
        let answer = app.get(path).await;
        assert_eq!(answer.headers["x-content-type-options"], "nosniff");
        assert_eq!(answer.headers["x-frame-options"], "DENY");
        assert_eq!(answer.headers["referrer-policy"], "no-referrer");
        Uuid::parse_str(answer.headers["x-request-id"].to_str().unwrap()).unwrap();
    }
    let answer = app.get(LOGS).await;
    assert_eq!((&answer.headers["cache-control"]), "no-store");
    assert!(answer.headers["content-security-policy"].to_str().unwrap().contains("default-src 'none'"));
    let named = |id: &str| request("GET", LOGS, &app.key).header("x-request-id", id).body(Body::empty()).unwrap();
    assert_eq!(app.send(named("abc-1")).await.headers["x-request-id"], "abc-1");
    assert_ne!(app.send(named("a b;c")).await.headers["x-request-id"], "a b;c");
}

#[tokio::test]
async fn ready_follows_the_database_and_the_stop() {
    let app = App::new().await;
    assert_eq!(app.get("/ready").await.ok()["status"], "ready");
    app.state.pokes.close();
    app.get("/ready").await.refused(503, "unavailable");
    assert_eq!(app.get("/health").await.status, 200);
}
