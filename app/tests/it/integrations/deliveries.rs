//! Hooks that are taken: each makes its entry once, however often and under whatever name it comes, and whatever is in it.

use patchbay::db::entity::{inbox_message::MessageState, integration_link::LinkState};
use serde_json::json;

use super::{Ground, hook_path, path_of};
use crate::harness::{TestDatabase, on_both_databases};

async fn a_delivery_makes_one_entry_however_often_it_comes(test: TestDatabase) {
    let ground = Ground::working(test).await;
    let (link, study) = (ground.link("workshop").await, ground.link("study").await);
    let body = Ground::telling("1", "Shipped the charts");

    let copies = futures::future::join_all((0..40).map(|_| ground.hook(&link, "delivery", &body))).await;
    assert!(copies.iter().all(|answer| (answer.status, answer.text.as_str()) == (200, "")));
    ground.settled().await;
    assert_eq!((ground.messages().await.len(), ground.entries().await.len()), (1, 1));

    // After it was read; under another name, which the signature does not cover; the name with something else in it.
    for (delivery, text) in [("delivery", "Shipped the charts"), ("chosen", "Shipped the charts"), ("delivery", "Else")]
    {
        assert_eq!(ground.hook(&link, delivery, &Ground::telling("1", text)).await.status, 200);
    }
    ground.settled().await;
    assert_eq!((ground.messages().await.len(), ground.entries().await.len()), (1, 1));
    assert_eq!(ground.entries().await[0].body, "Shipped the charts");

    // The same thing told anew is known by what it is about.
    assert_eq!(ground.hook(&link, "later", &Ground::telling("1", "Shipped the charts again")).await.status, 200);
    ground.settled().await;
    assert_eq!((ground.messages().await.len(), ground.entries().await.len()), (2, 1));
    assert_eq!(ground.messages().await[1].state, MessageState::Ignored);

    // One name at two links is two deliveries.
    assert_eq!(ground.hook(&study, "delivery", &body).await.status, 200);
    ground.settled().await;
    assert_eq!((ground.messages().await.len(), ground.entries().await.len()), (3, 2));
    ground.finish().await;
}

async fn what_no_database_likes_is_read_all_the_same(test: TestDatabase) {
    let ground = Ground::working(test).await;
    let link = ground.link("workshop").await;
    let long = "ä".repeat(200_000 / 8);
    let markup = "<script>alert(1)</script> <img src=x onerror=alert(1)>";
    let cases = [
        ("NUL", "be\0fore".to_owned()),
        ("markup", markup.to_owned()),
        ("a long text", long),
        ("an override of the direction", "a\u{202e}b".to_owned()),
        ("an escape", "a\u{1b}[31mb".to_owned()),
        ("a line break", "first\r\nsecond".to_owned()),
        ("a mention of everyone", "<!channel> @everyone".to_owned()),
        ("emoji", "\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}".repeat(50)),
    ];
    for (what, text) in &cases {
        let body = json!({ "do": "entry", "id": what, "text": text, "url": "javascript:alert(1)",
            "by": { "id": "7\0", "name": "<b>ada\0</b>" } });
        let answer = ground.hook(&link, what, body.to_string().as_bytes()).await;
        assert_eq!(answer.status, 200, "{what}");
    }
    ground.settled().await;
    for message in ground.messages().await {
        assert_eq!(message.state, MessageState::Done, "{}: {:?}", message.delivery, message.reason);
    }
    let entries = ground.entries().await;
    assert_eq!(entries.len(), cases.len());
    let of = |what: &str| &entries.iter().find(|entry| entry.external_id.as_deref() == Some(what)).unwrap().body;
    assert_eq!(of("NUL"), "be\u{fffd}fore");
    assert!(of("a long text").chars().count() <= 10_000, "{}", of("a long text").chars().count());
    let log = ground.two.ada.get(&format!("/teams/{}", ground.two.product)).await;
    assert_eq!(log.status, 200);
    for live in ["<script>alert", "<img src=x", "href=\"javascript:", "<b>ada"] {
        assert!(!log.text.contains(live), "{live} is alive on the page");
    }
    ground.finish().await;
}

/// What the partner calls things comes to pages of ours as well.
async fn names_at_the_partner_are_inert_on_every_page(test: TestDatabase) {
    let ground = Ground::working(test).await;
    let link = ground.link("workshop").await;
    let loud = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>";
    for (number, body) in [
        json!({ "do": "rename", "room": loud }),
        json!({ "do": loud }),
        json!({ "do": "entry", "id": "1", "text": "x", "by": { "name": loud }, "lane": loud }),
        json!({ "do": "gone", "reason": loud }),
    ]
    .into_iter()
    .enumerate()
    {
        let answer = ground.hook(&link, &format!("{number}{}", "'><b>"), body.to_string().as_bytes()).await;
        assert_eq!(answer.status, 200);
        ground.settled().await;
    }
    let link = ground.stands(link.id, LinkState::Broken).await;
    assert!(link.name.contains("<script>"), "the partner was renamed to {}", link.name);
    let team = format!("/teams/{}", ground.two.product);
    for path in ["/integrations", "/integrations/fake", &team, &format!("{team}/settings"), &path_of(&link)] {
        let page = ground.two.ada.get(path).await;
        assert_eq!(page.status, 200, "{path}");
        for live in ["<script>alert", "<img src=x", "'><b>"] {
            assert!(!page.text.contains(live), "{live} is alive on {path}");
        }
    }
    ground.finish().await;
}

