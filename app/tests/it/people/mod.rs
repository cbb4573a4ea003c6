//! People: signing up and in, forms that only our pages can send, who may see and do what, organizations, teams,
//! invitations.

mod access;
mod audit;
mod deletion;
mod forms;
mod invitations;
mod log_in;
mod organizations;
mod password;
mod retention;
mod sessions;
mod sign_up;
mod team_deletion;
mod teams;

use sea_orm::{ConnectionTrait, EntityTrait, PaginatorTrait};

use crate::harness::{TestApp, TwoOrganizations};

/// A route of this room with its ids filled in, and what a plain member of the organization and the team gets for it.
struct Route {
    method: &'static str,
    path: String,
    /// 200, 303, 403 or 422.
    for_member: u16,
}

/// Every route that is about an organization or a team of ada's.
async fn routes_of(two: &TwoOrganizations) -> Vec<Route> {
    let ada = two.app.member("ada@example.com", two.acme).await.user;
    let invitation = open_invitation(two).await;
    let (acme, product) = (two.acme, two.product);
    let route = |method, path: String, for_member| Route { method, path, for_member };
    vec![
        route("GET", format!("/organizations/{acme}/settings"), 200),
        route("POST", format!("/organizations/{acme}/settings"), 403),
        route("GET", format!("/organizations/{acme}/invitations"), 303),
        route("POST", format!("/organizations/{acme}/invitations"), 403),
        route("POST", format!("/organizations/{acme}/invitations/{invitation}/revoke"), 403),
        route("POST", format!("/organizations/{acme}/members/{ada}/role"), 403),
        route("POST", format!("/organizations/{acme}/members/{ada}/remove"), 403),
        route("GET", format!("/organizations/{acme}/audit"), 403),
        route("GET", format!("/organizations/{acme}/audit/export.csv"), 403),
        route("GET", format!("/organizations/{acme}/audit/export.json"), 403),
        route("GET", format!("/organizations/{acme}/retention"), 403),
        route("POST", format!("/organizations/{acme}/retention"), 403),
        route("GET", format!("/organizations/{acme}/delete"), 403),
        route("POST", format!("/organizations/{acme}/delete"), 403),
        route("GET", format!("/teams/{product}/settings"), 200),
        route("POST", format!("/teams/{product}/settings"), 403),
        route("GET", format!("/teams/{product}/members"), 303),
        route("POST", format!("/teams/{product}/members"), 403),
        route("POST", format!("/teams/{product}/members/{ada}/remove"), 403),
        route("GET", format!("/teams/{product}/delete"), 303),
        route("POST", format!("/teams/{product}/delete"), 403),
        // Last, because they end what the others need.
        route("POST", format!("/teams/{product}/leave"), 303),
        route("POST", format!("/organizations/{acme}/leave"), 303),
    ]
}

/// The routes that are about nobody in particular, and the signed-in person's own.
const PLAIN: &[(&str, &str)] = &[
    ("GET", "/login"),
    ("POST", "/login"),
    ("POST", "/logout"),
    ("GET", "/password/forgotten"),
    ("POST", "/password/forgotten"),
    ("GET", "/password/asked"),
    ("GET", "/password/new/x"),
    ("POST", "/password/new/x"),
    ("GET", "/signup"),
    ("POST", "/signup"),
    ("GET", "/settings"),
    ("POST", "/settings"),
    ("GET", "/settings/password"),
    ("POST", "/settings/password"),
    ("POST", "/settings/sessions/00/end"),
    ("POST", "/settings/sessions/end-others"),
    ("GET", "/receipts/01990000-0000-7000-8000-000000000000"),
    ("POST", "/settings/accounts/01990000-0000-7000-8000-000000000000/disconnect"),
    ("GET", "/organizations"),
    ("GET", "/organizations/new"),
    ("POST", "/organizations/new"),
    ("POST", "/organizations/current"),
    ("GET", "/teams/new"),
    ("POST", "/teams/new"),
    ("GET", "/invitations/x"),
    ("POST", "/invitations/x"),
];

/// Fields with which each of the routes would do something, if it may.
const FIELDS: &[(&str, &str)] = &[
    ("name", "Renamed"),
    ("time_zone", "UTC"),
    ("role", "member"),
    ("organization", "Another"),
    ("email", "new@example.com"),
    ("password", "patchbay-2"),
    ("current", "patchbay"),
];

/// An open invitation of Acme.
pub async fn open_invitation(two: &TwoOrganizations) -> patchbay::db::InvitationId {
    use patchbay::{
        core::invitations::{self, NewInvitation},
        db::entity::member::Role,
    };
    let ada = two.app.member("ada@example.com", two.acme).await;
    invitations::invite(&two.app.core, &ada, NewInvitation { role: Role::Member, team: None }).await.unwrap();
    invitations::list(&two.app.core, &ada).await.unwrap()[0].id
}

/// All rows of this room, to see that something was or was not changed.
async fn all_rows(app: &TestApp) -> Vec<String> {
    use patchbay::db::entity::{invitation, member, organization, password_link, session, team, team_member, user};
    let db = app.database.db.reader();
    let mut rows = Vec::new();
    rows.extend(user::Entity::find().all(db).await.unwrap().iter().map(|row| format!("{row:?}")));
    rows.extend(organization::Entity::find().all(db).await.unwrap().iter().map(|row| format!("{row:?}")));
    rows.extend(member::Entity::find().all(db).await.unwrap().iter().map(|row| format!("{row:?}")));
    rows.extend(team::Entity::find().all(db).await.unwrap().iter().map(|row| format!("{row:?}")));
    rows.extend(team_member::Entity::find().all(db).await.unwrap().iter().map(|row| format!("{row:?}")));
    rows.extend(invitation::Entity::find().all(db).await.unwrap().iter().map(|row| format!("{row:?}")));
    rows.extend(password_link::Entity::find().all(db).await.unwrap().iter().map(|row| format!("{row:?}")));
    rows.push(format!("{} sessions", session::Entity::find().count(db).await.unwrap()));
    rows.sort();
    rows
}

async fn count<E: EntityTrait>(db: &impl ConnectionTrait) -> u64
where
    E::Model: Sync,
{
    E::find().count(db).await.unwrap()
}
