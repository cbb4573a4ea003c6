//! The form of a new link: who gets it, what it may say, and what sending it twice comes to.

use std::time::Duration;

use patchbay::{
    core::{integration_links, organizations},
    db::entity::{
        integration_link::{self, LinkLevel, LinkState},
        member::Role,
    },
};
use reqwest::Method;
use serde_json::json;

use super::{Ground, UNKNOWN, path_of};
use crate::harness::{TestDatabase, on_both_databases};

const FORM: &str = "/integrations/fake/link";

async fn without_an_account_the_partners_page_has_the_button(test: TestDatabase) {
    let ground = Ground::idle(test).await;
    let ada = &ground.two.ada;
    let team = ground.two.product.to_string();
    let fields = [("team", team.as_str()), ("repository", "acme/widgets"), ("events", "push")];
    for answer in
        [ada.get("/integrations/github/link").await, ada.post_form("/integrations/github/link", &fields).await]
    {
        assert_eq!((answer.status, answer.location()), (303, "/integrations/github"));
    }
    let page = ada.get("/integrations/github").await;
    assert!(page.text.contains("method=\"post\" action=\"/auth/github\""));
    assert!(ground.links().await.is_empty());

    // A colleague's account is not one's own.
    ground.connect(&ground.two.bob, "ada-codes").await;
    assert_eq!(ada.get("/integrations/github/link").await.location(), "/integrations/github");
    ground.finish().await;
}

async fn a_partner_that_does_not_answer_leaves_a_form_to_try_again(test: TestDatabase) {
    let ground = Ground::idle(test).await;
    let ada = &ground.two.ada;
    ground.connect(ada, "ada-codes").await;
    let list = "/api/v3/user/repos";
    for trouble in [
        json!({ "effect": "status", "status": 500 }),
        json!({ "effect": "secondary_limit" }),
        json!({ "effect": "malformed" }),
        json!({ "effect": "reset" }),
    ] {
        ground.github.trouble(list, trouble.clone()).await;
        let page = ada.get("/integrations/github/link").await;
        assert_eq!(page.status, 200, "{trouble}");
        assert!(page.text.contains("Try again</a>") && !page.text.contains("name=\"repository\""), "{trouble}");
        ground.github.calm().await;
    }
    assert!(ada.get("/integrations/github/link").await.text.contains("acme/widgets"));

    // The same when the form is sent: nothing is made of a check that was not made.
    let team = ground.two.product.to_string();
    let fields = [("team", team.as_str()), ("repository", "acme/widgets"), ("events", "push")];
    ground.github.trouble("/api/v3/repos/acme/widgets", json!({ "effect": "status", "status": 500 })).await;
    let answer = ada.post_form("/integrations/github/link", &fields).await;
    assert_eq!(answer.status, 502);
    assert!(answer.text.contains("acme/widgets"), "what was typed is gone");
    assert!(ground.links().await.is_empty());
    ground.finish().await;
}

async fn a_new_links_preview_shows_what_happened_lately(test: TestDatabase) {
    let ground = Ground::idle(test).await;
    let ada = &ground.two.ada;
    ground.connect(ada, "ada-codes").await;
    let team = ground.two.product.to_string();
    let preview = async |events: &[&'static str]| {
        let mut fields = vec![("action", "preview"), ("team", team.as_str()), ("repository", "acme/widgets")];
        fields.extend(events.iter().map(|event| ("events", *event)));
        let page = ada.post_form("/integrations/github/link", &fields).await;
        assert_eq!(page.status, 200, "{}", page.text);
        page.text.split_once("id=\"preview\"").expect("a preview").1.to_owned()
    };
    let before = ground.app().database.rows().await;

    let shown = preview(&["issues", "push"]).await;
    for text in ["Opened issue #1: Widget stops", "Closed issue #3", "issues.closed", "GitHub lists none of before"] {
        assert!(shown.contains(text), "{text:?} in {shown}");
    }
    assert!(!shown.contains("pull request #4"), "{shown}");
    assert!(preview(&["pull_requests"]).await.contains("Opened pull request #4"));
    // What can't be looked up stops nobody.
    ground.github.trouble("/api/v3/repositories/*", json!({ "effect": "status", "status": 500 })).await;
    let failed = preview(&["issues"]).await;
    assert!(failed.contains("What happened lately can&#39;t be shown: GitHub is not able"), "{failed}");
    ground.github.calm().await;
    assert_eq!(ground.app().database.rows().await, before, "something was saved");
    ground.finish().await;
}

