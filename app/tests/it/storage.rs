//! The database itself: migrations both ways, and the settings our promises stand on.

use migrations::{Migrator, MigratorTrait};
use patchbay::db::{Backend, Db, migrate};
use sea_orm::{ConnectionTrait, Statement};

use crate::harness::{TestDatabase, on_both_databases};

async fn migrations_go_down_and_up_again(test: TestDatabase) {
    let tx = test.db.begin().await.unwrap();
    drop(tx);
    Migrator::down(test.db.writer_for_tests(), None).await.unwrap();
    migrate(&test.db, &test.url).await.unwrap();
    assert!(Migrator::get_pending_migrations(test.db.writer_for_tests()).await.unwrap().is_empty());
}

async fn four_first_starts_at_once_apply_each_migration_once(test: TestDatabase) {
    Migrator::down(test.db.writer_for_tests(), None).await.unwrap();
    let starts = (0..4).map(|_| async {
        let db = Db::open(&test.url).await.unwrap();
        migrate(&db, &test.url).await.unwrap();
        db.close().await.unwrap();
    });
    futures::future::join_all(starts).await;
    assert!(Migrator::get_pending_migrations(test.db.writer_for_tests()).await.unwrap().is_empty());
}

async fn commits_reach_the_disk_before_they_are_answered(test: TestDatabase) {
    let setting = async |sql: &str| {
        let row = test
            .db
            .writer_for_tests()
            .query_one_raw(Statement::from_string(test.db.writer_for_tests().get_database_backend(), sql));
        row.await.unwrap().unwrap()
    };
    match test.db.backend() {
        Backend::Sqlite => {
            assert_eq!(setting("PRAGMA synchronous").await.try_get_by_index::<i32>(0).unwrap(), 2);
            assert_eq!(setting("PRAGMA journal_mode").await.try_get_by_index::<String>(0).unwrap(), "wal");
            assert_eq!(setting("PRAGMA foreign_keys").await.try_get_by_index::<i32>(0).unwrap(), 1);
        }
        Backend::Postgres => {
            assert_eq!(setting("SHOW synchronous_commit").await.try_get_by_index::<String>(0).unwrap(), "on");
            assert_eq!(setting("SHOW fsync").await.try_get_by_index::<String>(0).unwrap(), "on");
        }
    }
}

on_both_databases!(
    migrations_go_down_and_up_again,
    four_first_starts_at_once_apply_each_migration_once,
    commits_reach_the_disk_before_they_are_answered,
);
