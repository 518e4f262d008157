//! The store over IndexedDB: runs a step in one transaction. Never decides, and never holds a lock over a step.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use futures_util::lock::Mutex;

use super::database::Connection;
use super::reading::Outbox;
use super::stores::{CONFLICTS, META, OUTBOX, QUARANTINE};
use super::transaction::{Ended, Running, store_error};
use super::{EntityLayout, Layout, writing};
use super::{bundles, packed, reading};
use crate::columns;
use crate::commit::{Found, Kept, Next, Read, Step};
use crate::config::Config;
use crate::error::Error;
use crate::outgoing::standing::{Move, Standing};
use crate::ports::{Store, StoreError};
use crate::record::Entity;

/// The app's database.
#[derive(Clone)]
pub struct IndexedDb {
    pub(super) config: Rc<Config>,
    layout: Layout,
    connection: Rc<Mutex<Option<Rc<Connection>>>>,
    /// What each commit moves on; none where nobody asked for it.
    standing: Rc<RefCell<Option<Standing>>>,
    /// Blocks written to packed stores since they were last tidied.
    pub(super) appended: Rc<Cell<usize>>,
}

impl IndexedDb {
    /// Opens the database.
    ///
    /// # Errors
    /// See [`Connection::open`].
    pub async fn open(config: Rc<Config>, layout: Layout) -> Result<Self, Error> {
        let connection = Connection::open(&layout).await?;
        let connection = Rc::new(Mutex::new(Some(Rc::new(connection))));
        Ok(Self { config, layout, connection, standing: Rc::default(), appended: Rc::default() })
    }

    /// Closes the connection; the next transaction opens it again.
    pub async fn close(&self) {
        self.connection.lock().await.take();
    }

    /// Moves `standing` on from here with each commit of this context, until it is forgotten.
    ///
    /// Call it in the turn in which the read ended: no later commit is missed then.
    pub fn follow(&self, standing: Option<Standing>) {
        *self.standing.borrow_mut() = standing;
    }

    /// Shows what is followed, if anything is.
    pub fn followed<T>(&self, show: impl FnOnce(&Standing) -> T) -> Option<T> {
        self.standing.borrow().as_ref().map(show)
    }

    /// The layout.
    #[must_use]
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The connection, opened again where another tab's upgrade or the browser closed it.
    pub(super) async fn connection(&self) -> Result<Rc<Connection>, StoreError> {
        let mut held = self.connection.lock().await;
        if let Some(connection) = held.as_ref().filter(|connection| connection.is_open()) {
            return Ok(connection.clone());
        }
        *held = None;
        let connection = Rc::new(Connection::open(&self.layout).await.map_err(|error| store_error(&error))?);
        *held = Some(connection.clone());
        Ok(connection)
    }

    /// The connection, if there is one now.
    pub(super) async fn held(&self) -> Option<Rc<Connection>> {
        self.connection.lock().await.clone()
    }

    pub(super) fn entity(&self, entity: Entity) -> &EntityLayout {
        &self.layout.entities[usize::from(entity.0)]
    }

    /// Every store that a step may need.
    pub(super) fn all_stores(&self) -> Vec<String> {
        let rows = self.layout.entities.iter().map(|entity| entity.store.clone());
        rows.chain(own_stores()).collect()
    }

    /// The stores that a step which begins with these reads will likely need: lastword's own, and the rows of the
    /// entities it asks about. A transaction over fewer of the app's stores leaves the others free for the app.
    fn likely_stores(&self, reads: &[Read], read_only: bool) -> Vec<String> {
        let mut stores: Vec<String> = own_stores().collect();
        for entity in reads.iter().filter_map(|read| about(read, read_only)) {
            let store = &self.entity(entity).store;
            if !stores.contains(store) {
                stores.push(store.clone());
            }
        }
        stores
    }
}

impl Store for IndexedDb {
    async fn run<S: Step>(&self, step: &S) -> Result<S::Outcome, StoreError> {
        let step = Kept::new(step);
        self.transact(&step).await?;
        step.outcome().ok_or(StoreError::Closed)
    }
}

