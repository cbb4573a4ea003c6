//! The ground for the whole way: a team's issues and its help desk, each in the sandbox of a real partner, mirrored both
//! ways by a running server.

use std::{
    collections::BTreeMap,
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
            Tenant,
            integration_user::{self, AccountState},
            job, mirror_change,
        },
    },
};
use reqwest::{Method, redirect::Policy};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinHandle};
use url::Url;

use crate::harness::{GitHubSandbox, TestApp, TestDatabase, TwoOrganizations};

const VERIFIER: &str = "verifier-0123456789-0123456789-0123456789-0123456789";

/// Acme's issues and Acme's help desk, mirrored both ways; workers run.
pub struct Ground {
    pub two: TwoOrganizations,
    pub github: GitHubSandbox,
    /// `http://127.0.0.1:port/zendesk`
    zendesk: String,
    pub http: reqwest::Client,
    pub ada: Member,
    pub mirror: MirrorId,
    /// With which Bob works on the issues, past the product.
    bobs_token: String,
    /// With which Ada looks at the tickets, past the product.
    adas_token: String,
    serving: JoinHandle<()>,
}

impl Ground {
    pub async fn new(test: TestDatabase) -> Self {
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
        let github = github.unwrap();
        let bobs_token = github.control("/tokens", json!({ "user": "bob-builds" })).await;
        let bobs_token = bobs_token["token"].as_str().unwrap().to_owned();
        let adas_token = String::new();
        let mut ground = Self { two, github, zendesk: at, http, ada, mirror, bobs_token, adas_token, serving };
        let token = ground.steer("tokens", json!({ "user": "ada" })).await;
        ground.adas_token = token["access_token"].as_str().unwrap().to_owned();
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
            "github" => self.github.consent("ada-codes", page.as_str(), "authorize").await,
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
            broken_since: None,
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

    pub async fn steer(&self, path: &str, body: Value) -> Value {
        let answer = self.http.post(format!("{}/_sandbox/{path}", self.zendesk)).json(&body).send().await.unwrap();
        assert!(answer.status().is_success(), "{path}: {} {}", answer.status(), answer.text().await.unwrap());
        answer.json().await.unwrap()
    }

    pub async fn look(&self, path: &str) -> Value {
        self.http.get(format!("{}/_sandbox/{path}", self.zendesk)).send().await.unwrap().json().await.unwrap()
    }

    /// A call of the help desk's API, past the product.
    pub async fn desk(&self, path: &str) -> Value {
        let call = self.http.get(format!("{}/acme/api/v2/{path}", self.zendesk)).bearer_auth(&self.adas_token);
        call.send().await.unwrap().json().await.unwrap()
    }

    /// A call of the repository's API, as Bob, past the product.
    pub async fn repository(&self, method: Method, path: &str, body: Value) -> Value {
        let url = format!("{}/api/v3/repos/acme/widgets{path}", self.github.at);
        let call = self.http.request(method, url).bearer_auth(&self.bobs_token);
        let answer = call.header("user-agent", "tests").json(&body).send().await.unwrap();
        assert!(answer.status().is_success(), "{path}: {} {}", answer.status(), answer.text().await.unwrap());
        answer.json().await.unwrap()
    }

    pub async fn open_issue(&self, title: &str) -> u64 {
        let issue = self.repository(Method::POST, "/issues", json!({ "title": title, "body": "It is so." })).await;
        issue["number"].as_u64().unwrap()
    }

    pub async fn comment_issue(&self, number: u64, body: &str) {
        self.repository(Method::POST, &format!("/issues/{number}/comments"), json!({ "body": body })).await;
    }

    pub async fn turn_issue(&self, number: u64, state: &str) {
        self.repository(Method::PATCH, &format!("/issues/{number}"), json!({ "state": state })).await;
    }

    pub async fn issue(&self, number: u64) -> Value {
        self.repository(Method::GET, &format!("/issues/{number}"), json!({})).await
    }

    pub async fn issue_comments(&self, number: u64) -> Vec<String> {
        let comments =
            self.repository(Method::GET, &format!("/issues/{number}/comments?per_page=100"), json!({})).await;
        comments.as_array().unwrap().iter().map(|one| one["body"].as_str().unwrap().to_owned()).collect()
    }

    /// All issues, by title.
    pub async fn issues(&self) -> BTreeMap<String, Vec<Value>> {
        let mut all = Vec::new();
        for page in 1.. {
            let path = format!("/issues?state=all&per_page=100&page={page}");
            let found = self.repository(Method::GET, &path, json!({})).await;
            let found = found.as_array().unwrap();
            all.extend(found.iter().cloned());
            if found.len() < 100 {
                break;
            }
        }
        by(&all, "title")
    }

    pub async fn issues_called(&self, title: &str) -> Vec<u64> {
        let found = self.issues().await.remove(title).unwrap_or_default();
        found.iter().map(|one| one["number"].as_u64().unwrap()).collect()
    }

    /// All tickets, by subject.
    pub async fn tickets(&self) -> BTreeMap<String, Vec<Value>> {
        let (mut all, mut after) = (Vec::new(), String::new());
        loop {
            let page = self.desk(&format!("tickets?page[size]=100{after}")).await;
            all.extend(page["tickets"].as_array().unwrap().iter().cloned());
            if page["meta"]["has_more"] != true {
                return by(&all, "subject");
            }
            after = format!("&page[after]={}", page["meta"]["after_cursor"].as_str().unwrap());
        }
    }

    /// The one ticket with this subject.
    pub async fn ticket_called(&self, subject: &str) -> u64 {
        let found = self.tickets().await.remove(subject).unwrap_or_default();
        assert_eq!(found.len(), 1, "{subject}: {found:?}");
        found[0]["id"].as_u64().unwrap()
    }

    pub async fn ticket(&self, id: u64) -> (Value, Vec<String>) {
        let seen = self.look(&format!("tickets/acme/{id}")).await;
        let comments = seen["comments"].as_array().unwrap().iter();
        let comments = comments.map(|one| one["body"].as_str().unwrap().to_owned()).collect();
        (seen["ticket"].clone(), comments)
    }

    pub async fn say(&self, user: &str, ticket: u64, mut what: Value) {
        (what["user"], what["ticket"]) = (user.into(), ticket.into());
        self.steer("say", what).await;
    }

    // ---- time

    /// Waits until nothing waits any more, and answers when that was.
    pub async fn quiet(&self) -> Instant {
        let (begun, mut quiet_since) = (Instant::now(), None);
        loop {
            let jobs = job::Entity::find().filter(job::Column::Kind.ne(integration_links::INSPECT));
            let jobs = jobs.all(self.two.app.core.db.reader()).await.unwrap();
            let since = *quiet_since.get_or_insert_with(Instant::now);
            if !jobs.is_empty() {
                quiet_since = None;
            } else if since.elapsed() > Duration::from_millis(700) {
                // A hook that was on its way has arrived by now.
                return since;
            }
            assert!(begun.elapsed() < Duration::from_secs(300), "there is no end: {jobs:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// How often the help desk was written to by us: people write there through its pages.
    pub async fn written_to_desk(&self) -> usize {
        let mut written = 0;
        for (method, path) in [("POST", "/acme/api/v2/tickets*"), ("PUT", "/acme/api/v2/tickets/*")] {
            written += writes(&self.look(&format!("calls?method={method}&path={path}")).await);
        }
        written
    }

    /// How often the repository was written to by us: people there are Bob.
    pub async fn written_to_repository(&self) -> usize {
        let mut written = 0;
        for method in ["POST", "PATCH", "PUT"] {
            let path = format!("/calls?method={method}&who=ada-codes&path=/api/v3/repositories/*/issues*");
            written += writes(&self.github.look(&path).await);
        }
        written
    }

    /// The help desk's hooks that it gave up: with these the two sides can't be in step.
    pub async fn lost_hooks(&self) -> Vec<Value> {
        let sent = self.look("deliveries").await["acme"]["sent"].take();
        let of_a_hook = |one: &Value| json!([one["about"], one["status"], one["attempts"][0]["status"]]);
        sent.as_array().unwrap().iter().filter(|one| one["status"] != "success").map(of_a_hook).collect()
    }

    /// What the mirror heard of an item, in the order it came, and what came of each.
    pub async fn heard(&self, of: &str) -> Vec<String> {
        use mirror_change::Column as Of;
        let heard = mirror_change::Entity::of(self.ada.organization).filter(Of::ItemName.contains(of));
        let heard = heard.order_by_asc(Of::Id).all(self.two.app.core.db.reader()).await.unwrap();
        heard.iter().map(|one| format!("{} {:?} {:?}", one.what, one.state, one.reason)).collect()
    }

    pub async fn finish(self) {
        self.two.app.finish().await;
        self.serving.abort();
    }
}

/// How many of these calls wrote something. One whose answer got lost did; asking for the same once more, and being told
/// that it was done, is not another.
fn writes(calls: &Value) -> usize {
    let what = |call: &Value| (call["path"].clone(), call["body"].clone());
    let (lost, answered): (Vec<&Value>, Vec<&Value>) =
        calls.as_array().unwrap().iter().partition(|call| call["status"].is_null());
    let done: Vec<_> =
        answered.iter().filter(|call| call["status"].as_u64() < Some(300)).map(|call| what(call)).collect();
    done.len() + lost.iter().filter(|call| !done.contains(&what(call))).count()
}

fn by(all: &[Value], field: &str) -> BTreeMap<String, Vec<Value>> {
    let mut found = BTreeMap::<String, Vec<Value>>::new();
    for one in all {
        found.entry(one[field].as_str().unwrap().to_owned()).or_default().push(one.clone());
    }
    found
}
