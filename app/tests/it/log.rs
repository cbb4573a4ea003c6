//! The log's pages: who gets in, what is shown and kept, and that nothing anybody writes is more than text.

use integration_contract::{Author, NewEntry, Status};
use jiff::{ToSpan, tz::TimeZone};
use patchbay::{
    core::{
        entries::{self, Recorded},
        organizations, teams, users,
    },
    db::{
        EntryId, LinkId, TeamId,
        entity::{Tenant, entry, entry::EntryStatus},
    },
};
use sea_orm::PaginatorTrait;

use crate::harness::{Client, TestApp, TestDatabase, TwoOrganizations, between, on_both_databases};

/// Texts that would do something if they were not shown as text.
const STRANGE: &[&str] = &[
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "' onmouseover='alert(1)",
    "javascript:alert(1)",
    "https://example.com/\"onmouseover=\"alert(1)",
    "https://example.com/'><script>alert(1)</script>",
    "#tag\"><script>alert(1)</script>",
    "@ada\"><script>alert(1)</script>",
    "</textarea><script>alert(1)</script>",
    "{{ page.csrf }} {% include 'x' %}",
    "\u{202e}gpj.exe \u{200b}\u{2066}x",
    "\u{1b}[31mred",
    "a\0b",
];

impl TwoOrganizations {
    fn log(&self) -> String {
        format!("/teams/{}", self.product)
    }

    async fn written_by(&self, client: &Client, text: &str) -> String {
        let answer = client.post_form(&format!("{}/entries", self.log()), &[("body", text)]).await;
        assert_eq!(answer.status, 303, "{}", answer.text);
        let email = if std::ptr::eq(client, &self.bob) { "bob@example.com" } else { "ada@example.com" };
        let who = self.app.member(email, self.acme).await;
        let listing =
            entries::list(&self.app.core, &who, self.product, &entries::Filter::default(), None).await.unwrap();
        format!("{}/entries/{}", self.log(), listing.entries[0].row.id)
    }

    async fn row(&self, path: &str) -> entry::Model {
        let id: EntryId = path.rsplit('/').next().unwrap().parse().unwrap();
        let who = self.app.member("ada@example.com", self.acme).await;
        entries::find(&self.app.core, &who, self.product, id).await.unwrap().row
    }

    async fn count(&self) -> u64 {
        entry::Entity::of(self.acme).count(self.app.database.db.reader()).await.unwrap()
    }

    /// What a hook tells.
    async fn told(&self, text: &str, source: &str, author: &str, url: &str) {
        let recorded = Recorded {
            user: None,
            link: LinkId::new(),
            partner: "tracker".into(),
            told: NewEntry {
                external_id: "1".into(),
                text: text.into(),
                status: Status::Done,
                url: Some(url.into()),
                source: source.into(),
                author: Author { id: None, name: author.into(), url: Some(url.into()), avatar: None },
                happened_at: None,
                item: None,
            },
            occurred_on: self.app.clock.today(&TimeZone::UTC),
        };
        let core = &self.app.core;
        let write = async |tx: &_| entries::record(core, tx, self.acme, self.product, recorded).await;
        assert!(self.app.database.db.write(write).await.unwrap());
    }
}

async fn signed_out_leads_to_log_in_and_writes_nothing(test: TestDatabase) {
    let t = TestApp::two_organizations(test).await;
    let entry = t.written_by(&t.ada, "[] Goal").await;
    let visitor = t.app.visitor();

    for path in [t.log(), format!("{}/entries", t.log()), entry.clone()] {
        let answer = visitor.get(&path).await;
        assert_eq!((answer.status, answer.location().starts_with("/login?next=%2Fteams%2F")), (303, true), "{path}");
    }
    for action in ["", "/complete", "/reopen", "/archive", "/unarchive"] {
        let answer = visitor.post_form(&format!("{entry}{action}"), &[("body", "x")]).await;
        assert!(answer.location().starts_with("/login"), "{action}: {}", answer.status);
    }
    let answer = visitor.post_form(&format!("{}/entries", t.log()), &[("body", "x")]).await;
    assert!(answer.location().starts_with("/login"));
    assert_eq!((t.count().await, t.row(&entry).await.status), (1, EntryStatus::Goal));
    t.app.finish().await;
}

