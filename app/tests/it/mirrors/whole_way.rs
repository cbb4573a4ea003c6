//! The whole way between two real partners' sandboxes: our routes take their hooks, our workers call their APIs, and
//! every write of ours comes back as a hook.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use integration_contract::{AuthorizeAsk, Connect, ExposeSecret, FormInput, Grant, Integration, PartnerSettings};
use integration_zendesk::Zendesk;
use patchbay::{
    core::{
        integration_links, integration_users,
        mirrors::{self, Creates, End, NewEnd, NewMirror, Options},
        partners::Partners,
        people::Member,
        sealing::Place,
    },
    db::{
        IntegrationUserId, MirrorId,
        entity::{
            integration_user::{self, AccountState},
            job,
            mirror::MirrorState,
        },
    },
};
use reqwest::{Method, redirect::Policy};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinHandle};
use url::Url;

use crate::harness::{GitHubSandbox, TestApp, TestDatabase, TwoOrganizations, on_both_databases};

const VERIFIER: &str = "verifier-0123456789-0123456789-0123456789-0123456789";

/// Acme's issues and Acme's help desk, mirrored both ways; workers run.
struct Ground {
    two: TwoOrganizations,
    github: GitHubSandbox,
    /// `http://127.0.0.1:port/zendesk`
    zendesk: String,
    http: reqwest::Client,
    ada: Member,
    mirror: MirrorId,
    serving: JoinHandle<()>,
}

impl Ground {
    async fn new(test: TestDatabase) -> Self {
        // Calling the sandboxes needs it chosen, and the binary is not there to do so.
        let _chosen_before = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = format!("http://{}/zendesk", listener.local_addr().unwrap());
        let (mut github, mut opened) = (None, None);
        let app = TestApp::with_partners(test, async |product| {
            let callback = product.join("auth/zendesk/callback").unwrap();
            let made = opened.insert(integration_zendesk::sandbox::open(&Url::parse(&at).unwrap(), &callback));
            let settings: PartnerSettings = made.settings.iter().cloned().collect();
            let zendesk: Arc<dyn Integration> = Arc::new(Zendesk::new(&settings).unwrap());
            let github = github.insert(GitHubSandbox::open(product).await);
            Partners::new([github.integration(), (zendesk, settings)]).unwrap()
        });
        let app = app.await;
        let router = axum::Router::new().nest("/zendesk", opened.unwrap().router);
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        let http = reqwest::Client::builder().redirect(Policy::none()).tls_certs_only([]).build().unwrap();
        let two = app.with_two_organizations().await;
        let ada = two.app.member("ada@example.com", two.acme).await;
        let mirror = MirrorId::new();
        let mut ground = Self { two, github: github.unwrap(), zendesk: at, http, ada, mirror, serving };
        let left =
            ground.end("github", &[("repository", "acme/widgets"), ("events", "issues"), ("events", "comments")]);
        let left = left.await;
        let events = [("events", "solved"), ("events", "tickets"), ("events", "comments")];
        let right = ground.end("zendesk", &events).await;
        let options = Options { creates: Creates::Both, comments: true, states: true, labels: true };
        let new = NewMirror { team: ground.two.product, left, right, options, since: None, backfill: None };
        ground.mirror = mirrors::make(&ground.two.app.core, &ground.ada, new).await.unwrap().id;
        ground.two.app.work();
        ground.quiet().await;
        ground
    }

