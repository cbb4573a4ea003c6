//! Commits, branches and releases.

use serde_json::{Value, json};

use super::super::world::repository::{Commit, Release, Repository};
use super::super::world::{World, iso};
use super::repository::api_url;
use super::{node_id, people};

/// As in `push`.
pub(in super::super) fn commit_in_push(world: &World, repository: &Repository, commit: &Commit) -> Value {
    let author = people::committer(world.account(commit.author));
    json!({
        "id": commit.sha,
        "tree_id": commit.tree,
        "distinct": true,
        "message": commit.message,
        "timestamp": iso(commit.at),
        "url": format!("{}/commit/{}", world.web_url(repository), commit.sha),
        "author": author,
        "committer": author,
        "added": commit.added,
        "removed": [],
        "modified": commit.modified,
    })
}

/// As in `GET …/commits`.
pub(in super::super) fn commit(world: &World, repository: &Repository, commit: &Commit) -> Value {
    let base = api_url(world, repository);
    let author = world.account(commit.author);
    let signature = json!({"name": author.name, "email": author.email(), "date": iso(commit.at)});
    let url = format!("{base}/commits/{}", commit.sha);
    let web = format!("{}/commit", world.web_url(repository));
    let parents: Vec<Value> = commit
        .parents
        .iter()
        .map(|sha| json!({"sha": sha, "url": format!("{base}/commits/{sha}"), "html_url": format!("{web}/{sha}")}))
        .collect();
    json!({
        "sha": commit.sha,
        "node_id": format!("C_{}", &commit.sha[..16]),
        "commit": {
            "author": signature,
            "committer": signature,
            "message": commit.message,
            "tree": {"sha": commit.tree, "url": format!("{base}/git/trees/{}", commit.tree)},
            "url": format!("{base}/git/commits/{}", commit.sha),
            "comment_count": 0,
            "verification": {"verified": false, "reason": "unsigned", "signature": null, "payload": null},
        },
        "url": url,
        "html_url": format!("{web}/{}", commit.sha),
        "comments_url": format!("{url}/comments"),
        "author": people::user(world, commit.author),
        "committer": people::user(world, commit.author),
        "parents": parents,
    })
}

pub(in super::super) fn branch(world: &World, repository: &Repository, name: &str, sha: &str) -> Value {
    json!({
        "name": name,
        "commit": {"sha": sha, "url": format!("{}/commits/{sha}", api_url(world, repository))},
        "protected": false,
    })
}

pub(in super::super) fn release(world: &World, repository: &Repository, release: &Release) -> Value {
    let base = api_url(world, repository);
    let url = format!("{base}/releases/{}", release.id);
    json!({
        "url": url,
        "assets_url": format!("{url}/assets"),
        "upload_url": format!("{url}/assets{{?name,label}}"),
        "html_url": format!("{}/releases/tag/{}", world.web_url(repository), release.tag),
        "id": release.id,
        "node_id": node_id("Release", release.id),
        "tag_name": release.tag,
        "target_commitish": release.target,
        "name": release.name,
        "draft": release.draft,
        "prerelease": release.prerelease,
        "author": people::user(world, release.author),
        "created_at": iso(release.created),
        "published_at": release.published.map(iso),
        "assets": [],
        "tarball_url": format!("{base}/tarball/{}", release.tag),
        "zipball_url": format!("{base}/zipball/{}", release.tag),
        "body": release.body,
    })
}
