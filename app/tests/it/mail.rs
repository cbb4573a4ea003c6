//! Mail: told once, to who is concerned, as it was meant; and what the mail server says counts.

use std::time::Duration;

use integration_contract::{PartnerSettings, SecretString};
use integration_testkit::FakePartner;
use jiff::Timestamp;
use patchbay::{
    clock::Clock,
    core::{
        Core, Site, Tools, entries,
        mail::{self, Letter, digest, health},
        organizations,
        partners::Partners,
        sealing::Vault,
        teams::{self, NewTeam},
    },
    db::{
        LinkId, MailId,
        entity::{Tenant, integration_link::LinkState, mail as mail_row, team_digest},
    },
    queue::{Outcome, Queue},
};
use sea_orm::PaginatorTrait;
use serde_json::json;

use crate::{
    harness::{FakeMailServer, TestApp, TestDatabase, on_both_databases},
    outbox::World,
};

/// A Monday at noon in Vienna.
const MONDAY: &str = "2026-11-23T11:00:00Z";

async fn world(test: TestDatabase) -> (World, FakeMailServer) {
    let server = FakeMailServer::open().await;
    let fake = FakePartner::with_card(FakePartner::able_card());
    let moment: Timestamp = MONDAY.parse().unwrap();
    let mailer = server.mailer();
    (World::with_mailer(test, moment.as_millisecond(), fake, PartnerSettings::default(), mailer).await, server)
}

impl World {
    /// So much later, what the upkeep does has been done, and the queue is worked off.
    async fn later(&self, by: Duration) {
        self.core.clock.advance(by);
        health::tell(&self.core).await.unwrap();
        digest::strike(&self.core).await.unwrap();
        self.run().await;
    }

    async fn waiting_mails(&self) -> u64 {
        mail_row::Entity::of(self.ada.organization).count(self.core.db.reader()).await.unwrap()
    }

    /// Another process on the same database.
    fn beside(&self) -> Core {
        Core::new(Tools {
            db: self.test.db.clone(),
            clock: Clock::by_hand(self.core.clock.now()),
            vault: Vault::from_text(&SecretString::from(format!("v1:{}", "5a".repeat(32)))).unwrap(),
            queue: Queue::new(self.test.db.clone()),
            partners: Partners::new([]).unwrap(),
            site: Site { name: "Patchbay".into(), public_url: "http://localhost:3000".parse().unwrap() },
        })
    }

    async fn digest_row(&self) -> team_digest::Model {
        team_digest::Entity::of(self.ada.organization).one(self.core.db.reader()).await.unwrap().unwrap()
    }
}

/// To whom mails went, sorted.
fn receivers(mails: &[String]) -> Vec<String> {
    let of = |mail: &String| mail.lines().find_map(|line| line.strip_prefix("To: ")).unwrap_or_default().to_owned();
    let mut receivers: Vec<String> = mails.iter().map(of).collect();
    receivers.sort();
    receivers
}

/// A mail as a person reads it: what the way of mail puts in is taken out.
fn read(mail: &str) -> String {
    mail.replace("=\n", "").replace("=C3=A4", "ä").replace("=3D", "=")
}

async fn breaks(world: &World, link: LinkId, reason: &str) {
    world.hook(link, json!({ "do": "gone", "reason": reason })).await;
    world.run().await;
    assert_eq!(world.link_row(link).await.state, LinkState::Broken);
}

const MINUTE: Duration = Duration::from_secs(60);

