//! Removing a link: at once here, exactly ours at the partner, and by nobody else.

use std::time::Duration;

use integration_contract::{ErrorKind, Happening};
use integration_testkit::Trouble;
use patchbay::{
    core::integration_links::{self, UNINSTALL},
    db::entity::{
        inbox_message::MessageState,
        integration_link::{LinkState, Model},
    },
};
use reqwest::Method;
use sea_orm::ConnectionTrait;
use serde_json::json;

use super::{Ground, UNKNOWN, path_of, removal_of};
use crate::harness::{Answer, Client, TestDatabase, on_both_databases};

/// As a form's button does.
async fn remove(client: &Client, link: &Model) -> Answer {
    client.post_form(&removal_of(link), &[("_method", "delete")]).await
}

async fn a_link_is_gone_at_once_and_ours_at_the_partner_soon(test: TestDatabase) {
    let ground = Ground::working(test).await;
    let foreign = ground.fake.subscribe_somebody_else("workshop");
    let ada = &ground.two.ada;
    let settings = format!("/teams/{}/settings", ground.two.product);
    for way in ["a form", "DELETE"] {
        let link = ground.link("workshop").await;
        let answer = match way {
            "DELETE" => {
                let request = ada.request(Method::DELETE, &removal_of(&link)).header("x-csrf-token", ada.token().await);
                ada.send(request).await
            }
            _ => remove(ada, &link).await,
        };
        assert_eq!((answer.status, answer.location()), (303, settings.as_str()), "{way}");
        assert!(ada.get(&settings).await.text.contains("Removed workshop."), "{way}");
        let gone = ground.stands(link.id, LinkState::Removed).await;
        assert_eq!((gone.live_target, gone.hook_secret), (None, None), "{way}");
        assert_eq!(ground.fake.subscriptions(), std::slice::from_ref(&foreign), "{way}");
        assert!(ada.get(&path_of(&link)).await.text.contains("Removed the subscription to workshop."), "{way}");

        // Again: as a double click, or from a page that was open.
        assert_eq!(remove(ada, &link).await.status, 303, "{way}");
        assert!(ada.get(&settings).await.text.contains("workshop was already removed."), "{way}");
    }
    ground.finish().await;
}

async fn twenty_removals_at_once_are_one(test: TestDatabase) {
    let ground = Ground::idle(test).await;
    let link = ground.add("workshop").await;
    ground.two.ada.token().await;
    let answers = futures::future::join_all((0..20).map(|_| remove(&ground.two.ada, &link))).await;
    assert!(answers.iter().all(|answer| answer.status == 303));
    assert_eq!(ground.jobs(UNINSTALL).await.len(), 1);
    // It had not been set up yet, and never is.
    ground.app().work();
    ground.stands(link.id, LinkState::Removed).await;
    ground.settled().await;
    assert!(ground.fake.subscriptions().is_empty());
    ground.finish().await;
}

