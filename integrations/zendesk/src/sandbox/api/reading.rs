//! What a client sends of a ticket, a comment or a user, read. Unknown attributes are passed over, as Zendesk does.

use serde_json::Value;

use super::super::refusal::{Problems, Refusal};
use super::super::world::account::Account;
use super::super::world::change::{Change, NewComment, tag};
use super::super::world::people::UserChange;
use super::super::world::words::{Kind, Priority, Role, Status};

/// A ticket, as it is to be. May make a user of a requester who is not known yet.
pub(super) fn ticket(account: &mut Account, sent: &Value) -> Result<Change, Refusal> {
    let mut problems = Problems::default();
    let mut change = Change {
        subject: text(sent, "subject").or(text(sent, "raw_subject")),
        custom_status: number(sent, "custom_status_id"),
        submitter: number(sent, "submitter_id"),
        group: maybe(sent, "group_id", number),
        organization: maybe(sent, "organization_id", number),
        external_id: maybe(sent, "external_id", text),
        tags: sent.get("tags").map(tags),
        more_tags: sent.get("additional_tags").map(tags).unwrap_or_default(),
        fewer_tags: sent.get("remove_tags").map(tags).unwrap_or_default(),
        assignee: maybe(sent, "assignee_id", number),
        follows: number(sent, "via_followup_source_id"),
        ..Change::default()
    };
    change.status = word(sent, "status", Status::read, &mut problems).flatten();
    change.priority = word(sent, "priority", Priority::read, &mut problems);
    change.kind = word(sent, "type", Kind::read, &mut problems);
    if let Some(email) = text(sent, "assignee_email") {
        match account.user_by_email(&email) {
            Some(user) => change.assignee = Some(Some(user.id)),
            None => problems.add("assignee", "Assignee: is invalid"),
        }
    }
    for field in sent["custom_fields"].as_array().or(sent["fields"].as_array()).into_iter().flatten() {
        if let Some(id) = number(field, "id") {
            change.custom_fields.insert(id, field["value"].clone());
        }
    }
    if sent["safe_update"] == Value::Bool(true) {
        let Some(seen) = text(sent, "updated_stamp") else {
            return Err(Refusal::invalid_attribute("updated_stamp", "It is needed for safe_update"));
        };
        change.unless_newer_than = Some(seen);
    }
    change.comment = match sent.get("comment") {
        None | Some(Value::Null) => {
            text(sent, "description").map(|body| NewComment { body: Some(body), ..NewComment::default() })
        }
        Some(sent) => Some(comment(sent)?),
    };
    problems.finish()?;
    // Last, so that a request that is refused makes nobody.
    change.requester = match (number(sent, "requester_id"), sent.get("requester")) {
        (Some(id), _) => Some(id),
        (None, Some(who)) if who.is_object() => Some(requester(account, who)?),
        _ => None,
    };
    Ok(change)
}

/// A text, or an object; a text is the body.
pub(super) fn comment(sent: &Value) -> Result<NewComment, Refusal> {
    if let Value::String(body) = sent {
        return Ok(NewComment { body: Some(body.clone()), ..NewComment::default() });
    }
    if !sent.is_object() {
        return Err(Refusal::invalid_attribute("comment", "It must be an object"));
    }
    let uploads = sent["uploads"].as_array().into_iter().flatten();
    Ok(NewComment {
        body: text(sent, "body").or(text(sent, "value")),
        html: text(sent, "html_body"),
        public: sent["public"].as_bool(),
        author: number(sent, "author_id"),
        uploads: uploads.filter_map(|it| it.as_str().map(str::to_owned)).collect(),
    })
}

/// Whoever has that e-mail address, or somebody new.
fn requester(account: &mut Account, sent: &Value) -> Result<u64, Refusal> {
    let email = text(sent, "email");
    if let Some(user) = email.as_deref().and_then(|email| account.user_by_email(email)) {
        return Ok(user.id);
    }
    let Some(name) = text(sent, "name").filter(|name| !name.trim().is_empty()) else {
        return Err(Refusal::invalid("requester", "Requester: Name: is too short (minimum one character)"));
    };
    account.create_user(UserChange { name: Some(name), email, ..UserChange::default() })
}

pub(super) fn user(sent: &Value) -> Result<UserChange, Refusal> {
    let mut problems = Problems::default();
    let role = word(sent, "role", Role::read, &mut problems).flatten();
    problems.finish()?;
    Ok(UserChange {
        name: text(sent, "name"),
        email: text(sent, "email"),
        role,
        external_id: maybe(sent, "external_id", text),
        phone: maybe(sent, "phone", text),
        notes: text(sent, "notes"),
        tags: sent.get("tags").map(tags),
        verified: sent["verified"].as_bool(),
        suspended: sent["suspended"].as_bool(),
    })
}

pub(super) fn text(sent: &Value, field: &str) -> Option<String> {
    match &sent[field] {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// Numbers may come as texts.
pub(super) fn number(sent: &Value, field: &str) -> Option<u64> {
    sent[field].as_u64().or_else(|| sent[field].as_str()?.parse().ok())
}

/// What is not sent stays; what is null goes.
fn maybe<T>(sent: &Value, field: &str, read: fn(&Value, &str) -> Option<T>) -> Option<Option<T>> {
    sent.get(field).map(|_| read(sent, field))
}

/// One of a closed list; null and the empty text are none.
fn word<T>(sent: &Value, field: &str, read: fn(&str) -> Option<T>, problems: &mut Problems) -> Option<Option<T>> {
    match sent.get(field)? {
        Value::Null => Some(None),
        Value::String(text) if text.is_empty() => Some(None),
        other => {
            let known = other.as_str().and_then(read);
            if known.is_none() {
                let title = field[..1].to_uppercase() + &field[1..];
                problems.add(
                    field,
                    &format!("{title}: {} is not included in the list", other.to_string().trim_matches('"')),
                );
            }
            Some(known)
        }
    }
}

pub(super) fn tags(sent: &Value) -> Vec<String> {
    let list: Vec<String> = match sent {
        Value::Array(list) => list.iter().filter_map(Value::as_str).map(tag).collect(),
        Value::String(text) => text.split([' ', ',']).map(tag).collect(),
        _ => Vec::new(),
    };
    list.into_iter().filter(|tag| !tag.is_empty()).collect()
}