async fn another_tenants_log_is_not_there(test: TestDatabase) {
    let t = TestApp::two_organizations(test).await;
    let entry = t.written_by(&t.ada, "[] Secret goal").await;
    let absent = format!("/teams/{}", TeamId::new());
    let nowhere = t.eve.get(&absent).await;

    for path in [t.log(), entry.clone(), format!("{}?tag=x", t.log())] {
        let answer = t.eve.get(&path).await;
        assert_eq!((answer.status, answer.body_alike()), (404, nowhere.body_alike()), "{path}");
    }
    // Below a team of her own, it is as if nobody had written it.
    let below_hers = async |id: &str| t.eve.get(&format!("/teams/{}/entries/{id}", t.lab)).await;
    let (theirs, nobodys) = (entry.rsplit('/').next().unwrap(), TeamId::new().to_string());
    let (theirs, nobodys) = (below_hers(theirs).await, below_hers(&nobodys).await);
    assert_eq!((theirs.status, theirs.body_alike()), (404, nobodys.body_alike()));
    for action in ["", "/complete", "/reopen", "/archive", "/unarchive"] {
        let fields = [("body", "x"), ("status", "done"), ("day", "2026-11-22")];
        assert_eq!(t.eve.post_form(&format!("{entry}{action}"), &fields).await.status, 404, "{action}");
    }
    assert_eq!(t.eve.post_form(&format!("{}/entries", t.log()), &[("body", "x")]).await.status, 404);
    assert_eq!((t.count().await, t.row(&entry).await.body), (1, "Secret goal".to_owned()));
    // A person's own filter does not reach into another tenant either.
    let ada = t.app.member("ada@example.com", t.acme).await.user;
    assert!(!t.eve.get(&format!("/teams/{}?person={ada}", t.lab)).await.text.contains("Secret"));
    t.app.finish().await;
}

async fn nonsense_gets_a_sentence(test: TestDatabase) {
    let t = TestApp::two_organizations(test).await;
    let entry = t.written_by(&t.ada, "Entry").await;

    for path in ["/teams/0", "/teams/-1", "/teams/1%20OR%201=1", "/teams/%00", &format!("{}/entries/x", t.log())] {
        assert_eq!(t.ada.get(path).await.status, 404, "{path}");
    }
    for query in
        ["day=yesterday", "day=2026-02-30", "person=1%20OR%201=1", "status=DONE", "before=x", "month=13", "day=%00"]
    {
        let answer = t.ada.get(&format!("{}?{query}", t.log())).await;
        assert_eq!(answer.status, 422, "{query}");
    }
    // Harmless ones are answered, whatever they are made of.
    for query in [
        "tag=%00",
        "tag=%27%3B--",
        "source=nobody",
        "source=%00",
        "unknown=x",
        "day=",
        "tag=a&tag=b",
        "q=%00",
        "q=%25_%27%3B--",
        "%FF=%FF",
        "person=00000000-0000-0000-0000-000000000000",
    ] {
        assert_eq!(t.ada.get(&format!("{}?{query}", t.log())).await.status, 200, "{query}");
    }
    for (fields, sentence) in [
        (vec![("body", "")], "Write what got done."),
        (vec![], "Write what got done."),
        (vec![("body", "one\n!")], "Entry 2 has nothing after its marker."),
        (vec![("body", "one"), ("day", "soon")], "A day is written like"),
        (vec![("body", "one"), ("day", "2999-01-01")], "not more than a year ahead"),
    ] {
        let answer = t.ada.post_form(&format!("{}/entries", t.log()), &fields).await;
        assert_eq!((answer.status, answer.text.contains(sentence)), (422, true), "{fields:?}");
    }
    for fields in [
        vec![("body", "x"), ("status", "later"), ("day", "2026-11-22")],
        vec![("body", " "), ("status", "done"), ("day", "2026-11-22")],
        vec![("body", "x"), ("status", "done"), ("day", "22.11.2026")],
        vec![],
    ] {
        assert_eq!(t.ada.post_form(&entry, &fields).await.status, 422, "{fields:?}");
    }
    assert_eq!((t.count().await, t.row(&entry).await.body), (1, "Entry".to_owned()));
    t.app.finish().await;
}

