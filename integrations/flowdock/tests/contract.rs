//! Flowdock keeps the contract that every partner keeps.

mod outside;

use std::sync::Arc;

use integration_contract::{Connect, ErrorKind, Integration, PartnerSettings};
use integration_flowdock::Flowdock;
use integration_testkit::{
    Sent,
    contract::{Subject, suite},
};

#[tokio::test]
async fn flowdock_keeps_the_contract() {
    let subject = Subject {
        partner: outside::shared(),
        unconfigured: Some(Arc::new(Flowdock::new(&PartnerSettings::default()).expect("nothing set is no error"))),
        settings: outside::settings(),
        // It has no hooks.
        fixtures: concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/hooks").into(),
        link: outside::link_settings(),
        form: outside::form(outside::MAIN),
        outside: || outside::Dock::default().answers(),
        writes: Sent::writes,
    };
    suite(&subject).await;
}

#[test]
fn an_address_that_is_none_is_told_at_the_start() {
    for (name, value) in [
        ("API_URL", "not an address"),
        ("API_URL", "https://api.flowdock.com?x=1"),
        ("API_URL", "ftp://api.flowdock.com"),
        ("WEB_URL", "javascript:alert(1)"),
        ("WEB_URL", "https://www.flowdock.com/#app"),
    ] {
        let error = Flowdock::new(&[(name, value)].into_iter().collect()).err().expect("refused");
        assert!(error.sentence().contains(name), "{}", error.sentence());
    }
}

#[test]
fn half_of_the_settings_is_not_configured() {
    for only in ["CLIENT_ID", "CLIENT_SECRET"] {
        let flowdock = Flowdock::new(&[(only, "x")].into_iter().collect()).expect("no wrong address");
        let error = flowdock.configured().expect_err("not whole");
        assert_eq!(error.kind(), ErrorKind::NotConfigured);
        assert!(error.sentence().contains("CLIENT_ID") && error.sentence().contains("CLIENT_SECRET"));
    }
}

#[test]
fn the_card_asks_for_two_scopes_and_offers_what_the_form_offers() {
    let flowdock = outside::flowdock();
    let card = flowdock.card();
    let Connect::OAuth { scopes, pkce, site, lasting } = &card.connect else { panic!("Flowdock connects by OAuth") };
    assert_eq!(scopes.iter().map(|scope| scope.name).collect::<Vec<_>>(), ["profile", "integration"]);
    assert!(!pkce && site.is_none() && !lasting && card.hooks.is_none());
    assert_eq!(card.events.iter().map(|event| event.id).collect::<Vec<_>>(), outside::KINDS);
}
