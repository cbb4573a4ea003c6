//! "Configure" in the partner's product leads to the link's page, for whom that page is there.

use integration_contract::PartnerSettings;
use integration_testkit::FakePartner;
use patchbay::db::entity::integration_link::LinkState;

use crate::{
    harness::{PASSWORD, TestDatabase, on_both_databases},
    integrations::{Ground, able, join, path_of, removal_of},
};

const CONFIGURE: &str = "/integrations/fake/configure";

async fn it_leads_to_the_link_and_for_all_others_nowhere(test: TestDatabase) {
    let ground = Ground::idle_with(test, FakePartner::with_card(able()), PartnerSettings::default()).await;
    ground.app().work();
    let two = &ground.two;
    join(&two.ada, 7, "ada").await;
    let link = ground.link("workshop").await;
    let subscription = ground.fake.subscriptions().remove(0).id;
    let there = format!("{CONFIGURE}?subscription={subscription}&room=workshop");

    let answer = two.ada.get(&there).await;
    let settings = format!("{}?edit=1#settings", path_of(&link));
    assert_eq!((answer.status, answer.location()), (303, settings.as_str()));
    assert!(two.ada.get(&settings).await.text.contains("<h2 id=\"settings\">"));
    // A plain member of the team reads the page, as they do on any other way.
    assert_eq!(two.bob.get(&there).await.location(), settings);
    assert!(!two.bob.get(&settings).await.text.contains("<h2 id=\"settings\">"));

    let unknown = two.eve.get(&format!("{CONFIGURE}?subscription=4711")).await;
    assert_eq!(unknown.status, 404);
    for path in [
        there.as_str(),
        CONFIGURE,
        &format!("{CONFIGURE}?subscription="),
        &format!("{CONFIGURE}?subscription=text"),
        &format!("{CONFIGURE}?subscription=%00"),
        &format!("{CONFIGURE}?subscription={}", "9".repeat(1024)),
    ] {
        let answer = two.eve.get(path).await;
        assert_eq!((answer.status, answer.body_alike()), (404, unknown.body_alike()), "{path}");
    }
    assert_eq!(two.ada.get(&there.replace("/fake/", "/github/")).await.status, 404);

    // Signed out: the log-in, and then exactly the same check again.
    for (email, status) in [("ada@example.com", 303), ("eve@example.com", 404)] {
        let visitor = ground.app().visitor();
        let next = visitor.get(&there).await.location().to_owned();
        assert!(next.starts_with("/login?next="), "{next}");
        let fields = [("email", email), ("password", PASSWORD), ("next", there.as_str())];
        assert_eq!(visitor.post_form("/login", &fields).await.location(), there);
        assert_eq!(visitor.get(&there).await.status, status, "{email}");
    }

    two.ada.post_form(&removal_of(&link), &[("_method", "delete")]).await;
    assert_eq!(two.ada.get(&there).await.status, 404);
    ground.stands(link.id, LinkState::Removed).await;
    let removed = two.ada.get(&there).await;
    assert_eq!(removed.status, 404);
    ground.finish().await;
}

on_both_databases!(it_leads_to_the_link_and_for_all_others_nowhere);
