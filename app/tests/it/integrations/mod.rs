//! Partners through our routes: the catalogue, connecting an account, links from the form to their removal, hooks, and
//! how a link follows its far end. Two partners are there: one that does as it is told, and the sandbox of GitHub.

mod callback;
mod catalogue;
mod choices;
mod connect;
mod deliveries;
mod hand_over;
mod hooks;
mod inspect;
mod links;
mod removal;
mod secrets;
mod set_up;
mod trades;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use integration_contract::{Capability, Card, Integration, PartnerSettings, SecretString};
use integration_testkit::FakePartner;
use patchbay::{
    core::{
        integration_links,
        mirrors::{Example, Offer},
        partners::Partners,
    },
    db::{
        LinkId,
        entity::{
            entry, inbox_message,
            integration_link::{self, LinkState},
            integration_user, job, oauth_state,
        },
    },
};
use reqwest::Method;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use serde_json::{Value, json};
use url::Url;

use crate::harness::{Answer, Client, GitHubSandbox, TestApp, TestDatabase, TwoOrganizations};

/// An id that nobody has.
pub const UNKNOWN: &str = "01990000-0000-7000-8000-000000000000";

/// What the catalogue offers where a partner `desk` is there as well.
const OFFERS: &[Offer] = &[Offer {
    id: "code-and-desk",
    left: "github",
    right: "desk",
    tagline: "What is asked and what is mended, in step.",
    does: &["It keeps both in step."],
    example: Example {
        item: "acme/widgets#1",
        url: "https://code.example/1",
        copy: "north#2",
        copy_url: "https://desk.example/2",
        title: "It breaks",
        opened: ("ada-codes", "On Sundays."),
        comment: ("ada-codes", "Only in the rain."),
        answer: ("Bob", "We are at it."),
        note: ("Bob", "They are <b>difficult</b>."),
    },
    docs: "# How it works\n\nWell. <script>alert(1)</script>\n",
}];

/// The application with both partners, and two organizations in it.
pub struct Ground {
    pub two: TwoOrganizations,
    pub fake: FakePartner,
    pub github: GitHubSandbox,
}

impl Ground {
    /// Nothing works off the queue yet.
    pub async fn idle(test: TestDatabase) -> Self {
        Self::idle_with(test, FakePartner::default(), PartnerSettings::default()).await
    }

    /// The same with a fake partner that can more.
    pub async fn idle_with(test: TestDatabase, fake: FakePartner, settings: PartnerSettings) -> Self {
        Self::idle_among(test, fake, settings, Vec::new()).await
    }

    /// The same with more of its kind, which have other ids.
    pub async fn idle_among(
        test: TestDatabase,
        fake: FakePartner,
        settings: PartnerSettings,
        others: Vec<FakePartner>,
    ) -> Self {
        // Calling the sandbox needs it chosen, and the binary is not there to do so.
        let _chosen_before = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let mut github = None;
        let app = TestApp::with_partners(test, async |product| {
            let sandbox = github.insert(GitHubSandbox::open(product).await);
            let told: (Arc<dyn Integration>, _) = (Arc::new(fake.clone()), settings);
            let others = others
                .into_iter()
                .map(|other| -> (Arc<dyn Integration>, _) { (Arc::new(other), PartnerSettings::default()) });
            Partners::new([told, sandbox.integration()].into_iter().chain(others)).unwrap().offering(OFFERS)
        });
        let app = app.await;
        Self { two: app.with_two_organizations().await, fake, github: github.unwrap() }
    }

    /// With workers.
    pub async fn working(test: TestDatabase) -> Self {
        let ground = Self::idle(test).await;
        ground.app().work();
        ground
    }

    pub fn app(&self) -> &TestApp {
        &self.two.app
    }

    pub async fn finish(self) {
        self.two.app.finish().await;
    }

    // ---- rows

    pub async fn links(&self) -> Vec<integration_link::Model> {
        let links = integration_link::Entity::find().order_by_asc(integration_link::Column::CreatedAt);
        links.all(self.app().core.db.reader()).await.unwrap()
    }

