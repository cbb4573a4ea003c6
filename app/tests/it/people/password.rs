//! A forgotten password: who has an address here gets a link, nobody learns who that is, and a link counts once.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use integration_contract::ExposeSecret;
use patchbay::{
    core::{
        partners::Partners,
        password_links::{self, LASTS, PAUSE},
        retention, sessions, users,
    },
    db::entity::{job, password_link, session, user},
    queue::Outcome,
};
use reqwest::Method;
use sea_orm::{ConnectionTrait, EntityTrait};

use super::count;
use crate::{
    harness::{
        Answer, Client, FakeMailServer, PASSWORD, TestApp, TestDatabase, TwoOrganizations, between, on_both_databases,
    },
    server::process::{patchbay, run, with},
};

const A_MINUTE: Duration = Duration::from_mins(1);

/// Two tenants, a mail server, and workers.
async fn with_mail(test: TestDatabase) -> (TwoOrganizations, FakeMailServer) {
    let server = FakeMailServer::open().await;
    let two = TestApp::with_mailer(test, server.mailer()).await.with_two_organizations().await;
    two.app.work();
    (two, server)
}

/// A link to a new password, made by hand.
async fn link_of(app: &TestApp, email: &str) -> String {
    let (_, token) = password_links::make(&app.core.db, app.clock.now(), email).await.unwrap();
    format!("/password/new/{}", token.expose_secret())
}

async fn ask(client: &Client, email: &str) -> Answer {
    client.post_form("/password/forgotten", &[("email", email)]).await
}

async fn choose(client: &Client, link: &str, password: &str) -> Answer {
    client.post_form(link, &[("password", password)]).await
}

/// Whether somebody gets in with this password.
async fn opens(app: &TestApp, email: &str, password: &str) -> bool {
    let answer = app.visitor().post_form("/login", &[("email", email), ("password", password)]).await;
    match answer.status {
        303 => true,
        422 => false,
        other => panic!("{other}"),
    }
}

async fn is_in(client: &Client) -> bool {
    client.get("/settings").await.status == 200
}

