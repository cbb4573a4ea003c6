//! The way to a mirror, as a browser goes it: GitHub's sandbox on the left, a desk that does as it is told on the right.

use integration_contract::{Card, PartnerSettings};
use integration_testkit::FakePartner;
use patchbay::db::entity::{
    integration_link::{self, LinkState},
    mirror, oauth_state,
};
use reqwest::Method;
use sea_orm::{EntityTrait, QueryOrder};
use serde_json::json;

use crate::{
    harness::{Answer, Client, TestDatabase, on_both_databases},
    integrations::{Ground, UNKNOWN, able, path_of},
};

/// Where the way begins.
const START: &str = "/mirrors/new?left=github&right=desk";

async fn ground(test: TestDatabase) -> Ground {
    let card = Card {
        id: "desk",
        name: "Desk",
        connect: FakePartner::accounts_in_districts(),
        settings: const { &[FakePartner::ADDRESS] },
        capabilities: FakePartner::working_card().capabilities,
        ..able()
    };
    let desk = FakePartner::with_card(card);
    Ground::idle_among(test, FakePartner::default(), PartnerSettings::default(), vec![desk]).await
}

/// The address of the form's next step: every one is sent to where it was drawn, without the wish for a certain step.
fn here(answer: &Answer) -> String {
    let after =
        answer.text.split("action=\"/mirrors/new?").nth(1).unwrap_or_else(|| panic!("no form: {}", answer.text));
    let query = after.split('"').next().unwrap();
    format!("/mirrors/new?{}", query.replace("&#38;", "&").replace("&amp;", "&"))
}

/// Sends a step and answers with where it goes on.
async fn go_on(client: &Client, at: &str, fields: &[(&str, &str)]) -> String {
    let answer = client.post_form(at, fields).await;
    assert_eq!(answer.status, 303, "{fields:?}: {}", answer.text);
    assert!(answer.location().starts_with("/mirrors/new?"), "{}", answer.location());
    answer.location().to_owned()
}

/// A sent step that comes back, with what is wrong.
async fn comes_back(client: &Client, at: &str, fields: &[(&str, &str)], sentence: &str) -> Answer {
    let answer = client.post_form(at, fields).await;
    assert_eq!((answer.status, answer.location()), (422, ""), "{fields:?}");
    assert!(answer.text.contains(sentence), "{fields:?} says nothing of {sentence:?}: {}", answer.text);
    answer
}

/// A browser's user connects both, on the way.
async fn connected(ground: &Ground, client: &Client) -> String {
    let to = client.post_form(START, &[("step", "connect"), ("side", "left")]).await;
    let back = ground.github.consent("ada-codes", to.location(), "authorize").await;
    let next = client.get(&back).await;
    assert_eq!(next.status, 303, "{}", next.text);
    let drawn = client.get(next.location()).await;
    assert!(drawn.text.contains("Connect Desk") && !drawn.text.contains("Connect GitHub"), "{}", drawn.text);
    let to = client.post_form(&here(&drawn), &[("step", "connect"), ("side", "right"), ("district", "north")]).await;
    let back = crate::integrations::consented_at("desk", client, to.location(), 7, "ada").await;
    assert_eq!(back.status, 303, "{}", back.text);
    back.location().to_owned()
}

/// Everything is chosen; only the button that makes it is left.
async fn chosen(ground: &Ground, client: &Client) -> String {
    let at = connected(ground, client).await;
    let at = go_on(client, &at, &[("step", "left"), ("repository", "acme/widgets")]).await;
    let at = go_on(client, &at, &[("step", "right"), ("room", "tickets")]).await;
    let how = [("step", "how"), ("creates", "both"), ("comments", "on"), ("labels", "on"), ("from", "new")];
    go_on(client, &at, &how).await
}

async fn mirrors(ground: &Ground) -> Vec<mirror::Model> {
    let all = mirror::Entity::find().order_by_asc(mirror::Column::Id);
    all.all(ground.app().core.db.reader()).await.unwrap()
}

