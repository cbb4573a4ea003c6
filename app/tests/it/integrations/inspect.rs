//! How a link follows its far end: told by a hook, looked at by a job every hour, or at once when a person opens its page.

use std::time::Duration;

use patchbay::{
    core::integration_links::{self, INSPECT},
    db::entity::{
        integration_link::{LinkState, Model},
        integration_user::AccountState,
        job::JobState,
    },
};
use reqwest::Method;
use sea_orm::ConnectionTrait;
use serde_json::json;

use super::{Ground, path_of};
use crate::harness::{TestDatabase, on_both_databases};

/// Looks as the job does.
async fn look(ground: &Ground, link: &Model) -> Model {
    integration_links::inspect_again(&ground.app().core, link.organization_id, link.id).await.unwrap();
    ground.find(link.id).await
}

/// What happened to a repository, told by nobody, and what a look makes of it.
struct Case {
    what: &'static str,
    happens: (&'static str, &'static [(&'static str, &'static str)]),
    says: &'static str,
    undone: Option<(&'static str, &'static [(&'static str, &'static str)])>,
}

async fn a_look_finds_what_no_hook_told(test: TestDatabase) {
    let ground = Ground::working(test).await;
    let link = ground.github_link("ada-codes/dotfiles").await;
    let settings = "/ada-codes/dotfiles/settings";
    let cases = [
        Case {
            what: "archived",
            happens: ("/ada-codes/dotfiles/settings/archive", &[("archived", "yes")]),
            says: "ada-codes/dotfiles was archived at GitHub, so nothing more happens in it. Unarchive it there, or remove this link.",
            undone: Some(("/ada-codes/dotfiles/settings/archive", &[("archived", "no")])),
        },
        Case {
            what: "made private",
            happens: ("/ada-codes/dotfiles/settings/visibility", &[("visibility", "private")]),
            says: "",
            undone: None,
        },
    ];
    for case in cases {
        // Nothing is told meanwhile.
        ground.github.control("/deliveries", json!({ "effect": "drop", "times": 10 })).await;
        ground.github.form("ada-codes", case.happens.0, case.happens.1).await;
        let seen = look(&ground, &link).await;
        match case.says {
            "" => assert_eq!((seen.state, seen.reason), (LinkState::Active, None), "{}", case.what),
            says => {
                assert_eq!((seen.state, seen.reason.as_deref()), (LinkState::Broken, Some(says)), "{}", case.what);
                let page = ground.two.ada.get(&path_of(&link)).await;
                assert!(page.text.contains("Needs attention") && page.text.contains(says), "{}", case.what);
            }
        }
        if let Some((path, fields)) = case.undone {
            ground.github.form("ada-codes", path, fields).await;
            let seen = look(&ground, &link).await;
            assert_eq!((seen.state, seen.reason), (LinkState::Active, None), "{} and back", case.what);
        }
        ground.github.calm().await;
    }

    // Another name: the link is the repository's, whatever it is called.
    ground.github.control("/deliveries", json!({ "effect": "drop", "times": 10 })).await;
    ground.github.form("ada-codes", &format!("{settings}/rename"), &[("name", "rcfiles")]).await;
    let seen = look(&ground, &link).await;
    assert_eq!((seen.name.as_str(), seen.state), ("ada-codes/rcfiles", LinkState::Active));
    assert_eq!(seen.target, link.target);

    // Another owner, under whom ada still sees it, but no webhook any more: what arrives is all that can be known.
    ground.github.form("ada-codes", "/ada-codes/rcfiles/settings/transfer", &[("owner", "umbra")]).await;
    let seen = look(&ground, &link).await;
    assert_eq!((seen.name.as_str(), seen.state, seen.reason), ("umbra/rcfiles", LinkState::Active, None));

    // Hidden from her, shown again, and in the end deleted.
    let gone = "GitHub no longer shows ada-codes the repository umbra/rcfiles: it was deleted, or this account lost access \
                to it.";
    let not_found = json!({ "effect": "status", "status": 404, "body": { "message": "Not Found" } });
    ground.github.trouble("/api/v3/repositories/*", not_found).await;
    let seen = look(&ground, &link).await;
    assert_eq!((seen.state, seen.reason.as_deref()), (LinkState::Broken, Some(gone)));
    let seen = look(&ground, &link).await;
    assert_eq!((seen.state, seen.reason), (LinkState::Active, None));
    ground.github.form("eve-umbra", "/umbra/rcfiles/settings/delete", &[]).await;
    let seen = look(&ground, &link).await;
    assert_eq!((seen.state, seen.reason.as_deref()), (LinkState::Broken, Some(gone)));
    ground.finish().await;
}