/// Waits until the queue has nothing left to do.
async fn settled(app: &TestApp) {
    tokio::time::timeout(Duration::from_secs(20), async {
        while count::<job::Entity>(app.core.db.reader()).await > 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await
    .expect("the queue is worked off");
}

/// The path of the link in a mail to this address.
fn link_in(mail: &str, to: &str, app: &TestApp) -> String {
    assert!(mail.contains(&format!("To: {to}\n")), "{mail}");
    let mail = mail.replace("=\n", "");
    let here = format!("http://{}", app.address);
    let token = between(&mail, &format!("{here}/password/new/"), "\n").expect("the link is in the mail");
    assert_eq!(token.len(), 43, "256 bits");
    format!("/password/new/{token}")
}

async fn a_link_from_the_mail_sets_a_new_password(test: TestDatabase) {
    let (TwoOrganizations { app, ada, bob, .. }, server) = with_mail(test).await;
    let node = app.beside(Partners::new([]).unwrap()).await;
    let elsewhere = Client::new(node.address);
    elsewhere.plant("patchbay", &ada.session().unwrap());
    assert!(is_in(&elsewhere).await);
    let visitor = app.visitor();

    let page = visitor.get("/login?next=%2Fsettings").await;
    assert!(page.text.contains("href=\"/password/forgotten?next=%2Fsettings\">Forgot your password?"), "{}", page.text);
    assert_eq!(visitor.get("/password/forgotten?next=%2Fsettings").await.status, 200);
    let asked = ask(&visitor, " ADA@example.com").await;
    assert_eq!((asked.status, asked.location()), (303, "/password/asked"));
    assert_eq!(visitor.get("/password/asked").await.status, 200);
    settled(&app).await;
    let mails = server.taken();
    assert_eq!(mails.len(), 1, "{mails:?}");
    let link = link_in(&mails[0], "Ada <ada@example.com>", &app);
    let token = link.rsplit('/').next().unwrap();
    for (table, rows) in app.database.everything().await {
        assert!(!rows.iter().any(|row| row.contains(token)), "the table {table} shows the token");
    }
    assert!(opens(&app, "ada@example.com", PASSWORD).await, "asking changes nothing");

    // Mail servers look at what is behind a link, and that must not use it up.
    for _ in 0..2 {
        let page = visitor.get(&link).await;
        assert_eq!(page.status, 200);
        assert!(page.text.contains("ada@example.com") && page.text.contains("At least 8 characters."), "{}", page.text);
        assert_eq!((page.header("referrer-policy"), page.header("cache-control")), ("no-referrer", "no-store"));
        assert!(!page.text.contains(token), "the page shows the token");
        assert_eq!(visitor.send(visitor.request(Method::HEAD, &link)).await.status, 200);
    }
    for (password, sentence) in [("short", "at least 8"), ("", "at least 8"), (&*"é".repeat(1001), "at most 1000")] {
        let answer = choose(&visitor, &link, password).await;
        assert_eq!(answer.status, 422);
        assert!(answer.text.contains("id=\"password-error\"") && answer.text.contains(sentence), "{}", answer.text);
    }
    assert!(is_in(&ada).await && is_in(&elsewhere).await, "what was refused changes nothing");

    let answer = choose(&visitor, &link, "correct horse").await;
    assert_eq!((answer.status, answer.location()), (303, "/"), "{}", answer.text);
    let settings = visitor.get("/settings").await;
    assert!(settings.text.contains("Your password is changed. Everywhere else you are logged out."));
    assert!(settings.text.contains("You log in as <bdi>ada@example.com</bdi>"));
    assert!(!is_in(&ada).await && !is_in(&elsewhere).await, "an older session still counts");
    assert!(is_in(&bob).await);
    assert!(!opens(&app, "ada@example.com", PASSWORD).await && opens(&app, "ada@example.com", "correct horse").await);
    assert!(opens(&app, "bob@example.com", PASSWORD).await);

    let again = choose(&visitor, &link, "another horse").await;
    assert_eq!(again.status, 404, "twice");
    assert!(again.text.contains("This link does not count") && again.text.contains("href=\"/password/forgotten\""));
    assert!(opens(&app, "ada@example.com", "correct horse").await);
    assert_eq!(count::<password_link::Entity>(app.core.db.reader()).await, 0);
    node.finish().await;
    app.finish().await;
}

async fn whoever_asks_learns_nothing_about_who_is_here(mut test: TestDatabase) {
    let statements = Arc::new(AtomicUsize::default());
    let told = statements.clone();
    test.db.tell_of_statements(move |_| {
        told.fetch_add(1, Ordering::Relaxed);
    });
    let server = FakeMailServer::open().await;
    let TwoOrganizations { app, eve, .. } =
        TestApp::with_mailer(test, server.mailer()).await.with_two_organizations().await;
    let visitor = app.visitor();
    visitor.token().await;

    let mut answers = Vec::new();
    for email in ["ada@example.com", "nobody@example.com", "a\u{0}@example.com", "ADA@Example.com"] {
        statements.store(0, Ordering::Relaxed);
        let answer = ask(&visitor, email).await;
        let taken = statements.load(Ordering::Relaxed);
        answers.push((answer.status, answer.location().to_owned(), answer.text, taken));
    }
    assert_eq!(answers[0].0, 303);
    assert!(answers[0].3 >= 2, "the statements were not counted");
    assert!(answers.iter().all(|answer| *answer == answers[0]), "a guesser could tell who is here: {answers:?}");

    // Nobody's address is kept anywhere; what waits names people by their ids.
    assert_eq!(count::<job::Entity>(app.core.db.reader()).await, 4);
    let rows = app.database.rows().await;
    assert!(!rows["jobs"].iter().any(|row| row.contains("example.com")), "{:?}", rows["jobs"]);
    assert!(rows["password_links"].is_empty() && rows["mails"].is_empty());
    app.work();
    settled(&app).await;
    assert_eq!(server.taken().len(), 1, "one of ada's two, and nobody else's");

    // What can't be an address says so, and keeps what was typed. Who is signed in may have forgotten it, too.
    let long = format!("{}@example.com", "a".repeat(255));
    for odd in
        ["", "ada", "<script>@example.com", "ada@example.com\r\nBcc: eve@example.com", &long, &"x".repeat(100_000)]
    {
        let answer = ask(&eve, odd).await;
        assert_eq!(answer.status, 422, "{odd:.50}");
        assert!(answer.text.contains("id=\"email-error\"") && !answer.text.contains("<script>@"), "{}", answer.text);
    }
    assert!(eve.get("/settings").await.text.contains("href=\"/password/forgotten\""));
    assert_eq!(ask(&eve, "eve@example.com").await.status, 303);
    settled(&app).await;
    assert_eq!(server.taken().len(), 1);
    app.finish().await;
}

async fn a_link_counts_for_an_hour_unless_there_is_a_newer_one(test: TestDatabase) {
    let TwoOrganizations { app, ada, bob, .. } = TestApp::two_organizations(test).await;
    let visitor = app.visitor();
    let first = link_of(&app, "ada@example.com").await;
    let bobs = link_of(&app, "bob@example.com").await;
    let second = link_of(&app, "ada@example.com").await;

    let gone = visitor.get(&first).await;
    assert_eq!(gone.status, 404, "there is a newer one");
    let token = second.rsplit('/').next().unwrap();
    let damaged = format!("{}{}", &token[..42], if token.ends_with('A') { "B" } else { "A" });
    let hash: String = password_link::Entity::find()
        .one(app.core.db.reader())
        .await
        .unwrap()
        .unwrap()
        .token_hash
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    for odd in [
        "x",
        "%00",
        "%ff%fe",
        "..%2fnew",
        "%20",
        &token[1..],
        &damaged,
        &token.to_lowercase(),
        &hash,
        &"a".repeat(5000),
    ] {
        let path = format!("/password/new/{odd}");
        let (page, answer) = (visitor.get(&path).await, choose(&visitor, &path, "correct horse").await);
        assert_eq!((page.status, answer.status), (404, 404), "{odd:.50}");
        // Bytes that are no text name no link at all, and are answered as such.
        if odd != "%ff%fe" {
            assert_eq!(page.body_alike(), gone.body_alike(), "{odd:.50}");
        }
    }
    for odd in ["/password/new/", "/password/new", "/password", "/password/new/a/b"] {
        assert_eq!(visitor.get(odd).await.status, 404, "{odd}");
    }

    app.clock.advance(LASTS - Duration::from_millis(1));
    assert_eq!(visitor.get(&second).await.status, 200);
    app.clock.advance(Duration::from_millis(1));
    assert_eq!(
        (visitor.get(&second).await.status, choose(&visitor, &second, "correct horse").await.status),
        (404, 404)
    );
    assert_eq!(choose(&visitor, &bobs, "correct horse").await.status, 404);
    assert!(opens(&app, "ada@example.com", PASSWORD).await && is_in(&ada).await && is_in(&bob).await);
    assert_eq!(retention::forget(&app.core).await.unwrap().password_links, 2);

    // Whoever knows the password again needs no link, and nobody else should have one.
    let unused = link_of(&app, "ada@example.com").await;
    let fields = [("current", PASSWORD), ("password", "correct horse")];
    assert_eq!(ada.post_form("/settings/password", &fields).await.status, 303);
    assert_eq!(choose(&visitor, &unused, "another horse").await.status, 404);
    app.finish().await;
}

async fn a_link_is_its_owners_whoever_is_logged_in(test: TestDatabase) {
    let TwoOrganizations { app, ada, eve, .. } = TestApp::two_organizations(test).await;
    let link = link_of(&app, "ada@example.com").await;
    let before = eve.session().unwrap();

    // Not from a page of ours, or not from this browser.
    assert_eq!(eve.send(eve.request(Method::POST, &link).form(&[("password", "correct horse")])).await.status, 403);
    let token = ada.token().await;
    let fields = [("password", "correct horse"), ("csrf", token.as_str())];
    assert_eq!(eve.send(eve.request(Method::POST, &link).form(&fields)).await.status, 403);
    assert!(opens(&app, "ada@example.com", PASSWORD).await);

    assert_eq!(choose(&eve, &link, "correct horse").await.status, 303);
    assert!(eve.get("/settings").await.text.contains("ada@example.com"), "the link says who it is");
    let old = app.visitor();
    old.plant("patchbay", &before);
    assert!(!is_in(&old).await && !is_in(&ada).await);
    assert!(opens(&app, "eve@example.com", PASSWORD).await, "eve's is as it was");

    // Signed in as the same person, in a session that ends with it.
    let link = link_of(&app, "ada@example.com").await;
    assert_eq!(choose(&eve, &link, "battery staple").await.status, 303);
    assert!(eve.get("/settings").await.text.contains("Your password is changed."));
    let id = users::by_email(&app.core, "ada@example.com").await.unwrap().unwrap().id;
    assert_eq!(sessions::list(&app.core, id).await.unwrap().len(), 1);
    app.finish().await;
}

async fn of_two_who_press_at_once_one_sets_the_password(test: TestDatabase) {
    let TwoOrganizations { app, .. } = TestApp::two_organizations(test).await;
    let link = link_of(&app, "ada@example.com").await;
    let (one, other) = (app.visitor(), app.visitor());
    tokio::join!(one.token(), other.token());

    let (first, second) = tokio::join!(choose(&one, &link, "the first one"), choose(&other, &link, "the second one"));

    let mut answers = [first.status, second.status];
    answers.sort_unstable();
    assert_eq!(answers, [303, 404]);
    assert_eq!(opens(&app, "ada@example.com", "the first one").await, first.status == 303);
    assert_eq!(opens(&app, "ada@example.com", "the second one").await, second.status == 303);
    app.finish().await;
}

async fn a_mailbox_is_not_filled_however_often_somebody_asks(test: TestDatabase) {
    let (TwoOrganizations { app, .. }, server) = with_mail(test).await;
    let ask_from = async |client: &Client, address: &str, email: &str| {
        let token = client.token().await;
        let request = client.request(Method::POST, "/password/forgotten").header("x-forwarded-for", address);
        client.send(request.form(&[("email", email), ("csrf", &token)])).await
    };
    let visitor = app.visitor();
    let mut refused = None;
    for n in 0..40 {
        let answer = ask_from(&visitor, "192.0.2.1", "ada@example.com").await;
        match answer.status {
            303 => {}
            429 => {
                refused = Some((n, answer));
                break;
            }
            other => panic!("{other}"),
        }
    }
    let (times, answer) = refused.expect("it goes on for ever");
    // One more comes free every six seconds, and a slow machine may take that long.
    assert!((10..20).contains(&times), "{times}");
    assert!((1..=60).contains(&answer.header("retry-after").parse::<u64>().unwrap()));
    assert!(
        answer.text.contains("too often") && answer.text.contains("href=\"/password/forgotten\""),
        "{}",
        answer.text
    );
    // The same limit as for log-ins, so that trying one does not leave the other.
    let token = visitor.token().await;
    let fields = [("email", "ada@example.com"), ("password", PASSWORD), ("csrf", &token)];
    let log_in = visitor.request(Method::POST, "/login").header("x-forwarded-for", "192.0.2.1").form(&fields);
    assert_eq!(visitor.send(log_in).await.status, 429);
    for n in 0..30 {
        let email = format!("user{n}@example.com");
        if ask_from(&visitor, "192.0.2.1", &email).await.status == 429 {
            break;
        }
        assert!(n < 29, "an address may ask for everybody");
    }

    // From elsewhere as well: one mail, and its link stays good.
    for n in 2..7 {
        assert_eq!(ask_from(&app.visitor(), &format!("192.0.2.{n}"), "ada@example.com").await.status, 303);
    }
    settled(&app).await;
    let mails = server.taken();
    assert_eq!(mails.len(), 1);
    let link = link_in(&mails[0], "Ada <ada@example.com>", &app);
    assert_eq!(app.visitor().get(&link).await.status, 200);

    app.clock.advance(PAUSE + A_MINUTE);
    assert_eq!(ask_from(&app.visitor(), "192.0.2.9", "ada@example.com").await.status, 303);
    settled(&app).await;
    let mails = server.taken();
    assert_eq!(mails.len(), 1);
    let newer = link_in(&mails[0], "Ada <ada@example.com>", &app);
    assert_eq!((app.visitor().get(&link).await.status, app.visitor().get(&newer).await.status), (404, 200));
    app.finish().await;
}

async fn what_the_mail_server_says_counts(test: TestDatabase) {
    let server = FakeMailServer::open().await;
    let app = TestApp::with_mailer(test, server.mailer()).await;
    // In no organization at all.
    let ada = app.user("ada@example.com", "Ada").await;
    let send = async || password_links::send(&app.core, ada.id).await.unwrap();

    server.answers("451 later");
    assert!(matches!(send().await, Outcome::Again { after: None, .. }));
    server.answers("550 nobody of that name: hunter2");
    let Outcome::Failed { why } = send().await else { panic!("tried again") };
    assert!(why.contains("550") && !why.contains("hunter2"), "{why}");
    server.answers("250 yes");
    assert_eq!(send().await, Outcome::Done);
    assert_eq!(send().await, Outcome::Done, "a second run finds that it was mailed");
    let mails = server.taken();
    assert_eq!(mails.len(), 1, "{mails:?}");
    let link = link_in(&mails[0], "Ada <ada@example.com>", &app);
    assert_eq!(choose(&app.visitor(), &link, "correct horse").await.status, 303);

    // Who has used theirs may forget again at once. A second mail has a name of its own, or mailboxes would drop it.
    assert_eq!(send().await, Outcome::Done);
    let again = server.taken();
    let name = |mail: &str| between(mail, "Message-ID: ", "\n").unwrap().to_owned();
    assert!(again.len() == 1 && name(&again[0]) != name(&mails[0]), "{again:?}");

    // Who is gone gets none, and leaves none.
    app.database.db.writer_for_tests().execute_unprepared("DELETE FROM users").await.unwrap();
    assert_eq!(count::<password_link::Entity>(app.core.db.reader()).await, 0);
    assert_eq!((send().await, server.taken().len()), (Outcome::Done, 0));
    app.finish().await;
}

async fn without_a_mail_server_the_page_says_who_can_help(test: TestDatabase) {
    let TwoOrganizations { app, .. } = TestApp::two_organizations(test).await;
    let visitor = app.visitor();
    let page = visitor.get("/password/forgotten").await;
    assert_eq!(page.status, 200);
    assert!(page.text.contains("sends no mail") && page.text.contains("patchbay password-link"), "{}", page.text);
    assert!(!page.text.contains("name=\"email\""), "a form that leads nowhere");

    for email in ["ada@example.com", "nobody@example.com", "odd"] {
        let answer = ask(&visitor, email).await;
        assert_eq!((answer.status, answer.location()), (303, "/password/forgotten"));
    }
    assert_eq!(count::<job::Entity>(app.core.db.reader()).await, 0);
    // The process that does the work may be set up otherwise than the one that was asked.
    let ada = users::by_email(&app.core, "ada@example.com").await.unwrap().unwrap().id;
    assert!(matches!(password_links::send(&app.core, ada).await.unwrap(), Outcome::Again { .. }));
    assert_eq!(count::<password_link::Entity>(app.core.db.reader()).await, 0);
    app.finish().await;
}

async fn whoever_runs_the_server_can_make_a_link(test: TestDatabase) {
    let TwoOrganizations { app, bob, .. } = TestApp::two_organizations(test.clone()).await;
    let logging = |filter: &str, email: &str| {
        let mut command = with(patchbay(test.folder.path(), &["password-link", email]), &test.address);
        run(command.env("PATCHBAY_PUBLIC_URL", format!("http://{}", app.address)).env("PATCHBAY_LOG", filter))
    };
    let command = |email: &str| logging("trace", email);
    let before = super::all_rows(&app).await;
    for nobody in ["nobody@example.com", "", "bob", "bob@example.com\u{1b}[31m"] {
        // Without a log, what is wrong goes to the terminal as it is.
        let ended = logging("off", nobody);
        assert_eq!((ended.code, ended.told.as_str()), (Some(1), ""), "{}", ended.complained);
        assert!(ended.complained.contains("Nobody here has the address") && !ended.complained.contains('\u{1b}'));
    }
    assert_eq!(super::all_rows(&app).await, before);

    let (first, second) = (command("bob@example.com"), command(" Bob@Example.com"));
    let link = |ended: &crate::server::process::Ended| {
        assert_eq!(ended.code, Some(0), "{}", ended.complained);
        let (sentence, link) = ended.told.trim_end().split_once('\n').expect("a sentence and a link");
        assert!(sentence.contains("bob@example.com"), "{sentence}");
        let path = link.strip_prefix(&format!("http://{}", app.address)).expect("the link leads here").to_owned();
        assert!(!ended.complained.contains(path.rsplit('/').next().unwrap()), "the log shows the link");
        path
    };
    assert_eq!(app.visitor().get(&link(&first)).await.status, 404, "the second took its place");
    let visitor = app.visitor();
    assert_eq!(choose(&visitor, &link(&second), "correct horse").await.status, 303);
    assert!(is_in(&visitor).await && !is_in(&bob).await);
    assert_eq!(count::<user::Entity>(app.core.db.reader()).await, 3);
    assert!(count::<session::Entity>(app.core.db.reader()).await >= 3);
    app.finish().await;
}

on_both_databases!(
    a_link_from_the_mail_sets_a_new_password,
    whoever_asks_learns_nothing_about_who_is_here,
    a_link_counts_for_an_hour_unless_there_is_a_newer_one,
    a_link_is_its_owners_whoever_is_logged_in,
    of_two_who_press_at_once_one_sets_the_password,
    a_mailbox_is_not_filled_however_often_somebody_asks,
    what_the_mail_server_says_counts,
    without_a_mail_server_the_page_says_who_can_help,
    whoever_runs_the_server_can_make_a_link,
);
