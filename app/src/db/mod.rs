//! The database: opening it, transactions, typed ids and the tables.
//!
//! SQLite or PostgreSQL, chosen by the URL; the same migrations and the same queries run on both. A query on a
//! tenant's table starts from its tenant, see [`entity::Tenant`].

pub mod entity;
mod forget;
mod ids;
mod migrate;
mod open;

pub use forget::{A_DAY, Aged, OfTeam, Outdated};
pub use ids::*;
pub use migrate::{migrate, missing_steps};
pub use open::{Backend, DatabaseUrl};
use sea_orm::{
    DatabaseConnection, DatabaseTransaction, DbErr, SqliteTransactionMode, Statement, TransactionOptions,
    TransactionTrait,
};

/// The open database.
///
/// On SQLite there is one writing connection and a few reading ones, because two writers only wait for each other; on
/// PostgreSQL both are the same pool.
#[derive(Clone)]
pub struct Db {
    writer: DatabaseConnection,
    reader: DatabaseConnection,
    backend: Backend,
}

impl Db {
    /// Which database it is: for the few statements that differ.
    pub fn backend(&self) -> Backend {
        self.backend
    }

    /// For queries that change nothing and need no transaction.
    pub fn reader(&self) -> &DatabaseConnection {
        &self.reader
    }

    /// Runs `work` in one transaction: all of it is kept, or nothing.
    ///
    /// Never wait for the network inside: on SQLite nobody else can write meanwhile.
    ///
    /// # Errors
    /// What `work` fails with, after undoing what it did; or the database's own error. An error of the final commit
    /// means that the outcome is not known.
    pub async fn write<T, E: From<DbErr>>(
        &self,
        work: impl AsyncFnOnce(&DatabaseTransaction) -> Result<T, E>,
    ) -> Result<T, E> {
        let tx = self.begin().await?;
        let done = work(&tx).await?;
        tx.commit().await?;
        Ok(done)
    }

    /// The writing connection outside a transaction, for tests that look at the database itself.
    #[doc(hidden)]
    pub fn writer_for_tests(&self) -> &DatabaseConnection {
        &self.writer
    }

    /// Tells of each statement that is run through this from now on, for tests that count or explain them.
    #[doc(hidden)]
    pub fn tell_of_statements(&mut self, tell: impl Fn(&Statement) + Clone + Send + Sync + 'static) {
        for connection in [&mut self.writer, &mut self.reader] {
            let tell = tell.clone();
            connection.set_metric_callback(move |info| tell(info.statement));
        }
    }

    /// A transaction that is undone unless it is committed. [`Self::write`] is the usual way.
    ///
    /// # Errors
    /// When the database does not answer in time.
    pub async fn begin(&self) -> Result<DatabaseTransaction, DbErr> {
        match self.backend {
            // A deferred transaction that reads and then writes fails at once with "database is locked".
            Backend::Sqlite => {
                let options = TransactionOptions {
                    sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
                    ..TransactionOptions::default()
                };
                self.writer.begin_with_options(options).await
            }
            Backend::Postgres => self.writer.begin().await,
        }
    }

    /// Closes every connection; on SQLite this moves the log into the main file.
    ///
    /// # Errors
    /// When a connection can't be closed cleanly.
    pub async fn close(self) -> Result<(), DbErr> {
        self.reader.close().await?;
        self.writer.close().await
    }
}
