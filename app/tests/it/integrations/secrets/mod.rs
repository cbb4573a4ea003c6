//! No secret is written in the clear: not to the database, not to the log at its most verbose, not into a page or a
//! header. The real binary goes through a link's whole life, with a partner that also fails and echoes what it was sent.

mod outside;
mod scan;

use std::{net::TcpListener, path::Path, time::Duration};

use integration_contract::{ExposeSecret, SecretString};
use patchbay::{
    core::password_links,
    db::entity::{
        integration_link::{self, LinkState},
        organization,
    },
};
use reqwest::Method;
use sea_orm::EntityTrait;

use self::{outside::Outside, scan::Written};
use crate::{
    harness::{Answer, Client, TestDatabase, between, on_both_databases},
    server::process::{Process, patchbay, with},
};

const CLIENT_SECRET: &str = "canaryClientSecret5f2c1d7a9b3e";
const PASSWORD: &str = "canary/pass+word & ä=1";
/// Written on purpose, to see that it is found.
const PLANTED: &str = "planted0value1in2every3place";

/// A browser whose answers are all kept.
struct Watched {
    client: Client,
    seen: Vec<Written>,
}

impl Watched {
    async fn get(&mut self, path: &str) -> Answer {
        let answer = self.client.get(path).await;
        self.keep(path, answer)
    }

    async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let answer = self.client.post_form(path, fields).await;
        self.keep(path, answer)
    }

    fn keep(&mut self, path: &str, answer: Answer) -> Answer {
        let headers = format!("{:?}", answer.headers);
        self.seen.push(Written::new(format!("the answer to {path}"), format!("{headers}\n{}", answer.text).as_bytes()));
        answer
    }
}

