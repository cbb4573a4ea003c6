//! What most tables share: the tenant's key, references to a tenant's rows, and dropping in reverse order.

use sea_orm_migration::{prelude::*, schema::uuid};

/// A table whose key is `(organization_id, id)` and whose rows go when the organization goes.
pub fn of_organization(name: &'static str) -> TableCreateStatement {
    Table::create()
        .table(name)
        .col(uuid("organization_id"))
        .col(uuid("id"))
        .primary_key(Index::create().col("organization_id").col("id"))
        .foreign_key(&mut to_organization(name))
        .take()
}

/// `organization_id` references the organization; its rows go with it.
pub fn to_organization(from: &'static str) -> ForeignKeyCreateStatement {
    ForeignKey::create()
        .from(from, "organization_id")
        .to("organizations", "id")
        .on_delete(ForeignKeyAction::Cascade)
        .take()
}

/// `(organization_id, column)` references a row of the same tenant.
pub fn within_organization(from: &'static str, column: &'static str, to: &'static str) -> ForeignKeyCreateStatement {
    ForeignKey::create()
        .from(from, ("organization_id", column))
        .to(to, ("organization_id", "id"))
        .on_delete(ForeignKeyAction::Cascade)
        .take()
}

/// `column` references a user, who belongs to no tenant; the row goes with the user.
pub fn to_user(from: &'static str, column: &'static str) -> ForeignKeyCreateStatement {
    ForeignKey::create().from(from, column).to("users", "id").on_delete(ForeignKeyAction::Cascade).take()
}

/// An index named after its table and columns.
pub fn index(table: &'static str, columns: &[&'static str]) -> IndexCreateStatement {
    let mut index = Index::create().name(format!("idx_{table}_{}", columns.join("_"))).table(table).take();
    for column in columns {
        index.col(*column);
    }
    index
}

/// Drops tables, last made first.
pub async fn drop_all(manager: &SchemaManager<'_>, tables: &[&'static str]) -> Result<(), DbErr> {
    for table in tables {
        manager.drop_table(Table::drop().table(*table).take()).await?;
    }
    Ok(())
}
