//! Slack through our routes, against its sandbox: hooks of an app with one secret, installations that an organization
//! shares, people who say who they are, and what goes back.

mod claims;
mod credentials;
mod hooks;
mod installations;
mod lifecycle;
mod telling;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use aws_lc_rs::hmac;
use integration_contract::{ExposeSecret, PartnerSettings};
use integration_slack::{Slack, sandbox};
use patchbay::{
    core::partners::Partners,
    db::{
        TeamId,
        entity::{
            entry, inbox_message,
            integration_link::{self, LinkState},
            integration_user,
        },
    },
};
use reqwest::{Method, redirect::Policy};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinHandle};
use url::Url;

use crate::harness::{Answer, Client, TestApp, TestDatabase, TwoOrganizations};

/// The sandbox's workspace in which ada, bob and grace are, and two of its channels.
pub const ACME: &str = "T0ACME0001";
pub const DONE: &str = "C0ACMEDONE";
pub const GENERAL: &str = "C0ACMEGEN1";
/// Eve's, and its channel #done.
pub const UMBRA: &str = "T0UMBRA001";
pub const UMBRA_DONE: &str = "C0UMBRADON";
pub const ADA: &str = "U0ADA00001";
pub const BOB: &str = "U0BOB00002";

pub const HOOK: &str = "/integrations/slack/hook";
pub const FORM: &str = "application/x-www-form-urlencoded";
pub const JSON: &str = "application/json";

/// The application with Slack, and two organizations in it; workers run.
pub struct Ground {
    pub two: TwoOrganizations,
    /// `http://127.0.0.1:port/slack`
    at: String,
    http: reqwest::Client,
    settings: PartnerSettings,
    serving: JoinHandle<()>,
}

impl Ground {
    pub async fn new(test: TestDatabase) -> Self {
        // Calling the sandbox needs it chosen, and the binary is not there to do so.
        let _chosen_before = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = format!("http://{}/slack", listener.local_addr().unwrap());
        let mut opened = None;
        let app = TestApp::with_partners(test, async |product| {
            let callback = product.join("auth/slack/callback").unwrap();
            let made = opened.insert(sandbox::open(&Url::parse(&at).unwrap(), &callback));
            let settings: PartnerSettings = made.settings.iter().cloned().collect();
            let slack = Arc::new(Slack::new(&settings).unwrap());
            Partners::new([(slack as Arc<_>, settings)]).unwrap()
        });
        let app = app.await;
        let opened = opened.unwrap();
        let settings = opened.settings.into_iter().collect();
        let router = axum::Router::new().nest("/slack", opened.router);
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        let http = reqwest::Client::builder().redirect(Policy::none()).tls_certs_only([]).build().unwrap();
        let ground = Self { two: app.with_two_organizations().await, at, http, settings, serving };
        ground.app().work();
        ground
    }

    pub fn app(&self) -> &TestApp {
        &self.two.app
    }

    pub async fn finish(self) {
        self.two.app.finish().await;
        self.serving.abort();
    }

    // ---- the sandbox

    /// Steers the sandbox; its overview says what it can be told.
    pub async fn control(&self, path: &str, body: Value) -> Value {
        let answer = self.http.post(format!("{}/_sandbox{path}", self.at)).json(&body).send().await.unwrap();
        assert!(answer.status().is_success(), "{path}: {} {}", answer.status(), answer.text().await.unwrap());
        answer.json().await.unwrap()
    }

    pub async fn look(&self, path: &str) -> Value {
        self.http.get(format!("{}/_sandbox{path}", self.at)).send().await.unwrap().json().await.unwrap()
    }

    /// How often a method of the API was called.
    pub async fn calls(&self, method: &str) -> usize {
        self.look(&format!("/calls?path=/api/{method}")).await.as_array().unwrap().len()
    }

    /// From now on, calls of this method meet this effect; once, unless it says otherwise.
    pub async fn trouble(&self, method: &str, mut effect: Value) {
        effect["path"] = json!(format!("/api/{method}"));
        self.control("/rules", effect).await;
    }

    /// Somebody types into a channel.
    pub async fn say(&self, user: &str, channel: &str, text: &str) {
        self.control("/say", json!({ "user": user, "channel": channel, "text": text })).await;
    }

