//! The endpoints: extract, call, reply. Holds no rule and no SQL.

mod body;
pub(crate) mod changeset;
mod documents;
pub(crate) mod events;
pub(crate) mod health;
mod layers;
mod observe;
pub(crate) mod resource;
pub(crate) mod status;

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
    let document = documents::Document(crate::openapi::document(&state.entities).into());
    let mut router = layers::api(router)
        .route("/openapi.json", get(documents::openapi).layer(Extension(document)))
        .route("/docs", get(documents::page))
        .route("/health", get(health::health))
        .route("/ready", get(health::ready));
    if let Some(folder) = &state.options.static_folder {
        router = router.fallback_service(layers::static_files(ServeDir::new(folder)));
    }
    layers::all(router, &state).with_state(state)
}