async fn from_the_first_click_to_a_mirror_that_is_made_once(test: TestDatabase) {
    let ground = ground(test).await;
    let ada = &ground.two.ada;
    let page = ada.get("/mirrors/new").await;
    assert_eq!(page.status, 200, "{}", page.text);
    assert!(page.text.contains("Connect GitHub") && page.text.contains("Connect Desk"), "{}", page.text);

    let at = connected(&ground, ada).await;
    assert_eq!(ground.states().await, 0);
    let page = ada.get(&at).await;
    assert!(page.text.contains("name=\"repository\"") && page.text.contains("<option value=\"acme/widgets\">"));
    assert!(!page.text.contains("name=\"events\""), "what a mirror needs anyway is asked: {}", page.text);
    let back = comes_back(ada, &at, &[("step", "left"), ("repository", "acme/<b>")], "Name one repository").await;
    assert!(back.text.contains("value=\"acme/&#60;b&#62;\""), "what was typed is gone: {}", back.text);
    let back = comes_back(ada, &at, &[("step", "left"), ("repository", "acme/nowhere")], "Check the spelling").await;
    assert!(back.text.contains("value=\"acme/nowhere\""), "{}", back.text);

    let at = go_on(ada, &at, &[("step", "left"), ("repository", "acme/widgets")]).await;
    let page = ada.get(&at).await;
    assert!(page.text.contains("name=\"room\"") && page.text.contains("acme/widgets"), "{}", page.text);
    comes_back(ada, &at, &[("step", "right"), ("room", "no room")], "Name a room").await;
    let at = go_on(ada, &at, &[("step", "right"), ("room", "tickets")]).await;

    let page = ada.get(&at).await;
    assert!(page.text.contains("What is opened at GitHub gets a copy at Desk"), "{}", page.text);
    let wrong = [("step", "how"), ("creates", "right"), ("from", "open"), ("most", "0"), ("opened", "soon")];
    let back = comes_back(ada, &at, &wrong, "Choose a number from 1 to").await;
    assert!(back.text.contains("Type a day as 2026-11-22"), "{}", back.text);
    assert!(back.text.contains("value=\"soon\"") && back.text.contains("value=\"right\" checked"), "{}", back.text);
    let how = [("step", "how"), ("creates", "both"), ("comments", "on"), ("labels", "on"), ("from", "new")];
    let at = go_on(ada, &at, &how).await;

    let before = ground.app().database.rows().await;
    let page = ada.get(&at).await;
    assert_eq!(page.status, 200);
    assert!(page.text.contains("Save the mirror") && page.text.contains("tickets"), "{}", page.text);
    // A step back shows what was chosen.
    let again = ada.get(&format!("{at}&at=how")).await;
    assert!(again.text.contains("value=\"both\" checked"), "{}", again.text);
    assert_eq!(ground.app().database.rows().await, before, "looking made something");

    let saved = ada.post_form(&at, &[("step", "look")]).await;
    let made = mirrors(&ground).await;
    assert_eq!((saved.status, made.len()), (303, 1), "{}", saved.text);
    assert_eq!(saved.location(), format!("/mirrors/{}", made[0].id));
    assert_eq!((made[0].name.as_str(), made[0].settings["creates"].as_str()), ("acme/widgets ↔ tickets", Some("both")));
    assert_eq!((&made[0].settings["states"], &made[0].settings["labels"]), (&json!(false), &json!(true)));
    let links = ground.links().await;
    assert_eq!(links.iter().map(|link| link.settings["events"].clone()).next(), Some(json!(["issues", "comments"])));
    assert!(links.iter().all(|link| link.state == LinkState::Pending && link.integration_user_id.is_some()));

    // A second click is the same wish; a later one is another, and can't be.
    let twice = ada.post_form(&at, &[("step", "look")]).await;
    assert_eq!((twice.status, twice.location()), (303, saved.location()), "{}", twice.text);
    ground.app().clock.advance(std::time::Duration::from_secs(120));
    comes_back(ada, &at, &[("step", "look")], "are joined already").await;
    assert_eq!((mirrors(&ground).await.len(), ground.links().await.len()), (1, 2));
    ground.finish().await;
}

