//! The records of the journal. Never holds sync fields: those are lastword's.

use lastword::typed::Entity;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The id of an [`Activity`]: the id of nothing else fits where it is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ActivityId(pub Uuid);

/// Something a person does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Activity {
    /// What it is called.
    pub name: String,
    /// What it is good for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<ActivityKind>,
}

/// What an activity is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ActivityKind {
    /// Getting one's strength back.
    Rest,
    /// Earning a living.
    Work,
    /// Moving.
    Sport,
    /// Being with others.
    People,
    /// Anything else.
    Other,
}

impl Entity for Activity {
    const NAME: &'static str = "activities";
}

/// How a person felt at a time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MoodEntry {
    /// How good the mood was.
    pub mood: Score,
    /// When, in ISO 8601.
    pub felt_at: String,
    /// What was being done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub activity_id: Option<ActivityId>,
    /// In the person's own words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl Entity for MoodEntry {
    const NAME: &'static str = "mood-entries";
    const REFERENCES: &'static [(&'static str, &'static str)] = &[("activity_id", Activity::NAME)];
}

/// A mood from 1 to 10: no other can be made, read or received.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct Score(u8);

impl TryFrom<u8> for Score {
    type Error = String;

    fn try_from(score: u8) -> Result<Self, String> {
        if (1..=10).contains(&score) { Ok(Self(score)) } else { Err(format!("{score} is not from 1 to 10")) }
    }
}

impl From<Score> for u8 {
    fn from(score: Score) -> Self {
        score.0
    }
}

/// The answers to a questionnaire.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AssessmentEntry {
    /// Which questionnaire.
    pub instrument: Instrument,
    /// An answer for each question.
    pub answers: Vec<u8>,
    /// What the answers add up to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<u16>,
    /// When, in ISO 8601.
    pub taken_at: String,
}

/// A questionnaire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Instrument {
    /// Depression.
    #[serde(rename = "phq-9")]
    Phq9,
    /// Anxiety.
    #[serde(rename = "gad-7")]
    Gad7,
    /// Well-being.
    #[serde(rename = "who-5")]
    Who5,
}

impl Entity for AssessmentEntry {
    const NAME: &'static str = "assessment-entries";
}

/// When the app asks for an entry.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// For what.
    pub asks: Asked,
    /// Days from one time to the next.
    pub every_days: u16,
    /// Minutes since midnight.
    pub minute_of_day: u16,
}

/// What a schedule asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Asked {
    /// A mood.
    #[serde(rename = "mood")]
    Mood,
    /// A questionnaire.
    #[serde(untagged)]
    Assessment(Instrument),
}

impl Entity for Schedule {
    const NAME: &'static str = "schedules";
}
