//! The records of the journal. Never holds sync fields: those are lastword's.

use lastword::typed::Entity;
use serde::{Deserialize, Serialize};

/// Something a person does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Activity {
    /// What it is called.
    pub name: String,
}

impl Entity for Activity {
    const NAME: &'static str = "activities";
}

/// How a person felt at a time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Mood {
    /// From 1 to 10.
    pub score: u8,
    /// What was being done.
    pub activity_id: String,
    /// In the person's own words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl Entity for Mood {
    const NAME: &'static str = "moods";
    const PATH: Option<&'static str> = Some("/v2/moods");
    const REFERENCES: &'static [(&'static str, &'static str)] = &[("activityId", Activity::NAME)];
}