async fn only_our_own_form_makes_a_link(test: TestDatabase) {
    let ground = Ground::idle(test).await;
    let (ada, team) = (&ground.two.ada, ground.two.product.to_string());
    let (token, bobs) = (ada.token().await, ground.two.bob.token().await);
    let before = ground.app().database.rows().await;
    let form = |token: &str| {
        let mut fields = ground.room(&team, "workshop");
        fields.push(("csrf", token));
        ada.request(Method::POST, FORM).form(&fields)
    };
    let same = |request: reqwest::RequestBuilder| request.header("sec-fetch-site", "same-origin");
    let body = |kind: &str, body: String| same(ada.request(Method::POST, FORM)).header("content-type", kind).body(body);
    let cases = [
        ("no token", same(form("")), 403),
        ("another's token", same(form(&bobs)), 403),
        ("another site", form(&token).header("sec-fetch-site", "cross-site"), 403),
        ("another origin", form(&token).header("origin", "https://evil.example"), 403),
        ("JSON", body("application/json", format!("{{\"csrf\":\"{token}\",\"room\":\"workshop\"}}")), 415),
        ("plain text", body("text/plain", format!("csrf={token}&room=workshop")), 415),
        ("multipart", body("multipart/form-data; boundary=x", format!("--x\r\n\r\n{token}\r\n--x--")), 415),
        ("compressed", same(form(&token)).header("content-encoding", "gzip"), 415),
        ("too much", same(form(&"x".repeat(1024 * 1024 + 1))), 413),
    ];
    for (what, request, status) in cases {
        assert_eq!(ada.send(request).await.status, status, "{what}");
    }
    let visitor = ground.app().visitor();
    let answer = visitor.post_form(FORM, &ground.room(&team, "workshop")).await;
    assert_eq!((answer.status, answer.location()), (303, "/login?next=%2Fintegrations%2Ffake"));
    assert_eq!(ground.app().database.rows().await, before);
    ground.finish().await;
}

async fn what_can_not_be_linked_is_said_and_nothing_is_kept(test: TestDatabase) {
    let ground = Ground::idle(test).await;
    let (product, lab) = (ground.two.product.to_string(), ground.two.lab.to_string());
    let before = ground.app().database.rows().await;
    let (ada, bob, eve) = (&ground.two.ada, &ground.two.bob, &ground.two.eve);
    let long = "x".repeat(300);
    let room = |team: &str, room: &str| format!("level=team&team={team}&room={room}");
    let cases = [
        ("a team of another organization", ada, room(&lab, "a"), 404),
        ("a team of another organization, for oneself", ada, format!("level=user&team={lab}&room=a"), 404),
        ("another organization's member", eve, room(&product, "a"), 404),
        ("a team that is not there", ada, room(UNKNOWN, "a"), 404),
        ("an organization's id", ada, room(&ground.two.acme.to_string(), "a"), 404),
        ("no team", ada, "level=team&room=a".to_owned(), 422),
        ("an empty team", ada, room("", "a"), 422),
        ("0", ada, room("0", "a"), 422),
        ("-1", ada, room("-1", "a"), 422),
        ("SQL", ada, room("1+OR+1%3D1", "a"), 422),
        ("NUL", ada, room("%00", "a"), 422),
        ("a long team", ada, room(&long, "a"), 422),
        ("two teams", ada, format!("{}&team={lab}", room(&product, "a")), 422),
        ("a team's link by a plain member", bob, room(&product, "a"), 403),
        ("no level", ada, format!("team={product}&room=a"), 422),
        ("no such level", ada, format!("level=everyone&team={product}&room=a"), 422),
        ("no room", ada, format!("level=team&team={product}"), 422),
        ("an empty room", ada, room(&product, ""), 422),
        ("a room of blanks", ada, room(&product, "+++"), 422),
        ("a room elsewhere", ada, room(&product, "../../room"), 422),
        ("a room with a query", ada, room(&product, "a%3Fx%3D1"), 422),
        ("a room of markup", ada, room(&product, "%3Cscript%3Ealert(1)%3C/script%3E"), 422),
        ("a long room", ada, room(&product, &long), 422),
        ("invalid UTF-8", ada, room(&product, "%ff%fe"), 422),
        ("another method than delete", ada, format!("{}&_method=put", room(&product, "")), 422),
    ];
    for (what, client, body, status) in cases {
        let request = client.request(Method::POST, FORM).header("x-csrf-token", client.token().await);
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let answer = client.send(request.body(body)).await;
        assert_eq!(answer.status, status, "{what}");
        let theirs = if std::ptr::eq(client, eve) { "Product" } else { "Lab" };
        assert!(!answer.text.contains("<script>alert") && !answer.text.contains(theirs), "{what}");
    }
    assert_eq!(ground.app().database.rows().await, before);
    assert!(ground.fake.subscriptions().is_empty());
    ground.finish().await;
}

