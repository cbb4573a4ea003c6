//! Invitations: a link counts once, for a week, and only while whoever made it could still give that role.

use std::time::Duration;

use integration_contract::{ExposeSecret, SecretString};
use patchbay::{
    core::{
        Error,
        invitations::{self, NewInvitation},
        organizations,
    },
    db::entity::{invitation, member, member::Role},
};
use sea_orm::EntityTrait;

use super::{all_rows, count};
use crate::harness::{Client, PASSWORD, TestApp, TestDatabase, TwoOrganizations, between, on_both_databases};

const A_DAY: Duration = Duration::from_secs(24 * 3600);

/// Makes a link as an admin does, on the page, and gives its path.
async fn link_by(client: &Client, two: &TwoOrganizations, role: &str, team: bool) -> String {
    let team = if team { two.product.to_string() } else { String::new() };
    let path = format!("/organizations/{}/invitations", two.acme);
    let answer = client.post_form(&path, &[("role", role), ("team", &team)]).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let link = between(&answer.text, "id=\"invitation-link\">", "<").expect("the link is on the page");
    let path = link.strip_prefix(&format!("http://{}", two.app.address)).expect("the link leads here");
    path.to_owned()
}

async fn a_teams_page_leads_to_an_invitation_into_it(test: TestDatabase) {
    let two = TestApp::two_organizations(test).await;
    let settings = two.ada.get(&format!("/teams/{}/settings", two.product)).await.text;
    assert!(settings.contains("ada@example.com</bdi> · owner") && settings.contains("bob@example.com</bdi> · member"));
    let main = settings.split("id=\"main\"").nth(1).unwrap();
    let form = between(main, "href=\"/organizations/", "\">Invite somebody").expect("the way is on the page");
    let form = two.ada.get(&format!("/organizations/{}", form.split('#').next().unwrap())).await.text;
    let chosen = format!("<option value=\"{}\" selected>Product", two.product);
    assert!(form.contains(&chosen), "{form}");

    let fields = [("role", "emperor"), ("team", &two.product.to_string())];
    let again = two.ada.post_form(&format!("/organizations/{}/invitations", two.acme), &fields).await;
    assert_eq!(again.status, 422);
    assert!(again.text.contains(&chosen), "what was chosen is lost");

    let of_bob = two.bob.get(&format!("/teams/{}/settings", two.product)).await.text;
    assert!(of_bob.contains("ada@example.com</bdi> · owner") && !of_bob.contains("Invite somebody"));
    two.app.finish().await;
}

async fn a_link_leads_over_sign_up_into_the_team(test: TestDatabase) {
    let two = TestApp::two_organizations(test).await;
    let link = link_by(&two.ada, &two, "admin", true).await;
    let before = all_rows(&two.app).await;
    let carol = two.app.visitor();

    let page = carol.get(&link).await;
    assert_eq!(page.status, 200);
    for shown in ["Acme", "Ada", "admin", "Product"] {
        assert!(page.text.contains(shown), "{shown} is missing");
    }
    assert!(!page.text.contains("ada@example.com"));
    assert_eq!(all_rows(&two.app).await, before, "reading changed something");

    let sign_up = between(&page.text, "class=\"button button-primary\" href=\"/signup", "\"").unwrap();
    assert!(page.text.contains(&format!("<a href=\"/login{sign_up}\">")), "the log-in at the top forgets it");
    let form = carol.get(&format!("/signup{sign_up}")).await;
    let next = between(&form.text, "name=\"next\" value=\"", "\"").unwrap().to_owned();
    assert_eq!(next, link);
    let fields = [("email", "carol@example.com"), ("name", "Carol"), ("password", PASSWORD), ("next", &next)];
    let answer = carol.post_form("/signup", &fields).await;
    assert_eq!((answer.status, answer.location()), (303, link.as_str()));

    assert!(carol.get(&link).await.text.contains("Accept the invitation"));
    let answer = carol.post_form(&link, &[]).await;
    assert_eq!((answer.status, answer.location()), (303, format!("/teams/{}", two.product).as_str()));
    assert_eq!(two.app.member("carol@example.com", two.acme).await.role, Role::Admin);
    assert_eq!(carol.get(&format!("/teams/{}/settings", two.product)).await.status, 200);
    two.app.finish().await;
}

