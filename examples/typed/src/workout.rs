//! The ten records of a workout log. Never holds sync fields: those are lastword's. Times are milliseconds since 1970.

use lastword::typed::Entity;
use serde::{Deserialize, Serialize};

/// A record of the workout log: its name in the entity file, and what it refers to.
macro_rules! entity {
    ($type:ty, $name:literal $(, $field:literal => $parent:ty)?) => {
        impl Entity for $type {
            const NAME: &'static str = $name;
            const REFERENCES: &'static [(&'static str, &'static str)] = &[$(($field, <$parent>::NAME))?];
        }
    };
}

entity!(UserSettings, "user-settings");
entity!(ExerciseDefinition, "exercise-definitions");
entity!(WorkoutLog, "workout-logs", "exerciseId" => ExerciseDefinition);
entity!(WorkoutTemplate, "workout-templates");
entity!(ProgramDefinition, "program-definitions");
entity!(ActiveProgramInstance, "active-program-instances", "programId" => ProgramDefinition);
entity!(ProgressionRule, "progression-rules", "exerciseId" => ExerciseDefinition);
entity!(UserGoal, "user-goals");
entity!(UserBodyweightLog, "user-bodyweight-logs");
entity!(AppliedProgressionLog, "applied-progression-logs", "ruleId" => ProgressionRule);

/// How a user wants the app.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UserSettings {
    /// In what weights are shown; they are stored in kilograms.
    pub unit: WeightUnit,
    /// Rest between two sets.
    pub rest_seconds: u16,
    /// 0 for Sunday.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub week_starts_on: Option<u8>,
}

/// In what weights are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WeightUnit {
    /// Kilograms.
    Kg,
    /// Pounds.
    Lb,
}

/// An exercise of the library.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ExerciseDefinition {
    /// What it is called.
    pub name: String,
    /// What it trains.
    pub muscle: Muscle,
    /// What it needs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub equipment: Option<Equipment>,
    /// How it is done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// What an exercise trains.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum Muscle {
    Legs,
    Back,
    Chest,
    Shoulders,
    Arms,
    Core,
}

/// What an exercise needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum Equipment {
    Barbell,
    Dumbbell,
    Machine,
    Cable,
    #[serde(rename = "body weight")]
    BodyWeight,
}

/// One exercise done on one day.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WorkoutLog {
    /// Its name, as it was then.
    pub exercise: String,
    /// Its entry in the library, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exercise_id: Option<String>,
    /// When it was done.
    pub performed_at: u64,
    /// In their order.
    pub sets: Vec<LoggedSet>,
    /// How it went.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// One set of an exercise.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoggedSet {
    /// Repetitions.
    pub reps: u16,
    /// Kilograms.
    pub weight: f64,
}

/// A workout to start from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WorkoutTemplate {
    /// What it is called.
    pub name: String,
    /// In their order.
    pub exercises: Vec<PlannedExercise>,
    /// When it was last started; none for one that never was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<u64>,
}

/// An exercise of a template.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlannedExercise {
    /// Its name.
    pub exercise: String,
    /// How many sets.
    pub sets: u8,
    /// Repetitions of each set.
    pub reps: u16,
}

/// Weeks of workouts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProgramDefinition {
    /// What it is called.
    pub name: String,
    /// How long it takes.
    pub weeks: u8,
    /// What is done on the days of one week.
    pub days: Vec<ProgramDay>,
    /// What it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// One day of a program's week.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProgramDay {
    /// What it is called.
    pub name: String,
    /// The name of the template.
    pub template: String,
}

/// A program that a user follows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ActiveProgramInstance {
    /// Which program.
    pub program_id: String,
    /// Since when.
    pub started_at: u64,
    /// How far it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub week: Option<u8>,
    /// Whether it goes on.
    pub state: ProgramState,
}

/// Whether a program goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ProgramState {
    /// It does.
    Active,
    /// Later.
    Paused,
    /// It is over.
    Done,
}

/// How the weight of an exercise goes up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProgressionRule {
    /// Of which exercise.
    pub exercise_id: String,
    /// By weight alone, or by repetitions first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<ProgressionKind>,
    /// Kilograms.
    pub step: f64,
    /// Sessions from one step to the next.
    pub every_sessions: u8,
}

/// What goes up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ProgressionKind {
    /// The weight.
    Linear,
    /// The repetitions, then the weight.
    Double,
}

/// What a user wants to reach.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UserGoal {
    /// In words.
    pub title: String,
    /// As a number of `unit`.
    pub target: f64,
    /// Of what.
    pub unit: GoalUnit,
    /// By when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_at: Option<u64>,
    /// When it was reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub done_at: Option<u64>,
}

/// What a goal counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GoalUnit {
    /// Kilograms.
    Kg,
    /// Workouts.
    Sessions,
    /// Repetitions.
    Reps,
}

/// The user's own weight on a day.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UserBodyweightLog {
    /// When.
    pub measured_at: u64,
    /// Kilograms.
    pub weight: f64,
}

/// A step that a rule took.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AppliedProgressionLog {
    /// Which rule.
    pub rule_id: String,
    /// When.
    pub applied_at: u64,
    /// Kilograms before.
    pub from: f64,
    /// Kilograms since.
    pub to: f64,
}
