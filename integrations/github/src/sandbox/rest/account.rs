//! Who am I, who is that, and which repositories are there.

use serde_json::{Value, json};

use super::super::refusal::Refusal;
use super::super::shapes;
use super::super::world::people::{Account, Kind};
use super::super::world::repository::Repository;
use super::super::world::{RepositoryId, World};
use super::answer::Answer;
use super::call::Call;

pub(super) fn root(world: &mut World, _: &Call) -> Result<Answer, Refusal> {
    let api = world.api();
    Ok(Answer::ok(json!({
        "current_user_url": format!("{api}/user"),
        "current_user_repositories_url":
            format!("{api}/user/repos{{?type,page,per_page,sort}}"),
        "hub_url": format!("{api}/hub"),
        "issues_url": format!("{api}/issues"),
        "organization_url": format!("{api}/orgs/{{org}}"),
        "organization_repositories_url": format!("{api}/orgs/{{org}}/repos{{?type,page,per_page,sort}}"),
        "rate_limit_url": format!("{api}/rate_limit"),
        "repository_url": format!("{api}/repos/{{owner}}/{{repo}}"),
        "user_url": format!("{api}/users/{{user}}"),
        "user_organizations_url": format!("{api}/user/orgs"),
        "user_repositories_url": format!("{api}/users/{{user}}/repos{{?type,page,per_page,sort}}"),
    })))
}

pub(super) fn meta(_: &mut World, _: &Call) -> Result<Answer, Refusal> {
    Ok(Answer::ok(json!({
        "verifiable_password_authentication": false,
        "installed_version": "3.19.0",
        "hooks": ["127.0.0.0/8", "::1/128"],
    })))
}

pub(super) fn zen(_: &mut World, _: &Call) -> Result<Answer, Refusal> {
    Ok(Answer::ok(json!("Practicality beats purity.")))
}

pub(super) fn rate_limit(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let core = world.usage.reading(call.who());
    Ok(Answer::ok(json!({"resources": {"core": core}, "rate": core})))
}

pub(super) fn user(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let caller = call.caller()?;
    let account = world.account(caller.account);
    let mut shown = shapes::people::profile(world, account);
    if call.holds("user:email") {
        shown["email"] = json!(account.email());
    }
    Ok(Answer::ok(shown))
}

pub(super) fn emails(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let caller = call.caller()?;
    call.accepted.set("user, user:email");
    if !call.holds("user:email") {
        return Err(Refusal::not_found());
    }
    let email = world.account(caller.account).email();
    Ok(Answer::ok(json!([{"email": email, "primary": true, "verified": true, "visibility": "private"}])))
}

pub(super) fn profile(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let account = world.account_named(call.param("login")).ok_or_else(Refusal::not_found)?;
    Ok(Answer::ok(shapes::people::profile(world, account)))
}

pub(super) fn profile_by_id(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let account = world.accounts.get(&call.id("account_id")?).ok_or_else(Refusal::not_found)?;
    Ok(Answer::ok(shapes::people::profile(world, account)))
}

pub(super) fn organizations(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let caller = call.caller()?;
    call.accepted.set("admin:org, read:org, repo, user, write:org");
    let mine: Vec<&Account> = world.accounts.values().filter(|it| it.members.contains_key(&caller.account)).collect();
    Ok(Answer::page(world, call, mine, |it| shapes::people::organization(world, it)))
}

pub(super) fn organization(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let account = organization_of(world, call)?;
    let mut shown = shapes::people::organization(world, account);
    shown["html_url"] = json!(format!("{}/{}", world.at, account.login));
    shown["type"] = json!("Organization");
    shown["name"] = json!(account.name);
    Ok(Answer::ok(shown))
}

pub(super) fn members(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let members: Vec<u64> = organization_of(world, call)?.members.keys().copied().collect();
    Ok(Answer::page(world, call, members, |id| shapes::people::user(world, *id)))
}

fn organization_of<'w>(world: &'w World, call: &Call) -> Result<&'w Account, Refusal> {
    let found = world.account_named(call.param("org"));
    found.filter(|account| account.kind == Kind::Organization).ok_or_else(Refusal::not_found)
}

