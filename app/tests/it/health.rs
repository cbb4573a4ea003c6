//! Health: whatever broke a link, its page says the one thing to do, it keeps what comes meanwhile, and it goes on by itself;
//! who is concerned sees it on every page until it is mended, and once that it was.

use std::time::Duration;

use integration_contract::{Card, ErrorKind, PartnerSettings};
use integration_testkit::{FakePartner, Trouble};
use patchbay::{
    core::{mail::health, mirrors},
    db::entity::{
        Tenant,
        inbox_message::MessageState,
        integration_link::{self, LinkState, Remedy},
        integration_user::{self, AccountState},
        mail, recovery,
    },
};
use sea_orm::{ConnectionTrait, EntityTrait, PaginatorTrait};

use crate::{
    harness::{TestDatabase, on_both_databases},
    integrations::{Ground, able, consented, join, path_of, removal_of},
    mirrors::World,
};

async fn ground(test: TestDatabase) -> Ground {
    let fake = FakePartner::with_card(Card { settings: &[], ..able() });
    Ground::idle_with(test, fake, PartnerSettings::default()).await
}

impl Ground {
    /// Ada's link that tells this room every entry, acting with her account. There must be workers.
    async fn telling_link(&self, room: &str) -> integration_link::Model {
        let team = self.two.product.to_string();
        let fields = [("level", "team"), ("team", team.as_str()), ("room", room), ("tell", "now")];
        let answer = self.two.ada.post_form("/integrations/fake/link", &fields).await;
        assert_eq!(answer.status, 303, "{}", answer.text);
        let link = self.links().await.into_iter().find(|link| link.name == room).unwrap();
        self.stands(link.id, LinkState::Active).await
    }

    async fn write(&self, text: &str) {
        let path = format!("/teams/{}/entries", self.two.product);
        let written = self.two.ada.post_form(&path, &[("body", text)]).await;
        assert_eq!(written.status, 303, "{}", written.text);
    }

    async fn sql(&self, statement: &str) {
        self.app().core.db.writer_for_tests().execute_unprepared(statement).await.unwrap();
    }

    fn standing(&self, room: &str) -> Vec<String> {
        self.fake.posts().into_iter().filter(|post| post.room == room).map(|post| post.text).collect()
    }

    async fn tell(&self) {
        self.app().clock.advance(Duration::from_secs(120));
        health::tell(&self.app().core).await.unwrap();
    }

    /// Everything that was written to somebody and not sent yet: its subject and its text.
    async fn letters(&self) -> Vec<(String, String)> {
        let rows = mail::Entity::of(self.two.acme).all(self.app().core.db.reader()).await.unwrap();
        rows.into_iter().map(|mail| (mail.subject, mail.body)).collect()
    }

    async fn recoveries(&self) -> u64 {
        recovery::Entity::find().count(self.app().core.db.reader()).await.unwrap()
    }

    async fn link_breaks(&self, link: &integration_link::Model, trouble: Trouble) -> integration_link::Model {
        self.fake.trouble_delivering(trouble);
        self.write("Told later").await;
        self.stands(link.id, LinkState::Broken).await
    }
}

