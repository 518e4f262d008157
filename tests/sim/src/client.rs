//! Drives the engines: runs their transactions, carries their requests, wakes them. Never decides.

use std::rc::Rc;

use lastword::checkpoint::InFlight;
use lastword::commit::{Refusal, Step, Write};
use lastword::engine::lease::{Open, Purpose};
use lastword::engine::state::{Action, Event, PullRequest, StoreOutcome, StoreStep};
use lastword::incoming::conflict::Notice;
use lastword::incoming::pull::Page;
use lastword::incoming::timed::Asked;
use lastword::outgoing::push::Answer;
use lastword::ports::{Failure, StoreError};
use lastword::record::{Key, Scope};

use crate::backend::{Reader, status};
use crate::copy;
use crate::oracle::{Kind, Owed};
use crate::wire;
use crate::world::{ACCOUNTS, At, Happening, Room, World, trace};

impl World {
    fn lives(&self, at: At) -> bool {
        let tab = &self.replicas[at.replica].tabs[at.tab];
        tab.alive && tab.life == at.life
    }

    /// The app starts in this context: opens the database, then the engine.
    pub(crate) fn start(&mut self, at: At) {
        if self.replicas[at.replica].tabs[at.tab].life != at.life {
            return;
        }
        let user = self.replicas[at.replica].user;
        let open = Open {
            account: Some(ACCOUNTS[user].to_owned()),
            device_id: format!("00000000-0000-4000-8000-{:012}", self.rng.below(1 << 30)),
            hash_key: self.rng.next(),
            purpose: Purpose::Use,
        };
        if let Err(error) = self.commit(at.replica, Kind::Open, None, &open, |_| Vec::new()) {
            trace!(self, "{at:?} could not open: {error:?}");
            self.at(self.time + 1_000, Happening::Start(at));
            return;
        }
        self.replicas[at.replica].tabs[at.tab].alive = true;
        self.handle(at, Event::Start);
    }

    pub(crate) fn handle(&mut self, at: At, event: Event) {
        if !self.lives(at) {
            return;
        }
        let now = self.now(at.replica);
        let actions = self.replicas[at.replica].tabs[at.tab].engine.handle(event, now);
        for action in actions {
            self.perform(at, action);
        }
        let tab = &mut self.replicas[at.replica].tabs[at.tab];
        if let Some(wake) = tab.engine.wake_at().filter(|wake| tab.wakes_at.is_none_or(|at| *wake < at)) {
            tab.wakes_at = Some(wake);
            self.at(wake.max(self.time), Happening::Wake(at));
        }
    }

    pub(crate) fn wake(&mut self, at: At) {
        if !self.lives(at) {
            return;
        }
        let tab = &mut self.replicas[at.replica].tabs[at.tab];
        // An alarm that was set for an earlier moment, or replaced, does nothing.
        if tab.wakes_at.is_some_and(|wakes| wakes <= self.time) {
            tab.wakes_at = None;
        }
        match tab.engine.wake_at() {
            Some(due) if due <= self.time => self.handle(at, Event::Woken),
            Some(due) => {
                tab.wakes_at = Some(due);
                self.at(due, Happening::Wake(at));
            }
            None => {}
        }
    }

    fn perform(&mut self, at: At, action: Action) {
        match action {
            Action::AcquireLead => {
                let replica = &mut self.replicas[at.replica];
                if !replica.waiting.contains(&at.tab) {
                    replica.waiting.push_back(at.tab);
                }
                self.grant(at.replica);
            }
            Action::ReleaseLead => {
                let replica = &mut self.replicas[at.replica];
                replica.waiting.retain(|tab| *tab != at.tab);
                if replica.holder == Some(at.tab) {
                    replica.holder = None;
                }
                self.grant(at.replica);
            }
            Action::Transact(id, step) => {
                let delay = self.rng.between(0, 30);
                self.at(self.time + delay, Happening::Run(at, id, step));
            }
            Action::Pull(id, request) => self.send_pull(at, id, request),
            Action::Push(id, sent) => self.send_push(at, id, sent),
            Action::RefreshToken(id) => {
                let given = !self.rng.chance(self.fault_rate(200));
                self.at(self.time + 50, Happening::Deliver(at, Event::TokenReady(id, given)));
            }
            Action::CycleEnded(..) => {
                let tab = &mut self.replicas[at.replica].tabs[at.tab];
                tab.cycles += 1;
                tab.pulled = None;
            }
            Action::Tell(_) | Action::Changed(_) | Action::ViewChanged => {}
        }
    }

    /// Gives a free lock to the first who waits.
    pub(crate) fn grant(&mut self, replica: usize) {
        if self.replicas[replica].holder.is_some() {
            return;
        }
        if let Some(tab) = self.replicas[replica].waiting.pop_front() {
            self.replicas[replica].holder = Some(tab);
            let at = self.here(replica, tab);
            let delay = self.rng.between(0, 5);
            self.at(self.time + delay, Happening::Deliver(at, Event::LeadGranted));
        }
    }