    /// What stands in a channel, and what only some see there, as text.
    pub async fn channel(&self, channel: &str) -> String {
        self.look(&format!("/channels/{channel}")).await.to_string()
    }

    // ---- connecting and linking

    /// A browser's user connects Slack, there as `user`.
    pub async fn connect(&self, client: &Client, user: &str) -> Answer {
        let page = client.post_form("/auth/slack", &[]).await.location().to_owned();
        let back = self.control("/authorize", json!({ "user": user, "url": page })).await;
        let back: Url = back["redirect"].as_str().unwrap().parse().unwrap();
        client.get(&format!("{}?{}", back.path(), back.query().unwrap_or_default())).await
    }

    /// Links a team to a channel both ways; it works, and what the joining told was read.
    pub async fn link(&self, client: &Client, team: TeamId, channel: &str) -> integration_link::Model {
        self.link_with(client, team, channel, &["incoming", "outgoing"]).await
    }

    pub async fn link_with(
        &self,
        client: &Client,
        team: TeamId,
        channel: &str,
        directions: &[&str],
    ) -> integration_link::Model {
        let team_id = team.to_string();
        let mut fields = vec![("team", team_id.as_str()), ("channel", channel), ("when", "live")];
        fields.push(("emoji", "white_check_mark"));
        fields.extend(directions.iter().map(|direction| ("direction", *direction)));
        fields.extend(["done", "goal", "blocked"].map(|status| ("statuses", status)));
        let answer = client.post_form("/integrations/slack/link", &fields).await;
        assert_eq!(answer.status, 303, "{}", answer.text);
        let links = self.links().await;
        let link = links.into_iter().rfind(|link| link.team_id == team).unwrap();
        self.stands(&link, LinkState::Active).await
    }

    /// Ada connects Acme and links Product to #done both ways.
    pub async fn linked(&self) -> integration_link::Model {
        let answer = self.connect(&self.two.ada, "ada").await;
        assert_eq!((answer.status, answer.location()), (303, "/integrations/slack/link"), "{}", answer.text);
        let link = self.link(&self.two.ada, self.two.product, "#done").await;
        self.until("it was read that the app joined", async || {
            self.messages_of("member_joined_channel").await.iter().any(|message| message.finished_at.is_some())
        })
        .await;
        self.find(&link).await
    }

    /// Removes a link, and waits until its receipt is written.
    pub async fn remove(&self, client: &Client, link: &integration_link::Model) -> integration_link::Model {
        let path = format!("/integrations/slack/link?link={}", link.id);
        let answer = client.post_form(&path, &[("_method", "delete")]).await;
        assert_eq!(answer.status, 303, "{}", answer.text);
        self.stands(link, LinkState::Removed).await
    }

    // ---- rows

    pub async fn links(&self) -> Vec<integration_link::Model> {
        let links = integration_link::Entity::find().order_by_asc(integration_link::Column::Id);
        links.all(self.app().core.db.reader()).await.unwrap()
    }

    pub async fn find(&self, link: &integration_link::Model) -> integration_link::Model {
        let link = integration_link::Entity::find().filter(integration_link::Column::Id.eq(link.id));
        link.one(self.app().core.db.reader()).await.unwrap().unwrap()
    }

    pub async fn accounts(&self) -> Vec<integration_user::Model> {
        let all = integration_user::Entity::find().order_by_asc(integration_user::Column::Id);
        all.all(self.app().core.db.reader()).await.unwrap()
    }

    pub async fn installations(&self) -> Vec<integration_user::Model> {
        self.accounts().await.into_iter().filter(|account| account.user_id.is_none()).collect()
    }

    pub async fn messages(&self) -> Vec<inbox_message::Model> {
        let messages = inbox_message::Entity::find().order_by_asc(inbox_message::Column::Id);
        messages.all(self.app().core.db.reader()).await.unwrap()
    }

    /// The messages of one event.
    pub async fn messages_of(&self, event: &str) -> Vec<inbox_message::Model> {
        self.messages().await.into_iter().filter(|message| message.event == event).collect()
    }

    pub async fn entries(&self) -> Vec<entry::Model> {
        let entries = entry::Entity::find().order_by_asc(entry::Column::Id);
        entries.all(self.app().core.db.reader()).await.unwrap()
    }