async fn an_address_of_nobodys_comes_back_with_a_sentence(test: TestDatabase) {
    let ground = ground(test).await;
    let ada = &ground.two.ada;
    let typed = [("step", "connect"), ("side", "right"), ("district", "North")];
    let back = comes_back(ada, START, &typed, "A district is a word of lower-case letters.").await;
    assert!(back.text.contains("name=\"district\" value=\"North\""), "{}", back.text);
    assert_eq!(ground.states().await, 0);
    ground.finish().await;
}

async fn who_says_no_comes_back_to_the_way(test: TestDatabase) {
    let ground = ground(test).await;
    let ada = &ground.two.ada;
    let to = ada.post_form(START, &[("step", "connect"), ("side", "left")]).await;
    let kept = oauth_state::Entity::find().one(ground.app().core.db.reader()).await.unwrap().unwrap();
    assert!(kept.return_to.is_some_and(|path| path.starts_with("/mirrors/new?")));
    // The partner learns nothing of where it goes on.
    assert!(!to.location().contains("mirrors"), "{}", to.location());
    let back = ground.github.consent("ada-codes", to.location(), "cancel").await;
    let next = ada.get(&back).await;
    assert_eq!(next.status, 303);
    assert!(next.location().starts_with("/mirrors/new?"), "{}", next.location());
    let page = ada.get(next.location()).await;
    assert!(page.text.contains("GitHub was not connected.") && page.text.contains("Connect GitHub"), "{}", page.text);
    ground.finish().await;
}

/// What a link brings stands in the log, so it is widened when its team says so, and not before.
async fn a_link_that_keeps_something_to_itself_is_widened_when_asked(test: TestDatabase) {
    let ground = ground(test).await;
    let ada = &ground.two.ada;
    let at = connected(&ground, ada).await;
    let team = ground.two.product.to_string();
    let form = [("team", team.as_str()), ("repository", "acme/widgets"), ("events", "issues"), ("events", "push")];
    assert_eq!(ada.post_form("/integrations/github/link", &form).await.status, 303);
    let link = ground.links().await.remove(0);

    let place = [("step", "left"), ("repository", "acme/widgets")];
    let back = comes_back(ada, &at, &place, "does not bring all that happens to its items").await;
    assert!(back.text.contains(&path_of(&link)), "{}", back.text);
    assert_eq!(ground.find(link.id).await.settings, link.settings);

    // Whoever goes on all the same is told so again, where it can be mended.
    let past = at.clone() + "&left.repository=acme/widgets&right.room=tickets&creates=left";
    let page = ada.get(&past).await;
    assert!(page.text.contains("Switch it on, and go on") && !page.text.contains("Save the mirror"), "{}", page.text);
    comes_back(ada, &past, &[("step", "look")], "does not bring all that happens to its items").await;
    assert_eq!(mirrors(&ground).await.len(), 0);

    let widen = [("step", "left"), ("repository", "acme/widgets"), ("widen", "yes")];
    let at = go_on(ada, &at, &widen).await;
    let widened = ground.find(link.id).await;
    assert_eq!(widened.settings["events"], json!(["push", "issues", "comments"]));
    let at = go_on(ada, &at, &[("step", "right"), ("room", "tickets")]).await;
    let at = go_on(ada, &at, &[("step", "how"), ("creates", "left")]).await;
    assert_eq!(ada.post_form(&at, &[("step", "look")]).await.status, 303);
    let mirror = mirrors(&ground).await.remove(0);
    assert_eq!((mirror.left_link, mirror.made_left, mirror.made_right), (link.id, false, true));
    ground.finish().await;
}