/// `GET /users/{login}/repos` and `GET /orgs/{org}/repos`.
pub(super) fn repositories_of(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let name = [call.param("login"), call.param("org")].concat();
    let owner = world.account_named(&name).ok_or_else(Refusal::not_found)?.id;
    let found = world.repositories.values().filter(|it| it.owner == owner && call.sees(world, it));
    list(world, call, found.map(|it| it.id).collect())
}

/// `GET /user/repos`: everything the user has a role in, by three filters that exclude a fourth.
pub(super) fn repositories(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let caller = call.caller()?;
    call.accepted.set("");
    if call.query("type").is_some() && (call.query("visibility").is_some() || call.query("affiliation").is_some()) {
        let sentence = "If you specify visibility or affiliation, you cannot specify type.";
        return Err(Refusal::schema(sentence));
    }
    let kind = one_of(call, "type", &["all", "owner", "public", "private", "member"])?;
    let visibility = one_of(call, "visibility", &["all", "public", "private"])?;
    let affiliations: Vec<&str> =
        call.query("affiliation").unwrap_or("owner,collaborator,organization_member").split(',').collect();
    let fits = |it: &&Repository| {
        let owner = world.account(it.owner);
        let owned = it.owner == caller.account;
        let collaborates = it.collaborators.contains_key(&caller.account);
        let member = owner.members.contains_key(&caller.account);
        let related = (owned && affiliations.contains(&"owner"))
            || (collaborates && affiliations.contains(&"collaborator"))
            || (member && affiliations.contains(&"organization_member"));
        let shown = match (visibility, kind) {
            ("public", _) | (_, "public") => !it.private,
            ("private", _) | (_, "private") => it.private,
            (_, "owner") => owned,
            (_, "member") => !owned,
            _ => true,
        };
        related && shown && call.sees(world, it)
    };
    let found = world.repositories.values().filter(fits).map(|it| it.id).collect();
    list(world, call, found)
}

pub(super) fn create_repository(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let caller = call.caller()?;
    call.accepted.set("public_repo, repo");
    let private = call.flag("private")?.unwrap_or(false);
    if !call.holds(if private { "repo" } else { "public_repo" }) {
        return Err(Refusal::not_found());
    }
    let name = call.text("name")?.ok_or_else(|| Refusal::invalid("Repository", "name", "missing_field"))?;
    let id = world.create_repository(caller.account, &name, private)?;
    world.repository_mut(id)?.description = call.text("description")?;
    Ok(Answer::created(shapes::repository::repository_for(world, world.repository(id)?, call.who())))
}

fn list(world: &World, call: &Call, ids: Vec<RepositoryId>) -> Result<Answer, Refusal> {
    let mut found: Vec<&Repository> = ids.iter().filter_map(|id| world.repositories.get(id)).collect();
    let sort = one_of(call, "sort", &["full_name", "created", "updated", "pushed"])?;
    let direction = one_of(call, "direction", if sort == "full_name" { &["asc", "desc"] } else { &["desc", "asc"] })?;
    match sort {
        "created" => found.sort_by_key(|it| it.created),
        "updated" => found.sort_by_key(|it| it.updated),
        "pushed" => found.sort_by_key(|it| it.pushed),
        _ => found.sort_by_key(|it| world.full_name(it).to_lowercase()),
    }
    if direction == "desc" {
        found.reverse();
    }
    Ok(Answer::page(world, call, found, |it| -> Value { shapes::repository::repository_for(world, it, call.who()) }))
}

/// The value of a parameter that has few; the first is the default.
pub(super) fn one_of<'a>(call: &'a Call, name: &str, values: &[&'a str]) -> Result<&'a str, Refusal> {
    match call.query(name) {
        None => Ok(values[0]),
        Some(value) if values.contains(&value) => Ok(value),
        Some(value) => {
            Err(Refusal::schema(format!("For 'properties/{name}', \"{value}\" is not a member of {values:?}")))
        }
    }
}
