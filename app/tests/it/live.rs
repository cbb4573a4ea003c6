//! Live updates: told soon, to who may know, by whichever process, and over when the process stops.

use std::time::{Duration, Instant};

use patchbay::{
    core::{entries, live, organizations, partners::Partners},
    db::entity::member::Role,
};
use reqwest::Method;
use tokio::time::timeout;

use crate::harness::{Client, TestApp, TestDatabase, TwoOrganizations, on_both_databases};

/// Promised is a second; the tests share a busy machine.
const SOON: Duration = Duration::from_secs(10);

/// An open stream.
struct Stream {
    response: reqwest::Response,
    text: String,
}

impl Stream {
    async fn open(client: &Client, path: &str) -> Self {
        let response = client.request(Method::GET, path).send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        assert_eq!(response.headers()["x-accel-buffering"], "no");
        Self { response, text: String::new() }
    }

    /// What the next event carries.
    async fn event(&mut self) -> String {
        let read = async {
            loop {
                if let Some((event, rest)) = self.text.split_once("\n\n") {
                    let data =
                        event.lines().find_map(|line| line.strip_prefix("data:")).map(|data| data.trim().to_owned());
                    self.text = rest.to_owned();
                    match data {
                        Some(data) => return data,
                        None => continue,
                    }
                }
                let piece = self.response.chunk().await.unwrap().expect("the stream goes on");
                self.text.push_str(std::str::from_utf8(&piece).unwrap());
            }
        };
        timeout(SOON, read).await.expect("an event in time")
    }

    /// Whether it ends, after whatever else it has to say.
    async fn ends(&mut self) -> bool {
        timeout(SOON, async { while self.response.chunk().await.unwrap().is_some() {} }).await.is_ok()
    }

    async fn is_silent_for(&mut self, time: Duration) -> bool {
        timeout(time, self.event()).await.is_err()
    }
}

impl TwoOrganizations {
    fn live(&self) -> String {
        format!("/teams/{}/live", self.product)
    }

    async fn newest(&self) -> String {
        let who = self.app.member("ada@example.com", self.acme).await;
        live::newest(&self.app.core, &who, self.product).await.unwrap()
    }
}

async fn a_new_entry_is_told_to_who_watches(test: TestDatabase) {
    let t = TestApp::two_organizations(test).await;
    let ada = t.app.member("ada@example.com", t.acme).await;
    let page = t.bob.get(&format!("/teams/{}", t.product)).await.text;
    assert!(page.contains("data-newest=\"none\"") && page.contains("/static/live.js?v="));
    let mut stream = Stream::open(&t.bob, &t.live()).await;
    assert_eq!(stream.event().await, "none", "what is newest is said at once");

    entries::write(&t.app.core, &ada, t.product, "New").await.unwrap();

    let told = stream.event().await;
    assert_eq!(told, t.newest().await);
    assert!(t.bob.get(&format!("/teams/{}", t.product)).await.text.contains(&format!("data-newest=\"{told}\"")));
    assert!(stream.is_silent_for(Duration::from_millis(2500)).await, "nothing else is new");

    // A change without a new entry is news as well, and so is what another process writes.
    let beside = t.app.beside(Partners::new([]).unwrap()).await;
    let id = entries::write(&beside.core, &ada, t.product, "From the other process").await.unwrap()[0];
    assert!(stream.event().await.ends_with(&id.to_string()));
    t.app.clock.advance(Duration::from_secs(60));
    entries::archive(&t.app.core, &ada, t.product, id).await.unwrap();
    assert_eq!(stream.event().await, t.newest().await);
    drop(stream);
    beside.finish().await;
    t.app.finish().await;
}

async fn my_log_is_told_of_what_i_did_anywhere_and_of_nothing_else(test: TestDatabase) {
    let t = TestApp::two_organizations(test).await;
    let ada = t.app.member("ada@example.com", t.acme).await;
    let bob = t.app.member("bob@example.com", t.acme).await;
    let page = t.ada.get("/log").await.text;
    assert!(page.contains("data-live=\"/log/live\" data-newest=\"none\"") && page.contains("/static/live.js?v="));
    let mut stream = Stream::open(&t.ada, "/log/live").await;
    assert_eq!(stream.event().await, "none", "what is newest is said at once");

    let id = entries::write(&t.app.core, &ada, t.product, "Mine").await.unwrap()[0];

    let told = stream.event().await;
    assert!(told.ends_with(&id.to_string()), "{told}");
    assert!(t.ada.get("/log").await.text.contains(&format!("data-newest=\"{told}\"")));
    // What somebody else writes into a team's log leaves mine as it is.
    entries::write(&t.app.core, &bob, t.product, "Bob's").await.unwrap();
    assert_eq!(stream.event().await, told);
    // Who is in no team has a page that nothing happens on.
    let nobody = t.app.user("zoe@example.com", "Zoe").await;
    t.app.admit(&nobody, t.acme, t.product).await;
    let zoe = t.app.member("zoe@example.com", t.acme).await;
    patchbay::core::teams::remove_member(&t.app.core, &ada, t.product, zoe.user).await.unwrap();
    let zoe = t.app.log_in("zoe@example.com").await;
    let mut silent = Stream::open(&zoe, "/log/live").await;
    assert_eq!(silent.event().await, "none");
    assert!(silent.is_silent_for(Duration::from_millis(1200)).await);
    assert_eq!(t.app.visitor().get("/log/live").await.status, 303);
    drop((stream, silent));
    t.app.finish().await;
}

