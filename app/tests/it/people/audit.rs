//! The audit log: what is done is noted in the commit that does it, and read by admins alone.

use std::time::Duration;

use patchbay::{
    core::{
        Error, audit,
        audit::{About, Deed},
        invitations::{self, NewInvitation},
        organizations, retention, teams,
        teams::NewTeam,
    },
    db::entity::{Tenant, audit_event, member::Role},
};
use sea_orm::{EntityTrait, QueryOrder};

use crate::{
    harness::{TestApp, TestDatabase, TwoOrganizations, between, on_both_databases},
    integrations::{Ground, consented, path_of, removal_of},
};

/// The deeds of an organization, oldest first: who, what, about what, and what else is said.
async fn deeds(app: &TestApp, of: patchbay::db::OrganizationId) -> Vec<String> {
    let events = audit_event::Entity::of(of).order_by_asc(audit_event::Column::Id);
    let events = events.all(app.database.db.reader()).await.unwrap();
    let line = |event: audit_event::Model| {
        let who = event.user_name.unwrap_or_else(|| "-".into());
        format!("{who}: {:?} {} ({})", event.deed, event.subject_name, event.detail.unwrap_or_default())
    };
    events.into_iter().map(line).collect()
}

async fn what_people_do_is_noted_with_the_names_of_then(test: TestDatabase) {
    let TwoOrganizations { app, ada, bob, acme, product, .. } = TestApp::two_organizations(test).await;
    let bobs = app.member("bob@example.com", acme).await.user;
    let base = format!("/organizations/{acme}");
    for (path, fields) in [
        (format!("{base}/members/{bobs}/role"), vec![("role", "admin")]),
        (format!("{base}/settings"), vec![("name", "Acme & Co")]),
        ("/settings".into(), vec![("name", "Countess")]),
        (format!("/teams/{product}/settings"), vec![("name", "Goods"), ("time_zone", "UTC")]),
        (format!("/teams/{product}/members/{bobs}/remove"), vec![]),
        (format!("/teams/{product}/digest"), vec![("hour", "9")]),
        (format!("/teams/{product}/digest"), vec![("hour", "9")]),
        (format!("/teams/{product}/digest"), vec![("hour", "")]),
        (format!("{base}/retention"), vec![("messages", "90"), ("entries", "forever")]),
        (format!("{base}/members/{bobs}/remove"), vec![]),
    ] {
        let answer = ada.post_form(&path, &fields).await;
        assert_eq!(answer.status, 303, "{path}: {}", answer.text);
    }
    assert_eq!(bob.get(&format!("{base}/audit")).await.status, 404, "bob is out");

    assert_eq!(
        deeds(&app, acme).await,
        [
            "Ada: Founded Acme ()",
            "Ada: TeamMade Product ()",
            "Ada: Invited a new member (into the team Product)",
            "Bob: Joined Bob (invited by Ada)",
            "Bob: TeamMemberAdded Product (Bob)",
            "Ada: RoleChanged Bob (member → admin)",
            "Ada: Renamed Acme (now Acme & Co)",
            "Countess: TeamChanged Product (now Goods, UTC)",
            "Countess: TeamMemberRemoved Goods (Bob)",
            "Countess: DigestChosen Goods (every day at 09:00)",
            "Countess: DigestChosen Goods (none)",
            "Countess: RetentionChanged Acme & Co (messages for 30 days, entries for ever → messages for 90 days, entries for ever)",
            "Countess: MemberRemoved Bob ()",
        ]
    );
    app.finish().await;
}

async fn what_is_refused_is_not_noted_and_what_is_noted_was_done(test: TestDatabase) {
    let TwoOrganizations { app, ada, bob, acme, product, .. } = TestApp::two_organizations(test).await;
    let before = deeds(&app, acme).await;
    let adas = app.member("ada@example.com", acme).await;
    let bobs = app.member("bob@example.com", acme).await;

    assert_eq!(bob.post_form(&format!("/organizations/{acme}/settings"), &[("name", "Mine")]).await.status, 403);
    assert_eq!(ada.post_form(&format!("/organizations/{acme}/settings"), &[("name", "")]).await.status, 422);
    assert_eq!(ada.post_form(&format!("/organizations/{acme}/leave"), &[]).await.status, 409);
    let odd = NewTeam { name: "Odd".into(), time_zone: "Nowhere".into() };
    assert!(matches!(teams::create(&app.core, &adas, odd).await, Err(Error::Invalid(_))));
    teams::add_member(&app.core, &adas, product, bobs.user).await.unwrap();
    assert_eq!(deeds(&app, acme).await, before, "bob was in the team before");

    // A deed whose transaction does not come to its end was not done.
    let undone = app.core.db.write(async |tx| {
        audit::note(&app.core, tx, &adas, Deed::Renamed, About::named("Acme")).await?;
        Err::<(), _>(Error::NotFound)
    });
    assert!(undone.await.is_err());
    assert_eq!(deeds(&app, acme).await, before);
    app.finish().await;
}

