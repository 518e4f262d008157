//! Runs the engine's actions through the ports and feeds the answers back: the only async loop. Never decides.

use std::cell::RefCell;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;

use futures_channel::{mpsc, oneshot};
use futures_util::future::{Either, pending, select};
use futures_util::stream::{FuturesUnordered, StreamExt};

use crate::config::Config;
use crate::engine::state::{Action, Event, Halt, Mode, Report, StoreOutcome, StoreStep};
use crate::engine::{Engine, View};
use crate::error::Error;
use crate::incoming::conflict::Notice;
use crate::ports::{Clock, Locks, Store, StoreError, Transport};
use crate::record::Key;

/// The four ports of one replica.
pub struct Ports<S, T, C, L> {
    /// The database.
    pub store: S,
    /// The backend.
    pub transport: T,
    /// Time and chance.
    pub clock: C,
    /// The lead.
    pub locks: L,
}

/// What the driver tells its owner.
pub enum Told {
    /// Something the app must hear.
    Notices(Vec<Notice>),
    /// Rows changed by a sync.
    Changed(Vec<Key>),
    /// What [`Driver::view`] shows has changed.
    View,
    /// A cycle ended.
    Ended(Result<Report, Error>),
}

/// A running engine. Cheap to clone; all clones are one.
pub struct Driver<S, T, C, L> {
    ports: Rc<Ports<S, T, C, L>>,
    engine: Rc<RefCell<Engine>>,
    commands: mpsc::UnboundedSender<Command>,
}

impl<S, T, C, L> Clone for Driver<S, T, C, L> {
    fn clone(&self) -> Self {
        Self { ports: self.ports.clone(), engine: self.engine.clone(), commands: self.commands.clone() }
    }
}

struct Command {
    event: Event,
    reply: Option<oneshot::Sender<Result<Report, Error>>>,
}

/// What a future of the loop came to.
enum Done<G> {
    Event(Event),
    Lead(Result<G, StoreError>),
}

type Running<'a, G> = FuturesUnordered<Pin<Box<dyn Future<Output = Done<G>> + 'a>>>;

impl<S: Store, T: Transport, C: Clock, L: Locks> Driver<S, T, C, L> {
    /// A driver and the loop that must be run for it to do anything. `told` is called from the loop.
    pub fn new(
        ports: Rc<Ports<S, T, C, L>>,
        config: Rc<Config>,
        account: Option<String>,
        told: impl Fn(Told),
    ) -> (Self, impl Future<Output = ()>) {
        let engine = Rc::new(RefCell::new(Engine::new(config, account, ports.clock.random())));
        let (commands, inbox) = mpsc::unbounded();
        let driver = Self { ports: ports.clone(), engine: engine.clone(), commands };
        (driver, Loop { ports, engine, told, waiters: Vec::new() }.run(inbox))
    }

    /// Passes an event to the engine.
    pub fn send(&self, event: Event) {
        // Only a loop that has ended takes no events, and then nothing is left to happen.
        let _ = self.commands.unbounded_send(Command { event, reply: None });
    }

    /// Runs one whole cycle that begins after this call, and tells how it ended.
    ///
    /// # Errors
    /// What ended the cycle. What it had committed by then stays.
    pub async fn sync_now(&self) -> Result<Report, Error> {
        let (reply, answer) = oneshot::channel();
        let _ = self.commands.unbounded_send(Command { event: Event::SyncNow, reply: Some(reply) });
        answer.await.unwrap_or(Err(Error::Stopped))
    }

    /// What the engine is doing.
    #[must_use]
    pub fn view(&self) -> View {
        self.engine.borrow().view(self.ports.clock.now())
    }

    /// The ports.
    #[must_use]
    pub fn ports(&self) -> &Ports<S, T, C, L> {
        &self.ports
    }
}

struct Loop<S, T, C, L, F> {
    ports: Rc<Ports<S, T, C, L>>,
    engine: Rc<RefCell<Engine>>,
    told: F,
    /// Who waits for which cycle.
    waiters: Vec<(u64, oneshot::Sender<Result<Report, Error>>)>,
}

