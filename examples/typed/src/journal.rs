//! What the app does with its records, over any store. Never asks whether a backend can be reached.

use lastword::config::{Config, Style};
use lastword::error::Error;
use lastword::ports::{Clock, Store};
use lastword::typed::{Entity, Records, Typed};

use crate::records::{Activity, Mood};

/// The entities of the journal.
///
/// # Errors
/// [`Error::Config`] for a declaration that cannot be used.
pub fn config() -> Result<Config, Error> {
    let declared = [Activity::declared(), Mood::declared()].into_iter().collect();
    Config::new(declared, Style::Resource, &|_| Err("the types of this app need no patterns".into()))
}

/// Notes a mood and the activity it belongs to.
///
/// # Errors
/// The database's.
pub async fn note<S: Store, C: Clock>(
    records: &Records<'_, S, C>,
    (activity_id, activity): (&str, &Activity),
    (id, mood): (&str, &Mood),
) -> Result<(), Error> {
    records.put(activity_id, activity).await?;
    records.put(id, mood).await
}

/// The mean score of every mood that is noted; none where there is none.
///
/// # Errors
/// The database's.
pub async fn mean<S: Store, C: Clock>(records: &Records<'_, S, C>) -> Result<Option<f64>, Error> {
    let moods: Vec<Typed<Mood>> = records.all().await?;
    let sum: f64 = moods.iter().map(|mood| f64::from(mood.fields.score)).sum();
    let count = u32::try_from(moods.len()).unwrap_or(u32::MAX);
    Ok((count > 0).then(|| sum / f64::from(count)))
}
