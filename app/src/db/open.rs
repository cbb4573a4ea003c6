//! Opening a database with the settings our promises need, and checking that they took.

use std::{
    path::PathBuf,
    str::FromStr,
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use sea_orm::{SqlxPostgresConnector, SqlxSqliteConnector};
use sqlx::{
    SqlitePool,
    postgres::{PgConnectOptions, PgPoolOptions},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use super::Db;

/// Which database it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    /// One file, one machine.
    Sqlite,
    /// A server that several machines share.
    Postgres,
}

/// Where the database is: `sqlite:PATH` or `postgres://…`.
#[derive(Clone)]
pub struct DatabaseUrl(String);

impl FromStr for DatabaseUrl {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let known = ["sqlite:", "postgres:", "postgresql:"].iter().any(|scheme| text.starts_with(scheme));
        ensure!(known, "DATABASE_URL must start with sqlite: or postgres:");
        Ok(Self(text.to_owned()))
    }
}

impl DatabaseUrl {
    /// An SQLite file.
    pub fn sqlite(path: &std::path::Path) -> Self {
        Self(format!("sqlite:{}", path.display()))
    }

    /// Which database the URL names.
    pub fn backend(&self) -> Backend {
        if self.0.starts_with("sqlite:") { Backend::Sqlite } else { Backend::Postgres }
    }

    /// The file of an SQLite database.
    pub fn sqlite_path(&self) -> Option<PathBuf> {
        let rest = self.0.strip_prefix("sqlite:")?;
        let path = rest.strip_prefix("//").unwrap_or(rest);
        Some(path.split('?').next().unwrap_or_default().into())
    }
}

impl Db {
    /// Opens the database, making the file of an SQLite one.
    ///
    /// # Errors
    /// When it can't be reached, or when it runs with settings under which an answered hook could be lost.
    pub async fn open(url: &DatabaseUrl) -> anyhow::Result<Self> {
        match url.sqlite_path() {
            Some(path) => open_sqlite(path).await,
            None => open_postgres(&url.0).await,
        }
    }
}

/// How long a caller waits for a connection. The shortest deadline of a partner is 3 s, and ours below it is 2 s.
const ACQUIRE: Duration = Duration::from_secs(2);

async fn open_sqlite(path: PathBuf) -> anyhow::Result<Db> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).with_context(|| format!("can't make the folder {}", folder.display()))?;
    }
    let options = SqliteConnectOptions::new()
        .filename(&path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        // NORMAL would lose the last commits in a power cut; a hook that was answered 2xx must not be lost.
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(Duration::from_secs(10))
        .optimize_on_close(true, None);
    let writer =
        sqlite_writer(&options).await.with_context(|| format!("can't open the database {}", path.display()))?;
    let version: String = sqlx::query_scalar("SELECT sqlite_version()").fetch_one(&writer).await?;
    // Older ones can lose commits when a checkpoint meets a reset of the log.
    ensure!(version_at_least(&version, [3, 51, 3]), "SQLite {version} is older than 3.51.3");
    let mode: String = sqlx::query_scalar("PRAGMA journal_mode").fetch_one(&writer).await?;
    ensure!(mode == "wal", "SQLite runs in journal mode {mode}, not wal");
    let readers = SqlitePoolOptions::new()
        .max_connections(4)
        .acquire_timeout(ACQUIRE)
        .connect_with(options.pragma("query_only", "ON"))
        .await?;
    Ok(Db {
        writer: SqlxSqliteConnector::from_sqlx_sqlite_pool(writer),
        reader: SqlxSqliteConnector::from_sqlx_sqlite_pool(readers),
        backend: Backend::Sqlite,
    })
}

/// How long a first start waits for another one that is making the same file.
const FIRST_START: Duration = Duration::from_secs(10);

