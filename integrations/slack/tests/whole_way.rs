//! The partner against the sandbox, over real HTTP: connecting, a link, what arrives and what leaves. The two share no
//! code, so what one of them read wrongly in Slack's documents shows here.

use std::{net::Ipv4Addr, sync::Arc, time::Duration};

use async_trait::async_trait;
use axum::{Router, body::Bytes, extract::State, http::HeaderMap, response::IntoResponse, routing::post};
use integration_contract::{
    Account, Answer, Auth, Author, AuthorizeAsk, Change, Comment, Error, ErrorKind, ExposeSecret, FormInput, Grant,
    Happening, HookAnswer, HookCall, Http, Identity, Integration, IntegrationLink, Item, ItemChange, ItemKind,
    ItemState, Outgoing, OutgoingEntry, OutgoingItem, PartnerSettings, Posted, Reading, Receipt, Request, Response,
    Result, SecretString, Status, Told, Transport, Verified,
};
use integration_slack::{Slack, sandbox};
use integration_testkit::MemoryLedger;
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::mpsc};
use url::Url;

const ADA: &str = "T0ACME0001/U0ADA00001";
const DONE: &str = "C0ACMEDONE";

/// Calls go out for real, with the account's token.
struct Wire {
    client: reqwest::Client,
    token: Option<SecretString>,
}

#[async_trait]
impl Transport for Wire {
    async fn send(&self, request: Request) -> Result<Response> {
        let mut call = self.client.request(request.method, request.url).headers(request.headers).body(request.body);
        call = match request.auth {
            Auth::Nobody => call,
            Auth::Basic { user, password } => call.basic_auth(user, Some(password.expose_secret())),
            Auth::Bearer(token) => call.bearer_auth(token.expose_secret()),
            Auth::Account => call.bearer_auth(self.token.as_ref().expect("an account").expose_secret()),
        };
        let silence = |error: reqwest::Error| Error::new(ErrorKind::Unavailable, error.to_string());
        let answer = call.send().await.map_err(silence)?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        Ok(Response { status, headers, body: answer.bytes().await.map_err(silence)? })
    }
}

/// The product: it verifies, answers, and hands on what was accepted.
struct Product {
    slack: Slack,
    secret: SecretString,
    arrived: mpsc::UnboundedSender<Verified<HookCall>>,
}

async fn hook(State(product): State<Arc<Product>>, headers: HeaderMap, body: Bytes) -> axum::response::Response {
    use axum::http::StatusCode;
    let mut call = HookCall { headers: [].into(), key: None, body };
    for (name, value) in &headers {
        let values = call.headers.entry(name.as_str().to_owned()).or_default();
        values.push(value.to_str().unwrap_or_default().to_owned());
    }
    if product.slack.is_probe(&call) && call.header("x-slack-signature").is_none() {
        return StatusCode::OK.into_response();
    }
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970").as_secs();
    let now = i64::try_from(now).expect("a time");
    let Ok(call) = product.slack.scheme().verify(call, std::slice::from_ref(&product.secret), now) else {
        return StatusCode::UNAUTHORIZED.into_response();
    };
    match product.slack.answer(&call) {
        Ok(HookAnswer::Reply(reply)) => ([("content-type", reply.content_type)], reply.body).into_response(),
        Ok(HookAnswer::Accept { reply, .. }) => {
            product.arrived.send(call).expect("the test listens");
            reply.map_or_else(
                || StatusCode::OK.into_response(),
                |reply| ([("content-type", reply.content_type)], reply.body).into_response(),
            )
        }
        Ok(HookAnswer::Ignore { .. }) => StatusCode::OK.into_response(),
        Err(_) => StatusCode::BAD_REQUEST.into_response(),
    }
}

/// A sandbox, and a product connected to it with a link to `#done`.
struct World {
    slack: Slack,
    at: String,
    client: reqwest::Client,
    account: Account,
    link: IntegrationLink,
    arrived: mpsc::UnboundedReceiver<Verified<HookCall>>,
}

