//! `demo`: the whole product on this machine, with made-up people and a sandbox for every partner. Nothing is needed
//! for it, and nothing of it is kept.

mod folder;
mod people;

use std::{net::Ipv4Addr, path::PathBuf};

use anyhow::{Result, anyhow};
use axum::{
    Router,
    response::{Html, Redirect},
    routing::get,
};
use tokio::net::TcpListener;
use url::Url;

use crate::{
    boot::{self, Service},
    commands::say,
    config::{
        self, Config, DatabaseSettings, KeySettings, ListenSettings, MetricsSettings, PartnersSettings, ProxySettings,
    },
    core::{
        Core,
        partners::{Partners, our_url},
    },
    db::DatabaseUrl,
    registry::PARTNERS,
    server::{self, PortTaken},
    state::{Demo, Trial},
};

/// How the demo is started.
#[derive(clap::Args)]
pub struct Options {
    /// Where the demo is reached; the sandboxes are on the next port
    #[arg(long, default_value_t = 3000, value_parser = clap::value_parser!(u16).range(1..65535))]
    port: u16,
    /// A folder for its data; made fresh at each start
    #[arg(long, default_value = "data/demo")]
    data: PathBuf,
}

/// Runs the demo until it is stopped.
///
/// # Errors
/// When a port is taken or the folder is not a demo's: nothing is deleted then.
pub async fn run(options: Options) -> Result<()> {
    let given = boot::configure("warn")?;
    let product = bind(options.port, &options).await?;
    let sandboxes = bind(options.port + 1, &options).await?;
    let _lock = folder::make_fresh(&options.data)?;

    let public_url = config::local_url(options.port);
    let sandbox_url = config::local_url(options.port + 1);
    let opened = open_sandboxes(&public_url, &sandbox_url);
    let config = settings(given, &options, opened.settings);
    let core = boot::open(&config, public_url).await?.core;
    people::settle(&core).await?;

    let mut service = Service::new(core.clone());
    service.work();
    let guide = guide(&core.partners, &sandbox_url);
    let welcome = welcome(&core, &guide, &options);
    service.demo(guide);
    service.web(product, &config)?;
    service.serve(sandboxes, with_index(opened.router, &core.partners));
    say(welcome)?;
    service.until_stopped().await
}

async fn bind(port: u16, options: &Options) -> Result<TcpListener> {
    server::bind((Ipv4Addr::LOCALHOST, port).into()).await.map_err(|error| {
        if !error.is::<PortTaken>() {
            return error;
        }
        anyhow!(
            "Port {port} is already in use on this machine. The demo needs the ports {} and {}: stop the other program, or \
             choose two others with --port, for example: patchbay demo --port {}",
            options.port,
            options.port + 1,
            if options.port < 4000 { 4000 } else { 5000 }
        )
    })
}

struct Sandboxes {
    router: Router,
    settings: PartnersSettings,
}

/// Every partner's sandbox, each under a path of its own, and the settings that lead to them.
fn open_sandboxes(public_url: &Url, sandbox_url: &Url) -> Sandboxes {
    let mut router = Router::new();
    let mut settings = Vec::new();
    for entry in PARTNERS {
        let callback = our_url(public_url, &format!("auth/{}/callback", entry.id));
        let sandbox = (entry.sandbox)(&our_url(sandbox_url, entry.id), &callback);
        let path = format!("/{}", entry.id);
        // A nested router is not found under its own path with a slash after it, which people type.
        router = router.route(&format!("{path}/"), get(Redirect::permanent(&path))).nest(&path, sandbox.router);
        settings.push((entry.id, sandbox.settings));
    }
    Sandboxes { router, settings: settings.into_iter().collect() }
}

/// What was set for a real instance does not count here, but for the site's name and the log.
fn settings(given: Config, options: &Options, partners: PartnersSettings) -> Config {
    Config {
        database: DatabaseSettings { url: DatabaseUrl::sqlite(&options.data.join("patchbay.db")) },
        listen: ListenSettings { address: (Ipv4Addr::LOCALHOST, options.port).into() },
        keys: KeySettings { file: options.data.join("patchbay.key") },
        proxies: ProxySettings::default(),
        metrics: MetricsSettings { token: None },
        partners,
        ..given
    }
}

/// What the pages tell visitors.
fn guide(partners: &Partners, sandbox_url: &Url) -> Demo {
    let trials = PARTNERS.iter().filter_map(|entry| {
        let partner = partners.get(entry.id).ok()?;
        Some(Trial {
            partner: partner.name(),
            sandbox: our_url(sandbox_url, entry.id),
            pick: entry.first_steps.pick,
            deed: entry.first_steps.deed,
        })
    });
    Demo { password: people::PASSWORD, people: people::PEOPLE.to_vec(), trials: trials.collect() }
}

/// A page that leads to each sandbox.
fn with_index(router: Router, partners: &Partners) -> Router {
    let links = partners.all().iter().map(|partner| {
        // Names come from the partners' cards, and are plain words.
        format!("<li><a href=\"/{id}\">{name}</a></li>", id = partner.id(), name = partner.name())
    });
    let page = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width\"><meta name=\"color-scheme\" content=\"light dark\"><title>Sandboxes</title>\
         <style>body {{ font: 1rem/1.6 system-ui, sans-serif; max-width: 40rem; margin: 3rem auto; padding: 0 1rem }}</style></head>\n<body><main>\
         <h1>Sandboxes</h1><p>Each stands in for a partner: open one in a second window and do something there.</p>\
         <ul>{}</ul></main></body></html>\n",
        links.collect::<String>()
    );
    router.route("/", get(|| async { Html(page) }))
}

fn welcome(core: &Core, guide: &Demo, options: &Options) -> String {
    let sandboxes: String = guide
        .trials
        .iter()
        .map(|Trial { partner, sandbox, .. }| format!("    {:<34} the sandbox of {partner}\n", sandbox.as_str()))
        .collect();
    let trials: String = guide.trials.iter().zip(2..).map(|(trial, number)| step(number, trial)).collect();
    let people: String =
        people::PEOPLE.iter().map(|person| format!("    {:<34} {}\n", person.email, person.what)).collect();
    format!(
        "
  The demo of {site} is running.

    {address:<34} {site}
{sandboxes}
  Log in with the password \"{password}\" as
{people}
  What to do first
    1. Log in as {ada}, and look at the log of the team Product.
{trials}
  Everything is kept in {data} and made fresh at the next start. Ctrl-C ends the demo.
",
        site = core.site.name,
        address = core.site.public_url.as_str(),
        password = people::PASSWORD,
        ada = people::PEOPLE[0].email,
        data = options.data.display(),
    )
}

fn step(number: usize, Trial { partner, pick, deed, .. }: &Trial) -> String {
    format!("    {number}. Open Integrations, add {partner}, and pick {pick}.\n       In its sandbox, {deed}.\n")
}
