//! What changed: the difference between two states of a ticket, from which audits and events are written.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::account::Actor;
use super::ticket::{Fields, Ticket};

/// Of one create or update.
#[derive(Clone)]
pub(in super::super) struct Audit {
    pub id: u64,
    pub actor: Actor,
    pub created: Timestamp,
    pub changes: Vec<FieldChange>,
    pub comment: Option<u64>,
    /// The first of a ticket.
    pub creation: bool,
}

/// One field that is not what it was.
#[derive(Clone, Debug, PartialEq)]
pub(in super::super) struct FieldChange {
    /// The API's name of it.
    pub field: &'static str,
    pub before: Value,
    pub after: Value,
}

/// What a ticket's field is, in the API's words; the order is that of audits and events.
pub(in super::super) fn values(fields: &Fields) -> [(&'static str, Value); 11] {
    [
        ("subject", json!(fields.subject)),
        ("status", json!(fields.status.word())),
        ("custom_status_id", json!(fields.custom_status)),
        ("priority", json!(fields.priority.map(|it| it.word()))),
        ("type", json!(fields.kind.map(|it| it.word()))),
        ("requester_id", json!(fields.requester)),
        ("assignee_id", json!(fields.assignee)),
        ("group_id", json!(fields.group)),
        ("organization_id", json!(fields.organization)),
        ("external_id", json!(fields.external_id)),
        ("tags", json!(fields.tags)),
    ]
}

/// From nothing, all that is set counts.
pub(in super::super) fn difference(before: Option<&Fields>, after: &Fields) -> Vec<FieldChange> {
    let old = before.map(values);
    let changed = values(after).into_iter().enumerate().map(|(index, (field, after))| {
        let before = old.as_ref().map_or(Value::Null, |old| old[index].1.clone());
        FieldChange { field, before, after }
    });
    let empty = |value: &Value| value.is_null() || value == &json!([]);
    changed.filter(|it| it.before != it.after && !(empty(&it.before) && empty(&it.after))).collect()
}

impl Audit {
    /// Between two states of the ticket, of which it has the later one.
    pub fn of(id: u64, actor: Actor, ticket: &Ticket, before: Option<&Fields>, comment: Option<u64>) -> Self {
        let changes = difference(before, &ticket.fields);
        Self { id, actor, created: ticket.updated, changes, comment, creation: before.is_none() }
    }
}
