//! Who and what is there when the sandbox opens.

use jiff::Timestamp;

use super::issues::{IssueChange, NewIssue};
use super::people::{Account, Kind, Role};
use super::pulls::NewPull;
use super::releases::ReleaseWish;
use super::{AccountId, RepositoryId, World};
use crate::sandbox::hooks::HookWish;
use crate::sandbox::refusal::Refusal;

pub(super) const ADA: AccountId = 10_001_001;
const BOB: AccountId = 10_001_002;
const EVE: AccountId = 10_001_003;
const GRACE: AccountId = 10_001_004;
const ACME: AccountId = 20_002_001;
const UMBRA: AccountId = 20_002_002;

/// So many that a list of 100 has a second page.
const KATAS: usize = 120;
/// Another product's webhook, which must survive whatever ours does. Nobody is at that address.
const FOREIGN_HOOK: &str = "https://ci.example/hooks";

pub(super) fn fill(world: &mut World) {
    for (id, login, name) in [
        (ADA, "ada-codes", "Ada Codes"),
        (BOB, "bob-builds", "Bob Builds"),
        (EVE, "eve-umbra", "Eve Umbra"),
        (GRACE, "grace-outside", "Grace Outside"),
    ] {
        add_account(world, id, login, name, Kind::User, &[]);
    }
    add_account(world, ACME, "acme", "Acme", Kind::Organization, &[(ADA, true), (BOB, false)]);
    add_account(world, UMBRA, "umbra", "Umbra", Kind::Organization, &[(EVE, true)]);
    repositories(world).expect("the seed fits the rules");
}

fn add_account(world: &mut World, id: AccountId, login: &str, name: &str, kind: Kind, members: &[(AccountId, bool)]) {
    let account = Account {
        id,
        login: login.to_owned(),
        name: name.to_owned(),
        kind,
        members: members.iter().copied().collect(),
    };
    world.accounts.insert(id, account);
}

fn repositories(world: &mut World) -> Result<(), Refusal> {
    let widgets = add_repository(world, ACME, "widgets", "The widgets everyone talks about", false)?;
    world.repository_mut(widgets)?.collaborators.insert(BOB, Role::Admin);
    fill_widgets(world, widgets)?;
    let website = add_repository(world, ACME, "website", "acme.example", false)?;
    world.repository_mut(website)?.collaborators.insert(BOB, Role::Push);
    open(world, ADA, website, "Write the page about prices", None, &["documentation"])?;
    let plans = add_repository(world, ACME, "secret-plans", "Not for everyone", true)?;
    open(world, ADA, plans, "The next big thing", Some("Nobody may know yet."), &[])?;
    let umbrella = add_repository(world, UMBRA, "umbrella", "Keeps the rain off", false)?;
    open(world, EVE, umbrella, "Handle comes loose in strong wind", None, &["bug"])?;
    add_repository(world, ADA, "dotfiles", "How Ada likes her tools", false)?;
    for number in 1..=KATAS {
        add_repository(world, ADA, &format!("kata-{number:03}"), "A small exercise", false)?;
    }
    Ok(())
}

fn fill_widgets(world: &mut World, widgets: RepositoryId) -> Result<(), Refusal> {
    let crash = "Steps:\n\n1. Resize to zero\n2. It stops 💥";
    let first = open(world, ADA, widgets, "Widget stops when resized to zero", Some(crash), &["bug"])?;
    world.assign(ADA, widgets, first, &["bob-builds".to_owned()])?;
    world.comment(BOB, widgets, first, "Seen it too. Looking into it.".to_owned())?;
    open(world, BOB, widgets, "Offer a dark theme", Some("For those who work at night."), &["enhancement"])?;
    let done = open(world, GRACE, widgets, "How do I install this?", None, &["question"])?;
    let answered = IssueChange { open: Some(false), state_reason: Some("completed".into()), ..IssueChange::default() };
    world.change_issue(ADA, widgets, done, answered)?;
    world.push_commits(ADA, widgets, "main", &["Draw widgets".into(), "Resize widgets".into()], false)?;
    world.push_commits(BOB, widgets, "no-zero", &["Refuse a size of zero".into()], false)?;
    let body = Some("Fixes #1.".to_owned());
    let (head, base) = ("no-zero".to_owned(), "main".to_owned());
    world.open_pull(BOB, widgets, NewPull { title: "Refuse a size of zero".into(), body, head, base, draft: false })?;
    let first_release = ReleaseWish {
        tag: Some("v0.1.0".into()),
        name: Some("First widgets".into()),
        body: Some("They draw.".into()),
        ..ReleaseWish::default()
    };
    world.create_release(ADA, widgets, first_release)?;
    let foreign = HookWish {
        url: Some(FOREIGN_HOOK.to_owned()),
        content_type: Some("json".to_owned()),
        events: Some(vec!["push".to_owned(), "pull_request".to_owned()]),
        secret: Some(Some("somebody-else's".to_owned())),
        ..HookWish::default()
    };
    world.create_hook(BOB, None, widgets, foreign)?;
    Ok(())
}

fn add_repository(
    world: &mut World,
    owner: AccountId,
    name: &str,
    about: &str,
    private: bool,
) -> Result<RepositoryId, Refusal> {
    let id = world.create_repository(owner, name, private)?;
    let place = world.repository_mut(id)?;
    place.description = Some(about.to_owned());
    place.created = Timestamp::now();
    Ok(id)
}

fn open(
    world: &mut World,
    who: AccountId,
    repository: RepositoryId,
    title: &str,
    body: Option<&str>,
    labels: &[&str],
) -> Result<u64, Refusal> {
    let new = NewIssue {
        title: title.to_owned(),
        body: body.map(str::to_owned),
        assignees: vec![],
        labels: labels.iter().map(|&label| label.to_owned()).collect(),
    };
    world.open_issue(who, repository, new)
}
