//! Issues, comments and pull requests.

use serde_json::{Map, Value, json};

use super::super::world::repository::{Comment, Issue, Pull, Repository};
use super::super::world::{World, iso};
use super::repository::{api_url, label, repository as repository_shape};
use super::{fields_of, node_id, people};

/// The web address: an issue's and a pull request's differ.
pub(in super::super) fn web_url(world: &World, repository: &Repository, issue: &Issue) -> String {
    let room = if issue.pull.is_some() { "pull" } else { "issues" };
    format!("{}/{room}/{}", world.web_url(repository), issue.number)
}

pub(in super::super) fn issue(world: &World, repository: &Repository, issue: &Issue) -> Value {
    let mut fields = shared(world, repository, issue);
    let url = format!("{}/issues/{}", api_url(world, repository), issue.number);
    let mut put = |name: &str, value: Value| fields.insert(name.to_owned(), value);
    put("id", json!(issue.id));
    put("node_id", json!(node_id("Issue", issue.id)));
    put("html_url", json!(web_url(world, repository, issue)));
    put("repository_url", json!(api_url(world, repository)));
    put("labels_url", json!(format!("{url}/labels{{/name}}")));
    put("comments_url", json!(format!("{url}/comments")));
    put("events_url", json!(format!("{url}/events")));
    put("timeline_url", json!(format!("{url}/timeline")));
    put("comments", json!(repository.comments_of(issue.number).count()));
    put("performed_via_github_app", Value::Null);
    put("reactions", reactions(&url));
    put("state_reason", json!(issue.state_reason));
    if let Some(pull) = &issue.pull {
        let web = web_url(world, repository, issue);
        put("draft", json!(pull.draft));
        put(
            "pull_request",
            json!({
                "url": format!("{}/pulls/{}", api_url(world, repository), issue.number),
                "html_url": web,
                "diff_url": format!("{web}.diff"),
                "patch_url": format!("{web}.patch"),
                "merged_at": pull.merged.as_ref().map(|merge| iso(merge.at)),
            }),
        );
    }
    put("url", json!(url));
    Value::Object(fields)
}

/// `GET …/issues/{n}` also says who closed it; webhooks do not.
pub(in super::super) fn issue_in_full(world: &World, repository: &Repository, it: &Issue) -> Value {
    let mut full = issue(world, repository, it);
    full["closed_by"] = it.closed_by.map_or(Value::Null, |who| people::user(world, who));
    full
}

pub(in super::super) fn comment(world: &World, repository: &Repository, comment: &Comment) -> Value {
    let url = format!("{}/issues/comments/{}", api_url(world, repository), comment.id);
    let page = repository.issues.get(&comment.issue).map(|issue| web_url(world, repository, issue));
    json!({
        "url": url,
        "html_url": format!("{}#issuecomment-{}", page.unwrap_or_default(), comment.id),
        "issue_url": format!("{}/issues/{}", api_url(world, repository), comment.issue),
        "id": comment.id,
        "node_id": node_id("IssueComment", comment.id),
        "user": people::user(world, comment.author),
        "created_at": iso(comment.created),
        "updated_at": iso(comment.updated),
        "author_association": people::association(world, repository, comment.author),
        "body": comment.body,
        "reactions": reactions(&url),
        "performed_via_github_app": null,
    })
}