impl<S: Store, T: Transport, C: Clock, L: Locks, F: Fn(Told)> Loop<S, T, C, L, F> {
    async fn run(mut self, mut inbox: mpsc::UnboundedReceiver<Command>) {
        let ports = self.ports.clone();
        let mut running: Running<'_, L::Guard> = FuturesUnordered::new();
        // Keeps the set from ever being empty, which would look like its end.
        running.push(Box::pin(pending()));
        // Held while leading; dropping it gives the lead up.
        let mut _lead: Option<L::Guard> = None;
        loop {
            let wake = self.engine.borrow().wake_at();
            let timer = sleep_until(&ports.clock, wake);
            let event = match select(inbox.next(), select(running.next(), Box::pin(timer))).await {
                Either::Left((None, _)) => return,
                Either::Left((Some(command), _)) => {
                    if let Some(reply) = command.reply {
                        self.waiters.push((self.engine.borrow().next_ticket(), reply));
                    }
                    command.event
                }
                Either::Right((Either::Left((None, _)), _)) => return,
                Either::Right((Either::Left((Some(Done::Event(event)), _)), _)) => event,
                Either::Right((Either::Left((Some(Done::Lead(guard)), _)), _)) => match guard {
                    // Given up meanwhile: the guard is dropped and the lead passes on.
                    Ok(_) if self.engine.borrow().view(ports.clock.now()).mode != Mode::Follower => continue,
                    Ok(guard) => {
                        _lead = Some(guard);
                        Event::LeadGranted
                    }
                    Err(_) => continue,
                },
                Either::Right((Either::Right(((), _)), _)) => Event::Woken,
            };
            let actions = self.engine.borrow_mut().handle(event, ports.clock.now());
            for action in actions {
                if matches!(action, Action::ReleaseLead) {
                    _lead = None;
                }
                self.act(action, &ports, &mut running);
            }
            self.answer_the_hopeless();
        }
    }

    fn act<'a>(&mut self, action: Action, ports: &'a Ports<S, T, C, L>, running: &mut Running<'a, L::Guard>) {
        match action {
            Action::Transact(id, step) => running
                .push(Box::pin(async move { Done::Event(Event::Transacted(id, transact(&ports.store, &step).await)) })),
            Action::Pull(id, request) => running.push(Box::pin(async move {
                let page = ports.transport.pull(request.scope, request.since.as_deref(), request.limit).await;
                Done::Event(Event::Pulled(id, page))
            })),
            Action::Push(id, in_flight) => running
                .push(Box::pin(async move { Done::Event(Event::Pushed(id, ports.transport.push(&in_flight).await)) })),
            Action::RefreshToken(id) => running.push(Box::pin(async move {
                Done::Event(Event::TokenReady(id, ports.transport.refresh_token().await))
            })),
            Action::Tell(notices) => (self.told)(Told::Notices(notices)),
            Action::Changed(keys) => (self.told)(Told::Changed(keys)),
            Action::ViewChanged => (self.told)(Told::View),
            Action::CycleEnded(ticket, result) => {
                for (_, reply) in self.waiters.extract_if(.., |(asked, _)| *asked <= ticket) {
                    // Whoever asked may have gone.
                    let _ = reply.send(result.clone());
                }
                (self.told)(Told::Ended(result));
            }
            Action::AcquireLead => running.push(Box::pin(async move { Done::Lead(ports.locks.lead().await) })),
            // The loop has dropped the guard.
            Action::ReleaseLead => {}
        }
    }

    /// Nothing will come of a request while the engine is stopped or waits for the app.
    fn answer_the_hopeless(&mut self) {
        if self.waiters.is_empty() {
            return;
        }
        let view = self.engine.borrow().view(self.ports.clock.now());
        let error = match (view.mode, view.halt) {
            (Mode::Stopped, _) => Error::Stopped,
            (_, Some(Halt::AuthNeeded)) => Error::AuthNeeded,
            (_, Some(Halt::UpgradeRequired)) => Error::UpgradeRequired,
            (_, Some(Halt::AccountMismatch)) => Error::AccountMismatch,
            (_, Some(Halt::StoreClosed)) => Error::StoreClosed,
            (_, None) => return,
        };
        for (_, reply) in self.waiters.drain(..) {
            let _ = reply.send(Err(error.clone()));
        }
    }
}

async fn transact<S: Store>(store: &S, step: &StoreStep) -> Result<StoreOutcome, StoreError> {
    Ok(match step {
        StoreStep::Open(step) => StoreOutcome::Open(store.run(step).await?),
        StoreStep::Scan(step) => StoreOutcome::Scan(store.run(step).await?),
        StoreStep::StartResync(step) => StoreOutcome::StartResync(step.scope, store.run(step).await?),
        StoreStep::Apply(step) => StoreOutcome::Apply(store.run(&**step).await?),
        StoreStep::Plan(step) => StoreOutcome::Plan(store.run(step).await?),
        StoreStep::Stage(step) => StoreOutcome::Stage(store.run(step).await?),
        StoreStep::Settle(step) => StoreOutcome::Settle(store.run(&**step).await?),
        StoreStep::Unstage(step) => StoreOutcome::Unstage(store.run(step).await?),
        StoreStep::Restamp(step) => StoreOutcome::Restamp(store.run(step).await?),
    })
}

async fn sleep_until<C: Clock>(clock: &C, wake: Option<i64>) {
    match wake {
        None => pending().await,
        Some(at) => clock.sleep((at - clock.now().mono).max(0)).await,
    }
}
