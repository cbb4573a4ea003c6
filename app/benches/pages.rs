//! How long the main pages take, and how heavy they are, in an organization with 10,000 entries, 1,000 links, 100,000
//! hooks and 10,000 rows of the audit log. `scripts/trials/pages`
//!
//! The real server, as a process, on SQLite and, if `PATCHBAY_TEST_POSTGRES` names a server, on PostgreSQL; both are asked
//! in turns, because machines are noisy. Ends with an error where a page is slower or heavier than it may be. Dated
//! results: docs/results.

#![allow(clippy::print_stdout, clippy::unwrap_used, missing_docs, reason = "a benchmark prints, and may stop")]
#![allow(dead_code, reason = "what it shares with the tests has more than it needs")]

#[path = "../tests/it/harness/client.rs"]
mod client;
#[path = "../tests/it/harness/crowd.rs"]
mod crowd;

use std::{
    net::SocketAddr,
    process::{Child, Command, ExitCode, Stdio},
    str::FromStr,
    time::{Duration, Instant},
};

use integration_contract::SecretString;
use jiff::tz::TimeZone;
use patchbay::{
    boot,
    clock::Clock,
    config::PartnersSettings,
    core::{
        Core, Site, Tools, instance, organizations,
        people::Member,
        teams::{self, NewTeam},
        users::{self, NewUser},
    },
    db::{
        Backend, DatabaseUrl, Db, TeamId, UserId,
        entity::{
            member::{self, Role},
            team_member, user,
        },
        migrate,
    },
    queue::Queue,
};
use sea_orm::{ConnectionTrait, EntityTrait, IntoActiveModel};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use uuid::Uuid;

use client::Client;
use crowd::Crowd;

const ENTRIES: usize = 10_000;
const LINKS: usize = 1_000;
const MESSAGES: usize = 100_000;
const MIRRORS: usize = 20;
const DEEDS: usize = 10_000;
const PEOPLE: usize = 20;
const TEAMS: usize = 5;

/// How often each page is asked for.
const ROUNDS: usize = 60;

/// 95 of 100 answers have to be there by then, on a machine with two cores.
const PAGE_LIMIT: Duration = Duration::from_millis(100);
/// The same for a file with the whole log.
const FILE_LIMIT: Duration = Duration::from_secs(2);
/// The most bytes of a page.
const HEAVIEST: usize = 200_000;

const PASSWORD: &str = "ten thousand entries";

