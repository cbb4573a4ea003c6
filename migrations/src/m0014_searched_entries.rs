//! Entries are found by their words, and by who did them: each keeps its text as search compares it.

use sea_orm_migration::{
    prelude::*,
    schema::text,
    sea_orm::{ConnectionTrait, TryGetable, prelude::Uuid},
};

use crate::table::index;

/// How many rows are read at a time.
const AT_ONCE: u64 = 500;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // Lower case as Rust understands it: the databases disagree about letters beyond a to z.
        let folded = text("folded").default("").take();
        manager.alter_table(Table::alter().table("entries").add_column(folded).take()).await?;
        fold(manager.get_connection()).await?;
        // What is new, whatever its day.
        manager.create_index(index("entries", &["organization_id", "team_id", "updated_at"])).await?;
        // A person's own, over all teams.
        manager.create_index(index("entries", &["organization_id", "user_id", "occurred_on"])).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let name = "idx_entries_organization_id_user_id_occurred_on";
        manager.drop_index(Index::drop().name(name).table("entries").to_owned()).await?;
        let name = "idx_entries_organization_id_team_id_updated_at";
        manager.drop_index(Index::drop().name(name).table("entries").to_owned()).await?;
        manager.alter_table(Table::alter().table("entries").drop_column("folded").take()).await
    }
}

async fn fold(db: &SchemaManagerConnection<'_>) -> Result<(), DbErr> {
    let mut after = (Uuid::nil(), Uuid::nil());
    loop {
        let here = Expr::tuple([Expr::col("organization_id"), Expr::col("id")]);
        let query = Query::select()
            .columns(["organization_id", "id", "body", "source"])
            .from("entries")
            .and_where(here.gt(Expr::tuple([Expr::val(after.0), Expr::val(after.1)])))
            .order_by("organization_id", Order::Asc)
            .order_by("id", Order::Asc)
            .limit(AT_ONCE)
            .take();
        let rows = db.query_all(&query).await?;
        for row in &rows {
            let of = |column| Uuid::try_get_by(row, column).map_err(DbErr::from);
            after = (of("organization_id")?, of("id")?);
            let body: String = row.try_get("", "body")?;
            let source: Option<String> = row.try_get("", "source")?;
            let both = format!("{body}\n{}", source.unwrap_or_default());
            let folded: String = both.chars().flat_map(char::to_lowercase).collect();
            let update = Query::update()
                .table("entries")
                .value("folded", folded)
                .and_where(Expr::col("organization_id").eq(after.0))
                .and_where(Expr::col("id").eq(after.1))
                .take();
            db.execute(&update).await?;
        }
        if (rows.len() as u64) < AT_ONCE {
            return Ok(());
        }
    }
}
