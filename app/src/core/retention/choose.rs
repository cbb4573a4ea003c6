//! How long an organization keeps things: what its owner may choose, and what a shorter time would delete.

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use crate::{
    core::{
        Core, Error, Result,
        audit::{self, About, Deed},
        entries, inbox, mirrors, organizations, outbox,
        people::Member,
    },
    db::{A_DAY, Aged, entity::organization},
};

/// For how many days hooks, messages and what mirrors carried can be kept.
pub const MESSAGE_DAYS: [i32; 5] = [7, 14, 30, 90, 365];

/// For how many days entries can be kept, or for ever.
pub const ENTRY_DAYS: [Option<i32>; 4] = [None, Some(5 * 365), Some(2 * 365), Some(365)];

/// How long an organization keeps things.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keeping {
    /// Days that hooks, messages and what mirrors carried are kept, once they are done with.
    pub messages: i32,
    /// Days that entries are kept; none for ever.
    pub entries: Option<i32>,
}

/// What is there that would go if it was kept for less long.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Older {
    /// Hooks.
    pub hooks: u64,
    /// Messages to partners.
    pub messages: u64,
    /// Changes that mirrors carried.
    pub changes: u64,
    /// Entries.
    pub entries: u64,
}

impl Older {
    /// Whether it is nothing at all.
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
}

impl Keeping {
    /// What an organization has chosen.
    pub fn of(organization: &organization::Model) -> Self {
        Self { messages: organization.messages_kept_days, entries: organization.entries_kept_days }
    }

    fn is_offered(self) -> bool {
        MESSAGE_DAYS.contains(&self.messages) && ENTRY_DAYS.contains(&self.entries)
    }

    /// As people read it.
    pub fn words(self) -> String {
        format!("messages {}, entries {}", in_words(Some(self.messages)), in_words(self.entries))
    }
}

/// How long that is, as people say it.
pub fn in_words(days: Option<i32>) -> String {
    match days {
        None => "for ever".to_owned(),
        Some(365) => "for a year".to_owned(),
        Some(days) if days % 365 == 0 => format!("for {} years", days / 365),
        Some(days) => format!("for {days} days"),
    }
}

/// What would go if it were kept like this.
///
/// # Errors
/// [`Error::Forbidden`] for all but owners.
pub async fn would_go(core: &Core, who: &Member, keeping: Keeping) -> Result<Older> {
    organizations::must_be_owner(who, "choose how long things are kept")?;
    let go = async |aged: Aged, days: i32| {
        core.db.count_aged(aged, who.organization, core.clock.now() - i64::from(days) * A_DAY).await
    };
    Ok(Older {
        hooks: go(inbox::AGED, keeping.messages).await?,
        messages: go(outbox::AGED, keeping.messages).await?,
        changes: go(mirrors::AGED, keeping.messages).await?,
        entries: match keeping.entries {
            None => 0,
            Some(days) => go(entries::AGED, days).await?,
        },
    })
}

/// Chooses how long things are kept. The upkeep deletes what is then over its time.
///
/// # Errors
/// [`Error::Forbidden`] for all but owners; [`Error::Invalid`] (`messages`) for what is not offered.
pub async fn choose(core: &Core, who: &Member, keeping: Keeping) -> Result<()> {
    core.db
        .write(async |tx| {
            let who = organizations::standing(tx, who).await?;
            organizations::must_be_owner(&who, "choose how long things are kept")?;
            if !keeping.is_offered() {
                return Err(Error::field("messages", "Choose times from the list."));
            }
            let before = organizations::of(tx, who.organization).await?;
            if Keeping::of(&before) == keeping {
                return Ok(());
            }
            organization::Entity::update_many()
                .col_expr(organization::Column::MessagesKeptDays, keeping.messages.into())
                .col_expr(organization::Column::EntriesKeptDays, keeping.entries.into())
                .filter(organization::Column::Id.eq(who.organization))
                .exec(tx)
                .await?;
            let about = About::from(&before).saying(format!("{} → {}", Keeping::of(&before).words(), keeping.words()));
            audit::note(core, tx, &who, Deed::RetentionChanged, about).await
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_said_as_people_say_them() {
        let said = [Some(7), Some(365), Some(730), None].map(in_words);
        assert_eq!(said, ["for 7 days", "for a year", "for 2 years", "for ever"]);
        assert!(Keeping { messages: 30, entries: None }.is_offered());
        for odd in [Keeping { messages: 0, entries: None }, Keeping { messages: 30, entries: Some(1) }] {
            assert!(!odd.is_offered());
        }
    }
}