impl World {
    async fn new() -> Self {
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().expect("a client");
        let (tell, arrived) = mpsc::unbounded_channel();
        // Each must know the other's address, so both ports are taken before either is served.
        let ours = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        let theirs = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        let product = format!("http://{}", ours.local_addr().expect("an address"));
        let at = format!("http://{}/slack", theirs.local_addr().expect("an address"));
        let callback: Url = format!("{product}/auth/slack/callback").parse().expect("a URL");
        let opened = sandbox::open(&at.parse().expect("a URL"), &callback);
        let settings: PartnerSettings = opened.settings.into_iter().collect();
        let secret = settings.get("SIGNING_SECRET").expect("set").clone();
        let receiver = Product { slack: Slack::new(&settings).expect("good"), secret, arrived: tell };
        let routes = Router::new().route("/integrations/slack/hook", post(hook)).with_state(Arc::new(receiver));
        tokio::spawn(async move { axum::serve(ours, routes).await });
        let routes = Router::new().nest("/slack", opened.router);
        tokio::spawn(async move { axum::serve(theirs, routes).await });

        let slack = Slack::new(&settings).expect("good settings");
        let account = connect(&slack, &client, &at, &callback).await;
        let input: FormInput = [
            ("direction", "incoming"),
            ("direction", "outgoing"),
            ("channel", "#done"),
            ("emoji", "white_check_mark"),
            ("statuses", "done"),
            ("statuses", "goal"),
            ("statuses", "blocked"),
            ("when", "live"),
        ]
        .into_iter()
        .collect();
        let checked = slack.check_link(&account, &input).await.expect("a good form");
        assert_eq!(checked.target, format!("channel:{DONE}"));
        let link = IntegrationLink {
            id: "link".into(),
            settings: checked.settings,
            hook_url: format!("{product}/integrations/slack/hook").parse().expect("a URL"),
            hook_secret: "unused".into(),
            given_secret: None,
        };
        slack.create_link(&account, &link, &MemoryLedger::default()).await.expect("the app joins");
        let mut world = Self { slack, at, client, account, link, arrived };
        // That the app joined is told, too.
        assert_eq!(world.next().await.happenings, [Happening::TargetBack]);
        world
    }

    /// What a person or the control does at the sandbox.
    async fn control(&self, path: &str, body: Value) -> Value {
        control(&self.client, &self.at, path, &body).await
    }

    async fn call(&self, method: &str, token: &str, body: Value) -> Value {
        let call = self.client.post(format!("{}/api/{method}", self.at)).bearer_auth(token);
        let call = call.header("content-type", "application/json; charset=utf-8").body(body.to_string());
        let answer = call.send().await.expect("an answer").bytes().await.expect("a body");
        serde_json::from_slice(&answer).expect("JSON")
    }

    async fn say(&self, text: &str) -> Value {
        self.control("say", json!({ "user": "ada", "channel": DONE, "text": text })).await
    }

    /// What the next accepted hook comes to.
    async fn next(&mut self) -> Reading {
        let call = tokio::time::timeout(Duration::from_secs(10), self.arrived.recv()).await;
        let call = call.expect("a hook arrives").expect("the product runs");
        let reading = self.slack.hook(&self.link, &call).expect("read");
        match &reading.look_up {
            None => reading,
            Some(what) => {
                let found = self.slack.look_up(&self.account, &self.link, what).await.expect("looked up");
                Reading { answer_to: reading.answer_to, ..found }
            }
        }
    }

    async fn next_lines(&mut self) -> (integration_contract::NewLines, Option<String>) {
        let reading = self.next().await;
        match reading.happenings.into_iter().next() {
            Some(Happening::Lines(lines)) => (lines, reading.answer_to),
            other => panic!("lines were expected, not {other:?} ({:?})", reading.ignored),
        }
    }

    async fn tell(&self, what: Told, posted: Posted) -> Result<Receipt> {
        let message = Outgoing { id: "m1".into(), what, posted, buttons: Vec::new() };
        self.slack.deliver(&self.account, &self.link, &message).await
    }

    async fn channel(&self) -> Value {
        let answer = self.client.get(format!("{}/_sandbox/channels/{DONE}", self.at)).send().await.expect("an answer");
        serde_json::from_slice(&answer.bytes().await.expect("a body")).expect("JSON")
    }
}

async fn control(client: &reqwest::Client, at: &str, path: &str, body: &Value) -> Value {
    let call = client.post(format!("{at}/_sandbox/{path}")).header("content-type", "application/json");
    let answer = call.body(body.to_string()).send().await.expect("an answer");
    let status = answer.status();
    let text = answer.text().await.expect("a text");
    assert!(status.is_success(), "{path} {body}: {status} {text}");
    serde_json::from_str(&text).expect("JSON")
}

