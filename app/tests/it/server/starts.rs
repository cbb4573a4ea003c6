//! The binary from start to stop: first starts, refused starts, drained stops, restarts.

use std::{
    fs,
    io::{Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use super::process::{Process, patchbay, run, two_ports, with};
use crate::harness::{TestDatabase, on_both_databases};

/// One request on a connection of its own.
fn get(address: SocketAddr, path: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    write!(stream, "GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

fn is_ok(answer: &str) -> bool {
    answer.starts_with("HTTP/1.1 200")
}

#[test]
fn a_first_start_makes_what_it_needs_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = patchbay(folder.path(), &["serve"]);
    command.env("PATCHBAY_LISTEN", "127.0.0.1:0").env("PATCHBAY_LOG_FORMAT", "json").env("PATCHBAY_LISTENS", "x");
    let mut process = Process::start(command);
    let address = process.address();

    assert!(is_ok(&get(address, "/healthz").unwrap()));
    assert!(is_ok(&get(address, "/readyz").unwrap()));
    assert!(is_ok(&get(address, "/metrics").unwrap()));
    get(address, "/nowhere?code=hunter2&state=hunter2").unwrap();
    assert!(folder.path().join("data/patchbay.db").exists());
    let key = fs::read_to_string(folder.path().join("data/patchbay.key")).unwrap();

    process.signal("-TERM");
    assert_eq!(process.ended().code(), Some(0));
    let events = process.events();
    let said =
        |part: &str| events.iter().any(|event| event["message"].as_str().is_some_and(|text| text.contains(part)));
    assert!(said("data/patchbay.key") && said("Back it up"), "{events:?}");
    assert!(said("PATCHBAY_LISTENS"), "{events:?}");
    assert!(said("stopped"), "{events:?}");
    let request = events.iter().find(|event| event["span"]["path"] == "\"/nowhere\"").unwrap();
    // This machine's public name is localhost, and there the page is (not) to be found.
    assert_eq!(request["span"]["status"], 307);
    assert_eq!(request["span"]["method"], "GET");
    assert!(request["span"]["request_id"].as_str().is_some_and(|id| id.len() == 36));
    let log = process.log();
    assert!(!log.contains("hunter2"), "{log}");
    assert!(!log.contains(key.trim().rsplit(':').next().unwrap()), "{log}");
    // Closed cleanly: nothing is left outside the main file.
    assert!(!folder.path().join("data/patchbay.db-wal").exists());
}

#[test]
fn a_stop_answers_what_is_under_way_whoever_else_is_connected() {
    let folder = tempfile::tempdir().unwrap();
    let mut process = Process::serve(folder.path(), "sqlite:p.db");
    let address = process.address();
    let open = |bytes: &str| {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(bytes.as_bytes()).unwrap();
        stream
    };
    let mut held: Vec<TcpStream> = (0..20).map(|_| open("")).collect();
    held.extend((0..20).map(|_| open("GET / HTTP/1.1\r\nhost: loc")));
    let form = "POST /login HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/x-www-form-urlencoded\r\n\
                content-length: 100\r\n\r\nemail=";
    held.extend((0..20).map(|_| open(&form.replace("{address}", &address.to_string()))));
    let mut idle = open(&format!("GET /healthz HTTP/1.1\r\nhost: {address}\r\n\r\n"));
    idle.read_exact(&mut [0; 15]).unwrap();

    let begun = Instant::now();
    process.signal("-TERM");
    process.until("it is not ready", |_| get(address, "/readyz").ok()?.starts_with("HTTP/1.1 503").then_some(()));
    assert!(begun.elapsed() < Duration::from_secs(1), "told after {:?}", begun.elapsed());

    assert_eq!(process.ended().code(), Some(0), "{}", process.log());
    assert!(begun.elapsed() < Duration::from_secs(20), "took {:?}", begun.elapsed());
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let mut process = Process::serve(folder.path(), "sqlite:p.db");
    let address = process.address();
    let mut half = TcpStream::connect(address).unwrap();
    half.write_all(b"POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: 5\r\n\r\n").unwrap();
    process.signal("-INT");
    process.until("it is stopping", |process| process.log().contains("\"stopping\"").then_some(()));

    let begun = Instant::now();
    process.signal("-INT");

    assert_eq!(process.ended().code(), Some(130));
    assert!(begun.elapsed() < Duration::from_secs(1), "took {:?}", begun.elapsed());
}

async fn another_key_or_none_refuses_to_start_and_changes_nothing(test: TestDatabase) {
    let folder = test.folder.path();
    let database = test.address.clone();
    let key = folder.join("patchbay.key");
    let serve = || {
        let mut command = with(patchbay(folder, &["serve"]), &database);
        command.env("PATCHBAY_KEY_FILE", &key).env("PATCHBAY_LOG_FORMAT", "text");
        command
    };
    let mut first = serve();
    first.env("PATCHBAY_LOG_FORMAT", "json");
    let mut process = Process::start(first);
    process.address();
    process.stop();
    let right = fs::read(&key).unwrap();

    fs::write(&key, format!("v1:{}\n", "ab".repeat(32))).unwrap();
    let wrong = run(&mut serve());
    assert_eq!(wrong.code, Some(1));
    let complaint: Vec<&str> = wrong.complained.lines().filter(|line| line.contains("ERROR")).collect();
    assert_eq!(complaint.len(), 1, "{}", wrong.complained);
    assert!(complaint[0].contains("patchbay.key is not the one"), "{}", wrong.complained);

    fs::remove_file(&key).unwrap();
    let missing = run(&mut serve());
    assert_eq!(missing.code, Some(1));
    assert!(missing.complained.contains("is missing"), "{}", missing.complained);
    assert!(!key.exists(), "a new key was made for a database that was sealed with another");

    fs::write(&key, right).unwrap();
    chmod(&key, 0o644);
    let readable = run(&mut serve());
    assert_eq!(readable.code, Some(1));
    assert!(readable.complained.contains("can be read by others"), "{}", readable.complained);

    chmod(&key, 0o600);
    let mut again = serve();
    again.env("PATCHBAY_LOG_FORMAT", "json");
    let mut process = Process::start(again);
    process.address();
    process.stop();
}

async fn four_first_starts_at_once_all_serve(test: TestDatabase) {
    let folder = test.folder.path();
    let database = match test.url.sqlite_path() {
        Some(_) => format!("sqlite:{}", folder.join("empty.db").display()),
        None => empty_schema(&test).await,
    };
    let mut processes: Vec<Process> = (0..4)
        .map(|_| {
            let mut command = with(patchbay(folder, &["serve"]), &database);
            command.env("PATCHBAY_KEY_FILE", folder.join("one.key"));
            Process::start(command)
        })
        .collect();

    for process in &mut processes {
        let address = process.address();
        assert!(is_ok(&get(address, "/readyz").unwrap()));
    }
    let made = processes.iter().filter(|process| process.log().contains("made the key file")).count();
    assert_eq!(made, 1);
    processes.into_iter().for_each(Process::stop);
}

on_both_databases!(another_key_or_none_refuses_to_start_and_changes_nothing, four_first_starts_at_once_all_serve,);

/// The test's PostgreSQL database as it was before any migration.
async fn empty_schema(test: &TestDatabase) -> String {
    use migrations::{Migrator, MigratorTrait};
    use sea_orm::ConnectionTrait;
    let writer = test.db.writer_for_tests();
    Migrator::down(writer, None).await.unwrap();
    writer.execute_unprepared("DROP TABLE seaql_migrations").await.unwrap();
    test.address.clone()
}

fn chmod(path: &std::path::Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn what_is_set_wrongly_is_said_in_one_sentence() {
    let folder = tempfile::tempdir().unwrap();
    for (name, value) in [
        ("DATABASE_URL", "mysql://u:hunter2@h/d"),
        ("PATCHBAY_LISTEN", "nowhere"),
        ("PATCHBAY_PUBLIC_URL", "example.com"),
        ("PATCHBAY_GITHUB_API_URL", "not an address"),
    ] {
        let ended = run(patchbay(folder.path(), &["serve"]).env(name, value).env("PATCHBAY_LOG_FORMAT", "text"));
        assert_eq!(ended.code, Some(1), "{name}");
        assert_eq!(ended.complained.lines().count(), 1, "{}", ended.complained);
        assert!(!ended.complained.contains("hunter2"), "{}", ended.complained);
        assert!(name.split('_').all(|word| ended.complained.to_uppercase().contains(word)), "{}", ended.complained);
    }
    assert!(!folder.path().join("data").exists());
}

#[test]
fn a_taken_port_is_told_before_anything_is_touched() {
    let folder = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let ended = run(patchbay(folder.path(), &["serve"]).env("PATCHBAY_LISTEN", &address));
    assert_eq!(ended.code, Some(1));
    assert!(ended.complained.contains(&taken.local_addr().unwrap().port().to_string()), "{}", ended.complained);
    assert!(ended.complained.contains("already in use"), "{}", ended.complained);
    assert!(!folder.path().join("data").exists());
}

#[test]
fn the_demo_runs_on_two_ports_is_made_fresh_and_refuses_taken_ones() {
    let folder = tempfile::tempdir().unwrap();
    let (first, second) = two_ports();
    let port = first.local_addr().unwrap().port();
    let demo = || patchbay(folder.path(), &["demo", "--port", &port.to_string()]);

    drop(first);
    let refused = run(&mut demo());
    assert_eq!(refused.code, Some(1));
    assert!(refused.complained.contains(&format!("Port {} is already in use", port + 1)), "{}", refused.complained);
    assert!(refused.complained.contains("--port"), "{}", refused.complained);
    assert_eq!(refused.complained.lines().count(), 1, "{}", refused.complained);
    assert!(!folder.path().join("data").exists());

    drop(second);
    let mut process = Process::start(demo());
    process.until("the demo is running", |process| process.told().contains("Ctrl-C").then_some(()));
    let told = process.told();
    for part in
        [&format!("http://localhost:{port}/"), "ada@example.com", "bob@example.com", "eve@example.com", "\"patchbay\""]
    {
        assert!(told.contains(part), "no {part} in {told}");
    }
    let at = |port: u16| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    assert!(is_ok(&get(at(port), "/readyz").unwrap()));
    assert!(is_ok(&get(at(port + 1), "/").unwrap()));
    let database = folder.path().join("data/demo/patchbay.db");
    let inode = |path: &std::path::Path| std::os::unix::fs::MetadataExt::ino(&fs::metadata(path).unwrap());
    let before = inode(&database);

    let refused = run(&mut demo());
    assert_eq!(refused.code, Some(1));
    assert_eq!(inode(&database), before, "the running demo's database was replaced");

    process.signal("-INT");
    assert_eq!(process.ended().code(), Some(0), "{}", process.log());
    assert_eq!(process.log(), "", "a demo that runs well has nothing to complain about");
    fs::write(folder.path().join("data/demo/left-over"), "of the last demo").unwrap();

    let mut again = Process::start(demo());
    again.until("the demo is running", |process| process.told().contains("Ctrl-C").then_some(()));
    assert!(!folder.path().join("data/demo/left-over").exists());
    again.stop();
}

#[test]
fn restarts_on_a_handed_socket_refuse_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let done = Arc::new(AtomicBool::new(false));
    let caller = std::thread::spawn({
        let done = done.clone();
        move || {
            let mut answers = 0;
            while !done.load(Ordering::SeqCst) {
                let answer = get(address, "/healthz").expect("every caller is answered");
                assert!(is_ok(&answer), "{answer}");
                answers += 1;
                std::thread::sleep(Duration::from_millis(10));
            }
            answers
        }
    });

    for _ in 0..3 {
        let mut command = Command::new("sh");
        let hand_on = "exec 3<&0 </dev/null; export LISTEN_FDS=1 LISTEN_PID=$$; exec \"$0\" serve";
        command.args(["-c", hand_on, env!("CARGO_BIN_EXE_patchbay")]).env_clear().current_dir(folder.path());
        command.stdin(Stdio::from(std::os::fd::OwnedFd::from(listener.try_clone().unwrap())));
        let mut process = Process::start(with(command, "sqlite:p.db"));
        assert_eq!(process.address(), address);
        std::thread::sleep(Duration::from_millis(200));
        process.stop();
    }
    // The last callers wait in the queue of the socket; one more process answers them.
    let mut command = Command::new("sh");
    let hand_on = "exec 3<&0 </dev/null; export LISTEN_FDS=1 LISTEN_PID=$$; exec \"$0\" serve";
    command.args(["-c", hand_on, env!("CARGO_BIN_EXE_patchbay")]).env_clear().current_dir(folder.path());
    command.stdin(Stdio::from(std::os::fd::OwnedFd::from(listener.try_clone().unwrap())));
    let mut process = Process::start(with(command, "sqlite:p.db"));
    process.address();
    done.store(true, Ordering::SeqCst);
    assert!(caller.join().unwrap() > 10);
    process.stop();
}

#[test]
fn the_doctor_says_what_is_missing_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (port, _) = two_ports();
    let address = port.local_addr().unwrap().to_string();

    let taken = run(patchbay(folder.path(), &["doctor"]).env("PATCHBAY_LISTEN", &address));
    assert_eq!(taken.code, Some(1), "{}", taken.told);
    assert!(taken.told.contains("BAD   listening"), "{}", taken.told);

    drop(port);
    let well = run(patchbay(folder.path(), &["doctor"]).env("PATCHBAY_LISTEN", &address));
    assert_eq!(well.code, Some(0), "{}{}", well.told, well.complained);
    for part in ["will be made at the first start", "leads here", "not configured", "/auth/", "/callback", "/hook"] {
        assert!(well.told.contains(part), "no {part:?} in {}", well.told);
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "the doctor left something behind");

    let elsewhere = run(patchbay(folder.path(), &["doctor"])
        .env("PATCHBAY_LISTEN", &address)
        .env("PATCHBAY_PUBLIC_URL", "http://127.0.0.1:9"));
    assert_eq!(elsewhere.code, Some(1));
    assert!(elsewhere.told.contains("BAD   public address"), "{}", elsewhere.told);
}

#[test]
fn keys_are_rotated_beside_a_running_server() {
    let folder = tempfile::tempdir().unwrap();
    let mut process = Process::serve(folder.path(), "sqlite:p.db");
    let address = process.address();

    let rotated = run(patchbay(folder.path(), &["rotate-key"]).env("DATABASE_URL", "sqlite:p.db"));

    assert_eq!(rotated.code, Some(0), "{}", rotated.complained);
    assert!(rotated.told.contains("key v2"), "{}", rotated.told);
    let keys = fs::read_to_string(folder.path().join("patchbay.key")).unwrap();
    assert_eq!(keys.lines().count(), 2);
    for line in keys.lines() {
        assert!(!rotated.told.contains(line.rsplit(':').next().unwrap()), "a key was told");
    }
    assert!(is_ok(&get(address, "/readyz").unwrap()));
    process.stop();
    let mut again = Process::serve(folder.path(), "sqlite:p.db");
    again.address();
    again.stop();
}
