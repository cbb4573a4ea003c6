//! Zendesk's outside as these tests need it: an account in memory, with people, a ticket, webhooks and triggers.

#![allow(dead_code, reason = "each test file uses its part")]

use std::sync::{Arc, Mutex};

use integration_contract::{
    Account, FormInput, Http, Identity, Integration, IntegrationLink, LinkSettings, PartnerSettings, Response,
};
use integration_testkit::{Answers, ScriptedHttp, Sent, reply, reply_json};
use integration_zendesk::Zendesk;
use serde_json::{Value, json};

pub const HOOK_URL: &str = "https://patchbay.example/integrations/zendesk/hook?key=k";
pub const CLIENT_SECRET: &str = "client-secret-8c1f";
pub const WEBHOOK_SECRET: &str = "webhook-secret-55e2";
/// The contract suite's site; no other stands for an account here.
pub const SUBDOMAIN: &str = "suite";
pub const ADA: i64 = 8_447_388_090_494;
pub const CAROL: i64 = 8_447_388_090_495;

pub fn settings() -> PartnerSettings {
    [("CLIENT_ID", "client-id"), ("CLIENT_SECRET", CLIENT_SECRET)].into_iter().collect()
}

pub fn zendesk() -> Zendesk {
    Zendesk::new(&settings()).expect("settings are good")
}

/// The partner behind the trait, as the host holds it.
pub fn shared() -> Arc<dyn Integration> {
    Arc::new(zendesk())
}

pub fn account(http: Http) -> Account {
    let identity = Identity { id: format!("{SUBDOMAIN}/{ADA}"), name: "Ada Lovelace".into(), url: None };
    Account { http, identity: Some(identity), scopes: Vec::new(), site: Some(SUBDOMAIN.into()) }
}

pub fn link_settings() -> LinkSettings {
    LinkSettings(json!({ "subdomain": SUBDOMAIN, "events": ["solved", "tickets", "comments"] }))
}

pub fn link() -> IntegrationLink {
    link_that_brings(&["solved", "tickets", "comments"])
}

pub fn link_that_brings(events: &[&str]) -> IntegrationLink {
    IntegrationLink {
        id: "link".into(),
        settings: LinkSettings(json!({ "subdomain": SUBDOMAIN, "events": events })),
        hook_url: HOOK_URL.parse().expect("a URL"),
        hook_secret: "unused".into(),
        given_secret: None,
    }
}

pub fn form(events: &[&str]) -> FormInput {
    events.iter().map(|event| ("events", *event)).collect()
}

/// What is in the account. Clones are the same account.
#[derive(Clone)]
pub struct Desk(Arc<Mutex<Inside>>);

struct Inside {
    webhooks: Vec<Value>,
    triggers: Vec<Value>,
    tickets: Vec<Value>,
    comments: Vec<Value>,
    audits: Vec<Value>,
    /// Whether webhooks can be subscribed to events.
    subscriptions: bool,
    made: u64,
}

