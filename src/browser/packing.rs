//! Packed stores, read for the app and tidied in idle time, each in a transaction of its own. Needs no lead: a readwrite
//! transaction sees every block there is before it removes any, and no other writes meanwhile.

use wasm_bindgen::JsValue;

use super::codec;
use super::database::Connection;
use super::indexeddb::IndexedDb;
use super::packed::{LOST, block_key, encode, follow, segments_of, visit};
use super::stores::UNREADABLE;
use super::transaction::{Ended, Running};
use super::writing::{Encoded, issue, unholdable};
use crate::packed::index::Rows;
use crate::ports::StoreError;
use crate::record::Entity;

impl IndexedDb {
    /// The rows of a packed entity as they would stand in a store of rows, in the order of ids: the one of `id`, or all.
    ///
    /// # Errors
    /// The database's, and where one of them cannot be read.
    pub(super) async fn packed_rows(&self, entity: Entity, id: Option<&str>) -> Result<Vec<JsValue>, StoreError> {
        let ids = id.map(|id| [id.to_owned()]);
        let mut values = Vec::new();
        let mut is_lost = false;
        let mut take = |place: usize, _: &str, row: Option<&str>| {
            if place >= values.len() {
                values.resize(place + 1, JsValue::UNDEFINED);
            }
            match row.and_then(|row| codec::parse(row).ok()) {
                Some(value) => values[place] = value,
                None => is_lost = true,
            }
        };
        let rows = ids.as_ref().map_or(Rows::All, |ids| Rows::Of(ids));
        match self.read_packed(entity, rows, &mut take).await {
            Ok(()) if is_lost => Err(StoreError::Failed { name: UNREADABLE.into(), message: LOST.into() }),
            Ok(()) => Ok(values),
            Err(Ended::Failed(error)) => Err(error),
            Err(Ended::Narrow | Ended::Closed) => Err(StoreError::Closed),
        }
    }

    /// Shows rows of one entity, on a new connection where the one held was closed under us.
    async fn read_packed(
        &self,
        entity: Entity,
        rows: Rows<'_>,
        show: &mut dyn FnMut(usize, &str, Option<&str>),
    ) -> Result<(), Ended> {
        let mut reopened = false;
        loop {
            let connection = self.connection().await.map_err(Ended::Failed)?;
            match self.begin(&connection, entity, true) {
                Ok(running) => {
                    let store = follow(&running, entity, self.entity(entity)).await?;
                    return visit(&running, entity, &store, rows, show).await;
                }
                Err(Ended::Closed) if !reopened => {
                    reopened = true;
                    connection.close();
                }
                Err(ended) => return Err(ended),
            }
        }
    }

    fn begin(&self, connection: &Connection, entity: Entity, read_only: bool) -> Result<Running, Ended> {
        Running::begin(connection, vec![self.entity(entity).store.clone()], read_only, false)
    }

    /// Joins blocks that have grown thin, if this context has written enough since it last looked.
    pub async fn tidy(&self) {
        if self.appended.get() < APPENDED_MIN {
            return;
        }
        self.appended.set(0);
        for entity in self.config.all().filter(|entity| self.entity(*entity).packed) {
            // What fails changes nothing: it is tried again after the next writes.
            while matches!(self.join_blocks(entity).await, Ok(true)) {}
        }
    }

    /// Joins some thin blocks, if there are enough of them.
    async fn join_blocks(&self, entity: Entity) -> Result<bool, Ended> {
        // Never opens what was closed.
        let Some(connection) = self.held().await else { return Ok(false) };
        let running = self.begin(&connection, entity, false)?;
        match self.join_in(&running, entity).await {
            Ok(joined) if joined.is_empty() => Ok(false),
            Ok(joined) => {
                running.committed().await?;
                connection.indexes.of(entity, |index| index.forget(&joined));
                Ok(true)
            }
            Err(ended) => Err(running.abort(ended)),
        }
    }

    async fn join_in(&self, running: &Running, entity: Entity) -> Result<Vec<u32>, Ended> {
        let name = &self.entity(entity).store;
        let store = follow(running, entity, self.entity(entity)).await?;
        let thin = running.indexes.of(entity, |index| index.thin());
        if thin.is_empty() {
            return Ok(thin);
        }
        let mut rows = Vec::new();
        let mut is_lost = false;
        let mut take = |_: usize, id: &str, row: Option<&str>| match row {
            Some(row) => rows.push((id.to_owned(), row.to_owned())),
            None => is_lost = true,
        };
        visit(running, entity, &store, Rows::In(&thin), &mut take).await?;
        if is_lost {
            return Err(unholdable(LOST.into()));
        }
        let mut encoded = Vec::new();
        for number in &thin {
            encoded.push(Encoded::delete(name, block_key(*number)));
            encoded.push(Encoded::delete(name, segments_of(*number)?.into()));
        }
        encode(name, running.indexes.of(entity, |index| index.join(&thin, rows)), &mut encoded);
        issue(running, encoded)?;
        Ok(thin)
    }
}

/// Blocks written before it is worth a look.
const APPENDED_MIN: usize = 16;
