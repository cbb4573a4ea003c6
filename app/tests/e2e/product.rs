//! The product as an operator runs it: the real binary, as a process, on ports and a folder of its own.

use std::{
    fs::File,
    path::Path,
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU16, Ordering},
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use tokio::{
    net::TcpListener,
    time::{Instant, sleep},
};

/// How long a start may take, on a busy machine.
const START: Duration = Duration::from_secs(30);

/// How long a stop may take: what we promise operators.
const STOP: Duration = Duration::from_secs(20);

/// `patchbay demo` with its sandboxes.
pub struct Demo {
    /// `http://localhost:port`, as it prints it: its cookies belong to this name.
    pub address: String,
    /// Where the sandboxes are; each partner has a path there.
    pub sandbox: String,
    process: Process,
    data: tempfile::TempDir,
}

impl Demo {
    pub async fn start() -> Result<Self> {
        let port = free_ports().await?;
        let data = tempfile::tempdir()?;
        let mut command = patchbay();
        command.arg("demo").args(["--port", &port.to_string()]).arg("--data").arg(data.path().join("demo"));
        let address = format!("http://localhost:{port}");
        let process = Process::start(command, &address, &data.path().join("log")).await?;
        Ok(Self { address, sandbox: format!("http://localhost:{}", port + 1), process, data })
    }

    pub fn at(&self, path: &str) -> String {
        format!("{}{path}", self.address)
    }

    /// The link to a new password that its operator makes for somebody.
    pub fn password_link(&self, email: &str) -> Result<String> {
        let database = self.data.path().join("demo/patchbay.db");
        let mut command = patchbay();
        command.args(["password-link", email]).env("PATCHBAY_PUBLIC_URL", &self.address);
        let ended = command.env("DATABASE_URL", format!("sqlite:{}", database.display())).output()?;
        let told = String::from_utf8(ended.stdout)?;
        ensure!(ended.status.success(), "no link: {told}{}", String::from_utf8_lossy(&ended.stderr));
        Ok(told.lines().last().context("nothing was told")?.to_owned())
    }

    /// Ends it as an operator does.
    pub async fn stop(self) -> Result<()> {
        self.process.stop().await
    }
}

/// The sandbox of GitHub in this process, for a product that is killed and started again.
pub struct Sandbox {
    /// `http://127.0.0.1:port/github`
    pub at: String,
    settings: Vec<(String, String)>,
    server: tokio::task::JoinHandle<()>,
}

impl Sandbox {
    /// Opens it for the product at `product`.
    pub async fn start(product: &str) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let at = format!("http://{}/github", listener.local_addr()?);
        let callback = format!("{product}/auth/github/callback");
        let opened = integration_github::sandbox::open(&at.parse()?, &callback.parse()?);
        let settings = opened.settings.into_iter().map(|(name, value)| (format!("PATCHBAY_GITHUB_{name}"), value));
        let router = axum::Router::new().nest("/github", opened.router);
        let settings = settings.collect();
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Ok(Self { at, settings, server })
    }

    /// The variables that point the product here.
    pub fn settings(&self) -> impl Iterator<Item = (&str, &str)> {
        self.settings.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// What it answers to a program.
    pub async fn get(&self, path: &str) -> Result<serde_json::Value> {
        Ok(reqwest::get(format!("{}/{path}", self.at)).await?.error_for_status()?.json().await?)
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// A running server.
pub struct Process {
    child: Child,
}

impl Process {
    /// Starts the command and waits until the server at `address` answers. Its output is added to `log`.
    pub async fn start(mut command: Command, address: &str, log: &Path) -> Result<Self> {
        let output = File::options().create(true).append(true).open(log)?;
        command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output);
        let mut process = Self { child: command.spawn().context("the binary can't be started")? };
        let health = format!("{address}/healthz");
        let http = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(2)).build()?;
        let start = Instant::now();
        while !http.get(&health).send().await.is_ok_and(|answer| answer.status().is_success()) {
            let told = || std::fs::read_to_string(log).unwrap_or_default();
            ensure!(process.child.try_wait()?.is_none(), "the server ended at its start:\n{}", told());
            ensure!(start.elapsed() < START, "the server never answered at {health}:\n{}", told());
            sleep(Duration::from_millis(20)).await;
        }
        Ok(process)
    }

    /// SIGTERM: it has to finish what it began and to end well, in time.
    pub async fn stop(mut self) -> Result<()> {
        let told = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status()?;
        ensure!(told.success(), "the server could not be told to stop");
        let start = Instant::now();
        loop {
            if let Some(ended) = self.child.try_wait()? {
                ensure!(ended.success(), "the server ended with {ended}");
                return Ok(());
            }
            ensure!(start.elapsed() < STOP, "the server did not stop in time");
            sleep(Duration::from_millis(10)).await;
        }
    }

    /// SIGKILL: it learns nothing of it.
    pub fn kill(mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Process {
    /// A test that failed leaves no server behind.
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The binary that Cargo built with this test, with an environment in which nothing is set by chance.
pub fn patchbay() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_patchbay"));
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    // Away from the repository, where a developer's .env may lie.
    command.current_dir(std::env::temp_dir());
    command
}

/// A port that is free, as is the next one: the demo takes both.
pub async fn free_ports() -> Result<u16> {
    // Tests run side by side: each looks from another place on. Below the range that the kernel hands out by itself.
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let offset = u16::try_from(std::process::id() % 500)? * 20;
    for _ in 0..100 {
        let port = 12_000 + offset + 2 * NEXT.fetch_add(1, Ordering::Relaxed);
        let both = (TcpListener::bind(("127.0.0.1", port)).await, TcpListener::bind(("127.0.0.1", port + 1)).await);
        if let (Ok(_), Ok(_)) = both {
            return Ok(port);
        }
    }
    anyhow::bail!("found no two free ports in a row")
}
