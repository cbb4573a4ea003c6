//! The whole application on a port of its own: the real router inside the real layers and the real accept loop.

use std::{
    net::SocketAddr,
    sync::{Arc, LazyLock, Mutex, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use argon2::{Algorithm, Argon2, Params, PasswordHasher, Version};
use integration_contract::SecretString;
use patchbay::{
    clock::Clock,
    config::ProxySettings,
    core::{
        Core, Site, Tools, mail::Mailer, organizations, partners::Partners, people::Member, sealing::Vault,
        teams::NewTeam, users,
    },
    db::{OrganizationId, TeamId, UserId, entity::user},
    jobs::Jobs,
    queue::{Queue, WorkerOptions, Workers},
    server::{Limits, Stopping, serve},
    state::{AppState, HookLimits},
    web::{
        layers::{Hosts, Layers, wrap},
        router,
    },
};
use sea_orm::{ActiveModelTrait, IntoActiveModel};
use tokio::{net::TcpListener, task::JoinHandle};
use url::Url;

use super::{Client, TestDatabase};

/// Everybody's password.
pub const PASSWORD: &str = "patchbay";

/// One running application. It stops when it is dropped; [`TestApp::finish`] waits until it has.
pub struct TestApp {
    pub core: Core,
    /// Stands still, beginning now, until a test moves it.
    pub clock: Clock,
    pub database: TestDatabase,
    pub address: SocketAddr,
    /// What links have had of their share.
    pub hook_limits: HookLimits,
    stopping: Stopping,
    serving: JoinHandle<()>,
    workers: Mutex<Option<Workers>>,
}

/// Two tenants with people in them, each with a browser.
pub struct TwoOrganizations {
    pub app: TestApp,
    /// Owner of Acme, in Product.
    pub ada: Client,
    /// Member of Acme, in Product.
    pub bob: Client,
    /// Owner of Umbra, in Lab.
    pub eve: Client,
    pub acme: OrganizationId,
    pub product: TeamId,
    pub umbra: OrganizationId,
    pub lab: TeamId,
}

impl TestApp {
    /// Reached by http, as on a developer's machine.
    pub async fn on(database: TestDatabase) -> Self {
        Self::start(database, None, Mailer::Log, async |_| no_partners()).await
    }

    /// The same with a way for mail.
    pub async fn with_mailer(database: TestDatabase, mailer: Mailer) -> Self {
        Self::start(database, None, mailer, async |_| no_partners()).await
    }

    /// With partners, which are told where the application is reached. Nothing works off the queue until
    /// [`TestApp::work`] is called.
    pub async fn with_partners(database: TestDatabase, partners: impl AsyncFnOnce(&Url) -> Partners) -> Self {
        Self::start(database, None, Mailer::Log, partners).await
    }

    /// Reached by https behind a proxy, as far as the application knows.
    pub async fn on_https(database: TestDatabase) -> Self {
        Self::start(database, Some("https://patchbay.test/"), Mailer::Log, async |_| no_partners()).await
    }

    /// A second node on the same database, reached by the same public address and at a port of its own.
    pub async fn beside(&self, partners: Partners) -> Self {
        let here = self.core.site.public_url.clone();
        Self::start(self.database.clone(), Some(here.as_str()), Mailer::Log, async |_| partners).await
    }

    async fn start(
        database: TestDatabase,
        public_url: Option<&str>,
        mailer: Mailer,
        partners: impl AsyncFnOnce(&Url) -> Partners,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let here = format!("http://{address}/");
        let public_url = Url::parse(public_url.unwrap_or(&here)).unwrap();
        let clock = Clock::by_hand(now());
        let tools = Tools {
            db: database.db.clone(),
            clock: clock.clone(),
            vault: Vault::from_text(&SecretString::from(format!("v1:{}", "5a".repeat(32)))).unwrap(),
            queue: Queue::new(database.db.clone()),
            partners: partners(&public_url).await,
            site: Site { name: "Patchbay".into(), public_url: public_url.clone() },
        };
        let core = Core::with_mailer(tools, mailer);
        let layers = Layers {
            hosts: Hosts::new(&public_url, address),
            form_targets: Vec::new(),
            https: public_url.scheme() == "https",
            proxies: ProxySettings { trusted: vec!["127.0.0.1".parse().unwrap()] },
            metrics_token: false,
        };
        let stopping = Stopping::default();
        let state = AppState { stopping: stopping.clone(), ..AppState::new(core.clone()) };
        let hook_limits = state.hook_limits.clone();
        let router = wrap(router(state), layers);
        let serving = tokio::spawn(serve(listener, router, Limits::default(), stopping.clone()));
        Self { core, clock, database, address, hook_limits, stopping, serving, workers: Mutex::default() }
    }

    /// Lets workers do what waits in the queue, from now on.
    pub fn work(&self) {
        let options = WorkerOptions { slots: 8, poll: Duration::from_millis(50), ..WorkerOptions::default() };
        let jobs = Arc::new(Jobs::new(self.core.clone()));
        let workers = Workers::start(self.core.queue.clone(), jobs, options);
        *self.workers.lock().unwrap_or_else(PoisonError::into_inner) = Some(workers);
    }

    /// A browser that has not been here yet.
    pub fn visitor(&self) -> Client {
        Client::new(self.address)
    }

    /// A browser in which the user with this address is logged in.
    pub async fn log_in(&self, email: &str) -> Client {
        let client = self.visitor();
        let answer = client.post_form("/login", &[("email", email), ("password", PASSWORD)]).await;
        assert_eq!(answer.status, 303, "{email} could not log in: {}", answer.text);
        client
    }

    /// A user with the password [`PASSWORD`], in no organization.
    pub async fn user(&self, email: &str, name: &str) -> user::Model {
        let (id, created_at, password_hash) = (UserId::new(), self.core.clock.now(), quick_hash());
        let user = user::Model { id, email: email.into(), name: name.into(), password_hash, created_at };
        user.clone().into_active_model().insert(self.database.db.writer_for_tests()).await.unwrap();
        user
    }

    /// The member behind a user in an organization.
    pub async fn member(&self, email: &str, organization: OrganizationId) -> Member {
        let user = users::by_email(&self.core, email).await.unwrap().unwrap();
        users::person(&self.core, user.id).await.unwrap().member_of(organization).unwrap()
    }

    /// Acme with ada (owner) and bob (member) in the team Product; Umbra with eve (owner) in the team Lab.
    pub async fn two_organizations(database: TestDatabase) -> TwoOrganizations {
        Self::on(database).await.with_two_organizations().await
    }

    /// The same on an application that runs already.
    pub async fn with_two_organizations(self) -> TwoOrganizations {
        let app = self;
        let ada = app.user("ada@example.com", "Ada").await;
        let bob = app.user("bob@example.com", "Bob").await;
        let eve = app.user("eve@example.com", "Eve").await;
        let team = |name: &str| NewTeam { name: name.into(), time_zone: "Europe/Vienna".into() };
        let found = organizations::found_with_team(&app.core, ada.id, "Acme", team("Product"));
        let (acme, product) = found.await.unwrap();
        let (umbra, lab) = organizations::found_with_team(&app.core, eve.id, "Umbra", team("Lab")).await.unwrap();
        app.admit(&bob, acme.id, product.id).await;
        let ada = app.log_in("ada@example.com").await;
        let bob = app.log_in("bob@example.com").await;
        let eve = app.log_in("eve@example.com").await;
        TwoOrganizations { app, ada, bob, eve, acme: acme.id, product: product.id, umbra: umbra.id, lab: lab.id }
    }

    /// Makes a user a plain member of an organization and of a team, by an invitation of one of its owners.
    pub async fn admit(&self, user: &user::Model, organization: OrganizationId, team: TeamId) {
        use patchbay::{
            core::invitations::{self, NewInvitation},
            db::entity::{Tenant, member, member::Role},
        };
        use sea_orm::{ColumnTrait, QueryFilter};

        let owner = member::Entity::of(organization).filter(member::Column::Role.eq(Role::Owner));
        let owner = owner.one(self.database.db.reader()).await.unwrap().unwrap();
        let owner = Member { organization, user: owner.user_id, role: owner.role };
        let new = NewInvitation { role: Role::Member, team: Some(team) };
        let token = invitations::invite(&self.core, &owner, new).await.unwrap();
        invitations::accept(&self.core, user.id, &token).await.unwrap();
    }

    /// Stops it and waits until every request was answered.
    pub async fn finish(self) {
        self.stopping.stop(Duration::ZERO).await;
        self.serving.await.unwrap();
        let workers = self.workers.into_inner().unwrap_or_else(PoisonError::into_inner);
        if let Some(workers) = workers {
            workers.drain(Duration::from_secs(5)).await;
        }
    }
}

/// A hash of [`PASSWORD`] that takes no time to check: hashing is slow by nature, and nearly every test logs in.
fn quick_hash() -> String {
    static HASH: LazyLock<String> = LazyLock::new(|| {
        let weak = Params::new(8, 1, 1, None).unwrap();
        let hash = Argon2::new(Algorithm::Argon2id, Version::V0x13, weak).hash_password(PASSWORD.as_bytes());
        hash.unwrap().to_string()
    });
    HASH.clone()
}

fn no_partners() -> Partners {
    Partners::new(std::iter::empty()).unwrap()
}

fn now() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap()
}