async fn connect(slack: &Slack, client: &reqwest::Client, at: &str, callback: &Url) -> Account {
    let ask = AuthorizeAsk { state: "state-1".into(), redirect_uri: callback.clone(), verifier: None, site: None };
    let url = slack.authorize_url(&ask).expect("a URL");
    let consent = control(client, at, "authorize", &json!({ "user": "ada", "url": url.as_str() })).await;
    let back: Url = consent["redirect"].as_str().expect("a redirect").parse().expect("a URL");
    let query = |name: &str| back.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
    assert_eq!(query("state").as_deref(), Some("state-1"));
    let grant = Grant {
        code: query("code").expect("a code").into(),
        redirect_uri: callback.clone(),
        verifier: None,
        site: None,
    };
    let unconnected = Http::new(Wire { client: client.clone(), token: None });
    let connected = slack.oauth_callback(&unconnected, grant).await.expect("connected");
    assert_eq!((connected.identity.id.as_str(), connected.identity.name.as_str()), (ADA, "ada"));
    let installation: Identity = connected.installation.expect("a workspace");
    assert_eq!(installation.name, "Acme");
    let http = Http::new(Wire { client: client.clone(), token: Some(connected.credentials.access_token) });
    Account { http, identity: Some(installation), scopes: connected.credentials.scopes, site: None }
}

fn entry(text: &str) -> OutgoingEntry {
    OutgoingEntry {
        id: "e1".into(),
        url: "https://patchbay.example/teams/1/entries/e1".into(),
        text: text.into(),
        status: Status::Done,
        author: "Ada".into(),
        author_id: None,
        source: None,
        source_url: None,
        team: "Product".into(),
        day: "2026-11-22".into(),
        archived: false,
        author_avatar: None,
        of_item: false,
    }
}

#[tokio::test]
async fn a_command_becomes_lines_and_is_answered() {
    let mut world = World::new().await;
    world.say("/done shipped <the> search page & more\n! waiting").await;
    let (lines, answer_to) = world.next_lines().await;
    assert_eq!(lines.text, "shipped <the> search page & more\n! waiting");
    assert_eq!((lines.author.id.as_deref(), lines.source.as_str()), (Some(ADA), "#done"));

    let answer = Answer { written: vec![entry("shipped")], why_not: None, connect: None };
    let told = world.tell(Told::Answer { to: answer_to.expect("an address"), answer }, Posted::Never).await;
    assert_eq!(told.expect("answered"), Receipt::nothing());
    let page = world.channel().await.to_string();
    assert!(page.contains("Got it.") && page.contains("Written to the log of Product"), "{page}");
}

#[tokio::test]
async fn a_mention_is_followed_through_its_edits() {
    let mut world = World::new().await;
    let bot = world.link.settings.0["me"]["user_id"].as_str().expect("an id").to_owned();
    let said = world.call("auth.test", "none", json!({})).await;
    assert_eq!(said["ok"], false, "the sandbox looks at tokens");

    let name = world.link.settings.0["me"]["name"].as_str().expect("a name").to_owned();
    let ts = world.say(&format!("@{name} shipped it with @bob")).await["ts"].as_str().expect("a ts").to_owned();
    let (lines, answer_to) = world.next_lines().await;
    assert_eq!(lines.text, "shipped it with @bob", "{bot}");
    assert_eq!((lines.external_id, lines.author.id), (format!("message:{ts}"), Some(ADA.to_owned())));
    let answer = Answer { written: vec![], why_not: None, connect: Some("https://patchbay.example/claim/1".into()) };
    let told = world.tell(Told::Answer { to: answer_to.expect("an address"), answer }, Posted::Never).await;
    assert_eq!(told.expect("answered"), Receipt::nothing());
    assert!(world.channel().await.to_string().contains("Connect them"));
}

#[tokio::test]
async fn an_entry_is_posted_changed_and_taken_back() {
    let world = World::new().await;
    let first = world.tell(Told::Entry(entry("shipped <!channel> & it")), Posted::Never).await.expect("posted");
    let place = Posted::As(first.remote_id.clone().expect("a place"));
    let page = world.channel().await.to_string();
    assert!(page.contains("shipped &lt;!channel&gt; &amp; it"), "{page}");

    // A lost answer: it is found, not posted again.
    let maybe = Posted::Maybe { since: 0 };
    assert_eq!(world.tell(Told::Entry(entry("shipped it")), maybe).await.expect("found"), first);
    let page = world.channel().await.to_string();
    assert!(page.contains("Ada: shipped it") && !page.contains("!channel"), "{page}");

    let gone = OutgoingEntry { archived: true, ..entry("shipped it") };
    assert_eq!(world.tell(Told::Entry(gone.clone()), place.clone()).await.expect("gone"), Receipt::nothing());
    assert!(!world.channel().await.to_string().contains("Ada: shipped it"));
    assert!(world.tell(Told::Entry(gone), place).await.expect("gone already").note.is_some());

    let digest = world.tell(Told::Digest(vec![entry("one"), entry("two")]), Posted::Never).await.expect("posted");
    assert!(digest.remote_id.is_some());
}

