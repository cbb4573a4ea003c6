//! Flowdock as data: what the catalogue, the consent sheet and the settings page say of it.

use std::time::Duration;

use integration_contract::{Capability, Card, Connect, Effect, EventKind, Example, Level, Scope, Setting};

use crate::config;

/// What Flowdock's own sample asks for. No `offline_access`: once there is a source, its token does all the work.
pub(crate) const SCOPES: &[Scope] = &[
    Scope { name: "profile", why: "To know who you are, so that what you do in Flowdock is done here in your name." },
    Scope {
        name: "integration",
        why: "To see the flow you pick, to add a source to its inbox, and to take that source away again.",
    },
];

pub(crate) static CARD: Card = Card {
    id: "flowdock",
    name: "Flowdock",
    tagline: "Entries, issues and tickets become threads of a flow, with buttons that work.",
    category: "Chat",
    icon: include_str!("../icon.svg"),
    readme: include_str!("../README.md"),
    // The account makes the source; the source's own token does the rest.
    connect: Connect::OAuth { scopes: SCOPES, pkce: false, site: None, lasting: false },
    effects: &[
        Effect {
            what: "A source in the flow you pick, by the name you give it. It shows in the flow's inbox settings.",
            undo: "Removing the link removes the source, if Flowdock still takes the access of whoever added it. If not, \
                   the receipt says so, and anybody in the flow can remove it in the inbox settings.",
        },
        Effect {
            what: "A thread in the flow's inbox for each entry, issue, pull request and ticket you choose.",
            undo: "Archiving an entry takes its text out of its thread. Removing the link posts nothing more and leaves \
                   the threads where they are.",
        },
    ],
    events: &[
        EventKind { id: "done", label: "Done", example: Example::Told, default: true },
        EventKind { id: "goal", label: "Goals", example: Example::Told, default: true },
        EventKind { id: "blocked", label: "Blocked", example: Example::Told, default: true },
        EventKind { id: "issue", label: "Issues of the team's other links", example: Example::Told, default: true },
        EventKind {
            id: "pull_request",
            label: "Pull requests of the team's other links",
            example: Example::Told,
            default: true,
        },
        EventKind { id: "ticket", label: "Tickets of the team's other links", example: Example::Told, default: true },
    ],
    levels: &[Level::Team],
    hooks: None,
    // No limit is documented, so this one is good manners.
    pace: Some(Duration::from_millis(250)),
    settings: &[
        Setting {
            name: "CLIENT_ID",
            default: None,
            help: "The application id of your developer application at Flowdock.",
            required: true,
        },
        Setting {
            name: config::CLIENT_SECRET,
            default: None,
            help: "The secret of your developer application at Flowdock. Actions are signed with it, too.",
            required: true,
        },
        Setting {
            name: "API_URL",
            default: Some(config::API_URL),
            help: "The REST API, with /oauth/authorize and /oauth/token below it.",
            required: false,
        },
        Setting {
            name: "WEB_URL",
            default: Some(config::WEB_URL),
            help: "Where people read their flows.",
            required: false,
        },
    ],
    capabilities: &[Capability::Deliver, Capability::Actions, Capability::Setup, Capability::Notice],
};
