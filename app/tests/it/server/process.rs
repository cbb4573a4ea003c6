//! The real binary as a process, with an environment in which nothing is set by chance.

use std::{
    fs::File,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;

/// How long a start or an end may take on a busy machine.
const LONG: Duration = Duration::from_secs(60);

/// The binary, told to do something in a folder.
pub fn patchbay(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_patchbay"));
    command.args(arguments).env_clear().current_dir(folder).stdin(Stdio::null());
    command
}

/// What a command that ends by itself came to.
pub struct Ended {
    pub code: Option<i32>,
    pub told: String,
    pub complained: String,
}

pub fn run(command: &mut Command) -> Ended {
    let output = command.output().unwrap();
    Ended {
        code: output.status.code(),
        told: String::from_utf8(output.stdout).unwrap(),
        complained: String::from_utf8(output.stderr).unwrap(),
    }
}

/// A process that goes on until it is stopped.
pub struct Process {
    child: Child,
    told: PathBuf,
    log: PathBuf,
}

impl Process {
    pub fn start(mut command: Command) -> Self {
        let folder = command.get_current_dir().unwrap().to_owned();
        let name = uuid::Uuid::now_v7().simple().to_string();
        let (told, log) = (folder.join(format!("{name}.out")), folder.join(format!("{name}.log")));
        command.stdout(File::create(&told).unwrap()).stderr(File::create(&log).unwrap());
        Self { child: command.spawn().unwrap(), told, log }
    }

    /// `serve` on any free port, with its log as JSON.
    pub fn serve(folder: &Path, database: &str) -> Self {
        Self::start(with(patchbay(folder, &["serve"]), database))
    }

    pub fn told(&self) -> String {
        std::fs::read_to_string(&self.told).unwrap()
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }

    /// Each line of the log; all of them must be JSON.
    pub fn events(&self) -> Vec<Value> {
        let log = self.log();
        log.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("not JSON: {line}"))).collect()
    }

    /// Where it answers, once it does.
    pub fn address(&mut self) -> SocketAddr {
        self.until("it answers requests", |process| {
            let log = process.log();
            let whole = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
            let mut said = whole.filter(|event| event["message"] == "answering requests");
            said.next().map(|event| event["address"].as_str().unwrap().parse().unwrap())
        })
    }

    pub fn until<T>(&mut self, what: &str, mut look: impl FnMut(&Self) -> Option<T>) -> T {
        let begun = Instant::now();
        loop {
            if let Some(found) = look(self) {
                return found;
            }
            let ended = self.child.try_wait().unwrap();
            assert!(ended.is_none(), "ended with {ended:?} before {what}:\n{}{}", self.told(), self.log());
            assert!(begun.elapsed() < LONG, "never: {what}\n{}{}", self.told(), self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    pub fn signal(&self, signal: &str) {
        let told = Command::new("kill").args([signal, &self.child.id().to_string()]).status().unwrap();
        assert!(told.success());
    }

    /// Waits for its end.
    pub fn ended(&mut self) -> ExitStatus {
        let begun = Instant::now();
        loop {
            if let Some(ended) = self.child.try_wait().unwrap() {
                return ended;
            }
            assert!(begun.elapsed() < LONG, "does not end:\n{}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Stops it as an operator does.
    pub fn stop(mut self) {
        self.signal("-TERM");
        let ended = self.ended();
        assert_eq!(ended.code(), Some(0), "{}", self.log());
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// On this database and any free port, with its log as JSON.
pub fn with(mut command: Command, database: &str) -> Command {
    command.env("DATABASE_URL", database).env("PATCHBAY_LISTEN", "127.0.0.1:0").env("PATCHBAY_LOG_FORMAT", "json");
    command
}

/// Two ports in a row, held.
pub fn two_ports() -> (TcpListener, TcpListener) {
    for port in (20_000 + u16::try_from(std::process::id() % 1000).unwrap() * 10..60_000).step_by(2) {
        let take = |port| TcpListener::bind((Ipv4Addr::LOCALHOST, port));
        if let (Ok(first), Ok(second)) = (take(port), take(port + 1)) {
            return (first, second);
        }
    }
    panic!("no two ports in a row are free")
}