async fn a_break_and_its_end_are_told_once_to_who_is_concerned(test: TestDatabase) {
    let (world, server) = world(test).await;
    let link = world.link("workshop", "no").await;
    breaks(&world, link, "fire.").await;
    world.later(Duration::from_secs(30)).await;
    assert_eq!(server.taken().len(), 0, "it may be over in a minute");

    world.later(MINUTE).await;
    let mails = server.taken();
    assert_eq!(receivers(&mails), ["Ada <ada@example.com>"], "Bob is neither its owner nor an admin");
    let mail = read(&mails[0]);
    assert!(mail.contains("Subject: workshop (") && mail.contains("needs somebody"), "{mail}");
    assert!(mail.contains("fire.") && mail.contains(&format!("/link/{link}")), "{mail}");
    assert!(mail.contains("23 November 2026, 12:00"), "in the team's time zone: {mail}");
    assert!(mail.contains("From: Patchbay <log@patchbay.test>") && mail.contains("@patchbay.test>"), "{mail}");

    // Another reason is not another break.
    breaks(&world, link, "flood.").await;
    for _ in 0..3 {
        world.later(MINUTE).await;
    }
    assert_eq!(server.taken().len(), 0);

    world.hook(link, json!({ "do": "works" })).await;
    world.run().await;
    world.later(MINUTE).await;
    let mails = server.taken();
    assert!(mails.len() == 1 && read(&mails[0]).contains("works again"), "{mails:?}");
    world.later(MINUTE).await;
    assert_eq!(server.taken().len(), 0);

    // The next break is told again; one that a person ends by removing the link needs no word.
    breaks(&world, link, "mice.").await;
    world.later(2 * MINUTE).await;
    assert_eq!(server.taken().len(), 1);
    world.remove(link).await;
    world.later(2 * MINUTE).await;
    assert_eq!((server.taken().len(), world.waiting_mails().await), (0, 0));
    world.finish().await;
}

async fn two_processes_tell_a_break_once(test: TestDatabase) {
    let (world, server) = world(test).await;
    let link = world.link("workshop", "no").await;
    breaks(&world, link, "fire.").await;
    world.core.clock.advance(2 * MINUTE);
    let (one, other) = (world.beside(), world.beside());

    let told = tokio::join!(health::tell(&world.core), health::tell(&one), health::tell(&other));

    assert!(told.0.is_ok() && told.1.is_ok() && told.2.is_ok());
    world.run().await;
    assert_eq!(server.taken().len(), 1);
    world.finish().await;
}

async fn the_digest_comes_at_the_teams_hour_with_what_is_new(test: TestDatabase) {
    let (world, server) = world(test).await;
    let core = &world.core;
    entries::write(core, &world.ada, world.team, "Before there was a digest").await.unwrap();
    core.clock.advance(MINUTE);
    digest::choose(core, &world.ada, world.team, Some(17)).await.unwrap();
    entries::write(core, &world.ada, world.team, "Shipped it\n[] Next one").await.unwrap();
    entries::write(core, &world.bob, world.team, "! Späte Lieferung").await.unwrap();
    let gone = entries::write(core, &world.ada, world.team, "Archived").await.unwrap()[0];
    entries::archive(core, &world.ada, world.team, gone).await.unwrap();

    // 16:59 in Vienna, and then a minute after 17:00.
    world.later(Duration::from_secs(4 * 3600 + 58 * 60)).await;
    assert_eq!(server.taken().len(), 0);
    let (one, other) = (world.beside(), world.beside());
    core.clock.advance(2 * MINUTE);
    one.clock.advance(2 * MINUTE);
    other.clock.advance(2 * MINUTE);
    let struck = tokio::join!(digest::strike(core), digest::strike(&one), digest::strike(&other));
    assert!(struck.0.is_ok() && struck.1.is_ok() && struck.2.is_ok());
    world.run().await;

    let mails = server.taken();
    assert_eq!(receivers(&mails), ["Ada <ada@example.com>", "Bob <bob@example.com>"], "once each");
    let mail = read(&mails[0]);
    assert!(mail.contains("Subject: Product: 3 entries"), "{mail}");
    for line in ["Monday, 23 November", "* Shipped it (Ada)", "[ ] Next one (Ada)", "! Späte Lieferung (Bob)"] {
        assert!(mail.contains(line), "{line}: {mail}");
    }
    assert!(!mail.contains("Before there was") && !mail.contains("Archived"), "{mail}");
    assert!(mail.contains(&format!("http://localhost:3000/teams/{}/settings#digest", world.team)), "{mail}");

    // Nothing new: none. What comes after the hour is in the next one. Who does not want it gets none.
    world.later(Duration::from_secs(24 * 3600)).await;
    assert_eq!(server.taken().len(), 0);
    entries::write(core, &world.ada, world.team, "After the hour").await.unwrap();
    digest::receive(core, &world.bob, world.team, false).await.unwrap();
    world.later(Duration::from_secs(24 * 3600)).await;
    let mails = server.taken();
    assert_eq!(receivers(&mails), ["Ada <ada@example.com>"]);
    assert!(read(&mails[0]).contains("After the hour") && !read(&mails[0]).contains("Shipped it"));

    // Nobody was there for three days: one digest makes up for them.
    entries::write(core, &world.ada, world.team, "While nobody was there").await.unwrap();
    world.later(Duration::from_secs(3 * 24 * 3600)).await;
    world.later(MINUTE).await;
    assert_eq!(server.taken().len(), 1);
    digest::choose(core, &world.ada, world.team, None).await.unwrap();
    entries::write(core, &world.ada, world.team, "No digest any more").await.unwrap();
    world.later(Duration::from_secs(24 * 3600)).await;
    assert_eq!(server.taken().len(), 0);
    world.finish().await;
}

