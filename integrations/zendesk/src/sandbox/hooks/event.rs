//! Events of tickets, in the envelope that all events share.
//! <https://developer.zendesk.com/api-reference/webhooks/event-types/ticket-events/>
//!
//! Numbers are strings here, and statuses have capitals.

use integration_sandboxkit::random;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::world::account::{Account, Actor};
use super::super::world::audit::{Audit, FieldChange};
use super::super::world::stamp;
use super::super::world::ticket::{Comment, Ticket};

/// The event of a changed field.
fn event_of(change: &FieldChange) -> Option<&'static str> {
    Some(match change.field {
        "subject" => "subject_changed",
        "status" => "status_changed",
        "custom_status_id" => "custom_status_changed",
        "priority" => "priority_changed",
        "type" => "type_changed",
        "requester_id" => "requester_changed",
        "assignee_id" => "agent_assignment_changed",
        "group_id" => "group_assignment_changed",
        "organization_id" => "organization_changed",
        "external_id" => "external_id_changed",
        "tags" => "tags_changed",
        _ => return None,
    })
}

impl Account {
    /// Tells everything that an audit says.
    pub fn tell_change(&mut self, ticket: u64, audit: &Audit) {
        let Ok(it) = self.ticket(ticket) else { return };
        let comment = audit.comment.and_then(|id| it.comment(id).ok()).cloned();
        let mut events: Vec<(&'static str, Value)> = Vec::new();
        if audit.creation {
            events.push(("created", json!({})));
        } else {
            events.extend(audit.changes.iter().filter_map(|it| Some((event_of(it)?, changed(it)))));
        }
        if let Some(comment) = &comment
            && (!audit.creation || self.house.first_comment_is_told)
        {
            events.push(("comment_added", self.comment_event(comment)));
        }
        self.tell(ticket, audit.actor, events);
    }

    /// One thing that happened to a comment.
    pub fn tell_comment(&mut self, ticket: u64, actor: Actor, event: &'static str, comment: &Comment) {
        let body = self.comment_event(comment);
        self.tell(ticket, actor, vec![(event, body)]);
    }

    pub fn tell_deleted(&mut self, ticket: u64, actor: Actor) {
        self.tell(ticket, actor, vec![("soft_deleted", json!({}))]);
    }

    fn comment_event(&self, comment: &Comment) -> Value {
        let author = self.users.get(&comment.author);
        json!({"comment": {
            "id": comment.id.to_string(),
            "body": comment.body,
            "is_public": comment.public,
            "author": {
                "id": comment.author.to_string(),
                "is_staff": author.is_some_and(|author| author.role.is_staff()),
                "name": author.map_or("", |author| &author.name),
            },
        }})
    }

    /// Several things at once are a sequence, whose order on the wire is nobody's promise.
    fn tell(&mut self, ticket: u64, actor: Actor, events: Vec<(&'static str, Value)>) {
        let Some(it) = self.tickets.get(&ticket) else { return };
        let (detail, subject) = (detail(it, actor), format!("zen:ticket:{ticket}"));
        let sequence = random::hex(32).to_uppercase();
        for (position, (name, mut event)) in events.into_iter().enumerate() {
            event["meta"] = json!({"version": "1", "sequence": {"id": sequence, "position": position + 1}});
            let name = format!("ticket.{name}");
            let hooks: Vec<String> =
                self.webhooks.iter().filter(|hook| hook.hears(&name)).map(|hook| hook.id.clone()).collect();
            let body = json!({
                "type": format!("zen:event-type:{name}"),
                "account_id": self.id,
                "id": random::guid(),
                "time": Timestamp::now().to_string(),
                "zendesk_event_version": "2022-11-06",
                "subject": subject,
                "detail": detail,
                "event": event,
            });
            for hook in hooks {
                self.post.invoke(&hook, &name, Some(body.to_string()));
            }
        }
    }
}

/// Both states of a field, in the words of events.
fn changed(change: &FieldChange) -> Value {
    if change.field == "tags" {
        let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
        let (before, after) = (list(&change.before), list(&change.after));
        let added: Vec<&Value> = after.iter().filter(|tag| !before.contains(tag)).collect();
        let removed: Vec<&Value> = before.iter().filter(|tag| !after.contains(tag)).collect();
        return json!({"tags_added": added, "tags_removed": removed});
    }
    let worded = |value: &Value| match value {
        Value::String(text) if matches!(change.field, "status" | "priority" | "type") => json!(text.to_uppercase()),
        Value::Number(number) => json!(number.to_string()),
        other => other.clone(),
    };
    json!({"current": worded(&change.after), "previous": worded(&change.before)})
}

fn detail(ticket: &Ticket, actor: Actor) -> Value {
    let fields = &ticket.fields;
    let id = |id: Option<u64>| id.map(|id| id.to_string());
    let status = if ticket.deleted { "DELETED".to_owned() } else { fields.status.word().to_uppercase() };
    json!({
        "id": ticket.id.to_string(),
        "actor_id": actor.user.to_string(),
        "assignee_id": id(fields.assignee),
        "brand_id": "1",
        "created_at": stamp(ticket.created),
        "custom_status": fields.custom_status.to_string(),
        "description": ticket.description(),
        "external_id": fields.external_id,
        "form_id": null,
        "group_id": id(fields.group),
        "is_public": ticket.public,
        "organization_id": id(fields.organization),
        "priority": fields.priority.map(|it| it.word().to_uppercase()),
        "requester_id": fields.requester.to_string(),
        "status": status,
        "subject": fields.subject,
        "submitter_id": ticket.submitter.to_string(),
        "tags": fields.tags,
        "type": fields.kind.map(|it| it.word().to_uppercase()),
        "updated_at": stamp(ticket.updated),
        "via": {"channel": actor.channel.word()},
    })
}
