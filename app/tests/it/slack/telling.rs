//! From Slack into the log, and from there to wherever it is to be told.

use patchbay::db::entity::integration_link::LinkState;
use serde_json::json;

use super::{ACME, DONE, GENERAL, Ground, mention};
use crate::harness::{TestDatabase, on_both_databases};

async fn what_came_from_a_channel_goes_to_the_others_only(test: TestDatabase) {
    let ground = Ground::new(test).await;
    ground.linked().await;
    ground.link_with(&ground.two.ada, ground.two.product, "#general", &["outgoing"]).await;
    // Another team tells #done of its own entries.
    let fields = [("name", "Sales"), ("time_zone", "Europe/Vienna")];
    let made = ground.two.ada.post_form("/teams/new", &fields).await;
    assert_eq!(made.status, 303, "{}", made.text);
    let sales = made.location().trim_start_matches("/teams/").split(['/', '?']).next().unwrap().parse().unwrap();
    ground.link_with(&ground.two.ada, sales, "#done", &["outgoing"]).await;

    ground.say("ada", DONE, "/done shipped the search page").await;
    ground.is_said(GENERAL, "Ada: shipped the search page").await;
    // Posts leave one after the other: had it been meant for #done, it would stand there before this.
    ground.two.ada.post_form(&format!("/teams/{}/entries", ground.two.product), &[("body", "written here")]).await;
    ground.is_said(DONE, "Ada: written here").await;
    ground.is_said(GENERAL, "Ada: written here").await;
    assert!(!ground.channel(DONE).await.contains("Ada: shipped the search page"));

    ground.two.ada.post_form(&format!("/teams/{sales}/entries"), &[("body", "sold one")]).await;
    ground.is_said(DONE, "Ada: sold one").await;
    assert!(!ground.channel(GENERAL).await.contains("sold one"));
    ground.finish().await;
}

async fn a_channel_of_two_teams_writes_into_both_logs(test: TestDatabase) {
    let ground = Ground::new(test).await;
    ground.linked().await;
    let fields = [("name", "Sales"), ("time_zone", "Europe/Vienna")];
    let made = ground.two.ada.post_form("/teams/new", &fields).await;
    let sales = made.location().trim_start_matches("/teams/").split(['/', '?']).next().unwrap().parse().unwrap();
    ground.link(&ground.two.ada, sales, "#done").await;

    ground.say("ada", DONE, "/done shipped the search page").await;
    ground.until("both have it", async || ground.entries().await.len() == 2).await;
    let mut teams: Vec<_> = ground.entries().await.into_iter().map(|entry| entry.team_id).collect();
    teams.sort_by_key(ToString::to_string);
    let mut expected = vec![ground.two.product, sales];
    expected.sort_by_key(ToString::to_string);
    assert_eq!(teams, expected);
    ground.finish().await;
}

async fn whoever_writes_to_a_paused_link_is_told_so(test: TestDatabase) {
    let ground = Ground::new(test).await;
    let link = ground.linked().await;
    let page = format!("/integrations/slack/link/{}", link.id);
    assert_eq!(ground.two.ada.post_form(&page, &[("action", "pause")]).await.status, 303);
    ground.say("ada", DONE, "/done typed while it was paused").await;
    ground.is_said(DONE, "The link is paused.").await;
    assert!(ground.entries().await.is_empty());

    // New settings do not start it again.
    let fields = [("action", "save"), ("channel", "#done"), ("direction", "incoming"), ("emoji", ""), ("when", "live")];
    let saved = ground.two.ada.post_form(&page, &fields).await;
    assert_eq!(saved.status, 303, "{}", saved.text);
    let link = ground.find(&link).await;
    assert_eq!((link.state, &link.settings["emoji"]), (LinkState::Paused, &json!(null)));
    assert_eq!(ground.two.ada.post_form(&page, &[("action", "resume")]).await.status, 303);
    ground.stands(&link, LinkState::Active).await;
    ground.say("ada", DONE, "/done and typed once it went on").await;
    ground.entry("and typed once it went on").await;
    ground.finish().await;
}

