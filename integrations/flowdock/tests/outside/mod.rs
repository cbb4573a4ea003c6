//! Flowdock's outside as these tests need it: two flows, their sources and threads in memory.

#![allow(dead_code, reason = "each test file uses its part")]

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard},
};

use integration_contract::{
    Account, Author, Change, FormInput, HookCall, Http, Identity, Integration, IntegrationLink, Item, ItemChange,
    ItemKind, ItemState, LinkSettings, OutgoingEntry, OutgoingItem, PartnerSettings, Response, Status,
};
use integration_flowdock::Flowdock;
use integration_testkit::{Answers, ScriptedHttp, Sent, reply, reply_json};
use serde_json::{Value, json};

pub const CLIENT_SECRET: &str = "client-secret-8c1f";
pub const MAIN: &str = "5f1a2b3c4d5e6f708192a3b4c5d6e7f8";
pub const HIDDEN: &str = "00000000-1111-2222-3333-444444444444";
pub const TOKEN: &str = "965427ebf9997f7aa71384b6f03d608f";
/// What the contract suite calls the token of a link's source: it opens the newest.
const SUITE_TOKEN: &str = "suite-given-secret-84d0e7";
pub const PAGE: &str = "https://patchbay.example/integrations/flowdock/link/link-1";
pub const KINDS: [&str; 6] = ["done", "goal", "blocked", "issue", "pull_request", "ticket"];

pub fn settings() -> PartnerSettings {
    [("CLIENT_ID", "app-id-4f"), ("CLIENT_SECRET", CLIENT_SECRET)].into_iter().collect()
}

pub fn flowdock() -> Flowdock {
    Flowdock::new(&settings()).expect("settings are good")
}

/// The partner behind the trait, as the host holds it.
pub fn shared() -> Arc<dyn Integration> {
    Arc::new(flowdock())
}

pub fn account(http: Http) -> Account {
    let identity = Identity { id: "50001".into(), name: "Ada".into(), url: None };
    Account { http, identity: Some(identity), scopes: vec!["profile".into(), "integration".into()], site: None }
}

pub fn link_settings() -> LinkSettings {
    LinkSettings(json!({
        "flow_id": MAIN,
        "organization": "acme",
        "flow": "main",
        "organization_name": "Acme",
        "flow_name": "Main",
        "name": "Product",
        "tell": KINDS,
    }))
}

pub fn link() -> IntegrationLink {
    link_with(&[])
}

/// The link with other settings.
pub fn link_with(changed: &[(&str, Value)]) -> IntegrationLink {
    let mut settings = link_settings();
    for (name, value) in changed {
        settings.0[*name] = value.clone();
    }
    IntegrationLink {
        id: "link-1".into(),
        settings,
        hook_url: "https://patchbay.example/integrations/flowdock/hook?key=k1".parse().expect("a URL"),
        hook_secret: "unused".into(),
        given_secret: Some(TOKEN.into()),
    }
}

/// The link before it has a source.
pub fn new_link() -> IntegrationLink {
    IntegrationLink { given_secret: None, ..link() }
}

pub fn form(flow: &str) -> FormInput {
    form_with(flow, "Product", &["done", "issue"])
}

pub fn form_with(flow: &str, name: &str, tell: &[&str]) -> FormInput {
    [("flow", flow), ("name", name)].into_iter().chain(tell.iter().map(|kind| ("tell", *kind))).collect()
}

pub fn entry() -> OutgoingEntry {
    OutgoingEntry {
        id: "e1".into(),
        url: "https://patchbay.example/teams/1/entries/e1".into(),
        text: "shipped the search page".into(),
        status: Status::Done,
        author: "Ada Lovelace".into(),
        author_avatar: Some("https://avatars.example/ada.png".into()),
        author_id: Some("7".into()),
        source: Some("acme/widgets#42".into()),
        source_url: Some("https://github.com/acme/widgets/issues/42".into()),
        of_item: false,
        team: "Product".into(),
        day: "2026-11-22".into(),
        archived: false,
    }
}

pub fn person(name: &str) -> Author {
    Author {
        id: Some("1".into()),
        name: name.into(),
        url: Some(format!("https://github.com/{name}")),
        avatar: Some(format!("https://avatars.example/{name}.png")),
    }
}

pub fn issue() -> Item {
    Item {
        id: "42".into(),
        kind: ItemKind::Issue,
        name: "acme/widgets#42".into(),
        title: "Widgets don't draw".into(),
        body: "Since **yesterday**:\n\n1. open https://widgets.example/\n2. nothing".into(),
        url: Some("https://github.com/acme/widgets/issues/42".into()),
        state: ItemState::Open,
        state_word: "open".into(),
        author: person("grace"),
        assignees: Vec::new(),
        labels: Vec::new(),
        external_id: None,
        created_at: None,
        updated_at: Some(1_795_000_000),
    }
}

pub fn changed(what: Change, item: Item) -> OutgoingItem {
    OutgoingItem {
        id: "i1".into(),
        item: item.clone(),
        change: ItemChange { id: "c1".into(), what, by: person("bob"), at: None, item },
        source: "acme/widgets".into(),
        thread: None,
        trouble: None,
    }
}

pub fn call(content_type: Option<&str>, body: &str) -> HookCall {
    let headers = content_type.map(|kind| ("content-type".to_owned(), vec![kind.to_owned()]));
    HookCall { headers: headers.into_iter().collect(), key: None, body: body.to_owned().into() }
}

