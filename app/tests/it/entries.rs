//! Entries in the core: who may do what, hooks told twice, filters, and where a day begins and ends.

use std::{sync::Arc, time::Duration};

use integration_contract::{Author, NewEntry, SecretString, Status};
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use patchbay::{
    clock::{Clock, day_of},
    core::{
        Core, Error, Site, Tools,
        entries::{self, Change, Filter, Recorded, Shown, Source},
        invitations::{self, NewInvitation},
        organizations,
        partners::Partners,
        people::Member,
        sealing::Vault,
        teams::{self, NewTeam},
        users,
    },
    db::{
        EntryId, LinkId, TeamId, UserId,
        entity::{Tenant, entry, entry::EntryStatus, member::Role},
    },
    queue::Queue,
};
use sea_orm::{EntityTrait, IntoActiveModel, PaginatorTrait};

use crate::harness::{TestDatabase, on_both_databases};

/// Noon of 22 November 2026 in UTC.
const NOON: i64 = 1_795_348_800_000;

/// Acme with Ada (owner), Bob and Cleo in the team, and Dan outside it; Eve in another organization.
struct Acme {
    core: Core,
    team: TeamId,
    ada: Member,
    bob: Member,
    cleo: Member,
    dan: Member,
    eve: Member,
}

fn core_at(test: &TestDatabase, now: i64) -> Core {
    Core::new(Tools {
        db: test.db.clone(),
        clock: Clock::by_hand(now),
        vault: Vault::open_or_create(&test.folder.path().join("key")).unwrap().0,
        queue: Queue::new(test.db.clone()),
        partners: Partners::new([]).unwrap(),
        site: Site { name: "Patchbay".into(), public_url: "http://localhost:3000".parse().unwrap() },
    })
}

async fn acme(test: &TestDatabase) -> Acme {
    let core = core_at(test, NOON);
    let ada = founder(&core, "ada", "Ada Lovelace").await;
    let eve = founder(&core, "eve", "Eve Umbra").await;
    let team = teams::create(&core, &ada, NewTeam { name: "Product".into(), time_zone: "Europe/Vienna".into() }).await;
    let team = team.unwrap().id;
    let bob = join(&core, &ada, Some(team), "bob", "Bob Bobson").await;
    let cleo = join(&core, &ada, Some(team), "cleo", "Cleo").await;
    let dan = join(&core, &ada, None, "dan", "Dan").await;
    Acme { core, team, ada, bob, cleo, dan, eve }
}

async fn sign_up(core: &Core, local: &str, name: &str) -> UserId {
    let password = SecretString::from("correct horse battery");
    let new = users::NewUser { email: format!("{local}@example.com"), name: name.into(), password };
    users::sign_up(core, new).await.unwrap().id
}

async fn founder(core: &Core, local: &str, name: &str) -> Member {
    let user = sign_up(core, local, name).await;
    let organization = organizations::found(core, user, &format!("{name}'s")).await.unwrap().id;
    Member { organization, user, role: Role::Owner }
}

async fn join(core: &Core, ada: &Member, team: Option<TeamId>, local: &str, name: &str) -> Member {
    let user = sign_up(core, local, name).await;
    let token = invitations::invite(core, ada, NewInvitation { team, role: Role::Member }).await.unwrap();
    invitations::accept(core, user, &token).await.unwrap();
    Member { organization: ada.organization, user, role: Role::Member }
}

impl Acme {
    async fn write(&self, text: &str) -> Vec<EntryId> {
        entries::write(&self.core, &self.ada, self.team, text).await.unwrap()
    }

    async fn bodies(&self, filter: &Filter) -> Vec<String> {
        let listing = entries::list(&self.core, &self.bob, self.team, filter, None).await.unwrap();
        listing.entries.into_iter().map(|entry| entry.row.body).collect()
    }

    async fn row(&self, id: EntryId) -> entry::Model {
        entries::find(&self.core, &self.ada, self.team, id).await.unwrap().row
    }

