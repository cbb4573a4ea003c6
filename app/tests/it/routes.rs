//! Every route that takes an id, as those open it who must not: signed out, of another organization, a plain member.
//!
//! The list of routes is read from the source of the route table, so a new one without a row here fails the test.

use std::collections::BTreeSet;

use integration_contract::{Card, CheckedLink, LinkSettings, PartnerSettings};
use integration_testkit::FakePartner;
use patchbay::{
    core::{
        entries,
        mirrors::{self, End, NewEnd, NewMirror, Options},
    },
    db::entity::{entry, integration_user},
};
use reqwest::Method;
use sea_orm::EntityTrait;
use serde_json::json;

use crate::{
    floor_plan::source::files,
    harness::{Client, TestDatabase, on_both_databases},
    integrations::Ground,
};

/// What a route answers: to whom is signed out, to another organization's owner, to a plain member of the team.
type Row = (&'static str, &'static str, [u16; 3]);

/// 303 to whom is signed out leads to the log-in page. What takes no id but a partner's name is the same for everybody.
const MATRIX: &[Row] = &[
    ("GET", "/teams/{team}", [303, 404, 200]),
    ("GET", "/teams/{team}/live", [303, 404, 200]),
    ("GET", "/teams/{team}/export.csv", [303, 404, 200]),
    ("GET", "/teams/{team}/export.json", [303, 404, 200]),
    ("GET", "/teams/{team}/entries", [303, 404, 303]),
    ("POST", "/teams/{team}/entries", [303, 404, 303]),
    ("GET", "/teams/{team}/entries/{entry}", [303, 404, 200]),
    ("POST", "/teams/{team}/entries/{entry}", [303, 404, 403]),
    ("POST", "/teams/{team}/entries/{entry}/complete", [303, 404, 303]),
    ("POST", "/teams/{team}/entries/{entry}/reopen", [303, 404, 303]),
    ("POST", "/teams/{team}/entries/{entry}/archive", [303, 404, 403]),
    ("POST", "/teams/{team}/entries/{entry}/unarchive", [303, 404, 403]),
    ("GET", "/teams/{team}/settings", [303, 404, 200]),
    ("POST", "/teams/{team}/settings", [303, 404, 403]),
    ("POST", "/teams/{team}/digest", [303, 404, 403]),
    ("POST", "/teams/{team}/digest/mine", [303, 404, 303]),
    ("GET", "/teams/{team}/members", [303, 404, 303]),
    ("POST", "/teams/{team}/members", [303, 404, 403]),
    ("POST", "/teams/{team}/members/{user}/remove", [303, 404, 403]),
    ("GET", "/organizations/{organization}/settings", [303, 404, 200]),
    ("POST", "/organizations/{organization}/settings", [303, 404, 403]),
    ("GET", "/organizations/{organization}/invitations", [303, 404, 303]),
    ("POST", "/organizations/{organization}/invitations", [303, 404, 403]),
    ("POST", "/organizations/{organization}/invitations/{invitation}/revoke", [303, 404, 403]),
    ("POST", "/organizations/{organization}/members/{user}/role", [303, 404, 403]),
    ("POST", "/organizations/{organization}/members/{user}/remove", [303, 404, 403]),
    ("GET", "/organizations/{organization}/audit", [303, 404, 403]),
    ("GET", "/organizations/{organization}/audit/export.csv", [303, 404, 403]),
    ("GET", "/organizations/{organization}/audit/export.json", [303, 404, 403]),
    ("GET", "/organizations/{organization}/retention", [303, 404, 403]),
    ("POST", "/organizations/{organization}/retention", [303, 404, 403]),
    ("GET", "/organizations/{organization}/delete", [303, 404, 403]),
    ("POST", "/organizations/{organization}/delete", [303, 404, 403]),
    ("GET", "/receipts/{receipt}", [303, 404, 404]),
    ("POST", "/settings/sessions/{session}/end", [303, 404, 404]),
    ("POST", "/settings/accounts/{account}/disconnect", [303, 404, 404]),
    ("GET", "/invitations/{token}", [404, 404, 404]),
    ("POST", "/invitations/{token}", [303, 404, 404]),
    ("GET", "/password/new/{token}", [404, 404, 404]),
    ("POST", "/password/new/{token}", [404, 404, 404]),
    ("GET", "/integrations/{partner}", [303, 200, 200]),
    ("GET", "/integrations/{partner}/icon.svg", [200, 200, 200]),
    ("GET", "/integrations/{partner}/link", [303, 200, 200]),
    ("POST", "/integrations/{partner}/link", [303, 404, 403]),
    ("DELETE", "/integrations/{partner}/link", [303, 404, 403]),
    ("GET", "/integrations/{partner}/link/{link}", [303, 404, 200]),
    ("POST", "/integrations/{partner}/link/{link}", [303, 404, 403]),
    ("GET", "/integrations/{partner}/link/{link}/activity", [303, 404, 200]),
    ("GET", "/integrations/{partner}/link/{link}/activity/{event}", [303, 404, 200]),
    ("GET", "/integrations/{partner}/authorize", [303, 403, 403]),
    ("POST", "/integrations/{partner}/authorize", [303, 403, 403]),
    ("GET", "/integrations/{partner}/setup", [303, 404, 404]),
    ("POST", "/integrations/{partner}/setup", [303, 404, 404]),
    ("GET", "/integrations/{partner}/configure", [303, 404, 404]),
    ("POST", "/integrations/{partner}/disconnect", [303, 404, 404]),
    ("POST", "/integrations/{partner}/hook", [401, 401, 401]),
    ("POST", "/integrations/{partner}/actions/{token}", [404, 404, 404]),
    ("GET", "/integrations/mirrors/{offer}", [303, 200, 200]),
    ("GET", "/mirrors/{mirror}", [303, 404, 200]),
    ("POST", "/mirrors/{mirror}", [303, 404, 403]),
    ("DELETE", "/mirrors/{mirror}", [303, 404, 403]),
    ("POST", "/auth/{partner}", [303, 303, 303]),
    ("GET", "/auth/{partner}/callback", [400, 400, 400]),
    ("GET", "/static/{*path}", [404, 404, 404]),
    ("GET", "/teams/{team}/delete", [303, 404, 303]),
    ("POST", "/teams/{team}/delete", [303, 404, 403]),
    // Last, because they end what the others need.
    ("POST", "/teams/{team}/leave", [303, 404, 303]),
    ("POST", "/organizations/{organization}/leave", [303, 404, 303]),
];

