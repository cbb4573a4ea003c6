//! A sandbox, and a product connected to it with a link to Acme's help desk.

use std::{
    net::Ipv4Addr,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use axum::{
    Router,
    body::Bytes,
    extract::{RawQuery, State},
    http::{HeaderMap, StatusCode},
    routing::post,
};
use integration_contract::{
    Account, Address, Auth, AuthorizeAsk, Connected, Error, ErrorKind, ExposeSecret, Grant, Happening, HookAnswer,
    HookCall, Http, Integration, IntegrationLink, ItemChange, Items, LinkSettings, PartnerSettings, Reading, Request,
    Response, Result, SecretString, Transport, Verified,
};
use integration_testkit::MemoryLedger;
use integration_zendesk::{Zendesk, sandbox};
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::mpsc};
use url::Url;

pub const KEY: &str = "the-links-own-key";
const VERIFIER: &str = "verifier-0123456789-0123456789-0123456789-0123456789";
/// Acme's ticket about the chart.
pub const CHART: &str = "1";

type Lost = Arc<Mutex<Option<(http::Method, usize)>>>;

/// Calls go out for real, with the account's token.
struct Wire {
    client: reqwest::Client,
    token: Option<SecretString>,
    /// The good answers to so many of the next calls with this method get lost.
    lose: Lost,
}

#[async_trait]
impl Transport for Wire {
    async fn send(&self, request: Request) -> Result<Response> {
        let method = request.method.clone();
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
        let body = answer.bytes().await.map_err(silence)?;
        let mut lose = self.lose.lock().expect("no panic before");
        if let Some((lost, times)) = lose.as_mut()
            && *lost == method
            && *times > 0
            && status.is_success()
        {
            *times -= 1;
            return Err(Error::new(ErrorKind::UnknownOutcome, "The answer got lost."));
        }
        Ok(Response { status, headers, body })
    }
}

/// The product: it verifies, answers, and hands on what was accepted.
struct Product {
    zendesk: Zendesk,
    ledger: MemoryLedger,
    arrived: mpsc::UnboundedSender<Verified<HookCall>>,
    /// How many hooks were refused.
    refused: Arc<Mutex<usize>>,
}

async fn hook(
    State(product): State<Arc<Product>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> StatusCode {
    let query = query.unwrap_or_default();
    let key = url::form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "key").map(|(_, key)| key.into());
    let mut call = HookCall { headers: [].into(), key, body };
    for (name, value) in &headers {
        let values = call.headers.entry(name.as_str().to_owned()).or_default();
        values.push(value.to_str().unwrap_or_default().to_owned());
    }
    if product.zendesk.address(&call) != Address::Link(KEY.to_owned()) {
        return StatusCode::NOT_FOUND;
    }
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970").as_secs();
    let secrets: Vec<_> = product.ledger.secret().into_iter().collect();
    let now = i64::try_from(now).expect("a time");
    let Ok(call) = product.zendesk.scheme().verify(call, &secrets, now) else {
        *product.refused.lock().expect("no panic before") += 1;
        return StatusCode::UNAUTHORIZED;
    };
    match product.zendesk.answer(&call) {
        Ok(HookAnswer::Accept { .. }) => {
            // A test that has heard enough does not listen any more.
            let _ = product.arrived.send(call);
            StatusCode::OK
        }
        Ok(HookAnswer::Ignore { .. } | HookAnswer::Reply(_)) => StatusCode::OK,
        Err(_) => StatusCode::BAD_REQUEST,
    }
}

pub struct World {
    pub zendesk: Zendesk,
    pub at: String,
    pub callback: Url,
    pub client: reqwest::Client,
    pub account: Account,
    pub link: IntegrationLink,
    pub ledger: MemoryLedger,
    lose: Lost,
    pub refused: Arc<Mutex<usize>>,
    arrived: mpsc::UnboundedReceiver<Verified<HookCall>>,
}

