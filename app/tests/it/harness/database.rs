//! A fresh, migrated database for one test.

use std::{
    collections::BTreeMap,
    str::FromStr,
    sync::{Arc, Weak},
};

use patchbay::db::{Backend, DatabaseUrl, Db, migrate};
use sea_orm::{ConnectionTrait, Statement};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use uuid::Uuid;

/// One test's database. SQLite's folder and PostgreSQL's database go when the last clone is dropped, also when the test
/// fails.
#[derive(Clone)]
pub struct TestDatabase {
    pub db: Db,
    pub url: DatabaseUrl,
    /// The same as text, for a process of its own.
    pub address: String,
    /// The folder of an SQLite database; also a place for a test's other files.
    pub folder: Arc<tempfile::TempDir>,
    _on_server: Option<Arc<OnServer>>,
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
        Self { db, url, address: format!("sqlite:{}", path.display()), folder, _on_server: None }
    }

    pub async fn postgres() -> Self {
        let template = template().await;
        let name = format!("patchbay_test_{}", Uuid::now_v7().simple());
        let made = OnServer::create(name, &template.name, Some(template.clone())).await;
        let (address, url) = made.address();
        let db = Db::open(&url).await.unwrap();
        Self { db, url, address, folder: Arc::new(tempfile::tempdir().unwrap()), _on_server: Some(Arc::new(made)) }
    }

    /// Every row of every table as text, by table: to see that nothing was changed, or what was written. Sessions are
    /// left out, because they change with every visit.
    pub async fn rows(&self) -> BTreeMap<String, Vec<String>> {
        let mut rows = self.everything().await;
        rows.remove("sessions");
        rows
    }

    /// Every row of every table as text. Bytes stand in hexadecimal.
    pub async fn everything(&self) -> BTreeMap<String, Vec<String>> {
        let mut rows = BTreeMap::new();
        for table in self.texts(self.tables_query()).await {
            let query = match self.db.backend() {
                Backend::Postgres => format!("SELECT t::text FROM \"{table}\" AS t"),
                Backend::Sqlite => {
                    let columns = self.texts(format!("SELECT name FROM pragma_table_info('{table}')")).await;
                    let quoted: Vec<String> = columns.iter().map(|column| format!("quote(\"{column}\")")).collect();
                    format!("SELECT {} FROM \"{table}\"", quoted.join(" || ' ' || "))
                }
            };
            let mut of_table = self.texts(query).await;
            of_table.sort();
            rows.insert(table, of_table);
        }
        rows
    }

    fn tables_query(&self) -> String {
        match self.db.backend() {
            Backend::Postgres => "SELECT tablename::text FROM pg_tables WHERE schemaname = 'public'",
            Backend::Sqlite => "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
        }
        .to_owned()
    }

    /// The first column of what a query finds.
    async fn texts(&self, query: String) -> Vec<String> {
        let reader = self.db.reader();
        let found = reader.query_all_raw(Statement::from_string(reader.get_database_backend(), query)).await.unwrap();
        found.iter().map(|row| row.try_get_by_index(0).unwrap()).collect()
    }
}

/// A database on the PostgreSQL server, for as long as this lives.
struct OnServer {
    name: String,
    /// Stays while there are copies of it.
    _template: Option<Arc<OnServer>>,
}

impl OnServer {
    async fn create(name: String, template: &str, kept: Option<Arc<OnServer>>) -> Self {
        // Copying a template wants it to itself, so one at a time.
        static ONE_AT_A_TIME: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
        let _turn = ONE_AT_A_TIME.lock().await;
        told(format!("CREATE DATABASE {name} TEMPLATE {template}")).await.unwrap();
        Self { name, _template: kept }
    }

    fn address(&self) -> (String, DatabaseUrl) {
        let address = format!("{}/{}", server(), self.name);
        let url = DatabaseUrl::from_str(&address).unwrap();
        (address, url)
    }
}

impl Drop for OnServer {
    fn drop(&mut self) {
        let statement = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        // On a thread of its own: a drop can't wait on the test's runtime, which may be ending.
        let dropping = std::thread::spawn(|| {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(told(statement))
        });
        if !matches!(dropping.join(), Ok(Ok(()))) {
            eprintln!("the database {} of a test stays behind", self.name);
        }
    }
}

/// The migrated database that tests get copies of. It is made by the first that needs one, and goes with the last copy.
async fn template() -> Arc<OnServer> {
    static TEMPLATE: tokio::sync::Mutex<Weak<OnServer>> = tokio::sync::Mutex::const_new(Weak::new());
    let mut kept = TEMPLATE.lock().await;
    if let Some(template) = kept.upgrade() {
        return template;
    }
    let name = format!("patchbay_template_{}", Uuid::now_v7().simple());
    let template = Arc::new(OnServer::create(name, "template1", None).await);
    let (_, url) = template.address();
    let db = Db::open(&url).await.unwrap();
    migrate(&db, &url).await.unwrap();
    db.close().await.unwrap();
    *kept = Arc::downgrade(&template);
    template
}

/// Tells the server something, outside of any test's database.
async fn told(statement: String) -> sqlx::Result<()> {
    let mut admin = PgConnection::connect(&format!("{}/postgres", server())).await?;
    admin.execute(AssertSqlSafe(statement)).await?;
    admin.close().await
}

fn server() -> String {
    std::env::var(SERVER)
        .unwrap_or_else(|_| {
            panic!("{SERVER} is not set: run scripts/test, which starts a PostgreSQL server for the tests")
        })
        .trim_end_matches('/')
        .to_owned()
}