async fn what_came_late_is_in_the_next_digest(test: TestDatabase) {
    let (world, server) = world(test).await;
    let core = &world.core;
    digest::choose(core, &world.ada, world.team, Some(17)).await.unwrap();
    world.later(Duration::from_hours(6)).await;

    entries::write(core, &world.ada, world.team, "Came at once").await.unwrap();
    // The link was broken for two days, and its partner delivers again.
    let link = world.link("workshop", "no").await;
    let two_days_ago = core.clock.now() / 1000 - 2 * 24 * 3600;
    world.hook(link, json!({ "do": "entry", "id": "late", "text": "Came late", "at": two_days_ago })).await;
    world.run().await;
    assert_eq!(server.taken().len(), 0);
    world.later(Duration::from_hours(24)).await;

    let mails = server.taken();
    assert_eq!(receivers(&mails), ["Ada <ada@example.com>", "Bob <bob@example.com>"]);
    let mail = read(&mails[0]).replace("\r\n", "\n");
    let saturday = mail.find("Saturday, 21 November\n\n* Came late").expect("under its own day");
    assert!(mail.find("Monday, 23 November\n\n* Came at once").is_some_and(|monday| saturday < monday), "{mail}");
    world.later(Duration::from_hours(24)).await;
    assert_eq!(server.taken().len(), 0, "in one digest and no other");
    world.finish().await;
}

async fn the_hour_is_the_teams_and_moves_with_its_zone(test: TestDatabase) {
    let (world, _server) = world(test).await;
    let strikes = async || Timestamp::from_millisecond(world.digest_row().await.next_at).unwrap().to_string();
    digest::choose(&world.core, &world.ada, world.team, Some(9)).await.unwrap();
    assert_eq!(strikes().await, "2026-11-24T08:00:00Z");
    let new = NewTeam { name: "Product".into(), time_zone: "America/New_York".into() };
    teams::change(&world.core, &world.ada, world.team, new).await.unwrap();
    assert_eq!(strikes().await, "2026-11-23T14:00:00Z");
    assert!(digest::choose(&world.core, &world.ada, world.team, Some(24)).await.is_err());
    assert!(digest::choose(&world.core, &world.bob, world.team, Some(9)).await.is_err(), "only admins choose");
    world.finish().await;
}