async fn what_was_typed_is_kept_beside_the_sentence(test: TestDatabase) {
    let t = TestApp::two_organizations(test).await;
    let text = "Shipped <it> & \"more\"\n[]";

    let answer = t.ada.post_form(&format!("{}/entries", t.log()), &[("body", text)]).await;

    assert_eq!(answer.status, 422);
    assert!(answer.text.contains("Shipped &#60;it&#62; &#38; &#34;more&#34;\n[]</textarea>"), "{}", answer.text);
    assert!(answer.text.contains("aria-describedby=\"body-error body-help\""));
    t.app.finish().await;
}

async fn an_entry_is_written_done_changed_and_archived_twice(test: TestDatabase) {
    let t = TestApp::two_organizations(test).await;
    let entry = t.written_by(&t.ada, "[] Ship it #launch").await;
    let log = t.log();
    let page = t.bob.get(&log).await.text;
    assert!(page.contains("Ship it ") && page.contains(&format!("{log}?tag=launch")));
    let button = format!("action=\"{entry}/complete\"");
    assert!(page.contains(&button));

    for _ in 0..2 {
        let answer = t.bob.post_form(&format!("{entry}/complete"), &[("next", &format!("{log}?tag=launch"))]).await;
        let id = entry.rsplit('/').next().unwrap();
        assert_eq!((answer.status, answer.location()), (303, format!("{log}?tag=launch#entry-{id}").as_str()));
    }
    assert!(!t.bob.get(&log).await.text.contains(&button), "it is done");
    for _ in 0..2 {
        assert_eq!(t.bob.post_form(&format!("{entry}/reopen"), &[]).await.status, 303);
    }
    let fields =
        [("body", "Shipped it #release"), ("status", "done"), ("day", "2026-11-20"), ("next", "//evil.example")];
    for _ in 0..2 {
        let answer = t.ada.post_form(&entry, &fields).await;
        assert_eq!((answer.status, answer.location().starts_with(&log)), (303, true), "{}", answer.location());
    }
    assert!(t.bob.get(&format!("{log}?day=2026-11-20&tag=release")).await.text.contains("Shipped it "));
    for _ in 0..2 {
        assert_eq!(t.ada.post_form(&format!("{entry}/archive"), &[]).await.status, 303);
    }
    assert!(!t.bob.get(&log).await.text.contains("Shipped it "));
    assert!(t.bob.get(&format!("{log}?status=archived")).await.text.contains("Shipped it "));
    for _ in 0..2 {
        assert_eq!(t.ada.post_form(&format!("{entry}/unarchive"), &[]).await.status, 303);
    }
    assert!(t.bob.get(&log).await.text.contains("Shipped it "));
    t.app.finish().await;
}

/// What a form carries, by the name of its field.
fn field<'a>(page: &'a str, name: &str) -> &'a str {
    let (_, rest) = page.split_once(&format!("name=\"{name}\" ")).unwrap();
    between(rest, "value=\"", "\"").unwrap()
}

async fn a_form_that_was_open_meanwhile_writes_over_nothing_unseen(test: TestDatabase) {
    let t = TestApp::two_organizations(test).await;
    let entry = t.written_by(&t.bob, "[] Ship it").await;
    let form = t.ada.get(&entry).await.text;
    let day = field(&form, "day").to_owned();
    let friday = [("body", "Ship it on Friday"), ("status", "goal"), ("day", day.as_str())];
    let sends = async |over: &str| t.ada.post_form(&entry, &[&friday[..], &[("over", over)]].concat()).await;

    t.bob.post_form(&format!("{entry}/complete"), &[]).await;
    let refused = sends(field(&form, "over")).await;

    assert_eq!((refused.status, t.row(&entry).await.status), (409, EntryStatus::Done), "nobody reopens it unseen");
    assert!(refused.text.contains("Somebody changed this entry"), "{}", refused.text);
    assert!(refused.text.contains("Ship it on Friday</textarea>"), "what was typed is kept");
    assert!(refused.text.contains("<p class=\"entry-body\" dir=\"auto\">Ship it</p>"), "what stands there is shown");

    // The form knows now what it writes over. Sent twice, the second finds what it would write.
    for _ in 0..2 {
        assert_eq!(sends(field(&refused.text, "over")).await.status, 303);
    }
    assert_eq!(
        (t.row(&entry).await.body.as_str(), t.row(&entry).await.status),
        ("Ship it on Friday", EntryStatus::Goal)
    );

    // A form with a mistake in it does not forget what it was typed over.
    let form = t.ada.get(&entry).await.text;
    t.bob.post_form(&format!("{entry}/archive"), &[]).await;
    let wrong = [("body", " "), ("status", "goal"), ("day", &day), ("over", field(&form, "over"))];
    let wrong = t.ada.post_form(&entry, &wrong).await;
    assert_eq!((wrong.status, field(&wrong.text, "over")), (422, field(&form, "over")));
    let made_up = [("body", "x"), ("status", "goal"), ("day", &day), ("over", "made up")];
    assert_eq!(t.ada.post_form(&entry, &made_up).await.status, 409);
    t.app.finish().await;
}