async fn nobody_else_removes_it_and_nothing_but_our_form(test: TestDatabase) {
    let ground = Ground::idle(test).await;
    let link = ground.add("workshop").await;
    let (two, path) = (&ground.two, removal_of(&link));
    let ada = &two.ada;
    let token = ada.token().await;
    let before = ground.app().database.rows().await;

    // One that is not there, and one that is somebody else's, are told alike.
    let (theirs, unknown) = (remove(&two.eve, &link).await, {
        two.eve.post_form(&format!("/integrations/fake/link?link={UNKNOWN}"), &[("_method", "delete")]).await
    });
    assert_eq!((theirs.status, unknown.status), (404, 404));
    assert_eq!(theirs.body_alike(), unknown.body_alike());
    assert_eq!(remove(&two.bob, &link).await.status, 403);
    for strange in ["", "1", "-1", "null", "%00", "1%20OR%201=1"] {
        let path = format!("/integrations/fake/link?link={strange}");
        assert_eq!(ada.post_form(&path, &[("_method", "delete")]).await.status, 404, "{strange}");
    }
    let elsewhere = path.replace("/fake/", "/github/");
    assert_eq!(ada.post_form(&elsewhere, &[("_method", "delete")]).await.status, 404);
    let twice = format!("{path}&link={UNKNOWN}");
    assert!(matches!(ada.post_form(&twice, &[("_method", "delete")]).await.status, 400 | 404));

    let form = |fields: &[(&str, &str)]| {
        let mut fields = fields.to_vec();
        fields.push(("csrf", &token));
        ada.request(Method::POST, &path).header("sec-fetch-site", "same-origin").form(&fields)
    };
    let bare = |method: Method| ada.request(method, &path);
    let cases = [
        ("a link", bare(Method::GET), 200),
        ("an image", bare(Method::HEAD).header("sec-fetch-dest", "image"), 200),
        ("PUT", bare(Method::PUT).header("x-csrf-token", &token), 405),
        ("DELETE without a token", bare(Method::DELETE), 403),
        ("DELETE with an empty token", bare(Method::DELETE).header("x-csrf-token", ""), 403),
        (
            "DELETE from elsewhere",
            bare(Method::DELETE).header("x-csrf-token", &token).header("origin", "https://evil.example"),
            403,
        ),
        ("DELETE with a body that is no form", bare(Method::DELETE).header("x-csrf-token", &token).json(&[0]), 415),
        ("a form without a token", bare(Method::POST).form(&[("_method", "delete")]), 403),
        (
            "a form from elsewhere",
            bare(Method::POST).header("sec-fetch-site", "cross-site").form(&[("_method", "delete"), ("csrf", &token)]),
            403,
        ),
        ("a method in a header", form(&[]).header("x-http-method-override", "DELETE"), 422),
        ("a method in another header", form(&[]).header("x-method-override", "delete"), 422),
        ("another method", form(&[("_method", "put")]), 422),
        ("another word", form(&[("method", "delete")]), 422),
        (
            "a method in the address",
            ada.request(Method::POST, &format!("{path}&_method=delete")).form(&[("csrf", &token)]),
            422,
        ),
        ("a method in a link", ada.request(Method::GET, &format!("{path}&_method=delete")), 200),
    ];
    for (what, request, status) in cases {
        assert_eq!(ada.send(request).await.status, status, "{what}");
    }
    let visitor = ground.app().visitor();
    assert_eq!(remove(&visitor, &link).await.location(), "/login?next=%2Fintegrations%2Ffake");
    assert_eq!(ground.app().database.rows().await, before);
    ground.finish().await;
}

/// What happens to a link while its removal is on its way to the disk must not be written over it.
async fn a_removal_is_not_undone_by_what_happens_at_the_same_time(test: TestDatabase) {
    let ground = Ground::working(test).await;
    let core = &ground.app().core;
    let ada = ground.app().member("ada@example.com", ground.two.acme).await;
    for room in ["told-gone", "resumed", "heard-of"] {
        let link = ground.link(room).await;
        ground.settled().await;
        let broken = "UPDATE integration_links SET state = 'broken'";
        core.db.writer_for_tests().execute_unprepared(&format!("{broken} WHERE name = '{room}'")).await.unwrap();
        let stale = ground.find(link.id).await;
        let removing = core.db.begin().await.unwrap();
        let removed = format!("UPDATE integration_links SET state = 'removing' WHERE name = '{room}'");
        removing.execute_unprepared(&removed).await.unwrap();

        let meanwhile = async {
            let partner = core.partners.get("fake").unwrap();
            let gone = Happening::TargetGone { reason: "The room is gone.".into() };
            match room {
                "told-gone" => {
                    core.db.write(async |tx| integration_links::follow(core, tx, partner, &stale, gone).await).await
                }
                "resumed" => integration_links::resume(core, &ada, &stale).await,
                _ => {
                    core.db
                        .write(async |tx| {
                            integration_links::follow(core, tx, partner, &stale, Happening::HookWorks).await
                        })
                        .await
                }
            }
        };
        let commit = async {
            tokio::time::sleep(Duration::from_millis(200)).await;
            removing.commit().await.unwrap();
        };
        let (outcome, ()) = futures::join!(meanwhile, commit);

        assert_eq!(outcome.is_err(), room == "resumed", "{room}: {outcome:?}");
        let found = ground.find(link.id).await;
        assert_eq!((found.state, found.reason), (LinkState::Removing, None), "{room}");
    }
    ground.finish().await;
}

