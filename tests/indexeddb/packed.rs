//! A fresh database whose entities are all of layout `packed`.

use lastword::browser::indexeddb::IndexedDb;
use lastword::browser::{EntityLayout, Layout, database};

use crate::contract::config;
use crate::indexeddb::layout;

/// The layout with every entity packed.
pub(crate) fn packed(database: &str) -> Layout {
    let rows = layout(database);
    let packed = |entity: &EntityLayout| EntityLayout { packed: true, ..entity.clone() };
    Layout { entities: rows.entities.iter().map(packed).collect(), ..rows }
}

/// An empty database of this name.
pub(crate) async fn fresh_packed(name: &str) -> IndexedDb {
    database::delete(name).await.unwrap();
    IndexedDb::open(config(), packed(name)).await.unwrap()
}
