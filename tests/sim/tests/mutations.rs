//! Every deliberate mistake of the client breaks some world: the simulation would notice it.
#![cfg(feature = "mutations")]

use lastword::mutation::Mutation;
use lastword_sim::catch;

#[test]
fn every_mistake_is_caught() {
    let mut missed = Vec::new();
    for mutation in Mutation::ALL {
        match catch(mutation, WORLDS_MAX) {
            Some((worlds, broken)) => println!("{mutation:?}: {worlds} worlds, {broken}"),
            None => missed.push(mutation),
        }
    }
    assert!(missed.is_empty(), "not caught in {WORLDS_MAX} worlds: {missed:?}");
}

/// Worlds in which a mistake must show: as many as are played without one.
const WORLDS_MAX: u64 = 60_000;