fn item(state: ItemState, state_word: &str) -> Item {
    Item {
        id: "42".into(),
        kind: ItemKind::Issue,
        name: "acme/widgets#42".into(),
        title: "The chart is empty".into(),
        body: String::new(),
        url: Some("https://github.example/acme/widgets/issues/42".into()),
        state,
        state_word: state_word.into(),
        author: Author { name: "ada".into(), ..Author::default() },
        assignees: Vec::new(),
        labels: Vec::new(),
        external_id: None,
        created_at: None,
        updated_at: None,
    }
}

#[tokio::test]
async fn an_item_is_a_thread_that_goes_on() {
    let world = World::new().await;
    let told = |what: Change, item: Item, thread: Option<String>| {
        let by = Author { name: "bob".into(), ..Author::default() };
        let change = ItemChange { id: "x".into(), what, by, at: None, item: item.clone() };
        let source = "acme/widgets".to_owned();
        Told::Item(Box::new(OutgoingItem { id: "i1".into(), item, change, source, thread, trouble: None }))
    };
    let open = || item(ItemState::Open, "open");
    let comment = |body: &str| Comment {
        id: "c1".into(),
        body: body.into(),
        url: None,
        author: Author::default(),
        attachments: Vec::new(),
    };
    let first = world.tell(told(Change::Opened, open(), None), Posted::Never).await.expect("begun");
    let found = world.tell(told(Change::Opened, open(), None), Posted::Maybe { since: 0 }).await.expect("found");
    assert_eq!(found, first);
    let thread = first.remote_id;
    let reply = world.tell(told(Change::Commented(comment("me too")), open(), thread.clone()), Posted::Never).await;
    let reply = reply.expect("told");
    let again = told(Change::Commented(comment("me too")), open(), thread.clone());
    assert_eq!(world.tell(again, Posted::Maybe { since: 0 }).await.expect("found"), reply);
    let edited = told(Change::CommentEdited(comment("me three")), open(), thread.clone());
    assert_eq!(world.tell(edited, Posted::Never).await.expect("changed"), reply);
    let page = world.channel().await.to_string();
    assert!(page.contains("me three") && !page.contains("me too"), "{page}");
    let deleted = told(Change::CommentDeleted("c1".into()), open(), thread.clone());
    assert_eq!(world.tell(deleted, Posted::Never).await.expect("gone"), Receipt::nothing());
    let closing = told(Change::Closed, item(ItemState::Closed, "closed"), thread);
    world.tell(closing, Posted::Never).await.expect("told");
    let page = world.channel().await.to_string();
    assert!(page.contains("bob closed it") && page.contains("⚪ acme/widgets#42") && !page.contains("🟢"), "{page}");
    assert!(!page.contains("me three"), "{page}");
}

#[tokio::test]
async fn an_access_that_was_taken_back_is_known() {
    let world = World::new().await;
    world.control("tokens/end", json!({ "team": "T0ACME0001", "how": "revoked" })).await;
    let error = world.tell(Told::Entry(entry("shipped")), Posted::Never).await.expect_err("no access");
    assert_eq!(error.kind(), ErrorKind::Unauthorized);
}

#[tokio::test]
async fn a_reaction_is_followed_and_taken_back() {
    let mut world = World::new().await;
    let ts = world.say("The certificate is renewed").await["ts"].as_str().expect("a ts").to_owned();
    let bob = world.control("installations", json!({ "user": "bob", "user_scopes": "reactions:write" })).await;
    let token = bob["user_token"].as_str().expect("a token").to_owned();
    let reaction = json!({ "channel": DONE, "timestamp": ts, "name": "white_check_mark" });

    assert_eq!(world.call("reactions.add", &token, reaction.clone()).await["ok"], true);
    let (lines, _) = world.next_lines().await;
    assert_eq!((lines.text.as_str(), lines.author.id.as_deref()), ("The certificate is renewed", Some(ADA)));
    let external_id = lines.external_id;

    assert_eq!(world.call("reactions.remove", &token, reaction).await["ok"], true);
    assert_eq!(world.next().await.happenings, [Happening::EntryRetracted { external_id }]);
}