async fn only_admins_go_it(test: TestDatabase) {
    let ground = ground(test).await;
    let at = chosen(&ground, &ground.two.ada).await;
    let before = ground.app().database.rows().await;
    let two = &ground.two;
    for path in [START, at.as_str()] {
        let visitor = ground.app().visitor();
        let answer = visitor.get(path).await;
        assert_eq!(answer.status, 303, "{}", answer.text);
        assert!(answer.location().starts_with("/login?next=%2Fmirrors%2Fnew"), "{}", answer.location());
        let answer = visitor.post_form(path, &[("step", "look")]).await;
        assert_eq!((answer.status, answer.location()), (303, "/login?next=%2Fmirrors%2Fnew"));
        for answer in [two.bob.get(path).await, two.bob.post_form(path, &[("step", "look")]).await] {
            assert_eq!(answer.status, 403);
            assert!(answer.text.contains("Only admins and owners of the organization may"), "{}", answer.text);
        }
    }
    // Somebody else's team is none, and somebody else's accounts are not there to be chosen.
    let of_acme = format!("{START}&team={}", two.product);
    for path in [of_acme.as_str(), &format!("{START}&team={UNKNOWN}")] {
        assert_eq!(two.eve.get(path).await.status, 404, "{path}");
        assert_eq!(two.eve.post_form(path, &[("step", "look")]).await.status, 404, "{path}");
    }
    let account = ground.accounts().await.remove(0).id;
    let page = two.eve.get(&format!("{START}&left_account={account}")).await;
    assert!(page.text.contains("Connect GitHub") && !page.text.contains("ada-codes"), "{}", page.text);
    let sent = two.eve.post_form(START, &[("step", "accounts"), ("left_account", &account.to_string())]).await;
    assert_eq!(sent.status, 422, "{}", sent.text);
    assert_eq!(ground.app().database.rows().await, before);
    ground.finish().await;
}

async fn nonsense_leads_nowhere(test: TestDatabase) {
    let ground = ground(test).await;
    let ada = &ground.two.ada;
    let before = ground.app().database.rows().await;
    for query in
        ["left=nobody&right=desk", "left=github", "left=fake&right=desk", "left=%00&right=desk", "right=github"]
    {
        let path = format!("/mirrors/new?{query}");
        assert_eq!(ada.get(&path).await.status, 404, "{path}");
        assert_eq!(ada.post_form(&path, &[("step", "look")]).await.status, 404, "{path}");
    }
    for query in
        ["team=x", "at=look", "at=nowhere", "creates=everybody&at=look", "left_account=7", "left.repository=%ff"]
    {
        let page = ada.get(&format!("{START}&{query}")).await;
        assert_eq!(page.status, 200, "{query}");
        assert!(page.text.contains("Connect GitHub"), "{query}: {}", page.text);
    }
    for step in ["", "nowhere", "connect"] {
        let answer = ada.post_form(START, &[("step", step), ("side", "middle")]).await;
        assert_eq!(answer.status, 422, "{step:?}: {}", answer.text);
    }
    // What is not there yet is asked for first.
    for step in ["left", "look"] {
        let next = go_on(ada, START, &[("step", step), ("repository", "acme/widgets")]).await;
        assert!(ada.get(&next).await.text.contains("Connect GitHub"), "{step}");
    }
    assert_eq!(ground.app().database.rows().await, before);

    let token = ada.token().await;
    let foreign = ada.request(Method::POST, START).header("sec-fetch-site", "cross-site");
    let sent = ada.send(foreign.form(&[("csrf", token.as_str()), ("step", "look")])).await;
    assert_eq!(sent.status, 403);
    assert_eq!(ada.post_form("/mirrors/new?left=github&right=desk&x=%zz", &[("step", "look")]).await.status, 303);
    ground.finish().await;
}

