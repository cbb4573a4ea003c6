//! The next step: what mends an account, a link or a mirror, and who may do it. One for each state, and none for what works.
//!
//! Pure functions of the state. The sentence of a reason is for people; nothing here reads it.

use crate::db::{
    UserId,
    entity::{
        integration_link::{LinkState, Remedy},
        integration_user::AccountState,
        mirror::MirrorState,
    },
};

/// What is to be done, and by whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NextStep {
    /// What.
    pub deed: Deed,
    /// By whom.
    pub by: By,
}

/// What mends it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// The account is connected again at its partner.
    Reconnect,
    /// The same, for a permission that is missing.
    Grant,
    /// It goes on with the account of who presses the button, as whoever had connected its own is gone.
    TakeOver,
    /// Somebody does at the partner what the reason says, such as inviting our app, and then it is tried again.
    Join,
    /// A person's pause ends.
    Resume,
    /// It is tried again.
    TryAgain,
    /// An account is connected and nothing was made with it yet.
    FinishSetUp,
}

/// Who may do it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// Who looks.
    You,
    /// Only this user: it is their account, or their own link.
    User(UserId),
    /// Admins of the team.
    Admins,
    /// Whoever operates the installation.
    Operator,
}

/// The account that a link acts with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Acting {
    /// Whose it is.
    pub whose: Whose,
    /// How it fares.
    pub fares: Fares,
}

/// Whose an account is, seen by who looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    /// Theirs.
    Own,
    /// The organization's: an installation.
    Everybodys,
    /// Somebody else's.
    Of(UserId),
    /// Nobody's any more.
    Nobodys,
}

/// How an account fares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fares {
    /// It works, as far as we know.
    Works,
    /// It is there for setting links up and nothing else, and its token has ended.
    Over,
    /// The partner takes it no longer.
    Broken,
}

/// Who looks at a link or a mirror.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Looks {
    /// Somebody who may change it.
    Manager,
    /// Somebody who may only see it; it is this user's own.
    AtUsers(UserId),
    /// The same; it is a team's.
    AtTeams,
}

impl Looks {
    fn by(self) -> By {
        match self {
            Self::Manager => By::You,
            Self::AtUsers(user) => By::User(user),
            Self::AtTeams => By::Admins,
        }
    }
}

/// What a link's state calls for.
pub fn of_link(state: LinkState, remedy: Option<Remedy>, acting: Option<Acting>, looks: Looks) -> Option<NextStep> {
    let account_broken = acting.is_some_and(|acting| acting.fares == Fares::Broken);
    let mends_account = match acting {
        Some(Acting { whose: Whose::Nobodys, .. }) => Deed::TakeOver,
        _ => Deed::Reconnect,
    };
    let deed = match state {
        LinkState::Paused => Deed::Resume,
        // It has not noticed yet that its account is broken.
        LinkState::Active if account_broken => mends_account,
        LinkState::Pending | LinkState::Active | LinkState::Removing | LinkState::Removed => return None,
        LinkState::Broken if account_broken => mends_account,
        LinkState::Broken => match (remedy, acting.map(|acting| acting.fares)) {
            (Some(Remedy::Grant), Some(_)) => Deed::Grant,
            (Some(Remedy::Reconnect), Some(Fares::Over)) => Deed::Reconnect,
            (Some(Remedy::Join), _) => Deed::Join,
            (Some(Remedy::Operator), _) => return Some(NextStep { deed: Deed::TryAgain, by: By::Operator }),
            _ => Deed::TryAgain,
        },
    };
    let by = match (deed, acting.map(|acting| acting.whose)) {
        (Deed::Reconnect | Deed::Grant, Some(Whose::Own)) => By::You,
        (Deed::Reconnect | Deed::Grant, Some(Whose::Of(user))) => By::User(user),
        // Whoever connects an installation again does so for everybody.
        _ => looks.by(),
    };
    Some(NextStep { deed, by })
}

/// What the state of a person's own account, or of the organization's installation, calls for. `links` is whether any acts
/// with it; `may_link` whether one could.
pub fn of_account(state: AccountState, links: bool, may_link: bool) -> Option<NextStep> {
    let deed = match state {
        AccountState::Broken => Deed::Reconnect,
        AccountState::Connected if may_link && !links => Deed::FinishSetUp,
        AccountState::Connected | AccountState::Leaving => return None,
    };
    Some(NextStep { deed, by: By::You })
}

