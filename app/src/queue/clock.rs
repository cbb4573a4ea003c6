//! The database's clock, as a piece of SQL: all workers, on however many machines, go by it.

use sea_orm::DbBackend;

/// Unix milliseconds now. A sub-select, because PostgreSQL uses no index for a comparison with a function whose value
/// may change from row to row.
pub fn now(backend: DbBackend) -> &'static str {
    match backend {
        DbBackend::Sqlite => "(SELECT CAST(unixepoch('subsec') * 1000 AS INTEGER))",
        _ => "(SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000 AS bigint))",
    }
}