    /// An account that consented, and a link's form that was found good with it.
    async fn end(&self, id: &str, form: &[(&str, &str)]) -> End {
        let core = &self.two.app.core;
        let partner = core.partners.get(id).unwrap();
        let Connect::OAuth { pkce, site, .. } = &partner.integration.card().connect else { panic!("no accounts") };
        let site = site.is_some().then(|| "acme".to_owned());
        let redirect_uri: Url = core.site.public_url.join(&format!("auth/{id}/callback")).unwrap();
        let verifier = || pkce.then(|| VERIFIER.into());
        let ask = AuthorizeAsk {
            state: "state".into(),
            redirect_uri: redirect_uri.clone(),
            site: site.clone(),
            verifier: verifier(),
        };
        let page = partner.integration.authorize_url(&ask).unwrap();
        let back = match id {
            "github" => self.github.consent("ada-codes", page.as_str(), "approve").await,
            _ => {
                let ask = json!({ "user": "ada", "url": page.as_str() });
                self.steer("authorize", ask).await["redirect"].as_str().unwrap().to_owned()
            }
        };
        let back = core.site.public_url.join(&back).unwrap();
        let code = back.query_pairs().find(|(name, _)| name == "code").unwrap().1.into_owned();
        let grant = Grant { code: code.into(), redirect_uri, site: site.clone(), verifier: verifier() };
        let nobody = core.partners.http(partner, site.as_deref(), None);
        let connected = partner.integration.oauth_callback(&nobody, grant).await.unwrap();

        let (row, now) = (IntegrationUserId::new(), core.clock.now());
        let credentials = connected.credentials.to_sealable();
        assert!(!credentials.expose_secret().is_empty());
        let account = integration_user::Model {
            organization_id: self.ada.organization,
            id: row,
            user_id: Some(self.ada.user),
            partner: id.into(),
            account_id: connected.identity.id,
            account_name: connected.identity.name,
            account_url: connected.identity.url,
            site,
            scopes: json!(connected.credentials.scopes),
            credentials: Some(core.vault.seal(Place::credentials(self.ada.organization, row), &credentials)),
            expires_at: connected.credentials.expires_at,
            refreshing_until: None,
            refused_since: None,
            refusals: 0,
            state: AccountState::Connected,
            reason: None,
            connected_at: now,
            created_at: now,
            updated_at: now,
        };
        let insert = integration_user::ActiveModel::from(account.clone());
        let write = async |tx: &_| integration_user::Entity::insert(insert).exec_without_returning(tx).await;
        core.db.write(write).await.unwrap();
        let seen = integration_users::account(core, partner, &account).await.unwrap();
        let input: FormInput = form.iter().copied().collect();
        let checked = partner.integration.check_link(&seen, &input).await.unwrap_or_else(|_| panic!("a good form"));
        End::New(Box::new(NewEnd { partner: id.into(), account: Some(row), checked }))
    }

    // ---- the sandboxes

    async fn steer(&self, path: &str, body: Value) -> Value {
        let answer = self.http.post(format!("{}/_sandbox/{path}", self.zendesk)).json(&body).send().await.unwrap();
        assert!(answer.status().is_success(), "{path}: {} {}", answer.status(), answer.text().await.unwrap());
        answer.json().await.unwrap()
    }

    async fn look(&self, path: &str) -> Value {
        self.http.get(format!("{}/_sandbox/{path}", self.zendesk)).send().await.unwrap().json().await.unwrap()
    }

    /// A call of the help desk's API, past the product.
    async fn desk(&self, path: &str) -> Value {
        let token = self.steer("tokens", json!({ "user": "ada" })).await["access_token"].as_str().unwrap().to_owned();
        let call = self.http.get(format!("{}/acme/api/v2/{path}", self.zendesk)).bearer_auth(token);
        call.send().await.unwrap().json().await.unwrap()
    }

    /// A call of the repository's API, as Bob, past the product.
    async fn repository(&self, method: Method, path: &str, body: Value) -> Value {
        let token = self.github.control("/tokens", json!({ "user": "bob-builds" })).await;
        let url = format!("{}/api/v3/repos/acme/widgets{path}", self.github.at);
        let call = self.http.request(method, url).bearer_auth(token["token"].as_str().unwrap());
        let answer = call.header("user-agent", "tests").json(&body).send().await.unwrap();
        assert!(answer.status().is_success(), "{path}: {} {}", answer.status(), answer.text().await.unwrap());
        answer.json().await.unwrap()
    }

    async fn open_issue(&self, title: &str) -> u64 {
        let issue = self.repository(Method::POST, "/issues", json!({ "title": title, "body": "It is so." })).await;
        issue["number"].as_u64().unwrap()
    }

    async fn comment_issue(&self, number: u64, body: &str) {
        self.repository(Method::POST, &format!("/issues/{number}/comments"), json!({ "body": body })).await;
    }

    async fn turn_issue(&self, number: u64, state: &str) {
        self.repository(Method::PATCH, &format!("/issues/{number}"), json!({ "state": state })).await;
    }

    async fn issue(&self, number: u64) -> Value {
        self.repository(Method::GET, &format!("/issues/{number}"), json!({})).await
    }

    async fn issue_comments(&self, number: u64) -> Vec<String> {
        let comments =
            self.repository(Method::GET, &format!("/issues/{number}/comments?per_page=100"), json!({})).await;
        comments.as_array().unwrap().iter().map(|one| one["body"].as_str().unwrap().to_owned()).collect()
    }

    async fn issues_called(&self, title: &str) -> Vec<u64> {
        let all = self.repository(Method::GET, "/issues?state=all&per_page=100", json!({})).await;
        let all = all.as_array().unwrap().iter().filter(|one| one["title"] == title);
        all.map(|one| one["number"].as_u64().unwrap()).collect()
    }

    /// The one ticket with this subject.
    async fn ticket_called(&self, subject: &str) -> u64 {
        let all = self.desk("tickets?page[size]=100").await;
        let found: Vec<_> = all["tickets"].as_array().unwrap().iter().filter(|one| one["subject"] == subject).collect();
        assert_eq!(found.len(), 1, "{subject}: {all}");
        found[0]["id"].as_u64().unwrap()
    }

