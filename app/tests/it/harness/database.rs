//! A fresh, migrated database for one test.

use std::{str::FromStr, sync::Arc};

use patchbay::db::{DatabaseUrl, Db, migrate};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use tokio::sync::OnceCell;
use uuid::Uuid;

/// One test's database. SQLite's folder and PostgreSQL's database go when the last clone is dropped.
#[derive(Clone)]
pub struct TestDatabase {
    pub db: Db,
    pub url: DatabaseUrl,
    /// The same as text, for a process of its own.
    pub address: String,
    /// The folder of an SQLite database; also a place for a test's other files.
    pub folder: Arc<tempfile::TempDir>,
}

/// The variable that names a PostgreSQL server on which the tests may make databases. `scripts/test` sets it.
const SERVER: &str = "PATCHBAY_TEST_POSTGRES";

impl TestDatabase {
    pub async fn sqlite() -> Self {
        let folder = Arc::new(tempfile::tempdir().unwrap());
        let path = folder.path().join("test.db");
        let url = DatabaseUrl::sqlite(&path);
        let db = Db::open(&url).await.unwrap();
        migrate(&db, &url).await.unwrap();
        Self { db, url, address: format!("sqlite:{}", path.display()), folder }
    }

    pub async fn postgres() -> Self {
        static TEMPLATE: OnceCell<String> = OnceCell::const_new();
        let template = TEMPLATE
            .get_or_init(|| async {
                let name = format!("patchbay_template_{}", Uuid::now_v7().simple());
                create(&name, "template1").await;
                let url = DatabaseUrl::from_str(&format!("{}/{name}", server())).unwrap();
                let db = Db::open(&url).await.unwrap();
                migrate(&db, &url).await.unwrap();
                db.close().await.unwrap();
                name
            })
            .await;
        let name = format!("patchbay_test_{}", Uuid::now_v7().simple());
        create(&name, template).await;
        let address = format!("{}/{name}", server());
        let url = DatabaseUrl::from_str(&address).unwrap();
        let db = Db::open(&url).await.unwrap();
        Self { db, url, address, folder: Arc::new(tempfile::tempdir().unwrap()) }
    }
}

fn server() -> String {
    std::env::var(SERVER)
        .unwrap_or_else(|_| {
            panic!("{SERVER} is not set: run scripts/test, which starts a PostgreSQL server for the tests")
        })
        .trim_end_matches('/')
        .to_owned()
}

async fn create(name: &str, template: &str) {
    // Copying a template wants it to itself, so one at a time.
    static ONE_AT_A_TIME: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
    let _turn = ONE_AT_A_TIME.lock().await;
    let mut admin = PgConnection::connect(&format!("{}/postgres", server())).await.unwrap();
    let statement = format!("CREATE DATABASE {name} TEMPLATE {template}");
    admin.execute(AssertSqlSafe(statement)).await.unwrap();
    admin.close().await.unwrap();
}
