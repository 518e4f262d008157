//! The endpoints: extract, call, reply. Holds no rule and no SQL.

mod body;
mod changeset;
mod events;
mod health;
mod layers;
mod observe;
mod resource;
mod status;

use axum::routing::{get, post};
use axum::{Extension, Router};
use tower_http::services::ServeDir;

use crate::state::AppState;

/// The server as an axum router, to be served alone or nested in an app of your own.
pub fn router(state: AppState) -> Router {
    let mut router = Router::new()
        .route("/v1/sync/upload", post(changeset::upload))
        .route("/v1/sync/download", post(changeset::download))
        .route("/api/v1/events", get(events::events))
        .route("/api/v1/sync/status", get(status::status));
    for (name, entity) in state.entities.iter() {
        let name = Extension(resource::EntityName(name.into()));
        router = router
            .route(&entity.path, get(resource::pull).layer(name.clone()))
            .route(&format!("{}/batch", entity.path), post(resource::push).layer(name));
    }
    let mut router =
        layers::api(router, &state).route("/health", get(health::health)).route("/ready", get(health::ready));
    if let Some(folder) = &state.options.static_folder {
        router = router.fallback_service(layers::static_files(ServeDir::new(folder)));
    }
    layers::all(router, &state).with_state(state)
}
