//! Listening: on PostgreSQL every commit that adds a job tells the workers of all machines.

use sea_orm::DbErr;
use sqlx::postgres::PgListener;

use super::{Queue, add::CHANNEL, worker::Pause};

/// Rings the bell for what others add.
pub(super) async fn listen(queue: Queue) {
    let mut pause = Pause::default();
    loop {
        let Err(error) = hear(&queue, &mut pause).await;
        pause.after(&DbErr::Custom(error.to_string()), "listening for new jobs").await;
    }
}

async fn hear(queue: &Queue, pause: &mut Pause) -> Result<std::convert::Infallible, sqlx::Error> {
    let mut listener = PgListener::connect_with(queue.db.reader().get_postgres_connection_pool()).await?;
    listener.listen(CHANNEL).await?;
    pause.is_over();
    // Register before the look: a job added in between would otherwise wait for the next poll.
    queue.wake();
    loop {
        // None: the connection was lost and is back. What was said meanwhile is unknown, so look as well.
        listener.try_recv().await?;
        queue.wake();
    }
}
