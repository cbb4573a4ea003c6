//! One run of one job: what the work may do wrong, and what follows from how it ended.

use std::{sync::Arc, time::Instant};

use tokio::time::timeout;
use tokio_util::task::AbortOnDropHandle;
use tracing::{Instrument, error, info, info_span, warn};

use super::{
    Job, Outcome, Policy,
    lease::{End, MOST_DEATHS, Settlement},
    policy::{LONGEST_AFTER, longer_by_chance},
    worker::{Crew, Hold},
};

/// Runs a job and settles it.
pub(super) async fn run(crew: Arc<Crew>, job: Job, hold: Hold) {
    let span = info_span!("job", id = job.lease.id, kind = %job.kind, organization = %job.organization);
    async {
        let job = Arc::new(job);
        let end = tokio::select! {
            biased;
            () = hold.lost.cancelled() => {
                warn!("stopped: the lease was lost, another worker has the job");
                count(&job, "lost");
                return;
            }
            () = crew.end.cancelled() => End::Released,
            end = attempt(&crew, &job) => end,
        };
        settle(&crew, &job, end).await;
    }
    .instrument(span)
    .await;
    // Until here the lease is renewed and the slot is taken.
    drop(hold);
}

async fn settle(crew: &Crew, job: &Job, end: End) {
    let how = match &end {
        End::Done => "done",
        End::Again { .. } => "again",
        End::Later { .. } => "later",
        End::Dead { .. } => "dead",
        End::Quarantined { .. } => "quarantined",
        End::Released => "released",
    };
    match crew.settler.settle(Settlement { lease: job.lease.clone(), lane: job.lane(), end }).await {
        Some(true) => count(job, how),
        Some(false) => {
            warn!(how, "dropped the result: the lease was lost, another worker has the job");
            count(job, "lost");
        }
        None => warn!(how, "could not be settled before the end; the job will run again"),
    }
}

fn count(job: &Job, how: &'static str) {
    metrics::counter!("patchbay_jobs_run_total", "kind" => job.kind.clone(), "end" => how).increment(1);
}

async fn attempt(crew: &Crew, job: &Arc<Job>) -> End {
    let policy = crew.work.policy(&job.kind);
    if job.deaths >= MOST_DEATHS {
        let why = format!("{} processes ended with this job in hand", job.deaths);
        // If even giving up ends processes, it is not asked again.
        if job.deaths == MOST_DEATHS {
            give_up(crew, job, &policy, &why).await;
        }
        error!(why, "quarantined");
        return End::Quarantined { why };
    }

    let begun = Instant::now();
    let work = crew.work.clone();
    let same_job = job.clone();
    let outcome = guarded(&policy, async move { work.run(&same_job).await }).await;
    metrics::histogram!("patchbay_job_run_seconds", "kind" => job.kind.clone()).record(begun.elapsed());

    let attempts = job.attempts + 1;
    match outcome {
        Ok(Outcome::Done) => End::Done,
        Ok(Outcome::Later { after }) => End::Later { pause: longer_by_chance(after.min(LONGEST_AFTER), 10) },
        Ok(Outcome::Failed { why }) => die(crew, job, &policy, why).await,
        Ok(Outcome::Again { why, .. }) | Err(why) if policy.is_out_of_patience(attempts, job.age + begun.elapsed()) => {
            die(crew, job, &policy, why).await
        }
        Ok(Outcome::Again { after: Some(after), why }) => {
            again(longer_by_chance(after.min(LONGEST_AFTER), 10), why, attempts)
        }
        Ok(Outcome::Again { after: None, why }) | Err(why) => again(policy.pause(attempts), why, attempts),
    }
}

fn again(pause: std::time::Duration, why: String, attempts: u32) -> End {
    info!(why, attempts, ?pause, "failed; it will be tried again");
    End::Again { pause, why }
}

async fn die(crew: &Crew, job: &Arc<Job>, policy: &Policy, why: String) -> End {
    give_up(crew, job, policy, &why).await;
    error!(why, attempts = job.attempts + 1, "given up");
    End::Dead { why }
}

async fn give_up(crew: &Crew, job: &Arc<Job>, policy: &Policy, why: &str) {
    let (work, same_job, same_why) = (crew.work.clone(), job.clone(), why.to_owned());
    if let Err(error) = guarded(policy, async move { work.gave_up(&same_job, &same_why).await }).await {
        error!(error, "giving up a job failed; it is marked all the same");
    }
}

/// Runs the work in a task of its own, so that a panic ends that task only, and a task that never pauses holds up
/// nothing here.
async fn guarded<T: Send + 'static>(
    policy: &Policy,
    work: impl Future<Output = T> + Send + 'static,
) -> Result<T, String> {
    let task = AbortOnDropHandle::new(tokio::spawn(work.in_current_span()));
    match timeout(policy.timeout, task).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(failed)) => Err(match failed.try_into_panic() {
            Ok(panic) => format!("our code panicked: {}", words(&*panic)),
            Err(_) => "its task was stopped".to_owned(),
        }),
        Err(_) => Err(format!("took longer than {:?}", policy.timeout)),
    }
}

fn words(panic: &(dyn std::any::Any + Send)) -> &str {
    match (panic.downcast_ref::<&str>(), panic.downcast_ref::<String>()) {
        (Some(words), _) => words,
        (_, Some(words)) => words,
        _ => "without words",
    }
}
