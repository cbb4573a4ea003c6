//! Buttons inside a partner's product: who may press them, how often, and what comes of it; and how somebody we do not
//! know becomes known.

mod claims;
mod clicks;
mod tokens;

use std::collections::BTreeMap;

use integration_contract::SecretString;
use integration_testkit::{Click, FakePartner};
use patchbay::{
    core::{
        actions::{About, Verb, button},
        entries,
    },
    db::{
        EntryId,
        entity::{
            account_claim,
            entry::{self, EntryStatus},
            integration_link,
            job::{self, JobState},
        },
    },
};
use reqwest::Method;
use sea_orm::{EntityTrait, QueryOrder};
use url::Url;

use crate::{
    harness::{Answer, Client, TestApp, TestDatabase},
    integrations::{Ground as Below, able, join},
};

/// What the calls of the fake partner's buttons are signed with.
const SECRET: &str = "the app's own secret";

/// The numbers of accounts at the fake partner.
const ADA: u64 = 7;
const BOB: u64 = 8;
const STRANGER: u64 = 9;

/// The application with a partner that has buttons and accounts, and a link of Product's to a room there.
pub struct Ground {
    pub below: Below,
    pub link: integration_link::Model,
}

impl Ground {
    pub async fn new(test: TestDatabase) -> Self {
        let settings = [("SECRET", SECRET)].into_iter().collect();
        let below = Below::idle_with(test, FakePartner::with_card(able()), settings).await;
        below.app().work();
        join(&below.two.ada, ADA, "ada").await;
        let link = below.link("workshop").await;
        Self { below, link }
    }

    pub fn app(&self) -> &TestApp {
        self.below.app()
    }

    /// Every row, once the workers have done what there was to do: while they are at it, rows change by themselves.
    pub async fn rows_at_rest(&self) -> BTreeMap<String, Vec<String>> {
        let busy = [JobState::Ready, JobState::Blocked, JobState::Leased];
        let jobs = async || job::Entity::find().all(self.app().core.db.reader()).await.unwrap();
        self.below.until("the workers rest", async || !jobs().await.iter().any(|job| busy.contains(&job.state))).await;
        self.app().database.rows().await
    }

    pub async fn finish(self) {
        self.below.finish().await;
    }

    /// A goal of Ada's in the log of Product.
    pub async fn goal(&self, text: &str) -> EntryId {
        let ada = self.app().member("ada@example.com", self.below.two.acme).await;
        entries::write(&self.app().core, &ada, self.below.two.product, &format!("[] {text}")).await.unwrap();
        self.below.entries().await.into_iter().find(|entry| entry.body == text).unwrap().id
    }

    pub async fn status(&self, id: EntryId) -> EntryStatus {
        let entries = entry::Entity::find().all(self.app().core.db.reader()).await.unwrap();
        entries.into_iter().find(|entry| entry.id == id).unwrap().status
    }

    /// The address of the button that completes an entry.
    pub fn mark_as_done(&self, id: EntryId) -> Url {
        let button = button(&self.app().core, &self.link, About::Entry(id), Verb::Complete).unwrap();
        assert_eq!(button.name, "Mark as done");
        button.url
    }

    pub fn secret() -> SecretString {
        SECRET.into()
    }

    /// What the partner sends when this account clicks.
    pub fn click(&self, url: &Url, account: u64) -> Click {
        self.below.fake.click(url, account, "somebody", &Self::secret(), self.app().clock.now() / 1000)
    }

    /// Sends a click to where it belongs.
    pub async fn press(&self, url: &Url, account: u64) -> Answer {
        send(&self.app().visitor(), url, &self.click(url, account)).await
    }

    /// Every claim that is open.
    pub async fn claims(&self) -> Vec<account_claim::Model> {
        let claims = account_claim::Entity::find().order_by_asc(account_claim::Column::ExpiresAt);
        claims.all(self.app().core.db.reader()).await.unwrap()
    }

    /// The page to which the challenge for an account we do not know leads.
    pub async fn challenge(&self, url: &Url, account: u64) -> String {
        let answer = self.press(url, account).await;
        assert_eq!(answer.status, 401, "{}", answer.text);
        let page = answer.header("www-authenticate").strip_prefix("Fake url=\"").unwrap().strip_suffix('"').unwrap();
        let page = Url::parse(page).unwrap();
        assert_eq!(page.origin(), self.app().core.site.public_url.origin());
        format!("{}?{}", page.path(), page.query().unwrap())
    }
}

/// Sends a call as it is.
pub async fn send(client: &Client, url: &Url, click: &Click) -> Answer {
    let mut request = client.request(Method::POST, url.path()).body(click.body.clone());
    for (name, value) in &click.headers {
        request = request.header(*name, value);
    }
    client.send(request).await
}
