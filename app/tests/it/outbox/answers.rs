//! Answers to people who wrote to us from a partner.

use std::time::Duration;

use integration_contract::{Answer, ErrorKind};
use integration_testkit::Trouble::Fails;
use patchbay::{
    core::{integration_links, outbox, rotation, sealing::Vault},
    db::{
        LinkId, MessageId,
        entity::{
            integration_link::LinkState,
            outbox_message::OutboxState::{Cancelled, Delivered, Failed},
        },
    },
};
use sea_orm::ConnectionTrait;

use super::World;
use crate::harness::{TestDatabase, on_both_databases};

const TO: &str = "https://fake.example/answers/capability-12345";

async fn answer(world: &World, link: LinkId) {
    let link = world.link_row(link).await;
    let (core, why_not) = (&world.core, Some("We do not know you.".to_owned()));
    let connect = Some("https://patchbay.example/claim/secret".to_owned());
    let answer = Answer { written: Vec::new(), why_not, connect };
    let add = async |tx: &_| outbox::answer(core, tx, &link, MessageId::new(), TO, answer).await;
    core.db.write(add).await.unwrap();
}

async fn an_answer_is_sealed_until_it_is_given_and_gone_then(test: TestDatabase) {
    let world = World::new(test).await;
    let link = world.link("workshop", "no").await;
    answer(&world, link).await;
    let sealed = world.messages().await[0].content.clone().unwrap();
    let readable = String::from_utf8_lossy(&sealed).into_owned();
    assert!(!readable.contains("capability") && !readable.contains("claim"), "{readable}");

    world.run().await;

    let answers = world.fake.answers();
    assert_eq!((answers.len(), answers[0].0.as_str()), (1, TO));
    assert_eq!(answers[0].1.why_not.as_deref(), Some("We do not know you."));
    let given = world.messages().await.remove(0);
    assert_eq!((given.state, given.content), (Delivered, None));
    let posts = world.core.db.reader().query_all_raw(sea_orm::Statement::from_string(
        world.core.db.reader().get_database_backend(),
        "SELECT 1 FROM posts",
    ));
    assert!(posts.await.unwrap().is_empty());
    let again = outbox::replay(&world.core, &world.ada, link, given.id).await;
    assert!(again.is_err());
    world.finish().await;
}

async fn an_answer_is_given_while_there_is_somebody_to_read_it(test: TestDatabase) {
    let world = World::new(test).await;
    let link = world.link("workshop", "no").await;
    world.fake.outage(Some(Fails(ErrorKind::Unavailable)));
    answer(&world, link).await;
    let began = world.core.clock.now();
    world.run_to_the_end().await;

    let given_up = world.messages().await.remove(0);
    assert_eq!((given_up.state, given_up.content), (Failed, None));
    let waited = world.core.clock.now() - began;
    assert!((25 * 60_000..60 * 60_000).contains(&waited), "{waited}");
    world.finish().await;
}

async fn whoever_wrote_to_a_broken_or_paused_link_is_answered_and_an_answer_breaks_no_link(test: TestDatabase) {
    let world = World::new(test).await;
    let link = world.link("workshop", "no").await;
    for kind in [ErrorKind::NotFound, ErrorKind::Forbidden, ErrorKind::Unauthorized] {
        world.fake.trouble_delivering(Fails(kind));
        answer(&world, link).await;
        world.run().await;
        assert_eq!(world.link_row(link).await.state, LinkState::Active);
    }
    assert_eq!(world.states().await, [Failed; 3]);

    integration_links::pause(&world.core, &world.ada, &world.link_row(link).await).await.unwrap();
    answer(&world, link).await;
    world.run().await;
    world.sql("UPDATE integration_links SET state = 'broken'").await;
    answer(&world, link).await;
    world.run().await;
    assert_eq!(world.fake.answers().len(), 2);

    // Not given yet when the link is removed.
    world.rest().await;
    answer(&world, link).await;
    world.remove(link).await;
    world.run().await;
    assert_eq!(world.fake.answers().len(), 2);
    let last = world.messages().await.pop().unwrap();
    assert_eq!((last.state, last.content), (Cancelled, None));
    world.finish().await;
}

async fn an_answer_does_not_wait_behind_entries_that_are_stuck(test: TestDatabase) {
    let world = World::new(test).await;
    let link = world.link("workshop", "now").await;
    world.fake.trouble_delivering(Fails(ErrorKind::Unavailable));
    world.write("stuck").await;
    world.run().await;
    answer(&world, link).await;
    world.run().await;
    assert_eq!(world.fake.answers().len(), 1);
    assert!(world.standing().is_empty());
    world.pass(Duration::from_secs(60)).await;
    world.run().await;
    assert_eq!(world.standing(), ["Ada: stuck"]);
    world.finish().await;
}

async fn an_answer_is_sealed_anew_with_a_new_key(test: TestDatabase) {
    let world = World::new(test).await;
    let link = world.link("workshop", "no").await;
    answer(&world, link).await;
    let before = world.messages().await[0].content.clone().unwrap();

    let path = world.test.folder.path().join("rotated");
    std::fs::write(&path, format!("v1:{}\n", "5a".repeat(32))).unwrap();
    #[cfg(unix)]
    std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let (vault, _) = patchbay::core::instance::open_vault(&world.core.db, &path).await.unwrap();
    let rotated = rotation::rotate(&world.core.db, &vault).await.unwrap();

    let after = world.messages().await[0].content.clone().unwrap();
    assert_eq!((Vault::version_of(&before), Vault::version_of(&after)), (Some(1), Some(2)));
    assert!(rotated.sealed.contains(&("outbox_messages.content", 1)), "{rotated:?}");
    assert!(rotated.closed.is_empty(), "{rotated:?}");
    world.finish().await;
}

on_both_databases!(
    an_answer_is_sealed_until_it_is_given_and_gone_then,
    an_answer_is_given_while_there_is_somebody_to_read_it,
    whoever_wrote_to_a_broken_or_paused_link_is_answered_and_an_answer_breaks_no_link,
    an_answer_does_not_wait_behind_entries_that_are_stuck,
    an_answer_is_sealed_anew_with_a_new_key,
);