impl Default for Desk {
    fn default() -> Self {
        let foreign = json!({
            "id": "01FOREIGNFOREIGNFOREIGNFOR", "name": "Another product", "endpoint": "https://other.example/hook",
            "status": "active", "subscriptions": ["conditional_ticket_events"],
        });
        let foreign_trigger = json!({
            "id": 4, "title": "Another product", "active": true,
            "actions": [{ "field": "notification_webhook", "value": ["01FOREIGNFOREIGNFOREIGNFOR", "{}"] }],
        });
        let comment = |id: u64, author: i64, public: bool, body: &str| {
            json!({
                "id": id, "type": "Comment", "author_id": author, "body": body, "public": public, "attachments": [],
                "created_at": format!("2026-11-22T09:{:02}:00Z", id - 4390),
            })
        };
        let mut first = comment(4401, CAROL, true, "Every Sunday the chart of the week is empty.");
        first["attachments"] = json!([{ "file_name": "chart.png", "content_url": "https://suite.zendesk.com/attachments/token/x/?name=chart.png" }]);
        let inside = Inside {
            webhooks: vec![foreign],
            triggers: vec![foreign_trigger],
            tickets: vec![ticket(35436)],
            comments: vec![
                first,
                comment(4402, ADA, true, "We are looking into it."),
                comment(4403, ADA, false, "They are on the old plan. Do not tell them."),
                comment(4404, CAROL, true, "It only happens west of Greenwich."),
                comment(4405, ADA, false, "Oops."),
                comment(4406, CAROL, true, "My card is ▇▇▇▇."),
            ],
            audits: vec![
                json!({ "id": 901, "author_id": CAROL, "created_at": "2026-11-22T09:20:31Z", "events": [
                    { "id": 1, "type": "Create", "field_name": "status", "value": "new" },
                ] }),
                json!({ "id": 902, "author_id": ADA, "created_at": "2026-11-22T09:52:34Z", "events": [
                    comment(4402, ADA, true, "We are looking into it."),
                    { "id": 2, "type": "Change", "field_name": "status", "value": "solved", "previous_value": "open" },
                    { "id": 3, "type": "Change", "field_name": "priority", "value": "high", "previous_value": null },
                ] }),
                json!({ "id": 903, "author_id": ADA, "created_at": "2026-11-22T09:52:34Z", "events": [
                    comment(4403, ADA, false, "They are on the old plan. Do not tell them."),
                ] }),
            ],
            subscriptions: true,
            made: 0,
        };
        Self(Arc::new(Mutex::new(inside)))
    }
}

pub fn ticket(id: u64) -> Value {
    json!({
        "id": id, "subject": "The chart is empty on Sundays", "description": "never read", "status": "open",
        "requester_id": CAROL, "assignee_id": ADA, "tags": ["charts"], "external_id": null, "is_public": true,
        "updated_at": "2026-11-22T09:52:34Z",
    })
}

fn users() -> Value {
    json!([
        { "id": ADA, "name": "Ada Lovelace", "photo": { "content_url": "https://suite.zendesk.com/ada.png" } },
        { "id": CAROL, "name": "Carol Customer", "photo": null },
    ])
}

impl Desk {
    /// That refuses event subscriptions.
    pub fn without_subscriptions() -> Self {
        let desk = Self::default();
        desk.inside().subscriptions = false;
        desk
    }

    pub fn http(&self) -> ScriptedHttp {
        ScriptedHttp::answering(self.answers())
    }

    pub fn answers(&self) -> Answers {
        let desk = self.clone();
        Box::new(move |sent| Ok(desk.answer(sent)))
    }

    pub fn webhooks(&self) -> Vec<Value> {
        self.inside().webhooks.clone()
    }

    pub fn triggers(&self) -> Vec<Value> {
        self.inside().triggers.clone()
    }

    /// Changes the one ticket.
    pub fn set(&self, field: &str, value: Value) {
        self.inside().tickets[0][field] = value;
    }

    pub fn set_first_comment(&self, field: &str, value: Value) {
        self.inside().comments[0][field] = value;
    }

    pub fn set_webhook(&self, field: &str, value: Value) {
        self.inside().webhooks[1][field] = value;
    }

    pub fn forget_webhooks(&self) {
        self.inside().webhooks.truncate(1);
    }