    pub async fn find(&self, link: LinkId) -> integration_link::Model {
        let link = integration_link::Entity::find().filter(integration_link::Column::Id.eq(link));
        link.one(self.app().core.db.reader()).await.unwrap().unwrap()
    }

    pub async fn messages(&self) -> Vec<inbox_message::Model> {
        let messages = inbox_message::Entity::find().order_by_asc(inbox_message::Column::Id);
        messages.all(self.app().core.db.reader()).await.unwrap()
    }

    pub async fn entries(&self) -> Vec<entry::Model> {
        let entries = entry::Entity::find().order_by_asc(entry::Column::Id);
        entries.all(self.app().core.db.reader()).await.unwrap()
    }

    pub async fn accounts(&self) -> Vec<integration_user::Model> {
        integration_user::Entity::find().all(self.app().core.db.reader()).await.unwrap()
    }

    pub async fn states(&self) -> usize {
        oauth_state::Entity::find().all(self.app().core.db.reader()).await.unwrap().len()
    }

    pub async fn jobs(&self, kind: &str) -> Vec<job::Model> {
        let jobs = job::Entity::find().filter(job::Column::Kind.eq(kind));
        jobs.all(self.app().core.db.reader()).await.unwrap()
    }

    // ---- time

    /// Waits for something to become true, or fails.
    pub async fn until(&self, what: &str, mut is_so: impl AsyncFnMut() -> bool) {
        let begun = Instant::now();
        while !is_so().await {
            assert!(begun.elapsed() < Duration::from_secs(30), "waited too long until {what}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Waits until a link stands so.
    pub async fn stands(&self, link: LinkId, state: LinkState) -> integration_link::Model {
        self.until(&format!("the link is {state:?}"), async || self.find(link).await.state == state).await;
        self.find(link).await
    }

    /// Waits until everything that can be done now was done.
    pub async fn settled(&self) {
        self.until("nothing waits", async || {
            let jobs = job::Entity::find().filter(job::Column::Kind.ne(integration_links::INSPECT));
            jobs.all(self.app().core.db.reader()).await.unwrap().is_empty()
        })
        .await;
    }

    // ---- links

    /// What the form for a room at the fake partner sends.
    pub fn room<'a>(&self, team: &'a str, room: &'a str) -> Vec<(&'a str, &'a str)> {
        vec![("level", "team"), ("team", team), ("room", room)]
    }

    /// Ada links Product to a room at the fake partner, as she would by its form. Nothing was set up yet.
    pub async fn add(&self, room: &str) -> integration_link::Model {
        let team = self.two.product.to_string();
        let answer = self.two.ada.post_form("/integrations/fake/link", &self.room(&team, room)).await;
        assert_eq!(answer.status, 303, "{}", answer.text);
        self.links().await.into_iter().find(|link| link.name == room && link.live_target.is_some()).unwrap()
    }

    /// The same, and it works. There must be workers.
    pub async fn link(&self, room: &str) -> integration_link::Model {
        let link = self.add(room).await;
        self.stands(link.id, LinkState::Active).await
    }

    /// A browser's user connects a GitHub account.
    pub async fn connect(&self, client: &Client, login: &str) {
        let page = client.post_form("/auth/github", &[]).await.location().to_owned();
        let back = self.github.consent(login, &page, "authorize").await;
        let answer = client.get(&back).await;
        assert_eq!((answer.status, answer.location()), (303, "/integrations/github/link"), "{}", answer.text);
    }

    /// Ada connects GitHub and links Product to a repository; it works, and its ping was read. There must be workers.
    pub async fn github_link(&self, repository: &str) -> integration_link::Model {
        self.connect(&self.two.ada, "ada-codes").await;
        let team = self.two.product.to_string();
        let fields = [("team", team.as_str()), ("repository", repository), ("events", "issues"), ("events", "push")];
        let answer = self.two.ada.post_form("/integrations/github/link", &fields).await;
        assert_eq!(answer.status, 303, "{}", answer.text);
        let link =
            self.links().await.into_iter().find(|link| link.partner == "github" && link.live_target.is_some()).unwrap();
        self.stands(link.id, LinkState::Active).await;
        self.until("the ping was read", async || self.find(link.id).await.hook_seen_at.is_some()).await;
        self.settled().await;
        self.find(link.id).await
    }

    /// The webhooks of a repository at GitHub, each with its address.
    pub async fn webhooks(&self, repository: &str) -> Vec<(u64, String)> {
        let hooks = self.github.look("/hooks").await;
        let of = hooks.as_array().unwrap().iter().filter(|hook| hook["repository"] == repository);
        of.map(|hook| (hook["id"].as_u64().unwrap(), hook["url"].as_str().unwrap().to_owned())).collect()
    }

    // ---- hooks

    pub fn secret(&self, link: &integration_link::Model) -> SecretString {
        integration_links::hook_secret(&self.app().core, link).unwrap()
    }

    /// A hook of the fake partner, signed as it signs.
    pub async fn hook(&self, link: &integration_link::Model, delivery: &str, body: &[u8]) -> Answer {
        let headers = self.fake.headers(delivery, body, &self.secret(link));
        self.call(&hook_path(link), &headers, body).await
    }

    /// A call with exactly these headers.
    pub async fn call(&self, path: &str, headers: &[(&str, String)], body: &[u8]) -> Answer {
        let stranger = self.app().visitor();
        let mut request = stranger.request(Method::POST, path).body(body.to_vec());
        for (name, value) in headers {
            request = request.header(*name, reqwest::header::HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        stranger.send(request).await
    }

    /// An entry told by a hook, as the fake partner writes it.
    pub fn telling(id: &str, text: &str) -> Vec<u8> {
        let body: Value = json!({ "do": "entry", "id": id, "text": text });
        body.to_string().into_bytes()
    }
}

pub fn hook_path(link: &integration_link::Model) -> String {
    format!("/integrations/{}/hook?key={}", link.partner, link.hook_key)
}

pub fn path_of(link: &integration_link::Model) -> String {
    format!("/integrations/{}/link/{}", link.partner, link.id)
}

/// The address that removes a link.
pub fn removal_of(link: &integration_link::Model) -> String {
    format!("/integrations/{}/link?link={}", link.partner, link.id)
}

/// The card of a fake partner that has buttons, setup and accounts.
pub fn able() -> Card {
    const CAN: &[Capability] =
        &[Capability::Deliver, Capability::Items, Capability::Actions, Capability::Setup, Capability::Revoke];
    Card { connect: FakePartner::accounts(), capabilities: CAN, ..FakePartner::able_card() }
}

/// A browser comes back from a fake partner's consent page, as this account.
pub async fn consented(client: &Client, page: &str, id: u64, name: &str) -> Answer {
    let page = Url::parse(page).unwrap_or_else(|_| panic!("{page} is no consent page"));
    let asked = |name: &str| page.query_pairs().find(|(found, _)| found == name).unwrap().1.into_owned();
    let callback = Url::parse(&asked("redirect_uri")).unwrap();
    client.get(&format!("{}?state={}&code={id}:{name}", callback.path(), asked("state"))).await
}

/// The same at another of its kind, which is reached by the way back that it was given.
pub async fn consented_at(id: &str, client: &Client, page: &str, account: u64, name: &str) -> Answer {
    assert!(page.contains(&format!("auth%2F{id}%2Fcallback")), "{page} leads to another partner");
    consented(client, page, account, name).await
}

/// A browser's user connects an account at the fake partner.
pub async fn join(client: &Client, id: u64, name: &str) {
    let page = client.post_form("/auth/fake", &[]).await.location().to_owned();
    let back = consented(client, &page, id, name).await;
    assert_eq!((back.status, back.location()), (303, "/integrations/fake/link"), "{}", back.text);
}