    async fn told(&self, link: LinkId, external_id: &str, text: &str) -> bool {
        let recorded = Recorded {
            user: None,
            link,
            partner: "tracker".into(),
            told: NewEntry {
                external_id: external_id.into(),
                text: text.into(),
                status: Status::Done,
                url: Some("https://tracker.example/acme/widgets/42".into()),
                source: "acme/widgets#42".into(),
                author: Author { id: Some("7".into()), name: "Somebody Else".into(), url: None, avatar: None },
                happened_at: None,
                item: None,
            },
            occurred_on: "2026-11-22".parse().unwrap(),
        };
        let (core, organization, team) = (&self.core, self.ada.organization, self.team);
        core.db.write(async |tx| entries::record(core, tx, organization, team, recorded).await).await.unwrap()
    }
}

fn day(text: &str) -> Date {
    text.parse().unwrap()
}

async fn a_text_is_an_entry_per_line(test: TestDatabase) {
    let acme = acme(&test).await;

    let ids = acme.write("Shipped #Launch with @bob\r\n\r\n[] Rest\n! No coffee for @nobody or @dan").await;

    assert_eq!(ids.len(), 3);
    let listing = entries::list(&acme.core, &acme.bob, acme.team, &Filter::default(), None).await.unwrap();
    let read: Vec<_> = listing.entries.iter().map(|entry| (entry.row.status, entry.row.body.as_str())).collect();
    assert_eq!(
        read,
        [
            (EntryStatus::Done, "Shipped #Launch with @bob"),
            (EntryStatus::Goal, "Rest"),
            (EntryStatus::Blocked, "No coffee for @nobody or @dan"),
        ]
    );
    let shipped = &listing.entries[0];
    assert_eq!((shipped.author.as_str(), shipped.row.occurred_on.as_str()), ("Ada Lovelace", "2026-11-22"));
    assert!(shipped.tags.contains("launch") && shipped.mentions.contains("bob"));
    assert!(listing.entries[2].mentions.is_empty(), "only people of the team are mentioned");
}

async fn nothing_is_written_when_a_line_can_t_be(test: TestDatabase) {
    let acme = acme(&test).await;
    for text in ["", "one\n[]", &"x".repeat(1_000_000), &"x\n".repeat(51)] {
        let refused = entries::write(&acme.core, &acme.ada, acme.team, text).await;
        assert!(matches!(refused, Err(Error::Invalid(errors)) if errors.get("body").is_some()), "{} bytes", text.len());
    }
    assert!(acme.bodies(&Filter::default()).await.is_empty());
    // What only just fits: the statements' number of values stays below what SQLite takes.
    let full: String = (0..50)
        .map(|line| {
            (0..200).map(|n| format!("#t{line}x{n} @bob ")).collect::<String>().chars().take(1_900).collect::<String>()
                + "\n"
        })
        .collect();
    assert_eq!(acme.write(&full).await.len(), 50);
}

async fn who_may_do_what(test: TestDatabase) {
    let acme = acme(&test).await;
    let Acme { core, team, ada, bob, cleo, dan, eve } = &acme;
    let id = entries::write(core, bob, *team, "[] Bob's goal").await.unwrap()[0];
    let change = || Change { body: "Changed".into(), status: EntryStatus::Goal, day: None, over: None };

    // Who does not see the team finds nothing, whatever they try.
    let foreign = teams::create(core, eve, NewTeam { name: "Umbra".into(), time_zone: "UTC".into() }).await.unwrap().id;
    for (stranger, team) in [(dan, *team), (eve, *team), (ada, foreign)] {
        assert!(matches!(entries::write(core, stranger, team, "x").await, Err(Error::NotFound)));
        assert!(matches!(entries::list(core, stranger, team, &Filter::default(), None).await, Err(Error::NotFound)));
        assert!(matches!(entries::open(core, stranger, team).await, Err(Error::NotFound)));
        assert!(matches!(entries::find(core, stranger, team, id).await, Err(Error::NotFound)));
        assert!(matches!(entries::edit(core, stranger, team, id, change()).await, Err(Error::NotFound)));
        assert!(matches!(entries::complete(core, stranger, team, id).await, Err(Error::NotFound)));
        assert!(matches!(entries::archive(core, stranger, team, id).await, Err(Error::NotFound)));
    }
    // A team of ours is not the way to another team's entries.
    let other = teams::create(core, ada, NewTeam { name: "Other".into(), time_zone: "UTC".into() }).await.unwrap().id;
    assert!(matches!(entries::edit(core, ada, other, id, change()).await, Err(Error::NotFound)));

    // A colleague completes and reopens, but does not change what Bob wrote.
    entries::complete(core, cleo, *team, id).await.unwrap();
    entries::reopen(core, cleo, *team, id).await.unwrap();
    assert!(matches!(entries::edit(core, cleo, *team, id, change()).await, Err(Error::Forbidden(_))));
    assert!(matches!(entries::archive(core, cleo, *team, id).await, Err(Error::Forbidden(_))));
    assert!(!entries::find(core, cleo, *team, id).await.unwrap().editable);

    // Its author and an admin do.
    entries::edit(core, bob, *team, id, change()).await.unwrap();
    entries::archive(core, ada, *team, id).await.unwrap();
    entries::unarchive(core, bob, *team, id).await.unwrap();

    // An admin outside the team reads and tidies, and does not write.
    teams::remove_member(core, ada, *team, ada.user).await.unwrap();
    assert!(entries::list(core, ada, *team, &Filter::default(), None).await.is_ok());
    assert!(matches!(entries::write(core, ada, *team, "x").await, Err(Error::Forbidden(_))));
    assert!(matches!(entries::complete(core, ada, *team, id).await, Err(Error::Forbidden(_))));
    entries::archive(core, ada, *team, id).await.unwrap();

    // Who left keeps the name, and loses the rights with the next call.
    organizations::leave(core, bob).await.unwrap();
    assert!(matches!(entries::edit(core, bob, *team, id, change()).await, Err(Error::NotFound)));
    assert_eq!(entries::find(core, ada, *team, id).await.unwrap().author, "Bob Bobson");
}

