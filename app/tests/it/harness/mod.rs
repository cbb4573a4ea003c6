//! What tests stand on: fresh databases, the whole application on a port of its own, and a partner to call.

mod app;
mod client;
mod crowd;
mod database;
mod mail_server;
mod sandbox;

pub use app::{PASSWORD, TestApp, TwoOrganizations};
pub use client::{Answer, Client, between};
pub use crowd::Crowd;
pub use database::TestDatabase;
pub use mail_server::FakeMailServer;
pub use sandbox::GitHubSandbox;

/// Makes a test on SQLite and one on PostgreSQL of each function `async fn(TestDatabase)`.
macro_rules! on_both_databases {
    ($($name:ident),+ $(,)?) => {
        mod on_sqlite {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                super::$name($crate::harness::TestDatabase::sqlite().await).await;
            })+
        }
        mod on_postgres {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                super::$name($crate::harness::TestDatabase::postgres().await).await;
            })+
        }
    };
}
pub(crate) use on_both_databases;
