//! Zendesk as data: what the catalogue, the consent sheet and the settings page say of it.

use http::StatusCode;
use integration_contract::{Capability, Card, Connect, Effect, HookRules, Level, Scope, Setting};

use crate::{config, events, hook, site};

/// By resource, and no `read` or `write`, which would open the whole account.
pub(crate) const SCOPES: &[Scope] = &[
    Scope { name: "tickets:read", why: "To read the tickets that something happened to, and their public comments." },
    Scope {
        name: "tickets:write",
        why: "To take, solve and reopen tickets as you when you press a button for it in Flowdock, and to write what a mirror carries over.",
    },
    Scope { name: "users:read", why: "To see whose account it is, and to show people's names instead of their ids." },
    Scope {
        name: "webhooks:read",
        why: "To see whether the one webhook of a link is still there, and to read its secret.",
    },
    Scope { name: "webhooks:write", why: "To make that webhook, and to remove it with the link." },
    Scope {
        name: "triggers:read",
        why: "To see whether the one trigger of a link is still there, where it needs one.",
    },
    Scope {
        name: "triggers:write",
        why: "To make that trigger where the account has no event subscriptions, and to remove it with the link.",
    },
];

pub(crate) static CARD: Card = Card {
    id: "zendesk",
    name: "Zendesk",
    tagline: "Solved tickets become entries, and tickets live on as threads beside your code.",
    category: "Support",
    icon: include_str!("../icon.svg"),
    readme: include_str!("../README.md"),
    connect: Connect::OAuth { scopes: SCOPES, pkce: true, site: Some(site::SITE), lasting: true },
    effects: &[
        Effect {
            what: "One webhook in your Zendesk account, which tells us of tickets. It has its own secret.",
            undo: "Removing the link deletes that webhook and no other.",
        },
        Effect {
            what: "One trigger that calls the webhook, only where your account refuses event subscriptions.",
            undo: "Removing the link deletes that trigger first, then the webhook.",
        },
    ],
    events: &events::KINDS,
    levels: &[Level::Team],
    hooks: Some(HookRules {
        // A comment has at most 65,535 characters, may stand in an event twice, and six bytes each when escaped.
        max_body: 1024 * 1024,
        content_types: &["application/json"],
        // It comes again when the answer names a wait of less than a minute.
        too_many: StatusCode::TOO_MANY_REQUESTS,
        kept_headers: &[hook::INVOCATION],
    }),
    pace: None,
    settings: &[
        Setting {
            name: "CLIENT_ID",
            default: None,
            help: "The unique identifier of your OAuth client at Zendesk.",
            required: true,
        },
        Setting {
            name: "CLIENT_SECRET",
            default: None,
            help: "The secret of your OAuth client at Zendesk.",
            required: true,
        },
        Setting {
            name: "URL",
            default: Some(config::URL),
            help: "Where accounts are; {subdomain} stands for the name of each.",
            required: false,
        },
    ],
    capabilities: &[Capability::Refresh, Capability::Revoke, Capability::Items],
};