async fn a_goal_is_done_once_and_open_again(test: TestDatabase) {
    let acme = acme(&test).await;
    let Acme { core, team, ada, bob, .. } = &acme;
    let ids = acme.write("[] Goal\n! Blocker\nDone").await;
    let open = async || entries::open(core, bob, *team).await.unwrap().len();
    assert_eq!(open().await, 2);

    for _ in 0..2 {
        entries::complete(core, bob, *team, ids[0]).await.unwrap();
        core.clock.advance(Duration::from_secs(86_400));
    }
    assert_eq!(acme.row(ids[0]).await.completed_on.as_deref(), Some("2026-11-22"), "the first time counts");
    assert_eq!(open().await, 1);

    for _ in 0..2 {
        entries::reopen(core, bob, *team, ids[0]).await.unwrap();
    }
    let row = acme.row(ids[0]).await;
    assert_eq!((row.status, row.completed_on), (EntryStatus::Goal, None));

    let done = Change { body: "Blocker".into(), status: EntryStatus::Done, day: None, over: None };
    entries::edit(core, ada, *team, ids[1], done).await.unwrap();
    assert_eq!(acme.row(ids[1]).await.completed_on.as_deref(), Some("2026-11-24"));

    entries::archive(core, ada, *team, ids[0]).await.unwrap();
    assert_eq!(open().await, 0, "what is archived is not open");
}

async fn an_edit_follows_the_words(test: TestDatabase) {
    let acme = acme(&test).await;
    let Acme { core, team, ada, .. } = &acme;
    let id = acme.write("With #old and @bob").await[0];

    let change = |body: &str, day| Change { body: body.into(), status: EntryStatus::Done, day, over: None };
    entries::edit(core, ada, *team, id, change("With #new and @cleo", Some(day("2026-11-20")))).await.unwrap();

    let entry = entries::find(core, ada, *team, id).await.unwrap();
    assert!(entry.tags.contains("new") && !entry.tags.contains("old"));
    assert!(entry.mentions.contains("cleo") && !entry.mentions.contains("bob"));
    assert_eq!(entry.row.occurred_on, "2026-11-20");

    for (bad, field) in [
        (change(" \u{200b}", None), "body"),
        (change(&"x".repeat(2_001), None), "body"),
        (change("x", Some(day("2028-01-01"))), "day"),
    ] {
        let refused = entries::edit(core, ada, *team, id, bad).await;
        assert!(matches!(refused, Err(Error::Invalid(errors)) if errors.get(field).is_some()), "{field}");
    }
    assert_eq!(acme.row(id).await.body, "With #new and @cleo");
}