async fn another_tenant_is_told_nothing(test: TestDatabase) {
    let t = TestApp::two_organizations(test).await;
    assert_eq!(t.eve.get(&t.live()).await.status, 404);
    assert!(t.app.visitor().get(&t.live()).await.location().starts_with("/login"));
    let mut stream = Stream::open(&t.eve, &format!("/teams/{}/live", t.lab)).await;
    assert_eq!(stream.event().await, "none");
    let ada = t.app.member("ada@example.com", t.acme).await;
    entries::write(&t.app.core, &ada, t.product, "Acme's own business").await.unwrap();
    assert!(stream.is_silent_for(Duration::from_millis(2500)).await);
    drop(stream);
    t.app.finish().await;
}

async fn who_was_removed_or_logged_out_is_told_nothing_any_more(test: TestDatabase) {
    let t = TestApp::two_organizations(test).await;
    let ada = t.app.member("ada@example.com", t.acme).await;
    let bob = t.app.member("bob@example.com", t.acme).await;
    organizations::change_role(&t.app.core, &ada, bob.user, Role::Admin).await.unwrap();
    let news = async |text| entries::write(&t.app.core, &ada, t.product, text).await.unwrap();
    let mut logged_out = Stream::open(&t.ada, &t.live()).await;
    let mut of_admin = Stream::open(&t.bob, &t.live()).await;
    for stream in [&mut logged_out, &mut of_admin] {
        stream.event().await;
    }

    t.ada.post_form("/logout", &[]).await;
    news("For Bob").await;
    assert!(logged_out.ends().await && of_admin.event().await != "none");

    // An admin sees all teams. Who is none any more, and in no team, sees none.
    organizations::remove_member(&t.app.core, &ada, bob.user).await.unwrap();
    news("For nobody").await;
    assert!(of_admin.ends().await);
    assert_eq!(t.bob.get(&t.live()).await.status, 404);
    t.app.finish().await;
}

async fn a_person_has_so_many_streams_and_no_more(test: TestDatabase) {
    let t = TestApp::two_organizations(test).await;
    let mut open = Vec::new();
    for _ in 0..12 {
        open.push(Stream::open(&t.ada, &t.live()).await);
    }
    assert_eq!(t.ada.get(&t.live()).await.status, 429);
    drop(Stream::open(&t.bob, &t.live()).await);
    open.clear();
    // The server sees that they are gone when it next writes: an entry makes it.
    let ada = t.app.member("ada@example.com", t.acme).await;
    entries::write(&t.app.core, &ada, t.product, "New").await.unwrap();
    let begun = Instant::now();
    while t.ada.request(Method::GET, &t.live()).send().await.unwrap().status() != 200 {
        assert!(begun.elapsed() < SOON, "the places are not free again");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    t.app.finish().await;
}

async fn a_stop_ends_the_streams(test: TestDatabase) {
    let t = TestApp::two_organizations(test).await;
    let mut stream = Stream::open(&t.ada, &t.live()).await;
    stream.event().await;
    let begun = Instant::now();
    t.app.finish().await;
    assert!(begun.elapsed() < Duration::from_secs(5), "a stop waits for no stream: {:?}", begun.elapsed());
    assert_eq!(stream.response.chunk().await.unwrap(), None, "it ended, and was not cut off");
}

async fn the_part_of_a_page_takes_no_message_from_the_whole_one(test: TestDatabase) {
    let t = TestApp::two_organizations(test).await;
    let ada = t.app.member("ada@example.com", t.acme).await;
    let id = entries::write(&t.app.core, &ada, t.product, "Done").await.unwrap()[0];
    let log = format!("/teams/{}", t.product);
    t.ada.post_form(&format!("{log}/entries/{id}/archive"), &[]).await;

    let part = t.ada.send(t.ada.request(Method::GET, &log).header("x-patchbay-part", "log")).await;

    assert!(part.status == 200 && part.text.contains("data-live=") && !part.text.contains("is archived"));
    assert!(t.ada.get(&log).await.text.contains("The entry is archived"));
    t.app.finish().await;
}

on_both_databases!(
    a_new_entry_is_told_to_who_watches,
    my_log_is_told_of_what_i_did_anywhere_and_of_nothing_else,
    another_tenant_is_told_nothing,
    who_was_removed_or_logged_out_is_told_nothing_any_more,
    a_person_has_so_many_streams_and_no_more,
    a_stop_ends_the_streams,
    the_part_of_a_page_takes_no_message_from_the_whole_one,
);
