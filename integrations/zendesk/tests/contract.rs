//! Zendesk keeps the contract that every partner keeps.

mod outside;

use std::sync::Arc;

use integration_contract::{ErrorKind, Integration, PartnerSettings};
use integration_testkit::{
    Sent,
    contract::{Subject, suite},
};
use integration_zendesk::Zendesk;

fn subject(outside: fn() -> integration_testkit::Answers) -> Subject {
    Subject {
        partner: outside::shared(),
        unconfigured: Some(Arc::new(Zendesk::new(&PartnerSettings::default()).expect("nothing set is no error"))),
        settings: outside::settings(),
        fixtures: concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/hooks").into(),
        link: outside::link_settings(),
        form: outside::form(&["solved", "comments"]),
        outside,
        writes: Sent::writes,
    }
}

#[tokio::test]
async fn zendesk_keeps_the_contract() {
    suite(&subject(|| outside::Desk::default().answers())).await;
}

#[tokio::test]
async fn zendesk_keeps_the_contract_where_there_are_no_event_subscriptions() {
    suite(&subject(|| outside::Desk::without_subscriptions().answers())).await;
}

#[test]
fn half_of_the_settings_is_not_configured() {
    for (name, left_out) in [("CLIENT_ID", "CLIENT_SECRET"), ("CLIENT_SECRET", "CLIENT_ID")] {
        let zendesk = Zendesk::new(&[(name, "x")].into_iter().collect()).expect("no wrong address");
        let error = zendesk.configured().expect_err("not whole");
        assert_eq!(error.kind(), ErrorKind::NotConfigured);
        assert!(error.sentence().contains(left_out));
    }
}
