//! Users, groups, organizations and custom statuses.

use serde_json::{Value, json};

use super::super::world::account::CustomStatus;
use super::super::world::people::{Group, Organization, User};
use super::super::world::stamp;

pub(in super::super) fn user(user: &User, at: &str) -> Value {
    json!({
        "id": user.id,
        "url": format!("{at}/api/v2/users/{}.json", user.id),
        "name": user.name,
        "email": user.email,
        "created_at": stamp(user.created),
        "updated_at": stamp(user.updated),
        "time_zone": "Etc/UTC",
        "iana_time_zone": "Etc/UTC",
        "phone": user.phone,
        "locale": "en-US",
        "locale_id": 1,
        "organization_id": user.organization,
        "role": user.role.word(),
        "verified": user.verified,
        "external_id": user.external_id,
        "tags": user.tags,
        "alias": "",
        "active": user.active,
        "shared": false,
        "details": "",
        "notes": user.notes,
        "suspended": user.suspended,
        "moderator": user.role.is_staff(),
        "user_fields": {},
    })
}

/// Whoever calls without being anybody.
pub(in super::super) fn nobody(at: &str) -> Value {
    json!({
        "id": null,
        "url": format!("{at}/api/v2/users/.json"),
        "name": "Anonymous user",
        "email": "invalid@example.com",
        "created_at": null,
        "updated_at": null,
        "role": "end-user",
        "verified": false,
        "active": false,
        "suspended": false,
        "external_id": null,
        "organization_id": null,
        "tags": [],
    })
}

pub(in super::super) fn group(group: &Group, at: &str) -> Value {
    json!({
        "id": group.id,
        "url": format!("{at}/api/v2/groups/{}.json", group.id),
        "name": group.name,
        "description": "",
        "default": true,
        "deleted": false,
        "is_public": true,
        "created_at": stamp(group.created),
        "updated_at": stamp(group.created),
    })
}

pub(in super::super) fn organization(it: &Organization, at: &str) -> Value {
    json!({
        "id": it.id,
        "url": format!("{at}/api/v2/organizations/{}.json", it.id),
        "name": it.name,
        "domain_names": [],
        "external_id": null,
        "tags": [],
        "created_at": stamp(it.created),
        "updated_at": stamp(it.created),
    })
}

pub(in super::super) fn status(status: &CustomStatus) -> Value {
    json!({
        "id": status.id,
        "status_category": status.category.word(),
        "agent_label": status.label,
        "end_user_label": status.label,
        "default": status.default,
        "active": status.active,
    })
}
