//! Repositories and labels.

use serde_json::{Map, Value, json};

use super::super::world::people::Role;
use super::super::world::repository::{Label, Repository};
use super::super::world::{AccountId, World, iso};
use super::{fields_of, node_id, people};

/// Every address that is the repository's own plus an ending.
const LINKS: [(&str, &str); 37] = [
    ("forks_url", "/forks"),
    ("keys_url", "/keys{/key_id}"),
    ("collaborators_url", "/collaborators{/collaborator}"),
    ("teams_url", "/teams"),
    ("hooks_url", "/hooks"),
    ("issue_events_url", "/issues/events{/number}"),
    ("events_url", "/events"),
    ("assignees_url", "/assignees{/user}"),
    ("branches_url", "/branches{/branch}"),
    ("tags_url", "/tags"),
    ("blobs_url", "/git/blobs{/sha}"),
    ("git_tags_url", "/git/tags{/sha}"),
    ("git_refs_url", "/git/refs{/sha}"),
    ("trees_url", "/git/trees{/sha}"),
    ("statuses_url", "/statuses/{sha}"),
    ("languages_url", "/languages"),
    ("stargazers_url", "/stargazers"),
    ("contributors_url", "/contributors"),
    ("subscribers_url", "/subscribers"),
    ("subscription_url", "/subscription"),
    ("commits_url", "/commits{/sha}"),
    ("git_commits_url", "/git/commits{/sha}"),
    ("comments_url", "/comments{/number}"),
    ("issue_comment_url", "/issues/comments{/number}"),
    ("contents_url", "/contents/{+path}"),
    ("compare_url", "/compare/{base}...{head}"),
    ("merges_url", "/merges"),
    ("archive_url", "/{archive_format}{/ref}"),
    ("downloads_url", "/downloads"),
    ("issues_url", "/issues{/number}"),
    ("pulls_url", "/pulls{/number}"),
    ("milestones_url", "/milestones{/number}"),
    ("notifications_url", "/notifications{?since,all,participating}"),
    ("labels_url", "/labels{/name}"),
    ("releases_url", "/releases{/id}"),
    ("deployments_url", "/deployments"),
    ("url", ""),
];

/// Base of its REST addresses.
pub(in super::super) fn api_url(world: &World, repository: &Repository) -> String {
    format!("{}/repos/{}", world.api(), world.full_name(repository))
}

/// As in webhooks: nobody's permissions.
pub(in super::super) fn repository(world: &World, repository: &Repository) -> Value {
    Value::Object(fields(world, repository))
}

/// As in answers: with what the caller may do.
pub(in super::super) fn repository_for(world: &World, repository: &Repository, who: Option<AccountId>) -> Value {
    let mut fields = fields(world, repository);
    if let (Some(_), Some(role)) = (who, world.role(who, repository)) {
        fields.insert(
            "permissions".to_owned(),
            json!({
                "admin": role >= Role::Admin, "maintain": role >= Role::Maintain, "push": role >= Role::Push,
                "triage": role >= Role::Triage, "pull": true,
            }),
        );
    }
    Value::Object(fields)
}

/// As in `push`: times are integers, the owner has a name, and some fields of an older age are there.
pub(in super::super) fn repository_in_push(world: &World, repository: &Repository) -> Value {
    let mut fields = fields(world, repository);
    let mut put = |name: &str, value: Value| fields.insert(name.to_owned(), value);
    put("url", json!(world.web_url(repository)));
    put("owner", people::owner_in_push(world, repository.owner));
    put("created_at", json!(repository.created.as_second()));
    put("pushed_at", json!(repository.pushed.as_second()));
    put("stargazers", json!(repository.stargazers.len()));
    put("master_branch", json!(repository.default_branch));
    let owner = world.account(repository.owner);
    if owner.kind == super::super::world::people::Kind::Organization {
        put("organization", json!(owner.login));
    }
    Value::Object(fields)
}

fn fields(world: &World, repository: &Repository) -> Map<String, Value> {
    let full_name = world.full_name(repository);
    let web = world.web_url(repository);
    let host = world.at.split("://").nth(1).unwrap_or(&world.at);
    let stars = repository.stargazers.len();
    let open_issues = repository.open_issues();
    let mut fields = fields_of(json!({
        "id": repository.id,
        "node_id": node_id("Repository", repository.id),
        "name": repository.name,
        "full_name": full_name,
        "private": repository.private,
        "owner": people::user(world, repository.owner),
        "html_url": web,
        "description": repository.description,
        "fork": false,
        "created_at": iso(repository.created),
        "updated_at": iso(repository.updated),
        "pushed_at": iso(repository.pushed),
        "git_url": format!("git://{host}/{full_name}.git"),
        "ssh_url": format!("git@{host}:{full_name}.git"),
        "clone_url": format!("{web}.git"),
        "svn_url": web,
        "homepage": null,
        "size": repository.commits.len() * 4,
        "stargazers_count": stars,
        "watchers_count": stars,
        "language": null,
        "has_issues": repository.has_issues,
        "has_projects": true,
        "has_downloads": true,
        "has_wiki": true,
        "has_pages": false,
        "has_discussions": false,
    }));
    fields.extend(fields_of(json!({
        "forks_count": 0,
        "mirror_url": null,
        "archived": repository.archived,
        "disabled": false,
        "open_issues_count": open_issues,
        "license": null,
        "allow_forking": true,
        "is_template": false,
        "web_commit_signoff_required": false,
        "topics": [],
        "visibility": if repository.private { "private" } else { "public" },
        "forks": 0,
        "open_issues": open_issues,
        "watchers": stars,
        "default_branch": repository.default_branch,
        "custom_properties": {},
    })));
    let url = api_url(world, repository);
    for (name, ending) in LINKS {
        fields.insert(name.to_owned(), json!(format!("{url}{ending}")));
    }
    fields
}

pub(in super::super) fn label(world: &World, repository: &Repository, label: &Label) -> Value {
    let name = percent_encoding::utf8_percent_encode(&label.name, percent_encoding::NON_ALPHANUMERIC);
    json!({
        "id": label.id,
        "node_id": node_id("Label", label.id),
        "url": format!("{}/labels/{name}", api_url(world, repository)),
        "name": label.name,
        "color": label.color,
        "default": matches!(label.name.as_str(), "bug" | "enhancement" | "documentation" | "question" | "wontfix"),
        "description": label.description,
    })
}