/// Routes of the table as its source has them: `.route("/path", get(a).post(b))`.
fn routes_in(source: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for after in source.split(".route(").skip(1) {
        let (path, rest) =
            after.trim_start().strip_prefix('"').and_then(|text| text.split_once('"')).unwrap_or_else(|| {
                panic!("a route whose path is no text: {after:.60}");
            });
        let mut depth = 1;
        let end = rest.find(|sign| {
            depth += i32::from(sign == '(') - i32::from(sign == ')');
            depth == 0
        });
        let handlers = &rest[..end.unwrap()];
        let words = handlers.split(|sign: char| !sign.is_alphanumeric() && !"_(".contains(sign));
        let methods: Vec<_> = words.filter_map(|word| word.split_once('(')).map(|(method, _)| method).collect();
        assert!(!methods.is_empty(), "no method in {handlers}");
        for method in methods {
            assert!(
                matches!(method, "get" | "post" | "delete"),
                "{method} in {path}: a method that this test can't read"
            );
            found.push((method.to_uppercase(), path.to_owned()));
        }
    }
    found
}

#[test]
fn the_reader_of_routes_reads_them() {
    let source = "r.route(\"/a/{b}\", get(x::y)\n.post(z).delete(q))\n.route(\n\"/c\",\n post(w),\n)";
    let pair = |method: &str, path: &str| (method.to_owned(), path.to_owned());
    let read = [pair("GET", "/a/{b}"), pair("POST", "/a/{b}"), pair("DELETE", "/a/{b}"), pair("POST", "/c")];
    assert_eq!(routes_in(source), read);
    for hidden in [".route(PATH, get(x))", ".route(\"/a\", any(x))", ".route(\"/a\", handlers())"] {
        assert!(std::panic::catch_unwind(|| routes_in(hidden)).is_err(), "{hidden}");
    }
}

#[test]
fn every_route_that_takes_an_id_has_a_row() {
    let web = files(&["app/src/web"], &[".rs"]);
    let code = |text: &str| text.split("#[cfg(test)]\nmod").next().unwrap().to_owned();
    for file in &web {
        for hidden in [".nest(", ".nest_service(", ".route_service(", ".fallback_service("] {
            assert!(!code(&file.text).contains(hidden), "{} hides routes behind {hidden}", file.path);
        }
    }
    let there: BTreeSet<_> = web.iter().flat_map(|file| routes_in(&code(&file.text))).collect();
    assert!(there.len() > 50, "only {} routes were found", there.len());
    let there: BTreeSet<_> = there.into_iter().filter(|(_, path)| path.contains('{')).collect();
    let rows: BTreeSet<_> = MATRIX.iter().map(|(method, path, _)| ((*method).to_owned(), (*path).to_owned())).collect();
    assert_eq!(there.difference(&rows).collect::<Vec<_>>(), Vec::<&(String, String)>::new(), "routes without a row");
    assert_eq!(rows.difference(&there).collect::<Vec<_>>(), Vec::<&(String, String)>::new(), "rows without a route");
}