async fn what_is_archived_is_not_done_from_an_old_page(test: TestDatabase) {
    let t = TestApp::two_organizations(test).await;
    let entry = t.written_by(&t.ada, "[] Ship it").await;
    t.ada.post_form(&format!("{entry}/archive"), &[]).await;

    let answer = t.bob.post_form(&format!("{entry}/complete"), &[]).await;

    assert_eq!((answer.status, answer.location()), (303, entry.as_str()));
    assert!(t.bob.get(&entry).await.text.contains("The entry is archived, so it stays as it is."));
    assert_eq!(t.row(&entry).await.status, EntryStatus::Goal);
    t.app.finish().await;
}

async fn a_colleague_sees_an_entry_and_no_form(test: TestDatabase) {
    let t = TestApp::two_organizations(test).await;
    let entry = t.written_by(&t.ada, "Ada's").await;
    let page = t.bob.get(&entry).await;
    assert_eq!((page.status, page.text.contains("Save"), page.text.contains("Only its author")), (200, false, true));
    let fields = [("body", "Bob was here"), ("status", "done"), ("day", "2026-11-20")];
    assert_eq!(t.bob.post_form(&entry, &fields).await.status, 403);
    assert_eq!(t.bob.post_form(&format!("{entry}/archive"), &[]).await.status, 403);
    assert_eq!(t.row(&entry).await.body, "Ada's");
    // The owner may change what Bob wrote.
    let entry = t.written_by(&t.bob, "Bob's").await;
    assert!(t.ada.get(&entry).await.text.contains("Save"));
    t.app.finish().await;
}

async fn a_form_from_elsewhere_and_a_link_change_nothing(test: TestDatabase) {
    let t = TestApp::two_organizations(test).await;
    let entry = t.written_by(&t.ada, "[] Goal").await;
    for path in [format!("{}/entries", t.log()), entry.clone(), format!("{entry}/complete"), format!("{entry}/archive")]
    {
        let bare = t.ada.request(reqwest::Method::POST, &path).form(&[("body", "x")]);
        assert_eq!(t.ada.send(bare).await.status, 403, "{path}");
    }
    for action in ["complete", "reopen", "archive", "unarchive"] {
        assert_eq!(t.ada.get(&format!("{entry}/{action}")).await.status, 405, "{action}");
    }
    assert_eq!(t.ada.get(&format!("{}/entries", t.log())).await.location(), t.log());
    let row = t.row(&entry).await;
    assert_eq!((row.status, row.archived_at, t.count().await), (EntryStatus::Goal, None, 1));
    t.app.finish().await;
}

async fn whatever_is_written_is_only_text(test: TestDatabase) {
    let t = TestApp::two_organizations(test).await;
    for text in STRANGE {
        t.written_by(&t.ada, text).await;
        t.told(text, text, text, text).await;
    }
    let strange = "https://example.com/\"onmouseover=\"alert(1)";
    t.told("Told", "acme/widgets#42", "Somebody", strange).await;

    let page = t.ada.get(&t.log()).await.text;

    let entry = t.written_by(&t.ada, STRANGE[8]).await;
    for page in
        [page, t.ada.get(&entry).await.text, t.ada.get(&format!("{}?tag=%22%3E%3Cscript%3E", t.log())).await.text]
    {
        for inert in [
            "<script>",
            "</script>\"",
            "<img src=x",
            "onerror=alert(1)>",
            "\"onmouseover",
            "'onmouseover",
            "href=\"javascript:",
            " style=",
            "\0",
        ] {
            assert!(!page.contains(inert), "{inert} is in the page");
        }
        assert!(page.matches("</textarea>").count() <= 1);
    }
    t.app.finish().await;
}

