//! GitHub's outside as these tests need it: recorded answers, and a repository with webhooks in memory.

#![allow(dead_code, reason = "each test file uses its part")]

use std::sync::{Arc, Mutex};

use integration_contract::{
    Account, FormInput, Http, Identity, Integration, IntegrationLink, LinkSettings, PartnerSettings, Response,
};
use integration_github::GitHub;
use integration_testkit::{Answers, ScriptedHttp, Sent, reply, reply_json};
use serde_json::{Value, json};

pub const HOOK_URL: &str = "https://patchbay.example/integrations/github/hook?key=k";
pub const CLIENT_SECRET: &str = "client-secret-8c1f";

pub fn settings() -> PartnerSettings {
    [("CLIENT_ID", "client-id"), ("CLIENT_SECRET", CLIENT_SECRET)].into_iter().collect()
}

pub fn github() -> GitHub {
    GitHub::new(&settings()).expect("settings are good")
}

pub fn account(http: Http) -> Account {
    let identity = Identity { id: "583231".into(), name: "octo-ada".into(), url: None };
    Account { http, identity: Some(identity), scopes: vec!["repo".into()], site: None }
}

pub fn link_settings() -> LinkSettings {
    LinkSettings(json!({
        "repository_id": 1_296_269,
        "full_name": "acme/widgets",
        "html_url": "https://github.com/acme/widgets",
        "events": ["push", "issues", "comments", "pull_requests", "releases"],
    }))
}

pub fn link() -> IntegrationLink {
    IntegrationLink {
        id: "link".into(),
        settings: link_settings(),
        hook_url: HOOK_URL.parse().expect("a URL"),
        hook_secret: "hook-secret-77aa".into(),
        given_secret: None,
    }
}

pub fn form(repository: &str) -> FormInput {
    [("repository", repository), ("events", "push"), ("events", "issues")].into_iter().collect()
}

/// A recorded answer of `fixtures/api`.
pub fn recorded(name: &str) -> Value {
    let path = format!("{}/fixtures/api/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    serde_json::from_slice(&text).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// A recorded answer with its status.
pub fn answer(status: u16, name: &str) -> Response {
    reply_json(status, &recorded(name))
}

/// The same with more headers.
pub fn answer_with(status: u16, headers: &[(&str, &str)], name: &str) -> Response {
    reply(status, headers, recorded(name).to_string())
}

/// `acme/widgets` and its webhooks, one of which is somebody else's.
#[derive(Clone)]
pub struct Repository(Arc<Mutex<Vec<Value>>>);

impl Default for Repository {
    fn default() -> Self {
        let foreign = recorded("hooks__foreign");
        Self(Arc::new(Mutex::new(foreign.as_array().expect("a list").clone())))
    }
}

impl Repository {
    pub fn http(&self) -> ScriptedHttp {
        ScriptedHttp::answering(self.answers())
    }

    pub fn answers(&self) -> Answers {
        let repository = self.clone();
        Box::new(move |sent| Ok(repository.answer(sent)))
    }

    pub fn hooks(&self) -> Vec<Value> {
        self.0.lock().expect("no panic before").clone()
    }

    pub fn hook_ids(&self) -> Vec<u64> {
        self.hooks().iter().filter_map(|hook| hook["id"].as_u64()).collect()
    }

    fn answer(&self, sent: &Sent) -> Response {
        let mut hooks = self.0.lock().expect("no panic before");
        let path = sent.url.path().to_owned();
        let segments: Vec<_> = path.trim_start_matches('/').split('/').collect();
        match (sent.method.as_str(), segments.as_slice()) {
            ("GET", ["user", "repos"]) => answer(200, "user_repos__page_1"),
            ("GET", ["repos", "acme", "widgets"] | ["repositories", "1296269"]) => answer(200, "repository__widgets"),
            ("GET", ["repositories", "1296269", "hooks"]) => reply_json(200, &Value::Array(hooks.clone())),
            ("POST", ["repositories", "1296269", "hooks"]) => {
                let asked = sent.json();
                if hooks.iter().any(|hook| hook["config"]["url"] == asked["config"]["url"]) {
                    return answer(422, "create_hook__exists");
                }
                let mut made = recorded("create_hook__made");
                made["events"] = asked["events"].clone();
                made["config"]["url"] = asked["config"]["url"].clone();
                hooks.push(made.clone());
                reply_json(201, &made)
            }
            (method @ ("PATCH" | "DELETE"), ["repositories", "1296269", "hooks", id]) => {
                let Some(at) = hooks.iter().position(|hook| hook["id"].as_u64() == id.parse().ok()) else {
                    return answer(404, "error__not_found");
                };
                if method == "DELETE" {
                    hooks.remove(at);
                    return reply(204, &[], "");
                }
                let asked = sent.json();
                hooks[at]["events"] = asked["events"].clone();
                hooks[at]["config"]["url"] = asked["config"]["url"].clone();
                reply_json(200, &hooks[at])
            }
            _ => answer(404, "error__not_found"),
        }
    }
}

/// The partner behind the trait, as the host holds it.
pub fn shared() -> Arc<dyn Integration> {
    Arc::new(github())
}