/// In full, as in webhooks and `GET …/pulls/{n}`.
pub(in super::super) fn pull(world: &World, repository: &Repository, issue: &Issue, pull: &Pull) -> Value {
    let mut fields = shared(world, repository, issue);
    let base = api_url(world, repository);
    let url = format!("{base}/pulls/{}", issue.number);
    let conversation = format!("{base}/issues/{}", issue.number);
    let web = web_url(world, repository, issue);
    let merged = pull.merged.as_ref();
    let commits = repository.ahead(&pull.base_sha, &pull.head_sha);
    let links = [
        ("self", url.clone()),
        ("html", web.clone()),
        ("issue", conversation.clone()),
        ("comments", format!("{conversation}/comments")),
        ("review_comments", format!("{url}/comments")),
        ("review_comment", format!("{base}/pulls/comments{{/number}}")),
        ("commits", format!("{url}/commits")),
        ("statuses", format!("{base}/statuses/{}", pull.head_sha)),
    ];
    let more = json!({
        "id": pull.id,
        "node_id": node_id("PullRequest", pull.id),
        "html_url": web,
        "diff_url": format!("{web}.diff"),
        "patch_url": format!("{web}.patch"),
        "issue_url": conversation,
        "merged_at": merged.map(|merge| iso(merge.at)),
        "merge_commit_sha": merged.map(|merge| merge.sha.as_str()),
        "requested_reviewers": [],
        "requested_teams": [],
        "commits_url": format!("{url}/commits"),
        "review_comments_url": format!("{url}/comments"),
        "review_comment_url": format!("{base}/pulls/comments{{/number}}"),
        "comments_url": format!("{conversation}/comments"),
        "statuses_url": format!("{base}/statuses/{}", pull.head_sha),
        "head": side(world, repository, &pull.head, &pull.head_sha),
        "base": side(world, repository, &pull.base, &pull.base_sha),
        "_links": links.into_iter().map(|(name, href)| (name.to_owned(), json!({"href": href}))).collect::<Map<_, _>>(),
        "auto_merge": null,
        "draft": pull.draft,
        "merged": merged.is_some(),
        "mergeable": if issue.open { json!(true) } else { Value::Null },
        "rebaseable": if issue.open { json!(true) } else { Value::Null },
        "mergeable_state": if issue.open { "clean" } else { "unknown" },
        "merged_by": merged.map(|merge| people::user(world, merge.by)),
        "comments": repository.comments_of(issue.number).count(),
        "review_comments": 0,
        "maintainer_can_modify": false,
        "commits": commits.len(),
        "additions": commits.len() * 3,
        "deletions": commits.len(),
        "changed_files": commits.iter().map(|commit| commit.added.len() + commit.modified.len()).sum::<usize>(),
        "url": url,
    });
    fields.extend(fields_of(more));
    Value::Object(fields)
}

fn side(world: &World, repository: &Repository, branch: &str, sha: &str) -> Value {
    json!({
        "label": format!("{}:{branch}", world.account(repository.owner).login),
        "ref": branch,
        "sha": sha,
        "user": people::user(world, repository.owner),
        "repo": repository_shape(world, repository),
    })
}

/// What an issue and a pull request have in common.
fn shared(world: &World, repository: &Repository, issue: &Issue) -> Map<String, Value> {
    let users = |ids: &[u64]| ids.iter().map(|id| people::user(world, *id)).collect::<Vec<_>>();
    let labels: Vec<Value> = issue
        .labels
        .iter()
        .filter_map(|name| repository.label(name))
        .map(|found| label(world, repository, found))
        .collect();
    fields_of(json!({
        "number": issue.number,
        "title": issue.title,
        "body": issue.body,
        "user": people::user(world, issue.author),
        "state": if issue.open { "open" } else { "closed" },
        "locked": issue.locked,
        "active_lock_reason": issue.lock_reason,
        "assignee": issue.assignees.first().map(|id| people::user(world, *id)),
        "assignees": users(&issue.assignees),
        "labels": labels,
        "milestone": null,
        "created_at": iso(issue.created),
        "updated_at": iso(issue.updated),
        "closed_at": issue.closed.map(iso),
        "author_association": people::association(world, repository, issue.author),
    }))
}

fn reactions(url: &str) -> Value {
    json!({
        "url": format!("{url}/reactions"), "total_count": 0, "+1": 0, "-1": 0, "laugh": 0, "hooray": 0,
        "confused": 0, "heart": 0, "rocket": 0, "eyes": 0,
    })
}