async fn what_the_mail_server_says_counts(test: TestDatabase) {
    let (world, server) = world(test).await;
    let core = &world.core;
    let letter = Letter { subject: "Hello".into(), body: "Text\n.\nwith a lonely dot\n".into() };
    let written = async |to| -> MailId {
        let write = async |tx: &_| mail::write(core, tx, world.ada.organization, [to], &letter).await;
        core.db.write(write).await.unwrap();
        let rows = mail_row::Entity::of(world.ada.organization).all(core.db.reader()).await.unwrap();
        world.sql("DELETE FROM jobs WHERE kind = 'send_mail'").await;
        rows.last().unwrap().id
    };
    let send = async |id| mail::send(core, world.ada.organization, id).await.unwrap();

    let id = written(world.bob.user).await;
    server.answers("451 later");
    assert!(matches!(send(id).await, Outcome::Again { after: None, .. }));
    server.answers("550 nobody of that name: hunter2");
    let Outcome::Failed { why } = send(id).await else { panic!("tried again") };
    assert!(why.contains("550") && !why.contains("hunter2"), "{why}");
    server.answers("250 yes");
    assert_eq!(send(id).await, Outcome::Done);
    assert_eq!(send(id).await, Outcome::Done, "a second run finds nothing to do");
    let mails = server.taken();
    assert_eq!(mails.len(), 1);
    assert!(mails[0].contains(&format!("Message-ID: <{id}@patchbay.test>")), "{}", mails[0]);
    assert!(mails[0].contains("with a lonely dot"), "{}", mails[0]);

    // Who has left the organization is told nothing any more.
    let id = written(world.bob.user).await;
    organizations::remove_member(core, &world.ada, world.bob.user).await.unwrap();
    assert_eq!((send(id).await, server.taken().len(), world.waiting_mails().await), (Outcome::Done, 0, 0));
    world.finish().await;
}

async fn the_settings_page_has_the_digest(test: TestDatabase) {
    let t = TestApp::two_organizations(test).await;
    let settings = format!("/teams/{}/settings", t.product);
    let digest = format!("/teams/{}/digest", t.product);
    let page = t.ada.get(&settings).await.text;
    assert!(page.contains("The team has no digest") && page.contains("sends no mail yet"));

    assert_eq!(t.bob.post_form(&digest, &[("hour", "9")]).await.status, 403);
    assert_eq!(t.eve.post_form(&digest, &[("hour", "9")]).await.status, 404);
    for hour in ["24", "-1", "nine", "99999999999"] {
        assert_eq!(t.ada.post_form(&digest, &[("hour", hour)]).await.status, 422, "{hour}");
    }
    assert_eq!(t.ada.post_form(&digest, &[("hour", "9")]).await.status, 303);
    let page = t.bob.get(&settings).await.text;
    assert!(page.contains("Every day at 09:00 in Europe/Vienna") && page.contains("You get it."));
    assert!(!page.contains("No digest"), "no control for who may not choose");
    assert_eq!(t.bob.post_form(&format!("{digest}/mine"), &[("wants", "no")]).await.status, 303);
    assert!(t.bob.get(&settings).await.text.contains("You do not get it."));
    assert!(t.ada.get(&settings).await.text.contains("You get it."));
    assert_eq!(t.eve.post_form(&format!("{digest}/mine"), &[("wants", "no")]).await.status, 404);
    assert_eq!(t.bob.post_form(&format!("{digest}/mine"), &[("wants", "yes")]).await.status, 303);
    assert_eq!(t.ada.post_form(&digest, &[("hour", "")]).await.status, 303);
    assert!(t.bob.get(&settings).await.text.contains("The team has no digest"));
    t.app.finish().await;
}

on_both_databases!(
    a_break_and_its_end_are_told_once_to_who_is_concerned,
    two_processes_tell_a_break_once,
    the_digest_comes_at_the_teams_hour_with_what_is_new,
    what_came_late_is_in_the_next_digest,
    the_hour_is_the_teams_and_moves_with_its_zone,
    what_the_mail_server_says_counts,
    the_settings_page_has_the_digest,
);
