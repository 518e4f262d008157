//! One world: its clock, its queue of what happens next, and its parts. Never reads a real clock.

use std::cmp::{Ordering, Reverse};
use std::collections::{BinaryHeap, VecDeque};
use std::rc::Rc;

use lastword::checkpoint::InFlight;
use lastword::config::Config;
use lastword::engine::Engine;
use lastword::engine::state::{Event, PullRequest, StoreStep};
use lastword::incoming::timed::{Asked, Timed};
use lastword::memory::MemoryStore;
use lastword::ports::Now;
use lastword::record::{Entity, Millis};

use crate::backend::Backend;
use crate::copy;
use crate::oracle::Oracle;
use crate::profile::{LATE_MAX_MS, Profile};
use crate::rng::Rng;
use crate::tally::Tally;

/// Everything there is.
pub(crate) struct World {
    pub(crate) rng: Rng,
    pub(crate) profile: Profile,
    pub(crate) config: Rc<Config>,
    pub(crate) backend: Backend,
    pub(crate) replicas: Vec<Replica>,
    pub(crate) oracle: Oracle,
    /// The true time, and every monotonic clock, in milliseconds.
    pub(crate) time: i64,
    queue: BinaryHeap<Reverse<Entry>>,
    order: u64,
    /// False once the world heals.
    pub(crate) faults: bool,
    pub(crate) trace: bool,
    /// Bodies the backend took and rows that changed since this was last set to zero.
    pub(crate) activity: u64,
    pub(crate) store_calls: usize,
}

/// One database and the contexts that use it.
pub(crate) struct Replica {
    pub(crate) store: MemoryStore,
    pub(crate) tabs: Vec<Tab>,
    pub(crate) user: usize,
    /// Wall clock minus true time.
    pub(crate) skew_ms: i64,
    /// What its storage still takes.
    pub(crate) room: Room,
    /// Who holds the lock, and who waits for it.
    pub(crate) holder: Option<usize>,
    pub(crate) waiting: VecDeque<usize>,
}

/// What a storage still takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Room {
    Enough,
    Deletions,
    Nothing,
}

/// One context: a tab or a worker.
pub(crate) struct Tab {
    pub(crate) engine: Engine,
    /// Raised by each crash: what was meant for an earlier life is not delivered.
    pub(crate) life: u32,
    pub(crate) alive: bool,
    pub(crate) wakes_at: Option<i64>,
    pub(crate) cycles: u64,
    /// Entities pulled to their end since this cycle first planned its pushes; none before that.
    pub(crate) pulled: Option<Vec<Entity>>,
    /// How it asks a backend by time.
    pub(crate) timed: Timed,
    /// Whose token it sends.
    pub(crate) user: usize,
}

/// Names one life of one context.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct At {
    pub(crate) replica: usize,
    pub(crate) tab: usize,
    pub(crate) life: u32,
}

/// Something that will happen.
pub(crate) enum Happening {
    Start(At),
    Wake(At),
    Run(At, u64, StoreStep),
    Deliver(At, Event),
    PullArrives(At, u64, PullRequest, Option<Asked>, usize),
    PushArrives(At, u64, Rc<InFlight>, usize),
    Act,
    Fault(Fault),
}

/// What goes wrong by itself.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fault {
    Crash,
    PowerLoss,
    ClockJump,
    Restart,
    BackUp,
    Restore,
    FeedStandby,
    Purge,
    Wipe,
    Evict,
    Steal,
    Poison,
    Fill,
    MakeRoom,
}

struct Entry {
    at: i64,
    order: u64,
    happening: Happening,
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        (self.at, self.order) == (other.at, other.order)
    }
}

impl Eq for Entry {}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Entry {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.at, self.order).cmp(&(other.at, other.order))
    }
}

/// Prints one line of a traced world.
macro_rules! trace {
    ($world:expr, $($format:tt)+) => {
        if $world.trace {
            println!("{:>8} {}", $world.time, format!($($format)+));
        }
    };
}
pub(crate) use trace;

impl World {
    pub(crate) fn new(seed: u64, trace: bool) -> Self {
        let mut rng = Rng::new(seed);
        let profile = Profile::draw(&mut rng);
        let config = Rc::new(profile.config());
        let users = if profile.wipe { 2 } else { 1 };
        let late_max_ms = profile.timed.then_some(LATE_MAX_MS);
        let backend = Backend::new(users, profile.backend_checks_references, late_max_ms, &mut rng);
        let oracle =
            Oracle::new(profile.replicas, users, profile.stale_cache > 0, profile.lag + profile.stale_cache > 0);
        let mut world = Self {
            rng,
            config,
            backend,
            replicas: Vec::new(),
            oracle,
            time: 0,
            queue: BinaryHeap::new(),
            order: 0,
            faults: true,
            trace,
            activity: 0,
            store_calls: 0,
            profile,
        };
        for _ in 0..world.profile.replicas {
            let replica = world.new_replica();
            world.replicas.push(replica);
        }
        world
    }