async fn names_that_are_no_repository_never_reach_the_partner(test: TestDatabase) {
    let ground = Ground::idle(test).await;
    let ada = &ground.two.ada;
    ground.connect(ada, "ada-codes").await;
    let team = ground.two.product.to_string();
    let long = "a".repeat(500);
    let before = ground.app().database.rows().await;
    for name in [
        "../../user",
        "a/b?x=1",
        "a/b#",
        "a%2fb",
        "a/b/c",
        ".",
        "..",
        "a/b\0",
        &long,
        "аcme/widgets",
        "https://evil.example/a/b",
    ] {
        let fields = [("team", team.as_str()), ("repository", name), ("events", "push")];
        let answer = ada.post_form("/integrations/github/link", &fields).await;
        assert_eq!(answer.status, 422, "{name:?}");
    }
    // There is one, but this person does not see it, or may not manage it.
    for name in ["umbra/secret", "bob-builds/none", "umbra/umbrella"] {
        let fields = [("team", team.as_str()), ("repository", name), ("events", "push")];
        assert_eq!(ada.post_form("/integrations/github/link", &fields).await.status, 422, "{name}");
    }
    assert_eq!(ground.github.calls("GET", "/api/v3/repos/*").await, 3);
    assert_eq!(ground.github.calls("POST", "/api/v3/*").await, 0);
    assert_eq!(ground.app().database.rows().await, before);
    ground.finish().await;
}

async fn fields_that_no_form_has_change_nothing(test: TestDatabase) {
    let ground = Ground::idle(test).await;
    let team = ground.two.product.to_string();
    let eve = ground.app().member("eve@example.com", ground.two.umbra).await.user.to_string();
    let umbra = ground.two.umbra.to_string();
    let mut fields = ground.room(&team, "workshop");
    fields.extend([
        ("id", UNKNOWN),
        ("user_id", &eve),
        ("organization_id", &umbra),
        ("organization", &umbra),
        ("partner", "github"),
        ("integration_type", "github"),
        ("secret", "chosen"),
        ("hook_secret", "chosen"),
        ("hook_key", "chosen"),
        ("state", "active"),
        ("active", "1"),
        ("target", "room:other"),
        ("name", "chosen"),
        ("created_at", "0"),
    ]);
    assert_eq!(ground.two.ada.post_form(FORM, &fields).await.status, 303);

    let link = ground.links().await.remove(0);
    let ada = ground.app().member("ada@example.com", ground.two.acme).await.user;
    assert_eq!((link.organization_id, link.user_id, link.team_id), (ground.two.acme, Some(ada), ground.two.product));
    assert_eq!(
        (link.partner.as_str(), link.name.as_str(), link.target.as_str()),
        ("fake", "workshop", "room:workshop")
    );
    assert_eq!((link.state, link.settings.clone()), (LinkState::Pending, json!({ "room": "workshop", "tell": "no" })));
    assert_eq!(link.created_at, ground.app().clock.now());
    assert!(link.id.to_string() != UNKNOWN && link.hook_key.len() >= 22 && link.hook_key != "chosen");
    use integration_contract::ExposeSecret;
    assert!(ground.secret(&link).expose_secret().len() >= 40);
    ground.finish().await;
}