async fn what_nothing_comes_of_says_why_and_can_be_read_again(test: TestDatabase) {
    let ground = Ground::working(test).await;
    let link = ground.link("workshop").await;
    let path = path_of(&link);
    let cases = [
        ("ignore", MessageState::Ignored, "asked to be ignored"),
        ("dance", MessageState::Ignored, "nothing that the fake partner does"),
        ("malformed", MessageState::Failed, "asked to be malformed"),
        ("entry", MessageState::Ignored, "no id or no text"),
    ];
    for (word, state, says) in cases {
        let body = json!({ "do": word, "extra": [1, { "deep": null }] }).to_string();
        assert_eq!(ground.hook(&link, word, body.as_bytes()).await.status, 200, "{word}");
        ground.settled().await;
        let message = ground.messages().await.pop().unwrap();
        assert_eq!(message.state, state, "{word}");
        assert!(message.reason.clone().unwrap().contains(says), "{word}: {:?}", message.reason);
        assert!(ground.two.ada.get(&path).await.text.contains(says), "{word} is not on the page");
        let again = [("action", "replay"), ("message", &message.id.to_string())];
        assert_eq!(ground.two.bob.post_form(&path, &again).await.status, 403);
        assert_eq!(ground.two.eve.post_form(&path, &again).await.status, 404);
        assert_eq!(ground.two.ada.post_form(&path, &again).await.status, 303);
        ground.settled().await;
        assert_eq!(ground.messages().await.pop().unwrap().state, state, "{word} again");
    }
    // Paused: kept with the reason, and read when it is wanted after all.
    ground.two.ada.post_form(&path, &[("action", "pause")]).await;
    assert_eq!(ground.hook(&link, "paused", &Ground::telling("9", "While paused")).await.status, 200);
    ground.settled().await;
    let message = ground.messages().await.pop().unwrap();
    assert_eq!(message.reason.as_deref(), Some("The link is paused."));
    assert!(ground.entries().await.is_empty());
    ground.two.ada.post_form(&path, &[("action", "resume")]).await;
    ground.stands(link.id, LinkState::Active).await;
    ground.two.ada.post_form(&path, &[("action", "replay"), ("message", &message.id.to_string())]).await;
    ground.settled().await;
    assert_eq!(ground.entries().await[0].body, "While paused");
    ground.finish().await;
}

/// A message whose reading panics harms itself only.
async fn a_reading_that_panics_does_not_hold_up_the_others(test: TestDatabase) {
    let ground = Ground::working(test).await;
    let link = ground.link("workshop").await;
    assert_eq!(ground.hook(&link, "bad", br#"{"do":"panic","lane":"a"}"#).await.status, 200);
    let body = json!({ "do": "entry", "id": "1", "text": "Beside it", "lane": "b" }).to_string();
    assert_eq!(ground.hook(&link, "good", body.as_bytes()).await.status, 200);
    ground.until("the other is read", async || !ground.entries().await.is_empty()).await;
    assert_eq!(ground.messages().await[0].state, MessageState::Received, "it is tried again");
    ground.finish().await;
}

/// GitHub's own deliveries, sent by its sandbox over the network: duplicated, reordered, lost signature.
async fn githubs_deliveries_arrive_through_all_its_moods(test: TestDatabase) {
    let ground = Ground::working(test).await;
    let link = ground.github_link("acme/widgets").await;
    let open = async |title: &str| ground.github.form("bob-builds", "/acme/widgets/issues", &[("title", title)]).await;
    let entries = async || ground.entries().await.len();

    ground.github.control("/deliveries", json!({ "effect": "duplicate", "copies": 5 })).await;
    open("Told six times").await;
    ground.until("the first is told", async || entries().await == 1).await;
    ground.github.control("/deliveries", json!({ "effect": "wrong_signature" })).await;
    open("Signed wrong").await;
    ground.github.control("/deliveries", json!({ "effect": "no_signature" })).await;
    open("Not signed").await;
    open("The last").await;
    ground.until("the last is told", async || entries().await == 2).await;
    ground.settled().await;

    let told: Vec<_> = ground.entries().await.into_iter().map(|entry| entry.body).collect();
    assert!(told[0].contains("Told six times") && told[1].contains("The last"), "{told:?}");
    assert_eq!(ground.messages().await.len(), 3, "the ping and two issues");
    // A link's secret that got into another repository does not let it speak for this one.
    let core = &ground.app().core;
    let scheme = core.partners.get("github").unwrap().integration.scheme();
    let body = json!({ "action": "opened", "repository": { "id": 4_242, "full_name": "umbra/umbrella" },
        "issue": { "id": 1, "number": 1, "title": "Not yours" }, "sender": { "id": 1, "login": "eve-umbra" } });
    let body = body.to_string().into_bytes();
    let headers = [
        ("x-hub-signature-256", scheme.sign(&body, "", &ground.secret(&link))),
        ("x-github-event", "issues".to_owned()),
        ("x-github-delivery", "elsewhere".to_owned()),
        ("content-type", "application/json".to_owned()),
    ];
    assert_eq!(ground.call(&hook_path(&link), &headers, &body).await.status, 200);
    ground.settled().await;
    let message = ground.messages().await.pop().unwrap();
    assert_eq!((message.state, entries().await), (MessageState::Ignored, 2));
    assert!(message.reason.unwrap().contains("It is about repository 4242"));
    ground.finish().await;
}

on_both_databases!(
    a_delivery_makes_one_entry_however_often_it_comes,
    what_no_database_likes_is_read_all_the_same,
    names_at_the_partner_are_inert_on_every_page,
    what_nothing_comes_of_says_why_and_can_be_read_again,
    a_reading_that_panics_does_not_hold_up_the_others,
    githubs_deliveries_arrive_through_all_its_moods,
);