async fn a_users_own_link_is_theirs_and_the_admins(test: TestDatabase) {
    let ground = Ground::working(test).await;
    let team = ground.two.product.to_string();
    let dan = ground.app().user("dan@example.com", "Dan").await;
    ground.app().admit(&dan, ground.two.acme, ground.two.product).await;
    let dan = ground.app().log_in("dan@example.com").await;
    for remover in [&ground.two.bob, &ground.two.ada] {
        let own = [("level", "user"), ("team", team.as_str()), ("room", "study")];
        assert_eq!(ground.two.bob.post_form("/integrations/fake/link", &own).await.location(), "/settings");
        let links = ground.links().await;
        let link = links.iter().find(|link| link.live_target.is_some()).unwrap();
        ground.stands(link.id, LinkState::Active).await;
        assert_eq!(dan.get(&path_of(link)).await.status, 404, "a colleague's own link is nobody else's to see");
        assert_eq!(remove(&dan, link).await.status, 404);
        assert_eq!(remove(remover, link).await.status, 303);
        ground.stands(link.id, LinkState::Removed).await;
    }
    ground.finish().await;
}

/// From the answer to the removal on, nothing comes of what had arrived and nothing more is taken.
async fn nothing_comes_of_a_removed_links_hooks(test: TestDatabase) {
    let ground = Ground::idle(test).await;
    let link = ground.add("workshop").await;
    for number in 0..20 {
        let body = Ground::telling(&number.to_string(), "Shipped the charts");
        assert_eq!(ground.hook(&link, &number.to_string(), &body).await.status, 200);
    }
    let late = ground.fake.headers("late", b"{\"do\":\"works\"}", &ground.secret(&link));
    assert_eq!(remove(&ground.two.ada, &link).await.status, 303);

    let before = ground.messages().await.len();
    for headers in [late.as_slice(), &[]] {
        let answer = ground.call(&super::hook_path(&link), headers, b"{\"do\":\"works\"}").await;
        assert_eq!((answer.status, answer.text.as_str()), (410, ""));
    }
    ground.app().work();
    ground.settled().await;

    assert!(ground.entries().await.is_empty());
    let messages = ground.messages().await;
    assert_eq!(messages.len(), before);
    for message in messages {
        assert_eq!(message.state, MessageState::Ignored);
        assert_eq!(message.reason.as_deref(), Some("The link was removed."));
    }
    let answer = ground.call(&super::hook_path(&link), &late, b"{\"do\":\"works\"}").await;
    assert_eq!(answer.status, 410, "also when the clean-up is done");
    ground.finish().await;
}

async fn the_partner_may_be_down_while_a_link_is_removed(test: TestDatabase) {
    let ground = Ground::idle(test).await;
    let core = &ground.app().core;
    let foreign = ground.fake.subscribe_somebody_else("workshop");
    for trouble in
        [Trouble::Fails(ErrorKind::Unavailable), Trouble::LosesAnswer, Trouble::Fails(ErrorKind::RateLimited)]
    {
        let link = ground.add("workshop").await;
        integration_links::install(core, link.organization_id, link.id).await.unwrap();
        assert_eq!(ground.fake.subscriptions().len(), 2);
        remove(&ground.two.ada, &link).await;
        ground.fake.trouble_destroying(trouble);
        assert!(integration_links::uninstall(core, link.organization_id, link.id).await.is_err(), "{trouble:?}");
        assert_eq!(ground.find(link.id).await.state, LinkState::Removing, "{trouble:?}");
        for _ in 0..2 {
            integration_links::uninstall(core, link.organization_id, link.id).await.unwrap();
        }
        assert_eq!(ground.find(link.id).await.state, LinkState::Removed, "{trouble:?}");
        assert_eq!(ground.fake.subscriptions(), std::slice::from_ref(&foreign), "{trouble:?}");
    }
    ground.finish().await;
}

