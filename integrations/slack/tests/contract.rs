//! Slack keeps the contract that every partner keeps.

mod outside;

use std::sync::Arc;

use integration_contract::PartnerSettings;
use integration_slack::Slack;
use integration_testkit::contract::{Subject, suite};

#[tokio::test]
async fn slack_keeps_the_contract() {
    let subject = Subject {
        partner: outside::shared(),
        unconfigured: Some(Arc::new(Slack::new(&PartnerSettings::default()).expect("nothing set is no error"))),
        settings: outside::settings(),
        fixtures: concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/hooks").into(),
        link: outside::link_settings(),
        form: outside::form("#done"),
        outside: || outside::Workspace::default().answers(),
        // Being in a channel is no thing that could be made twice.
        writes: |sent| sent.url.path().contains("/chat."),
    };
    suite(&subject).await;
}

#[test]
fn an_address_that_is_none_is_told_at_the_start() {
    for (name, value) in [
        ("API_URL", "not an address"),
        ("API_URL", "https://slack.com/api/?x=1"),
        ("HOOKS_URL", "ftp://hooks.slack.com"),
        ("AUTHORIZE_URL", "javascript:alert(1)"),
    ] {
        let error = Slack::new(&[(name, value)].into_iter().collect()).err().expect("refused");
        assert!(error.sentence().contains(name), "{}", error.sentence());
    }
}

#[test]
fn half_of_the_settings_is_not_configured() {
    use integration_contract::{ErrorKind, Integration};
    for left_out in ["CLIENT_ID", "CLIENT_SECRET", "SIGNING_SECRET"] {
        let names = ["CLIENT_ID", "CLIENT_SECRET", "SIGNING_SECRET"].into_iter().filter(|name| *name != left_out);
        let slack = Slack::new(&names.map(|name| (name, "x")).collect()).expect("no wrong address");
        let error = slack.configured().expect_err("not whole");
        assert_eq!(error.kind(), ErrorKind::NotConfigured);
        assert!(error.sentence().contains(left_out));
    }
}

#[test]
fn the_manifest_in_the_readme_asks_for_the_same_scopes() {
    use integration_contract::{Connect, Integration};
    let slack = outside::slack();
    let Connect::OAuth { scopes, .. } = &slack.card().connect else { panic!("Slack connects by OAuth") };
    let manifest = slack.card().readme.split("          scopes:\n            bot:\n").nth(1).expect("a manifest");
    let listed: Vec<_> = manifest.lines().map_while(|line| line.trim().strip_prefix("- ")).collect();
    assert_eq!(listed, scopes.iter().map(|scope| scope.name).collect::<Vec<_>>());
}
