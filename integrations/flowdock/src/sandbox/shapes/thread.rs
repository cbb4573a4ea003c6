//! Threads.

use serde_json::{Value, json};

use super::super::actions;
use super::super::world::threads::Thread;
use super::super::world::{World, iso};
use super::source::source;

pub(in super::super) fn thread(world: &World, it: &Thread) -> Value {
    let state = &it.state;
    let fields: Value = state.fields.iter().map(|it| json!({"label": it.label, "value": it.value})).collect();
    let shown_actions: Value = state.actions.iter().map(|action| actions::shown(world, it, action)).collect();
    let mut shown = json!({
        "id": it.id,
        "title": state.title,
        "body": state.body.clone().unwrap_or_default(),
        "external_url": state.external_url,
        "status": state.status.as_ref().map(|it| json!({"value": it.value, "color": it.colour})),
        "fields": fields,
        "actions": shown_actions,
        "flow": it.flow,
        "initial_message": it.initial_message,
        "created_at": iso(it.created),
        "updated_at": iso(it.updated),
    });
    // A source that was removed is still named.
    if let Some(origin) = it.source.and_then(|id| world.sources.iter().find(|it| it.id == id)) {
        shown["source"] = source(world, origin);
    }
    for (name, count) in [
        ("activities", it.activities),
        ("internal_comments", it.internal_comments),
        ("external_comments", it.external_comments),
    ] {
        if count > 0 {
            shown[name] = json!(count);
        }
    }
    shown
}