async fn what_is_told_twenty_times_at_once_is_one_entry(test: TestDatabase) {
    let acme = Arc::new(acme(&test).await);
    let (link, other) = (LinkId::new(), LinkId::new());

    let tellings = (0..20).map(|n| {
        let acme = acme.clone();
        tokio::spawn(async move { acme.told(if n % 2 == 0 { link } else { other }, "issue:42:opened", "Opened").await })
    });
    let new = futures::future::join_all(tellings).await.into_iter().filter(|new| *new.as_ref().unwrap()).count();

    assert_eq!(new, 2, "one per link");
    assert_eq!(entry::Entity::of(acme.ada.organization).count(acme.core.db.reader()).await.unwrap(), 2);
    assert!(!acme.told(link, "issue:42:opened", "Opened").await);
    assert!(acme.told(link, "issue:43:opened", "Opened").await);
}

async fn what_a_partner_says_is_only_text(test: TestDatabase) {
    let acme = acme(&test).await;
    let link = LinkId::new();
    acme.told(link, &"long".repeat(100_000), &format!("#include @bob \0{}", "x".repeat(1_000_000))).await;

    let listing = entries::list(&acme.core, &acme.bob, acme.team, &Filter::default(), None).await.unwrap();
    let entry = &listing.entries[0];
    assert!(entry.tags.is_empty() && entry.mentions.is_empty());
    assert!(entry.row.body.starts_with("#include @bob \u{fffd}xxx") && entry.row.body.ends_with('…'));
    assert_eq!(entry.author, "Somebody Else");
    assert!(entry.editable, "an entry of nobody we know belongs to the team");
    assert!(!acme.told(link, &"long".repeat(100_000), "again").await);
}

async fn an_entry_follows_what_it_speaks_of(test: TestDatabase) {
    let acme = acme(&test).await;
    let (link, organization) = (LinkId::new(), acme.ada.organization);
    acme.told(link, "comment:1", "Commented: first").await;
    let amend = async |link, id: &str| {
        let core = &acme.core;
        core.db
            .write(async |tx| entries::amend(core, tx, organization, link, id, "Commented: second").await)
            .await
            .unwrap()
    };
    let retract = async |organization, id: &str| {
        let core = &acme.core;
        core.db.write(async |tx| entries::retract(core, tx, organization, link, id).await).await.unwrap()
    };

    assert!(!amend(LinkId::new(), "comment:1").await && !amend(link, "comment:2").await);
    assert_eq!(acme.bodies(&Filter::default()).await, ["Commented: first"]);
    assert!(amend(link, "comment:1").await && amend(link, "comment:1").await);
    assert_eq!(acme.bodies(&Filter::default()).await, ["Commented: second"]);
    assert!(!retract(acme.eve.organization, "comment:1").await);
    assert!(retract(organization, "comment:1").await && retract(organization, "comment:1").await);
    assert!(acme.bodies(&Filter::default()).await.is_empty());
}

async fn filters_find_what_they_name(test: TestDatabase) {
    let acme = acme(&test).await;
    let Acme { core, team, bob, .. } = &acme;
    acme.write("Ada's #launch\n[] Ada's goal\n! Ada's blocker").await;
    entries::write(core, bob, *team, "Bob's #Launch").await.unwrap();
    entries::write_on(core, bob, *team, Some(day("2026-11-20")), "Bob's yesterday").await.unwrap();
    acme.told(LinkId::new(), "1", "Told").await;
    let gone = acme.write("Gone").await[0];
    entries::archive(core, &acme.ada, *team, gone).await.unwrap();

    let cases: [(Filter, &[&str]); 9] = [
        (Filter { person: Some(bob.user), ..Filter::default() }, &["Bob's #Launch", "Bob's yesterday"]),
        (Filter { shown: Some(Shown::Goal), ..Filter::default() }, &["Ada's goal"]),
        (Filter { shown: Some(Shown::Blocked), ..Filter::default() }, &["Ada's blocker"]),
        (Filter { shown: Some(Shown::Archived), ..Filter::default() }, &["Gone"]),
        (Filter { tag: Some("#LAUNCH".into()), ..Filter::default() }, &["Bob's #Launch", "Ada's #launch"]),
        (Filter { source: Some(Source::Partner("tracker".into())), ..Filter::default() }, &["Told"]),
        (Filter { day: Some(day("2026-11-20")), ..Filter::default() }, &["Bob's yesterday"]),
        (
            Filter {
                source: Some(Source::Here),
                shown: Some(Shown::Done),
                person: Some(bob.user),
                tag: Some("launch".into()),
                ..Filter::default()
            },
            &["Bob's #Launch"],
        ),
        (Filter { tag: Some("laun%".into()), ..Filter::default() }, &[]),
    ];
    for (filter, expected) in cases {
        assert_eq!(acme.bodies(&filter).await, expected, "{filter:?}");
    }
    let days = entries::days(core, bob, *team, day("2026-11-01"), day("2026-11-30")).await.unwrap();
    assert_eq!(days.into_iter().collect::<Vec<_>>(), [(day("2026-11-20"), 1), (day("2026-11-22"), 5)]);
}

