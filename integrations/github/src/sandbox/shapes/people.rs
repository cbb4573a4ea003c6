//! Users, organizations, and how someone is related to a repository.

use serde_json::{Map, Value, json};

use super::super::world::people::{Account, Kind};
use super::super::world::repository::Repository;
use super::super::world::{AccountId, World, iso};
use super::{fields_of, node_id};

const LINKS: [(&str, &str); 9] = [
    ("followers_url", "/followers"),
    ("following_url", "/following{/other_user}"),
    ("gists_url", "/gists{/gist_id}"),
    ("starred_url", "/starred{/owner}{/repo}"),
    ("subscriptions_url", "/subscriptions"),
    ("organizations_url", "/orgs"),
    ("repos_url", "/repos"),
    ("events_url", "/events{/privacy}"),
    ("received_events_url", "/received_events"),
];

/// The "simple user" that stands in most answers.
pub(in super::super) fn user(world: &World, id: AccountId) -> Value {
    Value::Object(user_fields(world, world.account(id)))
}

fn user_fields(world: &World, account: &Account) -> Map<String, Value> {
    let url = format!("{}/users/{}", world.api(), account.login);
    let mut fields = Map::new();
    let mut put = |name: &str, value: Value| fields.insert(name.to_owned(), value);
    put("login", json!(account.login));
    put("id", json!(account.id));
    put("node_id", json!(node_id(account.kind.as_str(), account.id)));
    put("avatar_url", json!(format!("{}/avatars/{}", world.at, account.id)));
    put("gravatar_id", json!(""));
    put("html_url", json!(format!("{}/{}", world.at, account.login)));
    for (name, suffix) in LINKS {
        put(name, json!(format!("{url}{suffix}")));
    }
    put("type", json!(account.kind.as_str()));
    put("site_admin", json!(false));
    put("url", json!(url));
    fields
}

/// In `push`, the owner also has a name and an e-mail address.
pub(super) fn owner_in_push(world: &World, id: AccountId) -> Value {
    let account = world.account(id);
    let mut fields = user_fields(world, account);
    fields.insert("name".to_owned(), json!(account.login));
    fields.insert("email".to_owned(), json!(account.email()));
    Value::Object(fields)
}

/// `GET /user` and `GET /users/{login}`.
pub(in super::super) fn profile(world: &World, account: &Account) -> Value {
    let mut fields = user_fields(world, account);
    let owned = world.repositories.values().filter(|it| it.owner == account.id && !it.private).count();
    let more = json!({
        "name": account.name, "company": null, "blog": "", "location": null, "email": null, "hireable": null,
        "bio": null, "twitter_username": null, "public_repos": owned, "public_gists": 0, "followers": 0,
        "following": 0, "created_at": "2014-03-01T09:00:00Z", "updated_at": iso(jiff::Timestamp::now()),
    });
    fields.extend(fields_of(more));
    Value::Object(fields)
}

/// The "simple organization" of lists and webhooks.
pub(in super::super) fn organization(world: &World, account: &Account) -> Value {
    let url = format!("{}/orgs/{}", world.api(), account.login);
    json!({
        "login": account.login,
        "id": account.id,
        "node_id": node_id("Organization", account.id),
        "url": url,
        "repos_url": format!("{url}/repos"),
        "events_url": format!("{url}/events"),
        "hooks_url": format!("{url}/hooks"),
        "issues_url": format!("{url}/issues"),
        "members_url": format!("{url}/members{{/member}}"),
        "public_members_url": format!("{url}/public_members{{/member}}"),
        "avatar_url": format!("{}/avatars/{}", world.at, account.id),
        "description": null,
    })
}

/// OWNER, MEMBER, COLLABORATOR or NONE.
pub(super) fn association(world: &World, repository: &Repository, who: AccountId) -> &'static str {
    let owner = world.account(repository.owner);
    if owner.id == who {
        return "OWNER";
    }
    if owner.kind == Kind::Organization && owner.members.contains_key(&who) {
        return "MEMBER";
    }
    if repository.collaborators.contains_key(&who) { "COLLABORATOR" } else { "NONE" }
}

/// `{name, email, username}` of a commit.
pub(super) fn committer(account: &Account) -> Value {
    json!({"name": account.name, "email": account.email(), "username": account.login})
}
