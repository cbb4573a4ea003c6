//! What is done to tickets: once each, however often the answer gets lost.

use integration_contract::{Deed, ErrorKind, ItemState, NewComment, NewItem};
use serde_json::{Value, json};

use super::world::{CHART, World};

fn new_item() -> NewItem {
    NewItem {
        key: "item-0198c1f2-1".into(),
        external_id: "gh:1296269:42".into(),
        title: "The chart is empty".into(),
        body: "It *is*.\n\n```\n\"quoted\"\n```".into(),
        labels: vec!["Good first issue".into(), "bug".into()],
    }
}

fn new_comment(body: &str) -> NewComment {
    NewComment { key: "comment-1".into(), body: body.into() }
}

fn now() -> i64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
    i64::try_from(now.as_secs()).expect("a time")
}

async fn act(
    world: &World,
    ticket: &str,
    deed: Deed,
) -> Result<integration_contract::Item, integration_contract::Error> {
    world.items().act(&world.account, &world.link, ticket, &deed).await
}

#[tokio::test]
async fn a_ticket_is_made_once_and_found_again() {
    let world = World::new().await;
    let (items, cx, link, new) = (world.items(), &world.account, &world.link, new_item());
    assert_eq!(items.find_item(cx, link, &new).await.expect("looked"), None);

    world.lose_next(1, http::Method::POST);
    let lost = items.create_item(cx, link, &new).await.expect_err("the answer got lost");
    assert_eq!(lost.kind(), ErrorKind::UnknownOutcome);
    let found = items.find_item(cx, link, &new).await.expect("looked").expect("it is there");
    let again = items.create_item(cx, link, &new).await.expect("the same one");

    assert_eq!(found, again);
    assert_eq!((found.title.as_str(), found.body.as_str()), (new.title.as_str(), new.body.as_str()));
    assert_eq!(
        (found.labels.as_slice(), found.state),
        (&["bug".to_owned(), "good_first_issue".to_owned()][..], ItemState::Open)
    );
    assert_eq!((found.external_id.as_deref(), found.author.name.as_str()), (Some("gh:1296269:42"), "Ada Lovelace"));
    let tickets = world.admin(http::Method::GET, "tickets?external_id=gh:1296269:42", Value::Null).await;
    assert_eq!(tickets["tickets"].as_array().map(Vec::len), Some(1));

    // The text changed between two tries: whoever looks finds the first.
    let changed = NewItem { body: "otherwise".into(), ..new };
    let refused = items.create_item(cx, link, &changed).await.expect_err("another text under the same key");
    assert_eq!(refused.kind(), ErrorKind::UnknownOutcome);
}

#[tokio::test]
async fn tickets_are_listed_the_last_made_first_without_texts_and_without_what_is_internal() {
    let world = World::new().await;
    let (items, cx, link) = (world.items(), &world.account, &world.link);
    let made = items.create_item(cx, link, &new_item()).await.expect("made");
    let internal = json!({ "ticket": { "subject": "For us", "comment": { "body": "secret", "public": false } } });
    world.admin(http::Method::POST, "tickets", internal).await;
    let deleted = items.create_item(cx, link, &NewItem { key: "item-2".into(), ..new_item() }).await.expect("made");
    world.admin(http::Method::DELETE, &format!("tickets/{}", deleted.id), Value::Null).await;

    let page = items.list_items(cx, link, None).await.expect("listed");

    let listed = page.items.first().expect("one");
    assert_eq!((listed, page.next.as_deref()), (&integration_contract::Item { body: String::new(), ..made }, None));
    assert!(page.items.is_sorted_by_key(|item| std::cmp::Reverse(item.id.parse::<u64>().expect("a number"))));
    assert!(page.items.iter().any(|item| item.id == CHART) && page.items.iter().all(|item| item.body.is_empty()));
    assert!(page.items.iter().all(|item| item.title != "For us" && item.id != deleted.id));
}

#[tokio::test]
async fn pages_of_tickets_lead_through_all_of_them() {
    let world = World::new().await;
    let (items, cx, link) = (world.items(), &world.account, &world.link);
    for number in 0..100 {
        let new = json!({ "ticket": { "subject": format!("Nr {number}"), "comment": { "body": "x" } } });
        world.admin(http::Method::POST, "tickets", new).await;
    }
    let first = items.list_items(cx, link, None).await.expect("listed");
    let second = items.list_items(cx, link, first.next.as_deref()).await.expect("listed");
    assert_eq!((first.items.len(), &first.items[99].title, second.next), (100, &"Nr 0".to_owned(), None));
    assert_eq!(second.items.last().expect("one").id, CHART);
    let nowhere = items.list_items(cx, link, Some("zzz")).await.expect_err("no cursor of Zendesk's");
    assert_eq!(nowhere.kind(), ErrorKind::Refused);
}