/// Each way in which a link breaks, what its page offers then, and that doing so is all it takes.
async fn whatever_broke_a_link_one_deed_mends_it(test: TestDatabase) {
    let ground = ground(test).await;
    ground.app().work();
    join(&ground.two.ada, 7, "ada-there").await;
    let link = ground.telling_link("workshop").await;
    let path = path_of(&link);
    let mut told = 0;
    for (trouble, remedy, label) in [
        (Trouble::Fails(ErrorKind::Unauthorized), Remedy::Reconnect, "Connect Fake again"),
        (Trouble::LacksPermission, Remedy::Grant, "Give Fake the permission"),
        (Trouble::Fails(ErrorKind::Forbidden), Remedy::Join, "Try again"),
    ] {
        let broken = ground.link_breaks(&link, trouble).await;
        assert_eq!(broken.remedy, Some(remedy), "{trouble:?}");
        ground.settled().await;

        // What comes meanwhile is kept: hooks are read, and what is to be told waits.
        let id = format!("hook-{told}");
        assert_eq!(ground.hook(&link, &id, &Ground::telling(&id, &format!("Heard {id}"))).await.status, 200);
        ground.write("Also kept").await;
        ground.settled().await;
        let page = ground.two.ada.get(&path).await.text;
        let trouble_part = page.split("class=\"flash flash-bad trouble\"").nth(1).unwrap();
        let trouble_part = trouble_part.split("</form>").next().unwrap();
        assert!(trouble_part.contains(&format!(">{label}<")), "{label}: {trouble_part}");
        assert!(trouble_part.contains("(just now)"), "{trouble_part}");
        assert!(trouble_part.contains("messages are kept; they go on by themselves."), "{trouble_part}");
        assert_eq!(page.matches("button-primary").count(), 1, "one thing to do: {page}");
        let row = ground.two.ada.get(&format!("/teams/{}/settings", ground.two.product)).await.text;
        assert!(row.contains(label) && row.contains("Needs attention since"), "{row}");
        // Who may not do it is told whom to ask.
        let row = ground.two.bob.get(&format!("/teams/{}/settings", ground.two.product)).await.text;
        assert!(row.contains("Ask Ada to connect") || row.contains("Ask Ada to give") || row.contains("(Ada"), "{row}");
        assert!(!row.contains("action=\"/auth/fake\"") && !row.contains("value=\"resume\""), "{row}");

        if remedy == Remedy::Join {
            let next = format!("/teams/{}/settings", ground.two.product);
            let again = ground.two.ada.post_form(&path, &[("action", "resume"), ("next", &next)]).await;
            assert_eq!((again.status, again.location()), (303, next.as_str()));
        } else {
            let organization = ground.two.acme.to_string();
            let fields = [("organization", organization.as_str()), ("next", path.as_str())];
            let consent = ground.two.ada.post_form("/auth/fake", &fields).await.location().to_owned();
            let back = consented(&ground.two.ada, &consent, 7, "ada-there").await;
            assert_eq!(back.location(), path, "it leads back to where it was begun");
        }
        let mended = ground.stands(link.id, LinkState::Active).await;
        assert_eq!((mended.remedy, mended.reason), (None, None));
        ground.settled().await;
        told += 2;
        // What was heard while it was broken is not told where it came from.
        assert_eq!(ground.standing("workshop").len(), told, "{:?}", ground.standing("workshop"));
        assert!(ground.entries().await.iter().any(|entry| entry.body == format!("Heard {id}")));
        assert!(!ground.two.ada.get(&path).await.text.contains("trouble\""));
    }

    // A pause is a person's.
    ground.two.ada.post_form(&path, &[("action", "pause")]).await;
    let page = ground.two.ada.get(&path).await.text;
    assert!(page.contains("value=\"resume\">Resume<"), "{page}");
    assert!(!page.contains("class=\"alerts\""), "nobody is alarmed by a pause");
    ground.two.ada.post_form(&path, &[("action", "resume")]).await;
    ground.stands(link.id, LinkState::Active).await;
    ground.finish().await;
}

