//! Tests of one browser interface each.

mod codec;
mod database;
mod fetch;
mod js;
mod locks;
mod packed;
mod reader;