/// Ids of Acme's, where a path has names in braces.
struct Ids(Vec<(&'static str, String)>);

impl Ids {
    async fn of(ground: &Ground) -> Self {
        let two = &ground.two;
        let link = ground.add("workshop").await;
        assert_eq!(ground.hook(&link, "1", &Ground::telling("1", "Told by a hook")).await.status, 200);
        let event = ground.messages().await.remove(0).id;
        ground.connect(&two.ada, "ada-codes").await;
        let ada = ground.app().member("ada@example.com", two.acme).await;
        entries::write(&ground.app().core, &ada, two.product, "[] Ship it").await.unwrap();
        let reader = ground.app().core.db.reader();
        let entry = entry::Entity::find().one(reader).await.unwrap().unwrap();
        let account = integration_user::Entity::find().one(reader).await.unwrap().unwrap();
        let end = |partner: &str, room: &str| {
            let settings = LinkSettings(json!({ "room": room, "tell": "no" }));
            let checked = CheckedLink { settings, target: format!("room:{room}") };
            End::New(Box::new(NewEnd { partner: partner.into(), account: None, checked }))
        };
        let (left, right) = (end("fake", "workshop"), end("desk", "tickets"));
        let options = Options::default();
        let new = NewMirror { team: two.product, left, right, options, since: None, backfill: None };
        let mirror = mirrors::make(&ground.app().core, &ada, new).await.unwrap();
        Self(vec![
            ("{team}", two.product.to_string()),
            ("{organization}", two.acme.to_string()),
            ("{user}", ada.user.to_string()),
            ("{entry}", entry.id.to_string()),
            ("day", entry.occurred_on),
            ("{link}", link.id.to_string()),
            ("{mirror}", mirror.id.to_string()),
            ("{offer}", "code-and-desk".to_owned()),
            ("{event}", event.to_string()),
            ("{account}", account.id.to_string()),
            ("{invitation}", crate::people::open_invitation(two).await.to_string()),
            ("{session}", "0".repeat(64)),
            ("{receipt}", two.acme.to_string()),
            ("{token}", "no-such-token".to_owned()),
            ("{partner}", "fake".to_owned()),
            ("{*path}", "../Cargo.toml".replace('/', "%2f")),
            ("?key", link.hook_key),
        ])
    }

    fn get(&self, name: &str) -> &str {
        &self.0.iter().find(|(found, _)| *found == name).unwrap_or_else(|| panic!("no id for {name}")).1
    }

    fn fill(&self, method: &str, path: &str) -> String {
        let segments = path.split('/').map(|part| if part.starts_with('{') { self.get(part) } else { part });
        let path = segments.collect::<Vec<_>>().join("/");
        match (method, path.as_str()) {
            ("DELETE", "/integrations/fake/link") => format!("{path}?link={}", self.get("{link}")),
            (_, "/integrations/fake/hook") => format!("{path}?key={}", self.get("?key")),
            _ => path,
        }
    }
}

async fn open(client: &Client, method: &str, path: &str, fields: &[(&str, &str)]) -> crate::harness::Answer {
    match method {
        "GET" => client.get(path).await,
        "POST" => client.post_form(path, fields).await,
        _ => {
            let token = client.token().await;
            client.send(client.request(Method::DELETE, path).header("x-csrf-token", token)).await
        }
    }
}

async fn each_is_answered_by_who_asks(test: TestDatabase) {
    let card = |id, name| Card { id, name, ..FakePartner::working_card() };
    let (fake, desk) = (FakePartner::with_card(card("fake", "Fake")), FakePartner::with_card(card("desk", "Desk")));
    let ground = Ground::idle_among(test, fake, PartnerSettings::default(), vec![desk]).await;
    let ids = Ids::of(&ground).await;
    let team = ground.two.product.to_string();
    // Fields with which each of the routes would do something, if it may.
    let fields = [
        ("name", "Renamed"),
        ("time_zone", "UTC"),
        ("role", "member"),
        ("user", ids.get("{user}")),
        ("body", "Done by somebody else"),
        ("status", "done"),
        ("day", ids.get("day")),
        ("level", "team"),
        ("team", team.as_str()),
        ("room", "attic"),
        ("action", "pause"),
        ("account", ids.get("{account}")),
    ];
    let visitor = ground.app().visitor();
    for (who, client) in [(0, &visitor), (1, &ground.two.eve), (2, &ground.two.bob)] {
        let before = ground.app().database.rows().await;
        for (method, path, expected) in MATRIX {
            let filled = ids.fill(method, path);
            let answer = open(client, method, &filled, &fields).await;
            let name = ["signed out", "of another organization", "a plain member"][who];
            assert_eq!(answer.status, expected[who], "{method} {path}, {name}");
            if who == 0 && answer.status == 303 {
                assert!(answer.location().starts_with("/login"), "{method} {path} leads to {}", answer.location());
            }
            if who == 1 && answer.status == 404 {
                for theirs in ["Acme", "Ship it", "workshop", "ada@example.com"] {
                    assert!(!answer.text.contains(theirs), "{method} {path} tells a stranger of {theirs}");
                }
            }
        }
        if who < 2 {
            let mut after = ground.app().database.rows().await;
            // What eve began for herself at the partner's is hers.
            after.insert("oauth_states".into(), before["oauth_states"].clone());
            assert_eq!(after, before, "something was changed");
        }
    }
    ground.finish().await;
}

on_both_databases!(each_is_answered_by_who_asks);
