//! A repository's page: what is open, and forms to make things happen.

use askama::Template;
use axum::response::Response;

use super::super::refusal::Refusal;
use super::super::shapes;
use super::super::world::people::Role;
use super::super::world::releases::ReleaseWish;
use super::super::world::repository::{Commit, Issue, Repository};
use super::super::world::{World, iso};
use super::{Page, Reference, Visit, see_below, show as show_page};

/// Commits listed on the page.
const COMMITS_SHOWN: usize = 15;

/// The head of every page below a repository.
pub(super) struct Heading {
    pub name: String,
    pub about: String,
    pub private: bool,
    pub archived: bool,
    pub role: &'static str,
    pub is_admin: bool,
    pub may_push: bool,
    pub hooks: usize,
}

impl Heading {
    pub fn of(world: &World, visit: &Visit, place: &Repository) -> Self {
        let role = world.role(visit.account, place);
        Self {
            name: world.full_name(place),
            about: place.description.clone().unwrap_or_default(),
            private: place.private,
            archived: place.archived,
            role: match role {
                Some(Role::Admin) => "admin",
                Some(Role::Maintain) => "maintain",
                Some(Role::Push) => "write",
                Some(Role::Triage) => "triage",
                _ => "read",
            },
            is_admin: role >= Some(Role::Admin),
            may_push: role >= Some(Role::Push),
            hooks: place.hooks.len(),
        }
    }
}

pub(super) struct IssueRow {
    number: u64,
    title: String,
    url: String,
    open: bool,
    merged: bool,
    author: String,
    comments: usize,
    labels: Vec<String>,
}

struct CommitRow {
    sha: String,
    short: String,
    title: String,
    author: String,
    at: String,
}

struct ReleaseRow {
    name: String,
    tag: String,
    author: String,
    draft: bool,
    prerelease: bool,
}

#[derive(Template)]
#[template(path = "sandbox/repository.html")]
struct RepositoryPage {
    page: Page,
    heading: Heading,
    issues: Vec<IssueRow>,
    pulls: Vec<IssueRow>,
    releases: Vec<ReleaseRow>,
    commits: Vec<CommitRow>,
    branches: Vec<String>,
    tags: Vec<String>,
    default_branch: String,
    labels: Vec<String>,
    people: Vec<String>,
    starred: bool,
}

#[derive(Template)]
#[template(path = "sandbox/commits.html")]
struct CommitsPage {
    page: Page,
    heading: Heading,
    title: String,
    body: String,
    commits: Vec<CommitRow>,
    way_back: Reference,
}

pub(super) fn show(world: &mut World, visit: &Visit) -> Result<Response, Refusal> {
    let place = world.repository(visit.repository(world, Role::Read)?)?;
    let rows = |pulls: bool| {
        let fitting = place.issues.values().rev().filter(|issue| issue.pull.is_some() == pulls);
        fitting.map(|issue| issue_row(world, place, issue)).collect()
    };
    let releases = place.releases.values().rev().map(|release| ReleaseRow {
        name: release.name.clone().unwrap_or_else(|| release.tag.clone()),
        tag: release.tag.clone(),
        author: world.account(release.author).login.clone(),
        draft: release.draft,
        prerelease: release.prerelease,
    });
    let start = place.branches.get(&place.default_branch).map(String::as_str).unwrap_or_default();
    let commits = place.history(start).into_iter().take(COMMITS_SHOWN);
    Ok(show_page(&RepositoryPage {
        page: Page::new(world, &visit.visitor, &world.full_name(place)),
        heading: Heading::of(world, visit, place),
        issues: rows(false),
        pulls: rows(true),
        releases: releases.collect(),
        commits: commits.map(|commit| commit_row(world, commit)).collect(),
        branches: place.branches.keys().cloned().collect(),
        tags: place.tags.keys().cloned().collect(),
        default_branch: place.default_branch.clone(),
        labels: place.labels.iter().map(|label| label.name.clone()).collect(),
        people: world.assignable(place).into_iter().map(|id| world.account(id).login.clone()).collect(),
        starred: visit.account.is_some_and(|who| place.stargazers.contains(&who)),
    }))
}

pub(super) fn show_commit(world: &mut World, visit: &Visit) -> Result<Response, Refusal> {
    let place = world.repository(visit.repository(world, Role::Read)?)?;
    let commit = place.commits.get(visit.param("sha")).ok_or_else(Refusal::not_found)?;
    let title = format!("Commit {}", &commit.sha[..7]);
    commits_page(world, visit, place, title, commit.message.clone(), vec![commit])
}

