//! Sources and the application they belong to.

use serde_json::{Value, json};

use super::super::world::apps::App;
use super::super::world::sources::Source;
use super::super::world::{World, iso};
use super::people::user;

/// A source, never with its token.
pub(in super::super) fn source(world: &World, it: &Source) -> Value {
    let path = world.flow(&it.flow).map_or_else(|_| String::new(), |flow| world.flow_path(flow));
    let mut shown = json!({
        "id": it.id,
        "name": it.name,
        "url": world.api(&format!("/flows/{path}/sources/{}", it.id)),
        "created_at": iso(it.created),
        "updated_at": iso(it.updated),
        "_links": {},
        "application": world.app(it.app).map_or(Value::Null, |app| application(world, app)),
        "creator": world.user(it.creator).map_or(Value::Null, |creator| user(world, creator)),
    });
    for (name, value) in [
        ("external_url", &it.external_url),
        ("error_message", &it.error_message),
        ("configuration_url", &it.configuration_url),
    ] {
        if let Some(value) = value {
            shown[name] = json!(value);
        }
    }
    shown
}

/// The answer to making one: the only time its token is told.
pub(in super::super) fn new_source(world: &World, it: &Source) -> Value {
    let mut shown = source(world, it);
    shown["flow_token"] = json!(it.flow_token);
    shown
}

fn application(world: &World, app: &App) -> Value {
    let mut shown = json!({
        "id": app.id,
        "name": app.form.name,
        "icon_url": app.form.icon_url.clone().unwrap_or_else(|| world.api(&format!("/icons/{}", app.id))),
        "url": world.api(&format!("/oauth/applications/{}", app.id)),
        "published": app.published,
        "_links": {},
    });
    if let Some(setup) = &app.form.setup_uri {
        shown["_links"]["setup"] = json!({"href": setup});
    }
    if let Some(configuration) = &app.form.configuration_uri {
        shown["configuration_uri"] = json!(configuration);
    }
    shown
}
