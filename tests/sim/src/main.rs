//! Runs any number of worlds: `--worlds N --seed S`, or one with a trace: `--one SEED`. Never stops at the first failure
//! of a thread without printing its seed, which replays it.

use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use lastword_sim::{Tally, run};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |name: &str| -> Option<u64> {
        let at = arguments.iter().position(|argument| argument == name)?;
        arguments.get(at + 1)?.parse().ok()
    };
    if let Some(seed) = number("--one") {
        return match run(seed, true) {
            Ok(tally) => {
                println!("seed {seed}: every invariant held\n{tally:?}");
                ExitCode::SUCCESS
            }
            Err(broken) => {
                println!("seed {seed}: {broken}");
                ExitCode::FAILURE
            }
        };
    }
    let worlds = number("--worlds").unwrap_or(WORLDS);
    let first = number("--seed").unwrap_or(1);
    let threads = number("--threads").unwrap_or(THREADS);
    let failures_max = usize::try_from(number("--failures").unwrap_or(1)).unwrap_or(1);
    let next = AtomicU64::new(0);
    let failures: Mutex<Vec<(u64, String)>> = Mutex::new(Vec::new());
    let total = Mutex::new(Tally::default());
    #[allow(clippy::disallowed_methods, reason = "the speed is measured, nothing is decided by it")]
    let start = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let mut tally = Tally::default();
                loop {
                    let world = next.fetch_add(1, Ordering::Relaxed);
                    if world >= worlds || failures.lock().is_ok_and(|failed| failed.len() >= failures_max) {
                        break;
                    }
                    let seed = first.wrapping_add(world);
                    match std::panic::catch_unwind(|| run(seed, false)) {
                        Ok(Ok(done)) => tally.add(&done),
                        Ok(Err(broken)) => failures.lock().iter_mut().for_each(|all| all.push((seed, broken.clone()))),
                        Err(_) => failures.lock().iter_mut().for_each(|all| all.push((seed, "it panicked".into()))),
                    }
                }
                total.lock().iter_mut().for_each(|total| total.add(&tally));
            });
        }
    });
    let seconds = start.elapsed().as_secs_f64();
    let run = next.load(Ordering::Relaxed).min(worlds);
    #[allow(clippy::cast_precision_loss, reason = "a figure for people")]
    let per_minute = run as f64 / seconds * 60.0;
    println!("{run} worlds from seed {first} in {seconds:.1} s: {per_minute:.0} a minute");
    if let Ok(total) = total.into_inner() {
        println!("{total:?}");
    }
    let failures = failures.into_inner().unwrap_or_default();
    for (seed, broken) in &failures {
        println!("seed {seed}: {broken}\n  replay: cargo xtask sim --one {seed}");
    }
    if failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

const WORLDS: u64 = 60_000;
const THREADS: u64 = 2;