/// `a...b`, or one name: what it has that the default branch has not.
pub(super) fn compare(world: &mut World, visit: &Visit) -> Result<Response, Refusal> {
    let place = world.repository(visit.repository(world, Role::Read)?)?;
    let range = visit.param("range");
    let (base, head) = range.split_once("...").unwrap_or((&place.default_branch, range));
    // Compare addresses name commits by their first twelve letters.
    let find = |name: &str| {
        let by_start = || place.commits.keys().find(|sha| name.len() >= 7 && sha.starts_with(name)).map(String::as_str);
        place.resolve(name).or_else(by_start).ok_or_else(Refusal::not_found)
    };
    let commits = place.ahead(find(base)?, find(head)?);
    commits_page(world, visit, place, format!("Comparing {range}"), String::new(), commits)
}

pub(super) fn show_release(world: &mut World, visit: &Visit) -> Result<Response, Refusal> {
    let place = world.repository(visit.repository(world, Role::Read)?)?;
    let found = place.releases.values().find(|it| it.tag == visit.param("tag")).ok_or_else(Refusal::not_found)?;
    let commits = place.resolve(&found.tag).and_then(|sha| place.commits.get(sha)).into_iter().collect();
    let title = format!("Release {}", found.name.as_deref().unwrap_or(&found.tag));
    commits_page(world, visit, place, title, found.body.clone().unwrap_or_default(), commits)
}

fn commits_page(
    world: &World,
    visit: &Visit,
    place: &Repository,
    title: String,
    body: String,
    commits: Vec<&Commit>,
) -> Result<Response, Refusal> {
    Ok(show_page(&CommitsPage {
        page: Page::new(world, &visit.visitor, &title),
        heading: Heading::of(world, visit, place),
        title,
        body,
        commits: commits.into_iter().map(|commit| commit_row(world, commit)).collect(),
        way_back: Reference { text: world.full_name(place), url: world.web_url(place) },
    }))
}

/// Each line of `messages` is a commit.
pub(super) fn push(world: &mut World, visit: &Visit) -> Result<Response, Refusal> {
    let id = visit.repository(world, Role::Push)?;
    let default = world.repository(id)?.default_branch.clone();
    let branch = visit.fields.text("branch").unwrap_or(default);
    let messages: Vec<String> = visit
        .fields
        .get("messages")
        .unwrap_or_default()
        .lines()
        .map(|line| line.trim().to_owned())
        .filter(|line| !line.is_empty())
        .collect();
    let force = visit.fields.get("force").is_some();
    world.push_commits(visit.account()?, id, &branch, &messages, force)?;
    see_below(world, id, visit.fields.get("back").filter(|back| back.starts_with("/pull/")).unwrap_or(""))
}

pub(super) fn tag(world: &mut World, visit: &Visit) -> Result<Response, Refusal> {
    let id = visit.repository(world, Role::Push)?;
    let target = visit.fields.text("target").unwrap_or_else(|| "main".to_owned());
    world.push_tag(visit.account()?, id, &visit.fields.text("tag").unwrap_or_default(), &target)?;
    see_below(world, id, "")
}

pub(super) fn delete_branch(world: &mut World, visit: &Visit) -> Result<Response, Refusal> {
    let id = visit.repository(world, Role::Push)?;
    let branch = visit.fields.text("branch").unwrap_or_default();
    if branch == world.repository(id)?.default_branch {
        return Err(Refusal::custom("Reference", "the default branch can't be deleted"));
    }
    world.move_branch(visit.account()?, id, &branch, None, false)?;
    see_below(world, id, "")
}

pub(super) fn release(world: &mut World, visit: &Visit) -> Result<Response, Refusal> {
    let id = visit.repository(world, Role::Push)?;
    let wish = ReleaseWish {
        tag: visit.fields.text("tag"),
        target: visit.fields.text("target"),
        name: visit.fields.text("name"),
        body: visit.fields.text("body"),
        draft: Some(visit.fields.get("draft").is_some()),
        prerelease: Some(visit.fields.get("prerelease").is_some()),
    };
    world.create_release(visit.account()?, id, wish)?;
    see_below(world, id, "")
}

pub(super) fn star(world: &mut World, visit: &Visit) -> Result<Response, Refusal> {
    let id = visit.repository(world, Role::Read)?;
    world.star_repository(visit.account()?, id, visit.fields.get("starred") != Some("no"))?;
    see_below(world, id, "")
}

fn issue_row(world: &World, place: &Repository, issue: &Issue) -> IssueRow {
    IssueRow {
        number: issue.number,
        title: issue.title.clone(),
        url: shapes::issue::web_url(world, place, issue),
        open: issue.open,
        merged: issue.pull.as_ref().is_some_and(|pull| pull.merged.is_some()),
        author: world.account(issue.author).login.clone(),
        comments: place.comments_of(issue.number).count(),
        labels: issue.labels.clone(),
    }
}

fn commit_row(world: &World, commit: &Commit) -> CommitRow {
    CommitRow {
        sha: commit.sha.clone(),
        short: commit.sha[..7].to_owned(),
        title: commit.message.lines().next().unwrap_or_default().to_owned(),
        author: world.account(commit.author).login.clone(),
        at: iso(commit.at),
    }
}
