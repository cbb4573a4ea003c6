//! The server that is killed, its database, and the sandbox at which its link was made. The sandbox lives in this
//! process: a partner does not die with us.

use std::{process::Command, time::Duration};

use anyhow::{Context, Result, ensure};
use integration_contract::SecretString;
use patchbay::db::{
    Backend, DatabaseUrl, Db,
    entity::{entry, inbox_message, job},
};
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QuerySelect};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use tokio::time::{Instant, sleep};
use url::Url;
use uuid::Uuid;

use super::sender::{Target, number_of};
use crate::{
    browser::{link_widgets, sign_up},
    product::{Process, Sandbox, free_ports, patchbay},
    webdriver::{Browser, Scripts},
};

/// How long the jobs that are left may take at the end.
const DRAIN: Duration = Duration::from_secs(120);

pub struct Scene {
    address: String,
    database: DatabaseUrl,
    database_setting: String,
    folder: tempfile::TempDir,
    sandbox: Sandbox,
    server: Option<Process>,
}

impl Scene {
    /// A running server with one link, made through its pages as a person makes one.
    pub async fn set(backend: Backend) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let database_setting = match backend {
            Backend::Sqlite => format!("sqlite:{}", folder.path().join("patchbay.db").display()),
            Backend::Postgres => new_postgres().await?,
        };
        let address = format!("http://127.0.0.1:{}", free_ports().await?);
        let sandbox = Sandbox::start(&address).await?;
        let database = database_setting.parse()?;
        let mut scene = Self { address, database, database_setting, folder, sandbox, server: None };
        scene.start().await?;
        let browser = Browser::open(Scripts::On).await?;
        sign_up(&browser, &scene.address).await?;
        link_widgets(&browser, &scene.address).await?;
        browser.close().await?;
        Ok(scene)
    }

    pub async fn start(&mut self) -> Result<()> {
        let mut command = patchbay();
        self.settings(&mut command);
        command.arg("serve");
        self.server = Some(Process::start(command, &self.address, &self.folder.path().join("log")).await?);
        Ok(())
    }

    fn settings(&self, command: &mut Command) {
        command
            .env("DATABASE_URL", &self.database_setting)
            .env("PATCHBAY_LISTEN", self.address.trim_start_matches("http://"))
            .env("PATCHBAY_PUBLIC_URL", &self.address)
            .env("PATCHBAY_KEY_FILE", self.folder.path().join("patchbay.key"))
            .envs(self.sandbox.settings());
    }

    pub fn kill(&mut self) -> Result<()> {
        self.server.take().context("there is no server to kill")?.kill()
    }

    pub async fn stop(&mut self) -> Result<()> {
        self.server.take().context("there is no server to stop")?.stop().await
    }

    /// What the sandbox was told when the webhook was registered.
    pub async fn target(&self) -> Result<Target> {
        let calls = self.sandbox.get("_sandbox/calls?method=POST&path=*/hooks").await?;
        let call = calls.as_array().and_then(|calls| calls.last()).context("no webhook was registered")?;
        let body: Value = serde_json::from_str(call["body"].as_str().context("a call without a body")?)?;
        let (url, secret) = (body["config"]["url"].as_str(), body["config"]["secret"].as_str());
        let id =
            call["path"].as_str().and_then(|path| path.split('/').rev().nth(1)).and_then(|id| id.parse::<u64>().ok());
        let page = format!("{}/acme/widgets", self.sandbox.at);
        Ok(Target {
            url: url.context("a webhook without an address")?.to_owned(),
            secret: SecretString::from(secret.context("a webhook without a secret")?),
            repository: json!({
                "id": id.context("the webhook was not registered by the repository's id")?,
                "full_name": "acme/widgets", "html_url": page,
            }),
        })
    }

    /// Waits until every kept hook was read.
    pub async fn drained(&self) -> Result<()> {
        let start = Instant::now();
        loop {
            let db = Db::open(&self.database).await?;
            let jobs = job::Entity::find().count(db.reader()).await?;
            let received = inbox_message::Column::State.eq(inbox_message::MessageState::Received);
            let unread = inbox_message::Entity::find().filter(received).count(db.reader()).await?;
            db.close().await?;
            if jobs == 0 && unread == 0 {
                return Ok(());
            }
            ensure!(start.elapsed() < DRAIN, "{jobs} jobs and {unread} unread hooks are left after {DRAIN:?}");
            sleep(Duration::from_millis(500)).await;
        }
    }

    /// The numbers of the issues in the log, each as often as it stands there.
    pub async fn log(&self) -> Result<Vec<u64>> {
        let db = Db::open(&self.database).await?;
        let entries = entry::Entity::find().select_only().column(entry::Column::ExternalId);
        let ids: Vec<Option<String>> = entries.into_tuple().all(db.reader()).await?;
        db.close().await?;
        ids.iter().flatten().map(|id| number_of(id)).collect()
    }

    /// See [`super::Meanwhile::LoseJobs`]. Their messages are marked as read, as the dead process would have.
    pub async fn lose_jobs(&self) -> Result<()> {
        let db = Db::open(&self.database).await?;
        db.write(async |tx| {
            job::Entity::delete_many().exec(tx).await?;
            inbox_message::Entity::update_many()
                .filter(inbox_message::Column::State.eq(inbox_message::MessageState::Received))
                .col_expr(inbox_message::Column::State, inbox_message::MessageState::Done.into())
                .exec(tx)
                .await
        })
        .await?;
        Ok(db.close().await?)
    }
}

/// A database of its own on the tests' server.
async fn new_postgres() -> Result<String> {
    let server = std::env::var("PATCHBAY_TEST_POSTGRES").context("run it through scripts/with-postgres")?;
    let server: Url = server.parse()?;
    let name = format!("patchbay_kill_{}", Uuid::now_v7().simple());
    let mut admin = PgConnection::connect(server.join("/postgres")?.as_str()).await?;
    admin.execute(AssertSqlSafe(format!("CREATE DATABASE {name}"))).await?;
    admin.close().await?;
    Ok(server.join(&name)?.into())
}
