//! The whole way between two real partners' sandboxes: our routes take their hooks, our workers call their APIs, and
//! every write of ours comes back as a hook.

use std::{collections::BTreeMap, time::Instant};

use patchbay::{
    core::mirrors::{self, Backfill},
    db::entity::mirror::MirrorState,
};
use reqwest::Method;
use serde_json::{Value, json};

use super::ground::Ground;
use crate::harness::{TestDatabase, on_both_databases};

async fn an_issue_and_a_ticket_stay_in_step_and_go_their_ways(test: TestDatabase) {
    let ground = Ground::new(test).await;
    let issue = ground.open_issue("The chart is empty").await;
    ground.quiet().await;
    let ticket = ground.ticket_called("The chart is empty").await;
    let (seen, comments) = ground.ticket(ticket).await;
    assert_eq!(seen["external_id"], format!("gh-{issue}"));
    assert!(comments[0].contains("bob-builds") && comments[0].ends_with("It is so."), "{}", comments[0]);

    // Comments, both ways; what is internal stays where it is, and a marker is a text.
    ground.comment_issue(issue, "[Comment Created in GitHub] Only on Sundays, @ada.").await;
    ground.quiet().await;
    ground.say("bob", ticket, json!({ "body": "We are looking into it.", "public": true })).await;
    ground.say("bob", ticket, json!({ "body": "The customer is difficult.", "public": false })).await;
    ground.quiet().await;
    let comments = ground.ticket(ticket).await.1;
    assert_eq!(comments.len(), 4, "{comments:?}");
    assert!(comments[1].ends_with("[Comment Created in GitHub] Only on Sundays, @\u{2060}ada."), "{}", comments[1]);
    let comments = ground.issue_comments(issue).await;
    assert_eq!(comments.len(), 2, "{comments:?}");
    assert!(comments[1].contains("We are looking into it."), "{}", comments[1]);

    // States, both ways.
    ground.turn_issue(issue, "closed").await;
    ground.quiet().await;
    assert_eq!(ground.ticket(ticket).await.0["status"], "solved");
    ground.say("bob", ticket, json!({ "status": "open" })).await;
    ground.quiet().await;
    assert_eq!(ground.issue(issue).await["state"], "open");

    // What a customer asks becomes an issue, and that is no ticket again.
    let asked = json!({ "user": "carol", "subject": "Where is my chart?", "body": "I can't find it." });
    let asked = ground.steer("tickets", asked).await["id"].as_u64().unwrap();
    ground.quiet().await;
    let opened = ground.issues_called("Where is my chart?").await;
    assert_eq!(opened.len(), 1);
    assert_eq!(ground.ticket_called("Where is my chart?").await, asked);
    ground.repository(Method::PATCH, &format!("/issues/{}", opened[0]), json!({ "title": "Chart is hidden" })).await;
    ground.repository(Method::POST, &format!("/issues/{}/labels", opened[0]), json!({ "labels": ["bug"] })).await;
    ground.quiet().await;
    let (seen, _) = ground.ticket(asked).await;
    assert_eq!((&seen["subject"], &seen["tags"]), (&json!("Chart is hidden"), &json!(["bug"])));

    // Each was written once: a ticket, a comment, a state; a title and a label.
    assert_eq!(ground.written_to_desk().await, 5);
    let core = &ground.two.app.core;
    let mirror = mirrors::load(core.db.reader(), ground.ada.organization, ground.mirror).await.unwrap().unwrap();
    assert_eq!((mirror.state, &mirror.reason), (MirrorState::Active, &None));

    // It goes, with what it made and nothing else.
    let foreign = json!({ "name": "web", "config": { "url": "https://somebody.example/", "content_type": "json" } });
    let token = ground.github.control("/tokens", json!({ "user": "ada-codes" })).await;
    let hooks = format!("{}/api/v3/repos/acme/widgets/hooks", ground.github.at);
    let bearer = token["token"].as_str().unwrap();
    let made = ground.http.post(&hooks).bearer_auth(bearer).header("user-agent", "tests").json(&foreign).send().await;
    assert_eq!(made.unwrap().status(), 201);
    mirrors::remove(core, &ground.ada, &mirror).await.unwrap();
    ground.quiet().await;
    let mirror = mirrors::load(core.db.reader(), ground.ada.organization, ground.mirror).await.unwrap().unwrap();
    assert_eq!(mirror.state, MirrorState::Removed, "{mirror:?}");
    let left = ground.http.get(&hooks).bearer_auth(bearer).header("user-agent", "tests").send().await.unwrap();
    let left: Value = left.json().await.unwrap();
    let here = core.site.public_url.as_str();
    assert!(left.as_array().unwrap().iter().all(|hook| !hook["config"]["url"].as_str().unwrap().starts_with(here)));
    assert!(left.to_string().contains("somebody.example"));
    assert!(!ground.desk("webhooks").await.to_string().contains(here));
    ground.comment_issue(issue, "Nobody hears this.").await;
    ground.quiet().await;
    assert_eq!(ground.ticket(ticket).await.1.len(), 4);
    ground.finish().await;
}

