//! Listening: on PostgreSQL every commit that adds a job tells the workers of all machines.

use std::convert::Infallible;

use sea_orm::DbErr;
use sqlx::postgres::PgListener;

use super::{PATIENCE, Queue, add::CHANNEL, lease::Owner, presence, within, worker::Pause};

/// The session in which workers listen, and by which others see that they are there.
pub(super) struct Ear {
    queue: Queue,
    owner: Owner,
    session: PgListener,
}

impl Ear {
    /// Opens it, however long the database is away.
    pub async fn open(queue: Queue, owner: Owner) -> Self {
        let mut pause = Pause::default();
        loop {
            match within(PATIENCE, open(&queue, &owner)).await {
                Ok(session) => {
                    pause.is_over();
                    return Self { queue, owner, session };
                }
                Err(error) => pause.after(&error, "listening for new jobs").await,
            }
        }
    }

    /// Rings the bell for what others add.
    async fn hear(&mut self) -> Result<Infallible, sqlx::Error> {
        // Looks after registering: a job added in between would otherwise wait for the next poll.
        self.queue.wake();
        loop {
            // None: the connection was lost and is back. What was said meanwhile is unknown, so look as well.
            if self.session.try_recv().await?.is_none() {
                presence::announce(&mut self.session, &self.owner).await?;
            }
            self.queue.wake();
        }
    }
}

async fn open(queue: &Queue, owner: &Owner) -> Result<PgListener, DbErr> {
    let opened = async {
        let mut session = PgListener::connect_with(queue.db.reader().get_postgres_connection_pool()).await?;
        presence::announce(&mut session, owner).await?;
        session.listen(CHANNEL).await?;
        Ok::<_, sqlx::Error>(session)
    };
    opened.await.map_err(|error| DbErr::Custom(error.to_string()))
}

/// Listens for as long as it is not dropped.
pub(super) async fn listen(mut ear: Ear) {
    loop {
        let Err(error) = ear.hear().await;
        tracing::debug!(%error, "the session that listens was lost");
        ear = Ear::open(ear.queue, ear.owner).await;
    }
}
