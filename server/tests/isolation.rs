//! No endpoint shows, changes or tells the existence of another user's records. Invariant I15.

#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use axum::body::Body;
use lastword_server::Options;
use serde_json::{Value, json};
use support::{App, BATCH, LOGS, add_user, batch, databases, device, request};
use uuid::Uuid;

/// Ann has a secret; Bob knows her ids, cursors, device and idempotency key, and tries every endpoint with them.
#[tokio::test]
async fn bob_learns_nothing_of_ann_and_changes_nothing() {
    for database in databases().await {
        let ann = App::on(
            database.nodes[0].clone(),
            database.folder,
            Options { check_references: true, ..Options::default() },
        )
        .await;
        let (_, key) = add_user(ann.store.as_ref(), "bob").await;
        let bob = App { key, ..ann.beside(database.nodes[1].clone()) };
        let mut tried = Vec::new();

        let (name, secret) = (Uuid::from_u128(9), json!([{ "id": "a", "clientUpdatedAt": 9, "note": "secret" }]));
        ann.post("/api/v1/plans/batch", &batch(json!([{ "id": "p", "clientUpdatedAt": 9 }]))).await.ok();
        ann.post_named(BATCH, name, &batch(secret.clone())).await.ok();
        let before = ann.pull(None).await.ok();
        let all = json!({ "device_id": device(1) });
        let everything = ann.post("/v1/sync/download", &all).await.ok();
        let mut anns_events = ann.events(&ann.key).await;
        anns_events.next().await;

        // Pull, with nothing and with her cursor.
        tried.extend([LOGS, "/api/v1/plans"]);
        for path in [LOGS, "/api/v1/plans"] {
            let page = bob.get(path).await.ok();
            assert_eq!((&page["records"], &page["remaining"], &page["upTo"]), (&json!([]), &json!(0), &json!(0)));
            assert_ne!(page["epoch"], before["epoch"]);
        }
        bob.pull(before["cursor"].as_str()).await.refused(410, "epoch_changed");
        tried.push("/v1/sync/download");
        assert_eq!(bob.post("/v1/sync/download", &all).await.ok()["changes"], json!([]));
        let hers = json!({ "device_id": device(1), "since": everything["server_cursor"] });
        bob.post("/v1/sync/download", &hers).await.refused(410, "epoch_changed");

        // Push under her ids, her device and her idempotency key: his own records, as if hers were not there.
        tried.extend([BATCH, "/api/v1/plans/batch", "/v1/sync/upload"]);
        let older = json!([{ "id": "a", "clientUpdatedAt": 1, "note": "bob's" }]);
        let result = bob.post_named(BATCH, name, &batch(older)).await.ok()["results"][0].clone();
        assert_eq!((&result["status"], &result["version"]), (&json!("applied"), &json!(1)), "{result}");
        assert_ne!(result["serverId"], before["records"][0]["serverId"]);
        let child = json!([{ "id": "b", "clientUpdatedAt": 1, "planId": "p" }]);
        assert_eq!(bob.push(child).await[0]["code"], "missing_reference", "her plan is not his");
        let known = json!([{ "id": "p", "clientUpdatedAt": 1, "_sync": { "known": true } }]);
        assert_eq!(bob.post("/api/v1/plans/batch", &batch(known)).await.ok()["results"][0]["status"], "applied");
        let delete = json!({ "device_id": device(1), "changes": [
            { "entity_type": "workout-logs", "id": "a", "data": null, "updated_at": 99, "deleted": true },
        ]});
        assert_eq!(bob.post("/v1/sync/upload", &delete).await.ok()["applied"].as_array().unwrap().len(), 1);

        // Status and pokes.
        tried.push("/api/v1/sync/status");
        let status = bob.get(&format!("/api/v1/sync/status?deviceId={}", device(1))).await.ok();
        assert_eq!(status["entities"][0], json!({ "entity": "plans", "records": 1, "tombstones": 0 }));
        assert_eq!(status["entities"].as_array().unwrap().len(), 2);
        tried.push("/api/v1/events");
        let mut events = bob.events(&bob.key).await;
        assert!(!events.next().await.contains(everything["server_cursor"].as_str().unwrap()));
        ann.state.pokes.close();
        assert_eq!(anns_events.next().await, "", "she heard of none of his changes");

        // What she has is what she had.
        let after = ann.pull(None).await.ok();
        assert_eq!((&after["records"], &after["epoch"]), (&before["records"], &before["epoch"]));
        assert!(!bob.pull(None).await.ok().to_string().contains("secret"));

        // No path was forgotten, and none answers a stranger.
        let document = ann.get("/openapi.json").await.ok();
        let mut paths: Vec<&str> = document["paths"].as_object().unwrap().keys().map(String::as_str).collect();
        paths.retain(|path| !["/health", "/ready"].contains(path));
        tried.sort_unstable();
        assert_eq!(tried, paths);
        for (path, item) in
            document["paths"].as_object().unwrap().iter().filter(|(path, _)| tried.contains(&path.as_str()))
        {
            let method = item.as_object().unwrap().keys().next().unwrap().to_uppercase();
            let asked = request(&method, path, "lastword_guess").header("content-type", "application/json");
            let body = if method == "POST" { Body::from(Value::Null.to_string()) } else { Body::empty() };
            ann.send(asked.body(body).unwrap()).await.refused(401, "unauthorized");
        }
    }
}