    /// Runs the world to its end.
    ///
    /// # Errors
    /// The first invariant that broke.
    pub(crate) fn run(mut self) -> Result<Tally, String> {
        trace!(self, "{:?}", self.profile);
        self.plan();
        let end = self.profile.duration_ms;
        while self.oracle.broken.is_none() && self.step(end) {}
        if self.oracle.broken.is_none() {
            self.time = self.time.max(end);
            self.settle();
        }
        match self.oracle.broken.take() {
            None => Ok(self.oracle.tally),
            Some(broken) => Err(broken),
        }
    }

    fn new_replica(&mut self) -> Replica {
        let skew_ms = if self.profile.clock_skew {
            // Up to five minutes ahead passes; beyond, the backend refuses and the replica stamps again.
            let most = [3_000, 100_000, 290_000, 600_000, 4_000_000, 40_000_000_000][self.rng.below(6)];
            self.rng.between(-most, most)
        } else {
            0
        };
        let tabs = (0..self.profile.tabs).map(|_| Tab::new(self.new_engine(0))).collect();
        Replica {
            store: MemoryStore::new(self.config.clone()),
            tabs,
            user: 0,
            skew_ms,
            room: Room::Enough,
            holder: None,
            waiting: VecDeque::new(),
        }
    }

    pub(crate) fn new_engine(&mut self, user: usize) -> Engine {
        let account = Some(ACCOUNTS[user].to_owned());
        Engine::new(self.config.clone(), account, self.rng.next())
    }

    /// Puts starts, edits and faults on the queue.
    fn plan(&mut self) {
        let duration = self.profile.duration_ms;
        for replica in 0..self.replicas.len() {
            for tab in 0..self.profile.tabs {
                let at = self.rng.between(0, duration / 4);
                self.at(at, Happening::Start(At { replica, tab, life: 0 }));
            }
        }
        for _ in 0..self.profile.edits {
            let at = self.rng.between(0, duration);
            self.at(at, Happening::Act);
        }
        let profile = self.profile.clone();
        let planned = [
            (profile.crash > 0, Fault::Crash, profile.crash),
            (profile.power, Fault::PowerLoss, 2),
            (profile.clock_jumps, Fault::ClockJump, 8),
            (profile.restart, Fault::Restart, 2),
            (profile.restore, Fault::BackUp, 2),
            (profile.restore, Fault::Restore, 2),
            (profile.lag > 0, Fault::FeedStandby, 6),
            (profile.purge, Fault::Purge, 3),
            (profile.wipe, Fault::Wipe, 1),
            (profile.evict, Fault::Evict, 1),
            (profile.steal, Fault::Steal, 3),
            (profile.poison, Fault::Poison, 2),
            (profile.full, Fault::Fill, 4),
            (profile.full, Fault::MakeRoom, 3),
        ];
        for (happens, fault, most) in planned {
            if happens {
                for _ in 0..1 + self.rng.below(most) {
                    let at = self.rng.between(0, duration);
                    self.at(at, Happening::Fault(fault));
                }
            }
        }
    }

    pub(crate) fn at(&mut self, at: i64, happening: Happening) {
        self.order += 1;
        self.queue.push(Reverse(Entry { at, order: self.order, happening }));
    }

    /// Lets the next thing happen; false when nothing is left before `end`.
    pub(crate) fn step(&mut self, end: i64) -> bool {
        if self.queue.peek().is_none_or(|Reverse(next)| next.at > end) {
            return false;
        }
        let Some(Reverse(entry)) = self.queue.pop() else { return false };
        self.time = self.time.max(entry.at);
        match entry.happening {
            Happening::Start(at) => self.start(at),
            Happening::Wake(at) => self.wake(at),
            Happening::Run(at, id, step) => self.run_step(at, id, step),
            Happening::Deliver(at, event) => self.deliver(at, event),
            Happening::PullArrives(at, id, request, asked, user) => self.pull_arrives(at, id, request, asked, user),
            Happening::PushArrives(at, id, sent, user) => self.push_arrives(at, id, &sent, user),
            Happening::Act => self.act(),
            Happening::Fault(fault) => self.fault(fault),
        }
        true
    }

    /// The clocks of a replica.
    pub(crate) fn now(&self, replica: usize) -> Now {
        Now { wall: Millis(self.wall(replica)), mono: self.time }
    }

    pub(crate) fn wall(&self, replica: usize) -> i64 {
        (EPOCH_MS + self.time + self.replicas[replica].skew_ms).max(0)
    }

    /// The backend's clock.
    pub(crate) fn server_time(&self) -> i64 {
        EPOCH_MS + self.time
    }

    pub(crate) fn keys(&self) -> usize {
        self.profile.entities * self.profile.ids
    }

    /// A record at random.
    pub(crate) fn any_index(&mut self) -> usize {
        let pick = self.rng.below(self.keys());
        (pick / self.profile.ids) * copy::IDS_MAX + pick % self.profile.ids
    }

    pub(crate) fn fault_rate(&self, per_mille: usize) -> usize {
        if self.faults { per_mille } else { 0 }
    }
}

impl Tab {
    pub(crate) fn new(engine: Engine) -> Self {
        Self {
            engine,
            life: 0,
            alive: false,
            wakes_at: None,
            cycles: 0,
            pulled: None,
            timed: Timed::default(),
            user: 0,
        }
    }
}

pub(crate) const ACCOUNTS: [&str; 2] = ["first", "second"];
const EPOCH_MS: i64 = 1_760_000_000_000;
