//! The engine's vocabulary: what happens to it, what it asks for, what it is doing. Never decides.

use std::collections::VecDeque;

use crate::checkpoint::{Checkpoint, InFlight, ResyncReason};
use crate::engine::ahead::Ahead;
use crate::engine::full::Full;
use crate::engine::lease::{Open, Opened};
use crate::error::Error;
use crate::incoming::apply::{ApplyPage, PageApplied};
use crate::incoming::conflict::Notice;
use crate::incoming::pull::Page;
use crate::incoming::resync::StartResync;
use crate::outgoing::ack::{Settle, Settled, Unstage};
use crate::outgoing::detect::{Scan, Scanned};
use crate::outgoing::encode::{Stage, Staged};
use crate::outgoing::plan::{Plan, Planned};
use crate::outgoing::push::Answer;
use crate::outgoing::restamp::Restamp;
use crate::ports::{Failure, Now, StoreError};
use crate::record::{ByScope, Entity, Key, Scope};

/// Something that happened.
pub enum Event {
    /// The app wants to sync by itself from now on.
    Start,
    /// The app wants to stop.
    Stop,
    /// This context leads now.
    LeadGranted,
    /// Another context leads now, or this one is being frozen.
    LeadLost,
    /// The time of [`super::Engine::wake_at`] has come.
    Woken,
    /// The app or the user asks for a cycle now.
    SyncNow,
    /// A local write has committed.
    Edited,
    /// The app wants another pace.
    Paced(Pace),
    /// Nobody looks, or the backend tells of changes by itself: the timer may be slow. Or that is over.
    Slow(bool),
    /// Something that the app is shown has changed; nothing is due.
    Touched,
    /// The browser hints that a cycle may help: online, visible.
    Hint,
    /// The backend says that something changed: perhaps what this replica pushes just now.
    Poked,
    /// The app has another token.
    TokenChanged,
    /// The app says whose records these are, and has that account's token.
    SignedIn(Option<String>),
    /// A transaction ended.
    Transacted(u64, Result<StoreOutcome, StoreError>),
    /// A pull ended.
    Pulled(u64, Result<Page, Failure>),
    /// A push ended.
    Pushed(u64, Result<Answer, Failure>),
    /// The app was asked for a new token; true when it gave one.
    TokenReady(u64, bool),
}

/// Something the driver must do. Each numbered one is answered by an event with its number.
pub enum Action {
    /// Ask for the lead; answered by [`Event::LeadGranted`].
    AcquireLead,
    /// Give the lead up.
    ReleaseLead,
    /// Run a transaction.
    Transact(u64, StoreStep),
    /// Fetch a page.
    Pull(u64, PullRequest),
    /// Send a body.
    Push(u64, InFlight),
    /// Ask the app for a new token.
    RefreshToken(u64),
    /// Tell the app.
    Tell(Vec<Notice>),
    /// Tell readers of the database which rows changed.
    Changed(Vec<Key>),
    /// A cycle ended; everything asked for with this ticket or an earlier one is answered.
    CycleEnded(u64, Result<Report, Error>),
    /// What [`super::Engine::view`] shows has changed.
    ViewChanged,
}

/// How often to sync by itself; what is absent stays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pace {
    /// Time between cycles when nothing happens, in milliseconds.
    pub interval_ms: Option<i64>,
    /// Time from an edit to the cycle it starts, in milliseconds.
    pub debounce_ms: Option<i64>,
}

/// What one pull asks for.
#[derive(Clone, Debug, PartialEq)]
pub struct PullRequest {
    /// What to pull.
    pub scope: Scope,
    /// The cursor of the page before.
    pub since: Option<String>,
    /// Most records.
    pub limit: usize,
}

/// What a whole cycle did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Records that arrived.
    pub pulled: usize,
    /// Records the backend acknowledged.
    pub pushed: usize,
    /// Records for which the user must choose.
    pub conflicts: usize,
    /// Records whose push failed.
    pub rejected: usize,
    /// Records that arrived and were set aside.
    pub quarantined: usize,
}

/// One transaction of the engine's.
pub enum StoreStep {
    /// Take the lead.
    Open(Open),
    /// Find what the app changed by itself.
    Scan(Scan),
    /// Begin a full pull.
    StartResync(StartResync),
    /// Apply a page.
    Apply(Box<ApplyPage>),
    /// List what is due.
    Plan(Plan),
    /// Store bodies before they leave.
    Stage(Stage),
    /// Settle an answered push.
    Settle(Box<Settle>),
    /// Give up the bodies in flight.
    Unstage(Unstage),
    /// Stamp again what is too far ahead.
    Restamp(Restamp),
}