async fn what_was_there_before_is_copied_where_somebody_asks(test: TestDatabase) {
    let ground = Ground::new(test).await;
    let core = &ground.two.app.core;
    let mirror = mirrors::load(core.db.reader(), ground.ada.organization, ground.mirror).await.unwrap().unwrap();
    let issues = ground.issues().await;
    let is_open = |one: &&Value| one["state"] == "open" && one["pull_request"].is_null();
    let issues: Vec<Value> = issues.values().flatten().filter(is_open).cloned().collect();
    let is_open = |one: &&Value| one["status"] != "solved" && one["status"] != "closed" && one["is_public"] == true;
    let tickets: Vec<Value> = ground.tickets().await.values().flatten().filter(is_open).cloned().collect();
    assert!(issues.len() >= 2 && !tickets.is_empty(), "the sandboxes have something to begin with");

    mirrors::backfill(core, &ground.ada, &mirror, Backfill { opened_since: 0, most: 10 }).await.unwrap();
    ground.quiet().await;

    for issue in &issues {
        let copy = ground.ticket_called(issue["title"].as_str().unwrap()).await;
        let (seen, comments) = ground.ticket(copy).await;
        assert_eq!((&seen["external_id"], comments.len()), (&json!(format!("gh-{}", issue["number"])), 1));
        let first = issue["body"].as_str().unwrap_or_default().lines().next().unwrap_or_default();
        assert!(
            comments[0].contains(issue["html_url"].as_str().unwrap()) && comments[0].contains(first),
            "{comments:?}"
        );
    }
    for ticket in &tickets {
        assert_eq!(ground.issues_called(ticket["subject"].as_str().unwrap()).await.len(), 1);
    }
    assert_eq!(ground.written_to_desk().await, issues.len());
    assert_eq!(ground.written_to_repository().await, tickets.len());
    let progress = mirrors::progress(core, &mirror).await.unwrap().unwrap();
    let all = (issues.len() + tickets.len()) as u64;
    assert_eq!((progress.found, progress.copied, progress.percent()), (all, all, 100), "{progress:?}");
    ground.finish().await;
}

/// Changes that people make at once in the short form; the trial makes 1,000 (`scripts/trials/mirrors`).
const CHANGES: usize = 100;

/// Each item is opened, commented twice there, answered on the other side, and closed on either.
const CHANGES_OF_EACH: usize = 5;