/// The one connection that writes.
///
/// SQLite does not wait for its busy timeout when a file that others have open changes to WAL: it refuses at once, so that
/// two who both ask can't wait for each other. Whoever is refused asks again.
async fn sqlite_writer(options: &SqliteConnectOptions) -> Result<SqlitePool, sqlx::Error> {
    let until = Instant::now() + FIRST_START;
    loop {
        let pool = SqlitePoolOptions::new().max_connections(1).acquire_timeout(ACQUIRE);
        match pool.connect_with(options.clone()).await {
            Err(error) if is_locked(&error) && Instant::now() < until => {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            opened => return opened,
        }
    }
}

/// Whether somebody else has the file for now: SQLITE_BUSY, with or without what SQLite adds to it above the first byte.
fn is_locked(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|error| error.code());
    code.and_then(|code| code.parse::<u32>().ok()).is_some_and(|code| code & 0xff == 5)
}

async fn open_postgres(url: &str) -> anyhow::Result<Db> {
    let options = PgConnectOptions::from_str(url)
        .map_err(|_| anyhow::anyhow!("DATABASE_URL is not a PostgreSQL address"))?
        .application_name("patchbay")
        // A server that is cut off must not hold a caller for the kernel's fifteen minutes.
        .options([
            ("statement_timeout", "30s"),
            ("lock_timeout", "10s"),
            ("idle_in_transaction_session_timeout", "60s"),
        ]);
    let pool = PgPoolOptions::new()
        .max_connections(16)
        .acquire_timeout(ACQUIRE)
        .connect_with(options)
        .await
        .map_err(|error| anyhow::anyhow!("can't reach the PostgreSQL server: {error}"))?;
    for setting in ["fsync", "synchronous_commit"] {
        let value: String = sqlx::query_scalar("SELECT current_setting($1)").bind(setting).fetch_one(&pool).await?;
        ensure!(value != "off", "PostgreSQL runs with {setting} = off: an answered hook could be lost in a power cut");
    }
    let connection = SqlxPostgresConnector::from_sqlx_postgres_pool(pool);
    Ok(Db { writer: connection.clone(), reader: connection, backend: Backend::Postgres })
}

fn version_at_least(version: &str, least: [u32; 3]) -> bool {
    let parts: Vec<u32> = version.split('.').filter_map(|part| part.parse().ok()).collect();
    parts.as_slice() >= least.as_slice()
}

#[cfg(test)]
mod tests {
    use sqlx::{Connection, SqliteConnection};

    use super::*;

    #[test]
    fn a_database_url_names_sqlite_or_postgres() {
        for (text, path) in [("sqlite:data/p.db", "data/p.db"), ("sqlite:///var/p.db?mode=rwc", "/var/p.db")] {
            assert_eq!(text.parse::<DatabaseUrl>().unwrap().sqlite_path().unwrap(), PathBuf::from(path));
        }
        assert_eq!("postgres://u@h/d".parse::<DatabaseUrl>().unwrap().backend(), Backend::Postgres);
        assert!("mysql://u@h/d".parse::<DatabaseUrl>().is_err());
    }

    #[tokio::test]
    async fn a_first_start_waits_for_another_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("p.db");
        let other = SqliteConnectOptions::new().filename(&path).create_if_missing(true);
        let mut other = SqliteConnection::connect_with(&other).await.unwrap();
        sqlx::raw_sql("BEGIN IMMEDIATE").execute(&mut other).await.unwrap();

        let opening = tokio::spawn(async move { Db::open(&DatabaseUrl::sqlite(&path)).await });
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert!(!opening.is_finished());
        sqlx::raw_sql("COMMIT").execute(&mut other).await.unwrap();

        opening.await.unwrap().unwrap();
    }

    #[test]
    fn versions_compare_by_number() {
        assert!(version_at_least("3.51.3", [3, 51, 3]));
        assert!(version_at_least("3.100.0", [3, 51, 3]));
        assert!(!version_at_least("3.9.9", [3, 51, 3]));
    }
}