async fn search_finds_words_alike_on_both_databases(test: TestDatabase) {
    let acme = acme(&test).await;
    let texts = [
        "Fixed the LOGIN page #launch",
        "100% of the page",
        "1000 of the pages",
        "snake_case",
        "snakeXcase",
        "Größe und ÄRGER",
        "ΟΔΟΣΑ",
        r#"C:\temp\ 'quoted' "twice" !important"#,
        "[] Login goal",
    ];
    for text in texts {
        acme.write(text).await;
    }
    acme.told(LinkId::new(), "1", "Merged it").await;
    let found = async |text: &str| {
        let filter = Filter { text: Some(text.into()), ..Filter::default() };
        acme.bodies(&filter).await
    };
    let none: [&str; 0] = [];

    assert_eq!(found("login").await, ["Login goal", "Fixed the LOGIN page #launch"]);
    assert_eq!(found("page FIXED").await, ["Fixed the LOGIN page #launch"], "every word, in any order");
    assert_eq!(found("100%").await, ["100% of the page"]);
    assert_eq!(found("e_c").await, ["snake_case"]);
    assert_eq!(found("größe ärger").await, ["Größe und ÄRGER"]);
    assert_eq!(found("οδοσ").await, ["ΟΔΟΣΑ"]);
    assert_eq!(found(r"\temp\").await.len(), 1);
    assert_eq!(found("!important 'quoted'").await.len(), 1);
    assert_eq!(found("acme/widgets#42").await, ["Merged it"], "by where it came from");
    assert_eq!(found("%").await, ["100% of the page"]);
    for nothing in ["nowhere", "login nowhere", "' OR 1=1 --", "\\%"] {
        assert_eq!(found(nothing).await, none, "{nothing}");
    }
    let both = Filter { text: Some("login".into()), shown: Some(Shown::Goal), ..Filter::default() };
    assert_eq!(acme.bodies(&both).await, ["Login goal"]);

    let core = &acme.core;
    let goal = entries::list(core, &acme.ada, acme.team, &both, None).await.unwrap().entries[0].row.id;
    let change = Change { body: "Something else".into(), status: EntryStatus::Goal, day: None, over: None };
    entries::edit(core, &acme.ada, acme.team, goal, change).await.unwrap();
    assert_eq!(acme.bodies(&both).await, none);
    assert_eq!(found("something").await, ["Something else"]);
}

async fn entries_from_before_there_was_search_are_found(test: TestDatabase) {
    use migrations::{Migrator, MigratorTrait};
    let acme = acme(&test).await;
    acme.write("ÄRGER of old").await;
    acme.told(LinkId::new(), "1", "Merged it").await;
    let steps = Migrator::migrations();
    let later = steps.iter().rev().position(|step| step.name() == "m0014_searched_entries").unwrap();
    let later = Some(u32::try_from(later + 1).unwrap());

    Migrator::down(test.db.writer_for_tests(), later).await.unwrap();
    Migrator::up(test.db.writer_for_tests(), later).await.unwrap();

    for (text, body) in [("ärger", "ÄRGER of old"), ("WIDGETS#42", "Merged it")] {
        assert_eq!(acme.bodies(&Filter { text: Some(text.into()), ..Filter::default() }).await, [body]);
    }
}

async fn ten_thousand_entries_page_to_the_end_and_stay_fast(test: TestDatabase) {
    let acme = acme(&test).await;
    let Acme { core, team, bob, .. } = &acme;
    let sample = acme.write("[] Sample").await[0];
    let sample = acme.row(sample).await;
    core.db
        .write::<_, Error>(async |tx| {
            for chunk in (0..10_000).collect::<Vec<i64>>().chunks(500) {
                let rows = chunk.iter().map(|n| {
                    let body = format!("Entry {n}");
                    let occurred_on = day("2026-11-22").saturating_sub(jiff::Span::new().days(n / 120)).to_string();
                    let status = EntryStatus::Done;
                    entry::Model { id: EntryId::new(), body, occurred_on, status, ..sample.clone() }.into_active_model()
                });
                entry::Entity::insert_many(rows).exec_without_returning(tx).await?;
            }
            Ok(())
        })
        .await
        .unwrap();

    for nowhere in ["nowhere", "entry nowhere", "e"] {
        let began = std::time::Instant::now();
        let filter = Filter { text: Some(nowhere.into()), ..Filter::default() };
        acme.bodies(&filter).await;
        assert!(began.elapsed() < Duration::from_millis(500), "{nowhere}: {:?}", began.elapsed());
    }
    let (mut seen, mut before, mut slowest) = (Vec::new(), None, Duration::ZERO);
    loop {
        let began = std::time::Instant::now();
        let page = entries::list(core, bob, *team, &Filter::default(), before).await.unwrap();
        slowest = slowest.max(began.elapsed());
        seen.extend(page.entries.into_iter().map(|entry| (entry.row.occurred_on, entry.row.id)));
        before = page.next;
        if before.is_none() {
            break;
        }
    }

    assert_eq!(seen.len(), 10_001);
    assert!(seen.is_sorted_by(|one, next| one > next), "each entry once, newest first");
    // A page takes a few milliseconds; this only notices a page that reads the whole log.
    assert!(slowest < Duration::from_millis(500), "{slowest:?}");
    assert_eq!(entries::open(core, bob, *team).await.unwrap().len(), 1);
}

async fn a_day_begins_at_the_teams_midnight(test: TestDatabase) {
    let acme = acme(&test).await;
    let Acme { core, ada, .. } = &acme;
    let written_at = async |zone: &str, moment: &str| {
        let team = teams::create(core, ada, NewTeam { name: zone.into(), time_zone: zone.into() }).await.unwrap().id;
        let moment: Timestamp = moment.parse().unwrap();
        let core = core_at(&test, moment.as_millisecond());
        let id = entries::write(&core, ada, team, "x").await.unwrap()[0];
        entries::find(&core, ada, team, id).await.unwrap().row.occurred_on
    };
    for (zone, moment, day) in [
        // 14 hours ahead: it is tomorrow there for most of our day.
        ("Pacific/Kiritimati", "2026-11-22T09:59:59Z", "2026-11-22"),
        ("Pacific/Kiritimati", "2026-11-22T10:00:00Z", "2026-11-23"),
        // Three and a half hours behind.
        ("America/St_Johns", "2026-11-22T03:29:59Z", "2026-11-21"),
        ("America/St_Johns", "2026-11-22T03:30:00Z", "2026-11-22"),
        // The day the clocks go back has 25 hours, the day they go forward 23.
        ("Europe/Vienna", "2026-10-24T22:00:00Z", "2026-10-25"),
        ("Europe/Vienna", "2026-10-25T22:59:59Z", "2026-10-25"),
        ("Europe/Vienna", "2026-10-25T23:00:00Z", "2026-10-26"),
        ("Europe/Vienna", "2026-03-28T23:00:00Z", "2026-03-29"),
        ("Europe/Vienna", "2026-03-29T21:59:59Z", "2026-03-29"),
        ("Europe/Vienna", "2026-03-29T22:00:00Z", "2026-03-30"),
    ] {
        assert_eq!(written_at(zone, moment).await, day, "{zone} {moment}");
        let moment: Timestamp = moment.parse().unwrap();
        assert_eq!(day_of(moment.as_millisecond(), &TimeZone::get(zone).unwrap()).to_string(), day);
    }
}

on_both_databases!(
    a_text_is_an_entry_per_line,
    nothing_is_written_when_a_line_can_t_be,
    who_may_do_what,
    a_goal_is_done_once_and_open_again,
    an_edit_follows_the_words,
    what_is_told_twenty_times_at_once_is_one_entry,
    what_a_partner_says_is_only_text,
    an_entry_follows_what_it_speaks_of,
    filters_find_what_they_name,
    search_finds_words_alike_on_both_databases,
    entries_from_before_there_was_search_are_found,
    ten_thousand_entries_page_to_the_end_and_stay_fast,
    a_day_begins_at_the_teams_midnight,
);
