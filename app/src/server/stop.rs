//! The stop: announced first, so that a balancer looks elsewhere, then carried out.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

/// How far the service is with stopping. Cheap to clone; all clones tell the same.
#[derive(Clone, Default)]
pub struct Stopping {
    announced: CancellationToken,
    closing: CancellationToken,
}

impl Stopping {
    /// Whether the service is about to stop: not ready for more, though it still answers.
    pub fn is_stopping(&self) -> bool {
        self.announced.is_cancelled()
    }

    /// Waits until the stop is announced.
    pub async fn announced(&self) {
        self.announced.cancelled().await;
    }

    /// Waits until no more connections are taken.
    pub async fn closing(&self) {
        self.closing.cancelled().await;
    }

    /// Announces the stop, answers a little longer, and closes.
    pub async fn stop(&self, still_answering: Duration) {
        self.announced.cancel();
        tokio::time::sleep(still_answering).await;
        self.closing.cancel();
    }
}

/// Waits for the first SIGTERM or Ctrl-C. From then on a second one ends the process at once.
///
/// # Errors
/// When the system does not let us listen for signals.
pub async fn on_signal() -> std::io::Result<()> {
    let mut signals = Signals::listen()?;
    signals.next().await;
    tokio::spawn(async move {
        signals.next().await;
        tracing::warn!("asked to stop a second time: ending at once");
        // 128 + SIGINT, as shells report a process that was interrupted.
        std::process::exit(130);
    });
    Ok(())
}

#[cfg(unix)]
struct Signals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn listen() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn listen() -> std::io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
