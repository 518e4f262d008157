//! The names of lastword's own object stores and of their entries. What they hold: [`crate::stored`].

/// The outbox: key [entity, id].
pub const OUTBOX: &str = "_lastword_outbox";
/// Conflicts that wait for the user: key [entity, id].
pub const CONFLICTS: &str = "_lastword_conflicts";
/// Remote copies that failed validation: key [entity, id].
pub const QUARANTINE: &str = "_lastword_quarantine";
/// Everything else: key is a name.
pub const META: &str = "_lastword_meta";
/// Name of the error that says that an entry of ours cannot be read.
pub const UNREADABLE: &str = "DataError";
/// The stores keyed by [entity, id].
pub const BY_RECORD: [&str; 3] = [OUTBOX, CONFLICTS, QUARANTINE];
/// Field of a value in the stores keyed by record that holds the entity's name.
pub(super) const ENTITY: &str = "entity";
/// Field of a value in the stores keyed by record that holds the record's id.
pub(super) const ID: &str = "id";
/// Field of an app's row that holds the mark of the copy the backend has.
pub const SYNCED: &str = "_synced";
/// Field of an entry in [`META`] that holds its name.
pub const NAME: &str = "name";
/// Field of an entry in [`META`] that holds its value.
pub const VALUE: &str = "value";
/// Names of the entries of [`META`].
pub mod meta {
    /// The replica.
    pub const REPLICA: &str = "replica";
    /// The body in flight that has this place.
    #[must_use]
    pub fn in_flight(place: u8) -> String {
        if place == 0 { IN_FLIGHT.to_owned() } else { format!("{IN_FLIGHT}:{place}") }
    }
    /// The first and the last name that a body in flight may have.
    #[must_use]
    pub fn in_flight_range() -> (String, String) {
        (in_flight(0), format!("{IN_FLIGHT}:{}", char::MAX))
    }
    const IN_FLIGHT: &str = "inFlight";
    /// A scope's checkpoint.
    #[must_use]
    pub fn scope(name: &str) -> String {
        format!("scope:{name}")
    }
    /// What is kept for an entity.
    #[must_use]
    pub fn entity(name: &str) -> String {
        format!("entity:{name}")
    }
    /// The name of the entity, where an entry is what is kept for one.
    #[must_use]
    pub fn entity_of(name: &str) -> Option<&str> {
        name.strip_prefix("entity:")
    }
    /// The first and the last name that an entry kept for an entity may have.
    #[must_use]
    pub fn entity_range() -> (String, String) {
        (entity(""), entity(&char::MAX.to_string()))
    }
    /// The first and the last name that a checkpoint may have.
    #[must_use]
    pub fn scope_range() -> (String, String) {
        (scope(""), scope(&char::MAX.to_string()))
    }
    /// A list of ids seen by a resync.
    #[must_use]
    pub fn seen(scope: &str, list: u32) -> String {
        format!("seen:{scope}:{list}")
    }
    /// The first and the last name that a list of a scope may have.
    #[must_use]
    pub fn seen_range(scope: &str) -> (String, String) {
        (format!("seen:{scope}:"), format!("seen:{scope}:{}", char::MAX))
    }
}
