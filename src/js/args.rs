//! The arguments of a call, taken out one by one. Never looks into a record.

use js_sys::{Array, Reflect};
use wasm_bindgen::prelude::*;

use super::core::{Core, config};
use crate::error::Error;
use crate::record::{Entity, Key};

/// The arguments of one call.
pub(super) struct Args(pub(super) Array);

impl Args {
    pub(super) fn value(&self, place: u32) -> JsValue {
        self.0.get(place)
    }

    pub(super) fn text(&self, place: u32) -> Result<String, Error> {
        self.value(place).as_string().ok_or_else(|| config("a name or an id must be a string"))
    }

    pub(super) fn texts(&self, place: u32) -> Result<Vec<String>, Error> {
        self.list(place)?.iter().map(|text| text.as_string().ok_or_else(|| config("an id must be a string"))).collect()
    }

    pub(super) fn list(&self, place: u32) -> Result<Array, Error> {
        self.value(place).dyn_into().map_err(|_| config("records and ids must come in an array"))
    }
}

impl Core {
    /// The entity that the first argument names.
    pub(super) fn entity(&self, args: &Args) -> Result<Entity, Error> {
        let name = args.text(0)?;
        self.config.find(&name).ok_or(Error::UnknownEntity { entity: name })
    }

    /// As [`Core::entity`]; none where there is no argument.
    pub(super) fn some_entity(&self, args: &Args) -> Result<Option<Entity>, Error> {
        if args.value(0).is_undefined() { Ok(None) } else { self.entity(args).map(Some) }
    }

    /// The record that the first two arguments name.
    pub(super) fn key(&self, args: &Args) -> Result<Key, Error> {
        Ok(Key { entity: self.entity(args)?, id: args.text(1)? })
    }
}

/// A field of an object of the app's; undefined where there is none.
pub(super) fn field(object: &JsValue, name: &str) -> JsValue {
    Reflect::get(object, &name.into()).unwrap_or(JsValue::UNDEFINED)
}