/// What a [`StoreStep`] told, by the same name.
#[allow(missing_docs, reason = "each is the outcome of the step of its name")]
pub enum StoreOutcome {
    Open(Opened),
    Scan(Scanned),
    StartResync(Scope, Checkpoint),
    Apply(PageApplied),
    Plan(Vec<Planned>),
    Stage(Staged),
    Settle(Settled),
    Unstage(Vec<Notice>),
    Restamp(Vec<Notice>),
}

/// Whether this context may sync.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The app has not started it, or stopped it.
    Stopped,
    /// Waits for the lead.
    Follower,
    /// Has the lead and raises the fence, by the transaction of this number.
    Opening(u64),
    /// Leads.
    Leader,
}

/// Why nothing is tried until the app does something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Halt {
    /// The backend does not accept the token.
    AuthNeeded,
    /// The backend needs another version.
    UpgradeRequired,
    /// The database belongs to another account.
    AccountMismatch,
    /// The database was closed or deleted.
    StoreClosed,
}

/// One thing a cycle has to do.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Task {
    /// Send again what is in flight.
    Resend,
    /// Find by its stamp what the app changed by itself.
    Scan,
    /// That again, where a pull took its time.
    Rescan,
    /// Find by its content what the app changed in one entity.
    Compare(Entity),
    /// Drop the cursor, then pull.
    Resync(Scope, ResyncReason, Option<String>),
    /// Pull to the end.
    Pull(Scope),
    /// List what is due.
    Plan,
    /// Send the first bodies of what was listed.
    Batch,
    /// Give up the bodies in flight, the first for this reason.
    Unstage(Option<(String, String)>),
    /// Stamp again what is too far ahead.
    Restamp,
}

/// What a cycle waits for.
#[allow(clippy::large_enum_variant, reason = "there is one of it")]
pub(super) enum Running {
    /// A transaction.
    Transaction(u64),
    /// A pull, page by page.
    Pull(Pulling),
    /// A push, body by body.
    Push(Pushing),
    /// A new token, to do this again.
    Token { id: u64, then: Task },
}

/// A pull under way: one page is applied while the next is fetched.
pub(super) struct Pulling {
    pub(super) scope: Scope,
    /// The cursor the next page is asked for with.
    pub(super) since: Option<String>,
    /// The cursor that the next page to apply was asked for with.
    pub(super) applied_to: Option<String>,
    pub(super) fetch: Option<(u64, Now)>,
    pub(super) apply: Option<u64>,
    pub(super) waiting: Option<Page>,
    /// The fetch that failed while a page was being applied.
    pub(super) failed: Option<Failure>,
    /// Cursors seen in this pull: one that comes back is a loop.
    pub(super) cursors: Vec<String>,
    pub(super) arrived: usize,
    pub(super) remaining: Option<u64>,
    pub(super) bytes: usize,
}

/// A push under way: one answer is settled while the next body is sent.
#[derive(Default)]
pub(super) struct Pushing {
    /// The body being sent, and since when.
    pub(super) send: Option<(u64, Now)>,
    /// The answer being settled: that of the first body in flight.
    pub(super) settle: Option<u64>,
    /// What came of the second body meanwhile.
    pub(super) waiting: Option<Result<Answer, Failure>>,
}

/// One cycle: resend, detect, pull, detect, push; and pull again where the backend holds something else.
pub(super) struct Cycle {
    pub(super) ticket: u64,
    pub(super) tasks: VecDeque<Task>,
    pub(super) running: Option<Running>,
    /// Pages fetched before their turn.
    pub(super) ahead: Vec<Ahead>,
    /// When it began, on the monotonic clock.
    pub(super) began: i64,
    /// When what it waits for counts as lost, on the monotonic clock.
    pub(super) deadline: i64,
    pub(super) plan: VecDeque<Planned>,
    /// Scopes in which the backend did not take all that was pushed, to be pulled once more.
    pub(super) differs: ByScope<()>,
    /// The backend said that something changed: everything is to be pulled once more before the end.
    pub(super) poked: bool,
    /// True once those last pulls have begun: what comes now is for the next cycle.
    pub(super) is_closing: bool,
    pub(super) token_refreshed: bool,
    /// Entities of records that lack a parent: the parents' scopes are pulled once, and the records pushed again.
    pub(super) orphans: Vec<Entity>,
    /// Entities for which that was done: a record that still lacks one has failed.
    pub(super) parents_pulled: Vec<Entity>,
    /// Set once the storage was found full.
    pub(super) full: Option<Full>,
    pub(super) resyncs: u32,
    pub(super) conflicts: u32,
    pub(super) report: Report,
    /// The first error of a scope that was stopped; the others went on.
    pub(super) error: Option<Error>,
}