    async fn ticket(&self, id: u64) -> (Value, Vec<String>) {
        let seen = self.look(&format!("tickets/acme/{id}")).await;
        let comments = seen["comments"].as_array().unwrap().iter();
        let comments = comments.map(|one| one["body"].as_str().unwrap().to_owned()).collect();
        (seen["ticket"].clone(), comments)
    }

    async fn say(&self, user: &str, ticket: u64, mut what: Value) {
        (what["user"], what["ticket"]) = (user.into(), ticket.into());
        self.steer("say", what).await;
    }

    // ---- time

    /// Waits until everything was said and nothing waits.
    async fn quiet(&self) {
        let (begun, mut quiet_since) = (Instant::now(), None);
        loop {
            let jobs = job::Entity::find().filter(job::Column::Kind.ne(integration_links::INSPECT));
            let jobs = jobs.all(self.two.app.core.db.reader()).await.unwrap();
            let since = *quiet_since.get_or_insert_with(Instant::now);
            if !jobs.is_empty() {
                quiet_since = None;
            } else if since.elapsed() > Duration::from_millis(700) {
                // A hook that was on its way has arrived by now.
                return;
            }
            assert!(begun.elapsed() < Duration::from_secs(60), "there is no end: {jobs:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// How often the help desk was written to by us: people write there through its pages.
    async fn written_to_desk(&self) -> usize {
        let mut written = 0;
        for (method, path) in [("POST", "/acme/api/v2/tickets*"), ("PUT", "/acme/api/v2/tickets/*")] {
            let calls = self.look(&format!("calls?method={method}&path={path}")).await;
            written += calls.as_array().unwrap().len();
        }
        written
    }

    async fn finish(self) {
        self.two.app.finish().await;
        self.serving.abort();
    }
}

async fn an_issue_and_a_ticket_stay_in_step_and_go_their_ways(test: TestDatabase) {
    let ground = Ground::new(test).await;
    let issue = ground.open_issue("The chart is empty").await;
    ground.quiet().await;
    let ticket = ground.ticket_called("The chart is empty").await;
    let (seen, comments) = ground.ticket(ticket).await;
    assert_eq!(seen["external_id"], format!("gh-{issue}"));
    assert!(comments[0].contains("bob-builds") && comments[0].ends_with("It is so."), "{}", comments[0]);

    // Comments, both ways; what is internal stays where it is, and a marker is a text.
    ground.comment_issue(issue, "[Comment Created in GitHub] Only on Sundays, @ada.").await;
    ground.quiet().await;
    ground.say("bob", ticket, json!({ "body": "We are looking into it.", "public": true })).await;
    ground.say("bob", ticket, json!({ "body": "The customer is difficult.", "public": false })).await;
    ground.quiet().await;
    let comments = ground.ticket(ticket).await.1;
    assert_eq!(comments.len(), 4, "{comments:?}");
    assert!(comments[1].ends_with("[Comment Created in GitHub] Only on Sundays, @\u{2060}ada."), "{}", comments[1]);
    let comments = ground.issue_comments(issue).await;
    assert_eq!(comments.len(), 2, "{comments:?}");
    assert!(comments[1].contains("We are looking into it."), "{}", comments[1]);

    // States, both ways.
    ground.turn_issue(issue, "closed").await;
    ground.quiet().await;
    assert_eq!(ground.ticket(ticket).await.0["status"], "solved");
    ground.say("bob", ticket, json!({ "status": "open" })).await;
    ground.quiet().await;
    assert_eq!(ground.issue(issue).await["state"], "open");

    // What a customer asks becomes an issue, and that is no ticket again.
    let asked = json!({ "user": "carol", "subject": "Where is my chart?", "body": "I can't find it." });
    let asked = ground.steer("tickets", asked).await["id"].as_u64().unwrap();
    ground.quiet().await;
    let opened = ground.issues_called("Where is my chart?").await;
    assert_eq!(opened.len(), 1);
    assert_eq!(ground.ticket_called("Where is my chart?").await, asked);
    ground.repository(Method::PATCH, &format!("/issues/{}", opened[0]), json!({ "title": "Chart is hidden" })).await;
    ground.repository(Method::POST, &format!("/issues/{}/labels", opened[0]), json!({ "labels": ["bug"] })).await;
    ground.quiet().await;
    let (seen, _) = ground.ticket(asked).await;
    assert_eq!((&seen["subject"], &seen["tags"]), (&json!("Chart is hidden"), &json!(["bug"])));

    // Each was written once: a ticket, a comment, a state; a title and a label.
    assert_eq!(ground.written_to_desk().await, 5);
    let core = &ground.two.app.core;
    let mirror = mirrors::load(core.db.reader(), ground.ada.organization, ground.mirror).await.unwrap().unwrap();
    assert_eq!((mirror.state, &mirror.reason), (MirrorState::Active, &None));

    // It goes, with what it made and nothing else.
    let foreign = json!({ "name": "web", "config": { "url": "https://somebody.example/", "content_type": "json" } });
    let token = ground.github.control("/tokens", json!({ "user": "ada-codes" })).await;
    let hooks = format!("{}/api/v3/repos/acme/widgets/hooks", ground.github.at);
    let bearer = token["token"].as_str().unwrap();
    let made = ground.http.post(&hooks).bearer_auth(bearer).header("user-agent", "tests").json(&foreign).send().await;
    assert_eq!(made.unwrap().status(), 201);
    mirrors::remove(core, &ground.ada, &mirror).await.unwrap();
    ground.quiet().await;
    let mirror = mirrors::load(core.db.reader(), ground.ada.organization, ground.mirror).await.unwrap().unwrap();
    assert_eq!(mirror.state, MirrorState::Removed, "{mirror:?}");
    let left = ground.http.get(&hooks).bearer_auth(bearer).header("user-agent", "tests").send().await.unwrap();
    let left: Value = left.json().await.unwrap();
    let here = core.site.public_url.as_str();
    assert!(left.as_array().unwrap().iter().all(|hook| !hook["config"]["url"].as_str().unwrap().starts_with(here)));
    assert!(left.to_string().contains("somebody.example"));
    assert!(!ground.desk("webhooks").await.to_string().contains(here));
    ground.comment_issue(issue, "Nobody hears this.").await;
    ground.quiet().await;
    assert_eq!(ground.ticket(ticket).await.1.len(), 4);
    ground.finish().await;
}

async fn many_changes_at_once_are_each_written_once(test: TestDatabase) {
    let ground = Ground::new(test).await;
    // Hooks come twice and out of order, and the answers to some of our calls get lost.
    ground.github.control("/deliveries", json!({ "effect": "duplicate", "copies": 2, "times": 10 })).await;
    ground.github.control("/deliveries", json!({ "effect": "reorder", "times": 5 })).await;
    let lost = json!({ "path": "/acme/api/v2/tickets*", "method": "POST", "times": 2, "effect": "lost_answer" });
    ground.steer("rules", lost).await;
    let mut issues = Vec::new();
    for number in 0..8 {
        let issue = ground.open_issue(&format!("Issue {number}")).await;
        ground.comment_issue(issue, &format!("Words {number}.")).await;
        if number % 2 == 0 {
            ground.turn_issue(issue, "closed").await;
        }
        issues.push(issue);
    }
    ground.quiet_after_lost_answers().await;
    for (number, issue) in issues.iter().enumerate() {
        let ticket = ground.ticket_called(&format!("Issue {number}")).await;
        ground.say("bob", ticket, json!({ "body": format!("Answer {number}."), "public": true })).await;
        ground.comment_issue(*issue, &format!("More {number}.")).await;
    }
    ground.quiet_after_lost_answers().await;
    for (number, issue) in issues.iter().enumerate() {
        let ticket = ground.ticket_called(&format!("Issue {number}")).await;
        let (seen, on_ticket) = ground.ticket(ticket).await;
        let on_issue = ground.issue_comments(*issue).await;
        assert_eq!(on_ticket.len(), 4, "{on_ticket:?}");
        assert_eq!(on_issue.len(), 3, "{on_issue:?}");
        for said in ["Words", "Answer", "More"] {
            let said = format!("{said} {number}.");
            assert_eq!(on_ticket.iter().filter(|text| text.contains(&said)).count(), 1, "{said} in {on_ticket:?}");
            assert_eq!(on_issue.iter().filter(|text| text.contains(&said)).count(), 1, "{said} in {on_issue:?}");
        }
        let is_closed = ground.issue(*issue).await["state"] == "closed";
        assert_eq!(seen["status"] == "solved", is_closed, "{seen}");
    }
    ground.finish().await;
}

impl Ground {
    /// A pause after an answer that got lost is longer than a moment's; here it is over at once.
    async fn quiet_after_lost_answers(&self) {
        let core = &self.two.app.core;
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(3) {
            let update = "UPDATE jobs SET run_at = 0 WHERE state = 'waiting' AND kind <> 'inspect_link'";
            sea_orm::ConnectionTrait::execute_unprepared(core.db.writer_for_tests(), update).await.unwrap();
            core.queue.wake();
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        self.quiet().await;
    }
}

on_both_databases!(an_issue_and_a_ticket_stay_in_step_and_go_their_ways, many_changes_at_once_are_each_written_once,);