#[tokio::test]
async fn of_several_tickets_with_one_external_id_the_first_is_it() {
    let world = World::new().await;
    let first = world.items().create_item(&world.account, &world.link, &new_item()).await.expect("made");
    let second = json!({ "ticket": { "subject": "x", "external_id": "gh:1296269:42", "comment": { "body": "x" } } });
    world.admin(http::Method::POST, "tickets", second).await;
    let found = world.items().find_item(&world.account, &world.link, &new_item()).await.expect("looked");
    assert_eq!(found.expect("one").id, first.id);
}

#[tokio::test]
async fn a_ticket_needs_a_text_and_gets_its_title() {
    let world = World::new().await;
    let new = NewItem { body: " \n".into(), ..new_item() };
    let made = world.items().create_item(&world.account, &world.link, &new).await.expect("made");
    assert_eq!(made.body, new.title);
}

#[tokio::test]
async fn a_comment_is_public_and_found_after_a_lost_answer() {
    let world = World::new().await;
    let (items, cx, link) = (world.items(), &world.account, &world.link);
    let (since, new) = (now(), new_comment("Fixed in v2.\r\n"));
    assert_eq!(items.find_comment(cx, link, CHART, &new, since).await.expect("looked"), None);

    world.lose_next(1, http::Method::PUT);
    let lost = items.comment(cx, link, CHART, &new).await.expect_err("the answer got lost");
    assert_eq!(lost.kind(), ErrorKind::UnknownOutcome);
    let found = items.find_comment(cx, link, CHART, &new, since).await.expect("looked").expect("it is there");

    let comments = world.ticket(CHART).await["comments"].as_array().expect("a list").clone();
    let last = comments.last().expect("one");
    assert_eq!((found.id, &last["public"]), (last["id"].to_string(), &json!(true)));
    assert_eq!(found.author.id, cx.identity.as_ref().map(|me| me.id.clone()));
    // Neither one that was written before, nor somebody else's, nor an internal one.
    assert_eq!(items.find_comment(cx, link, CHART, &new, now() + 60).await.expect("looked"), None);
    world.say("bob", CHART, json!({ "body": "by Bob" })).await;
    world.say("ada", CHART, json!({ "body": "internal", "public": false })).await;
    for text in ["by Bob", "internal"] {
        assert_eq!(items.find_comment(cx, link, CHART, &new_comment(text), since).await.expect("looked"), None);
    }
    let direct = items.comment(cx, link, CHART, &new_comment("Another")).await.expect("written");
    assert_eq!((direct.body.as_str(), direct.author.name.as_str()), ("Another", "Ada Lovelace"));
}

#[tokio::test]
async fn deeds_are_done_and_what_is_done_already_is_success() {
    let world = World::new().await;
    let id = world.write("Nobody's", "yet").await;
    for _ in 0..2 {
        let mine = act(&world, &id, Deed::AssignToMe).await.expect("assigned");
        assert_eq!(mine.assignees.iter().map(|it| it.name.as_str()).collect::<Vec<_>>(), ["Ada Lovelace"]);
        let retitled = act(&world, &id, Deed::Retitle(" Everybody's ".into())).await.expect("retitled");
        assert_eq!(retitled.title, "Everybody's");
        let labelled = act(&world, &id, Deed::Label(vec!["B b".into(), "a".into()])).await.expect("labelled");
        assert_eq!(labelled.labels, ["a", "b_b"]);
        let solved = act(&world, &id, Deed::Close).await.expect("solved");
        assert_eq!((solved.state, solved.state_word.as_str()), (ItemState::Closed, "solved"));
        let open = act(&world, &id, Deed::Reopen).await.expect("open");
        assert_eq!((open.state, world.items().deeds(&open)), (ItemState::Open, vec![Deed::AssignToMe, Deed::Close]));
    }
    let before = updates(&world, &id).await;
    act(&world, &id, Deed::AssignToMe).await.expect("still");
    assert_eq!(updates(&world, &id).await, before, "nothing is written that is so already");
}

async fn updates(world: &World, id: &str) -> usize {
    let audits = world.admin(http::Method::GET, &format!("tickets/{id}/audits"), Value::Null).await;
    audits["audits"].as_array().expect("a list").len()
}

#[tokio::test]
async fn whoever_solves_what_is_nobodys_takes_it() {
    let world = World::new().await;
    let id = world.write("Nobody's", "yet").await;
    let solved = act(&world, &id, Deed::Close).await.expect("solved");
    assert_eq!(solved.assignees.iter().map(|it| it.name.as_str()).collect::<Vec<_>>(), ["Ada Lovelace"]);
    // Bob's ticket stays Bob's.
    let solved = act(&world, CHART, Deed::Close).await.expect("solved");
    assert_eq!(solved.assignees.iter().map(|it| it.name.as_str()).collect::<Vec<_>>(), ["Bob Kahn"]);
    assert_eq!(world.items().deeds(&solved), [Deed::Reopen]);
}

