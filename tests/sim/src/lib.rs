//! Random worlds of replicas, a backend, a network and clocks with faults: one seed is one world. Never touches a real
//! clock, network or disk.
//!
//! [`run`] plays one world and says which invariant of docs/protocol.md, section 12, it broke, if any.

mod app;
mod backend;
mod client;
mod copy;
mod end;
mod faults;
mod oracle;
mod profile;
mod rng;
mod settle;
mod tally;
mod timed;
mod wire;
mod world;

pub use tally::Tally;

/// Plays worlds with one deliberate mistake in the client until one breaks; how many worlds that took, and what broke.
#[cfg(feature = "mutations")]
#[must_use]
pub fn catch(mutation: lastword::mutation::Mutation, worlds: u64) -> Option<(u64, String)> {
    (1..=worlds).find_map(|seed| {
        lastword::mutation::make(Some(mutation));
        let broken = run(seed, false).err();
        lastword::mutation::make(None);
        // A world that breaks without the mistake says nothing of it.
        broken.filter(|_| run(seed, false).is_ok()).map(|broken| (seed, broken))
    })
}

/// Plays the world of `seed`; prints all that happens where `trace`.
///
/// # Errors
/// The first invariant that the world broke.
pub fn run(seed: u64, trace: bool) -> Result<Tally, String> {
    world::World::new(seed, trace).run()
}