async fn each_of_many_changes_is_written_once(test: TestDatabase) {
    let changes = std::env::var("PATCHBAY_TRIAL_CHANGES").map_or(CHANGES, |many| many.parse().unwrap());
    let ground = Ground::new(test).await;
    let items = changes / CHANGES_OF_EACH;
    ground.without_limits().await;
    ground.make_mischief(items).await;

    // What people begin on either side, with comments that may well arrive before what they are about.
    let begun = Instant::now();
    for number in 0..items {
        if number % 2 == 0 {
            let issue = ground.open_issue(&title(number)).await;
            ground.comment_issue(issue, &format!("First {number}.")).await;
            ground.comment_issue(issue, &format!("Second {number}.")).await;
        } else {
            let asked = json!({ "user": "carol", "subject": title(number), "body": "It is so." });
            let ticket = ground.steer("tickets", asked).await["id"].as_u64().unwrap();
            ground.say("bob", ticket, json!({ "body": format!("First {number}."), "public": true })).await;
            ground.say("bob", ticket, json!({ "body": format!("Second {number}."), "public": true })).await;
        }
    }
    ground.quiet().await;

    // And how they go on, on the other side.
    let (issues, tickets) = (ground.issues().await, ground.tickets().await);
    for number in 0..items {
        let issue = the_one(&issues, &title(number))["number"].as_u64().unwrap();
        let ticket = the_one(&tickets, &title(number))["id"].as_u64().unwrap();
        let third = format!("Third {number}.");
        match number % 4 {
            0 => ground.say("bob", ticket, json!({ "body": third, "public": true, "status": "solved" })).await,
            1 => {
                ground.comment_issue(issue, &third).await;
                ground.turn_issue(issue, "closed").await;
            }
            2 => {
                ground.say("bob", ticket, json!({ "body": third, "public": true })).await;
                ground.turn_issue(issue, "closed").await;
            }
            _ => {
                ground.say("bob", ticket, json!({ "status": "solved" })).await;
                ground.comment_issue(issue, &third).await;
            }
        }
    }
    let last = Instant::now();
    let settled = ground.quiet().await.saturating_duration_since(last);
    let took = begun.elapsed();

    assert_eq!(ground.lost_hooks().await, Vec::<Value>::new(), "the help desk gave up");

    // One of each on each side, and both sides are equal.
    let (issues, tickets) = (ground.issues().await, ground.tickets().await);
    for number in 0..items {
        let issue = the_one(&issues, &title(number));
        let ticket = the_one(&tickets, &title(number));
        let is_done = (&issue["state"], &ticket["status"]) == (&json!("closed"), &json!("solved"));
        let name = format!("#{}", ticket["id"]);
        assert!(is_done, "{issue} {ticket} {:?} {:?}", ground.heard(&name).await, ground.heard("acme/widgets").await);
        let on_issue = ground.issue_comments(issue["number"].as_u64().unwrap()).await;
        let (_, on_ticket) = ground.ticket(ticket["id"].as_u64().unwrap()).await;
        // A ticket's first comment is what it was opened with.
        assert_eq!((on_issue.len(), on_ticket.len()), (3, 4), "{on_issue:?} {on_ticket:?}");
        for said in ["First", "Second", "Third"] {
            let said = format!("{said} {number}.");
            let times = |texts: &[String]| texts.iter().filter(|text| text.contains(&said)).count();
            assert_eq!((times(&on_issue), times(&on_ticket)), (1, 1), "{said} in {on_issue:?} and {on_ticket:?}");
        }
    }
    let made = items * CHANGES_OF_EACH;
    let written = ground.written_to_desk().await + ground.written_to_repository().await;
    let database = ground.two.app.core.db.reader().get_database_backend();
    eprintln!("{database:?}: {made} changes, {written} writes, {took:.1?}; in step {settled:.1?} after the last");
    assert_eq!(written, made, "one write for each change");
    let core = &ground.two.app.core;
    let mirror = mirrors::load(core.db.reader(), ground.ada.organization, ground.mirror).await.unwrap().unwrap();
    assert_eq!((mirror.state, &mirror.reason), (MirrorState::Active, &None));
    ground.finish().await;
}

fn title(number: usize) -> String {
    format!("Matter {number}")
}

fn the_one<'a>(all: &'a BTreeMap<String, Vec<Value>>, title: &str) -> &'a Value {
    let found = all.get(title).map_or(&[][..], Vec::as_slice);
    assert_eq!(found.len(), 1, "{title}: {found:?}");
    &found[0]
}

impl Ground {
    /// The partners' limits are another matter: here they would only make it long.
    async fn without_limits(&self) {
        let many = 1_000_000;
        let limits =
            json!({ "primary": many, "content_per_minute": many, "content_per_hour": many, "points_per_minute": many });
        self.github.control("/limits", limits).await;
        let limits =
            json!({ "account": many, "list_tickets": many, "update_ticket": many, "update_same_ticket": many });
        self.steer("limits", limits).await;
    }

    /// Hooks come twice, late and out of order, and answers to our calls get lost after the work was done.
    async fn make_mischief(&self, items: usize) {
        for _ in 0..items / 4 {
            for effect in [
                json!({ "effect": "duplicate", "copies": 2, "times": 2 }),
                json!({ "effect": "reorder", "times": 2 }),
                json!({ "effect": "late", "ms": 50 }),
            ] {
                self.github.control("/deliveries", effect.clone()).await;
                self.steer("deliveries", effect).await;
            }
        }
        for nth in 0..items / 5 {
            let lost = |method: &str, path: &str| json!({ "method": method, "path": path, "skip": 4 * nth, "times": 1, "effect": "lost_answer" });
            self.steer("rules", lost("POST", "/acme/api/v2/tickets*")).await;
            self.steer("rules", lost("PUT", "/acme/api/v2/tickets/*")).await;
            for path in ["/api/v3/repositories/*/issues", "/api/v3/repositories/*/comments"] {
                let mut lost = lost("POST", path);
                lost["who"] = json!("ada-codes");
                self.github.control("/rules", lost).await;
            }
        }
    }
}

on_both_databases!(
    an_issue_and_a_ticket_stay_in_step_and_go_their_ways,
    what_was_there_before_is_copied_where_somebody_asks,
    each_of_many_changes_is_written_once,
);