#[tokio::main]
async fn main() -> ExitCode {
    boot::prepare().unwrap();
    let mut sites = Vec::new();
    let folder = tempfile::tempdir().unwrap();
    let sqlite = format!("sqlite:{}", folder.path().join("pages.db").display());
    sites.push(Instance::start("SQLite", sqlite, folder).await);
    let server = std::env::var("PATCHBAY_TEST_POSTGRES").ok().map(|server| server.trim_end_matches('/').to_owned());
    let name = format!("patchbay_pages_{}", Uuid::now_v7().simple());
    if let Some(server) = &server {
        administer(server, format!("CREATE DATABASE {name}")).await;
        let folder = tempfile::tempdir().unwrap();
        sites.push(Instance::start("PostgreSQL", format!("{server}/{name}"), folder).await);
    } else {
        println!("PATCHBAY_TEST_POSTGRES is not set: SQLite only\n");
    }

    for _ in 0..ROUNDS {
        for page in 0..sites[0].pages.len() {
            for site in &mut sites {
                site.visit(page).await;
            }
        }
    }
    let missed = report(&mut sites);
    drop(sites);
    if let Some(server) = &server {
        administer(server, format!("DROP DATABASE {name} WITH (FORCE)")).await;
    }
    for sentence in &missed {
        println!("MISSED: {sentence}");
    }
    if missed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

async fn administer(server: &str, statement: String) {
    let mut admin = PgConnection::connect(&format!("{server}/postgres")).await.unwrap();
    admin.execute(AssertSqlSafe(statement)).await.unwrap();
}

/// A running server over a full database.
struct Instance {
    name: &'static str,
    server: Child,
    client: Client,
    pages: Vec<Page>,
    _folder: tempfile::TempDir,
}

struct Page {
    name: &'static str,
    path: String,
    is_file: bool,
    took: Vec<Duration>,
    bytes: usize,
}

impl Page {
    fn limit(&self) -> Duration {
        if self.is_file { FILE_LIMIT } else { PAGE_LIMIT }
    }

    /// The time within which so many of 100 answers were there.
    fn within(&mut self, hundredths: usize) -> Duration {
        self.took.sort_unstable();
        self.took[(self.took.len() * hundredths / 100).min(self.took.len() - 1)]
    }
}

impl Instance {
    async fn start(name: &'static str, database: String, folder: tempfile::TempDir) -> Self {
        let key = folder.path().join("patchbay.key");
        let pages = fill(&database, &key).await;
        // Free a moment ago; nobody else looks for ports below those that the kernel hands out.
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let server = Command::new(env!("CARGO_BIN_EXE_patchbay"))
            .arg("serve")
            .env_clear()
            .current_dir(folder.path())
            .env("DATABASE_URL", &database)
            .env("PATCHBAY_LISTEN", address.to_string())
            .env("PATCHBAY_PUBLIC_URL", format!("http://{address}"))
            .env("PATCHBAY_KEY_FILE", &key)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut site = Self { name, server, client: Client::new(address), pages, _folder: folder };
        site.log_in(address).await;
        for page in 0..site.pages.len() {
            site.visit(page).await;
        }
        site.pages.iter_mut().for_each(|page| page.took.clear());
        site
    }

    async fn log_in(&mut self, address: SocketAddr) {
        let start = Instant::now();
        while std::net::TcpStream::connect(address).is_err() {
            assert!(start.elapsed() < Duration::from_secs(30), "the server on {} does not answer", self.name);
            assert!(self.server.try_wait().unwrap().is_none(), "the server on {} ended", self.name);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let form = [("email", "ada@example.com"), ("password", PASSWORD)];
        let answer = self.client.post_form("/login", &form).await;
        assert_eq!(answer.status, 303, "{}", answer.text);
    }

    async fn visit(&mut self, page: usize) {
        let page = &mut self.pages[page];
        let start = Instant::now();
        let answer = self.client.get(&page.path).await;
        page.took.push(start.elapsed());
        assert_eq!(answer.status, 200, "{}: {}", page.path, answer.text);
        page.bytes = answer.text.len();
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// Makes the organization, and says where its pages are.
async fn fill(database: &str, key: &std::path::Path) -> Vec<Page> {
    let url = DatabaseUrl::from_str(database).unwrap();
    let db = Db::open(&url).await.unwrap();
    migrate(&db, &url).await.unwrap();
    let core = Core::new(Tools {
        db: db.clone(),
        clock: Clock::system(),
        vault: instance::open_vault(&db, key).await.unwrap().0,
        queue: Queue::new(db.clone()),
        partners: boot::open_partners(&PartnersSettings::default()).unwrap(),
        site: Site { name: "Patchbay".into(), public_url: "http://127.0.0.1/".parse().unwrap() },
    });
    let new = NewUser {
        email: "ada@example.com".into(),
        name: "Ada Lovelace".into(),
        password: SecretString::from(PASSWORD),
    };
    let ada = users::sign_up(&core, new).await.unwrap().id;
    let team = |name: String| NewTeam { name, time_zone: "Europe/Vienna".into() };
    let (organization, product) =
        organizations::found_with_team(&core, ada, "Acme", team("Product".into())).await.unwrap();
    let owner = Member { organization: organization.id, user: ada, role: Role::Owner };
    let mut all = vec![product.id];
    for number in 1..TEAMS {
        all.push(teams::create(&core, &owner, team(format!("Team {number}"))).await.unwrap().id);
    }
    let people = people(&core, &owner, &all).await;
    let crowd = Crowd { core: &core, organization: organization.id, teams: &all, people: &people, partner: "github" };
    let links = crowd.links(LINKS).await;
    let entries = crowd.entries(ENTRIES, &links).await;
    crowd.messages(MESSAGES, &links, &entries).await;
    let mirrors = crowd.mirrors(MIRRORS, &links).await;
    crowd.deeds(DEEDS, &links).await;
    if db.backend() == Backend::Postgres {
        // It would do so by itself within minutes.
        db.writer_for_tests().execute_unprepared("ANALYZE").await.unwrap();
    }
    let today = core.clock.today(&TimeZone::UTC);
    let (team, link) = (format!("/teams/{}", product.id), format!("/integrations/github/link/{}", links[0]));
    let page = |name, path: String| Page { name, path, is_file: false, took: Vec::new(), bytes: 0 };
    let file = |name, path| Page { is_file: true, ..page(name, path) };
    let pages = vec![
        page("log", team.clone()),
        page("log, searched", format!("{team}?q=streaming+rows")),
        page("log, searched in vain", format!("{team}?q=nowhere")),
        page("log, of a tag", format!("{team}?tag=topic3")),
        page("log, of a person", format!("{team}?person={}", people[1])),
        page("log, a day", format!("{team}?day={today}")),
        page("log, a month", format!("{team}?month={}", today.strftime("%Y-%m"))),
        page("an entry", format!("{team}/entries/{}", entries[0])),
        page("my log", "/log".into()),
        page("integrations", "/integrations".into()),
        page("a partner", "/integrations/github".into()),
        page("team settings", format!("{team}/settings")),
        page("team settings, last page", format!("{team}/settings?page=99")),
        page("team settings, searched", format!("{team}/settings?find=service-99")),
        page("a link", link.clone()),
        page("a link's activity", format!("{link}/activity")),
        page("a link's failures", format!("{link}/activity?state=failed")),
        page("a mirror", format!("/mirrors/{}", mirrors[0])),
        page("organization settings", format!("/organizations/{}/settings", organization.id)),
        page("the audit log", format!("/organizations/{}/audit", organization.id)),
        page("my settings", "/settings".into()),
        file("the log as CSV", format!("{team}/export.csv")),
        file("the log as JSON", format!("{team}/export.json")),
    ];
    drop(core);
    db.close().await.unwrap();
    pages
}

/// Everybody, the owner first: in the organization and in all its teams.
async fn people(core: &Core, owner: &Member, all: &[TeamId]) -> Vec<UserId> {
    let (organization_id, created_at) = (owner.organization, core.clock.now());
    let mut people = vec![owner.user];
    for number in 1..PEOPLE {
        let id = UserId::new();
        let user = user::Model {
            id,
            email: format!("person{number}@example.com"),
            name: format!("Person {number}"),
            // Nobody logs in as them.
            password_hash: String::new(),
            created_at,
        };
        let member = member::Model { organization_id, user_id: id, role: Role::Member, created_at };
        let in_teams = all.iter().map(|team| {
            team_member::Model { organization_id, team_id: *team, user_id: id, created_at }.into_active_model()
        });
        let db = core.db.writer_for_tests();
        user::Entity::insert(user.into_active_model()).exec_without_returning(db).await.unwrap();
        member::Entity::insert(member.into_active_model()).exec_without_returning(db).await.unwrap();
        team_member::Entity::insert_many(in_teams).exec_without_returning(db).await.unwrap();
        people.push(id);
    }
    people
}

/// Prints the table, and answers with what is not as it has to be.
fn report(sites: &mut [Instance]) -> Vec<String> {
    let mut missed = Vec::new();
    let names: Vec<&str> = sites.iter().map(|site| site.name).collect();
    println!(
        "{ENTRIES} entries, {LINKS} links, {MESSAGES} hooks, {ROUNDS} visits each; milliseconds: half / 95 / 99 of 100\n"
    );
    println!("| page | kB | {} |", names.join(" | "));
    println!("|---|---|{}", "---|".repeat(names.len()));
    for number in 0..sites[0].pages.len() {
        let bytes = sites.iter().map(|site| site.pages[number].bytes).max().unwrap_or_default();
        let mut cells = Vec::new();
        for site in sites.iter_mut() {
            let page = &mut site.pages[number];
            let [half, most, nearly] = [50, 95, 99].map(|hundredths| page.within(hundredths));
            cells.push(format!("{:.1} / {:.1} / {:.1}", millis(half), millis(most), millis(nearly)));
            if most > page.limit() {
                missed.push(format!("{} on {}: {most:.1?}, at most {:?}", page.name, site.name, page.limit()));
            }
        }
        let page = &sites[0].pages[number];
        if !page.is_file && bytes > HEAVIEST {
            missed.push(format!("{}: {bytes} bytes, at most {HEAVIEST}", page.name));
        }
        println!("| {} | {} | {} |", page.name, bytes / 1000, cells.join(" | "));
    }
    println!();
    missed
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
