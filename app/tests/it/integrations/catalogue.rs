//! The catalogue and the partners' own pages.

use integration_contract::{Card, ErrorKind, PartnerSettings};
use integration_github::GitHub;
use integration_testkit::{FakePartner, Trouble};
use patchbay::{core::partners::Partners, db::entity::integration_link::LinkState};
use reqwest::Method;
use std::sync::Arc;

use super::Ground;
use crate::harness::{TestApp, TestDatabase, between, on_both_databases};

/// Another one, which an offer joins with GitHub.
fn desk() -> FakePartner {
    FakePartner::with_card(Card { id: "desk", name: "Desk", ..FakePartner::honest_card() })
}

/// Words that no partner goes by.
const NOBODY: &[&str] = &["nobody", "FAKE", "fake%00", "..%2ffake", "%3Cscript%3E", "fake%20", "-1", "%ff"];

async fn every_partner_has_a_tile_and_a_page(test: TestDatabase) {
    let ground = Ground::idle(test).await;
    let catalogue = ground.two.ada.get("/integrations").await;
    assert_eq!(catalogue.status, 200);
    for (id, name) in [("fake", "Fake"), ("github", "GitHub")] {
        assert!(catalogue.text.contains(&format!("/integrations/{id}")), "{id} has no tile");
        let page = ground.two.ada.get(&format!("/integrations/{id}")).await;
        assert_eq!(page.status, 200);
        assert!(page.text.contains(name));
        // Looked at signed out too, by whoever shows the icon elsewhere.
        let icon = ground.app().visitor().get(&format!("/integrations/{id}/icon.svg")).await;
        assert_eq!((icon.status, icon.header("content-type")), (200, "image/svg+xml"));
        assert_eq!(icon.header("x-content-type-options"), "nosniff");
    }
    ground.finish().await;
}

async fn the_catalogue_is_searched_and_narrowed_down(test: TestDatabase) {
    let ground = Ground::idle_among(test, FakePartner::default(), PartnerSettings::default(), vec![desk()]).await;
    let found = async |query: &str| {
        let page = ground.two.ada.get(&format!("/integrations{query}")).await;
        assert_eq!(page.status, 200, "{query}");
        assert!(!page.text.contains("<script>"), "{query}");
        let titles = page.text.split("<h3 class=\"tile-title\">").skip(1);
        titles.map(|tile| between(tile, "\">", "</a>").unwrap().to_owned()).collect::<Vec<_>>()
    };
    let offer = "GitHub ↔ Desk";
    for (query, expected) in [
        ("", &["Fake", "GitHub", "Desk", offer][..]),
        ("?q=GITHUB", &["GitHub", offer]),
        // By what it brings, and by all of the words.
        ("?q=rele%C3%A1ses", &["GitHub"]),
        ("?q=pull+code", &["GitHub"]),
        ("?category=Code", &["GitHub", offer]),
        ("?category=tests&q=desk", &["Desk", offer]),
        ("?category=Code&q=fake", &[]),
        ("?category=nonsense", &[]),
        ("?q=%3Cscript%3E&category=%3Cscript%3E", &[]),
        ("?q=%00&x=%ff", &[]),
    ] {
        assert_eq!(found(query).await, expected, "{query}");
    }

    let page = ground.two.ada.get("/integrations?q=desk&category=Tests").await.text;
    assert!(page.contains("value=\"desk\"") && page.contains("name=\"category\" value=\"Tests\""));
    assert!(page.contains("href=\"/integrations?q=desk&#38;category=Tests\" aria-current=\"true\""), "{page}");
    assert!(page.contains("data-count=\"2 found\""));
    let nothing = ground.two.ada.get("/integrations?q=nothing+like+it").await.text;
    assert!(nothing.contains("Nothing of that kind") && nothing.contains("href=\"/integrations\">Show all of them"));
    ground.finish().await;
}

