//! GitHub keeps the contract that every partner keeps.

mod outside;

use std::sync::Arc;

use integration_contract::PartnerSettings;
use integration_github::GitHub;
use integration_testkit::{
    Sent,
    contract::{Subject, suite},
};

#[tokio::test]
async fn github_keeps_the_contract() {
    let subject = Subject {
        partner: outside::shared(),
        unconfigured: Some(Arc::new(GitHub::new(&PartnerSettings::default()).expect("nothing set is no error"))),
        settings: outside::settings(),
        fixtures: concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/hooks").into(),
        link: outside::link_settings(),
        form: outside::form("acme/widgets"),
        outside: || outside::Repository::default().answers(),
        writes: Sent::writes,
    };
    suite(&subject).await;
}

#[test]
fn an_address_that_is_none_is_told_at_the_start() {
    for (name, value) in [
        ("API_URL", "not an address"),
        ("API_URL", "https://api.github.com?x=1"),
        ("TOKEN_URL", "ftp://github.com/login"),
        ("AUTHORIZE_URL", "javascript:alert(1)"),
    ] {
        let error = GitHub::new(&[(name, value)].into_iter().collect()).err().expect("refused");
        assert!(error.sentence().contains(name), "{}", error.sentence());
    }
}
