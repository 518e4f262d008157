//! The records of the workout log against the entity file of the demo and its server.

#![allow(clippy::unwrap_used, reason = "a test")]

mod model;

use lastword_example_typed::workout::{
    ActiveProgramInstance, AppliedProgressionLog, ExerciseDefinition, ProgramDefinition, ProgressionRule,
    UserBodyweightLog, UserGoal, UserSettings, WorkoutLog, WorkoutTemplate,
};
use model::Model;
use serde_json::json;

#[test]
fn ten_entities_are_typed_and_match_the_model() {
    let model = Model::read("../../www/entities.json");
    model.matches::<UserSettings>(&json!({"unit": "kg", "restSeconds": 90, "weekStartsOn": 1}));
    model.matches::<ExerciseDefinition>(
        &json!({"name": "Dip", "muscle": "chest", "equipment": "body weight", "note": "Slowly."}),
    );
    model.matches::<WorkoutLog>(&json!({
        "exercise": "Dip", "exerciseId": "e", "performedAt": 1, "sets": [{"reps": 5, "weight": 2.5}], "note": "Good."
    }));
    model.matches::<WorkoutTemplate>(
        &json!({"name": "Push", "exercises": [{"exercise": "Dip", "sets": 3, "reps": 8}], "startedAt": 1}),
    );
    model.matches::<ProgramDefinition>(
        &json!({"name": "Base", "weeks": 4, "days": [{"name": "Day 1", "template": "Push"}], "note": "Easy."}),
    );
    model.matches::<ActiveProgramInstance>(&json!({"programId": "p", "startedAt": 1, "week": 2, "state": "active"}));
    model.matches::<ProgressionRule>(&json!({"exerciseId": "e", "kind": "double", "step": 2.5, "everySessions": 2}));
    model.matches::<UserGoal>(&json!({"title": "Ten dips", "target": 10.5, "unit": "reps", "dueAt": 2, "doneAt": 1}));
    model.matches::<UserBodyweightLog>(&json!({"measuredAt": 1, "weight": 80.5}));
    model.matches::<AppliedProgressionLog>(&json!({"ruleId": "r", "appliedAt": 1, "from": 20.5, "to": 22.5}));
    model.has_no_more_than(10);
}
