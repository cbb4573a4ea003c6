//! Work that does what a test says, and remembers what was asked of it.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use async_trait::async_trait;
use patchbay::queue::{Job, Outcome, Policy, Work};

/// What to do with a job.
#[derive(Clone)]
pub enum Do {
    Finish,
    FinishAfter(Duration),
    FailForNow(Duration),
    Later(Duration),
    FailForGood,
    Panic,
    NeverEnd,
}

/// One run.
#[derive(Clone, Debug)]
pub struct Run {
    pub id: i64,
    pub number: usize,
    pub lane: Option<String>,
    pub deaths: u32,
    pub begun: Instant,
    /// None if it was cut off.
    pub ended: Option<Instant>,
}

type Script = dyn Fn(&Job) -> Do + Send + Sync;

/// See the file.
pub struct FakeWork {
    script: Box<Script>,
    policy: Policy,
    runs: Mutex<Vec<Run>>,
    given_up: Mutex<Vec<(usize, String)>>,
}

impl FakeWork {
    pub fn new(script: impl Fn(&Job) -> Do + Send + Sync + 'static) -> Arc<Self> {
        Self::with_policy(Policy::FEW_TRIES, script)
    }

    pub fn with_policy(policy: Policy, script: impl Fn(&Job) -> Do + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self { script: Box::new(script), policy, runs: Mutex::default(), given_up: Mutex::default() })
    }

    pub fn runs(&self) -> Vec<Run> {
        self.runs.lock().unwrap().clone()
    }

    /// The numbers of the jobs, in the order in which they were begun.
    pub fn numbers(&self) -> Vec<usize> {
        self.runs().iter().map(|run| run.number).collect()
    }

    pub fn given_up(&self) -> Vec<(usize, String)> {
        self.given_up.lock().unwrap().clone()
    }
}

/// The number a test gave a job.
pub fn number(job: &Job) -> usize {
    job.payload["number"].as_u64().unwrap().try_into().unwrap()
}

#[async_trait]
impl Work for FakeWork {
    async fn run(&self, job: &Job) -> Outcome {
        let place = {
            let mut runs = self.runs.lock().unwrap();
            runs.push(Run {
                id: job.lease.id,
                number: number(job),
                lane: job.lane.clone(),
                deaths: job.deaths,
                begun: Instant::now(),
                ended: None,
            });
            runs.len() - 1
        };
        let outcome = match (self.script)(job) {
            Do::Finish => Outcome::Done,
            Do::FinishAfter(time) => {
                tokio::time::sleep(time).await;
                Outcome::Done
            }
            Do::FailForNow(after) => Outcome::Again { after: Some(after), why: "not now".into() },
            Do::Later(after) => Outcome::Later { after },
            Do::FailForGood => Outcome::Failed { why: "never\0 ever".into() },
            Do::Panic => panic!("out of coffee"),
            Do::NeverEnd => std::future::pending().await,
        };
        self.runs.lock().unwrap()[place].ended = Some(Instant::now());
        outcome
    }

    async fn gave_up(&self, job: &Job, why: &str) {
        self.given_up.lock().unwrap().push((number(job), why.to_owned()));
    }

    fn policy(&self, _kind: &str) -> Policy {
        self.policy
    }
}