/// The whole life of a link, and what nobody may find afterwards.
struct Life {
    browsers: Vec<Watched>,
    /// Nobody's but ours and the partner's.
    secret: Vec<(&'static str, String)>,
    /// The browser's own: it is told them, and they are kept nowhere.
    told: Vec<(&'static str, String)>,
}

async fn live(address: std::net::SocketAddr, outside: &Outside, test: &TestDatabase) -> Life {
    let browser = || Watched { client: Client::new(address), seen: Vec::new() };
    let (mut ada, mut bob, mut told) = (browser(), browser(), Vec::new());
    ada.get(&format!("/{PLANTED}")).await;
    let person = |email| [("email", email), ("name", "Ada"), ("password", PASSWORD)];
    assert_eq!(ada.post("/signup", &person("ada@example.com")).await.status, 303);
    assert_eq!(ada.post("/signup", &person("ada@example.com")).await.status, 422, "the same again");
    let fields = [("organization", PLANTED), ("name", "Product"), ("time_zone", "UTC")];
    let team = ada.post("/organizations/new", &fields).await.location().trim_start_matches("/teams/").to_owned();
    told.push(("session", ada.client.session().unwrap()));

    // An invitation, and a log-in that fails and one that does not.
    ada.get("/organizations").await;
    let organization = organization::Entity::find().one(test.db.reader()).await.unwrap().unwrap().id;
    let page =
        ada.post(&format!("/organizations/{organization}/invitations"), &[("role", "member"), ("team", &team)]).await;
    let link = between(&page.text, "id=\"invitation-link\">", "<").unwrap().to_owned();
    let invitation = link.rsplit('/').next().unwrap().to_owned();
    bob.get(&format!("/invitations/{invitation}")).await;
    bob.post(&format!("/invitations/{invitation}"), &[]).await;
    bob.post("/signup", &person("bob@example.com")).await;
    assert_eq!(bob.post(&format!("/invitations/{invitation}"), &[]).await.status, 303);
    bob.post("/logout", &[]).await;
    let wrong = format!("{PASSWORD}!");
    bob.post("/login", &[("email", "bob@example.com"), ("password", &wrong)]).await;
    assert_eq!(bob.post("/login", &[("email", "bob@example.com"), ("password", PASSWORD)]).await.status, 303);
    told.extend([("invitation", invitation), ("session", bob.client.session().unwrap())]);

    // A forgotten password: the link is tried with one that is too short, used, and tried once more.
    let now = i64::try_from(std::time::UNIX_EPOCH.elapsed().unwrap().as_millis()).unwrap();
    let (_, token) = password_links::make(&test.db, now, "bob@example.com").await.unwrap();
    let link = format!("/password/new/{}", token.expose_secret());
    assert_eq!(bob.get(&link).await.status, 200);
    for (password, status) in [("short", 422), (PASSWORD, 303), (PASSWORD, 404)] {
        assert_eq!(bob.post(&link, &[("password", password)]).await.status, status);
    }
    told.extend([("password link", token.expose_secret().to_owned()), ("session", bob.client.session().unwrap())]);

    // Connecting, while the partner fails and when it does not.
    for bad_mood in [true, false] {
        outside.mood(bad_mood);
        let consent = ada.post("/auth/github", &[]).await.location().to_owned();
        let state = between(&format!("{consent}&"), "state=", "&").unwrap().to_owned();
        let back = format!("/auth/github/callback?code=canaryCode0123456789&state={state}");
        assert_eq!(ada.get(&back).await.status, if bad_mood { 502 } else { 303 });
        ada.get(&back).await;
        told.push(("state", state));
    }
    told.push(("code", "canaryCode0123456789".to_owned()));

    // The form, the link, its hooks.
    let fields = [("team", team.as_str()), ("repository", "acme/widgets"), ("events", "issues")];
    for bad_mood in [true, false] {
        outside.mood(bad_mood);
        ada.get("/integrations/github/link").await;
        let status = ada.post("/integrations/github/link", &fields).await.status;
        assert_eq!(status, if bad_mood { 502 } else { 303 });
    }
    let path = until_active(test).await;
    hooks(&mut ada, outside, address).await;
    for bad_mood in [true, false] {
        outside.mood(bad_mood);
        assert_eq!(ada.post(&path, &[("action", "check")]).await.status, 303);
        ada.get(&format!("{path}?edit=1")).await;
        ada.get(&path).await;
    }
    for page in [
        "/settings",
        "/integrations",
        "/integrations/github",
        &format!("/teams/{team}"),
        &format!("/teams/{team}/settings"),
    ] {
        assert_eq!(ada.get(page).await.status, 200, "{page}");
    }

    // Its end, first with a partner that fails.
    outside.mood(true);
    let id = path.rsplit('/').next().unwrap();
    assert_eq!(ada.post(&format!("/integrations/github/link?link={id}"), &[("_method", "delete")]).await.status, 303);
    let echoes = outside.echoes();
    until("the partner was asked", async || outside.echoes() > echoes).await;
    outside.mood(false);
    let secret = outside.learned().secrets.clone();
    let mut secret: Vec<_> = secret.into_iter().chain([("client secret", CLIENT_SECRET.to_owned())]).collect();
    secret.push(("password", PASSWORD.to_owned()));
    Life { browsers: vec![ada, bob], secret, told }
}

/// The path of the only link, once it works.
async fn until_active(test: &TestDatabase) -> String {
    let find = async || integration_link::Entity::find().one(test.db.reader()).await.unwrap().unwrap();
    until("the link works", async || find().await.state == LinkState::Active).await;
    format!("/integrations/github/link/{}", find().await.id)
}

async fn hooks(ada: &mut Watched, outside: &Outside, address: std::net::SocketAddr) {
    let (url, secret) = {
        let learned = outside.learned();
        (learned.hook_url.clone(), SecretString::from(learned.hook_secret.clone()))
    };
    let path = url.strip_prefix(&format!("http://{address}")).unwrap().to_owned();
    let scheme = integration_contract::Scheme {
        header: "x-hub-signature-256",
        prefix: "sha256=",
        encoding: integration_contract::Encoding::Hex,
        message: &[integration_contract::Part::Body],
        timestamp: None,
        secret: integration_contract::SecretOf::Link,
    };
    for (body, right, status) in [("{\"zen\":\"x\",\"hook_id\":9}", true, 200), ("{", true, 400), ("{}", false, 401)] {
        let with = if right { secret.clone() } else { SecretString::from("wrong") };
        let request = ada.client.request(Method::POST, &path).header("content-type", "application/json");
        let request =
            request.header("x-github-event", "ping").header(scheme.header, scheme.sign(body.as_bytes(), "", &with));
        let answer = ada.client.send(request.body(body)).await;
        assert_eq!(answer.status, status, "{body}");
        ada.keep("a hook", answer);
    }
}

async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let begun = std::time::Instant::now();
    while !is_so().await {
        assert!(begun.elapsed() < Duration::from_secs(60), "waited too long until {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Every file of a folder but the sealing keys, which are no secret of anybody's.
fn files_of(folder: &Path) -> Vec<Written> {
    let mut found = Vec::new();
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        if path.is_dir() {
            found.extend(files_of(&path));
        } else if path.extension().is_none_or(|ending| ending != "key") {
            found.push(Written::new(path.display().to_string(), &std::fs::read(&path).unwrap_or_default()));
        }
    }
    found
}

async fn no_secret_is_written_in_the_clear(test: TestDatabase) {
    let folder = test.folder.path().to_owned();
    let outside = Outside::default();
    let at = outside.start().await;
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let address = std::net::SocketAddr::from(([127, 0, 0, 1], port));
    let mut command = with(patchbay(&folder, &["serve"]), &test.address);
    command
        .env("PATCHBAY_LISTEN", address.to_string())
        .env("PATCHBAY_PUBLIC_URL", format!("http://{address}"))
        .env("PATCHBAY_LOG", "trace")
        .env("PATCHBAY_GITHUB_CLIENT_ID", "canary-client")
        .env("PATCHBAY_GITHUB_CLIENT_SECRET", CLIENT_SECRET)
        .env("PATCHBAY_GITHUB_AUTHORIZE_URL", format!("{at}/login/oauth/authorize"))
        .env("PATCHBAY_GITHUB_TOKEN_URL", format!("{at}/login/oauth/access_token"))
        .env("PATCHBAY_GITHUB_API_URL", &at);
    let mut process = Process::start(command);
    assert_eq!(process.address(), address);

    let life = live(address, &outside, &test).await;

    assert!(outside.echoes() >= 4, "the partner was hardly in a bad mood: {}", outside.echoes());
    let mut kept = files_of(&folder);
    for (table, rows) in test.everything().await {
        kept.push(Written::new(format!("the table {table}"), rows.join("\n").as_bytes()));
    }
    let log = process.log();
    process.stop();
    kept.extend(files_of(&folder));

    // What was planted is found everywhere: the eyes are open.
    let places = |kept: &[Written]| kept.iter().filter(|place| place.shows(PLANTED).is_some()).count();
    assert!(Written::new("the log", log.as_bytes()).shows(PLANTED).is_some(), "the log was not looked at");
    assert!(log.contains("\"level\":\"TRACE\""), "the log was not at its most verbose");
    assert!(kept.iter().any(|place| place.place == "the table organizations" && place.shows(PLANTED).is_some()));
    assert!(places(&kept) >= 2 && life.browsers.iter().all(|browser| places(&browser.seen) >= 1));
    for kind in ["access token", "refresh token", "hook secret", "PKCE verifier", "client secret", "password"] {
        assert!(life.secret.iter().any(|(found, value)| *found == kind && value.len() >= 16), "there was no {kind}");
    }

    let mut shown = Vec::new();
    let seen = life.browsers.iter().flat_map(|browser| &browser.seen);
    let in_sight = seen.flat_map(|place| life.secret.iter().map(move |secret| (place, secret)));
    let on_disk = kept.iter().flat_map(|place| life.secret.iter().chain(&life.told).map(move |secret| (place, secret)));
    for (place, (kind, value)) in in_sight.chain(on_disk) {
        if let Some(spelling) = place.shows(value) {
            shown.push(format!("{} shows the {kind} ({spelling})", place.place));
        }
    }
    shown.sort();
    shown.dedup();
    assert!(shown.is_empty(), "\n{}\n", shown.join("\n"));
}

on_both_databases!(no_secret_is_written_in_the_clear);
