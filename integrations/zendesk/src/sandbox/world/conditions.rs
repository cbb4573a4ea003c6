//! Conditions of triggers.
//! <https://developer.zendesk.com/documentation/ticketing/reference-guides/conditions-reference/>

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::account::Account;
use super::audit::{Audit, values};
use super::change::tag;
use super::ticket::{Comment, Fields, Ticket};
use super::words::{Priority, Role, Status};

#[derive(Clone, Serialize, Deserialize)]
pub(in super::super) struct Condition {
    pub field: String,
    pub operator: String,
    #[serde(default)]
    pub value: Value,
}

/// What just happened.
pub(in super::super) struct Situation<'a> {
    pub account: &'a Account,
    pub ticket: &'a Ticket,
    pub audit: &'a Audit,
    pub before: Option<&'a Fields>,
}

/// Fields of a ticket that are compared as they are, and the operators for that.
const PLAIN: [&str; 7] = ["status", "priority", "type", "assignee_id", "requester_id", "group_id", "organization_id"];
const PLAIN_OPERATORS: [&str; 10] = [
    "is",
    "is_not",
    "less_than",
    "greater_than",
    "changed",
    "not_changed",
    "value",
    "value_previous",
    "not_value",
    "not_value_previous",
];
const OTHERS: [(&str, &[&str]); 8] = [
    ("update_type", &["is"]),
    ("comment_is_public", &["is", "is_not"]),
    ("current_via_id", &["is", "is_not"]),
    ("via_id", &["is", "is_not"]),
    ("current_tags", &["includes", "not_includes"]),
    ("role", &["is", "is_not"]),
    ("subject_includes_word", &["includes", "not_includes", "is", "is_not"]),
    ("comment_includes_word", &["includes", "not_includes", "is", "is_not"]),
];

impl Condition {
    /// What is wrong with it.
    pub fn problem(&self) -> Option<String> {
        let operators: &[&str] = if PLAIN.contains(&self.field.as_str()) {
            &PLAIN_OPERATORS
        } else {
            let other = OTHERS.iter().find(|(field, _)| *field == self.field);
            let Some((_, operators)) = other else { return Some(format!("Condition {}: is invalid", self.field)) };
            operators
        };
        let known = operators.contains(&self.operator.as_str());
        (!known).then(|| format!("Condition {}: {} is not an operator of it", self.field, self.operator))
    }

    pub fn holds(&self, now: &Situation<'_>) -> bool {
        let negative = matches!(self.operator.as_str(), "is_not" | "not_includes");
        let wanted = self.text();
        let positive = match self.field.as_str() {
            "update_type" => wanted.eq_ignore_ascii_case(if now.audit.creation { "create" } else { "change" }),
            "comment_is_public" => comment_fits(now.comment(), &wanted),
            "current_via_id" => wanted == now.audit.actor.channel.via_id().to_string(),
            "via_id" => wanted == now.ticket.channel.via_id().to_string(),
            "current_tags" => wanted.split([' ', ',']).any(|it| now.ticket.fields.tags.contains(&tag(it))),
            "role" => role_fits(now, &wanted),
            "subject_includes_word" => has_words(&now.ticket.fields.subject, &wanted, &self.operator),
            "comment_includes_word" => {
                now.comment().is_some_and(|comment| has_words(&comment.body, &wanted, &self.operator))
            }
            _ => return self.plain_holds(now, &wanted),
        };
        positive != negative
    }

    fn plain_holds(&self, now: &Situation<'_>, wanted: &str) -> bool {
        let after = self.value_in(&now.ticket.fields);
        let before = now.before.map(|fields| self.value_in(fields));
        let changed = before.as_ref().is_some_and(|before| *before != after);
        // A new ticket's fields have all just become what they are.
        let changed_to = now.before.is_none() || changed;
        match self.operator.as_str() {
            "is" => after == wanted,
            "is_not" => after != wanted,
            "less_than" => rank(&self.field, &after) < rank(&self.field, wanted),
            "greater_than" => rank(&self.field, &after) > rank(&self.field, wanted),
            "changed" => changed,
            "not_changed" => !changed,
            "value" => changed_to && after == wanted,
            "not_value" => changed_to && after != wanted,
            "value_previous" => changed && before.as_deref() == Some(wanted),
            "not_value_previous" => changed && before.as_deref() != Some(wanted),
            _ => false,
        }
    }

    fn value_in(&self, fields: &Fields) -> String {
        let value = values(fields).into_iter().find(|(field, _)| *field == self.field).map(|(_, value)| value);
        text(&value.unwrap_or_default())
    }

    fn text(&self) -> String {
        text(&self.value)
    }
}

impl<'a> Situation<'a> {
    /// The comment that was made by this.
    fn comment(&self) -> Option<&'a Comment> {
        self.audit.comment.and_then(|id| self.ticket.comment(id).ok())
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(list) => list.first().map(text).unwrap_or_default(),
        other => other.to_string(),
    }
}

fn comment_fits(comment: Option<&Comment>, wanted: &str) -> bool {
    match wanted {
        // Any comment at all.
        "not_relevant" => comment.is_some(),
        "false" | "not_requester_can_see_comment" => comment.is_some_and(|it| !it.public),
        _ => comment.is_some_and(|it| it.public),
    }
}

fn role_fits(now: &Situation<'_>, wanted: &str) -> bool {
    let Ok(user) = now.account.user(now.audit.actor.user) else { return false };
    match wanted {
        "end_user" => user.role == Role::EndUser,
        "agent" | "all_agents" => user.role.is_staff(),
        id => user.id.to_string() == id,
    }
}

fn has_words(text: &str, wanted: &str, operator: &str) -> bool {
    let text = text.to_lowercase();
    let mut words = wanted.split_whitespace().map(str::to_lowercase);
    match operator {
        // "Contains the following string".
        "is" | "is_not" => text.contains(&wanted.to_lowercase()),
        _ => words.any(|word| text.split(|it: char| !it.is_alphanumeric()).any(|it| it == word)),
    }
}

fn rank(field: &str, word: &str) -> Option<u8> {
    match field {
        "status" => Status::read(word).map(|it| it as u8),
        "priority" => Priority::read(word).map(|it| it as u8),
        _ => None,
    }
}
