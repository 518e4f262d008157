//! What the app does with its records, over any store. Never asks whether a backend can be reached.

use lastword::config::{Config, EntityDeclaration, Style};
use lastword::error::Error;
use lastword::mapping::{FieldNames, Times};
use lastword::ports::{Clock, Store};
use lastword::typed::{Entity, Records, Typed};

use crate::records::{Activity, ActivityId, AssessmentEntry, MoodEntry, Schedule};

/// The entities of the journal.
///
/// # Errors
/// [`Error::Config`] for a declaration that cannot be used.
pub fn config() -> Result<Config, Error> {
    let declared =
        [Activity::declared(), MoodEntry::declared(), AssessmentEntry::declared(), Schedule::declared()].map(named);
    Config::new(declared, Style::Changeset, &|_| Err("the types of this app need no patterns".into()))
}

/// What the journal's rows and its backend call the sync fields: deleted by a time, and all times as text.
fn named((name, declared): (String, EntityDeclaration)) -> (String, EntityDeclaration) {
    let names = FieldNames {
        client_created_at: "created_at".into(),
        client_updated_at: "updated_at".into(),
        deleted_at: Some("deleted_at".into()),
        server_updated_at: "server_updated_at".into(),
        times: Times::Iso,
        ..FieldNames::default()
    };
    (name, EntityDeclaration { names, ..declared })
}

/// Notes a mood and the activity it belongs to.
///
/// # Errors
/// The database's.
pub async fn note<S: Store, C: Clock>(
    records: &Records<'_, S, C>,
    (ActivityId(activity_id), activity): (ActivityId, &Activity),
    (id, mood): (&str, &MoodEntry),
) -> Result<(), Error> {
    records.put(&activity_id.to_string(), activity).await?;
    records.put(id, mood).await
}

/// The mean score of every mood that is noted; none where there is none.
///
/// # Errors
/// The database's.
pub async fn mean<S: Store, C: Clock>(records: &Records<'_, S, C>) -> Result<Option<f64>, Error> {
    let moods: Vec<Typed<MoodEntry>> = records.all().await?;
    let sum: f64 = moods.iter().map(|mood| f64::from(u8::from(mood.fields.mood))).sum();
    let count = u32::try_from(moods.len()).unwrap_or(u32::MAX);
    Ok((count > 0).then(|| sum / f64::from(count)))
}
