//! GitHub as data: what the catalogue, the consent sheet and the settings page say of it.

use http::StatusCode;
use integration_contract::{Capability, Card, Connect, Effect, HookRules, Level, Scope, Setting};

use crate::{config, events, hook};

/// `repo` is the least that works: `admin:repo_hook` alone hides private repositories from the form, `public_repo` can't
/// reach their webhooks, and `repo` contains the right to manage webhooks, so nothing is asked besides it.
pub(crate) const SCOPES: &[Scope] = &[Scope {
    name: "repo",
    why: "To list the repositories you administer, private ones too, and to add and remove one webhook in the one you \
          pick; and to comment on its issues, close or assign them as you, when you do so from here or from a linked \
          product. GitHub has no smaller permission that shows private repositories; no code is read or written.",
}];

pub(crate) static CARD: Card = Card {
    id: "github",
    name: "GitHub",
    tagline: "Pushes, issues, pull requests and releases become entries.",
    category: "Code",
    icon: include_str!("../icon.svg"),
    readme: include_str!("../README.md"),
    connect: Connect::OAuth { scopes: SCOPES, pkce: true, site: None, lasting: true },
    effects: &[Effect {
        what: "One webhook in the repository you pick, with its own secret.",
        undo: "Removing the link deletes that webhook and no other.",
    }],
    events: &events::KINDS,
    levels: &[Level::Team],
    hooks: Some(HookRules {
        max_body: 25 * 1024 * 1024,
        content_types: &["application/json", hook::FORM],
        // It never comes again by itself; a 503 says that it was not the hook's fault.
        too_many: StatusCode::SERVICE_UNAVAILABLE,
        kept_headers: &[hook::EVENT, hook::DELIVERY, hook::HOOK_ID, "content-type"],
    }),
    pace: None,
    settings: &[
        Setting {
            name: "CLIENT_ID",
            default: None,
            help: "The client id of your OAuth app at GitHub.",
            required: true,
        },
        Setting {
            name: "CLIENT_SECRET",
            default: None,
            help: "The client secret of your OAuth app at GitHub.",
            required: true,
        },
        Setting {
            name: "AUTHORIZE_URL",
            default: Some(config::AUTHORIZE_URL),
            help: "Where people give their consent. Enterprise Server: https://HOST/login/oauth/authorize",
            required: false,
        },
        Setting {
            name: "TOKEN_URL",
            default: Some(config::TOKEN_URL),
            help: "Where codes become tokens. Enterprise Server: https://HOST/login/oauth/access_token",
            required: false,
        },
        Setting {
            name: "API_URL",
            default: Some(config::API_URL),
            help: "The REST API. Enterprise Server: https://HOST/api/v3",
            required: false,
        },
    ],
    capabilities: &[Capability::Refresh, Capability::Revoke, Capability::Items],
};