async fn a_hook_that_needs_the_account_is_read_when_it_works_again(test: TestDatabase) {
    let ground = ground(test).await;
    ground.app().work();
    join(&ground.two.ada, 7, "ada-there").await;
    let link = ground.telling_link("workshop").await;
    for _ in 0..2 {
        ground.fake.trouble_looking_up(Trouble::Fails(ErrorKind::Unauthorized));
    }
    let ask = |id: &str| format!(r#"{{"do":"ask","id":"{id}","text":"Asked for {id}"}}"#).into_bytes();
    assert_eq!(ground.hook(&link, "one", &ask("1")).await.status, 200);
    ground.stands(link.id, LinkState::Broken).await;
    assert_eq!(ground.hook(&link, "two", &ask("2")).await.status, 200);
    ground.settled().await;

    let held = ground.messages().await;
    assert!(held.iter().all(|message| message.state == MessageState::Received), "{held:?}");
    let page = ground.two.ada.get(&path_of(&link)).await.text;
    assert!(page.contains("2 hooks are kept; they go on by themselves."), "{page}");
    assert_eq!(ground.entries().await.len(), 0);

    join(&ground.two.ada, 7, "ada-there").await;
    ground.stands(link.id, LinkState::Active).await;
    ground.until("they are read", async || ground.entries().await.len() == 2).await;
    let bodies: Vec<String> = ground.entries().await.into_iter().map(|entry| entry.body).collect();
    assert_eq!(bodies, ["Asked for 1", "Asked for 2"]);
    ground.finish().await;
}

async fn an_account_that_breaks_is_told_once_with_all_it_stops(test: TestDatabase) {
    let ground = ground(test).await;
    ground.app().work();
    join(&ground.two.ada, 7, "ada-there").await;
    let mut links = Vec::new();
    for number in 0..5 {
        links.push(ground.telling_link(&format!("room-{number}")).await.id);
    }
    for _ in &links {
        ground.fake.trouble_delivering(Trouble::Fails(ErrorKind::Unauthorized));
    }
    ground.write("To be told").await;
    for link in &links {
        ground.stands(*link, LinkState::Broken).await;
    }
    // Bob has an account that no link acts with.
    join(&ground.two.bob, 8, "bob-there").await;
    let bobs = ground.accounts().await.into_iter().find(|row| row.account_id == "8").unwrap();
    patchbay::core::integration_users::mark_broken(&ground.app().core, &bobs, "It was taken back.").await.unwrap();
    ground.settled().await;
    // Nobody sends anything from here on.
    ground.sql("ALTER TABLE mails RENAME TO mails_away").await;
    ground.app().clock.advance(Duration::from_secs(120));
    let core = &ground.app().core;
    assert!(health::tell(core).await.is_err(), "whoever tells dies before the letters are written");
    ground.sql("ALTER TABLE mails_away RENAME TO mails").await;
    let hold = "UPDATE jobs SET run_at = 9999999999999, state = 'waiting' WHERE kind = 'send_mail'";

    let (one, two) = tokio::join!(health::tell(core), health::tell(core));
    one.and(two).unwrap();
    ground.sql(hold).await;
    health::tell(core).await.unwrap();
    let told = core.db.reader();
    let told = patchbay::db::entity::told_account_break::Entity::find().all(told).await.unwrap();
    assert_eq!(told.len(), 2, "one for each cause");
    ground.settled_but_mail().await;
    ground.finish().await;
}

impl Ground {
    async fn settled_but_mail(&self) {
        self.sql("DELETE FROM jobs WHERE kind = 'send_mail'").await;
        self.settled().await;
    }
}

/// Without workers, so that letters stay to be read.
async fn letters_of_accounts_and_links_name_what_they_are_about(test: TestDatabase) {
    let ground = ground(test).await;
    join(&ground.two.ada, 7, "ada-there").await;
    join(&ground.two.bob, 8, "bob-there").await;
    for room in ["attic", "cellar", "kitchen"] {
        ground.add(room).await;
    }
    ground.sql("UPDATE integration_links SET state = 'active'").await;
    let accounts = ground.accounts().await;
    let of = |id: &str| accounts.iter().find(|row| row.account_id == id).unwrap();
    let core = &ground.app().core;
    let mark =
        async |row| patchbay::core::integration_users::mark_broken(core, row, "It was taken back.").await.unwrap();
    mark(of("7")).await;
    mark(of("8")).await;
    // Two of three have noticed.
    ground.sql("UPDATE integration_links SET state = 'broken', reason = 'Away.' WHERE name <> 'kitchen'").await;
    health::tell(core).await.unwrap();
    assert_eq!(ground.letters().await.len(), 0, "it may be over in a minute");

    ground.tell().await;
    ground.tell().await;
    let mut letters = ground.letters().await;
    letters.sort();
    let subjects: Vec<&str> = letters.iter().map(|(subject, _)| subject.as_str()).collect();
    assert_eq!(subjects, ["ada-there (Fake) needs somebody", "bob-there (Fake) needs somebody"]);
    let body = &letters[0].1;
    for line in ["It was taken back.", "* attic\n", "* cellar\n", "* kitchen\n", "/settings"] {
        assert!(body.contains(line), "{line}: {body}");
    }
    assert!(!letters[1].1.contains("attic") && !letters[1].1.contains("It stops"), "{}", letters[1].1);
    // The page of one that has not noticed says it all the same.
    let page = ground.two.ada.get(&format!("/teams/{}/settings", ground.two.product)).await.text;
    assert_eq!(page.matches(">Connect Fake again<").count(), 4, "three rows and the line above them: {page}");
    assert!(page.contains("which stops 2 links,"), "{page}");

    // Connected again: the account's end is told once it is known how its links fare, and once.
    ground.sql("DELETE FROM mails").await;
    join(&ground.two.ada, 7, "ada-there").await;
    ground.tell().await;
    assert_eq!(ground.letters().await.len(), 0, "the links are being set up");
    ground.sql("UPDATE integration_links SET state = 'active', reason = NULL WHERE name = 'attic'").await;
    ground.sql("UPDATE integration_links SET state = 'broken', reason = 'Mice.' WHERE name = 'cellar'").await;
    let (one, two) = tokio::join!(health::tell(core), health::tell(core));
    one.and(two).unwrap();
    ground.tell().await;
    ground.tell().await;
    let mut letters = ground.letters().await;
    letters.sort();
    let subjects: Vec<&str> = letters.iter().map(|(subject, _)| subject.as_str()).collect();
    // What stays broken is a cause of its own from now on.
    assert_eq!(subjects, ["ada-there (Fake) works again", "cellar (Fake) needs somebody"]);
    let (works, still) = letters[0].1.split_once("Still in need of somebody").unwrap();
    assert!(works.contains("* attic") && works.contains("* kitchen") && still.contains("* cellar"), "{}", letters[0].1);

    // On a page, once, and to whom it was told.
    assert_eq!(ground.recoveries().await, 1);
    assert!(!ground.two.bob.get("/settings").await.text.contains("works again"));
    let (one, two) = tokio::join!(ground.two.ada.get("/integrations"), ground.two.ada.get("/log"));
    let said = [&one.text, &two.text]
        .into_iter()
        .filter(|page| page.contains("ada-there (Fake)</bdi></a> works again"))
        .count();
    assert_eq!((said, ground.recoveries().await), (1, 0));
    assert!(!ground.two.ada.get("/integrations").await.text.contains("works again"));
    ground.finish().await;
}

async fn a_mirror_that_stops_is_told_and_so_is_its_end(test: TestDatabase) {
    let world = World::new(test).await;
    let letters = async || {
        let rows = mail::Entity::of(world.ada.organization).all(world.core.db.reader()).await.unwrap();
        rows.into_iter().map(|mail| mail.subject).collect::<Vec<_>>()
    };
    let breaks = "UPDATE mirrors SET state = 'broken', reason = 'A conversation of machines.', state_since = ";
    world.sql(&format!("{breaks}{}", world.core.clock.now())).await;
    health::tell(&world.core).await.unwrap();
    assert_eq!(letters().await.len(), 0);
    world.core.clock.advance(Duration::from_secs(61));
    for _ in 0..2 {
        health::tell(&world.core).await.unwrap();
    }
    let name = world.mirror_row().await.name;
    assert_eq!(letters().await, [format!("{name} needs somebody")]);

    mirrors::resume(&world.core, &world.ada, &world.mirror_row().await).await.unwrap();
    for _ in 0..2 {
        health::tell(&world.core).await.unwrap();
    }
    assert_eq!(letters().await, [format!("{name} needs somebody"), format!("{name} works again")]);
}

/// The line at the top of every page: for who is concerned and nobody else, one however much is broken.
async fn every_page_says_what_needs_somebody(test: TestDatabase) {
    let ground = ground(test).await;
    join(&ground.two.ada, 7, "ada-there").await;
    let link = ground.add("attic").await;
    ground.sql("UPDATE integration_links SET state = 'active', integration_user_id = NULL").await;
    let clean = ground.two.ada.get("/integrations").await.text;
    assert!(!clean.contains("class=\"alerts\""));
    ground.sql("UPDATE integration_links SET state = 'broken', remedy = 'join', reason = 'Say <b>/invite</b>.'").await;

    let page = ground.two.ada.get("/integrations").await.text;
    let line = page.split("class=\"alerts\"").nth(1).unwrap().split("</aside>").next().unwrap();
    assert!(line.contains("Fake (attic)</bdi></a> needs attention: <bdi>Say &#60;b&#62;/invite"), "{line}");
    assert!(line.contains(&format!("action=\"{}\"", path_of(&link))) && line.contains("Try again"), "{line}");
    assert!(
        !ground.two.ada.get(&path_of(&link)).await.text.contains("class=\"alerts\""),
        "its own page says it itself"
    );
    for other in [&ground.two.bob, &ground.two.eve] {
        assert!(!other.get("/integrations").await.text.contains("class=\"alerts\""));
    }

    ground.add("cellar").await;
    ground.add("kitchen").await;
    ground.add("roof").await;
    ground.sql("UPDATE integration_links SET state = 'broken', integration_user_id = NULL").await;
    let page = ground.two.ada.get("/log").await.text;
    assert!(page.contains("4 things need attention:") && page.contains(" and 1 more"), "{page}");
    let gone = ground.two.ada.post_form(&removal_of(&link), &[("_method", "delete")]).await;
    assert_eq!(gone.status, 303);
    assert!(ground.two.ada.get("/log").await.text.contains("3 things need attention:"));
    ground.sql("UPDATE integration_links SET state = 'active'").await;
    assert!(!ground.two.ada.get("/log").await.text.contains("class=\"alerts\""));
    ground.finish().await;
}

async fn accounts_say_since_when_and_what_to_do(test: TestDatabase) {
    let ground = ground(test).await;
    join(&ground.two.bob, 8, "bob-there").await;
    let page = ground.two.bob.get("/settings").await.text;
    assert!(page.contains("Choose what to link"), "nothing was made with it yet: {page}");
    let row = ground.accounts().await.remove(0);
    let core = &ground.app().core;
    patchbay::core::integration_users::mark_broken(core, &row, "It was taken back.").await.unwrap();
    let first: Option<i64> = ground.accounts().await[0].broken_since;
    ground.app().clock.advance(Duration::from_secs(300));
    patchbay::core::integration_users::mark_broken(core, &row, "It was taken back.").await.unwrap();
    let row = ground.accounts().await.remove(0);
    assert_eq!((row.broken_since, row.state), (first, AccountState::Broken), "noticed twice, broken once");
    for path in ["/settings", "/integrations/fake"] {
        let page = ground.two.bob.get(path).await.text;
        let main = page.split("id=\"main\"").nth(1).unwrap();
        assert!(main.contains("It was taken back.") && main.contains("(5 minutes ago)"), "{path}: {main}");
        assert!(main.contains("Connect Fake again"), "{path}: {main}");
    }
    assert!(ground.two.bob.get("/log").await.text.contains("Fake (bob-there)"));
    join(&ground.two.bob, 8, "bob-there").await;
    let row: integration_user::Model = ground.accounts().await.remove(0);
    assert_eq!((row.broken_since, row.state), (None, AccountState::Connected));
    // A wrong organization in the form is nobody's business.
    let umbra = ground.two.umbra.to_string();
    assert_eq!(ground.two.bob.post_form("/auth/fake", &[("organization", &umbra)]).await.status, 404);
    let elsewhere = ground.two.bob.post_form("/auth/fake", &[("next", "https://evil.example/")]).await;
    let back = consented(&ground.two.bob, elsewhere.location(), 8, "bob-there").await;
    assert_eq!(back.location(), "/integrations/fake");
    let _: Option<integration_link::ActiveModel> = None;
    ground.finish().await;
}

on_both_databases!(
    whatever_broke_a_link_one_deed_mends_it,
    a_hook_that_needs_the_account_is_read_when_it_works_again,
    an_account_that_breaks_is_told_once_with_all_it_stops,
    letters_of_accounts_and_links_name_what_they_are_about,
    a_mirror_that_stops_is_told_and_so_is_its_end,
    every_page_says_what_needs_somebody,
    accounts_say_since_when_and_what_to_do,
);
