//! How often worlds met what they are for: a simulation that never restores a backend proves nothing of it.

/// How often something worth testing happened.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tally {
    /// Edits made.
    pub edits: u64,
    /// Copies the backend took.
    pub accepted: u64,
    /// Local edits that lost to a newer copy.
    pub superseded: u64,
    /// Conflicts for the user.
    pub conflicts: u64,
    /// Tries that failed.
    pub failed: u64,
    /// Records set aside.
    pub quarantined: u64,
    /// Stamps corrected after a refusal.
    pub restamped: u64,
    /// Records the backend lost and got again.
    pub healed: u64,
    /// Rows removed by a resync or as gone.
    pub removed: u64,
    /// Commits refused by the fence.
    pub fenced: u64,
    /// Commits taken back by a power cut.
    pub undone: u64,
    /// Resyncs begun.
    pub resyncs: u64,
    /// Bodies made while nothing could be stored.
    pub unstored: u64,
    /// Tries that a missing parent cost.
    pub orphans: u64,
    /// Transactions run.
    pub commits: u64,
    /// Bodies the backend answered.
    pub pushes: u64,
    /// Pages the backend answered.
    pub pulls: u64,
}

impl Tally {
    /// Adds another world's counts.
    pub fn add(&mut self, other: &Self) {
        self.edits += other.edits;
        self.accepted += other.accepted;
        self.superseded += other.superseded;
        self.conflicts += other.conflicts;
        self.failed += other.failed;
        self.quarantined += other.quarantined;
        self.restamped += other.restamped;
        self.healed += other.healed;
        self.removed += other.removed;
        self.fenced += other.fenced;
        self.undone += other.undone;
        self.resyncs += other.resyncs;
        self.unstored += other.unstored;
        self.orphans += other.orphans;
        self.commits += other.commits;
        self.pushes += other.pushes;
        self.pulls += other.pulls;
    }
}