async fn a_look_up_waits_for_slack(test: TestDatabase) {
    let ground = Ground::new(test).await;
    let link = ground.linked().await;
    ground.trouble("users.info", json!({ "effect": "status", "status": 503, "times": 2 })).await;
    let body = mention(ACME, DONE, "1795000000.000100", "reviewed it with <@U0BOB00002>");
    assert_eq!(ground.event(&body).await.status, 200);
    ground.until("Slack was asked in vain", async || ground.calls("users.info").await >= 1).await;
    assert!(ground.entries().await.is_empty());
    ground.until("it is written", async || !ground.entries().await.is_empty()).await;
    assert_eq!(ground.entries().await[0].body, "reviewed it with @bob");
    assert_eq!(ground.find(&link).await.state, LinkState::Active);
    ground.finish().await;
}

async fn the_links_page_says_what_was_sent_and_why_something_was_not(test: TestDatabase) {
    let ground = Ground::new(test).await;
    let link = ground.linked().await;
    let page = format!("/integrations/slack/link/{}", link.id);
    let empty = ground.two.ada.get(&page).await.text;
    assert!(!empty.contains(">Told<"), "{empty}");

    ground.trouble("chat.postMessage", json!({ "effect": "refused", "error": "msg_too_long", "times": 0 })).await;
    let path = format!("/teams/{}/entries", ground.two.product);
    ground.two.ada.post_form(&path, &[("body", "<b>refused</b> at first")]).await;
    ground.until("it failed", async || ground.two.ada.get(&page).await.text.contains("value=\"send\"")).await;
    let failed = ground.two.ada.get(&page).await.text;
    assert!(failed.contains("&#60;b&#62;refused") && failed.contains("Failed"), "{failed}");
    assert!(!ground.two.bob.get(&page).await.text.contains("value=\"send\""), "a plain member may send again");

    let message = crate::harness::between(&failed, "name=\"message\" value=\"", "\"").unwrap();
    let again = [("action", "send"), ("message", message)];
    assert_eq!(ground.two.bob.post_form(&page, &again).await.status, 403);
    assert_eq!(ground.two.eve.post_form(&page, &again).await.status, 404);
    assert_eq!(ground.two.ada.post_form(&page, &[("action", "send"), ("message", "x")]).await.status, 404);
    ground.control("/reset", json!({})).await;
    assert_eq!(ground.two.ada.post_form(&page, &again).await.status, 303);
    ground.is_said(DONE, "refused").await;
    ground.until("it says so", async || ground.two.ada.get(&page).await.text.contains(">Delivered<")).await;
    // What was sent is not sent again.
    assert_eq!(ground.two.ada.post_form(&page, &again).await.status, 303);
    assert!(ground.two.ada.get(&page).await.text.contains("Only a message that failed or was skipped"));
    ground.finish().await;
}

async fn the_lists_have_the_button_of_a_broken_link(test: TestDatabase) {
    let ground = Ground::new(test).await;
    let link = ground.linked().await;
    let now = ground.app().core.clock.now_seconds();
    let archived = json!({ "type": "channel_archive", "channel": DONE, "user": super::ADA, "event_ts": "1.2" });
    ground.event(&super::event_of(ACME, "Ev0ARCHIVE", now, &archived)).await;
    ground.stands(&link, LinkState::Broken).await;
    for page in [format!("/teams/{}/settings", ground.two.product), "/integrations/slack".to_owned()] {
        let shown = ground.two.ada.get(&page).await.text;
        assert!(shown.contains("was archived at Slack") && shown.contains("value=\"resume\""), "{page}: {shown}");
    }
    // The channel is open in truth: one click is all it takes.
    let page = format!("/integrations/slack/link/{}", link.id);
    assert_eq!(ground.two.ada.post_form(&page, &[("action", "resume")]).await.status, 303);
    ground.stands(&link, LinkState::Active).await;
    ground.finish().await;
}

on_both_databases!(
    what_came_from_a_channel_goes_to_the_others_only,
    a_channel_of_two_teams_writes_into_both_logs,
    whoever_writes_to_a_paused_link_is_told_so,
    a_look_up_waits_for_slack,
    the_links_page_says_what_was_sent_and_why_something_was_not,
    the_lists_have_the_button_of_a_broken_link,
);