async fn what_does_not_work_is_told_to_those_who_may_see_it(test: TestDatabase) {
    let ground = Ground::working(test).await;
    let two = &ground.two;
    let board = two.ada.post_form("/teams/new", &[("name", "Board"), ("time_zone", "UTC")]).await;
    let board = board.location().split('/').nth(2).unwrap().to_owned();
    ground.fake.trouble_creating(Trouble::Fails(ErrorKind::Forbidden));
    let answer = two.ada.post_form("/integrations/fake/link", &ground.room(&board, "boardroom")).await;
    assert_eq!(answer.status, 303, "{}", answer.text);
    let link = ground.links().await.remove(0);
    ground.stands(link.id, LinkState::Broken).await;

    let adas = two.ada.get("/integrations").await.text;
    assert!(adas.contains("Needs attention") && adas.contains(&format!("href=\"{}\"", super::path_of(&link))));
    let page = two.ada.get("/integrations/fake").await.text;
    assert!(page.contains("Needs attention") && page.contains("<bdi>boardroom</bdi></strong> does not work"));
    // Bob is of the organization, and not of that team.
    for path in ["/integrations", "/integrations/fake"] {
        let bobs = two.bob.get(path).await.text;
        assert!(bobs.contains("Not added yet") && !bobs.contains("attention"), "{path}");
        assert!(!bobs.contains("boardroom") && !bobs.contains(&link.id.to_string()), "{path}");
    }
    ground.finish().await;
}

async fn a_partners_page_shows_before_it_asks(test: TestDatabase) {
    let ground = Ground::idle(test).await;
    let page = ground.two.ada.get("/integrations/github").await.text;
    let at = |text: &str| page.find(text).unwrap_or_else(|| panic!("no {text:?} in {page}"));
    // What is asked of them is read before the button that leads there.
    assert!(at("is asked to allow") < at("One webhook in the repository you pick"));
    assert!(at("One webhook in the repository you pick") < at(">Connect GitHub</button>"));
    // Then what it looks like, and what its removal does.
    assert!(at(">Connect GitHub</button>") < at("What it looks like"));
    assert!(at("What it looks like") < at("Merged pull request #7: Count days in the team&#39;s time zone"));
    assert!(at("What it looks like") < at("What happens when you remove it"));
    assert!(at("Removing the link deletes that webhook and no other.") < at("Documentation"));
    for event in FakePartner::honest_card().events {
        let fakes = ground.two.ada.get("/integrations/fake").await.text;
        assert!(fakes.contains(event.label) && fakes.contains("entry entry-done"), "{}", event.id);
    }
    ground.finish().await;
}

async fn who_is_signed_out_comes_back_after_the_log_in(test: TestDatabase) {
    let ground = Ground::idle(test).await;
    let visitor = ground.app().visitor();
    for (path, next) in [
        ("/integrations", "%2Fintegrations"),
        ("/integrations/fake", "%2Fintegrations%2Ffake"),
        ("/integrations/fake/link", "%2Fintegrations%2Ffake%2Flink"),
        ("//evil.example/integrations", ""),
    ] {
        let answer = visitor.get(path).await;
        match next {
            "" => assert_eq!(answer.status, 404, "{path}"),
            next => assert_eq!((answer.status, answer.location()), (303, format!("/login?next={next}").as_str())),
        }
    }
    ground.finish().await;
}

async fn what_is_no_partner_is_not_there(test: TestDatabase) {
    let ground = Ground::idle(test).await;
    let before = ground.app().database.rows().await;
    let long = "a".repeat(300);
    for word in NOBODY.iter().copied().chain([long.as_str()]) {
        for (method, path) in [
            ("GET", format!("/integrations/{word}")),
            ("GET", format!("/integrations/{word}/icon.svg")),
            ("GET", format!("/integrations/{word}/link")),
            ("POST", format!("/integrations/{word}/link")),
            ("POST", format!("/auth/{word}")),
            ("GET", format!("/auth/{word}/callback?state=s&code=c")),
            ("POST", format!("/integrations/{word}/hook?key=k")),
        ] {
            let answer = match method {
                "GET" => ground.two.ada.get(&path).await,
                _ => ground.two.ada.post_form(&path, &[("team", &ground.two.product.to_string())]).await,
            };
            // What is no text at all is refused a little earlier.
            let expected: &[u16] = if word == "%ff" { &[400, 404] } else { &[404] };
            assert!(expected.contains(&answer.status), "{method} {path}: {}", answer.status);
            assert!(!answer.text.contains("<script>"), "{path}");
            assert_eq!(path.ends_with("hook?key=k"), answer.text.is_empty(), "{path}: {}", answer.text);
        }
    }
    assert_eq!(ground.app().database.rows().await, before);
    ground.finish().await;
}