impl IndexedDb {
    /// Runs one transaction, and a second one where the first named too few stores or found its connection closed: a
    /// step is pure, so it may begin again.
    ///
    /// # Errors
    /// Why it did not commit.
    pub async fn transact(&self, step: &dyn Step<Outcome = ()>) -> Result<(), StoreError> {
        let mut wide = false;
        let mut reopened = false;
        loop {
            let first = step.next(&Found::default(), &self.config);
            let stores = match &first {
                Next::Refuse(refusal) => return Err(StoreError::Refused(refusal.clone())),
                Next::Read(reads) if !wide => self.likely_stores(reads, step.is_read_only()),
                Next::Read(_) | Next::Commit(..) => self.all_stores(),
            };
            let connection = self.connection().await?;
            let ended = match Running::begin(&connection, stores, step.is_read_only(), step.is_strict()) {
                Ok(running) => self.run_in(running, first, step).await,
                Err(ended) => Err(ended),
            };
            match ended {
                Ok(()) => return Ok(()),
                Err(Ended::Narrow) if !wide => wide = true,
                Err(Ended::Closed) if !reopened => {
                    reopened = true;
                    connection.close();
                }
                Err(Ended::Narrow | Ended::Closed) => return Err(StoreError::Closed),
                Err(Ended::Failed(error)) => return Err(error),
            }
        }
    }

    async fn run_in(&self, running: Running, first: Next<()>, step: &dyn Step<Outcome = ()>) -> Result<(), Ended> {
        let mut found = Found::default();
        let mut outbox = Outbox::default();
        let mut decided = first;
        loop {
            match decided {
                Next::Read(reads) => {
                    if let Err(ended) = reading::read_all(self, &running, &reads, &mut found, &mut outbox).await {
                        return Err(running.abort(ended));
                    }
                    found.rounds += 1;
                    decided = step.next(&found, &self.config);
                }
                Next::Refuse(refusal) => return Err(running.abort(Ended::Failed(StoreError::Refused(refusal)))),
                Next::Commit(writes, ()) => {
                    let reads = columns::reads(&found, &writes, &self.config);
                    if let Err(ended) = reading::read_all(self, &running, &reads, &mut found, &mut outbox).await {
                        return Err(running.abort(ended));
                    }
                    let mut writes = columns::fill(&found, writes, &self.config, step.at());
                    if let Err(ended) = outbox.bundles.load(self, &running, &bundles::reads(&writes)).await {
                        return Err(running.abort(ended));
                    }
                    let moves: Vec<Move> = writes.iter().filter_map(Move::of).collect();
                    let packed = match packed::take_writes(self, &running, &mut writes).await {
                        Ok(packed) => packed,
                        Err(ended) => return Err(running.abort(ended)),
                    };
                    return match writing::write_all(self, &running, writes, packed, &found, outbox) {
                        Ok(()) => {
                            let ended = running.committed().await;
                            self.moved(ended.is_ok().then_some(moves));
                            ended
                        }
                        Err(ended) => Err(running.abort(ended)),
                    };
                }
            }
        }
    }

    /// What a commit did; where nobody knows whether there was one, nothing is known.
    fn moved(&self, moves: Option<Vec<Move>>) {
        let mut standing = self.standing.borrow_mut();
        match (standing.as_mut(), moves) {
            (Some(standing), Some(moves)) => moves.into_iter().for_each(|moved| standing.follow(moved)),
            (_, None) => *standing = None,
            (None, Some(_)) => {}
        }
    }
}

fn own_stores() -> impl Iterator<Item = String> {
    [OUTBOX, CONFLICTS, QUARANTINE, META].into_iter().map(str::to_owned)
}

/// The entity whose rows a step that asks this reads, or may go on to write.
fn about(read: &Read, read_only: bool) -> Option<Entity> {
    match read {
        Read::Rows(entity, _) | Read::RowsSince(entity, _) | Read::AllRows(entity) | Read::RowIds(entity) => {
            Some(*entity)
        }
        Read::Changes(entity, _)
        | Read::AllChanges(entity)
        | Read::ChangeIds(entity)
        | Read::Conflicts(entity, _)
        | Read::QuarantineIds(entity)
        | Read::EntityMeta(entity) => Some(*entity).filter(|_| !read_only),
        Read::Replica
        | Read::Checkpoint(_)
        | Read::InFlight
        | Read::Outbox
        | Read::AllConflicts
        | Read::Quarantine
        | Read::EntityMetas
        | Read::Checkpoints
        | Read::Seen(..) => None,
    }
}