/// What a mirror's own state calls for; what its links call for stands with them. `whole` is whether both are there.
pub fn of_mirror(state: MirrorState, whole: bool, looks: Looks) -> Option<NextStep> {
    let deed = match state {
        MirrorState::Paused if whole => Deed::Resume,
        MirrorState::Broken if whole => Deed::TryAgain,
        // Without one of its links it can only be removed.
        _ => return None,
    };
    Some(NextStep { deed, by: looks.by() })
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORKS: Fares = Fares::Works;

    fn acting(whose: Whose, fares: Fares) -> Option<Acting> {
        Some(Acting { whose, fares })
    }

    #[test]
    fn each_state_of_a_link_has_one_step_that_fits_its_reason() {
        use Deed::{Grant, Join, Reconnect, Resume, TakeOver, TryAgain};
        use LinkState::{Active, Broken, Paused, Pending, Removed, Removing};
        let bob = UserId::new();
        let own = |fares| acting(Whose::Own, fares);
        let bobs = |fares| acting(Whose::Of(bob), fares);
        let app = |fares| acting(Whose::Everybodys, fares);
        let manager = Looks::Manager;
        for (state, remedy, acting, looks, expected) in [
            // What works, or is on its way, calls for nothing.
            (Active, None, own(WORKS), manager, None),
            (Active, Some(Remedy::Join), None, manager, None),
            (Pending, None, own(Fares::Broken), manager, None),
            (Removing, None, None, manager, None),
            (Removed, Some(Remedy::Reconnect), None, manager, None),
            // Its account: only whose it is can connect it, whoever may change the link.
            (Active, None, own(Fares::Broken), manager, Some((Reconnect, By::You))),
            (Broken, Some(Remedy::Reconnect), own(Fares::Broken), Looks::AtTeams, Some((Reconnect, By::You))),
            (Broken, Some(Remedy::Join), bobs(Fares::Broken), manager, Some((Reconnect, By::User(bob)))),
            (Broken, None, app(Fares::Broken), manager, Some((Reconnect, By::You))),
            (Broken, None, app(Fares::Broken), Looks::AtTeams, Some((Reconnect, By::Admins))),
            (Broken, None, acting(Whose::Nobodys, Fares::Broken), manager, Some((TakeOver, By::You))),
            (Active, None, acting(Whose::Nobodys, Fares::Broken), manager, Some((TakeOver, By::You))),
            (Broken, None, acting(Whose::Nobodys, Fares::Broken), Looks::AtTeams, Some((TakeOver, By::Admins))),
            // It does without one.
            (Active, None, acting(Whose::Nobodys, Fares::Over), manager, None),
            (Broken, Some(Remedy::Reconnect), own(Fares::Over), manager, Some((Reconnect, By::You))),
            // It was connected again meanwhile.
            (Broken, Some(Remedy::Reconnect), own(WORKS), manager, Some((TryAgain, By::You))),
            // A permission.
            (Broken, Some(Remedy::Grant), own(WORKS), manager, Some((Grant, By::You))),
            (Broken, Some(Remedy::Grant), bobs(WORKS), manager, Some((Grant, By::User(bob)))),
            (Broken, Some(Remedy::Grant), app(WORKS), Looks::AtTeams, Some((Grant, By::Admins))),
            (Broken, Some(Remedy::Grant), None, manager, Some((TryAgain, By::You))),
            // The far end.
            (Broken, Some(Remedy::Join), bobs(WORKS), manager, Some((Join, By::You))),
            (Broken, Some(Remedy::Join), own(WORKS), Looks::AtTeams, Some((Join, By::Admins))),
            (Broken, Some(Remedy::Operator), own(WORKS), manager, Some((TryAgain, By::Operator))),
            (Broken, None, own(WORKS), manager, Some((TryAgain, By::You))),
            (Broken, None, None, Looks::AtUsers(bob), Some((TryAgain, By::User(bob)))),
            // A pause is a person's wish, whatever else there is.
            (Paused, None, own(WORKS), manager, Some((Resume, By::You))),
            (Paused, Some(Remedy::Join), own(Fares::Broken), manager, Some((Resume, By::You))),
            (Paused, None, None, Looks::AtTeams, Some((Resume, By::Admins))),
        ] {
            let expected = expected.map(|(deed, by)| NextStep { deed, by });
            assert_eq!(of_link(state, remedy, acting, looks), expected, "{state:?} {remedy:?} {acting:?} {looks:?}");
        }
    }

    #[test]
    fn each_state_of_an_account_and_of_a_mirror_has_one_step() {
        use AccountState::{Broken, Connected, Leaving};
        for (state, links, may_link, expected) in [
            (Connected, true, true, None),
            (Connected, false, true, Some(Deed::FinishSetUp)),
            (Connected, false, false, None),
            (Broken, true, true, Some(Deed::Reconnect)),
            (Broken, false, false, Some(Deed::Reconnect)),
            (Leaving, false, true, None),
        ] {
            let found = of_account(state, links, may_link).map(|step| step.deed);
            assert_eq!(found, expected, "{state:?} {links} {may_link}");
        }
        for (state, whole, expected) in [
            (MirrorState::Active, true, None),
            (MirrorState::Paused, true, Some(Deed::Resume)),
            (MirrorState::Broken, true, Some(Deed::TryAgain)),
            (MirrorState::Broken, false, None),
            (MirrorState::Removed, true, None),
        ] {
            assert_eq!(of_mirror(state, whole, Looks::Manager).map(|step| step.deed), expected, "{state:?} {whole}");
        }
        let step = of_mirror(MirrorState::Paused, true, Looks::AtTeams);
        assert_eq!(step.map(|step| step.by), Some(By::Admins));
    }
}