async fn a_partner_that_is_away_says_so_and_nothing_is_made(test: TestDatabase) {
    let ground = ground(test).await;
    let ada = &ground.two.ada;
    let at = chosen(&ground, ada).await;
    let before = ground.app().database.rows().await;
    let away = json!({ "effect": "status", "status": 503, "times": 20, "body": { "message": "Unavailable" } });
    ground.github.trouble("/api/v3/repos/*", away).await;
    let answer = ada.post_form(&at, &[("step", "look")]).await;
    assert_eq!(answer.status, 502, "{}", answer.text);
    assert_eq!(ground.app().database.rows().await, before);
    ground.github.calm().await;
    assert_eq!(ada.post_form(&at, &[("step", "look")]).await.status, 303);
    ground.finish().await;
}

async fn the_catalogue_offers_it(test: TestDatabase) {
    let ground = ground(test).await;
    let (ada, bob) = (&ground.two.ada, &ground.two.bob);
    let offer = "/integrations/mirrors/code-and-desk";
    let catalogue = ada.get("/integrations").await.text;
    assert!(catalogue.contains(offer) && catalogue.contains("GitHub ↔ Desk") && catalogue.contains("Set it up"));
    let page = ada.get(offer).await.text;
    assert!(page.contains("It keeps both in step.") && page.contains("How it works"), "{page}");
    assert!(
        page.contains("/mirrors/new?left=github")
            && !page.contains("<script>alert(1)")
            && !page.contains("<b>difficult")
    );
    // In the words that a mirror writes.
    assert!(
        page.contains("<strong>ada-codes</strong> wrote in <a href=\"https://code.example/1\">acme/widgets#1</a>"),
        "{page}"
    );
    let bobs = bob.get(offer).await.text;
    assert!(bobs.contains("Only admins and owners") && !bobs.contains("/mirrors/new"), "{bobs}");
    for nothing in ["nobody", "link", "code-and-desk%00", "%3Cb%3E"] {
        assert_eq!(ada.get(&format!("/integrations/mirrors/{nothing}")).await.status, 404, "{nothing}");
    }
    let at = chosen(&ground, ada).await;
    ada.post_form(&at, &[("step", "look")]).await;
    assert!(ada.get("/integrations").await.text.contains("1 mirror"));
    assert!(!ground.two.eve.get("/integrations").await.text.contains("1 mirror"));
    ground.finish().await;
}

async fn its_page_is_for_whoever_sees_the_team_and_its_buttons_for_admins(test: TestDatabase) {
    let ground = ground(test).await;
    let (ada, bob, eve) = (&ground.two.ada, &ground.two.bob, &ground.two.eve);
    let at = chosen(&ground, ada).await;
    let path = ada.post_form(&at, &[("step", "look")]).await.location().to_owned();

    let page = ada.get(&path).await.text;
    assert!(
        page.contains("acme/widgets ↔ tickets")
            && page.contains("Being set up")
            && page.contains("Nothing has happened yet")
    );
    let bobs = bob.get(&path).await.text;
    assert!(
        bobs.contains("acme/widgets ↔ tickets") && !bobs.contains("value=\"pause\"") && !bobs.contains("_method"),
        "{bobs}"
    );
    assert_eq!(eve.get(&path).await.status, 404);
    for nothing in ["x", UNKNOWN, "%00", "new%20"] {
        assert_eq!(ada.get(&format!("/mirrors/{nothing}")).await.status, 404, "{nothing}");
    }
    assert_eq!(ada.get(&format!("{path}?before=x")).await.status, 200);

    let act = async |client: &Client, fields: &[(&str, &str)]| client.post_form(&path, fields).await;
    assert_eq!(act(bob, &[("action", "pause")]).await.status, 403);
    for action in ["", "explode"] {
        assert_eq!(act(ada, &[("action", action)]).await.status, 422, "{action}");
    }
    assert_eq!(act(ada, &[("action", "again"), ("change", "x")]).await.status, 404);
    assert_eq!(act(ada, &[("action", "again"), ("change", UNKNOWN)]).await.status, 404);
    let back = act(ada, &[("action", "save"), ("creates", "everybody"), ("states", "on")]).await;
    assert_eq!(back.status, 422);
    assert!(
        back.text.contains("Choose whose new items get a copy.")
            && back.text.contains("name=\"states\" value=\"on\" checked")
    );
    let back = act(ada, &[("action", "backfill"), ("most", "many")]).await;
    assert_eq!(back.status, 422, "{}", back.text);

    assert_eq!(act(ada, &[("action", "save"), ("creates", "nobody"), ("states", "on")]).await.status, 303);
    let mirror = mirrors(&ground).await.remove(0);
    assert_eq!((&mirror.settings["creates"], &mirror.settings["states"]), (&json!("nobody"), &json!(true)));
    assert_eq!(mirror.settings["comments"], json!(false));
    assert_eq!(act(ada, &[("action", "pause")]).await.status, 303);
    assert!(ada.get(&path).await.text.contains("Paused since"));
    assert_eq!(act(ada, &[("action", "pause")]).await.status, 303);
    assert!(ada.get(&path).await.text.contains("Only a working mirror can be paused."));
    assert_eq!(act(ada, &[("action", "resume")]).await.status, 303);
    // The link says what joins it.
    let link: Vec<integration_link::Model> = ground.links().await;
    assert!(ada.get(&path_of(&link[0])).await.text.contains(&path));
    ground.finish().await;
}

