//! When things happen: the phases of a cycle and what each event leads to. Never waits and never touches a port.

pub mod backoff;
pub mod lease;
