//! Records of a Rust app as its own serde types, checked at compile time. Never stores anything by itself.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use lastword_protocol::entity::EntityDef;
use lastword_protocol::push::FieldError;

use crate::commit::{Refusal, Step};
use crate::config::{Config, EntityDeclaration};
use crate::engine::lease::{Open, Purpose};
use crate::engine::store_error;
use crate::error::Error;
use crate::outgoing::write::{Edit, EditKind, LocalWrite, ReadRows};
use crate::ports::{Clock, Store, StoreError};
use crate::record::{Fields, Key, Record};

/// The app's fields of one entity, as a type of the app's. The sync fields are not among them.
pub trait Entity: Serialize + DeserializeOwned {
    /// The entity's name, on the wire and in the outbox.
    const NAME: &'static str;
    /// Path of its resource endpoints; `/api/v1/{NAME}` when none.
    const PATH: Option<&'static str> = None;
    /// Fields that name a record of another entity: field and entity.
    const REFERENCES: &'static [(&'static str, &'static str)] = &[];

    /// The entity's name and its declaration, to be given to [`Config::new`].
    #[must_use]
    fn declared() -> (String, EntityDeclaration) {
        let references = Self::REFERENCES.iter().map(|(field, parent)| ((*field).to_owned(), (*parent).to_owned()));
        let def =
            EntityDef { path: Self::PATH.map(str::to_owned), references: references.collect(), ..EntityDef::default() };
        let declaration = EntityDeclaration { def, accepts: Some(accepts::<Self>), ..EntityDeclaration::default() };
        (Self::NAME.to_owned(), declaration)
    }
}

/// One record with the fields of its type.
#[derive(Clone, Debug, PartialEq)]
pub struct Typed<E> {
    /// The record's id.
    pub id: String,
    /// The app's fields.
    pub fields: E,
}

/// The typed records of one replica, over any store.
pub struct Records<'a, S, C> {
    /// The database.
    pub store: &'a S,
    /// Stamps the writes.
    pub clock: &'a C,
    /// Declares the entities.
    pub config: &'a Config,
}

impl<S: Store, C: Clock> Records<'_, S, C> {
    /// Makes the replica where there is none, and checks whose it is. Needed once before the first write.
    ///
    /// # Errors
    /// [`Error::AccountMismatch`], or the database's.
    pub async fn open(&self, account: Option<String>, device_id: String) -> Result<(), Error> {
        let open =
            Open { account, device_id, hash_key: self.clock.random() >> HASH_KEY_UNUSED_BITS, purpose: Purpose::Use };
        self.run(&open).await.map(drop)
    }

    /// Stores a record, all of its fields, and marks it to be pushed in the same transaction.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a value that is no JSON object, or the database's.
    pub async fn put<E: Entity>(&self, id: &str, fields: &E) -> Result<(), Error> {
        let Ok(Value::Object(fields)) = serde_json::to_value(fields) else {
            return Err(invalid(format!("a record of `{}` must be a JSON object", E::NAME)));
        };
        self.edit::<E>(id, EditKind::Put(fields)).await
    }

    /// Makes a record a tombstone.
    ///
    /// # Errors
    /// The database's.
    pub async fn delete<E: Entity>(&self, id: &str) -> Result<(), Error> {
        self.edit::<E>(id, EditKind::Delete).await
    }

    /// The live record of `id`.
    ///
    /// # Errors
    /// [`Error::Invalid`] where the row is not of the type, or the database's.
    pub async fn one<E: Entity>(&self, id: &str) -> Result<Option<Typed<E>>, Error> {
        self.read(Some(vec![id.to_owned()])).await.map(|records| records.into_iter().next())
    }

    /// Every live record, in the order of ids.
    ///
    /// # Errors
    /// As [`Records::one`].
    pub async fn all<E: Entity>(&self) -> Result<Vec<Typed<E>>, Error> {
        self.read(None).await
    }

    async fn edit<E: Entity>(&self, id: &str, kind: EditKind) -> Result<(), Error> {
        let edits = vec![Edit { key: Key::new(self.entity::<E>()?, id), kind }];
        self.run(&LocalWrite { edits, now: self.clock.now().wall }).await.map(drop)
    }

    async fn read<E: Entity>(&self, ids: Option<Vec<String>>) -> Result<Vec<Typed<E>>, Error> {
        let rows = self.run(&ReadRows { entity: self.entity::<E>()?, ids }).await?;
        let live = rows.iter().filter_map(|(_, row)| row.row()).filter(|row| !row.record.is_deleted);
        live.map(|row| typed(row.record.clone())).collect()
    }

    fn entity<E: Entity>(&self) -> Result<crate::record::Entity, Error> {
        self.config.find(E::NAME).ok_or_else(|| Error::UnknownEntity { entity: E::NAME.to_owned() })
    }

    async fn run<T: Step>(&self, step: &T) -> Result<T::Outcome, Error> {
        self.store.run(step).await.map_err(|error| {
            if let StoreError::Refused(Refusal::NotFound(Key { entity, id })) = error {
                return Error::NotFound { entity: self.config.entity(entity).name.clone(), id };
            }
            store_error(&error)
        })
    }
}

/// A record with the fields of its type.
///
/// # Errors
/// [`Error::Invalid`] says which field is not of the type.
pub fn typed<E: Entity>(record: Record) -> Result<Typed<E>, Error> {
    let fields = serde_json::from_value(Value::Object(record.fields)).map_err(|error| invalid(error.to_string()))?;
    Ok(Typed { id: record.id, fields })
}

/// Says why fields are not of the type `E`, if they are not.
fn accepts<E: Entity>(fields: &Fields) -> Result<(), String> {
    E::deserialize(fields).map(drop).map_err(|error| error.to_string())
}

fn invalid(message: String) -> Error {
    Error::Invalid { fields: vec![FieldError { path: String::new(), message }] }
}

/// A JavaScript number holds 53 bits.
const HASH_KEY_UNUSED_BITS: u32 = 11;