async fn our_webhook_is_looked_at_and_made_again(test: TestDatabase) {
    let ground = Ground::working(test).await;
    let link = ground.github_link("acme/widgets").await;
    let ours = async || {
        let hooks = ground.webhooks("acme/widgets").await;
        hooks.into_iter().find(|(_, url)| url.ends_with(&link.hook_key)).map(|(id, _)| id)
    };
    let (resume, check) = ([("action", "resume")], [("action", "check")]);
    for (method, body, says) in [
        (Method::PATCH, json!({ "active": false }), "The webhook was switched off at GitHub"),
        (Method::DELETE, json!({}), "The webhook was deleted at GitHub"),
    ] {
        ground.github.control("/deliveries", json!({ "effect": "drop", "times": 10 })).await;
        let path = format!("/repos/acme/widgets/hooks/{}", ours().await.unwrap());
        assert!(ground.github.api("ada-codes", method, &path, body).await < 300);
        ground.github.calm().await;
        // This time a person looks.
        assert_eq!(ground.two.ada.post_form(&path_of(&link), &check).await.status, 303);
        let seen = ground.find(link.id).await;
        assert_eq!(seen.state, LinkState::Broken, "{says}");
        assert!(seen.reason.unwrap().starts_with(says), "{says}");
        let page = ground.two.ada.get(&path_of(&link)).await;
        assert!(page.text.contains(says) && page.text.contains("Try again"), "{says} is not on the page");

        assert_eq!(ground.two.ada.post_form(&path_of(&link), &resume).await.status, 303);
        ground.stands(link.id, LinkState::Active).await;
        assert!(ours().await.is_some());
        let seen = look(&ground, &link).await;
        assert_eq!((seen.state, seen.reason), (LinkState::Active, None), "{says}");
    }
    ground.finish().await;
}

async fn a_consent_taken_back_is_found_and_a_new_one_mends_all(test: TestDatabase) {
    let ground = Ground::working(test).await;
    let link = ground.github_link("acme/widgets").await;
    ground.github.control("/users/ada-codes/revoke", json!({})).await;

    let seen = look(&ground, &link).await;

    assert_eq!(seen.state, LinkState::Broken);
    assert!(seen.reason.clone().unwrap().contains("Connect GitHub again"), "{:?}", seen.reason);
    let account = ground.accounts().await.remove(0);
    assert_eq!((account.state, account.reason), (AccountState::Broken, seen.reason));
    let page = ground.two.ada.get(&path_of(&link)).await;
    assert!(page.text.contains("method=\"post\" action=\"/auth/github\""), "no way to connect again");
    assert!(ground.two.ada.get("/integrations").await.text.contains("Needs attention"));

    ground.connect(&ground.two.ada, "ada-codes").await;
    ground.stands(link.id, LinkState::Active).await;
    assert_eq!(look(&ground, &link).await.state, LinkState::Active);
    let webhooks = ground.webhooks("acme/widgets").await;
    assert_eq!(webhooks.iter().filter(|(_, url)| url.ends_with(&link.hook_key)).count(), 1, "one webhook, as before");
    ground.finish().await;
}

