//! What a form's settings would have made of what was there already.

use patchbay::db::entity::integration_link::LinkLevel;
use serde_json::json;

use super::{entry, path, world};
use crate::{
    harness::{TestDatabase, on_both_databases},
    outbox::{World, page::browser},
};

fn change(id: &str) -> serde_json::Value {
    json!({ "do": "item", "id": id, "change": "closed", "at": 1, "title": "The door sticks" })
}

async fn settings_show_what_they_would_have_done_and_save_nothing(test: TestDatabase) {
    let world = world(test).await;
    let (link, source) = (world.link("workshop", "no").await, world.link("attic", "no").await);
    world.hook(link, entry("1", "Shipped <b>")).await;
    world.hook(link, json!({ "do": "stars" })).await;
    world.hook(link, json!({ "do": "malformed" })).await;
    world.hook(source, change("42")).await;
    world.run().await;
    world.write("Written here\n[] Ship more").await;
    world.run().await;

    let ada = browser(&world, "ada@example.com").await;
    let before = world.test.rows().await;
    let preview = async |tell: &str| {
        let fields = [("action", "preview"), ("room", "workshop"), ("tell", tell)];
        let answer = ada.post_form(&path(link), &fields).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        let (_, after) = answer.text.split_once("id=\"preview\"").unwrap_or_else(|| panic!("{}", answer.text));
        let (preview, _) = after.split_once("id=\"activity\"").unwrap();
        (answer.text.clone(), preview.to_owned())
    };
    let (page, shown) = preview("done").await;
    for text in ["Shipped &#60;b&#62;", "“stars” is nothing", "The hook asked to be malformed.", "It came from there."]
    {
        assert!(shown.contains(text), "{text:?} in {shown}");
    }
    assert_eq!(shown.matches(">Told<").count(), 1, "the one that is done: {shown}");
    assert!(page.contains("value=\"done\" selected"), "what was chosen is kept: {page}");
    let (_, shown) = preview("now").await;
    assert_eq!(shown.matches(">Told<").count(), 2, "{shown}");
    let (_, shown) = preview("digest-18").await;
    assert_eq!(shown.matches("In the digest at 18:00").count(), 2, "{shown}");
    let (_, shown) = preview("items").await;
    assert!(shown.contains("attic#42 The door sticks: closed") && shown.matches(">Told<").count() == 1, "{shown}");

    let wrong = ada.post_form(&path(link), &[("action", "preview"), ("room", "not a room!"), ("tell", "now")]).await;
    assert!(
        wrong.status == 422 && wrong.text.contains("Name a room with letters") && wrong.text.contains("not a room!")
    );
    assert!(!wrong.text.contains("id=\"preview\""));
    let other = ada.post_form(&path(link), &[("action", "preview"), ("room", "lobby"), ("tell", "now")]).await;
    assert!(other.status == 422 && other.text.contains("This link is about workshop."));
    let bob = browser(&world, "bob@example.com").await;
    let fields = [("action", "preview"), ("room", "workshop"), ("tell", "now")];
    assert_eq!(bob.post_form(&path(link), &fields).await.status, 403);
    assert_eq!(world.test.rows().await, before, "something was saved");
    assert!(world.fake.heard().is_empty());
    world.finish().await;
}

async fn a_new_link_says_that_it_has_heard_nothing(test: TestDatabase) {
    let world = world(test).await;
    world.write("Written here").await;
    let ada = browser(&world, "ada@example.com").await;
    let before = world.test.rows().await;
    let team = world.team.to_string();
    let fields =
        [("action", "preview"), ("level", "team"), ("team", team.as_str()), ("room", "study"), ("tell", "now")];
    let page = ada.post_form("/integrations/fake/link", &fields).await;
    assert_eq!(page.status, 200, "{}", page.text);
    for text in ["it counts from now on, not backwards", "Written here", ">Told<", "value=\"study\""] {
        assert!(page.text.contains(text), "{text:?} in {}", page.text);
    }
    assert_eq!(world.test.rows().await, before, "something was saved");
    world.finish().await;
}

async fn a_link_for_one_person_shows_only_theirs(test: TestDatabase) {
    let world: World = world(test).await;
    let link = world.link_of(&world.ada, world.team, LinkLevel::User, "diary", "now").await;
    world.account(Some(world.ada.user), "7", None).await;
    world.hook(link, entry("1", "Done by ada")).await;
    world
        .hook(link, json!({ "do": "entry", "id": "2", "text": "Done by eve", "by": { "id": "8", "name": "eve" } }))
        .await;
    world.run().await;
    let ada = browser(&world, "ada@example.com").await;
    let page = ada.post_form(&path(link), &[("action", "preview"), ("room", "diary"), ("tell", "now")]).await.text;
    let (_, shown) = page.split_once("id=\"preview\"").unwrap();
    let (shown, _) = shown.split_once("id=\"activity\"").unwrap();
    assert!(shown.contains("Done by ada") && shown.contains("the link is for one person"), "{shown}");
    assert!(!shown.contains("Done by eve"), "{shown}");
    world.finish().await;
}

on_both_databases!(
    settings_show_what_they_would_have_done_and_save_nothing,
    a_new_link_says_that_it_has_heard_nothing,
    a_link_for_one_person_shows_only_theirs,
);
