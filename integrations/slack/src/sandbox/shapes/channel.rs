//! Conversations. <https://docs.slack.dev/reference/objects/conversation-object>

use serde_json::{Value, json};

use super::super::world::channels::{Channel, Kind};

/// A channel, as that user sees it.
pub(in super::super) fn channel(channel: &Channel, viewer: &str, count: bool) -> Value {
    if channel.kind == Kind::Direct {
        let other = channel.members.iter().find(|member| *member != viewer);
        return json!({
            "id": channel.id,
            "created": channel.created,
            "is_archived": false,
            "is_im": true,
            "is_org_shared": false,
            "context_team_id": channel.team,
            "updated": channel.updated,
            "user": other,
            "is_user_deleted": false,
            "priority": 0,
        });
    }
    let creator = &channel.creator;
    let mut shown = json!({
        "id": channel.id,
        "name": channel.name,
        "is_channel": true,
        "is_group": false,
        "is_im": false,
        "is_mpim": false,
        "is_private": channel.kind == Kind::Private,
        "created": channel.created,
        "is_archived": channel.archived,
        "is_general": channel.general,
        "unlinked": 0,
        "name_normalized": channel.name,
        "is_shared": false,
        "is_org_shared": false,
        "is_pending_ext_shared": false,
        "pending_shared": [],
        "context_team_id": channel.team,
        "updated": channel.updated,
        "parent_conversation": null,
        "creator": creator,
        "is_ext_shared": false,
        "shared_team_ids": [channel.team],
        "pending_connected_team_ids": [],
        "is_member": channel.members.contains(viewer),
        "topic": {"value": "", "creator": "", "last_set": 0},
        "purpose": {"value": channel.purpose, "creator": creator, "last_set": channel.created},
        "previous_names": channel.previous_names,
    });
    if count {
        shown["num_members"] = json!(channel.members.len());
    }
    shown
}
