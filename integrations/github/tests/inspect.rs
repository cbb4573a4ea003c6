//! Looking at a link's far end, against the sandbox: what happened to the repository, to our webhook, to the account.

#![allow(clippy::unwrap_used)]

#[path = "sandbox/calls.rs"]
mod calls;
#[path = "sandbox/ground.rs"]
#[allow(dead_code, reason = "the sandbox's own tests use the rest")]
mod ground;

use calls::Calls;
use ground::{Answer, Ground};
use integration_contract::{
    Account, ErrorKind, Happening, Http, Identity, Integration, IntegrationLink, LinkSettings, Result,
};
use integration_github::GitHub;
use integration_testkit::MemoryLedger;
use reqwest::Method;
use serde_json::{Value, json};

/// A link of ada's to a repository of her own, set up.
struct Scene {
    ground: Ground,
    github: GitHub,
    account: Account,
    link: IntegrationLink,
    ledger: MemoryLedger,
}

const HOOK: &str = "http://patchbay.example/integrations/github/hook?key=k";

impl Scene {
    async fn set() -> Self {
        let ground = Ground::new().await;
        let settings = ground.settings.iter().cloned().collect();
        let calls = Calls::new(&ground.http, ground.token("ada-codes").await);
        let account = Account {
            http: Http::new(calls),
            identity: Some(Identity { id: "10001001".into(), name: "ada-codes".into(), url: None }),
            scopes: vec!["repo".into()],
            site: None,
        };
        let github = GitHub::new(&settings).unwrap();
        let form = [("repository", "ada-codes/dotfiles"), ("events", "push")].into_iter().collect();
        let checked = github.check_link(&account, &form).await.unwrap();
        let link = IntegrationLink {
            id: "link".into(),
            settings: checked.settings,
            hook_url: HOOK.parse().unwrap(),
            hook_secret: "hook-secret".into(),
            given_secret: None,
        };
        let ledger = MemoryLedger::default();
        github.create_link(&account, &link, &ledger).await.unwrap();
        Self { ground, github, account, link, ledger }
    }

    async fn look(&self) -> Result<Vec<Happening>> {
        self.github.inspect_link(&self.account, &self.link, &self.ledger.now()).await
    }

    /// What a look says of the link: that it works, or why not.
    async fn says(&self) -> String {
        match self.look().await.unwrap().pop() {
            Some(Happening::HookWorks) => "works".to_owned(),
            Some(Happening::TargetGone { reason }) => reason,
            other => panic!("{other:?}"),
        }
    }

    async fn do_in(&self, login: &str, path: &str, fields: &[(&str, &str)]) {
        let answer: Answer = self.ground.form(login, path, fields).await;
        assert_eq!(answer.status, 303, "{path}: {}", answer.body);
    }

    /// Does something to our webhook.
    async fn webhook(&self, method: Method, body: Value) {
        let id = self.ledger.now()[0].id.clone().unwrap();
        let token = self.ground.token("ada-codes").await;
        let call = self.ground.api(method, &format!("/repos/ada-codes/dotfiles/hooks/{id}"), &token).json(&body);
        assert!(Answer::of(call).await.status < 300);
    }
}

#[tokio::test]
async fn a_link_that_was_set_up_works() {
    assert_eq!(Scene::set().await.look().await.unwrap(), [Happening::HookWorks]);
}

#[tokio::test]
async fn a_repository_may_be_renamed_and_move() {
    let mut scene = Scene::set().await;
    let settings = "/ada-codes/dotfiles/settings";
    for (path, fields, name) in [
        (format!("{settings}/rename"), [("name", "rcfiles")], "ada-codes/rcfiles"),
        ("/ada-codes/rcfiles/settings/transfer".to_owned(), [("owner", "umbra")], "umbra/rcfiles"),
    ] {
        scene.do_in("ada-codes", &path, &fields).await;
        let found = scene.look().await.unwrap();
        let [Happening::TargetChanged(LinkSettings(changed)), Happening::HookWorks] = found.as_slice() else {
            panic!("{name}: {found:?}");
        };
        assert_eq!(
            (&changed["full_name"], &changed["repository_id"]),
            (&json!(name), &scene.link.settings.0["repository_id"])
        );
        assert_eq!(changed["events"], scene.link.settings.0["events"]);
        scene.link.settings = LinkSettings(changed.clone());
        assert_eq!(scene.look().await.unwrap(), [Happening::HookWorks], "told once");
    }
}

