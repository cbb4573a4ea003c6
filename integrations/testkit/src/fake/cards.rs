//! The cards the fake partner can have: each says what it can, and it does no more than its card says.

use http::StatusCode;
use integration_contract::{
    Capability, Card, Connect, Effect, EventKind, Example, HookRules, Level, Scope, Setting, Site, Status,
};

use super::{DELIVERY, FakePartner};

impl FakePartner {
    /// The card that tells the truth; its id is `fake`.
    pub fn honest_card() -> Card {
        Card {
            id: "fake",
            name: "Fake",
            tagline: "Does as it is told.",
            category: "Tests",
            icon: "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 1 1\"/>",
            readme: "# Fake\n\nA partner for tests. It needs no account.\n",
            connect: Connect::Nothing,
            effects: &[Effect { what: "A subscription to the room.", undo: "Removing the link ends it." }],
            events: &[EventKind {
                id: "entry",
                label: "Entries",
                example: Example::Entry {
                    text: "Shipped the charts",
                    status: Status::Done,
                    author: "ada",
                    source: "workshop",
                },
                default: true,
            }],
            levels: &[Level::Team, Level::User],
            hooks: Some(HookRules {
                max_body: 64 * 1024,
                content_types: &["application/json"],
                too_many: StatusCode::TOO_MANY_REQUESTS,
                kept_headers: &[DELIVERY],
            }),
            pace: None,
            settings: &[],
            capabilities: &[],
        }
    }

    /// The honest card of one that is told of entries as well. What it was told is in memory, so the contract suite, which
    /// looks at calls, is not for it.
    pub fn listening_card() -> Card {
        Card { capabilities: &[Capability::Deliver], ..Self::honest_card() }
    }

    /// The card of one that has items and is told of those of others.
    pub fn working_card() -> Card {
        Card { capabilities: &[Capability::Deliver, Capability::Items], ..Self::honest_card() }
    }

    /// The card of one that has all the optional abilities there are without an account. Its buttons are signed with the
    /// operator's setting `SECRET`.
    pub fn able_card() -> Card {
        Card {
            capabilities: &[
                Capability::Deliver,
                Capability::Items,
                Capability::Actions,
                Capability::Setup,
                Capability::Notice,
            ],
            settings: &[Setting {
                name: "SECRET",
                default: None,
                help: "What the calls of its buttons are signed with.",
                required: false,
            }],
            ..Self::honest_card()
        }
    }

    /// How an account is connected at one that has accounts: the code of a callback is the id and the name of the account,
    /// as `7:ada`.
    pub fn accounts() -> Connect {
        let scopes = &[Scope { name: "rooms", why: "To be in them." }];
        Connect::OAuth { scopes, pkce: false, site: None, lasting: true }
    }

    /// The same where each of its customers has an address of their own, a district.
    pub fn accounts_in_districts() -> Connect {
        let scopes = &[Scope { name: "rooms", why: "To be in them." }];
        let site = Site {
            name: "district",
            label: "District",
            help: "The first part of its address.",
            placeholder: "north",
            read: |typed| {
                let good = (1..=20).contains(&typed.len()) && typed.bytes().all(|byte| byte.is_ascii_lowercase());
                if good { Ok(typed.to_owned()) } else { Err("A district is a word of lower-case letters.") }
            },
        };
        Connect::OAuth { scopes, pkce: false, site: Some(site), lasting: true }
    }

    /// The setting that says where it is reached, with the district in it.
    pub const ADDRESS: Setting = Setting {
        name: "URL",
        default: Some("https://{district}.fake.example"),
        help: "Where it is reached.",
        required: false,
    };
}
