//! Who an `@name` is: somebody of the team, by first name, by whole name without spaces, or by the part of their
//! e-mail address before the `@`. A name that two of them share names nobody.

use std::collections::{BTreeSet, HashMap};

use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, JoinType, QueryFilter, QuerySelect, RelationDef};

use super::pieces::{Piece, pieces};
use crate::{
    core::Result,
    db::{
        OrganizationId, TeamId, UserId,
        entity::{Tenant, team_member, user},
    },
};

/// More people than this are not meant one by one; the rest stay words.
const MOST: usize = 20;

/// The names that people of one team go by; `None` for one that several share.
#[derive(Default)]
pub(super) struct Handles(HashMap<String, Option<UserId>>);

impl Handles {
    /// Those of a team, for texts that mention anybody at all; none otherwise.
    pub async fn for_texts<'a>(
        db: &impl ConnectionTrait,
        organization: OrganizationId,
        team: TeamId,
        mut texts: impl Iterator<Item = &'a str>,
    ) -> Result<Self> {
        if !texts.any(|text| text.contains('@')) {
            return Ok(Self::default());
        }
        let to_user: RelationDef =
            team_member::Entity::belongs_to(user::Entity).from(team_member::Column::UserId).to(user::Column::Id).into();
        let people: Vec<(UserId, String, String)> = team_member::Entity::of(organization)
            .filter(team_member::Column::TeamId.eq(team))
            .join(JoinType::InnerJoin, to_user)
            .select_only()
            .columns([user::Column::Id, user::Column::Name, user::Column::Email])
            .into_tuple()
            .all(db)
            .await?;
        Ok(Self::of(people.iter().map(|(id, name, email)| (*id, name.as_str(), email.as_str()))))
    }

    fn of<'a>(people: impl IntoIterator<Item = (UserId, &'a str, &'a str)>) -> Self {
        let mut names: HashMap<String, Option<UserId>> = HashMap::new();
        for (id, name, email) in people {
            for handle in handles_of(name, email) {
                names.entry(handle).and_modify(|known| *known = known.filter(|known| *known == id)).or_insert(Some(id));
            }
        }
        Self(names)
    }

    /// Who is mentioned in a text.
    pub fn mentioned(&self, text: &str) -> BTreeSet<UserId> {
        let names = pieces(text).into_iter().filter_map(|piece| match piece {
            Piece::Mention(name) => self.0.get(&handle(name)).copied().flatten(),
            _ => None,
        });
        let mut seen = BTreeSet::new();
        for user in names {
            if seen.len() < MOST {
                seen.insert(user);
            }
        }
        seen
    }
}

/// The names that somebody goes by.
pub(super) fn handles_of(name: &str, email: &str) -> BTreeSet<String> {
    let first = name.split_whitespace().next().unwrap_or_default();
    let local = email.split('@').next().unwrap_or_default();
    [first, name, local].into_iter().map(handle).filter(|handle| !handle.is_empty()).collect()
}

/// A name as it can be typed after an `@`: nothing but what such a word may contain.
pub(super) fn handle(name: &str) -> String {
    let kept = |c: &char| !c.is_whitespace() && !matches!(c, '@' | '\'' | '’' | ',' | '(' | ')');
    name.chars().filter(kept).collect::<String>().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_goes_by_first_name_whole_name_and_e_mail() {
        let ada = UserId::new();
        let handles = Handles::of([(ada, "Ada O'Lovelace King", "countess@example.com")]);
        for text in ["@ada", "@ADA,", "(@AdaOLovelaceKing)", "@countess's"] {
            assert_eq!(handles.mentioned(text), BTreeSet::from([ada]), "{text}");
        }
        for text in ["@lovelace", "@adam", "ada", "x@ada", "@ and @@ada"] {
            assert!(handles.mentioned(text).is_empty(), "{text}");
        }
    }

    #[test]
    fn a_shared_name_names_nobody() {
        let (ada, other) = (UserId::new(), UserId::new());
        let handles =
            Handles::of([(ada, "Ada Lovelace", "ada@example.com"), (other, "Ada Byron", "byron@example.com")]);
        assert!(handles.mentioned("@ada").is_empty());
        assert_eq!(handles.mentioned("@AdaLovelace @byron @byron"), BTreeSet::from([ada, other]));
    }

    #[test]
    fn nobody_without_a_name_is_mentioned() {
        assert!(Handles::of([(UserId::new(), " ", "@")]).mentioned("@ @x").is_empty());
    }
}