    fn inside(&self) -> std::sync::MutexGuard<'_, Inside> {
        self.0.lock().expect("no panic before")
    }

    fn answer(&self, sent: &Sent) -> Response {
        let mut inside = self.inside();
        let path = sent.url.path().to_owned();
        let segments: Vec<_> = path.trim_start_matches('/').split('/').collect();
        let Some(segments) = segments.strip_prefix(&["api", "v2"]) else { return not_found() };
        let newest_first = sent.url.query_pairs().any(|(name, value)| name == "sort" && value == "-created_at");
        match (sent.method.as_str(), segments) {
            (_, ["webhooks", ..]) => inside.webhook(sent, &segments[1..]),
            (_, ["triggers", ..]) => inside.trigger(sent, &segments[1..]),
            ("GET", ["users", "show_many"]) => reply_json(200, &json!({ "users": users() })),
            ("GET", ["tickets", id]) => match inside.ticket(id) {
                Some(ticket) => reply_json(200, &json!({ "ticket": ticket, "users": users() })),
                None => not_found(),
            },
            ("GET", ["tickets", id, "comments"]) if inside.ticket(id).is_some() => {
                let mut comments = inside.comments.clone();
                if newest_first {
                    comments.reverse();
                }
                let meta = json!({ "has_more": false, "after_cursor": null });
                reply_json(200, &json!({ "comments": comments, "users": users(), "meta": meta }))
            }
            ("GET", ["tickets", id, "audits"]) if inside.ticket(id).is_some() => {
                reply_json(200, &json!({ "audits": inside.audits, "meta": { "has_more": false } }))
            }
            _ => not_found(),
        }
    }
}

impl Inside {
    fn ticket(&self, id: &str) -> Option<&Value> {
        self.tickets.iter().find(|ticket| ticket["id"].as_u64() == id.parse().ok())
    }

    fn webhook(&mut self, sent: &Sent, rest: &[&str]) -> Response {
        let asked = sent.json()["webhook"].clone();
        match (sent.method.as_str(), rest) {
            ("GET", []) => reply_json(200, &json!({ "webhooks": self.webhooks, "meta": { "has_more": false } })),
            ("POST", []) => {
                if asked["subscriptions"] != json!(["conditional_ticket_events"]) && !self.subscriptions {
                    let no = json!({ "errors": [{ "code": "InvalidParameter", "title": "Invalid", "detail": "Subscriptions are not supported" }] });
                    return reply_json(400, &no);
                }
                self.made += 1;
                let mut made = asked;
                made["id"] = format!("01OURSOURSOURSOURSOURSOU{:02}", self.made).into();
                self.webhooks.push(made.clone());
                reply_json(201, &json!({ "webhook": made }))
            }
            (method, [id, more @ ..]) => {
                let Some(at) = self.webhooks.iter().position(|hook| hook["id"] == **id) else { return not_found() };
                match (method, more) {
                    ("GET", []) => reply_json(200, &json!({ "webhook": self.webhooks[at] })),
                    ("GET", ["signing_secret"]) => {
                        let secret = json!({ "algorithm": "SHA256", "secret": WEBHOOK_SECRET });
                        reply_json(200, &json!({ "signing_secret": secret }))
                    }
                    ("PATCH", []) => {
                        for (field, value) in asked.as_object().expect("an object") {
                            self.webhooks[at][field] = value.clone();
                        }
                        reply(204, &[], "")
                    }
                    ("DELETE", []) => {
                        self.webhooks.remove(at);
                        reply(204, &[], "")
                    }
                    _ => not_found(),
                }
            }
            _ => not_found(),
        }
    }

    fn trigger(&mut self, sent: &Sent, rest: &[&str]) -> Response {
        let asked = sent.json()["trigger"].clone();
        match (sent.method.as_str(), rest) {
            ("GET", []) => reply_json(200, &json!({ "triggers": self.triggers, "meta": { "has_more": false } })),
            ("POST", []) => {
                self.made += 1;
                let mut made = asked;
                made["id"] = (700 + self.made).into();
                self.triggers.push(made.clone());
                reply_json(201, &json!({ "trigger": made }))
            }
            (method, [id]) => {
                let Some(at) = self.triggers.iter().position(|one| one["id"].as_u64() == id.parse().ok()) else {
                    return not_found();
                };
                match method {
                    "GET" => reply_json(200, &json!({ "trigger": self.triggers[at] })),
                    "DELETE" => {
                        self.triggers.remove(at);
                        reply(204, &[], "")
                    }
                    _ => not_found(),
                }
            }
            _ => not_found(),
        }
    }
}

pub fn not_found() -> Response {
    reply_json(404, &json!({ "error": "RecordNotFound", "description": "Not found" }))
}
