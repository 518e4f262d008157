//! The ports over a browser: one file for each browser interface. Never decides.

mod bundles;
mod by_id;
pub mod clock;
pub mod codec;
pub mod custom;
pub mod database;
pub mod fetch;
mod http;
pub mod indexeddb;
pub mod locks;
mod packed;
mod packing;
pub mod reader;
mod reading;
mod removal;
pub mod stores;
mod transaction;
mod writing;

use std::rc::Rc;

use crate::mapping::FieldNames;

/// How the entities of a [`crate::config::Config`] are laid out in the app's database, in the same order.
#[derive(Clone, Debug)]
pub struct Layout {
    /// The database's name.
    pub database: String,
    /// True when the app owns the schema: it is opened as found and never upgraded by us.
    pub attached: bool,
    /// The entities' stores and field names.
    pub entities: Rc<[EntityLayout]>,
}

/// How one entity is laid out.
#[derive(Clone, Debug)]
pub struct EntityLayout {
    /// The entity's name, as in the outbox.
    pub name: String,
    /// The app's object store.
    pub store: String,
    /// The app's field names.
    pub names: FieldNames,
    /// True where every row was written through lastword, so that none holds what JSON cannot.
    pub own_rows: bool,
    /// True when its rows are kept many to a value. Only in a managed database.
    pub packed: bool,
}
