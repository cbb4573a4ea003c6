//! The database's clock, as a piece of SQL: all workers, on however many machines, go by it.

use sea_orm::DbBackend;

/// Unix milliseconds now, as a value.
pub fn now(backend: DbBackend) -> &'static str {
    match backend {
        DbBackend::Sqlite => "CAST(unixepoch('subsec') * 1000 AS INTEGER)",
        _ => "CAST(extract(epoch FROM clock_timestamp()) * 1000 AS bigint)",
    }
}

/// Unix milliseconds now, to compare a column with: PostgreSQL uses no index for a comparison with a function whose
/// value may change from row to row, so it is asked once.
pub fn now_once(backend: DbBackend) -> String {
    format!("(SELECT {})", now(backend))
}
