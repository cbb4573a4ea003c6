//! Slack's outside as these tests need it: a workspace with channels and messages in memory.

#![allow(dead_code, reason = "each test file uses its part")]

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard},
};

use integration_contract::{
    Account, FormInput, HookCall, Http, Identity, Integration, IntegrationLink, LinkSettings, OutgoingEntry,
    PartnerSettings, Response, Status, Verified,
};
use integration_slack::Slack;
use integration_testkit::{Answers, ScriptedHttp, Sent, fixtures, reply, reply_json};
use serde_json::{Value, json};

pub const CLIENT_SECRET: &str = "client-secret-8c1f";
pub const SIGNING_SECRET: &str = "signing-secret-5d02";
pub const DONE: &str = "C0DONE0001";

pub fn settings() -> PartnerSettings {
    [("CLIENT_ID", "42.43"), ("CLIENT_SECRET", CLIENT_SECRET), ("SIGNING_SECRET", SIGNING_SECRET)].into_iter().collect()
}

pub fn slack() -> Slack {
    Slack::new(&settings()).expect("settings are good")
}

/// The partner behind the trait, as the host holds it.
pub fn shared() -> Arc<dyn Integration> {
    Arc::new(slack())
}

pub fn account(http: Http) -> Account {
    let identity = Identity { id: "T0ACME0001".into(), name: "Acme".into(), url: None };
    Account { http, identity: Some(identity), scopes: Vec::new(), site: None }
}