#[tokio::test]
async fn what_stops_a_repository_is_told_and_what_starts_it_again() {
    let scene = Scene::set().await;
    let archive = "/ada-codes/dotfiles/settings/archive";
    scene.do_in("ada-codes", archive, &[("archived", "yes")]).await;
    assert_eq!(
        scene.says().await,
        "ada-codes/dotfiles was archived at GitHub, so nothing more happens in it. Unarchive it there, or remove this link."
    );
    scene.do_in("ada-codes", archive, &[("archived", "no")]).await;
    assert_eq!(scene.says().await, "works");

    let gone = "GitHub no longer shows ada-codes the repository ada-codes/dotfiles: it was deleted, or this account lost \
                access to it.";
    for status in [404, 403] {
        let rule = json!({ "path": "/api/v3/repositories/*", "effect": "status", "status": status, "body": { "message": "No" } });
        scene.ground.control("/rules", rule).await;
        assert_eq!(scene.says().await, gone, "{status}");
        assert_eq!(scene.says().await, "works", "{status}, and back");
    }
    scene.do_in("ada-codes", "/ada-codes/dotfiles/settings/delete", &[]).await;
    assert_eq!(scene.says().await, gone);
}

#[tokio::test]
async fn our_webhook_may_be_switched_off_or_deleted_and_is_made_again() {
    let scene = Scene::set().await;
    for (method, body, says) in [
        (
            Method::PATCH,
            json!({ "active": false }),
            "The webhook was switched off at GitHub, so nothing arrives. Try again to switch it on.",
        ),
        (
            Method::DELETE,
            json!({}),
            "The webhook was deleted at GitHub, so nothing arrives. Try again to make it anew.",
        ),
    ] {
        scene.webhook(method, body).await;
        assert_eq!(scene.says().await, says);
        scene.github.change_link(&scene.account, &scene.link, &scene.ledger).await.unwrap();
        assert_eq!(scene.says().await, "works");
        let hooks = scene.ground.look("/hooks").await;
        let ours = hooks.as_array().unwrap().iter().filter(|hook| hook["url"] == HOOK).count();
        assert_eq!(ours, 1, "{says}");
    }
}

#[tokio::test]
async fn a_webhook_that_was_never_made_does_not_work() {
    let scene = Scene::set().await;
    let found = scene.github.inspect_link(&scene.account, &scene.link, &[]).await.unwrap();
    assert_eq!(found, []);
}

#[tokio::test]
async fn an_account_that_was_revoked_is_told_from_an_outage() {
    let scene = Scene::set().await;
    for (effect, kind) in [
        (json!({ "effect": "status", "status": 500 }), ErrorKind::Unavailable),
        (json!({ "effect": "html", "status": 503 }), ErrorKind::Unavailable),
        (json!({ "effect": "malformed" }), ErrorKind::Unavailable),
        (json!({ "effect": "secondary_limit", "retry_after": 9 }), ErrorKind::RateLimited),
    ] {
        let mut rule = effect.clone();
        rule["path"] = json!("/api/v3/repositories/*");
        scene.ground.control("/rules", rule).await;
        assert_eq!(scene.look().await.unwrap_err().kind(), kind, "{effect}");
    }
    scene.ground.control("/users/ada-codes/revoke", json!({})).await;
    let error = scene.look().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthorized);
    assert!(error.sentence().contains("Connect GitHub again"), "{}", error.sentence());
}
