//! `/organizations/{organization}/settings`: its name, members, teams, open invitations, and where partners are
//! installed.
//!
//! Every member sees who belongs to it; admins and owners also see the controls.

use std::collections::HashMap;

use askama::Template;
use axum::{
    extract::{RawQuery, State},
    response::{IntoResponse, Redirect, Response},
};
use http::StatusCode;
use integration_contract::{ExposeSecret, FieldErrors, FormInput, SecretString};

use crate::{
    core::{
        self, Core, deletions,
        departures::{self, Ties},
        invitations::{self, NewInvitation, OpenInvitation},
        organizations,
        partners::our_url,
        people::{Member, Membership},
        retention::{Keeping, in_words},
        teams,
    },
    db::{
        InvitationId, OrganizationId, UserId,
        entity::{member::Role, team, user},
    },
    web::{
        Result,
        extract::{Form, Path, SignedIn},
        page::{Page, Tone, draw},
        routes::{integrations::Installation, links::undone_lines},
    },
};

#[derive(Template)]
#[template(path = "organizations/settings.html")]
struct SettingsPage {
    page: Page,
    membership: Membership,
    member: Member,
    /// What stands in the name's field.
    typed_name: String,
    members: Vec<(user::Model, Role)>,
    /// What ties them to partners.
    ties: HashMap<UserId, Ties>,
    teams: Vec<team::Model>,
    /// Those that were deleted lately.
    deleted_teams: Vec<deletions::team::Receipt>,
    invitations: Vec<OpenInvitation>,
    installations: Vec<Installation>,
    may_disconnect: bool,
    /// The address of the invitation made just now.
    made: Option<String>,
    /// What stands in the fields of an invitation.
    inviting: Inviting,
    errors: FieldErrors,
}

impl SettingsPage {
    fn base(&self) -> String {
        format!("/organizations/{}", self.member.organization)
    }

    fn is_owner(&self) -> bool {
        self.member.role == Role::Owner
    }

    /// For how long messages and entries are kept.
    fn kept(&self) -> (String, String) {
        let keeping = Keeping::of(&self.membership.organization);
        (in_words(Some(keeping.messages)), in_words(keeping.entries))
    }

    /// The roles this member may give to somebody who has `now`.
    fn roles_for(&self, now: &Role) -> Vec<Role> {
        if !self.member.is_admin() || !now.is_within(self.member.role) {
            return Vec::new();
        }
        self.roles()
    }

    /// The roles this member may give.
    fn roles(&self) -> Vec<Role> {
        Role::ALL.into_iter().filter(|role| role.is_within(self.member.role)).collect()
    }

    /// What is said before a member is removed.
    fn removal_of(&self, user: &UserId) -> String {
        let severed = self.ties.get(user).map(|ties| severed(ties, "Their")).unwrap_or_default();
        format!("They leave the organization and its teams. What they wrote stays.{severed}")
    }

    /// What became of what a deleted team had at partners, a sentence each.
    fn undone(&self, receipt: &deletions::team::Receipt) -> Vec<String> {
        undone_lines(receipt.undone.clone())
    }

    /// The last owner can't leave.
    fn may_leave(&self) -> bool {
        !self.is_owner() || self.members.iter().filter(|(_, role)| *role == Role::Owner).count() > 1
    }
}

/// What becomes of what ties somebody to partners, each sentence after a space; `whose` is "Their" or "Your".
fn severed(ties: &Ties, whose: &str) -> String {
    let mut said = String::new();
    let partners: Vec<&str> = ties.partners.iter().map(String::as_str).collect();
    said += &match &partners[..] {
        [] => String::new(),
        [one] => format!(" {whose} account at {one} is disconnected."),
        [several @ .., last] => format!(" {whose} accounts at {} and {last} are disconnected.", several.join(", ")),
    };
    said += &match ties.acting {
        0 => String::new(),
        1 => " One link of a team acts with that: it waits, and keeps what comes, until an admin takes it over."
            .to_owned(),
        many => format!(
            " {many} links of teams act with that: they wait, and keep what comes, until an admin takes them over."
        ),
    };
    said += &match ties.own {
        0 => String::new(),
        1 => format!(" {whose} own link is removed."),
        many => format!(" {whose} {many} own links are removed."),
    };
    said
}

/// What a settings page shows besides what is in the database.
#[derive(Default)]
struct Shown {
    name: Option<String>,
    made: Option<String>,
    inviting: Inviting,
    errors: FieldErrors,
}

/// An invitation that is not made yet, as it is typed.
#[derive(Default)]
struct Inviting {
    role: String,
    team: String,
}

impl Inviting {
    fn read(input: &FormInput) -> Self {
        Self { role: input.one("role").to_owned(), team: input.one("team").to_owned() }
    }

    fn chose_team(&self, team: &team::Model) -> bool {
        self.team == team.id.to_string()
    }
}

/// `GET /organizations/{organization}/settings`; `?team=` chooses the team of an invitation, for a team's page.
pub async fn show(
    State(core): State<Core>,
    who: SignedIn,
    Path(id): Path<OrganizationId>,
    RawQuery(query): RawQuery,
) -> Result<Response> {
    let asked = url::form_urlencoded::parse(query.as_deref().unwrap_or_default().as_bytes()).collect();
    let shown = Shown { inviting: Inviting::read(&asked), ..Shown::default() };
    draw_settings(&core, &who, id, StatusCode::OK, shown).await
}

/// `GET /organizations/{organization}/invitations`: where a reload of the page that showed a link leads.
pub async fn back(who: SignedIn, Path(id): Path<OrganizationId>) -> Result<Redirect> {
    who.person.member_of(id)?;
    Ok(to_settings(id))
}

