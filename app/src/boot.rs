//! Boot: how an instance comes up, what runs in it, and how it goes down.
//!
//! Up: settings · log · database and schema · sealing keys, and whether they are this database's · core · workers · web.
//! Down, within 20 seconds of the first signal: not ready any more · requests under way are answered while workers end
//! or give back what they do · no more connections · the database is closed.

use std::{collections::BTreeSet, net::SocketAddr, path::Path, sync::Arc, time::Duration};

use anyhow::{Context, Result, anyhow};
use axum::Router;
use tokio::{net::TcpListener, task::JoinSet, time::timeout};
use tokio_util::task::AbortOnDropHandle;
use url::Url;

use crate::{
    clock::Clock,
    config::{self, Config, PartnersSettings, Variables},
    core::{Core, Site, Tools, instance, mail::Mailer, partners::Partners},
    db::{Db, migrate},
    jobs::{
        Jobs,
        upkeep::{self, Rhythm},
    },
    logs, metrics,
    queue::{Queue, WorkerOptions, Workers},
    registry::{MIRRORS, PARTNERS},
    server::{self, Limits, Stopping},
    state::{AppState, Demo},
    web::{
        self,
        layers::{Hosts, Layers},
        routes::operators::{self, Operators},
    },
};

/// How long requests are still taken after a stop was announced: long enough for a balancer that asks `/readyz`.
const LAME: Duration = Duration::from_secs(1);

/// How long running jobs may go on; giving the rest back takes a few seconds more.
const DRAIN: Duration = Duration::from_secs(11);

/// Reads the settings of this process and starts the log. `filter` is what is logged when nothing is set.
///
/// # Errors
/// One sentence that names the setting that can't be used.
pub fn configure(filter: &str) -> Result<Config> {
    let opened = open_partners(&PartnersSettings::default())?;
    let config = Config::read(Variables::of_process()?, opened.all().iter().map(|partner| partner.integration.card()))?;
    open_partners(&config.partners)?;
    logs::start(&config.logs, filter);
    if !config.unknown.is_empty() {
        tracing::warn!("these settings are not known: {}", config.unknown.join(", "));
    }
    Ok(config)
}

/// TLS and whatever else has to be chosen once per process, before anything else.
///
/// # Errors
/// When it was chosen before.
pub fn prepare() -> Result<()> {
    let chosen = rustls::crypto::aws_lc_rs::default_provider().install_default();
    chosen.map_err(|_| anyhow!("another TLS provider was chosen before"))
}

/// The partners of this binary with the operator's settings.
///
/// # Errors
/// When an address among the settings is not one.
pub fn open_partners(settings: &PartnersSettings) -> Result<Partners> {
    let opened = PARTNERS.iter().map(|entry| {
        let settings = settings.of(entry.id);
        let integration = (entry.open)(&settings)
            .map_err(|error| anyhow!("PATCHBAY_{}_…: {}", entry.id.to_ascii_uppercase(), error.sentence()))?;
        Ok((integration, settings))
    });
    Ok(Partners::new(opened.collect::<Result<Vec<_>>>()?)?.offering(MIRRORS))
}

/// Listens where the settings say, or on the socket that a supervisor handed on.
///
/// # Errors
/// [`server::PortTaken`], or whatever else the system says.
pub async fn listen(config: &Config) -> Result<TcpListener> {
    match config::handed_listener()? {
        Some(handed) => Ok(server::adopt(handed)?),
        None => server::bind(config.listen.address).await,
    }
}

/// Opens the database and brings its schema up to date.
///
/// # Errors
/// When it can't be reached or a step fails.
pub async fn open_database(config: &Config) -> Result<Db> {
    let db = Db::open(&config.database.url).await?;
    migrate(&db, &config.database.url).await?;
    Ok(db)
}

/// An instance in which nothing runs yet.
pub struct Opened {
    /// The nouns and their rules.
    pub core: Core,
    /// Whether this was the first start, at which the key file is made.
    pub made_key: bool,
}

/// Opens everything that the nouns and their rules stand on.
///
/// # Errors
/// When the database, its schema or the sealing keys are not as they must be. Nothing runs then.
pub async fn open(config: &Config, public_url: Url) -> Result<Opened> {
    let db = open_database(config).await?;
    let (vault, made_key) = instance::open_vault(&db, &config.keys.file).await?;
    let partners = open_partners(&config.partners)?;
    for partner in partners.all() {
        if let Err(error) = partner.integration.configured() {
            tracing::info!(partner = partner.id(), "not configured: {}", error.sentence());
        }
    }
    let mailer = open_mailer(config, &public_url)?;
    let tools = Tools {
        queue: Queue::new(db.clone()),
        clock: Clock::system(),
        site: Site { name: config.site.name.clone(), public_url },
        db,
        vault,
        partners,
    };
    Ok(Opened { core: Core::with_mailer(tools, mailer), made_key })
}

