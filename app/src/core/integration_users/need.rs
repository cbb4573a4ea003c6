//! Needs: the account of one's own that it takes to do something at a partner.

use std::fmt::{Display, Formatter};

use sea_orm::{ColumnTrait, QueryFilter};

use crate::{
    core::{Core, Result, people::Member},
    db::entity::{
        Tenant,
        integration_user::{AccountState, Column, Entity},
    },
};

/// At which partner, and at whose address where each of its customers has one. As text: `partner` or `partner/site`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Need {
    /// The partner's id.
    pub partner: String,
    /// Whose address; none = any.
    pub site: Option<String>,
}

impl Need {
    /// Reads what [`Display`] wrote.
    pub fn read(text: &str) -> Self {
        match text.split_once('/') {
            Some((partner, site)) => Self { partner: partner.to_owned(), site: Some(site.to_owned()) },
            None => Self { partner: text.to_owned(), site: None },
        }
    }

    /// Whether the member has no such account, or none that works.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn is_open(&self, core: &Core, who: &Member) -> Result<bool> {
        let mut own = Entity::of(who.organization)
            .filter(Column::UserId.eq(who.user))
            .filter(Column::Partner.eq(&self.partner))
            .filter(Column::Credentials.is_not_null())
            .filter(Column::State.eq(AccountState::Connected));
        if let Some(site) = &self.site {
            own = own.filter(Column::Site.eq(site));
        }
        Ok(own.one(core.db.reader()).await?.is_none())
    }
}

impl Display for Need {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.partner)?;
        self.site.as_ref().map_or(Ok(()), |site| write!(f, "/{site}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read() {
        for text in ["workshop", "workshop/acme"] {
            assert_eq!(Need::read(text).to_string(), text);
        }
        assert_eq!(Need::read("workshop/acme").site.as_deref(), Some("acme"));
    }
}