/// `POST /organizations/{organization}/settings`
pub async fn rename(
    State(core): State<Core>,
    who: SignedIn,
    Path(id): Path<OrganizationId>,
    Form(input): Form,
) -> Result<Response> {
    let member = who.person.member_of(id)?;
    let name = input.one("name");
    match organizations::rename(&core, &member, name).await {
        Ok(()) => {
            who.flash(Tone::Good, "The name is changed.").await?;
            Ok(to_settings(id).into_response())
        }
        Err(core::Error::Invalid(errors)) => {
            let shown = Shown { name: Some(name.to_owned()), errors, ..Shown::default() };
            draw_settings(&core, &who, id, StatusCode::UNPROCESSABLE_ENTITY, shown).await
        }
        Err(error) => Err(error.into()),
    }
}

/// `POST /organizations/{organization}/members/{user}/role`
pub async fn change_role(
    State(core): State<Core>,
    who: SignedIn,
    Path((id, user)): Path<(OrganizationId, UserId)>,
    Form(input): Form,
) -> Result<Redirect> {
    let member = who.person.member_of(id)?;
    organizations::change_role(&core, &member, user, role_in(input.one("role"))?).await?;
    who.flash(Tone::Good, "The role is changed.").await?;
    Ok(to_settings(id))
}

/// `POST /organizations/{organization}/members/{user}/remove`
pub async fn remove_member(
    State(core): State<Core>,
    who: SignedIn,
    Path((id, user)): Path<(OrganizationId, UserId)>,
    _form: Form,
) -> Result<Redirect> {
    let member = who.person.member_of(id)?;
    let ties = organizations::remove_member(&core, &member, user).await?;
    who.flash(Tone::Good, format!("They are no longer a member.{}", severed(&ties, "Their"))).await?;
    Ok(to_settings(id))
}

/// `POST /organizations/{organization}/leave`
pub async fn leave(
    State(core): State<Core>,
    who: SignedIn,
    Path(id): Path<OrganizationId>,
    _form: Form,
) -> Result<Redirect> {
    let member = who.person.member_of(id)?;
    let ties = organizations::leave(&core, &member).await?;
    who.flash(Tone::Good, format!("You left the organization.{}", severed(&ties, "Your"))).await?;
    Ok(Redirect::to("/organizations"))
}

/// `POST /organizations/{organization}/invitations`
///
/// Answers with the page itself instead of a redirect: the link is shown once, and kept nowhere it could be read from.
pub async fn invite(
    State(core): State<Core>,
    who: SignedIn,
    Path(id): Path<OrganizationId>,
    Form(input): Form,
) -> Result<Response> {
    let member = who.person.member_of(id)?;
    let team = match input.one("team") {
        "" => Ok(None),
        text => text.parse().map(Some).map_err(|_| core::Error::field("team", "Choose a team of the organization.")),
    };
    let made = match (role_in(input.one("role")), team) {
        (Ok(role), Ok(team)) => invitations::invite(&core, &member, NewInvitation { role, team }).await,
        (Err(error), _) | (_, Err(error)) => Err(error),
    };
    let (status, shown) = match made {
        Ok(token) => (StatusCode::OK, Shown { made: Some(address_of(&core, &token)), ..Shown::default() }),
        Err(core::Error::Invalid(errors)) => {
            let shown = Shown { errors, inviting: Inviting::read(&input), ..Shown::default() };
            (StatusCode::UNPROCESSABLE_ENTITY, shown)
        }
        Err(error) => return Err(error.into()),
    };
    draw_settings(&core, &who, id, status, shown).await
}

/// `POST /organizations/{organization}/invitations/{invitation}/revoke`
pub async fn revoke(
    State(core): State<Core>,
    who: SignedIn,
    Path((id, invitation)): Path<(OrganizationId, InvitationId)>,
    _form: Form,
) -> Result<Redirect> {
    let member = who.person.member_of(id)?;
    invitations::revoke(&core, &member, invitation).await?;
    who.flash(Tone::Good, "The invitation counts no longer.").await?;
    Ok(to_settings(id))
}

async fn draw_settings(
    core: &Core,
    who: &SignedIn,
    id: OrganizationId,
    status: StatusCode,
    shown: Shown,
) -> Result<Response> {
    let member = who.person.member_of(id)?;
    let membership = who.person.memberships.iter().find(|membership| membership.organization.id == id);
    let membership = membership.cloned().ok_or(core::Error::NotFound)?;
    let invitations = if member.is_admin() { invitations::list(core, &member).await? } else { Vec::new() };
    let deleted_teams = if member.is_admin() { deletions::team::receipts(core, &member).await? } else { Vec::new() };
    let page = SettingsPage {
        deleted_teams,
        page: who.page_of(&format!("Settings of {}", membership.organization.name), id).await?,
        typed_name: shown.name.unwrap_or_else(|| membership.organization.name.clone()),
        membership,
        installations: Installation::all(core, member.organization).await?,
        may_disconnect: member.is_admin(),
        member,
        ties: if member.is_admin() { departures::ties(core, &member).await? } else { HashMap::new() },
        members: organizations::members(core, &member).await?,
        teams: teams::visible(core, &member).await?,
        invitations,
        made: shown.made,
        inviting: shown.inviting,
        errors: shown.errors,
    };
    draw(status, &page)
}

fn to_settings(id: OrganizationId) -> Redirect {
    Redirect::to(&format!("/organizations/{id}/settings"))
}

fn role_in(word: &str) -> core::Result<Role> {
    Role::named(word).ok_or_else(|| core::Error::field("role", "Choose a role from the list."))
}

fn address_of(core: &Core, token: &SecretString) -> String {
    our_url(&core.site.public_url, &format!("invitations/{}", token.expose_secret())).into()
}