async fn links_accounts_and_looks_are_noted_and_no_secret_is(test: TestDatabase) {
    let fake = integration_testkit::FakePartner::with_card(crate::integrations::able());
    let ground = Ground::idle_with(test, fake, Default::default()).await;
    let (app, two) = (ground.app(), &ground.two);
    let page = two.ada.post_form("/auth/fake", &[]).await.location().to_owned();
    assert_eq!(consented(&two.ada, &page, 7, "ada-there").await.status, 303);
    app.work();
    let link = ground.link("workshop").await;
    let path = path_of(&link);
    assert_eq!(ground.hook(&link, "1", b"{\"do\":\"star\"}").await.status, 200);
    ground
        .until("the hook was read", async || ground.messages().await.iter().all(|one| one.finished_at.is_some()))
        .await;
    let hook = ground.messages().await.remove(0).id;
    for _ in 0..2 {
        assert_eq!(two.ada.get(&format!("{path}/activity/{hook}")).await.status, 200);
    }
    assert_eq!(two.bob.get(&format!("{path}/activity/{hook}")).await.status, 200);
    for fields in [vec![("action", "pause")], vec![("action", "resume")]] {
        assert_eq!(two.ada.post_form(&path, &fields).await.status, 303);
    }
    let again = hook.to_string();
    assert_eq!(two.ada.post_form(&path, &[("action", "replay"), ("message", &again)]).await.status, 303);
    assert_eq!(two.ada.post_form(&removal_of(&link), &[("_method", "delete")]).await.status, 303);
    assert_eq!(two.ada.post_form(&removal_of(&link), &[("_method", "delete")]).await.status, 303, "twice");
    assert_eq!(two.ada.get(&format!("/teams/{}/export.json", two.product)).await.status, 200);

    let lines = deeds(app, two.acme).await.split_off(5);
    assert_eq!(
        lines,
        [
            "Ada: AccountConnected ada-there (fake)".to_owned(),
            "Ada: LinkMade workshop (fake)".into(),
            format!("Ada: PayloadSeen workshop (hook {hook})"),
            "Ada: LinkPaused workshop (fake)".into(),
            "Ada: LinkResumed workshop (fake)".into(),
            "Ada: HooksReplayed workshop (1)".into(),
            "Ada: LinkRemoved workshop (fake)".into(),
            "Ada: LogExported Product ()".into(),
        ]
    );
    let secret = integration_contract::ExposeSecret::expose_secret(&ground.secret(&link)).to_owned();
    let rows = app.database.rows().await["audit_events"].join("\n");
    assert!(!rows.contains(&secret) && !rows.contains(&link.hook_key) && !rows.contains("fake-token"));
    ground.finish().await;
}

