//! The fake partner gets into the trouble it is told to get into, and out of it.

use std::{sync::Arc, time::Duration};

use integration_contract::{
    Account, ErrorKind, HookCall, Integration, IntegrationLink, LinkSettings, UndoneOutcome, Verified,
};
use integration_testkit::{FakePartner, MemoryLedger, ScriptedHttp, Trouble};

fn link() -> IntegrationLink {
    IntegrationLink {
        id: "link".to_owned(),
        settings: LinkSettings(serde_json::json!({ "room": "workshop" })),
        hook_url: "https://patchbay.example/integrations/fake/hook?key=k".parse().expect("a URL"),
        hook_secret: "secret".into(),
        given_secret: None,
    }
}

fn account() -> Account {
    Account { http: ScriptedHttp::silent().http(), identity: None, scopes: Vec::new(), site: None }
}

fn call(body: &str) -> Verified<HookCall> {
    Verified::from_inbox(HookCall { headers: [].into(), key: None, body: body.to_owned().into() })
}

#[tokio::test]
async fn troubles_come_in_the_order_they_were_told() {
    let (partner, ledger) = (FakePartner::default(), MemoryLedger::default());
    partner.trouble_creating(Trouble::Fails(ErrorKind::Forbidden));
    partner.trouble_creating(Trouble::Limits(Duration::from_secs(7)));
    partner.trouble_creating(Trouble::Waits(Duration::from_millis(1)));

    let forbidden = partner.create_link(&account(), &link(), &ledger).await.expect_err("the first trouble");
    let limited = partner.create_link(&account(), &link(), &ledger).await.expect_err("the second trouble");
    partner.create_link(&account(), &link(), &ledger).await.expect("the third only waits");

    assert_eq!(forbidden.kind(), ErrorKind::Forbidden);
    assert_eq!(limited.wait(), Some(Duration::from_secs(7)));
    assert_eq!(partner.subscriptions().len(), 1);
}

#[tokio::test]
async fn a_lost_answer_leaves_one_subscription_and_the_next_run_finds_it() {
    let (partner, ledger) = (FakePartner::default(), MemoryLedger::default());
    partner.trouble_creating(Trouble::LosesAnswer);

    let lost = partner.create_link(&account(), &link(), &ledger).await.expect_err("the answer is lost");
    assert_eq!(lost.kind(), ErrorKind::UnknownOutcome);
    assert_eq!(ledger.now()[0].id, None);

    partner.create_link(&account(), &link(), &ledger).await.expect("it is found");
    assert_eq!(partner.subscriptions().len(), 1);
    assert_eq!(ledger.now()[0].id.as_deref(), Some("1"));
}

#[tokio::test]
async fn only_what_the_ledger_names_is_removed() {
    let (partner, ledger) = (FakePartner::default(), MemoryLedger::default());
    let foreign = partner.subscribe_somebody_else("workshop");
    partner.create_link(&account(), &link(), &ledger).await.expect("made");
    partner.trouble_destroying(Trouble::Fails(ErrorKind::Unavailable));

    let first = partner.destroy_link(&account(), &link(), &ledger.now()).await;
    let second = partner.destroy_link(&account(), &link(), &ledger.now()).await.expect("removed");
    let third = partner.destroy_link(&account(), &link(), &ledger.now()).await.expect("already gone");

    assert_eq!(first.expect_err("the trouble").kind(), ErrorKind::Unavailable);
    assert_eq!((&second[0].outcome, &third[0].outcome), (&UndoneOutcome::Removed, &UndoneOutcome::AlreadyGone));
    assert_eq!(partner.subscriptions(), [foreign]);
}

#[test]
fn hooks_do_what_they_say() {
    let partner = Arc::new(FakePartner::default());
    let malformed = partner.hook(&link(), &call(r#"{"do":"malformed"}"#)).expect_err("malformed");
    assert_eq!(malformed.kind(), ErrorKind::Malformed);
    let started = std::time::Instant::now();
    partner.hook(&link(), &call(r#"{"do":"spin","ms":30}"#)).expect("busy, then done");
    assert!(started.elapsed() >= Duration::from_millis(30));
    let panicked = std::panic::catch_unwind(|| FakePartner::default().hook(&link(), &call(r#"{"do":"panic"}"#)));
    assert!(panicked.is_err());
}
