//! Deliberate mistakes, to show that the simulation notices each. Never compiled in without the feature `mutations`.

/// One mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "each name says what is done wrong")]
pub enum Mutation {
    AckClearsNewerEdit,
    AcknowledgedDroppedAtOnce,
    ChildBeforeParent,
    ContentHashIgnored,
    CursorMovesBeforeCommit,
    CheckpointApartFromRows,
    DiscardKeepsStamp,
    EarlierStampForgotten,
    EditFoundLateLeavesAcknowledged,
    EpochChangeTakenForExpiry,
    FenceNotChecked,
    FullStorageSendsNothing,
    GoneLosesContent,
    HealSkipped,
    InFlightNotResent,
    KnownNotSaid,
    LaggingReaderEndsResync,
    LostRecordNotRequeued,
    MissingParentNotPulled,
    OpeningNotWatched,
    PulledRecordEchoed,
    ResyncForgetsSeen,
    ResyncRemovesDirty,
    RestampIgnoresReplaced,
    StagedBodyNotStrict,
    StalePageOverwrites,
    StampTrailsReplaced,
    SupersededUnreported,
    TieBrokenByArrival,
    WipeKeepsFence,
}

impl Mutation {
    /// Every mistake.
    pub const ALL: [Self; 30] = [
        Self::AckClearsNewerEdit,
        Self::AcknowledgedDroppedAtOnce,
        Self::ChildBeforeParent,
        Self::ContentHashIgnored,
        Self::CursorMovesBeforeCommit,
        Self::CheckpointApartFromRows,
        Self::DiscardKeepsStamp,
        Self::EarlierStampForgotten,
        Self::EditFoundLateLeavesAcknowledged,
        Self::EpochChangeTakenForExpiry,
        Self::FenceNotChecked,
        Self::FullStorageSendsNothing,
        Self::GoneLosesContent,
        Self::HealSkipped,
        Self::InFlightNotResent,
        Self::KnownNotSaid,
        Self::LaggingReaderEndsResync,
        Self::LostRecordNotRequeued,
        Self::MissingParentNotPulled,
        Self::OpeningNotWatched,
        Self::PulledRecordEchoed,
        Self::ResyncForgetsSeen,
        Self::ResyncRemovesDirty,
        Self::RestampIgnoresReplaced,
        Self::StagedBodyNotStrict,
        Self::StalePageOverwrites,
        Self::StampTrailsReplaced,
        Self::SupersededUnreported,
        Self::TieBrokenByArrival,
        Self::WipeKeepsFence,
    ];
}

#[cfg(feature = "mutations")]
thread_local! {
    static MADE: std::cell::Cell<Option<Mutation>> = const { std::cell::Cell::new(None) };
}

/// Makes this mistake on this thread from now on.
#[cfg(feature = "mutations")]
pub fn make(mutation: Option<Mutation>) {
    MADE.set(mutation);
}

/// True when this mistake is to be made.
#[cfg(feature = "mutations")]
pub(crate) fn is(mutation: Mutation) -> bool {
    MADE.get() == Some(mutation)
}

/// True when this mistake is to be made: never.
#[cfg(not(feature = "mutations"))]
pub(crate) const fn is(_: Mutation) -> bool {
    false
}