impl World {
    /// With everything connected, and no link made yet.
    pub async fn unlinked() -> Self {
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().expect("a client");
        let (tell, arrived) = mpsc::unbounded_channel();
        // Each must know the other's address, so both ports are taken before either is served.
        let ours = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        let theirs = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        let product = format!("http://{}", ours.local_addr().expect("an address"));
        let at = format!("http://{}/zendesk", theirs.local_addr().expect("an address"));
        let callback: Url = format!("{product}/auth/zendesk/callback").parse().expect("a URL");
        let opened = sandbox::open(&at.parse().expect("a URL"), &callback);
        let settings: PartnerSettings = opened.settings.into_iter().collect();
        let (ledger, refused) = (MemoryLedger::default(), Arc::default());
        let zendesk = Zendesk::new(&settings).expect("good");
        let receiver = Product { zendesk, ledger: ledger.clone(), arrived: tell, refused: Arc::clone(&refused) };
        let routes = Router::new().route("/integrations/zendesk/hook", post(hook)).with_state(Arc::new(receiver));
        tokio::spawn(async move { axum::serve(ours, routes).await });
        let routes = Router::new().nest("/zendesk", opened.router);
        tokio::spawn(async move { axum::serve(theirs, routes).await });

        let link = IntegrationLink {
            id: "link".into(),
            settings: LinkSettings(Value::Null),
            hook_url: format!("{product}/integrations/zendesk/hook?key={KEY}").parse().expect("a URL"),
            hook_secret: "unused".into(),
            given_secret: None,
        };
        let nobody = Http::new(Wire { client: client.clone(), token: None, lose: Arc::default() });
        let account = Account { http: nobody, identity: None, site: None, scopes: Vec::new() };
        let zendesk = Zendesk::new(&settings).expect("good settings");
        let lose = Arc::default();
        let mut world = Self { zendesk, at, callback, client, account, link, ledger, lose, refused, arrived };
        let connected = world.connect("acme", "ada").await.expect("connected");
        world.account = world.account_of(connected);
        world
    }

    /// With a link that brings everything.
    pub async fn new() -> Self {
        let mut world = Self::unlinked().await;
        world.set(&["solved", "tickets", "comments"]).await;
        world.make().await.expect("made");
        world
    }

    /// Fills in the link form.
    pub async fn set(&mut self, events: &[&str]) {
        let input = events.iter().map(|event| ("events", *event)).collect();
        let checked = self.zendesk.check_link(&self.account, &input).await.expect("a good form");
        assert_eq!(checked.target, "account:acme");
        self.link.settings = checked.settings;
    }

    pub async fn make(&mut self) -> Result<()> {
        let made = self.zendesk.create_link(&self.account, &self.link, &self.ledger).await;
        self.link.given_secret = self.ledger.secret();
        made
    }

    /// Over the consent page and back.
    pub async fn connect(&self, subdomain: &str, user: &str) -> Result<Connected> {
        let back = self.consent(subdomain, user).await;
        let query = |name: &str| back.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
        assert_eq!(query("state").as_deref(), Some("state-1"));
        let grant = Grant {
            code: query("code").expect("a code").into(),
            redirect_uri: self.callback.clone(),
            verifier: Some(VERIFIER.into()),
            site: Some(subdomain.into()),
        };
        self.zendesk.oauth_callback(&self.nobody(), grant).await
    }

    /// Where the consent page sends the person.
    pub async fn consent(&self, subdomain: &str, user: &str) -> Url {
        let ask = AuthorizeAsk {
            state: "state-1".into(),
            redirect_uri: self.callback.clone(),
            verifier: Some(VERIFIER.into()),
            site: Some(subdomain.into()),
        };
        let url = self.zendesk.authorize_url(&ask).expect("a URL");
        let consent = self.control("authorize", json!({ "user": user, "url": url.as_str() })).await;
        consent["redirect"].as_str().expect("a redirect").parse().expect("a URL")
    }

    pub fn nobody(&self) -> Http {
        Http::new(Wire { client: self.client.clone(), token: None, lose: Arc::default() })
    }