async fn twenty_clicks_at_once_make_one_link_and_one_subscription(test: TestDatabase) {
    let ground = Ground::working(test).await;
    let team = ground.two.product.to_string();
    let fields = ground.room(&team, "workshop");
    ground.two.ada.token().await;

    let clicks = (0..20).map(|_| ground.two.ada.post_form(FORM, &fields));
    let answers = futures::future::join_all(clicks).await;

    let settings = format!("/teams/{team}/settings");
    for answer in &answers {
        assert_eq!((answer.status, answer.location()), (303, settings.as_str()), "{}", answer.text);
    }
    let link = ground.links().await;
    assert_eq!(link.len(), 1);
    ground.stands(link[0].id, LinkState::Active).await;
    ground.settled().await;
    assert_eq!(ground.fake.subscriptions().len(), 1);
    // Another tab, a while later, is another wish.
    assert_eq!(ground.two.ada.post_form(FORM, &fields).await.status, 303);
    ground.app().clock.advance(Duration::from_secs(61));
    let late = ground.two.ada.post_form(FORM, &fields).await;
    assert_eq!(late.status, 422);
    assert!(late.text.contains("workshop is already linked to this team."), "{}", late.text);
    assert_eq!((ground.links().await.len(), ground.fake.subscriptions().len()), (1, 1));
    ground.finish().await;
}

async fn of_two_admins_at_once_one_makes_the_link(test: TestDatabase) {
    let ground = Ground::working(test).await;
    let ada = ground.app().member("ada@example.com", ground.two.acme).await;
    let bob = ground.app().member("bob@example.com", ground.two.acme).await;
    organizations::change_role(&ground.app().core, &ada, bob.user, Role::Admin).await.unwrap();
    let team = ground.two.product.to_string();
    let fields = ground.room(&team, "workshop");

    let (adas, bobs) = futures::join!(ground.two.ada.post_form(FORM, &fields), ground.two.bob.post_form(FORM, &fields));

    let mut statuses = [adas.status, bobs.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [303, 422]);
    ground.settled().await;
    assert_eq!((ground.links().await.len(), ground.fake.subscriptions().len()), (1, 1));
    ground.finish().await;
}

/// The right to make it is looked at once more in the transaction that makes it.
async fn who_was_removed_meanwhile_makes_no_link(test: TestDatabase) {
    let ground = Ground::idle(test).await;
    let core = &ground.app().core;
    let ada = ground.app().member("ada@example.com", ground.two.acme).await;
    let bob = ground.app().member("bob@example.com", ground.two.acme).await;
    organizations::remove_member(core, &ada, bob.user).await.unwrap();
    let new = integration_links::NewLink {
        level: LinkLevel::User,
        team: ground.two.product,
        account: None,
        checked: integration_contract::CheckedLink {
            settings: integration_contract::LinkSettings(json!({ "room": "a" })),
            target: "room:a".into(),
        },
    };
    let partner = core.partners.get("fake").unwrap();
    assert!(integration_links::create(core, &bob, partner, new).await.is_err());
    assert!(ground.links().await.is_empty());
    ground.finish().await;
}

