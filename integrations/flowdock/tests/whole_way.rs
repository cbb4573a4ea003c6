//! The partner against the sandbox, over real HTTP: connecting, a link from Flowdock's own "add", what leaves, clicks, and
//! the end. The two share no code, so what one of them read wrongly in Flowdock's documents shows here.

mod outside;

use std::{
    net::Ipv4Addr,
    sync::{Arc, Mutex},
    time::{SystemTime, UNIX_EPOCH},
};

use async_trait::async_trait;
use axum::{
    Router,
    body::Bytes,
    extract::{OriginalUri, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response as HttpResponse},
    routing::post,
};
use integration_contract::{
    Account, Auth, AuthorizeAsk, Button, Change, Comment, Error, ErrorKind, ExposeSecret, FormInput, Grant, Happening,
    HookCall, Http, Integration, IntegrationLink, Item, ItemState, Outgoing, OutgoingEntry, PartnerSettings, Posted,
    Receipt, RemoteName, Request, Response, Result, SecretString, Status, Told, Transport, UndoneOutcome,
};
use integration_flowdock::{Flowdock, sandbox};
use integration_testkit::MemoryLedger;
use outside::{changed, entry, issue, person};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use url::Url;

const ADA: &str = "50001";
const BOB: &str = "50002";

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

/// The product's door for clicks: it verifies, and knows nobody but Ada.
struct Product {
    flowdock: Flowdock,
    secret: SecretString,
    at: String,
    /// Who clicked on what, by the name that Flowdock gives them.
    clicks: Mutex<Vec<(String, String, String)>>,
}

async fn act(
    State(product): State<Arc<Product>>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    body: Bytes,
) -> HttpResponse {
    let mut call = HookCall { headers: [].into(), key: None, body };
    for (name, value) in &headers {
        let values = call.headers.entry(name.as_str().to_owned()).or_default();
        values.push(value.to_str().unwrap_or_default().to_owned());
    }
    let actions = product.flowdock.actions().expect("it has actions");
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
    let verified = actions.token().verify(call, &product.secret, i64::try_from(now).expect("a time"));
    let Ok((call, clicker)) = verified else { return StatusCode::FORBIDDEN.into_response() };
    let url: Url = format!("{}{uri}", product.at).parse().expect("a URL");
    let name = match actions.clicked(&call, &url) {
        Ok(name) => name,
        Err(refused) => return (StatusCode::UNPROCESSABLE_ENTITY, refused.to_string()).into_response(),
    };
    let known = clicker.account == ADA;
    product.clicks.lock().expect("no panic before").push((clicker.account, name, uri.path().to_owned()));
    if known {
        return StatusCode::OK.into_response();
    }
    let page = format!("{}/authorization?claim=a.b.c", product.at).parse().expect("a URL");
    (StatusCode::UNAUTHORIZED, [actions.challenge(&page)], "{}").into_response()
}

/// A sandbox, and a product connected to it.
struct World {
    flowdock: Flowdock,
    product: Arc<Product>,
    at: String,
    client: reqwest::Client,
    account: Account,
}

impl World {
    async fn new() -> Self {
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().expect("a client");
        // Each must know the other's address, so both ports are taken before either is served.
        let ours = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        let theirs = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        let here = format!("http://{}", ours.local_addr().expect("an address"));
        let at = format!("http://{}/flowdock", theirs.local_addr().expect("an address"));
        let callback: Url = format!("{here}/auth/flowdock/callback").parse().expect("a URL");
        let opened = sandbox::open(&at.parse().expect("a URL"), &callback);
        let settings: PartnerSettings = opened.settings.into_iter().collect();
        let flowdock = || Flowdock::new(&settings).expect("good settings");
        let product = Arc::new(Product {
            flowdock: flowdock(),
            secret: settings.get("CLIENT_SECRET").expect("set").clone(),
            at: here,
            clicks: Mutex::default(),
        });
        let routes =
            Router::new().route("/integrations/flowdock/actions/{token}", post(act)).with_state(Arc::clone(&product));
        tokio::spawn(async move { axum::serve(ours, routes).await });
        let routes = Router::new().nest("/flowdock", opened.router);
        tokio::spawn(async move { axum::serve(theirs, routes).await });
        let account = connect(&flowdock(), &client, &at, &callback).await;
        Self { flowdock: flowdock(), product, at, client, account }
    }

    async fn look(&self, path: &str) -> Value {
        let answer = self.client.get(format!("{}/_sandbox/{path}", self.at)).send().await.expect("an answer");
        serde_json::from_slice(&answer.bytes().await.expect("a body")).expect("JSON")
    }

