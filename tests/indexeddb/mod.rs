//! A fresh IndexedDB database for each test. Never leaves one behind.

use std::rc::Rc;

use lastword::browser::indexeddb::IndexedDb;
use lastword::browser::{EntityLayout, Layout, database};
use lastword::mapping::FieldNames;

use crate::contract::{NAMES, config};

pub(crate) mod packed;

/// Makes a browser test of every case of the contract, each on its own database.
macro_rules! browser_tests {
    ($($group:ident: $($case:ident),*;)*) => {
        $($(
            #[wasm_bindgen_test::wasm_bindgen_test]
            async fn $case() {
                let store = crate::indexeddb::fresh(stringify!($case)).await;
                crate::contract::$group::$case(&store).await;
                crate::indexeddb::remove(store).await;
            }
        )*)*
    };
}
pub(crate) use browser_tests;

/// The same with every entity packed.
macro_rules! packed_tests {
    ($($group:ident: $($case:ident),*;)*) => {
        mod in_layout_packed {
            $($(
                #[wasm_bindgen_test::wasm_bindgen_test]
                async fn $case() {
                    let store = crate::indexeddb::packed::fresh_packed(concat!("packed-", stringify!($case))).await;
                    crate::contract::$group::$case(&store).await;
                    crate::indexeddb::remove(store).await;
                }
            )*)*
        }
    };
}
pub(crate) use packed_tests;

/// The layout of the contract's entities in a database of this name: the last has its own store and field names.
pub(crate) fn layout(database: &str) -> Layout {
    let entities = NAMES.map(|name| EntityLayout {
        name: name.to_owned(),
        store: if name == "logs" { "workoutLogs".to_owned() } else { name.to_owned() },
        names: if name == "logs" {
            FieldNames { id: "key".into(), client_updated_at: "updated_at".into(), ..FieldNames::default() }
        } else {
            FieldNames::default()
        },
        own_rows: name != "logs",
        packed: false,
    });
    Layout { database: database.to_owned(), attached: false, entities: Rc::new(entities) }
}

/// An empty database of this name.
pub(crate) async fn fresh(name: &str) -> IndexedDb {
    database::delete(name).await.unwrap();
    IndexedDb::open(config(), layout(name)).await.unwrap()
}

/// Removes the database of `store`.
pub(crate) async fn remove(store: IndexedDb) {
    store.close().await;
    database::delete(&store.layout().database).await.unwrap();
}