async fn a_link_counts_once(test: TestDatabase) {
    let two = TestApp::two_organizations(test).await;
    let link = link_by(&two.ada, &two, "member", false).await;
    assert_eq!(two.eve.post_form(&link, &[]).await.status, 303);
    two.app.user("carol@example.com", "Carol").await;
    let carol = two.app.log_in("carol@example.com").await;

    let unknown = carol.get("/invitations/nonsense").await;
    for answer in [carol.get(&link).await, carol.post_form(&link, &[]).await, two.eve.post_form(&link, &[]).await] {
        assert_eq!(answer.status, 404);
        assert!(answer.text.contains("This invitation does not count"));
    }
    assert_eq!(carol.get(&link).await.body_alike(), unknown.body_alike(), "a guesser could tell used from unknown");
    assert_eq!(count::<member::Entity>(two.app.database.db.reader()).await, 4);
    two.app.finish().await;
}

async fn of_many_who_accept_at_once_one_comes_in(test: TestDatabase) {
    let two = TestApp::two_organizations(test).await;
    let ada = two.app.member("ada@example.com", two.acme).await;
    let new = NewInvitation { role: Role::Member, team: Some(two.product) };
    let token = invitations::invite(&two.app.core, &ada, new).await.unwrap();
    let mut users = Vec::new();
    for n in 0..6 {
        users.push(two.app.user(&format!("user{n}@example.com"), "User").await.id);
    }
    let accepts = users.iter().map(|user| invitations::accept(&two.app.core, *user, &token));
    let accepted = futures::future::join_all(accepts).await;
    assert_eq!(accepted.iter().filter(|accepted| accepted.is_ok()).count(), 1);
    assert!(accepted.iter().all(|accepted| matches!(accepted, Ok(_) | Err(Error::NotFound))), "{accepted:?}");
    assert_eq!(count::<member::Entity>(two.app.database.db.reader()).await, 4);
    two.app.finish().await;
}

async fn a_link_counts_for_a_week(test: TestDatabase) {
    let two = TestApp::two_organizations(test).await;
    let ada = two.app.member("ada@example.com", two.acme).await;
    let core = &two.app.core;
    let token = invitations::invite(core, &ada, NewInvitation { role: Role::Member, team: None }).await.unwrap();
    two.app.clock.advance(A_DAY * 7 - Duration::from_secs(1));
    assert!(invitations::look(core, &token).await.is_ok());
    assert_eq!(invitations::list(core, &ada).await.unwrap().len(), 1);
    two.app.clock.advance(Duration::from_secs(1));
    assert!(matches!(invitations::look(core, &token).await, Err(Error::NotFound)));
    let eve = two.app.member("eve@example.com", two.umbra).await.user;
    assert!(matches!(invitations::accept(core, eve, &token).await, Err(Error::NotFound)));
    assert!(invitations::list(core, &ada).await.unwrap().is_empty());
    two.app.finish().await;
}

async fn a_revoked_link_counts_no_longer(test: TestDatabase) {
    let two = TestApp::two_organizations(test).await;
    let link = link_by(&two.ada, &two, "member", true).await;
    let settings = two.ada.get(&format!("/organizations/{}/settings", two.acme)).await.text;
    assert!(!settings.contains(&link), "the link is shown a second time");
    let revoke = between(&settings, "/invitations/", "/revoke").unwrap();
    let revoke = format!("/organizations/{}/invitations/{revoke}/revoke", two.acme);
    assert_eq!(two.ada.post_form(&revoke, &[]).await.status, 303);
    assert_eq!(two.ada.post_form(&revoke, &[]).await.status, 404, "twice");
    assert_eq!(two.eve.post_form(&link, &[]).await.status, 404);
    two.app.finish().await;
}

