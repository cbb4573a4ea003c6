//! Users, bots and workspaces. <https://docs.slack.dev/reference/objects/user-object>

use serde_json::{Value, json};

use super::super::world::people::User;
use super::super::world::{Workspace, World};

/// A user. The address is only for who may read it.
pub(in super::super) fn user(world: &World, user: &User, with_email: bool) -> Value {
    let mut profile = json!({
        "title": "",
        "phone": "",
        "skype": "",
        "real_name": user.real_name,
        "real_name_normalized": user.real_name,
        "display_name": if user.bot.is_some() { "" } else { &user.name },
        "display_name_normalized": if user.bot.is_some() { "" } else { &user.name },
        "fields": null,
        "status_text": "",
        "status_emoji": "",
        "status_expiration": 0,
        "avatar_hash": "000000000000",
        "always_active": user.bot.is_some(),
        "first_name": user.real_name.split(' ').next().unwrap_or_default(),
        "last_name": user.real_name.split(' ').nth(1).unwrap_or_default(),
        "image_24": avatar(world, user),
        "image_48": avatar(world, user),
        "image_72": avatar(world, user),
        "team": user.home(),
    });
    if with_email && user.bot.is_none() {
        profile["email"] = json!(user.email());
    }
    if let Some(bot) = &user.bot {
        profile["bot_id"] = json!(bot.id);
        profile["api_app_id"] = json!(bot.app);
    }
    let mut shown = json!({
        "id": user.id,
        "team_id": user.home(),
        "name": user.name,
        "deleted": user.deleted,
        "profile": profile,
        "is_bot": user.bot.is_some(),
        "is_app_user": false,
        "updated": user.updated,
    });
    // Slack tells little of who is gone.
    if !user.deleted {
        let more = json!({
            "color": "9f69e7",
            "real_name": user.real_name,
            "tz": "Europe/Amsterdam",
            "tz_label": "Central European Time",
            "tz_offset": 3600,
            "is_admin": user.admin,
            "is_owner": user.admin,
            "is_primary_owner": user.admin,
            "is_restricted": false,
            "is_ultra_restricted": false,
            "is_email_confirmed": true,
            "who_can_share_contact_card": "EVERYONE",
        });
        if let (Value::Object(shown), Value::Object(more)) = (&mut shown, more) {
            shown.extend(more);
        }
    }
    shown
}

/// What `bots.info` and `bot_profile` say of a bot.
pub(in super::super) fn bot(world: &World, user: &User, team: Option<&str>) -> Option<Value> {
    let bot = user.bot.as_ref()?;
    let icons =
        json!({"image_36": avatar(world, user), "image_48": avatar(world, user), "image_72": avatar(world, user)});
    let mut shown = json!({
        "id": bot.id,
        "app_id": bot.app,
        "name": user.real_name,
        "icons": icons,
        "deleted": user.deleted,
        "updated": user.updated,
    });
    match team {
        Some(team) => shown["team_id"] = json!(team),
        None => shown["user_id"] = json!(user.id),
    }
    Some(shown)
}

pub(in super::super) fn team(world: &World, workspace: &Workspace) -> Value {
    let mut shown = json!({
        "id": workspace.id,
        "name": workspace.name,
        "url": world.workspace_url(&workspace.id),
        "domain": workspace.domain,
        "email_domain": "",
        "icon": {"image_default": true},
    });
    if let Some(enterprise) = &world.enterprise {
        shown["enterprise_id"] = json!(enterprise.id);
        shown["enterprise_name"] = json!(enterprise.name);
    }
    shown
}

fn avatar(world: &World, user: &User) -> String {
    format!("{}/avatars/{}", world.at, user.id)
}
