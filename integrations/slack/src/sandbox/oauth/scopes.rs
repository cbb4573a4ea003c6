//! The scopes there are (those this sandbox has anything for, and their neighbours), and what they mean to a person.
//! <https://docs.slack.dev/reference/scopes>

/// Of bots, with what the consent page says.
const BOT: [(&str, &str); 34] = [
    ("app_mentions:read", "View messages that directly mention it in conversations that it is in"),
    ("bookmarks:read", "List bookmarks"),
    ("channels:history", "View messages and other content in public channels that it has been added to"),
    ("channels:join", "Join public channels in a workspace"),
    ("channels:manage", "Manage public channels that it has been added to and create new ones"),
    ("channels:read", "View basic information about public channels in a workspace"),
    ("chat:write", "Send messages as itself"),
    ("chat:write.customize", "Send messages as itself with a customized username and avatar"),
    ("chat:write.public", "Send messages to channels it isn't a member of"),
    ("commands", "Add shortcuts and/or slash commands that people can use"),
    ("emoji:read", "View custom emoji in a workspace"),
    ("files:read", "View files shared in channels and conversations that it has been added to"),
    ("files:write", "Upload, edit, and delete files as itself"),
    ("groups:history", "View messages and other content in private channels that it has been added to"),
    ("groups:read", "View basic information about private channels that it has been added to"),
    ("groups:write", "Manage private channels that it has been added to and create new ones"),
    ("im:history", "View messages and other content in direct messages that it has been added to"),
    ("im:read", "View basic information about direct messages that it has been added to"),
    ("im:write", "Start direct messages with people"),
    ("links:read", "View URLs in messages"),
    ("links:write", "Show previews of URLs in messages"),
    ("metadata.message:read", "Read message metadata in channels that it has been added to"),
    ("mpim:history", "View messages and other content in group direct messages that it has been added to"),
    ("mpim:read", "View basic information about group direct messages that it has been added to"),
    ("mpim:write", "Start group direct messages with people"),
    ("pins:read", "View pinned content in channels and conversations that it has been added to"),
    ("pins:write", "Add and remove pinned messages and files"),
    ("reactions:read", "View emoji reactions and their associated content in conversations that it has been added to"),
    ("reactions:write", "Add and edit emoji reactions"),
    ("team:read", "View the name, email domain, and icon for workspaces it is connected to"),
    ("usergroups:read", "View user groups in a workspace"),
    ("users.profile:read", "View profile details about people in a workspace"),
    ("users:read", "View people in a workspace"),
    ("users:read.email", "View email addresses of people in a workspace"),
];

/// Of people besides: an app acts as them.
const USER: [&str; 4] = ["channels:write", "identify", "search:read", "users:write"];

/// What only makes sense for a bot.
const BOT_ONLY: [&str; 6] = [
    "app_mentions:read",
    "channels:join",
    "channels:manage",
    "chat:write.customize",
    "chat:write.public",
    "metadata.message:read",
];

/// The scopes of a query: separated by commas; spaces are forgiven.
pub(in super::super) fn split(text: &str) -> Vec<String> {
    let mut scopes: Vec<String> = Vec::new();
    for scope in text.split([',', ' ']).map(str::trim).filter(|scope| !scope.is_empty()) {
        if !scopes.iter().any(|it| it == scope) {
            scopes.push(scope.to_owned());
        }
    }
    scopes
}

pub(super) fn is_of_bots(scope: &str) -> bool {
    BOT.iter().any(|(name, _)| *name == scope)
}

pub(super) fn is_of_people(scope: &str) -> bool {
    USER.contains(&scope) || (is_of_bots(scope) && !BOT_ONLY.contains(&scope))
}

pub(super) fn meaning(scope: &str) -> &'static str {
    BOT.iter().find(|(name, _)| *name == scope).map_or("Act as you", |(_, meaning)| meaning)
}
