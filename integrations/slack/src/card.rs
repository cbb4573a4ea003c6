//! Slack as data: what the catalogue, the consent sheet and the settings page say of it.

use std::time::Duration;

use http::StatusCode;
use integration_contract::{
    Capability, Card, Connect, Effect, EventKind, Example, HookRules, Level, Scope, Setting, Status,
};

use crate::{config, hook};

/// Bot scopes, each with the one thing it is for. No user scope is asked: what we do at Slack, we do as the app.
pub(crate) const SCOPES: &[Scope] = &[
    Scope { name: "commands", why: "To take what you type after /done." },
    Scope {
        name: "chat:write",
        why: "To post entries and items into the channel you pick, and to change and delete those posts.",
    },
    Scope {
        name: "channels:read",
        why: "To list the public channels, and to notice when the one you picked is renamed or archived.",
    },
    Scope { name: "groups:read", why: "The same for private channels to which you invited the app." },
    Scope { name: "channels:join", why: "To join the public channel you pick." },
    Scope {
        name: "channels:history",
        why: "To read the message that gets the emoji, to notice that a message was edited or deleted, and to see whether \
              a post of ours arrived.",
    },
    Scope { name: "groups:history", why: "The same in private channels to which you invited the app." },
    Scope { name: "app_mentions:read", why: "To notice messages that mention the app." },
    Scope { name: "reactions:read", why: "To notice the emoji that makes a message an entry." },
    Scope { name: "users:read", why: "To show people's names in the log instead of Slack's ids." },
];

pub(crate) static CARD: Card = Card {
    id: "slack",
    name: "Slack",
    tagline: "What you type into Slack becomes entries, and entries become messages.",
    category: "Chat",
    icon: include_str!("../icon.svg"),
    readme: include_str!("../README.md"),
    connect: Connect::OAuth { scopes: SCOPES, pkce: false, site: None, lasting: true },
    effects: &[
        Effect {
            what: "The app joins the channel you pick, if it is public.",
            undo: "When the last link of the workspace goes, its access is revoked. Until then the app stays in the \
                   channel; “/remove” in Slack takes it out.",
        },
        Effect {
            what: "A message for each entry, or one a day, and a thread for each item of other links that you choose, where \
                   the link goes from the log to Slack.",
            undo: "Archiving an entry deletes its message; deleting a comment takes it out of its thread. Removing the link \
                   posts nothing more and leaves in the channel what was posted.",
        },
    ],
    events: &[
        EventKind { id: "command", label: "Commands", example: done("shipped the search page", "ada"), default: true },
        EventKind {
            id: "mention",
            label: "Mentions of the app",
            example: done("shipped the search page with @Bob & the plan (https://example.com/plan)", "Ada"),
            default: true,
        },
        EventKind {
            id: "reaction",
            label: "Messages that get the emoji",
            example: done("The certificate is renewed & green", "Ada"),
            default: true,
        },
    ],
    levels: &[Level::Team],
    hooks: Some(HookRules {
        // Slack's messages have at most 40,000 characters, and stand in an event several times.
        max_body: 2 * 1024 * 1024,
        content_types: &["application/json", hook::FORM],
        // Slack comes again after a minute, and after five.
        too_many: StatusCode::TOO_MANY_REQUESTS,
        kept_headers: &["content-type"],
    }),
    // https://docs.slack.dev/apis/web-api/rate-limits: one message per second and channel.
    pace: Some(Duration::from_secs(1)),
    settings: &[
        Setting { name: "CLIENT_ID", default: None, help: "The client id of your app at Slack.", required: true },
        Setting {
            name: "CLIENT_SECRET",
            default: None,
            help: "The client secret of your app at Slack.",
            required: true,
        },
        Setting {
            name: config::SIGNING_SECRET,
            default: None,
            help: "The signing secret of your app at Slack: what Slack signs its calls with.",
            required: true,
        },
        Setting {
            name: "AUTHORIZE_URL",
            default: Some(config::AUTHORIZE_URL),
            help: "Where people give their consent.",
            required: false,
        },
        Setting { name: "API_URL", default: Some(config::API_URL), help: "The Web API.", required: false },
        Setting {
            name: "HOOKS_URL",
            default: Some(config::HOOKS_URL),
            help: "Where Slack takes answers to commands.",
            required: false,
        },
    ],
    capabilities: &[Capability::Refresh, Capability::Revoke, Capability::Deliver],
};

const fn done(text: &'static str, author: &'static str) -> Example {
    Example::Entry { text, status: Status::Done, author, source: "#done" }
}