async fn the_log_is_paged_filtered_and_taken_away(test: TestDatabase) {
    let TwoOrganizations { app, acme, umbra, .. } = TestApp::two_organizations(test).await;
    let who = app.member("ada@example.com", acme).await;
    let base = format!("/organizations/{acme}/audit");
    app.clock.advance(Duration::from_hours(24 * 7));
    // A session does not last that long.
    let (ada, eve) = (app.log_in("ada@example.com").await, app.log_in("eve@example.com").await);
    for number in 0..60 {
        let name = if number == 7 { "=cmd|' /C calc'!A0".to_owned() } else { format!("<b>Team {number}</b>") };
        teams::create(&app.core, &who, NewTeam { name, time_zone: "UTC".into() }).await.unwrap();
    }
    let page = ada.get(&base).await.text;
    assert_eq!(page.matches("<td>Team made</td>").count(), 50);
    assert!(page.contains("&#60;b&#62;Team 59") && !page.contains("<b>Team"), "names are text");
    assert!(page.contains("Times are those of ") && !page.contains("Organization founded"));
    let older = between(&page, "<p><a class=\"button\" href=\"", "\"").unwrap().replace("&#38;", "&");
    let second = ada.get(&older).await.text;
    assert_eq!(second.matches("<td>Team made</td>").count(), 11, "ten, and the first one");
    assert!(second.contains("Organization founded"));

    let shows = async |query: &str| ada.get(&format!("{base}?{query}")).await.text.matches("<time").count();
    let bob = app.member("bob@example.com", acme).await.user;
    assert_eq!(shows(&format!("person={bob}")).await, 2);
    assert_eq!(shows("about=organization").await, 1);
    let today = app.clock.today(&jiff::tz::TimeZone::UTC);
    assert_eq!(shows(&format!("to={}&about=team", today.checked_sub(jiff::Span::new().days(3)).unwrap())).await, 2);
    assert_eq!(shows(&format!("from={}", today.checked_add(jiff::Span::new().days(2)).unwrap())).await, 0);
    let empty = ada.get(&format!("{base}?about=mirror")).await.text;
    assert!(empty.contains("Nothing fits"));
    for odd in ["person=1%20OR%201=1", "about=everything", "from=monday", "from=2026-11-02&to=2026-11-01", "before=%00"]
    {
        assert_eq!(ada.get(&format!("{base}?{odd}")).await.status, 422, "{odd}");
        assert_eq!(ada.get(&format!("{base}/export.csv?{odd}")).await.status, 422, "{odd}");
    }

    let csv = ada.get(&format!("{base}/export.csv?about=team")).await;
    assert_eq!(csv.header("content-type"), "text/csv; charset=utf-8");
    assert!(csv.header("content-disposition").starts_with("attachment; filename=\"acme-audit-"));
    assert_eq!(csv.text.lines().count(), 1 + 62);
    assert!(csv.text.contains("\"'=cmd|' /C calc'!A0\""), "a formula stays a text");
    let json = ada.get(&format!("{base}/export.json")).await.text;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["organization"]["name"], "Acme");
    assert_eq!(json["deeds"][0]["deed"], "audit_exported", "taking it away is a deed itself");
    assert!(json["deeds"].as_array().unwrap().iter().all(|deed| deed["person"] != "Eve"));

    // Another tenant's log is its own.
    let theirs = eve.get(&format!("/organizations/{umbra}/audit")).await.text;
    assert!(theirs.contains("Umbra") && !theirs.contains("Acme"));
    app.finish().await;
}

async fn a_deed_is_known_for_two_years(test: TestDatabase) {
    let TwoOrganizations { app, acme, .. } = TestApp::two_organizations(test).await;
    let ada = app.member("ada@example.com", acme).await;
    app.clock.advance(audit::KEPT - Duration::from_hours(1));
    organizations::rename(&app.core, &ada, "Acme Works").await.unwrap();
    assert_eq!(retention::forget(&app.core).await.unwrap().deeds, 0);
    app.clock.advance(Duration::from_hours(2));
    assert!(retention::forget(&app.core).await.unwrap().deeds > 4);
    assert_eq!(deeds(&app, acme).await, ["Ada: Renamed Acme (now Acme Works)"]);
    app.finish().await;
}

async fn an_invitation_that_is_revoked_is_noted_and_its_token_is_not(test: TestDatabase) {
    let TwoOrganizations { app, acme, .. } = TestApp::two_organizations(test).await;
    let ada = app.member("ada@example.com", acme).await;
    let token = invitations::invite(&app.core, &ada, NewInvitation { role: Role::Admin, team: None }).await.unwrap();
    let id = invitations::list(&app.core, &ada).await.unwrap()[0].id;
    invitations::revoke(&app.core, &ada, id).await.unwrap();
    assert!(matches!(invitations::revoke(&app.core, &ada, id).await, Err(Error::NotFound)));
    let noted = deeds(&app, acme).await.split_off(5);
    assert_eq!(noted, ["Ada: Invited a new admin ()", "Ada: InvitationRevoked a new admin ()"]);
    let everything = audit_event::Entity::find().all(app.database.db.reader()).await.unwrap();
    let token = integration_contract::ExposeSecret::expose_secret(&token).to_owned();
    assert!(!format!("{everything:?}").contains(&token));
    app.finish().await;
}

on_both_databases!(
    what_people_do_is_noted_with_the_names_of_then,
    what_is_refused_is_not_noted_and_what_is_noted_was_done,
    links_accounts_and_looks_are_noted_and_no_secret_is,
    the_log_is_paged_filtered_and_taken_away,
    a_deed_is_known_for_two_years,
    an_invitation_that_is_revoked_is_noted_and_its_token_is_not,
);