/// The way for mail that the settings say.
///
/// # Errors
/// When the address that mail comes from can't be made of the public one, or TLS can't be set up.
pub fn open_mailer(config: &Config, public_url: &Url) -> Result<Mailer> {
    let Some(server) = &config.mail.server else { return Ok(Mailer::Log) };
    let ours = || format!("patchbay@{}", public_url.host_str().unwrap_or("localhost"));
    let from = config.mail.from.clone().unwrap_or_else(ours);
    let from = from.parse().map_err(|_| anyhow!("PATCHBAY_MAIL_FROM has to be set: {from} is no mail address"))?;
    Mailer::smtp(server, from).context("PATCHBAY_SMTP_URL: TLS can't be set up for this server")
}

/// Says aloud that there is a key now, which nobody else has.
pub fn tell_of_key(file: &Path) {
    let file = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
    tracing::warn!(
        "made the key file {}: it opens the tokens and secrets in the database, which can't be read without it. Back it \
         up now, and not beside the database.",
        file.display()
    );
}

/// What runs in this process.
pub struct Service {
    core: Core,
    stopping: Stopping,
    servers: JoinSet<()>,
    workers: Option<Workers>,
    upkeep: Option<AbortOnDropHandle<()>>,
    demo: Option<Arc<Demo>>,
}

impl Service {
    /// Nothing yet.
    pub fn new(core: Core) -> Self {
        Self { core, stopping: Stopping::default(), servers: JoinSet::new(), workers: None, upkeep: None, demo: None }
    }

    /// Lets the pages tell that this is the demo. Comes before [`Service::web`].
    pub fn demo(&mut self, demo: Demo) {
        self.demo = Some(Arc::new(demo));
    }

    /// Starts to work off the queue, and the upkeep of the whole instance.
    pub fn work(&mut self) {
        let jobs = Arc::new(Jobs::new(self.core.clone()));
        self.workers = Some(Workers::start(self.core.queue.clone(), jobs, WorkerOptions::default()));
        let upkeep = upkeep::keep_up(self.core.clone(), Rhythm::default());
        self.upkeep = Some(AbortOnDropHandle::new(tokio::spawn(upkeep)));
        tracing::info!("working off the queue");
    }

    /// Starts to answer requests.
    ///
    /// # Errors
    /// When the metrics can't be counted.
    pub fn web(&mut self, listener: TcpListener, config: &Config) -> Result<()> {
        let counted = metrics::install()?;
        self.servers.spawn({
            let (counted, stopping) = (counted.clone(), self.stopping.clone());
            async move {
                tokio::select! {
                    () = metrics::upkeep(counted) => {}
                    () = stopping.closing() => {}
                }
            }
        });
        let operators = Operators {
            db: self.core.db.clone(),
            stopping: self.stopping.clone(),
            counted,
            token: config.metrics.token.clone(),
        };
        let address = listener.local_addr().context("the socket has no address")?;
        let state =
            AppState { demo: self.demo.clone(), stopping: self.stopping.clone(), ..AppState::new(self.core.clone()) };
        let router = web::router(state).merge(operators::router(operators));
        self.serve(listener, web::layers::wrap(router, layers(&self.core, config, address)));
        tracing::info!(%address, public_url = %self.core.site.public_url, "answering requests");
        Ok(())
    }

    /// Starts to answer requests with another router, such as that of the sandboxes.
    pub fn serve(&mut self, listener: TcpListener, router: Router) {
        let defaults = Limits::default();
        let limits = Limits { connections: server::room_for_connections(defaults.connections), ..defaults };
        self.servers.spawn(server::serve(listener, router, limits, self.stopping.clone()));
    }

    /// Runs until the process is told to stop, and stops.
    ///
    /// # Errors
    /// When the system does not let us listen for signals, or the database can't be closed cleanly.
    pub async fn until_stopped(self) -> Result<()> {
        server::on_signal().await?;
        tracing::info!("stopping");
        let Self { core, stopping, servers, workers, upkeep, demo: _ } = self;
        // What it does is undone when it is cut off, and done the next time.
        drop(upkeep);
        let answered = async {
            // Without a server nobody asks whether we are ready.
            stopping.stop(if servers.is_empty() { Duration::ZERO } else { LAME }).await;
            servers.join_all().await;
        };
        let worked = async {
            if let Some(workers) = workers {
                workers.drain(DRAIN).await;
            }
        };
        tokio::join!(answered, worked);
        // On SQLite this moves the log into the main file; a server that is away must not keep us.
        match timeout(Duration::from_secs(2), core.db.clone().close()).await {
            Ok(closed) => closed.context("the database was not closed cleanly")?,
            Err(_) => tracing::warn!("the database did not let go in time"),
        }
        tracing::info!("stopped");
        Ok(())
    }
}

fn layers(core: &Core, config: &Config, listen: SocketAddr) -> Layers {
    let public_url = &core.site.public_url;
    let form_targets: BTreeSet<String> = core.partners.all().iter().flat_map(|partner| partner.origins()).collect();
    Layers {
        hosts: Hosts::new(public_url, listen),
        form_targets: form_targets.into_iter().collect(),
        https: public_url.scheme() == "https",
        proxies: config.proxies.clone(),
        metrics_token: config.metrics.token.is_some(),
    }
}