async fn a_link_counts_only_while_its_maker_could_give_the_role(test: TestDatabase) {
    let two = TestApp::two_organizations(test).await;
    let core = &two.app.core;
    let ada = two.app.member("ada@example.com", two.acme).await;
    let bob = two.app.member("bob@example.com", two.acme).await;
    let eve = two.app.member("eve@example.com", two.umbra).await.user;
    organizations::change_role(core, &ada, bob.user, Role::Owner).await.unwrap();
    let bob = two.app.member("bob@example.com", two.acme).await;
    let as_owner = invitations::invite(core, &bob, NewInvitation { role: Role::Owner, team: None }).await.unwrap();
    let as_member = invitations::invite(core, &bob, NewInvitation { role: Role::Member, team: None }).await.unwrap();

    organizations::change_role(core, &ada, bob.user, Role::Admin).await.unwrap();
    assert!(matches!(invitations::accept(core, eve, &as_owner).await, Err(Error::NotFound)));
    assert!(invitations::look(core, &as_member).await.is_ok());
    organizations::remove_member(core, &ada, bob.user).await.unwrap();
    assert!(matches!(invitations::accept(core, eve, &as_member).await, Err(Error::NotFound)));
    two.app.finish().await;
}

async fn a_role_above_ones_own_can_not_be_given(test: TestDatabase) {
    let two = TestApp::two_organizations(test).await;
    let core = &two.app.core;
    let ada = two.app.member("ada@example.com", two.acme).await;
    let bob = two.app.member("bob@example.com", two.acme).await;
    let owner = NewInvitation { role: Role::Owner, team: None };
    assert!(matches!(invitations::invite(core, &bob, owner).await, Err(Error::Forbidden(_))));
    organizations::change_role(core, &ada, bob.user, Role::Admin).await.unwrap();
    let bob = two.app.member("bob@example.com", two.acme).await;
    assert!(matches!(invitations::invite(core, &bob, owner).await, Err(Error::Forbidden(_))));
    assert!(invitations::invite(core, &bob, NewInvitation { role: Role::Admin, team: None }).await.is_ok());
    // A caller who claims more than the table says.
    let liar = patchbay::core::people::Member { role: Role::Owner, ..bob };
    assert!(matches!(invitations::invite(core, &liar, owner).await, Err(Error::Forbidden(_))));
    two.app.finish().await;
}

async fn a_member_who_accepts_keeps_their_role_and_leaves_the_link_for_another(test: TestDatabase) {
    let two = TestApp::two_organizations(test).await;
    let link = link_by(&two.ada, &two, "admin", true).await;
    let answer = two.bob.post_form(&link, &[]).await;
    assert_eq!(answer.status, 303);
    assert_eq!(two.app.member("bob@example.com", two.acme).await.role, Role::Member);
    assert_eq!(two.eve.post_form(&link, &[]).await.status, 303, "it was left for whom it was meant");
    assert_eq!(two.app.member("eve@example.com", two.acme).await.role, Role::Admin);
    two.app.finish().await;
}

async fn only_a_hash_of_the_token_is_kept(test: TestDatabase) {
    let two = TestApp::two_organizations(test).await;
    let link = link_by(&two.ada, &two, "member", false).await;
    let token = link.strip_prefix("/invitations/").unwrap();
    assert!(token.len() >= 43, "256 bits");
    let rows = invitation::Entity::find().all(two.app.database.db.reader()).await.unwrap();
    let hash = patchbay::core::sealing::digest_of(token.as_bytes());
    assert_eq!(rows.iter().filter(|row| row.token_hash == hash).count(), 1);
    assert!(rows.iter().all(|row| row.token_hash != token.as_bytes()));
    // The page that showed the link left nothing behind in the session either.
    for session in patchbay::db::entity::session::Entity::find().all(two.app.database.db.reader()).await.unwrap() {
        assert!(!session.data.to_string().contains(token));
    }
    let secret = SecretString::from(token.to_owned());
    assert!(!format!("{secret:?}").contains(secret.expose_secret()));
    two.app.finish().await;
}

on_both_databases!(
    a_teams_page_leads_to_an_invitation_into_it,
    a_link_leads_over_sign_up_into_the_team,
    a_link_counts_once,
    of_many_who_accept_at_once_one_comes_in,
    a_link_counts_for_a_week,
    a_revoked_link_counts_no_longer,
    a_link_counts_only_while_its_maker_could_give_the_role,
    a_role_above_ones_own_can_not_be_given,
    a_member_who_accepts_keeps_their_role_and_leaves_the_link_for_another,
    only_a_hash_of_the_token_is_kept,
);
