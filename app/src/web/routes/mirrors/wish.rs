//! What has been chosen on the way to a mirror. It stands in the address and nowhere else: a step back is the browser's
//! own, nothing is left behind by those who turn round, and nothing in it is believed before it was looked up.

use integration_contract::{FormInput, text::without_nul};
use url::form_urlencoded::{Serializer, parse};

use super::{SIDES, how::How, side_of, word};
use crate::{
    core::mirrors::Sides,
    db::{IntegrationUserId, TeamId, entity::mirror::Side},
};

/// Where the way begins.
pub const START: &str = "/mirrors/new";

/// What has been chosen so far.
#[derive(Clone, Debug, Default)]
pub struct Wish {
    /// Whose mirror it is to be.
    pub team: Option<TeamId>,
    /// What it is to join.
    pub ends: Sides<EndWish>,
    /// How, as it was typed; `None` = not asked yet.
    pub how: Option<FormInput>,
    /// The step that is to be shown, though a later one could be.
    pub at: Option<Step>,
}

/// One end of it.
#[derive(Clone, Debug, Default)]
pub struct EndWish {
    /// The partner's id.
    pub partner: String,
    /// The account that the link is to act with.
    pub account: Option<IntegrationUserId>,
    /// What was typed into the partner's form.
    pub form: FormInput,
}

/// A step of the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// For which team.
    Team,
    /// With which accounts.
    Accounts,
    /// Where at a side's partner.
    Place(Side),
    /// What is to be done.
    How,
    /// What would have come of it, and the button that makes it.
    Look,
}

impl Step {
    /// The word in forms and addresses.
    pub fn word(self) -> &'static str {
        match self {
            Self::Team => "team",
            Self::Accounts => "accounts",
            Self::Place(side) => word(side),
            Self::How => "how",
            Self::Look => "look",
        }
    }

    /// The inverse of [`Self::word`].
    pub fn read(word: &str) -> Option<Self> {
        let places = SIDES.into_iter().map(Self::Place);
        let all = [Self::Team, Self::Accounts, Self::How, Self::Look].into_iter().chain(places);
        all.into_iter().find(|step| step.word() == word)
    }
}

impl Wish {
    /// What an address says; what it says otherwise was not chosen.
    pub fn read(query: &str) -> Self {
        let mut wish = Self::default();
        let mut how = FormInput::default();
        for (name, value) in parse(query.as_bytes()) {
            let value = without_nul(&value);
            match name.as_ref() {
                "team" => wish.team = value.parse().ok(),
                "at" => wish.at = Step::read(&value),
                name if How::FIELDS.contains(&name) => how.push(name, value),
                name => {
                    if let Some(side) = side_of(name) {
                        wish.ends.get_mut(side).partner = value;
                    } else if let Some(side) = name.strip_suffix("_account").and_then(side_of) {
                        wish.ends.get_mut(side).account = value.parse().ok();
                    } else if let Some((side, field)) = name.split_once('.').filter(|(_, field)| !field.is_empty())
                        && let Some(side) = side_of(side)
                    {
                        wish.ends.get_mut(side).form.push(without_nul(field), value);
                    }
                }
            }
        }
        wish.how = (!how.is_empty()).then_some(how);
        wish
    }

    /// The address that says it.
    pub fn path(&self) -> String {
        let mut query = Serializer::new(String::new());
        for side in SIDES {
            let end = self.ends.get(side);
            query.append_pair(word(side), &end.partner);
            if let Some(account) = end.account {
                query.append_pair(&format!("{}_account", word(side)), &account.to_string());
            }
            for (field, value) in end.form.pairs() {
                query.append_pair(&format!("{}.{field}", word(side)), value);
            }
        }
        if let Some(team) = self.team {
            query.append_pair("team", &team.to_string());
        }
        for (name, value) in self.how.iter().flat_map(FormInput::pairs) {
            query.append_pair(name, value);
        }
        if let Some(step) = self.at {
            query.append_pair("at", step.word());
        }
        format!("{START}?{}", query.finish())
    }

    /// The address of a step, with all that was chosen.
    pub fn path_at(&self, step: Step) -> String {
        Self { at: Some(step), ..self.clone() }.path()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_says_what_was_chosen() {
        let query = "left=forge&right=desk&team=01990000-0000-7000-8000-000000000000&left.place=acme%2Fwidgets\
                     &right_account=01990000-0000-7000-8000-000000000001&creates=left&comments=on&at=how";
        let wish = Wish::read(query);
        assert_eq!(wish.ends.left.partner, "forge");
        assert_eq!(wish.ends.left.form.one("place"), "acme/widgets");
        assert!(wish.team.is_some() && wish.ends.right.account.is_some() && wish.ends.left.account.is_none());
        assert_eq!(wish.at, Some(Step::How));
        let again = Wish::read(wish.path().split_once('?').unwrap().1);
        assert_eq!(again.path(), wish.path());
        assert_eq!(again.how.unwrap().one("comments"), "on");
    }

    #[test]
    fn what_is_no_choice_is_none() {
        let wish = Wish::read("team=x&at=nowhere&left_account=1&middle=x&left.=x&.x=y&x.y=z&other=1&left=a%00b");
        assert!(wish.team.is_none() && wish.at.is_none() && wish.how.is_none());
        assert!(wish.ends.left.account.is_none() && wish.ends.left.form.is_empty());
        assert!(!wish.ends.left.partner.contains('\0'));
        assert_eq!(Wish::default().path(), "/mirrors/new?left=&right=");
    }
}