/// Asking a partner takes seconds; who was an admin when the request began may be none when it ends.
async fn who_was_removed_meanwhile_changes_no_link(test: TestDatabase) {
    let ground = Ground::working(test).await;
    let link = ground.link("workshop").await;
    ground.settled().await;
    let core = &ground.app().core;
    let ada = ground.app().member("ada@example.com", ground.two.acme).await;
    let bob = ground.app().member("bob@example.com", ground.two.acme).await;
    organizations::change_role(core, &ada, bob.user, Role::Admin).await.unwrap();
    let bob = ground.app().member("bob@example.com", ground.two.acme).await;
    organizations::change_role(core, &ada, bob.user, Role::Member).await.unwrap();
    let partner = core.partners.get("fake").unwrap();
    let before = ground.app().database.rows().await;
    let checked = || integration_contract::CheckedLink {
        settings: integration_contract::LinkSettings(json!({ "room": "workshop" })),
        target: link.target.clone(),
    };
    let refused = |done: patchbay::core::Result<()>, what: &str| {
        assert!(matches!(done, Err(patchbay::core::Error::Forbidden(_))), "{what}: {done:?}");
    };

    refused(integration_links::change(core, &bob, partner, &link, checked()).await, "change");
    refused(integration_links::pause(core, &bob, &link).await, "pause");
    refused(integration_links::remove(core, &bob, &link).await.map(drop), "remove");
    let paused = integration_link::Model { state: LinkState::Paused, ..link.clone() };
    refused(integration_links::resume(core, &bob, &paused).await, "resume");
    assert_eq!(ground.app().database.rows().await, before);
    ground.finish().await;
}

async fn a_links_page_does_only_what_it_offers_and_to_those_it_offers_it(test: TestDatabase) {
    let ground = Ground::working(test).await;
    let link = ground.link("workshop").await;
    let other = ground.link("study").await;
    ground.hook(&other, "1", b"{\"do\":\"ignore\"}").await;
    let message = ground.messages().await[0].id.to_string();
    // A link works a moment before its job is gone.
    ground.settled().await;
    let two = &ground.two;
    let path = path_of(&link);
    let before = ground.app().database.rows().await;
    let cases = [
        ("nothing", &two.ada, vec![], 422),
        ("something else", &two.ada, vec![("action", "explode")], 422),
        ("a message of another link", &two.ada, vec![("action", "replay"), ("message", message.as_str())], 404),
        ("no message", &two.ada, vec![("action", "replay"), ("message", UNKNOWN)], 404),
        ("nonsense for a message", &two.ada, vec![("action", "replay"), ("message", "-1")], 404),
        ("another room", &two.ada, vec![("action", "save"), ("room", "attic")], 422),
        ("no room", &two.ada, vec![("action", "save")], 422),
        ("a plain member", &two.bob, vec![("action", "pause")], 403),
        ("a plain member", &two.bob, vec![("action", "check")], 403),
        ("another organization's owner", &two.eve, vec![("action", "pause")], 404),
    ];
    for (what, client, fields, status) in cases {
        assert_eq!(client.post_form(&path, &fields).await.status, status, "{what}");
    }
    for strange in [path.replace("/fake/", "/github/"), path.replace(&link.id.to_string(), "1"), format!("{path}0")] {
        assert_eq!(two.ada.get(&strange).await.status, 404, "{strange}");
        assert_eq!(two.ada.post_form(&strange, &[("action", "pause")]).await.status, 404, "{strange}");
    }
    assert_eq!(ground.app().database.rows().await, before);

    for (action, state) in [
        ("pause", LinkState::Paused),
        ("pause", LinkState::Paused),
        ("resume", LinkState::Active),
        ("resume", LinkState::Active),
    ] {
        assert_eq!(two.ada.post_form(&path, &[("action", action)]).await.status, 303, "{action}");
        ground.stands(link.id, state).await;
    }
    assert_eq!(ground.fake.subscriptions().len(), 2, "one for each room");
    ground.finish().await;
}

on_both_databases!(
    without_an_account_the_partners_page_has_the_button,
    a_partner_that_does_not_answer_leaves_a_form_to_try_again,
    a_new_links_preview_shows_what_happened_lately,
    only_our_own_form_makes_a_link,
    what_can_not_be_linked_is_said_and_nothing_is_kept,
    names_that_are_no_repository_never_reach_the_partner,
    fields_that_no_form_has_change_nothing,
    twenty_clicks_at_once_make_one_link_and_one_subscription,
    of_two_admins_at_once_one_makes_the_link,
    who_was_removed_meanwhile_makes_no_link,
    who_was_removed_meanwhile_changes_no_link,
    a_links_page_does_only_what_it_offers_and_to_those_it_offers_it,
);