    async fn control(&self, path: &str, body: Value) -> Value {
        control(&self.client, &self.at, path, &body).await
    }

    /// The id of a flow, as Flowdock sends it along.
    async fn flow(&self, path: &str) -> String {
        let there = self.look("").await;
        let flow = there["flows"].as_array().expect("flows").iter().find(|flow| flow["path"] == path);
        flow.expect("the flow")["id"].as_str().expect("an id").to_owned()
    }

    /// A link, from "add" in the flow's inbox settings; with the ledger's and the sealed secret's part of the host.
    async fn link(&self, flow: &str, id: &str, name: &str) -> (IntegrationLink, MemoryLedger) {
        let flow = self.flow(flow).await;
        let setup = self.flowdock.setup().expect("it can be set up from there");
        let wish = setup.setup(&[("flow", flow.as_str())].into_iter().collect()).expect("a wish");
        let form = self.flowdock.new_link(&self.account, &wish.form).await.expect("a form");
        assert_eq!(form.fields.len(), 3);
        let mut input = FormInput::default();
        for (field, value) in wish.form.pairs() {
            input.push(field, if field == "name" { name } else { value });
        }
        let checked = self.flowdock.check_link(&self.account, &input).await.expect("a good form");
        let hook_url = format!("{}/integrations/flowdock/hook?key=k1", self.product.at).parse().expect("a URL");
        let mut link = IntegrationLink {
            id: id.into(),
            settings: checked.settings,
            hook_url,
            hook_secret: "unused".into(),
            given_secret: None,
        };
        let ledger = MemoryLedger::default();
        self.flowdock.create_link(&self.account, &link, &ledger).await.expect("a source");
        link.given_secret = ledger.secret();
        (link, ledger)
    }

    async fn tell(&self, link: &IntegrationLink, what: Told, posted: Posted, buttons: &[&str]) -> Result<Receipt> {
        let url = |nth: usize| format!("{}/integrations/flowdock/actions/b{nth}", self.product.at);
        let buttons = buttons
            .iter()
            .enumerate()
            .map(|(nth, name)| Button { name: (*name).to_owned(), url: url(nth).parse().expect("a URL") });
        let message = Outgoing { id: "m1".into(), what, posted, buttons: buttons.collect() };
        self.flowdock.deliver(&self.account, link, &message).await
    }

    async fn thread(&self, flow: &str, name: &str) -> Value {
        let there = self.look(&format!("flows/{flow}")).await;
        let threads = there["threads"].as_array().expect("threads");
        threads.iter().find(|thread| thread["external_thread_id"] == name).unwrap_or(&Value::Null).clone()
    }