/// What is left over is told; a late hook shows that it is still there, and the clean-up begins again.
async fn what_is_left_over_is_told_and_taken_away_when_it_is_heard_of(test: TestDatabase) {
    let ground = Ground::working(test).await;
    let link = ground.link("workshop").await;
    ground.fake.trouble_destroying(Trouble::Fails(ErrorKind::Forbidden));
    remove(&ground.two.ada, &link).await;
    ground.stands(link.id, LinkState::Removed).await;
    assert_eq!(ground.fake.subscriptions().len(), 1);
    let page = ground.two.ada.get(&path_of(&link)).await;
    assert!(page.text.contains("Left over:") && page.text.contains("told to fail: Forbidden"), "no receipt");

    let heard = async || ground.call(&super::hook_path(&link), &[], b"").await.status;
    assert_eq!(heard().await, 410);
    ground.settled().await;
    assert_eq!(ground.fake.subscriptions().len(), 1, "not at once again");
    ground.app().clock.advance(Duration::from_secs(61 * 60));
    let again = futures::future::join_all((0..5).map(|_| heard())).await;
    assert_eq!(again, [410; 5]);
    ground.until("it is taken away", async || ground.fake.subscriptions().is_empty()).await;
    ground.settled().await;
    assert_eq!(ground.find(link.id).await.state, LinkState::Removed);
    ground.finish().await;
}

async fn at_github_exactly_our_webhook_goes(test: TestDatabase) {
    let ground = Ground::working(test).await;
    let foreign = ground.webhooks("acme/widgets").await;
    let link = ground.github_link("acme/widgets").await;
    assert_eq!(ground.webhooks("acme/widgets").await.len(), foreign.len() + 1);
    remove(&ground.two.ada, &link).await;
    ground.stands(link.id, LinkState::Removed).await;
    assert_eq!(ground.webhooks("acme/widgets").await, foreign);

    // Deleted by hand before: success. The account taken back before: told, with what is left.
    let link = ground.github_link("acme/widgets").await;
    let (ours, _) =
        ground.webhooks("acme/widgets").await.into_iter().find(|(_, url)| url.contains(&link.hook_key)).unwrap();
    let ours = format!("/repos/acme/widgets/hooks/{ours}");
    assert_eq!(ground.github.api("ada-codes", Method::DELETE, &ours, json!({})).await, 204);
    remove(&ground.two.ada, &link).await;
    ground.stands(link.id, LinkState::Removed).await;
    assert!(ground.two.ada.get(&path_of(&link)).await.text.contains("was gone already."));

    let link = ground.github_link("acme/widgets").await;
    ground.github.control("/users/ada-codes/revoke", json!({})).await;
    remove(&ground.two.ada, &link).await;
    ground.stands(link.id, LinkState::Removed).await;
    let page = ground.two.ada.get(&path_of(&link)).await;
    assert!(page.text.contains("Left over: the webhook") && page.text.contains("Connect GitHub again"), "no receipt");
    assert_eq!(ground.webhooks("acme/widgets").await.len(), foreign.len() + 1);
    ground.finish().await;
}

on_both_databases!(
    a_link_is_gone_at_once_and_ours_at_the_partner_soon,
    twenty_removals_at_once_are_one,
    nobody_else_removes_it_and_nothing_but_our_form,
    a_removal_is_not_undone_by_what_happens_at_the_same_time,
    a_users_own_link_is_theirs_and_the_admins,
    nothing_comes_of_a_removed_links_hooks,
    the_partner_may_be_down_while_a_link_is_removed,
    what_is_left_over_is_told_and_taken_away_when_it_is_heard_of,
    at_github_exactly_our_webhook_goes,
);
