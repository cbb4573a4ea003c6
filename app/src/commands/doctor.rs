//! `doctor`: looks at what an operator can get wrong, changes nothing, and says what to do.

use std::{process::ExitCode, time::Duration};

use anyhow::Result;
use axum::{Router, routing::get};
use integration_contract::{Connect, ExposeSecret};
use jiff::{Timestamp, civil::date, tz::TimeZone};
use sea_orm::{ConnectionTrait, Statement};
use tokio::net::TcpListener;
use url::{Host, Url};

use super::say;
use crate::{
    boot,
    config::Config,
    core::{
        instance,
        partners::{Partner, Partners, our_url},
        sealing::{Vault, random_text},
    },
    db::{Backend, Db, missing_steps},
    server::{self, Limits, PortTaken, Stopping},
};

/// How long the public address may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Partners refuse what seems to come from another time; the strictest allows five minutes.
const SKEW: Duration = Duration::from_secs(30);

pub(super) async fn run() -> Result<ExitCode> {
    let config = match boot::configure("error") {
        Ok(config) => config,
        Err(error) => {
            Report::default().bad(format!("settings: {error:#}"))?;
            return Ok(ExitCode::FAILURE);
        }
    };
    let mut report = Report::default();
    match config.unknown.as_slice() {
        [] => report.good("settings: every one is known")?,
        unknown => report.note(format!("settings: nobody reads {}", unknown.join(", ")))?,
    }
    let db = database(&config, &mut report).await?;
    key_file(&config, db.as_ref(), &mut report).await?;
    let partners = boot::open_partners(&config.partners)?;
    let public_url = config.site.public_url(config.listen.address.port());
    public_address(&config, &partners, &public_url, &mut report).await?;
    mail(&config, &public_url, &mut report)?;
    clock(db.as_ref(), &mut report).await?;
    for partner in partners.all() {
        describe(partner, &public_url, &mut report)?;
    }
    if let Some(db) = db {
        db.close().await?;
    }
    say(if report.is_bad { "\nSomething has to be done first." } else { "\nPatchbay can be started." })?;
    Ok(if report.is_bad { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Tells each finding as it is found: some take a while.
#[derive(Default)]
struct Report {
    is_bad: bool,
}

impl Report {
    fn good(&mut self, what: impl std::fmt::Display) -> Result<()> {
        say(format_args!("  ok    {what}"))
    }

    fn note(&mut self, what: impl std::fmt::Display) -> Result<()> {
        say(format_args!("  note  {what}"))
    }

    fn bad(&mut self, what: impl std::fmt::Display) -> Result<()> {
        self.is_bad = true;
        say(format_args!("  BAD   {what}"))
    }
}

async fn database(config: &Config, report: &mut Report) -> Result<Option<Db>> {
    let url = &config.database.url;
    if let Some(path) = url.sqlite_path().filter(|path| !path.exists()) {
        report.note(format!("database: {} will be made at the first start", path.display()))?;
        return Ok(None);
    }
    let db = match Db::open(url).await {
        Ok(db) => db,
        Err(error) => {
            report.bad(format!("database: {error:#}"))?;
            return Ok(None);
        }
    };
    let kind = match db.backend() {
        Backend::Sqlite => "SQLite",
        Backend::Postgres => "PostgreSQL",
    };
    match missing_steps(&db).await {
        Ok(0) => report.good(format!("database: {kind} answers, and its schema is up to date"))?,
        Ok(missing) => report.note(format!(
            "database: {kind} answers; its schema lacks {missing} steps, which the next start makes, or `patchbay migrate`"
        ))?,
        Err(error) => report.bad(format!("database: {kind} does not answer: {error}"))?,
    }
    Ok(Some(db))
}

fn mail(config: &Config, public_url: &Url, report: &mut Report) -> Result<()> {
    match (&config.mail.server, boot::open_mailer(config, public_url)) {
        (None, _) => report.note(
            "mail: none is sent; PATCHBAY_SMTP_URL sets a mail server. `patchbay password-link` helps who forgot their password",
        ),
        (Some(server), Ok(_)) => report.good(format!("mail: goes to {}, port {}", server.host, server.port)),
        (Some(_), Err(error)) => report.bad(format!("mail: {error:#}")),
    }
}

async fn key_file(config: &Config, db: Option<&Db>, report: &mut Report) -> Result<()> {
    let file = &config.keys.file;
    let path = file.display();
    // Without a schema there is no check value either.
    let db = match db {
        Some(db) if missing_steps(db).await.is_ok_and(|missing| missing == 0) => Some(db),
        _ => None,
    };
    if !file.exists() {
        let needed = match db {
            Some(db) => instance::has_key(db).await.unwrap_or(false),
            None => false,
        };
        return if needed {
            report.bad(format!("key file: {path} is missing, and the database was sealed with it: put the backup back"))
        } else {
            report.note(format!("key file: {path} will be made at the first start; back it up then"))
        };
    }
    let vault = match Vault::open_file(file) {
        Ok(vault) => vault,
        Err(error) => return report.bad(format!("key file: {error:#}")),
    };
    let fits = match db {
        Some(db) => instance::opens(db, &vault).await?,
        None => None,
    };
    match fits {
        Some(true) => report.good(format!("key file: {path} is this database's; is it backed up?")),
        Some(false) => report.bad(format!("key file: {path} is not the one this database was sealed with")),
        None => report.good(format!("key file: {path} can be read")),
    }
}

/// Whether we can listen, and whether what the world calls us leads here. Where nothing runs yet, we answer ourselves
/// for a moment.
async fn public_address(config: &Config, partners: &Partners, public_url: &Url, report: &mut Report) -> Result<()> {
    let address = config.listen.address;
    let word = random_text(16).expose_secret().to_owned();
    let stopping = Stopping::default();
    let mut answering = None;
    match server::bind(address).await {
        Ok(listener) => {
            report.good(format!("listening: {address} is free"))?;
            answering = Some(tokio::spawn(answer(listener, word.clone(), stopping.clone())));
        }
        Err(error) if error.is::<PortTaken>() => {
            if asked(partners, &our_url(&local(address), "healthz")).await.is_ok_and(|answer| answer == "ok") {
                report.good(format!("listening: a Patchbay answers at {address} already"))?;
            } else {
                report.bad(format!("listening: another program has {address}: set PATCHBAY_LISTEN to another port"))?;
            }
        }
        Err(error) => report.bad(format!("listening: {error:#}"))?,
    }
    match asked(partners, &our_url(public_url, "healthz")).await {
        Ok(answer) if answer == word || answer == "ok" => report.good(format!("public address: {public_url} leads here"))?,
        Ok(_) => report.bad(format!(
            "public address: {public_url} answers, but not as a Patchbay: look at the proxy, or at PATCHBAY_PUBLIC_URL"
        ))?,
        Err(why) => report.bad(format!(
            "public address: {public_url} can't be reached from here ({why}): look at the proxy, or at PATCHBAY_PUBLIC_URL"
        ))?,
    }
    if is_this_machine(public_url) {
        report.note(
            "public address: only this machine can reach it; partners need PATCHBAY_PUBLIC_URL to be one they can",
        )?;
    } else if public_url.scheme() == "http" {
        report.note("public address: passwords go over the wire in clear; put a proxy with https in front")?;
    }
    stopping.stop(Duration::ZERO).await;
    if let Some(answering) = answering {
        answering.await?;
    }
    Ok(())
}

async fn answer(listener: TcpListener, word: String, stopping: Stopping) {
    let router = Router::new().route("/healthz", get(|| async { word }));
    server::serve(listener, router, Limits::default(), stopping).await;
}

/// What an address answers, or why it does not.
async fn asked(partners: &Partners, url: &Url) -> Result<String, &'static str> {
    let answer = partners.client().get(url.clone()).timeout(PATIENCE).send().await.map_err(|error| why(&error))?;
    // Whatever answers there may answer without end.
    let first = answer.bytes_stream();
    let mut first = std::pin::pin!(first);
    match futures::StreamExt::next(&mut first).await {
        Some(Ok(bytes)) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
        Some(Err(error)) => Err(why(&error)),
        None => Ok(String::new()),
    }
}

fn why(error: &reqwest::Error) -> &'static str {
    if error.is_timeout() {
        "no answer within 5 seconds"
    } else if error.is_connect() {
        "no connection, or no trusted certificate"
    } else {
        "not an HTTP answer"
    }
}

async fn clock(db: Option<&Db>, report: &mut Report) -> Result<()> {
    let now = Timestamp::now();
    if now.to_zoned(TimeZone::UTC).date() < date(2026, 1, 1) {
        return report.bad(format!("clock: this machine thinks it is {now}"));
    }
    let theirs = match db {
        Some(db) if db.backend() == Backend::Postgres => clock_of(db).await.ok().flatten(),
        _ => None,
    };
    match theirs.map(|theirs| theirs.abs_diff(Timestamp::now().as_millisecond())) {
        Some(apart) if apart > u64::try_from(SKEW.as_millis())? => report.bad(format!(
            "clock: this machine and the database are {} s apart; partners refuse calls that seem to come from another time",
            apart / 1000
        )),
        Some(_) => report.good("clock: this machine and the database agree"),
        None => report.good(format!("clock: {now:.0}; is that right?")),
    }
}

async fn clock_of(db: &Db) -> Result<Option<i64>, sea_orm::DbErr> {
    let sql = "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint";
    let row = db.reader().query_one_raw(Statement::from_string(db.reader().get_database_backend(), sql)).await?;
    row.map(|row| row.try_get_by_index(0)).transpose()
}

/// Whether a partner can be used, and what to type in at the partner's.
fn describe(partner: &Partner, public_url: &Url, report: &mut Report) -> Result<()> {
    let (id, name, card) = (partner.id(), partner.name(), partner.integration.card());
    match partner.integration.configured() {
        Ok(()) => report.good(format!("{name}: configured"))?,
        Err(error) => report.note(format!("{name}: not configured. {}", error.sentence()))?,
    }
    if matches!(card.connect, Connect::OAuth { .. }) {
        say(format_args!("          callback URL  {}", our_url(public_url, &format!("auth/{id}/callback"))))?;
    }
    if card.hooks.is_some() {
        say(format_args!("          hook URL      {}", our_url(public_url, &format!("integrations/{id}/hook"))))?;
    }
    Ok(())
}

fn local(address: std::net::SocketAddr) -> Url {
    let mut url = crate::config::local_url(address.port());
    if !address.ip().is_unspecified() {
        // Any address is a good host.
        let _ = url.set_ip_host(address.ip());
    }
    url
}

fn is_this_machine(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}