async fn a_told_entry_says_where_it_came_from(test: TestDatabase) {
    let t = TestApp::two_organizations(test).await;
    t.told("Opened issue #42: Search", "acme/widgets#42", "mona", "https://tracker.example/42").await;

    let page = t.bob.get(&t.log()).await.text;

    assert!(
        page.contains("<a class=\"source\" href=\"https://tracker.example/42\" rel=\"nofollow noopener noreferrer\">")
    );
    assert!(page.contains("<bdi>acme/widgets#42</bdi>") && page.contains("<bdi>mona</bdi>"));
    assert!(!page.contains("?tag=42"), "an issue's number is no tag");
    assert!(t.bob.get(&format!("{}?source=tracker", t.log())).await.text.contains("Opened issue"));
    assert!(!t.bob.get(&format!("{}?source=here", t.log())).await.text.contains("Opened issue"));
    t.app.finish().await;
}

async fn what_is_open_from_earlier_days_stands_above_today(test: TestDatabase) {
    let t = TestApp::two_organizations(test).await;
    let who = t.app.member("ada@example.com", t.acme).await;
    let zone = TimeZone::get("Europe/Vienna").unwrap();
    let yesterday = t.app.clock.today(&zone).yesterday().unwrap();
    entries::write_on(&t.app.core, &who, t.product, Some(yesterday), "[] An old goal").await.unwrap();
    t.written_by(&t.ada, "[] A goal of today").await;

    let page = t.ada.get(&t.log()).await.text;

    assert_eq!(page.matches("An old goal").count(), 2, "above today, and under its own day");
    assert_eq!(page.matches("A goal of today").count(), 1, "under today only");
    t.app.finish().await;
}

async fn a_team_without_links_is_told_how_to_connect(test: TestDatabase) {
    let t = TestApp::two_organizations(test).await;
    t.written_by(&t.ada, "Wrote a line").await;

    let of_admin = t.ada.get(&t.log()).await.text;
    let of_member = t.bob.get(&t.log()).await.text;

    assert!(of_admin.contains("Connect a tool"));
    assert!(!of_member.contains("Connect a tool"), "a member can't add a link for a team");
    t.app.finish().await;
}

