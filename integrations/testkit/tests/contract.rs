//! The suite passes for a partner without OAuth that is honest, and fails for each that is not.

use std::{path::PathBuf, sync::Arc};

use integration_contract::{
    Capability, Card, Connect, EventKind, Example, HookRules, LinkSettings, PartnerSettings, Setting, Status,
};
use integration_testkit::{
    FakePartner, Sent,
    contract::{Subject, findings, suite},
};

/// An event whose example was made up.
const ENTRY: EventKind = EventKind {
    id: "entry",
    label: "Entries",
    example: Example::Entry { text: "Made it up", status: Status::Done, author: "ada", source: "workshop" },
    default: true,
};

fn subject(card: Card) -> Subject {
    Subject {
        partner: Arc::new(FakePartner::with_card(card)),
        unconfigured: None,
        settings: PartnerSettings::default(),
        fixtures: PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/hooks")),
        link: LinkSettings(serde_json::json!({ "room": "workshop" })),
        form: [("room", "workshop")].into_iter().collect(),
        outside: || Box::new(|sent| panic!("the fake partner has no API, but {} was called", sent.line())),
        writes: Sent::writes,
    }
}

#[tokio::test]
async fn the_fake_partner_keeps_the_contract() {
    suite(&subject(FakePartner::honest_card())).await;
}

#[tokio::test]
async fn the_fake_partner_keeps_the_contract_with_all_its_abilities_and_with_accounts() {
    // What it was told is in memory, and no call: that part of the suite is not for it.
    let told = |capability: &&Capability| **capability != Capability::Deliver;
    let able = FakePartner::able_card().capabilities.iter().filter(told).copied().collect::<Vec<_>>().leak();
    let readme = "# Fake\n\nIt asks for `rooms`, to be in them.\n";
    let card = Card { capabilities: able, connect: FakePartner::accounts(), readme, ..FakePartner::able_card() };
    let mut subject = subject(card);
    subject.settings = [("SECRET", "suite-button-secret-0c44")].into_iter().collect();
    suite(&subject).await;
}

#[tokio::test]
async fn a_partner_that_lies_on_its_card_is_found_out() {
    let honest = FakePartner::honest_card;
    let hooks = honest().hooks.expect("the fake partner calls us");
    let lies = [
        (
            Card { id: "Fake Partner", ..honest() },
            "the card's id \"Fake Partner\" is not lower-case letters and digits",
        ),
        (Card { readme: " ", ..honest() }, "the card's readme is empty"),
        (Card { icon: "icon.png", ..honest() }, "the card's icon is not an SVG document"),
        (Card { levels: &[], ..honest() }, "the card has no level"),
        (
            Card { events: &[EventKind { label: "", ..ENTRY }], ..honest() },
            "the event \"entry\" lacks an id or a label",
        ),
        (Card { events: &[ENTRY], ..honest() }, "no recorded call says what the example of \"entry\" says"),
        (
            Card { events: &[EventKind { example: Example::Told, ..ENTRY }], ..honest() },
            "no recorded call says what the example of \"entry\" says",
        ),
        (Card { capabilities: &[Capability::Refresh], ..honest() }, "card and behaviour disagree about refreshing"),
        (Card { capabilities: &[Capability::Revoke], ..honest() }, "card and behaviour disagree about revoking"),
        (
            Card { capabilities: &[Capability::Deliver], ..honest() },
            "the card says that entries are delivered, but the suite's link wants none",
        ),
        (
            Card { connect: Connect::OAuth { scopes: &[], pkce: true, site: None, lasting: true }, ..honest() },
            "the authorize URL does not carry the S256 challenge",
        ),
        (Card { effects: &[], ..honest() }, "the card's effects and the ledger disagree"),
        (
            Card {
                settings: &[Setting { name: "Client_id", default: None, help: "The id.", required: false }],
                ..honest()
            },
            "the setting \"Client_id\" is not upper case",
        ),
        (
            Card { hooks: Some(HookRules { content_types: &["text/plain"], ..hooks }), ..honest() },
            "entry__by_ada: the card does not allow its content type \"application/json\"",
        ),
    ];
    for (card, wanted) in lies {
        let found = findings(&subject(card)).await;
        assert!(found.iter().any(|sentence| sentence == wanted), "{wanted}: {found:?}");
    }
}

#[tokio::test]
async fn a_link_that_says_another_thing_in_its_form_is_found_out() {
    let mut subject = subject(FakePartner::honest_card());
    subject.form = [("room", "no such room!")].into_iter().collect();
    let found = findings(&subject).await;
    assert!(found[0].starts_with("a good form is refused"), "{found:?}");

    subject.form = [("room", "workshop"), ("team", "1")].into_iter().collect();
    let found = findings(&subject).await;
    assert!(found.contains(&"the form has no field \"team\"".to_owned()), "{found:?}");
}

#[tokio::test]
#[should_panic(expected = "fake breaks the contract")]
async fn the_suite_fails_with_what_it_found() {
    suite(&subject(Card { tagline: "", ..FakePartner::honest_card() })).await;
}

#[tokio::test]
#[should_panic(expected = "No such file")]
async fn a_partner_without_its_fixtures_does_not_pass() {
    let mut subject = subject(FakePartner::honest_card());
    subject.fixtures.push("elsewhere");
    suite(&subject).await;
}