    pub fn account_of(&self, connected: Connected) -> Account {
        let token = Some(connected.credentials.access_token);
        let http = Http::new(Wire { client: self.client.clone(), token, lose: Arc::clone(&self.lose) });
        let (site, scopes) = (connected.credentials.site, connected.credentials.scopes);
        Account { http, identity: Some(connected.identity), site, scopes }
    }

    pub fn items(&self) -> &dyn Items {
        self.zendesk.items().expect("Zendesk has items")
    }

    /// The answers to so many of the next calls with this method get lost, after they were done.
    pub fn lose_next(&self, times: usize, method: http::Method) {
        *self.lose.lock().expect("no panic before") = Some((method, times));
    }

    /// What a person or the control does at the sandbox.
    pub async fn control(&self, path: &str, body: Value) -> Value {
        let call = self.client.post(format!("{}/_sandbox/{path}", self.at)).json(&body);
        let answer = call.send().await.expect("an answer");
        let status = answer.status();
        let text = answer.text().await.expect("a text");
        assert!(status.is_success(), "{path} {body}: {status} {text}");
        serde_json::from_str(&text).expect("JSON")
    }

    pub async fn look(&self, path: &str) -> Value {
        let answer = self.client.get(format!("{}/_sandbox/{path}", self.at)).send().await.expect("an answer");
        serde_json::from_slice(&answer.bytes().await.expect("a body")).expect("JSON")
    }

    /// Carol, a customer, writes a ticket; its number.
    pub async fn write(&self, subject: &str, body: &str) -> String {
        let made = self.control("tickets", json!({ "user": "carol", "subject": subject, "body": body })).await;
        made["id"].to_string()
    }

    /// Does something to the ticket as that person.
    pub async fn say(&self, user: &str, ticket: &str, mut what: Value) {
        what["user"] = user.into();
        what["ticket"] = ticket.parse::<u64>().expect("a number").into();
        self.control("say", what).await;
    }

    /// The ticket and its comments at the sandbox.
    pub async fn ticket(&self, id: &str) -> Value {
        self.look(&format!("tickets/acme/{id}")).await
    }

    /// A call of Acme's API as an admin, past the partner.
    pub async fn admin(&self, method: http::Method, path: &str, body: Value) -> Value {
        let made = self.control("tokens", json!({ "user": "ada" })).await;
        let token = made["access_token"].as_str().expect("a token").to_owned();
        let mut call = self.client.request(method, format!("{}/acme/api/v2/{path}", self.at)).bearer_auth(token);
        if !body.is_null() {
            call = call.json(&body);
        }
        let answer = call.send().await.expect("an answer").bytes().await.expect("a body");
        serde_json::from_slice(&answer).unwrap_or_default()
    }

    /// What the next accepted hook comes to.
    pub async fn next(&mut self) -> Reading {
        let call = tokio::time::timeout(Duration::from_secs(10), self.arrived.recv()).await;
        let call = call.expect("a hook arrives").expect("the product runs");
        let reading = self.zendesk.hook(&self.link, &call).expect("read");
        match &reading.look_up {
            None => reading,
            Some(what) => self.zendesk.look_up(&self.account, &self.link, what).await.expect("looked up"),
        }
    }

    /// All changes of items that the next hooks tell, until one is as wanted; that one is the last.
    pub async fn changes_until(&mut self, is_last: impl Fn(&ItemChange) -> bool) -> Vec<ItemChange> {
        let mut changes = Vec::new();
        loop {
            for happening in self.next().await.happenings {
                if let Happening::Item(change) = happening {
                    let last = is_last(&change);
                    changes.push(*change);
                    if last {
                        return changes;
                    }
                }
            }
        }
    }

    /// Nothing more is accepted.
    pub async fn is_quiet(&mut self) -> bool {
        tokio::time::timeout(Duration::from_millis(300), self.arrived.recv()).await.is_err()
    }
}
