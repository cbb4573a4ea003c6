//! Digests: what is told together, once a day at an hour of the team's day.
//!
//! Messages are gathered until the hour strikes; then the day's digest takes them all, and from there on it is a message
//! like any other. What it tells is fixed at the strike, so that a second attempt tells the same.

use jiff::{Timestamp, ToSpan, civil::Date, tz::TimeZone};
use sea_orm::{
    ColumnTrait, DatabaseTransaction, QueryFilter,
    sea_query::{Expr, ExprTrait},
};

use super::{
    hold_link, job, load,
    tell::{insert, new_message},
};
use crate::{
    core::{Core, Result, integration_links},
    db::{
        LinkId, OrganizationId, OutboxMessageId,
        entity::{
            Tenant,
            outbox_message::{Column, Entity, Model, OutboxKind, OutboxState},
        },
    },
    queue::{self, NewJob},
};

/// The job that runs when a digest's hour strikes: payload `{"message": id}`.
pub const SEND_DIGEST: &str = "send_digest";

/// The next time this hour strikes in a zone, and the day it does. Where a clock is put forward over it, it strikes when
/// that is done; where it is put back over it, the first time.
pub fn next_strike(now: i64, zone: &TimeZone, hour: u8) -> (Date, i64) {
    let today = crate::clock::day_of(now, zone);
    let at = |day: Date| {
        let time = day.at(i8::try_from(hour).unwrap_or(0).clamp(0, 23), 0, 0, 0);
        // Only at the ends of the calendar is there no such moment.
        time.to_zoned(zone.clone()).map_or(Timestamp::MAX, |moment| moment.timestamp()).as_millisecond()
    };
    // A day or two may lack the hour altogether (an island that moves over the date line skips a day).
    let days = (0..3).map(|days| today.saturating_add(days.days()));
    days.map(|day| (day, at(day))).find(|(_, strikes)| *strikes > now).unwrap_or((today, now))
}

/// Makes sure that a link's next digest comes; answers with the job for a new one.
pub(super) async fn expect(
    core: &Core,
    tx: &DatabaseTransaction,
    organization: OrganizationId,
    link: LinkId,
    zone: &TimeZone,
    hour: u8,
) -> Result<Option<NewJob>> {
    let Some(link) = integration_links::load_in(tx, organization, link).await? else { return Ok(None) };
    let (day, strikes) = next_strike(core.clock.now(), zone, hour);
    let about = format!("digest:{day}");
    let message = new_message(&link, about, OutboxKind::Digest, OutboxState::Gathered, core.clock.now());
    if !insert(tx, &message).await? {
        return Ok(None);
    }
    Ok(Some(NewJob {
        organization,
        kind: SEND_DIGEST,
        payload: serde_json::json!({ "message": message.id }),
        // Until its hour it must stand in nobody's way.
        lane: None,
        run_at: Some(strikes),
    }))
}

/// The hour struck: the digest takes what was gathered and goes on its way. Run by the job; twice is fine.
///
/// # Errors
/// When the database does not answer.
pub async fn strike(core: &Core, organization: OrganizationId, id: OutboxMessageId) -> Result<()> {
    core.db
        .write(async |tx| {
            let Some(digest) = load(tx, organization, id).await? else { return Ok(()) };
            send(tx, &digest, &[OutboxState::Gathered]).await
        })
        .await?;
    core.queue.wake();
    Ok(())
}

/// Takes what the link has gathered into the digest and lets it wait for its turn, if it is in one of these states.
pub(super) async fn send(tx: &DatabaseTransaction, digest: &Model, from: &[OutboxState]) -> Result<()> {
    hold_link(tx, digest.organization_id, digest.link_id).await?;
    let moved = Entity::update_of(digest.organization_id)
        .col_expr(Column::State, OutboxState::Waiting.into())
        .col_expr(Column::Turn, Expr::col(Column::Turn).add(1))
        .col_expr(Column::Reason, Expr::val(None::<String>))
        .col_expr(Column::FinishedAt, Expr::val(None::<i64>))
        .filter(Column::Id.eq(digest.id))
        .filter(Column::State.is_in(from.iter().copied()))
        .exec_with_returning(tx)
        .await?;
    let Some(digest) = moved.into_iter().next() else { return Ok(()) };
    Entity::update_of(digest.organization_id)
        .col_expr(Column::DigestId, Expr::val(digest.id))
        .filter(Column::LinkId.eq(digest.link_id))
        .filter(Column::Kind.eq(OutboxKind::Entry))
        .filter(Column::State.eq(OutboxState::Gathered))
        .filter(Column::DigestId.is_null())
        .exec(tx)
        .await?;
    Ok(queue::add(tx, job(&digest)).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> i64 {
        text.parse::<Timestamp>().unwrap().as_millisecond()
    }

    fn strikes(now: &str, zone: &str, hour: u8) -> (String, String) {
        let (day, strikes) = next_strike(at(now), &TimeZone::get(zone).unwrap(), hour);
        (day.to_string(), Timestamp::from_millisecond(strikes).unwrap().to_string())
    }

    #[test]
    fn an_hour_strikes_later_today_or_tomorrow() {
        let vienna = |now| strikes(now, "Europe/Vienna", 18);
        assert_eq!(vienna("2026-11-22T10:00:00Z"), ("2026-11-22".into(), "2026-11-22T17:00:00Z".into()));
        assert_eq!(vienna("2026-11-22T17:00:00Z"), ("2026-11-23".into(), "2026-11-23T17:00:00Z".into()));
        // It is the 23rd there already.
        assert_eq!(vienna("2026-11-22T23:30:00Z"), ("2026-11-23".into(), "2026-11-23T17:00:00Z".into()));
    }

    #[test]
    fn the_hour_stays_when_the_clocks_change() {
        let vienna = |now| strikes(now, "Europe/Vienna", 9);
        assert_eq!(vienna("2026-03-28T09:00:00Z"), ("2026-03-29".into(), "2026-03-29T07:00:00Z".into()));
        assert_eq!(vienna("2026-10-24T09:00:00Z"), ("2026-10-25".into(), "2026-10-25T08:00:00Z".into()));
    }

    #[test]
    fn an_hour_that_is_left_out_strikes_when_the_clock_was_put_forward() {
        // Two o'clock is three o'clock that night.
        let strike = strikes("2026-03-28T12:00:00Z", "Europe/Vienna", 2);
        assert_eq!(strike, ("2026-03-29".into(), "2026-03-29T01:00:00Z".into()));
    }

    #[test]
    fn an_hour_that_comes_twice_strikes_once() {
        let vienna = |now| strikes(now, "Europe/Vienna", 2);
        assert_eq!(vienna("2026-10-24T12:00:00Z"), ("2026-10-25".into(), "2026-10-25T00:00:00Z".into()));
        // Between its two times.
        assert_eq!(vienna("2026-10-25T00:30:00Z"), ("2026-10-26".into(), "2026-10-26T01:00:00Z".into()));
    }

    #[test]
    fn a_zone_without_midnight_or_a_whole_day_has_its_hours_all_the_same() {
        assert_eq!(strikes("2018-11-03T12:00:00Z", "America/Sao_Paulo", 0).0, "2018-11-04");
        // Samoa went from the 29th to the 31st.
        let (_, strike) = strikes("2011-12-30T00:00:00Z", "Pacific/Apia", 9);
        assert!(at(&strike) > at("2011-12-30T00:00:00Z"));
    }
}
