//! A JSON Schema (2020-12 subset), compiled once and checked on every record. Never ignores a keyword it does not know.
//!
//! `compile.rs` turns the JSON into the nodes of `node.rs`, and `check.rs` walks a record through them. A valid record
//! costs no allocation. The subset, with its reasons, is docs/schema.md.

mod check;
mod compile;
mod keyword;
mod node;
mod pointer;
mod reference;
mod value;

use std::fmt;

use serde_json::Value;

use crate::push::FieldError;
use crate::record::{
    CLIENT_CREATED_AT, CLIENT_UPDATED_AT, Fields, ID, IS_DELETED, SERVER_ID, SERVER_UPDATED_AT, VERSION,
};
use node::{Node, NodeId};

/// Compiles an ECMA-262 pattern to a test. The browser gives `RegExp`; a backend gives an engine of the same dialect.
pub type PatternCompiler<'a> = &'a dyn Fn(&str) -> Result<PatternTest, String>;
/// True when a string holds a match of the pattern.
pub type PatternTest = Box<dyn Fn(&str) -> bool + Send + Sync>;

/// A compiled schema.
pub struct Schema {
    nodes: Vec<Node>,
    root: NodeId,
}

/// Why a schema cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("schema at `{path}`: {message}")]
pub struct SchemaError {
    /// JSON Pointer to the keyword at fault.
    pub path: String,
    /// What is wrong and what to do.
    pub message: String,
}

impl Schema {
    /// Compiles `schema`, which may describe the whole record: what it says of the sync fields is left out.
    ///
    /// # Errors
    /// [`SchemaError`] for a keyword outside the subset, or one of the wrong form.
    pub fn compile(schema: &Value, patterns: PatternCompiler<'_>) -> Result<Self, SchemaError> {
        Self::compile_mapped(schema, &SYNC_FIELDS, patterns)
    }

    /// Compiles `schema` of an app whose sync fields have names of their own (`updated_at`, `deleted_at`, …).
    ///
    /// # Errors
    /// As [`Schema::compile`].
    pub fn compile_mapped(
        schema: &Value,
        sync_fields: &[&str],
        patterns: PatternCompiler<'_>,
    ) -> Result<Self, SchemaError> {
        compile::compile(schema, sync_fields, patterns)
    }

    /// Checks the app fields of a live record; an empty list means valid.
    ///
    /// The list is bounded, and its messages never hold a value of the record. Paths do hold the record's keys.
    #[must_use]
    pub fn check(&self, fields: &Fields) -> Vec<FieldError> {
        check::check(&self.nodes, self.root, fields)
    }
}

impl fmt::Debug for Schema {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Schema").field("nodes", &self.nodes.len()).finish_non_exhaustive()
    }
}

/// The envelope's wire names, which are not among the [`Fields`] of a record.
const SYNC_FIELDS: [&str; 7] =
    [ID, CLIENT_CREATED_AT, CLIENT_UPDATED_AT, IS_DELETED, SERVER_UPDATED_AT, SERVER_ID, VERSION];