    /// Waits for an entry.
    pub async fn entry(&self, body: &str) -> entry::Model {
        self.until(&format!("there is an entry {body:?}"), async || {
            self.entries().await.iter().any(|entry| entry.body == body)
        })
        .await;
        self.entries().await.into_iter().find(|entry| entry.body == body).unwrap()
    }

    // ---- time

    /// Waits for something to become true, or fails. Time passes meanwhile: posts leave a second apart.
    pub async fn until(&self, what: &str, mut is_so: impl AsyncFnMut() -> bool) {
        let mut last = Instant::now();
        let begun = last;
        while !is_so().await {
            assert!(begun.elapsed() < Duration::from_secs(30), "waited too long until {what}");
            tokio::time::sleep(Duration::from_millis(10)).await;
            self.app().clock.advance(last.elapsed());
            last = Instant::now();
        }
    }

    /// Waits until a link stands so.
    pub async fn stands(&self, link: &integration_link::Model, state: LinkState) -> integration_link::Model {
        self.until(&format!("the link is {state:?}"), async || self.find(link).await.state == state).await;
        self.find(link).await
    }

    /// Waits until this stands in a channel, or is said there to somebody alone.
    pub async fn is_said(&self, channel: &str, text: &str) {
        self.until(&format!("{text:?} is said"), async || self.channel(channel).await.contains(text)).await;
    }

    // ---- hooks

    /// The value of a hook's signature header.
    pub fn signature(&self, timestamp: &str, body: &[u8]) -> String {
        let secret = self.settings.get("SIGNING_SECRET").unwrap();
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.expose_secret().as_bytes());
        let message = [b"v0:", timestamp.as_bytes(), b":", body].concat();
        format!("v0={}", hex::encode(hmac::sign(&key, &message)))
    }

    /// A hook that Slack signed this many seconds from now.
    pub async fn hook_at(&self, seconds: i64, media: &str, body: &str) -> Answer {
        let timestamp = (self.app().core.clock.now_seconds() + seconds).to_string();
        let signature = self.signature(&timestamp, body.as_bytes());
        self.call(media, &[("x-slack-request-timestamp", timestamp), ("x-slack-signature", signature)], body).await
    }

    pub async fn hook(&self, media: &str, body: &str) -> Answer {
        self.hook_at(0, media, body).await
    }

    pub async fn event(&self, body: &Value) -> Answer {
        self.hook(JSON, &body.to_string()).await
    }

    pub async fn command(&self, team: &str, channel: &str, trigger: &str, text: &str) -> Answer {
        let mut body = url::form_urlencoded::Serializer::new(String::new());
        body.extend_pairs([
            ("team_id", team),
            ("team_domain", "acme"),
            ("channel_id", channel),
            ("channel_name", "somewhere"),
            ("user_id", ADA),
            ("user_name", "ada"),
            ("command", "/done"),
            ("text", text),
            ("trigger_id", trigger),
            ("api_app_id", "A0PATCHBAY"),
        ]);
        self.hook(FORM, &body.finish()).await
    }

    /// A call with exactly these headers.
    pub async fn call(&self, media: &str, headers: &[(&str, String)], body: &str) -> Answer {
        let stranger = self.app().visitor();
        let mut request = stranger.request(Method::POST, HOOK).header("content-type", media).body(body.to_owned());
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        stranger.send(request).await
    }
}

/// An event of a workspace that Slack delivers to the app.
pub fn event_of(team: &str, id: &str, at: i64, event: &Value) -> Value {
    json!({
        "token": "x", "team_id": team, "api_app_id": "A0PATCHBAY", "type": "event_callback",
        "event_id": id, "event_time": at, "event": event,
        "authorizations": [{ "enterprise_id": null, "team_id": team, "user_id": "U0BOT", "is_bot": true,
                             "is_enterprise_install": false }],
    })
}

/// Somebody mentions the app and says this.
pub fn mention(team: &str, channel: &str, ts: &str, text: &str) -> Value {
    let id = format!("Ev{}", ts.replace('.', ""));
    let user = if team == ACME { ADA } else { "U0EVE00004" };
    let event = json!({ "type": "app_mention", "user": user, "text": text, "ts": ts, "channel": channel,
                        "event_ts": ts, "team": team });
    event_of(team, &id, 0, &event)
}
