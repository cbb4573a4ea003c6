//! Flows and invitations.

use serde_json::{Value, json};

use super::super::world::flows::{Access, Flow, Invitation, Membership};
use super::super::world::messages::Place;
use super::super::world::{UserId, World};
use super::people::{organization_brief, user};

/// A flow as `who` sees it.
pub(in super::super) fn flow(world: &World, it: &Flow, who: UserId, users: bool) -> Value {
    let path = world.flow_path(it);
    let organization = world.organizations.get(&it.organization);
    let unread = format!(":unread:{who}");
    let place = Place::Flow(it.id.clone());
    let messages = world.messages_of(&place);
    let mut shown = json!({
        "id": it.id,
        "name": it.name,
        "parameterized_name": it.slug,
        "organization": organization.map(|it| organization_brief(world, it)),
        "unread_mentions": messages.filter(|message| message.new.tags.contains(&unread)).count(),
        "open": it.members.get(&who).is_some_and(|it| it.open),
        "joined": it.is_in(who),
        "url": world.api(&format!("/flows/{path}")),
        "web_url": world.api(&format!("/app/{path}")),
        "access_mode": it.access.as_str(),
        "disabled": it.disabled,
        "links": links(world, &path, it.is_in(who)),
    });
    if it.access != Access::Invitation {
        shown["join_url"] = json!(world.api(&format!("/invitations/{}-{}", it.join_code, it.slug)));
    }
    if users {
        shown["users"] = people(world, it);
    }
    shown
}

/// What is below a flow, and what may be done there.
fn links(world: &World, path: &str, joined: bool) -> Value {
    let resources = ["messages", "threads", "sources", "users", "invitations"];
    let methods = if joined { vec!["GET", "POST"] } else { vec![] };
    let link =
        |name: &&str| json!({"rel": name, "href": world.api(&format!("/flows/{path}/{name}")), "methods": methods});
    resources.iter().map(link).collect()
}

/// Who is in a flow.
pub(in super::super) fn people(world: &World, flow: &Flow) -> Value {
    flow.members.iter().map(|(id, membership)| person(world, *id, *membership)).collect()
}

fn person(world: &World, id: UserId, membership: Membership) -> Value {
    let mut shown = world.users.get(&id).map_or(Value::Null, |it| user(world, it));
    let active = membership.last_activity.map(|at| at.as_millisecond());
    shown["status"] = Value::Null;
    shown["disabled"] = json!(membership.disabled);
    shown["last_activity"] = json!(active);
    shown["last_ping"] = json!(active);
    shown["in_flow"] = json!(!membership.disabled);
    shown
}

pub(in super::super) fn invitation(world: &World, it: &Invitation) -> Value {
    let path = world.flow(&it.flow).map_or_else(|_| String::new(), |flow| world.flow_path(flow));
    json!({
        "id": it.id,
        "state": it.state,
        "email": it.email,
        "flow": it.flow,
        "url": world.api(&format!("/flows/{path}/invitations/{}", it.id)),
    })
}