async fn a_link_is_shown_to_those_who_may_see_it(test: TestDatabase) {
    let ground = Ground::idle(test).await;
    let (two, link) = (&ground.two, ground.add("attic").await);
    let own = [("level", "user"), ("team", &two.product.to_string()), ("room", "study")];
    assert_eq!(two.bob.post_form("/integrations/fake/link", &own).await.status, 303);

    let page = async |client: &crate::harness::Client| client.get("/integrations/fake").await.text;
    assert!(page(&two.ada).await.contains("attic"));
    assert!(page(&two.bob).await.contains("attic") && page(&two.bob).await.contains("study"));
    let eves = page(&two.eve).await;
    assert!(!eves.contains("attic") && !eves.contains("study") && !eves.contains(&link.id.to_string()));
    assert!(two.eve.get("/integrations").await.text.contains("Not added yet"));
    let bobs_settings = two.bob.get(&format!("/teams/{}/settings", two.product)).await.text;
    assert!(!bobs_settings.contains(&super::removal_of(&link)), "a plain member is offered to remove a team's link");
    ground.finish().await;
}

async fn these_pages_are_only_read(test: TestDatabase) {
    let ground = Ground::idle(test).await;
    let ada = &ground.two.ada;
    let token = ada.token().await;
    let before = ground.app().database.rows().await;
    for (path, methods) in [
        ("/integrations", &["POST", "PUT", "DELETE", "PATCH"][..]),
        ("/integrations/fake", &["POST", "PUT", "DELETE", "PATCH"]),
        ("/integrations/fake/icon.svg", &["POST", "DELETE"]),
        ("/auth/fake", &["GET", "HEAD", "PUT", "DELETE"]),
        ("/auth/fake/callback?state=s&code=c", &["POST", "DELETE"]),
        ("/integrations/fake/link", &["PUT", "PATCH"]),
        ("/integrations/fake/hook?key=k", &["GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"]),
    ] {
        for method in methods {
            let method = Method::from_bytes(method.as_bytes()).unwrap();
            let request = ada.request(method.clone(), path).header("x-csrf-token", &token);
            let answer = ada.send(request.header("sec-fetch-site", "same-origin")).await;
            assert_eq!(answer.status, 405, "{method} {path}");
            assert!(!answer.header("allow").is_empty(), "{method} {path}");
        }
    }
    assert_eq!(ground.app().database.rows().await, before);
    ground.finish().await;
}

async fn a_partner_without_its_settings_says_what_is_missing(test: TestDatabase) {
    let _chosen_before = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let unset = PartnerSettings::default();
    let app = TestApp::with_partners(test, async |_| {
        let github = Arc::new(GitHub::new(&unset).unwrap());
        Partners::new([(github as Arc<dyn integration_contract::Integration>, unset.clone())]).unwrap()
    });
    let two = app.await.with_two_organizations().await;

    assert!(two.ada.get("/integrations").await.text.contains("Not configured"));
    let page = two.ada.get("/integrations/github").await;
    assert!(page.text.contains("PATCHBAY_GITHUB_CLIENT_ID") && page.text.contains("PATCHBAY_GITHUB_CLIENT_SECRET"));
    let before = two.app.database.rows().await;
    let answer = two.ada.post_form("/auth/github", &[]).await;
    assert_eq!((answer.status, answer.location()), (303, "/integrations/github"));
    assert!(two.ada.get("/integrations/github").await.text.contains("is not configured"));
    assert_eq!(two.app.database.rows().await, before);
    two.app.finish().await;
}

async fn without_an_organization_there_is_nothing_to_add(test: TestDatabase) {
    let ground = Ground::idle(test).await;
    ground.app().user("dan@example.com", "Dan").await;
    let dan = ground.app().log_in("dan@example.com").await;
    for path in ["/integrations", "/integrations/fake", "/integrations/fake/link"] {
        let answer = dan.get(path).await;
        assert_eq!((answer.status, answer.location()), (303, "/organizations"), "{path}");
    }
    assert_eq!(dan.post_form("/auth/github", &[]).await.location(), "/organizations");
    assert!(dan.get("/organizations").await.text.contains("You belong to no organization"));
    assert_eq!(ground.states().await, 0);
    ground.finish().await;
}

on_both_databases!(
    every_partner_has_a_tile_and_a_page,
    the_catalogue_is_searched_and_narrowed_down,
    what_does_not_work_is_told_to_those_who_may_see_it,
    a_partners_page_shows_before_it_asks,
    who_is_signed_out_comes_back_after_the_log_in,
    what_is_no_partner_is_not_there,
    a_link_is_shown_to_those_who_may_see_it,
    these_pages_are_only_read,
    a_partner_without_its_settings_says_what_is_missing,
    without_an_organization_there_is_nothing_to_add,
);
