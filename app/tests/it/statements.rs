//! How many statements a page takes: the same for a handful of rows as for many.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use patchbay::core::teams::{self, NewTeam};

use crate::{
    harness::{Crowd, TestDatabase, on_both_databases},
    integrations::Ground,
};

/// So many bytes a page has at most, before anybody packs them.
const HEAVIEST: usize = 200_000;

/// Counts what a database is asked.
#[derive(Clone, Default)]
struct Counter(Arc<AtomicUsize>);

impl Counter {
    fn on(database: &mut TestDatabase) -> Self {
        let counter = Self::default();
        let told = counter.clone();
        database.db.tell_of_statements(move |_| {
            told.0.fetch_add(1, Ordering::Relaxed);
        });
        counter
    }

    fn take(&self) -> usize {
        self.0.swap(0, Ordering::Relaxed)
    }
}

async fn a_page_takes_no_more_statements_for_more_rows(mut test: TestDatabase) {
    let statements = Counter::on(&mut test);
    let ground = Ground::idle(test).await;
    let two = &ground.two;
    let core = &ground.app().core;
    let ada = ground.app().member("ada@example.com", two.acme).await;
    let bob = ground.app().member("bob@example.com", two.acme).await;
    let new = NewTeam { name: "Design".into(), time_zone: "UTC".into() };
    let design = teams::create(core, &ada, new).await.unwrap().id;
    let (teams, people) = ([two.product, design], [ada.user, bob.user]);
    let crowd = Crowd { core, organization: two.acme, teams: &teams, people: &people, partner: "github" };

    let mut counted: Vec<BTreeMap<(&str, &str), usize>> = Vec::new();
    // Few, but of each kind one: broken, paused, a mirror of a broken link. And more than a page has.
    for (entries, links, messages, mirrors) in [(150, 12, 9, 3), (300, 120, 300, 20)] {
        let links = crowd.links(links).await;
        let entries = crowd.entries(entries, &links).await;
        crowd.messages(messages, &links, &entries).await;
        let mirrors = crowd.mirrors(mirrors, &links).await;
        crowd.deeds(entries.len(), &links).await;
        crowd.invitations(mirrors.len()).await;
        let (team, link) = (format!("/teams/{}", two.product), format!("/integrations/github/link/{}", links[0]));
        let today = core.clock.today(&jiff::tz::TimeZone::UTC);
        let mirror = format!("/mirrors/{}", mirrors[0]);
        let pages = [
            ("the log", team.clone()),
            ("the log, searched", format!("{team}?q=streaming+rows")),
            ("the log, of a tag", format!("{team}?tag=topic3")),
            ("a day", format!("{team}?day={today}")),
            ("a month", format!("{team}?month={}", today.strftime("%Y-%m"))),
            ("an entry", format!("{team}/entries/{}", entries[0])),
            ("the team's settings", format!("{team}/settings")),
            ("the team's settings, searched", format!("{team}/settings?find=service")),
            ("my log", "/log".to_owned()),
            ("my settings", "/settings".to_owned()),
            ("the catalogue", "/integrations".to_owned()),
            ("a partner", "/integrations/github".to_owned()),
            ("the organization's settings", format!("/organizations/{}/settings", two.acme)),
            ("the audit log", format!("/organizations/{}/audit", two.acme)),
            ("a link", link.clone()),
            ("a link's activity", format!("{link}/activity")),
            ("a link's failures", format!("{link}/activity?state=failed")),
            ("a mirror", mirror),
        ];
        let mut takes = BTreeMap::new();
        for (name, path) in pages {
            for (person, client) in [("Ada", &two.ada), ("Bob", &two.bob)] {
                // The first visit may still write something about the session.
                client.get(&path).await;
                statements.take();
                let answer = client.get(&path).await;
                takes.insert((name, person), statements.take());
                // Bob is no admin, so the audit log is not for him.
                let status = if (name, person) == ("the audit log", "Bob") { 403 } else { 200 };
                assert_eq!(answer.status, status, "{name} for {person}");
                assert!(answer.text.len() < HEAVIEST, "{name} for {person} has {} bytes", answer.text.len());
            }
        }
        counted.push(takes);
    }
    let grown: Vec<_> = counted[0]
        .iter()
        .filter_map(|(page, few)| Some((page, few, counted[1].get(page)?)).filter(|(_, few, many)| few < many))
        .collect();
    assert!(grown.is_empty(), "more statements for more rows: {grown:?}");
    assert!(counted[0].values().all(|few| (1..=30).contains(few)), "{:?}", counted[0]);
    ground.finish().await;
}

on_both_databases!(a_page_takes_no_more_statements_for_more_rows);