async fn a_long_log_has_older_pages(test: TestDatabase) {
    let t = TestApp::two_organizations(test).await;
    for batch in 0..2 {
        let lines: String = (0..50).map(|line| format!("Entry {}.\n", batch * 50 + line)).collect();
        t.written_by(&t.ada, &lines).await;
    }
    let first = t.ada.get(&t.log()).await.text;
    let older = first.split("<a class=\"button\" href=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
    let older = older.replace("&#38;", "&");
    let second = t.ada.get(&older).await.text;

    let is_in = |page: &str, n: u32| page.contains(&format!("Entry {n}."));
    assert_eq!((0..100).filter(|n| is_in(&first, *n)).count(), 60);
    assert!((0..100).all(|n| is_in(&first, n) != is_in(&second, n)), "each entry is on one of the two pages");
    assert!(second.contains("<title>Older entries · ") && !second.contains(">Older entries</a>"));
    t.app.finish().await;
}

/// What stands in the headings of people, in the order of the page.
fn headings(page: &str) -> Vec<&str> {
    let names = page.split("<h3 id=\"person-").skip(1);
    names.map(|rest| rest.split("<bdi>").nth(1).unwrap().split("</bdi>").next().unwrap()).collect()
}

async fn a_day_stands_under_its_people(test: TestDatabase) {
    let t = TestApp::two_organizations(test).await;
    let today = t.app.clock.today(&TimeZone::get("Europe/Vienna").unwrap());
    let page = async |query: &str| t.ada.get(&format!("{}?day={query}", t.log())).await.text;
    assert!(!page(&today.to_string()).await.contains("Nothing yet from"), "of a day without anything it is said once");

    t.written_by(&t.ada, "Mended the roof #house").await;
    let one = page(&today.to_string()).await;
    assert_eq!(headings(&one), ["Ada"]);
    assert!(one.contains("Nothing yet from Bob."), "{one}");

    t.told("Painted the door", "house#1", "Carol <b>", "https://example.com/carol").await;
    t.written_by(&t.bob, "Cleaned the windows\nSwept the floor").await;
    t.written_by(&t.ada, "Locked the door").await;
    let all = page(&today.to_string()).await;
    assert_eq!(headings(&all), ["Ada", "Bob", "Carol &#60;b&#62;"]);
    assert!(!all.contains("Nothing yet from") && !all.contains("Nothing from"));
    let place = |text: &str| all.find(text).unwrap_or_else(|| panic!("{text} is not on the page"));
    assert!(place("Locked the door") < place("Mended the roof") && place("Mended the roof") < place("Swept the floor"));
    assert!(!all.contains("class=\"entry-author\""), "who it was is said above");

    let tagged = page(&format!("{today}&tag=house")).await;
    assert_eq!(headings(&tagged), ["Ada"]);
    assert!(!tagged.contains("Nothing yet from"), "of what is left out nothing is said");

    let tomorrow = today.tomorrow().unwrap();
    assert!(headings(&page(&tomorrow.to_string()).await).is_empty());
    t.app.finish().await;
}

async fn a_search_from_a_day_says_so_and_leads_to_all_days(test: TestDatabase) {
    let t = TestApp::two_organizations(test).await;
    t.written_by(&t.ada, "Shipped it").await;
    let log = t.log();

    let page = t.ada.get(&format!("{log}?day=2026-01-02&q=shipped")).await.text;

    let sentence = between(&page, "<p>Showing only entries", "</p>").unwrap();
    assert!(sentence.contains("on <strong>Friday, 2 January 2026</strong>"), "{sentence}");
    assert!(sentence.contains(&format!("<a href=\"{log}?q=shipped\">Search all days</a>")), "{sentence}");
    assert!(page.contains("Nothing fits") && page.matches("Search all days").count() == 2);
    let found = t.ada.get(&format!("{log}?q=shipped")).await.text;
    assert!(found.contains("Shipped it") && !found.contains("Search all days"));
    // Days that are chosen in the filter take the place of the day that it stood on.
    assert!(t.ada.get(&format!("{log}?day=2026-01-02&from=2026-01-01&q=shipped")).await.text.contains("Shipped it"));
    t.app.finish().await;
}

async fn who_left_is_still_called_by_name(test: TestDatabase) {
    let t = TestApp::two_organizations(test).await;
    t.written_by(&t.bob, "Bob's").await;
    let (ada, bob) = (t.app.member("ada@example.com", t.acme).await, t.app.member("bob@example.com", t.acme).await);
    organizations::remove_member(&t.app.core, &ada, bob.user).await.unwrap();

    let of = async |user| t.ada.get(&format!("{}?person={user}&q=nothing", t.log())).await.text;

    assert!(of(bob.user).await.contains(" of <strong><bdi>Bob</bdi></strong>"));
    // Whom nobody here has heard of has no name.
    let eve = t.app.member("eve@example.com", t.umbra).await.user;
    assert!(of(eve).await.contains(" of <strong><bdi>Somebody else</bdi></strong>"));
    t.app.finish().await;
}

async fn tags_of_late_stand_beside_the_log_and_the_teams_days_in_a_row(test: TestDatabase) {
    let t = TestApp::two_organizations(test).await;
    let core = &t.app.core;
    let ada = t.app.member("ada@example.com", t.acme).await;
    let today = t.app.clock.today(&TimeZone::get("Europe/Vienna").unwrap());
    let ago = |days: i64| Some(today.saturating_sub(days.days()));
    let plain = t.ada.get(&t.log()).await.text;
    assert!(!plain.contains("id=\"tags\"") && !plain.contains("in a row"), "{plain}");

    t.written_by(&t.bob, "Rolled it out #Release #a<b").await;
    t.written_by(&t.ada, "Told everybody #release").await;
    entries::write_on(core, &ada, t.product, ago(1), "Mended it #ops").await.unwrap();
    entries::write_on(core, &ada, t.product, ago(29), "The oldest that counts #then").await.unwrap();
    entries::write_on(core, &ada, t.product, ago(30), "Too old #before").await.unwrap();
    let archived = entries::write_on(core, &ada, t.product, None, "Never mind #never").await.unwrap()[0];
    entries::archive(core, &ada, t.product, archived).await.unwrap();

    let person = users::person(core, ada.user).await.unwrap();
    let (_, team) = teams::find(core, &person, t.product).await.unwrap();
    let tags = entries::tags(core, &ada, &team).await.unwrap();
    let counted: Vec<_> = tags.iter().map(|tagged| (tagged.tag.as_str(), tagged.entries)).collect();
    assert_eq!(counted, [("release", 2), ("a", 1), ("ops", 1), ("then", 1)]);
    let eve = t.app.member("eve@example.com", t.umbra).await;
    assert!(matches!(entries::tags(core, &eve, &team).await, Err(patchbay::core::Error::NotFound)));

    let page = t.ada.get(&t.log()).await.text;
    assert!(page.contains("?tag=release\"><bdi>#release</bdi> <span class=\"number\">2</span>"), "{page}");
    assert!(
        page.contains("on <strong class=\"number\">2</strong> days in a row"),
        "Ada's yesterday and both today: {page}"
    );
    let chosen = t.ada.get(&format!("{}?tag=release", t.log())).await.text;
    assert!(
        chosen.contains(&format!("href=\"{}\" aria-current=\"true\"><bdi>#release</bdi>", t.log())),
        "pressed again, it goes"
    );
    t.app.finish().await;
}

async fn the_first_page_leads_on(test: TestDatabase) {
    let t = TestApp::two_organizations(test).await;
    let welcome = t.app.visitor().get("/").await;
    assert_eq!(welcome.status, 200);
    assert!(welcome.text.contains("href=\"/login\"") && welcome.text.contains("href=\"/signup\""));

    assert_eq!((t.ada.get("/").await.status, t.ada.get("/").await.location()), (303, t.log().as_str()));
    assert!(t.ada.get(&t.log()).await.text.contains("href=\"/integrations\">"), "an empty log says what to do next");

    t.app.user("new@example.com", "New").await;
    let newcomer = t.app.log_in("new@example.com").await;
    let steps = newcomer.get("/").await;
    assert!(steps.status == 200 && steps.text.contains("href=\"/organizations/new\""));
    let user = users::by_email(&t.app.core, "new@example.com").await.unwrap().unwrap();
    organizations::found(&t.app.core, user.id, "Newcomers").await.unwrap();
    let steps = newcomer.get("/").await.text;
    assert!(steps.contains("href=\"/teams/new\"") && steps.contains("Newcomers"));
    t.app.finish().await;
}

async fn files_are_served_and_named_by_their_content(test: TestDatabase) {
    let t = TestApp::two_organizations(test).await;
    let page = t.app.visitor().get("/").await.text;
    let css = page.split("rel=\"stylesheet\" href=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap();

    let answer = t.app.visitor().get(css).await;

    assert_eq!((answer.status, answer.header("x-content-type-options")), (200, "nosniff"));
    assert!(answer.header("cache-control").contains("immutable"));
    for odd in ["/static/../Cargo.toml", "/static/%2e%2e/Cargo.toml", "/static/%00", "/static/", "/static/nothing.css"]
    {
        assert_eq!(t.app.visitor().get(odd).await.status, 404, "{odd}");
    }
    t.app.finish().await;
}

on_both_databases!(
    signed_out_leads_to_log_in_and_writes_nothing,
    another_tenants_log_is_not_there,
    nonsense_gets_a_sentence,
    what_was_typed_is_kept_beside_the_sentence,
    an_entry_is_written_done_changed_and_archived_twice,
    a_form_that_was_open_meanwhile_writes_over_nothing_unseen,
    what_is_archived_is_not_done_from_an_old_page,
    a_colleague_sees_an_entry_and_no_form,
    a_form_from_elsewhere_and_a_link_change_nothing,
    whatever_is_written_is_only_text,
    a_told_entry_says_where_it_came_from,
    what_is_open_from_earlier_days_stands_above_today,
    a_team_without_links_is_told_how_to_connect,
    a_day_stands_under_its_people,
    a_search_from_a_day_says_so_and_leads_to_all_days,
    who_left_is_still_called_by_name,
    tags_of_late_stand_beside_the_log_and_the_teams_days_in_a_row,
    a_long_log_has_older_pages,
    the_first_page_leads_on,
    files_are_served_and_named_by_their_content,
);