pub fn link_settings() -> LinkSettings {
    LinkSettings(json!({
        "channel_id": DONE,
        "channel_name": "done",
        "is_private": false,
        "direction": ["incoming", "outgoing"],
        "emoji": "white_check_mark",
        "statuses": ["done", "goal", "blocked"],
        "items": ["issue", "pull_request", "ticket"],
        "people": [],
        "when": "live",
        "me": {
            "user_id": "U0BOT00001",
            "bot_id": "B0BOT00001",
            "name": "patchbay",
            "team_url": "https://acme.slack.com/",
        },
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
        id: "link".into(),
        settings,
        hook_url: "https://patchbay.example/integrations/slack/hook".parse().expect("a URL"),
        hook_secret: "unused".into(),
        given_secret: None,
    }
}

pub fn form(channel: &str) -> FormInput {
    [
        ("direction", "incoming"),
        ("direction", "outgoing"),
        ("channel", channel),
        ("emoji", "tada"),
        ("statuses", "done"),
        ("statuses", "blocked"),
        ("items", "issue"),
        ("items", "ticket"),
        ("people", "7"),
        ("when", "digest:17"),
    ]
    .into_iter()
    .collect()
}

pub fn entry() -> OutgoingEntry {
    OutgoingEntry {
        id: "e1".into(),
        url: "https://patchbay.example/teams/1/entries/e1".into(),
        text: "shipped the search page".into(),
        status: Status::Done,
        author: "Ada Lovelace".into(),
        author_id: Some("7".into()),
        source: Some("acme/widgets#42".into()),
        source_url: Some("https://github.com/acme/widgets/issues/42".into()),
        team: "Product".into(),
        day: "2026-11-22".into(),
        archived: false,
        author_avatar: None,
        of_item: false,
    }
}

pub fn fixture(name: &str) -> Verified<HookCall> {
    let all = fixtures(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/hooks"));
    let found = all.into_iter().find(|fixture| fixture.name == name);
    Verified::from_inbox(found.unwrap_or_else(|| panic!("there is no fixture {name}")).call)
}

pub fn event_call(body: &Value) -> Verified<HookCall> {
    Verified::from_inbox(call("application/json", &body.to_string()))
}

pub fn form_call(fields: &[(&str, &str)]) -> Verified<HookCall> {
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    form.extend_pairs(fields);
    Verified::from_inbox(call("application/x-www-form-urlencoded", &form.finish()))
}

pub fn call(content_type: &str, body: &str) -> HookCall {
    let headers = [("content-type".to_owned(), vec![content_type.to_owned()])].into();
    HookCall { headers, key: None, body: body.to_owned().into() }
}

/// `{"ok":false,"error":…}` as Slack says no.
pub fn no(code: &str) -> Response {
    reply_json(200, &json!({ "ok": false, "error": code }))
}

/// An answer of Slack's with `ok`.
pub fn yes(mut body: Value) -> Response {
    body["ok"] = true.into();
    reply_json(200, &body)
}

/// The fields of a call, from its query, its form or its JSON.
pub fn fields(sent: &Sent) -> BTreeMap<String, String> {
    let mut fields: BTreeMap<_, _> = sent.url.query_pairs().into_owned().collect();
    match sent.json() {
        Value::Object(json) => fields.extend(
            json.into_iter()
                .map(|(name, value)| (name, value.as_str().map_or_else(|| value.to_string(), str::to_owned))),
        ),
        _ => fields.extend(url::form_urlencoded::parse(&sent.body).into_owned()),
    }
    fields
}

/// The workspace Acme. Clones are the same workspace.
#[derive(Clone)]
pub struct Workspace(Arc<Mutex<State>>);

pub struct State {
    pub channels: Vec<Value>,
    /// Of `#done`, oldest first.
    pub messages: Vec<Value>,
    pub answers: Vec<Value>,
    last: u64,
}

impl Default for Workspace {
    fn default() -> Self {
        let message = |ts: &str, user: &str, text: &str| json!({ "type": "message", "ts": ts, "user": user, "team": "T0ACME0001", "text": text });
        let mut certificate = message(
            "1795000000.000300",
            "U0ADA00001",
            "The certificate is renewed &amp; green\n! DNS waits for <@U0BOB00001>",
        );
        certificate["reactions"] = json!([{ "name": "white_check_mark", "count": 1, "users": ["U0BOB00001"] }]);
        let channel = |id: &str, name: &str, more: Value| {
            let mut channel = json!({ "id": id, "name": name, "is_channel": true, "is_private": false, "is_archived": false, "is_member": false });
            for (name, value) in more.as_object().expect("fields") {
                channel[name] = value.clone();
            }
            channel
        };
        Self(Arc::new(Mutex::new(State {
            channels: vec![
                channel(DONE, "done", json!({})),
                channel("C0SECRET01", "secret", json!({ "is_private": true, "is_member": true })),
                channel("C0CLOSED01", "closed", json!({ "is_private": true })),
                channel("C0OLD00001", "old", json!({ "is_archived": true })),
            ],
            messages: vec![certificate, message("1795000000.000400", "U0ADA00001", "lunch?")],
            answers: Vec::new(),
            last: 0,
        })))
    }
}

impl Workspace {
    pub fn http(&self) -> ScriptedHttp {
        ScriptedHttp::answering(self.answers())
    }

    pub fn answers(&self) -> Answers {
        let workspace = self.clone();
        Box::new(move |sent| Ok(workspace.answer(sent)))
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("no panic before")
    }

    /// The texts of our own posts.
    pub fn posts(&self) -> Vec<String> {
        let state = self.state();
        let ours = state.messages.iter().filter(|message| message["bot_id"] == "B0BOT00001");
        ours.map(|message| message["text"].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// Our posts with what stands below them, a line each: replies are indented.
    pub fn threads(&self) -> Vec<String> {
        let state = self.state();
        let ours = || state.messages.iter().filter(|message| message["bot_id"] == "B0BOT00001");
        let text = |message: &Value| message["text"].as_str().unwrap_or_default().to_owned();
        let mut lines = Vec::new();
        for first in ours().filter(|message| message["thread_ts"].is_null()) {
            lines.push(text(first));
            lines.extend(ours().filter(|one| one["thread_ts"] == first["ts"]).map(|one| format!("  {}", text(one))));
        }
        lines
    }

    fn answer(&self, sent: &Sent) -> Response {
        let mut state = self.state();
        if sent.url.host_str() == Some("hooks.slack.com") {
            state.answers.push(sent.json());
            return reply(200, &[], "ok");
        }
        let fields = fields(sent);
        let field = |name: &str| fields.get(name).map(String::as_str).unwrap_or_default();
        let at = state.channels.iter().position(|channel| channel["id"] == field("channel"));
        let member = at.is_some_and(|at| state.channels[at]["is_member"] == true);
        let archived = at.is_some_and(|at| state.channels[at]["is_archived"] == true);
        let place = state.messages.iter().position(|message| message["ts"] == field("ts"));
        match sent.url.path() {
            "/api/auth.test" => yes(json!({
                "url": "https://acme.slack.com/", "team": "Acme", "user": "patchbay", "team_id": "T0ACME0001",
                "user_id": "U0BOT00001", "bot_id": "B0BOT00001", "is_enterprise_install": false,
            })),
            "/api/users.info" => match field("user") {
                "U0ADA00001" => yes(
                    json!({ "user": { "id": "U0ADA00001", "name": "ada", "profile": { "display_name": "Ada", "real_name": "Ada Lovelace" } } }),
                ),
                "U0BOB00001" => yes(
                    json!({ "user": { "id": "U0BOB00001", "name": "bob", "real_name": "Bob", "profile": { "display_name": "" } } }),
                ),
                _ => no("user_not_found"),
            },
            "/api/conversations.list" => {
                let shown = |channel: &&Value| {
                    channel["is_archived"] == false && (channel["is_private"] == false || channel["is_member"] == true)
                };
                let channels: Vec<_> = state.channels.iter().filter(shown).cloned().collect();
                yes(json!({ "channels": channels, "response_metadata": { "next_cursor": "" } }))
            }
            "/api/conversations.info" => match at {
                Some(at) => yes(json!({ "channel": state.channels[at] })),
                None => no("channel_not_found"),
            },
            "/api/conversations.join" => match at {
                None => no("channel_not_found"),
                Some(_) if archived => no("is_archived"),
                Some(at) if state.channels[at]["is_private"] == true => no("method_not_supported_for_channel_type"),
                Some(at) => {
                    state.channels[at]["is_member"] = true.into();
                    yes(json!({ "channel": state.channels[at] }))
                }
            },
            "/api/conversations.history" => {
                let after = |message: &&Value| message["ts"].as_str().is_some_and(|ts| ts >= field("oldest"));
                let before = |message: &&Value| {
                    field("latest").is_empty() || message["ts"].as_str().is_some_and(|ts| ts <= field("latest"))
                };
                let no_reply = |message: &&Value| message["thread_ts"].is_null();
                let all = state.messages.iter().filter(no_reply).filter(after).filter(before);
                let mut found: Vec<_> = all.cloned().collect();
                found.reverse();
                yes(json!({ "messages": found, "has_more": false }))
            }
            "/api/conversations.replies" if place.is_none() => no("thread_not_found"),
            "/api/conversations.replies" => {
                let ts = field("ts");
                let of_it = |message: &&Value| message["ts"] == ts || message["thread_ts"] == ts;
                let found: Vec<_> = state.messages.iter().filter(of_it).cloned().collect();
                yes(json!({ "messages": found, "has_more": false }))
            }
            "/api/chat.postMessage" if at.is_none() => no("channel_not_found"),
            "/api/chat.postMessage" if archived => no("is_archived"),
            "/api/chat.postMessage" if !member => no("not_in_channel"),
            "/api/chat.postMessage" => {
                state.last += 1;
                let ts = format!("1795000100.{:06}", state.last);
                let mut message = sent.json();
                message["ts"] = ts.clone().into();
                message["user"] = "U0BOT00001".into();
                message["bot_id"] = "B0BOT00001".into();
                state.messages.push(message);
                yes(json!({ "channel": field("channel"), "ts": ts }))
            }
            "/api/chat.update" => match place {
                None => no("message_not_found"),
                Some(place) => {
                    let asked = sent.json();
                    for name in ["text", "blocks", "metadata"] {
                        state.messages[place][name] = asked[name].clone();
                    }
                    yes(json!({ "channel": field("channel"), "ts": field("ts"), "text": field("text") }))
                }
            },
            "/api/chat.delete" => match place {
                None => no("message_not_found"),
                Some(place) => {
                    state.messages.remove(place);
                    yes(json!({ "channel": field("channel"), "ts": field("ts") }))
                }
            },
            _ => no("unknown_method"),
        }
    }
}