    async fn click(&self, user: &str, thread: &Value, button: &str) -> Value {
        let body = json!({ "user": user, "thread": thread["id"], "name": button });
        self.control("actions", body).await["answer"].clone()
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

async fn connect(flowdock: &Flowdock, client: &reqwest::Client, at: &str, callback: &Url) -> Account {
    let ask = AuthorizeAsk { state: "state-1".into(), redirect_uri: callback.clone(), verifier: None, site: None };
    let url = flowdock.authorize_url(&ask).expect("a URL");
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
    let connected = flowdock.oauth_callback(&unconnected, grant).await.expect("connected");
    assert_eq!((connected.identity.id.as_str(), connected.identity.name.as_str()), (ADA, "Ada Codes"));
    let http = Http::new(Wire { client: client.clone(), token: Some(connected.credentials.access_token) });
    Account { http, identity: Some(connected.identity), scopes: connected.credentials.scopes, site: None }
}

fn told(what: Change, item: Item) -> Told {
    Told::Item(Box::new(changed(what, item)))
}

#[tokio::test]
async fn a_source_comes_works_and_goes() {
    let world = World::new().await;
    let (link, ledger) = world.link("acme/main", "link-1", "Product").await;
    let rows = ledger.now();
    let id = rows[0].id.clone().expect("made");
    let source = world.look(&format!("sources/{id}")).await;
    assert_eq!(source["name"], "Product");
    let page = format!("{}/integrations/flowdock/link/link-1", world.product.at);
    assert_eq!(source["external_url"], page.as_str());

    // "Configure" leads back to this link.
    let configure: Url = source["configuration_url"].as_str().expect("an address").parse().expect("a URL");
    assert_eq!(configure.path(), "/integrations/flowdock/configure");
    let query: FormInput = configure.query_pairs().into_owned().collect();
    let name = world.flowdock.setup().expect("setup").configure(&query).expect("a name");
    assert_eq!(name, RemoteName { kind: "source", id: id.clone() });

    // Made again, it is the same one.
    world.flowdock.create_link(&world.account, &link, &ledger).await.expect("there");
    assert_eq!(ledger.now(), rows);
    let found = world.flowdock.inspect_link(&world.account, &link, &rows).await.expect("looked at");
    assert_eq!(found, [Happening::TargetBack]);

    world.flowdock.notice(&world.account, &link, Some("Connect GitHub again.")).await.expect("shown");
    assert_eq!(world.look(&format!("sources/{id}")).await["error_message"], "Connect GitHub again.");
    world.flowdock.notice(&world.account, &link, None).await.expect("taken away");
    assert_eq!(world.look(&format!("sources/{id}")).await["error_message"], Value::Null);

    let receipt = world.flowdock.destroy_link(&world.account, &link, &rows).await.expect("removed");
    assert_eq!(receipt[0].outcome, UndoneOutcome::Removed);
    assert_eq!(world.look(&format!("sources/{id}")).await["removed"], true);
    let again = world.flowdock.destroy_link(&world.account, &link, &rows).await.expect("removed already");
    assert_eq!(again[0].outcome, UndoneOutcome::AlreadyGone);
}

#[tokio::test]
async fn a_flow_that_is_not_ours_is_not_shown() {
    let world = World::new().await;
    let umbra = world.flow("umbra/main").await;
    let setup = world.flowdock.setup().expect("setup");
    let wish = setup.setup(&[("flow", umbra.as_str())].into_iter().collect()).expect("a wish");
    let error = world.flowdock.new_link(&world.account, &wish.form).await.expect_err("hidden");
    assert_eq!(error.kind(), ErrorKind::NotFound);
    // Without Flowdock's own "add", the flows that she is in are offered.
    let form = world.flowdock.new_link(&world.account, &FormInput::default()).await.expect("a form");
    let integration_contract::FieldKind::Search { choices, .. } = &form.fields[0].kind else { panic!("a search") };
    let offered: Vec<_> = choices.iter().map(|choice| choice.label.as_str()).collect();
    assert_eq!(offered, ["Main (Acme)", "Product (Acme)"]);
}

#[tokio::test]
async fn a_source_whose_token_was_lost_is_replaced_by_one() {
    let world = World::new().await;
    let (mut link, ledger) = world.link("acme/main", "link-1", "Product").await;
    link.given_secret = None;
    world.flowdock.create_link(&world.account, &link, &ledger).await.expect("made anew");
    link.given_secret = ledger.secret();
    world.tell(&link, Told::Entry(entry()), Posted::Never, &[]).await.expect("told");
    let there = world.look("").await;
    let main = there["flows"].as_array().expect("flows").iter().find(|flow| flow["path"] == "acme/main");
    let ours: Vec<_> = main.expect("main")["sources"].as_array().expect("sources").iter().collect();
    assert_eq!(ours.iter().filter(|source| source["name"] == "Product").count(), 1);
    assert_eq!(ours.len(), 2, "the foreign one stays");
}

#[tokio::test]
async fn an_entry_and_an_item_are_a_thread_each() {
    let world = World::new().await;
    let (link, _) = world.link("acme/main", "link-1", "Product").await;
    let goal = OutgoingEntry { status: Status::Goal, text: "ship <b>it</b> & rest\nsoon".into(), ..entry() };
    let first = world.tell(&link, Told::Entry(goal), Posted::Never, &["Mark as done"]).await.expect("told");
    let thread = world.thread("acme/main", "entry:e1").await;
    assert_eq!(thread["title"], "ship &lt;b&gt;it&lt;/b&gt; &amp; rest");
    assert_eq!(thread["body"], "ship &lt;b&gt;it&lt;/b&gt; &amp; rest<br>soon");
    assert_eq!(thread["status"], json!({ "value": "goal", "color": "yellow" }));
    assert_eq!(thread["actions"].as_array().expect("actions").len(), 3);

    let place = Posted::As(first.remote_id.expect("a place"));
    world.tell(&link, Told::Entry(entry()), place.clone(), &[]).await.expect("changed");
    let thread = world.thread("acme/main", "entry:e1").await;
    assert_eq!(thread["status"], json!({ "value": "done", "color": "green" }));
    assert_eq!((&thread["title"], &thread["activities"]), (&json!("shipped the search page"), &json!(2)));
    assert_eq!(thread["actions"].as_array().expect("actions").len(), 2, "no button is left");

    let archived = OutgoingEntry { archived: true, ..entry() };
    world.tell(&link, Told::Entry(archived), place, &[]).await.expect("taken out");
    let there = world.look("flows/acme/main").await.to_string();
    assert!(!there.contains("shipped the search page"), "no word of it is left: {there}");

    let closed = Item { state: ItemState::Closed, state_word: "closed".into(), ..issue() };
    world.tell(&link, told(Change::Opened, issue()), Posted::Never, &["Close"]).await.expect("told");
    let comment = Comment {
        id: "7".into(),
        body: "I see it, too".into(),
        url: None,
        author: person("bob"),
        attachments: Vec::new(),
    };
    world.tell(&link, told(Change::Commented(comment), issue()), Posted::Never, &["Close"]).await.expect("told");
    world.tell(&link, told(Change::Closed, closed), Posted::Never, &["Reopen"]).await.expect("told");
    let thread = world.thread("acme/main", "item:i1").await;
    assert_eq!((&thread["activities"], &thread["external_comments"]), (&json!(2), &json!(1)));
    assert_eq!(thread["status"], json!({ "value": "closed", "color": "red" }));
    assert_eq!(thread["actions"][0]["name"], "Reopen");
}

#[tokio::test]
async fn a_button_calls_us_as_the_one_who_chose_it() {
    let world = World::new().await;
    let (link, _) = world.link("acme/main", "link-1", "Product").await;
    world.tell(&link, told(Change::Opened, issue()), Posted::Never, &["Assign to me", "Close"]).await.expect("told");
    let thread = world.thread("acme/main", "item:i1").await;

    assert_eq!(world.click("ada", &thread, "Close").await, json!({ "result": "done", "status": 200 }));
    let challenge = world.click("bob", &thread, "Assign to me").await;
    assert_eq!(challenge["result"], "challenge");
    assert_eq!(challenge["url"], format!("{}/authorization?claim=a.b.c", world.product.at));
    let clicks = world.product.clicks.lock().expect("no panic before").clone();
    let click = |who: &str, name: &str, nth: u8| {
        (who.to_owned(), name.to_owned(), format!("/integrations/flowdock/actions/b{nth}"))
    };
    assert_eq!(clicks, [click(ADA, "Ada Codes", 1), click(BOB, "Bob Builds", 0)]);

    for forgery in ["wrong_secret", "other_body", "expired", "no_token"] {
        world.control("forgeries", json!({ "forgery": forgery })).await;
        let answer = world.click("ada", &thread, "Close").await;
        assert_eq!((&answer["result"], &answer["status"]), (&json!("failed"), &json!(403)), "{forgery}");
    }
    assert_eq!(world.product.clicks.lock().expect("no panic before").len(), 2);
}

#[tokio::test]
async fn a_removed_source_is_gone_and_others_go_on() {
    let world = World::new().await;
    let (link, ledger) = world.link("acme/main", "link-1", "Product").await;
    let (other, _) = world.link("acme/main", "link-2", "Releases").await;
    let id = ledger.now()[0].id.clone().expect("made");
    let removed = world.client.delete(format!("{}/_sandbox/sources/{id}", world.at)).send().await.expect("an answer");
    assert!(removed.status().is_success());

    let gone = |error: Error| assert_eq!(error.kind(), ErrorKind::Gone, "{error}");
    gone(world.tell(&link, Told::Entry(entry()), Posted::Never, &[]).await.expect_err("removed"));
    gone(world.flowdock.inspect_link(&world.account, &link, &ledger.now()).await.expect_err("removed"));
    gone(world.flowdock.notice(&world.account, &link, None).await.expect_err("removed"));
    gone(world.flowdock.change_link(&world.account, &link, &ledger).await.expect_err("removed"));
    let receipt = world.flowdock.destroy_link(&world.account, &link, &ledger.now()).await.expect("nothing to do");
    assert_eq!(receipt[0].outcome, UndoneOutcome::AlreadyGone);
    world.tell(&other, Told::Entry(entry()), Posted::Never, &[]).await.expect("the other source works");
}

#[tokio::test]
async fn a_link_works_without_its_account_and_says_what_it_leaves() {
    let world = World::new().await;
    let (link, ledger) = world.link("acme/main", "link-1", "Product").await;
    world.control("tokens/end", json!({ "user": "ada", "how": "expired" })).await;

    world.tell(&link, Told::Entry(entry()), Posted::Never, &[]).await.expect("the source's own token does it");
    world.flowdock.change_link(&world.account, &link, &ledger).await.expect("and this");
    world.flowdock.notice(&world.account, &link, Some("Trouble.")).await.expect("and this");
    let receipt = world.flowdock.destroy_link(&world.account, &link, &ledger.now()).await.expect("a receipt");
    let UndoneOutcome::LeftOver(sentence) = &receipt[0].outcome else { panic!("{receipt:?}") };
    assert!(sentence.contains(&format!("{}/app/acme/main under Inbox settings", world.at)), "{sentence}");
}