async fn the_team_s_settings_list_it_and_remove_it(test: TestDatabase) {
    let ground = ground(test).await;
    let (ada, bob) = (&ground.two.ada, &ground.two.bob);
    let at = chosen(&ground, ada).await;
    let path = ada.post_form(&at, &[("step", "look")]).await.location().to_owned();
    let settings = format!("/teams/{}/settings", ground.two.product);
    let page = ada.get(&settings).await.text;
    assert!(
        page.contains(&format!("action=\"{path}\""))
            && page.contains("Removing it removes the links to acme/widgets and tickets")
    );
    let bobs = bob.get(&settings).await.text;
    assert!(bobs.contains(&path) && !bobs.contains(&format!("action=\"{path}\"")), "{bobs}");

    ground.app().work();
    ground
        .until("both are set up", async || ground.links().await.iter().all(|link| link.state == LinkState::Active))
        .await;
    assert_eq!(ground.webhooks("acme/widgets").await.len(), 2);
    let removed = ada.post_form(&path, &[("_method", "delete")]).await;
    assert_eq!((removed.status, removed.location()), (303, settings.as_str()));
    ground.until("it is gone", async || mirrors(&ground).await[0].receipt.is_some()).await;
    let page = ada.get(&settings).await.text;
    assert!(page.contains("Removed the webhook") && page.contains("Removed the subscription to tickets."), "{page}");
    // Of the two webhooks one is another product's.
    assert_eq!(ground.webhooks("acme/widgets").await.len(), 1);

    let token = ada.token().await;
    let again = ada.send(ada.request(Method::DELETE, &path).header("x-csrf-token", token)).await;
    assert_eq!(again.status, 303);
    assert!(ada.get(&settings).await.text.contains("was already removed"));
    let page = ada.get(&path).await.text;
    assert!(page.contains("Removed since") && !page.contains("value=\"pause\"") && !page.contains("_method"), "{page}");
    let late = ada.post_form(&path, &[("action", "save"), ("creates", "left")]).await;
    assert_eq!(late.status, 303);
    assert!(ada.get(&path).await.text.contains("This mirror was removed meanwhile."));
    ground.finish().await;
}

on_both_databases!(
    from_the_first_click_to_a_mirror_that_is_made_once,
    an_address_of_nobodys_comes_back_with_a_sentence,
    who_says_no_comes_back_to_the_way,
    a_link_that_keeps_something_to_itself_is_widened_when_asked,
    only_admins_go_it,
    nonsense_leads_nowhere,
    a_partner_that_is_away_says_so_and_nothing_is_made,
    the_catalogue_offers_it,
    its_page_is_for_whoever_sees_the_team_and_its_buttons_for_admins,
    the_team_s_settings_list_it_and_remove_it,
);
