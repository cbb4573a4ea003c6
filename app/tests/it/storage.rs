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

/// A reference changes, which SQLite can only do by making the table anew: nothing is lost on the way, in either direction.
async fn accounts_and_what_refers_to_them_outlive_a_new_reference(test: TestDatabase) {
    let db = test.db.writer_for_tests();
    Migrator::down(db, Some(steps_since("m0020_handover"))).await.unwrap();
    let [organization, user, account] = [1, 2, 3].map(|last| format!("'01990000-0000-7000-8000-00000000000{last}'"));
    for sql in [
        format!("INSERT INTO organizations (id, name, created_at) VALUES ({organization}, 'Acme', 1)"),
        format!(
            "INSERT INTO users (id, email, name, password_hash, created_at) VALUES ({user}, 'a@b.example', 'Ada', '-', 1)"
        ),
        format!(
            "INSERT INTO members (organization_id, user_id, role, created_at) VALUES ({organization}, {user}, 'owner', 1)"
        ),
        format!(
            "INSERT INTO integration_users (organization_id, id, user_id, partner, account_id, account_name, scopes, state, \
             refusals, connected_at, created_at, updated_at) VALUES ({organization}, {account}, {user}, 'fake', '7', \
             'ada-there', '[]', 'broken', 2, 3, 4, 5)"
        ),
        format!("INSERT INTO told_account_breaks VALUES ({organization}, {account}, 6)"),
    ] {
        db.execute_unprepared(&sql).await.unwrap();
    }
    let counted = async |sql: &str| {
        let row = db.query_one_raw(Statement::from_string(db.get_database_backend(), sql)).await.unwrap().unwrap();
        row.try_get_by_index::<i64>(0).unwrap()
    };
    let whole = "SELECT count(*) FROM told_account_breaks AS t JOIN integration_users AS u ON u.id = t.integration_user_id \
                 WHERE t.told_at = 6 AND u.account_name = 'ada-there' AND u.refusals = 2 AND u.updated_at = 5 AND u.site IS NULL";
    Migrator::up(db, None).await.unwrap();
    assert_eq!(counted(whole).await, 1);
    Migrator::down(db, Some(steps_since("m0020_handover"))).await.unwrap();
    assert_eq!(counted(whole).await, 1);
    Migrator::up(db, None).await.unwrap();

    db.execute_unprepared("DELETE FROM members").await.unwrap();
    assert_eq!(counted(whole).await, 1, "an account outlives the membership");
    let again = format!(
        "INSERT INTO members (organization_id, user_id, role, created_at) VALUES ({organization}, {user}, 'owner', 1)"
    );
    Migrator::down(db, Some(steps_since("m0020_handover"))).await.unwrap();
    assert_eq!(counted("SELECT count(*) FROM integration_users").await, 0, "of nobody, it could not be referred to");
    db.execute_unprepared(&again).await.unwrap();
    Migrator::up(db, None).await.unwrap();
}

/// How many steps there are from this one on.
fn steps_since(name: &str) -> u32 {
    let steps = Migrator::migrations();
    let before = steps.iter().position(|step| step.name() == name).unwrap();
    u32::try_from(steps.len() - before).unwrap()
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
    accounts_and_what_refers_to_them_outlive_a_new_reference,
    four_first_starts_at_once_apply_each_migration_once,
    commits_reach_the_disk_before_they_are_answered,
);
