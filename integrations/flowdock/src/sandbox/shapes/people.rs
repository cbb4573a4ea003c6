//! People and organizations.

use serde_json::{Value, json};

use super::super::world::people::{Organization, User};
use super::super::world::{UserId, World};

/// `GET /user`, and wherever a person is named.
pub(in super::super) fn user(world: &World, user: &User) -> Value {
    json!({
        "id": user.id,
        "email": user.email,
        "name": user.name,
        "nick": user.nick,
        "avatar": world.api(&format!("/avatars/{}", user.id)),
        "website": user.website,
    })
}

/// As it stands in a flow.
pub(in super::super) fn organization_brief(world: &World, organization: &Organization) -> Value {
    json!({
        "id": organization.id,
        "name": organization.name,
        "parameterized_name": organization.slug,
        "user_limit": 0,
        "user_count": organization.members.len(),
        "active": true,
        "url": world.api(&format!("/organizations/{}", organization.slug)),
    })
}

pub(in super::super) fn organization(world: &World, it: &Organization) -> Value {
    let mut shown = organization_brief(world, it);
    shown["users"] = it.members.keys().map(|id| member(world, it, *id)).collect();
    shown
}

/// A person in an organization.
pub(in super::super) fn member(world: &World, organization: &Organization, id: UserId) -> Value {
    let mut shown = world.users.get(&id).map_or(Value::Null, |it| user(world, it));
    shown["admin"] = json!(organization.members.get(&id) == Some(&true));
    shown
}