/// An outage says nothing about the link.
async fn a_partner_that_can_not_be_asked_changes_nothing(test: TestDatabase) {
    let ground = Ground::working(test).await;
    let link = ground.github_link("acme/widgets").await;
    let before = ground.find(link.id).await;
    for (path, trouble) in [
        ("/api/v3/repositories/*", json!({ "effect": "status", "status": 500 })),
        ("/api/v3/repositories/*", json!({ "effect": "html", "status": 503 })),
        ("/api/v3/repositories/*", json!({ "effect": "malformed" })),
        ("/api/v3/repositories/*", json!({ "effect": "reset" })),
        ("/api/v3/repositories/*", json!({ "effect": "secondary_limit" })),
        ("/api/v3/repositories/*/hooks/*", json!({ "effect": "status", "status": 502 })),
    ] {
        ground.github.trouble(path, trouble.clone()).await;
        assert_eq!(look(&ground, &link).await, before, "{trouble}");
        ground.github.trouble(path, trouble.clone()).await;
        let answer = ground.two.ada.post_form(&path_of(&link), &[("action", "check")]).await;
        assert_eq!(answer.status, 303, "{trouble}");
        assert!(!ground.two.ada.get(&path_of(&link)).await.text.contains("Checked."), "{trouble}");
        ground.github.calm().await;
    }
    assert_eq!(ground.find(link.id).await, before);
    ground.finish().await;
}

async fn hooks_tell_of_the_far_end_too(test: TestDatabase) {
    let ground = Ground::working(test).await;
    let link = ground.github_link("ada-codes/dotfiles").await;
    let settings = "/ada-codes/dotfiles/settings";
    let archive = async |archived| {
        ground.github.form("ada-codes", &format!("{settings}/archive"), &[("archived", archived)]).await
    };
    archive("yes").await;
    let broken = ground.stands(link.id, LinkState::Broken).await;
    assert_eq!(
        broken.reason.as_deref(),
        Some(
            "ada-codes/dotfiles was archived at GitHub, so nothing more happens in it. Unarchive it there, or remove this link."
        )
    );
    archive("no").await;
    ground.stands(link.id, LinkState::Active).await;
    ground.github.form("ada-codes", &format!("{settings}/rename"), &[("name", "rcfiles")]).await;
    ground.until("it has its new name", async || ground.find(link.id).await.name == "ada-codes/rcfiles").await;
    ground.finish().await;
}

/// The job comes again for as long as the link lives, whatever it found.
async fn a_living_link_is_looked_at_again_and_again(test: TestDatabase) {
    let ground = Ground::working(test).await;
    let link = ground.github_link("ada-codes/dotfiles").await;
    let next = ground.jobs(INSPECT).await.remove(0);
    assert_eq!(next.state, JobState::Waiting);
    ground.github.control("/deliveries", json!({ "effect": "drop", "times": 10 })).await;
    ground.github.form("ada-codes", "/ada-codes/dotfiles/settings/delete", &[]).await;

    // Its time has come.
    let due = format!("UPDATE jobs SET run_at = 0 WHERE kind = '{INSPECT}'");
    ground.app().core.db.writer_for_tests().execute_unprepared(&due).await.unwrap();
    ground.stands(link.id, LinkState::Broken).await;
    ground
        .until("the next is there", async || {
            let jobs = ground.jobs(INSPECT).await;
            jobs.len() == 1 && jobs[0].id != next.id
        })
        .await;

    // After the removal it comes no more.
    ground.two.ada.post_form(&super::removal_of(&link), &[("_method", "delete")]).await;
    ground.stands(link.id, LinkState::Removed).await;
    ground.app().core.db.writer_for_tests().execute_unprepared(&due).await.unwrap();
    ground.until("none is left", async || ground.jobs(INSPECT).await.is_empty()).await;
    ground.finish().await;
}

/// What a person decided stays, whatever a look would find.
async fn a_paused_or_removed_link_is_left_alone(test: TestDatabase) {
    let ground = Ground::working(test).await;
    let link = ground.github_link("ada-codes/dotfiles").await;
    ground.two.ada.post_form(&path_of(&link), &[("action", "pause")]).await;
    ground.github.control("/deliveries", json!({ "effect": "drop", "times": 10 })).await;
    ground.github.form("ada-codes", "/ada-codes/dotfiles/settings/delete", &[]).await;
    ground.github.calm().await;
    assert_eq!(look(&ground, &link).await.state, LinkState::Paused);
    ground.two.ada.post_form(&super::removal_of(&link), &[("_method", "delete")]).await;
    ground.stands(link.id, LinkState::Removed).await;
    assert_eq!(look(&ground, &link).await.state, LinkState::Removed);
    ground.finish().await;
}