    pub(crate) fn here(&self, replica: usize, tab: usize) -> At {
        At { replica, tab, life: self.replicas[replica].tabs[tab].life }
    }

    pub(crate) fn deliver(&mut self, at: At, event: Event) {
        if self.lives(at) && self.rng.chance(self.fault_rate(self.profile.crash_at_step)) {
            trace!(self, "{at:?} crashes before it hears");
            return self.crash(at);
        }
        self.handle(at, event);
    }

    /// Runs a transaction of an engine.
    pub(crate) fn run_step(&mut self, at: At, id: u64, step: StoreStep) {
        if !self.lives(at) {
            return;
        }
        if self.rng.chance(self.fault_rate(self.profile.crash_at_step)) {
            trace!(self, "{at:?} crashes before a commit");
            return self.crash(at);
        }
        let result = match step {
            StoreStep::Open(step) => {
                self.commit(at.replica, Kind::Open, None, &step, |_| Vec::new()).map(StoreOutcome::Open)
            }
            StoreStep::Scan(step) => {
                self.commit(at.replica, Kind::Scan, Some(step.fence), &step, |_| Vec::new()).map(StoreOutcome::Scan)
            }
            StoreStep::StartResync(step) => {
                self.oracle.tally.resyncs += 1;
                trace!(self, "{at:?} resyncs {:?}: {:?} {:?}", step.scope, step.reason, step.epoch);
                self.commit(at.replica, Kind::StartResync, Some(step.fence), &step, |_| Vec::new())
                    .map(|checkpoint| StoreOutcome::StartResync(step.scope, checkpoint))
            }
            StoreStep::Apply(step) => {
                let result = self.commit(at.replica, Kind::Apply, Some(step.fence), &*step, |out| out.notices.clone());
                if let Ok(applied) = &result {
                    trace!(
                        self,
                        "{at:?} applied {:?}: {:?} {:?}", step.page.scope, applied.checkpoint, applied.notices
                    );
                    self.activity += applied.changed.len() as u64;
                    if let Some(pulled) =
                        self.replicas[at.replica].tabs[at.tab].pulled.as_mut().filter(|_| !step.page.has_more)
                    {
                        pulled.extend(self.config.entities_of(step.page.scope));
                    }
                    self.check_checkpoint(at.replica, step.page.scope);
                }
                result.map(StoreOutcome::Apply)
            }
            StoreStep::Plan(step) => {
                self.replicas[at.replica].tabs[at.tab].pulled.get_or_insert_default();
                self.commit(at.replica, Kind::Plan, None, &step, |_| Vec::new()).map(StoreOutcome::Plan)
            }
            StoreStep::Stage(step) => {
                let kind = if step.unstored.is_some() { Kind::Unstored } else { Kind::Stage };
                self.commit(at.replica, kind, Some(step.fence), &step, |out| out.notices.clone())
                    .map(StoreOutcome::Stage)
            }
            StoreStep::Settle(step) => {
                let result = self.commit(at.replica, Kind::Settle, Some(step.fence), &*step, |out| out.notices.clone());
                trace!(self, "{at:?} settled {:?}: {:?}", step.answer.results, result);
                result.map(StoreOutcome::Settle)
            }
            StoreStep::Unstage(step) => {
                self.commit(at.replica, Kind::Unstage, Some(step.fence), &step, Clone::clone).map(StoreOutcome::Unstage)
            }
            StoreStep::Restamp(step) => {
                self.commit(at.replica, Kind::Restamp, Some(step.fence), &step, Clone::clone).map(StoreOutcome::Restamp)
            }
        };
        self.check_parents_pulled(at);
        if let Err(StoreError::Refused(Refusal::Fenced)) = &result {
            self.oracle.tally.fenced += 1;
        }
        if let Err(error) = &result {
            trace!(self, "{at:?} did not commit: {error:?}");
        }
        if self.rng.chance(self.fault_rate(self.profile.store_hangs)) {
            trace!(self, "{at:?} never hears of a transaction");
            return;
        }
        let delay = self.rng.between(0, 20);
        self.at(self.time + delay, Happening::Deliver(at, Event::Transacted(id, result)));
    }

    /// A try that a missing parent costs comes after a pull that might have brought the parent.
    fn check_parents_pulled(&mut self, at: At) {
        let pulled = self.replicas[at.replica].tabs[at.tab].pulled.clone().unwrap_or_default();
        for entity in std::mem::take(&mut self.oracle.orphans) {
            let asked = self.config.entity(entity).references.iter().all(|(_, parent)| pulled.contains(parent));
            // A scope that was stopped is not pulled.
            if !asked && self.profile.status == 0 {
                self.oracle.breaks("section 6: a missing parent costs a try before it was asked for");
            }
        }
    }

