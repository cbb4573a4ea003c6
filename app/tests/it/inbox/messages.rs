//! What becomes of kept messages: shown, read again, and in the end forgotten.

use std::time::Duration;

use patchbay::{
    core::{
        Error,
        inbox::{self, Received},
        people::Member,
    },
    db::{
        LinkId, OrganizationId, UserId,
        entity::{inbox_message::MessageState, job::JobState, member::Role},
    },
};
use serde_json::json;

use super::World;
use crate::harness::{TestDatabase, on_both_databases};

async fn what_became_of_a_message_is_kept_with_it(test: TestDatabase) {
    let world = World::new(test).await;
    world.receive("1", "1").await;
    let id = world.messages().await[0].id;
    world.finish(id, MessageState::Ignored, Some("Nobody wants stars.\0")).await;

    let kept = world.messages().await.remove(0);
    assert_eq!((kept.state, kept.reason.as_deref()), (MessageState::Ignored, Some("Nobody wants stars.\u{fffd}")));
    assert_eq!(kept.finished_at, Some(world.core.clock.now()));
    assert!(matches!(inbox::load(&world.core, OrganizationId::new(), id).await, Err(Error::NotFound)));
}

async fn a_failed_or_ignored_message_can_be_read_again(test: TestDatabase) {
    let world = World::new(test).await;
    let (core, link) = (&world.core, world.link);
    let who = Member { organization: world.organization, user: UserId::new(), role: Role::Admin };
    let stranger = Member { organization: OrganizationId::new(), ..who };
    world.receive("d1", "{}").await;
    let id = world.messages().await[0].id;
    assert!(matches!(inbox::replay(core, &who, link, id).await, Err(Error::Conflict(_))));

    world.finish(id, MessageState::Failed, Some("too odd")).await;
    world.sql("UPDATE jobs SET state = 'dead'").await;
    assert!(matches!(inbox::replay(core, &stranger, link, id).await, Err(Error::NotFound)));
    assert!(matches!(inbox::replay(core, &who, LinkId::new(), id).await, Err(Error::NotFound)));
    inbox::replay(core, &who, link, id).await.unwrap();

    let again = world.messages().await.remove(0);
    assert_eq!((again.state, again.reason, again.finished_at), (MessageState::Received, None, None));
    let jobs = world.jobs().await;
    assert_eq!((jobs.len(), jobs[0].state, &jobs[0].payload), (1, JobState::Ready, &json!({ "message": id })));
    assert_eq!(jobs[0].lane, Some(format!("link:{}:issue:1", world.link)));
    assert!(matches!(inbox::replay(core, &who, link, id).await, Err(Error::Conflict(_))));
}

async fn marks_and_finished_messages_are_forgotten_after_a_while(test: TestDatabase) {
    let world = World::new(test).await;
    let days = |days: u64| Duration::from_secs(days * 24 * 3600);
    for number in 0..5 {
        world.receive(&number.to_string(), &number.to_string()).await;
    }
    let messages = world.messages().await;
    for message in &messages[1..] {
        world.finish(message.id, MessageState::Done, None).await;
    }
    world.core.clock.advance(days(20));
    world.receive("young", "young").await;
    assert_eq!(world.receive("0", "0").await, Received::Repeated);
    let forget = async || {
        let messages = inbox::forget_messages(&world.core).await.unwrap();
        (messages, inbox::forget_marks(&world.core, days(30)).await.unwrap())
    };
    assert_eq!(forget().await, (0, 0));
    world.core.clock.advance(days(11));

    assert_eq!(forget().await, (4, 10));
    let left: Vec<_> = world.messages().await.into_iter().map(|message| message.delivery).collect();
    assert_eq!(left, ["0", "young"], "one that was not read yet is not forgotten");
    assert_eq!(world.marks().await, 2);
    assert_eq!(world.receive("1", "1").await, Received::New);
}

on_both_databases!(
    what_became_of_a_message_is_kept_with_it,
    a_failed_or_ignored_message_can_be_read_again,
    marks_and_finished_messages_are_forgotten_after_a_while,
);
