//! The durable state of a replica besides its rows and outbox: the contents of `_lastword_meta`. Never decides.

use serde::{Deserialize, Serialize};

use crate::record::{Millis, ServerMillis, Stamp};

/// The replica itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Replica {
    /// Names this replica to the backend: a UUID.
    pub device_id: String,
    /// The account whose records these are, fixed at first sign-in.
    pub account: Option<String>,
    /// Raised by each new leader; a commit with an old fence is refused.
    pub fence: u64,
    /// The greatest stamp this replica ever gave.
    pub last_stamp: Stamp,
    /// Estimated backend time minus local time, in milliseconds.
    pub offset_ms: i64,
    /// The greatest raw clock reading seen by a scan.
    pub clock_max: Millis,
    /// Key of the content hashes in `_synced`.
    pub hash_key: u64,
}

/// How far a scope has been pulled.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Checkpoint {
    /// The backend's token; none before the first page.
    pub cursor: Option<String>,
    /// The backend's history the cursor belongs to.
    pub epoch: Option<String>,
    /// Everything the backend accepted up to this time has been seen.
    pub up_to: Option<ServerMillis>,
    /// Set while everything is pulled anew.
    pub resync: Option<Resync>,
    /// When a pull of this scope last ended.
    pub pulled_at: Option<Millis>,
}

/// A full pull under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Resync {
    /// Why it was begun.
    pub reason: ResyncReason,
    /// How many lists of seen ids are stored.
    pub seen_lists: u32,
}

/// Why everything is pulled anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ResyncReason {
    /// The cursor was older than the backend's purge horizon: records not seen again were deleted.
    CursorExpired,
    /// The backend lost history (restored or wiped): records not seen again are pushed back.
    EpochChanged,
}

/// What is kept for each entity.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct EntityMeta {
    /// When a push of this entity was last answered.
    pub last_push: Option<Millis>,
    /// Rows stamped before this reading of the raw clock have been scanned.
    pub scanned_to: Option<Millis>,
}

/// A push whose answer is not yet known. Sent again, byte for byte, before anything else.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InFlight {
    /// Its turn among the bodies that were staged together.
    #[serde(default)]
    pub place: u8,
    /// `Idempotency-Key` of the body.
    pub key: String,
    /// The entity whose endpoint takes the body; none for a changeset.
    pub entity: Option<String>,
    /// What the body holds, in its order.
    pub sent: Vec<Sent>,
    /// The exact body.
    pub body: String,
}

/// One record of a body in flight.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sent {
    /// The record's entity.
    pub entity: String,
    /// The record's id.
    pub id: String,
    /// Stamp of the copy that was sent.
    pub stamp: Stamp,
    /// Hash of the content that was sent, where the app writes rows by itself.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "hex")]
    pub hash: Option<u64>,
}

/// A hash as text: a JavaScript number, as a stored value holds it, has 53 bits.
mod hex {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    #[allow(clippy::ref_option, clippy::trivially_copy_pass_by_ref, reason = "the form that serde calls")]
    pub(super) fn serialize<S: Serializer>(hash: &Option<u64>, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{:x}", hash.unwrap_or_default()))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
        let text = String::deserialize(deserializer)?;
        u64::from_str_radix(&text, 16).map(Some).map_err(D::Error::custom)
    }
}