    /// Runs a transaction under the eyes of the oracle.
    pub(crate) fn commit<S: Step>(
        &mut self,
        replica: usize,
        kind: Kind,
        fence: Option<u64>,
        step: &S,
        notices: impl Fn(&S::Outcome) -> Vec<Notice>,
    ) -> Result<S::Outcome, StoreError> {
        self.store_calls += 1;
        let each = self.fault_rate(self.profile.store_fails_each);
        if (each > 0 && self.store_calls.is_multiple_of(each))
            || self.rng.chance(self.fault_rate(self.profile.store_fails))
        {
            return Err(match self.rng.below(8) {
                0 => StoreError::Quota,
                1 => StoreError::Closed,
                _ => StoreError::Failed { name: "AbortError".into(), message: String::new() },
            });
        }
        let store = self.replicas[replica].store.clone();
        let mut owed = Owed::default();
        let oracle = &mut self.oracle;
        let trace = self.trace;
        let (time, room) = (self.time, self.replicas[replica].room);
        let outcome = store.run_watched(step, |tables, writes| {
            let mut puts = writes.iter().filter(|write| !is_deletion(write));
            if (room != Room::Enough && puts.next().is_some()) || (room == Room::Nothing && !writes.is_empty()) {
                return Err(StoreError::Quota);
            }
            if trace {
                println!("{time:>8} commit at {replica}: {kind:?} {writes:?}");
            }
            owed = oracle.watch(replica, kind, fence, step.is_strict(), tables, writes);
            Ok(())
        })?;
        let told = notices(&outcome);
        store.look(|tables| self.oracle.reported(replica, owed, &told, tables));
        Ok(outcome)
    }

    pub(crate) fn check_checkpoint(&mut self, replica: usize, scope: Scope) {
        let store = self.replicas[replica].store.clone();
        let user = &self.backend.users[self.replicas[replica].user];
        store.look(|tables| self.oracle.check_checkpoint(replica, &self.config, tables, scope, user));
    }

    fn send_pull(&mut self, at: At, id: u64, request: PullRequest) {
        let user = self.user_of(at);
        trace!(self, "{at:?} pulls {request:?}");
        let asked = self.ask(at, request.scope, request.since.as_deref(), request.limit);
        if self.lost(at, |failure| Event::Pulled(id, Err(failure))) {
            return;
        }
        if self.rng.chance(self.fault_rate(self.profile.duplicate)) {
            let again = self.delay();
            self.at(self.time + again, Happening::PullArrives(at, id, request.clone(), asked, user));
        }
        let delay = self.delay();
        self.at(self.time + delay, Happening::PullArrives(at, id, request, asked, user));
    }

    fn send_push(&mut self, at: At, id: u64, sent: InFlight) {
        let user = self.user_of(at);
        trace!(self, "{at:?} pushes {} {}", sent.key, sent.body);
        let sent = Rc::new(sent);
        if self.lost(at, |failure| Event::Pushed(id, Err(failure))) {
            return;
        }
        if self.rng.chance(self.fault_rate(self.profile.duplicate)) {
            let again = self.delay();
            self.at(self.time + again, Happening::PushArrives(at, id, sent.clone(), user));
        }
        let delay = self.delay();
        self.at(self.time + delay, Happening::PushArrives(at, id, sent, user));
    }

    /// The account of the token that this context sends.
    fn user_of(&self, at: At) -> usize {
        self.replicas[at.replica].tabs[at.tab].user
    }

    /// True for a request that never arrives; its sender hears of it in some way.
    fn lost(&mut self, at: At, event: impl Fn(Failure) -> Event) -> bool {
        if !self.rng.chance(self.fault_rate(self.profile.drop)) {
            return false;
        }
        self.fails(at, event);
        true
    }

    fn fails(&mut self, at: At, event: impl Fn(Failure) -> Event) {
        let (after, failure) = if self.rng.chance(500) { (100, Failure::Network) } else { (30_000, Failure::Timeout) };
        trace!(self, "{at:?} gets no answer");
        self.at(self.time + after, Happening::Deliver(at, event(failure)));
    }

    fn delay(&mut self) -> i64 {
        if self.rng.chance(self.fault_rate(self.profile.straggle)) {
            return self.rng.between(0, 40_000);
        }
        let most = if self.faults { self.profile.latency_ms } else { 20 };
        self.rng.between(1, most)
    }

