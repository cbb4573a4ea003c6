//! What a link's page says of what it told, and sending it again from there.

use integration_contract::ErrorKind;
use integration_testkit::Trouble::Fails;
use patchbay::{
    config::ProxySettings,
    db::{
        LinkId,
        entity::outbox_message::OutboxState::{Delivered, Failed},
    },
    server::{Limits, Stopping, serve},
    state::AppState,
    web::{
        layers::{Hosts, Layers, wrap},
        router,
    },
};
use tokio::net::TcpListener;

use super::World;
use crate::harness::{Client, TestDatabase, on_both_databases};

/// The pages of a world, in a browser of this person.
pub async fn browser(world: &World, email: &str) -> Client {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let layers = Layers {
        hosts: Hosts::new(&world.core.site.public_url, address),
        form_targets: Vec::new(),
        https: false,
        proxies: ProxySettings { trusted: Vec::new() },
        metrics_token: false,
    };
    let router = wrap(router(AppState::new(world.core.clone())), layers);
    tokio::spawn(serve(listener, router, Limits::default(), Stopping::default()));
    let client = Client::new(address);
    let fields = [("email", email), ("password", "correct horse battery")];
    assert_eq!(client.post_form("/login", &fields).await.status, 303);
    client
}

fn path(link: LinkId) -> String {
    format!("/integrations/fake/link/{link}")
}

async fn a_link_s_page_says_what_it_told_and_sends_it_again(test: TestDatabase) {
    let world = World::new(test).await;
    let link = world.link("workshop", "now").await;
    let ada = browser(&world, "ada@example.com").await;
    assert!(ada.get(&path(link)).await.text.contains("Nothing has happened yet"));

    world.fake.trouble_delivering(Fails(ErrorKind::Refused));
    world.write("a <b>bad</b> one\nfine").await;
    world.run().await;
    assert_eq!(world.states().await, [Failed, Delivered]);
    let page = ada.get(&path(link)).await.text;
    for text in
        ["a &#60;b&#62;bad&#60;/b&#62; one", "The fake partner was told to fail: Refused.", "Send again", "1 attempt"]
    {
        assert!(page.contains(text), "{text:?} in {page}");
    }
    let failed = world.messages().await[0].id.to_string();

    let again = ada.post_form(&path(link), &[("action", "send"), ("message", &failed)]).await;
    assert_eq!((again.status, again.location()), (303, path(link).as_str()));
    world.run().await;
    assert_eq!(world.states().await, [Delivered, Delivered]);
    let page = ada.get(&path(link)).await.text;
    assert!(page.contains("2 attempts") && !page.contains("value=\"send\""), "{page}");

    // It is there already, is none, or is not for him.
    let twice = ada.post_form(&path(link), &[("action", "send"), ("message", &failed)]).await;
    assert_eq!(twice.status, 303);
    assert!(ada.get(&path(link)).await.text.contains("Only a message that failed or was skipped can be sent again."));
    for nonsense in ["", "x", "01a2049e-f0a8-72c4-935d-166a8addb02c"] {
        assert_eq!(ada.post_form(&path(link), &[("action", "send"), ("message", nonsense)]).await.status, 404);
    }
    let bob = browser(&world, "bob@example.com").await;
    assert_eq!(bob.post_form(&path(link), &[("action", "send"), ("message", &failed)]).await.status, 403);
    let page = bob.get(&path(link)).await;
    assert!(page.status == 200 && !page.text.contains("<form method=\"post\" action=\"/integrations/fake/link/"));
    assert_eq!(world.standing().len(), 2);
    world.finish().await;
}

async fn a_link_in_trouble_says_so_where_it_is_listed(test: TestDatabase) {
    let world = World::new(test).await;
    world.link("workshop", "now").await;
    world.fake.outage(Some(Fails(ErrorKind::Unavailable)));
    world.write("stuck").await;
    world.run().await;
    for _ in 0..3 {
        world.pass(world.next_try().await.unwrap()).await;
        world.run().await;
    }
    let ada = browser(&world, "ada@example.com").await;
    let settings = format!("/teams/{}/settings", world.team);
    let page = ada.get(&settings).await.text;
    assert!(page.contains("In trouble") && page.contains("Trying again."), "{page}");

    world.fake.outage(None);
    world.run_to_the_end().await;
    let page = ada.get(&settings).await.text;
    assert!(page.contains("Working") && !page.contains("Trying again."), "{page}");
    world.finish().await;
}

on_both_databases!(a_link_s_page_says_what_it_told_and_sends_it_again, a_link_in_trouble_says_so_where_it_is_listed,);