pub fn no(status: u16, message: &str) -> Response {
    reply_json(status, &json!({ "message": message }))
}

/// As Flowdock documents it.
pub fn flow(id: &str, organization: &str, name: &str) -> Value {
    let (org, flow) = (organization.to_lowercase(), name.to_lowercase());
    json!({
        "id": id,
        "name": name,
        "parameterized_name": flow,
        "organization": {
            "id": 7001,
            "name": organization,
            "parameterized_name": org,
            "url": format!("https://api.flowdock.com/organizations/{org}"),
        },
        "open": true,
        "joined": true,
        "url": format!("https://api.flowdock.com/flows/{org}/{flow}"),
        "web_url": format!("https://www.flowdock.com/app/{org}/{flow}"),
        "access_mode": "invitation",
    })
}

/// Flowdock, with Acme's flow "Main", in which a foreign source is, and a flow that we can't see.
#[derive(Clone)]
pub struct Dock(Arc<Mutex<State>>);

pub struct State {
    pub flow: Value,
    /// With their tokens, also those that were removed.
    pub sources: Vec<Value>,
    /// Bodies of posts.
    pub posts: Vec<Value>,
    /// Whether the account may still do anything.
    pub access: bool,
    last: u64,
}

impl Default for Dock {
    fn default() -> Self {
        let foreign = json!({ "id": 9, "name": "widgets", "external_url": "https://builds.example/", "flow_token": "f".repeat(32) });
        let state = State {
            flow: flow(MAIN, "Acme", "Main"),
            sources: vec![foreign],
            posts: Vec::new(),
            access: true,
            last: 35,
        };
        Self(Arc::new(Mutex::new(state)))
    }
}

impl Dock {
    pub fn http(&self) -> ScriptedHttp {
        ScriptedHttp::answering(self.answers())
    }

    pub fn answers(&self) -> Answers {
        let dock = self.clone();
        Box::new(move |sent| Ok(dock.answer(sent)))
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("no panic before")
    }

    /// Sources of ours that are there.
    pub fn ours(&self) -> Vec<Value> {
        let living = |source: &&Value| source["id"] != 9 && source["removed"] != true;
        self.state().sources.iter().filter(living).cloned().collect()
    }

    fn answer(&self, sent: &Sent) -> Response {
        let state = &mut *self.state();
        let query: BTreeMap<_, _> = sent.url.query_pairs().into_owned().collect();
        let body = sent.json();
        let path: Vec<&str> = sent.url.path().trim_matches('/').split('/').collect();
        let token = query.get("flow_token").map(String::as_str).or(body["flow_token"].as_str());
        if let Some(token) = token {
            let at = state.sources.iter().rposition(|it| it["flow_token"] == token || token == SUITE_TOKEN);
            let Some(at) = at else { return no(401, "unknown flow_token") };
            if state.sources[at]["removed"] == true {
                return no(410, "source has been removed");
            }
            return match (sent.method.as_str(), path.as_slice()) {
                ("GET", ["sources"]) => reply_json(200, &json!([shown(&state.sources[at])])),
                ("PUT", ["sources"]) => {
                    for name in ["error_message", "configuration_url"] {
                        if let Some(value) = body.get(name) {
                            state.sources[at][name] = value.clone();
                        }
                    }
                    reply_json(200, &shown(&state.sources[at]))
                }
                ("POST", ["messages"]) => {
                    state.posts.push(body);
                    reply_json(202, &json!({}))
                }
                _ => no(404, "not found"),
            };
        }
        if !state.access {
            return no(401, "invalid or expired access token");
        }
        match (sent.method.as_str(), path.as_slice()) {
            ("GET", ["flows"]) => reply_json(200, &json!([state.flow])),
            ("GET", ["flows", "find"]) if query.get("id").is_some_and(|id| state.flow["id"] == id.as_str()) => {
                reply_json(200, &state.flow)
            }
            ("GET", ["flows", "acme", "main"]) => reply_json(200, &state.flow),
            ("GET", ["flows", "acme", "main", "sources"]) => {
                let living = state.sources.iter().filter(|source| source["removed"] != true);
                reply_json(200, &living.map(shown).collect::<Value>())
            }
            ("POST", ["flows", "acme", "main", "sources"]) => {
                state.last += 1;
                let (id, token) =
                    (state.last, if state.last == 36 { TOKEN.to_owned() } else { format!("{:032x}", state.last) });
                let source = json!({
                    "id": id,
                    "name": body["name"],
                    "external_url": body["external_url"],
                    "url": format!("https://api.flowdock.com/flows/acme/main/sources/{id}"),
                    "flow_token": token,
                });
                state.sources.push(source.clone());
                reply_json(201, &source)
            }
            ("DELETE", ["flows", "acme", "main", "sources", id]) => {
                let id: u64 = id.parse().expect("a number");
                let found = |source: &&mut Value| source["id"] == id && source["removed"] != true;
                match state.sources.iter_mut().find(found) {
                    Some(source) => {
                        source["removed"] = true.into();
                        reply(204, &[], "")
                    }
                    None => no(404, "not found"),
                }
            }
            _ => no(404, "not found"),
        }
    }
}

/// Never with its token.
fn shown(source: &Value) -> Value {
    let mut source = source.clone();
    source.as_object_mut().expect("a source").remove("flow_token");
    source
}