/// Nobody has to ask for it, and a page that is opened often asks GitHub once a minute.
async fn whoever_opens_the_page_sees_how_things_stand(test: TestDatabase) {
    let ground = Ground::working(test).await;
    let link = ground.github_link("acme/widgets").await;
    ground.github.control("/deliveries", json!({ "effect": "drop", "times": 10 })).await;
    for (id, _) in ground.webhooks("acme/widgets").await {
        ground.github.api("ada-codes", Method::DELETE, &format!("/repos/acme/widgets/hooks/{id}"), json!({})).await;
    }
    let asked = async || ground.github.calls("GET", "/api/v3/repositories/*").await;
    let before = asked().await;

    // Bob can't change the link, and sees the same.
    let page = ground.two.bob.get(&path_of(&link)).await;

    assert!(page.text.contains("The webhook was deleted at GitHub"), "{}", page.text);
    let looked = asked().await;
    assert!(looked > before);
    for client in [&ground.two.ada, &ground.two.bob] {
        assert!(client.get(&path_of(&link)).await.text.contains("The webhook was deleted at GitHub"));
    }
    assert_eq!(asked().await, looked, "asked again within the minute");

    // Once it stands there again, the page says what nobody sends any more.
    assert!(!page.text.contains("could send nothing"), "{}", page.text);
    ground.app().clock.advance(Duration::from_secs(600));
    ground.two.ada.post_form(&path_of(&link), &[("action", "resume")]).await;
    let mended = ground.stands(link.id, LinkState::Active).await;
    let missed = (mended.unheard_from, mended.unheard_until);
    assert_eq!(missed.0, link.hook_seen_at);
    assert!(missed.1.unwrap() - missed.0.unwrap() >= 600_000, "{missed:?}");
    let page = ground.two.bob.get(&path_of(&link)).await.text;
    assert!(page.contains("GitHub could send nothing, because our webhook was gone there."), "{page}");
    // Set up again without that, nothing new was missed.
    ground.two.ada.post_form(&path_of(&link), &[("action", "pause")]).await;
    ground.two.ada.post_form(&path_of(&link), &[("action", "resume")]).await;
    let again = ground.stands(link.id, LinkState::Active).await;
    assert_eq!((again.unheard_from, again.unheard_until), missed);
    ground.app().clock.advance(Duration::from_hours(8 * 24));
    assert!(!ground.two.ada.get(&path_of(&link)).await.text.contains("could send nothing"));
    ground.finish().await;
}

async fn a_page_does_not_wait_for_a_slow_partner(test: TestDatabase) {
    let ground = Ground::working(test).await;
    let link = ground.github_link("acme/widgets").await;
    ground.github.control("/users/ada-codes/revoke", json!({})).await;
    ground.github.trouble("/api/v3/repositories/*", json!({ "effect": "delay", "ms": 4000 })).await;

    let page = ground.two.ada.get(&path_of(&link)).await;

    assert!(page.status == 200 && page.text.contains("Working"), "it waited for what GitHub would say");
    ground.stands(link.id, LinkState::Broken).await;
    ground.finish().await;
}

on_both_databases!(
    whoever_opens_the_page_sees_how_things_stand,
    a_page_does_not_wait_for_a_slow_partner,
    a_look_finds_what_no_hook_told,
    our_webhook_is_looked_at_and_made_again,
    a_consent_taken_back_is_found_and_a_new_one_mends_all,
    a_partner_that_can_not_be_asked_changes_nothing,
    hooks_tell_of_the_far_end_too,
    a_living_link_is_looked_at_again_and_again,
    a_paused_or_removed_link_is_left_alone,
);