    pub(crate) fn pull_arrives(&mut self, at: At, id: u64, request: PullRequest, asked: Option<Asked>, user: usize) {
        if let Some(failure) = self.status_fault(false) {
            return self.answer(at, Event::Pulled(id, Err(failure)));
        }
        let reader = if self.rng.chance(self.fault_rate(self.profile.stale_cache)) {
            Reader::Cache
        } else if self.rng.chance(self.fault_rate(self.profile.lag)) {
            Reader::Standby
        } else {
            Reader::Primary
        };
        self.oracle.tally.pulls += 1;
        if let Some(asked) = asked {
            let page = self.timed_page(at, asked, user, reader);
            return self.answer(at, Event::Pulled(id, page));
        }
        let now = self.server_time();
        let page =
            self.backend.pull(user, request.scope, request.since.as_deref(), request.limit, now, reader, &mut self.rng);
        let page = page.and_then(|page| self.through_network(page));
        self.answer(at, Event::Pulled(id, page));
    }

    fn through_network(&mut self, page: Page) -> Result<Page, Failure> {
        let keep = if self.rng.chance(self.fault_rate(self.profile.truncate)) { self.rng.below(1000) } else { 1000 };
        let bad = |reason: String| Failure::BadResponse { reason };
        if self.profile.bytes {
            wire::page_through_bytes(&self.config, page, keep).map_err(bad)
        } else if keep < 1000 {
            Err(bad("cut off".into()))
        } else {
            Ok(page)
        }
    }

    pub(crate) fn push_arrives(&mut self, at: At, id: u64, sent: &InFlight, user: usize) {
        if let Some(failure) = self.status_fault(true) {
            // A gateway may fail after the backend has committed.
            if matches!(failure, Failure::Status { status: 500.., .. }) && self.rng.chance(500) {
                let _ = self.take_push(sent, user);
            }
            return self.answer(at, Event::Pushed(id, Err(failure)));
        }
        let answer = self.take_push(sent, user).and_then(|answer| self.answer_through_network(sent, answer, user));
        trace!(self, "the backend answers {at:?}: {answer:?}");
        self.answer(at, Event::Pushed(id, answer));
    }

    fn take_push(&mut self, sent: &InFlight, user: usize) -> Result<Answer, Failure> {
        self.oracle.tally.pushes += 1;
        self.activity += 1;
        let now = self.server_time();
        self.backend.push(&self.config, user, sent, now, &mut self.oracle, &mut self.rng)
    }

    fn answer_through_network(&mut self, sent: &InFlight, answer: Answer, user: usize) -> Result<Answer, Failure> {
        let keep = if self.rng.chance(self.fault_rate(self.profile.truncate)) { self.rng.below(1000) } else { 1000 };
        let bad = |reason: String| Failure::BadResponse { reason };
        if self.profile.bytes {
            let records = &self.backend.users[user].records;
            let poisoned = |key: &Key| records[copy::index(key)].as_ref().map(|stored| stored.record.clone());
            wire::answer_through_bytes(&self.config, sent, answer, &poisoned, keep).map_err(bad)
        } else if keep < 1000 {
            Err(bad("cut off".into()))
        } else {
            Ok(answer)
        }
    }

    #[allow(clippy::wildcard_enum_match_arm, reason = "only two events are answers")]
    fn answer(&mut self, at: At, event: Event) {
        if self.rng.chance(self.fault_rate(self.profile.drop)) {
            let failed = match event {
                Event::Pulled(id, _) => {
                    return self.fails(at, |failure| Event::Pulled(id, Err(failure)));
                }
                Event::Pushed(id, _) => move |failure| Event::Pushed(id, Err(failure)),
                _ => return,
            };
            return self.fails(at, failed);
        }
        let delay = self.delay();
        self.at(self.time + delay, Happening::Deliver(at, event));
    }

    fn status_fault(&mut self, is_push: bool) -> Option<Failure> {
        if !self.rng.chance(self.fault_rate(self.profile.status)) {
            return None;
        }
        const ANY: [u16; 14] = [401, 403, 404, 408, 415, 425, 426, 429, 500, 501, 502, 503, 504, 503];
        const PUSH: [u16; 6] = [400, 409, 412, 413, 418, 422];
        let pick = self.rng.below(if is_push { ANY.len() + PUSH.len() } else { ANY.len() });
        let code = ANY.get(pick).or_else(|| PUSH.get(pick - ANY.len())).copied().unwrap_or(500);
        let mut failure = status(code, None);
        if let Failure::Status { retry_after_ms, .. } = &mut failure
            && self.rng.chance(300)
        {
            *retry_after_ms = Some(u64::try_from(self.rng.between(0, 90_000)).unwrap_or(0));
        }
        trace!(self, "the backend answers {code}");
        Some(failure)
    }
}

/// True for a write that needs no room.
fn is_deletion(write: &Write) -> bool {
    matches!(
        write,
        Write::DeleteRow(_)
            | Write::DeleteChange(_)
            | Write::DeleteConflict(_)
            | Write::DeleteQuarantined(_)
            | Write::DeleteInFlight(_)
            | Write::DeleteSeen(..)
            | Write::Wipe
    )
}