#[tokio::test]
async fn a_closed_ticket_is_refused_with_what_to_do() {
    let world = World::new().await;
    world.admin(http::Method::PUT, &format!("tickets/{CHART}"), json!({ "ticket": { "status": "closed" } })).await;
    let (items, cx, link) = (world.items(), &world.account, &world.link);
    for error in [
        act(&world, CHART, Deed::Reopen).await.expect_err("closed"),
        act(&world, CHART, Deed::AssignToMe).await.expect_err("closed"),
        items.comment(cx, link, CHART, &new_comment("Still?")).await.expect_err("closed"),
    ] {
        assert_eq!(error.kind(), ErrorKind::Refused);
        assert!(error.sentence().contains("Create follow-up"), "{}", error.sentence());
    }
    let closed = act(&world, CHART, Deed::Close).await.expect("it is");
    assert_eq!((closed.state_word.as_str(), items.deeds(&closed)), ("closed", Vec::new()));
    act(&world, CHART, Deed::Retitle("Still can".into())).await.expect("a subject can change");
}

#[tokio::test]
async fn what_the_account_asks_for_is_said_in_its_words() {
    let world = World::new().await;
    world.control("accounts/acme", json!({ "required_on_solve": ["type"] })).await;
    let error = act(&world, CHART, Deed::Close).await.expect_err("refused");
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert_eq!(
        error.sentence(),
        "Zendesk did not let us solve the ticket: “Type:: is required when solving a ticket”."
    );
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let world = World::new().await;
    let (items, cx, link) = (world.items(), &world.account, &world.link);
    for id in ["4711", "x", "", "../users/me", "1/comments", "18446744073709551616"] {
        assert_eq!(items.item(cx, link, id).await.expect("asked"), None, "{id:?}");
        assert_eq!(act(&world, id, Deed::Close).await.expect_err("none").kind(), ErrorKind::NotFound, "{id:?}");
    }
}

#[tokio::test]
async fn trouble_has_the_kind_that_says_what_follows() {
    let world = World::new().await;
    for (effect, kind, wait) in [
        (json!({ "effect": "conflict" }), ErrorKind::Unavailable, true),
        (json!({ "effect": "deadlock", "seconds": 3 }), ErrorKind::Unavailable, true),
        (json!({ "effect": "rate_limited", "seconds": 30 }), ErrorKind::RateLimited, true),
        (json!({ "effect": "rate_limited", "seconds": null }), ErrorKind::RateLimited, true),
        (json!({ "effect": "invalid_token" }), ErrorKind::Unauthorized, false),
        (json!({ "effect": "refused", "status": 403, "error": "Forbidden" }), ErrorKind::Forbidden, false),
        (json!({ "effect": "refused", "status": 500, "error": "Oops" }), ErrorKind::UnknownOutcome, false),
    ] {
        let mut rule = effect.clone();
        rule["path"] = format!("/acme/api/v2/tickets/{CHART}").into();
        rule["method"] = "PUT".into();
        rule["times"] = 1.into();
        world.control("rules", rule).await;
        let error = act(&world, CHART, Deed::Retitle("New".into())).await.expect_err("trouble");
        assert_eq!((error.kind(), error.wait().is_some()), (kind, wait), "{effect}: {}", error.sentence());
    }
    act(&world, CHART, Deed::Retitle("New".into())).await.expect("all of it passed");
}

#[tokio::test]
async fn a_change_at_the_same_moment_is_looked_at_again() {
    let world = World::new().await;
    let rule = |times: usize| json!({ "path": format!("/acme/api/v2/tickets/{CHART}"), "method": "PUT", "times": times, "effect": "update_conflict" });
    world.control("rules", rule(2)).await;
    act(&world, CHART, Deed::Retitle("Mine".into())).await.expect("the third time");
    world.control("rules", rule(3)).await;
    let error = act(&world, CHART, Deed::Retitle("Other".into())).await.expect_err("it is left for later");
    assert_eq!(error.kind(), ErrorKind::Unavailable);
}

#[tokio::test]
async fn a_comment_is_found_behind_a_hundred_others() {
    let world = World::new().await;
    let (items, cx, link) = (world.items(), &world.account, &world.link);
    let (since, new) = (now(), new_comment("Fixed in v2."));
    let written = items.comment(cx, link, CHART, &new).await.expect("written");
    for number in 0..120 {
        world.say("bob", CHART, json!({ "body": format!("And another: {number}") })).await;
    }
    let found = items.find_comment(cx, link, CHART, &new, since).await.expect("looked").expect("it is there");
    assert_eq!(found, written);
}
