//! The floor plan of ARCHITECTURE.md, kept by reading the source tree: which room may use which, who may name a
//! partner, where a tenant's rows are entered. A rule is a function in [`rules`], which shows that it can fail.

mod rules;
pub mod source;

use source::{File, files, folders};

/// Our own Rust code, tests included.
const CODE: &[&str] = &["app", "integrations", "migrations"];

/// Functions that look into a tenant's table before the tenant is known: the file, the function, and what keeps the
/// tenants apart there.
const DOORS: &[(&str, &str, &str)] = &[
    ("app/src/db/entity/member.rs", "of_user", "which tenants a user belongs to is the question itself"),
    ("app/src/db/entity/invitation.rs", "with_token", "who is invited is in no tenant yet; the token is the proof"),
    (
        "app/src/core/integration_links/mod.rs",
        "by_hook_key",
        "a hook has nothing but its key; the secret of the row found then decides",
    ),
    ("app/src/core/mail/health/mod.rs", "untold", "upkeep: ids only, each then handled within its tenant"),
    ("app/src/core/mail/health/mod.rs", "told_and_over", "upkeep: ids only, each then handled within its tenant"),
    (
        "app/src/core/mail/digest.rs",
        "due",
        "upkeep: whose hour has struck is the question; each then within its tenant",
    ),
];

/// Fails with everything that is wrong, a line each.
fn holds(wrong: impl IntoIterator<Item = String>) {
    let wrong: Vec<String> = wrong.into_iter().collect();
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

fn rust(folders: &[&str]) -> Vec<File> {
    files(folders, &[".rs"])
}

/// The partners' crates: every folder beside the contract and the two kits.
fn partners() -> Vec<String> {
    let mut names = folders("integrations");
    names.retain(|name| !matches!(name.as_str(), "contract" | "sandboxkit" | "testkit"));
    names
}

fn manifest(folder: &str) -> File {
    files(&[folder], &["Cargo.toml"]).into_iter().find(|file| file.path == format!("{folder}/Cargo.toml")).unwrap()
}

#[test]
fn arrows_between_rooms_run_one_way() {
    holds(rust(&["app/src"]).iter().flat_map(rules::arrows_run_one_way));
}

#[test]
fn only_the_registry_names_a_partner() {
    let partners = partners();
    let mut shared = files(&["app/src", "templates", "static"], &[".rs", ".html", ".css", ".js", ".svg", ".txt"]);
    shared.retain(|file| file.path != "app/src/registry.rs");
    holds(shared.iter().flat_map(|file| rules::no_partner_is_named(file, &partners)));
}

#[test]
fn only_config_reads_the_environment() {
    let mut code = rust(&["app/src", "integrations", "migrations/src"]);
    code.retain(|file| !file.path.starts_with("app/src/config/") && file.path.contains("/src/"));
    holds(code.iter().flat_map(rules::the_environment_is_read_in_config));
}

#[test]
fn a_tenants_rows_are_entered_through_the_tenant() {
    let is_tenant = |file: &File| file.text.contains("tenant!();") || file.text.contains("Tenant for Entity");
    let tables = rust(&["app/src/db/entity"]).into_iter().filter(|file| !file.path.ends_with("/mod.rs"));
    let tenants: Vec<String> = tables
        .filter(is_tenant)
        .filter_map(|file| Some(file.path.rsplit_once('/')?.1.strip_suffix(".rs")?.to_owned()))
        .collect();
    assert!(tenants.len() >= 10, "found only these tenant tables: {tenants:?}");

    holds(rust(&["app/src"]).iter().flat_map(|file| {
        let doors = DOORS.iter().filter(|(path, _, _)| *path == file.path);
        let doors: Vec<&str> = doors.map(|(_, function, _)| *function).collect();
        rules::queries_start_from_the_tenant(file, &tenants, &doors)
    }));
}

#[test]
fn doors_that_are_no_longer_used_are_shut() {
    let code = rust(&["app/src"]);
    let stands = |path: &str, function: &str| {
        let file = code.iter().find(|file| file.path == path);
        file.is_some_and(|file| !source::lines_with(&file.tokens(), &["fn", function]).is_empty())
    };
    let shut = DOORS.iter().filter(|(path, function, _)| !stands(path, function));
    holds(shut.map(|(path, function, _)| format!("`{function}` of {path} stands in DOORS and nowhere else")));
}

#[test]
fn signatures_are_compared_in_constant_time() {
    let mut code = rust(&["app/src", "integrations"]);
    code.retain(|file| file.path.contains("/src/"));
    holds(code.iter().flat_map(rules::signatures_are_not_compared_with_equals));
}

#[test]
fn every_file_says_what_it_is_for() {
    holds(rust(CODE).iter().flat_map(rules::every_file_says_its_purpose));
}

/// Timeouts, no redirects, refused addresses: a second client would forget one of them.
#[test]
fn the_app_has_one_http_client() {
    let clients: Vec<String> = rust(&["app/src"]).iter().flat_map(rules::http_clients).collect();
    assert!(clients.len() <= 1, "\nthe app makes more than one HTTP client: {}\n", clients.join(", "));

    let mut partners = rust(&["integrations"]);
    partners.retain(|file| file.path.contains("/src/") && !file.path.contains("/sandbox"));
    let clients = partners.iter().flat_map(rules::http_clients);
    holds(clients.map(|place| format!("{place}: a partner calls through the host's `Http`, not a client of its own")));
}

#[test]
fn only_the_inbox_trusts_what_was_stored() {
    let mut code = rust(&["app/src", "integrations"]);
    code.retain(|file| file.path.contains("/src/") && !file.path.starts_with("integrations/contract/"));
    let mut places: Vec<String> = code.iter().flat_map(rules::values_trusted_from_the_inbox).collect();
    places.retain(|place| !place.starts_with("integrations/testkit/"));
    assert!(places.len() <= 1, "\n`Verified::from_inbox` stands in more than one place: {}\n", places.join(", "));
}

#[test]
fn manifests_keep_the_crates_apart() {
    let ours: Vec<String> = folders("integrations").iter().map(|name| format!("integration-{name}")).collect();
    let ours: Vec<&str> = ours.iter().map(String::as_str).chain(["patchbay", "migrations"]).collect();
    let without =
        |allowed: &[&str]| -> Vec<&str> { ours.iter().copied().filter(|name| !allowed.contains(name)).collect() };
    let storage = ["sea-orm", "sea-orm-migration", "sqlx"];
    let server = ["axum", "askama", "reqwest", "tokio", "hyper", "integration-sandboxkit"];

    let mut wrong = Vec::new();
    let contract = manifest("integrations/contract");
    wrong.extend(rules::forbidden_dependencies(&contract, "dependencies", &ours, false));
    wrong.extend(rules::forbidden_dependencies(&contract, "dependencies", &storage, false));
    wrong.extend(rules::forbidden_dependencies(&contract, "dependencies", &server, false));

    let testkit = manifest("integrations/testkit");
    wrong.extend(rules::forbidden_dependencies(&testkit, "dependencies", &without(&["integration-contract"]), false));

    let sandboxkit = manifest("integrations/sandboxkit");
    wrong.extend(rules::forbidden_dependencies(&sandboxkit, "dependencies", &ours, false));

    for partner in partners() {
        let partner = manifest(&format!("integrations/{partner}"));
        let others = without(&["integration-contract", "integration-sandboxkit"]);
        wrong.extend(rules::forbidden_dependencies(&partner, "dependencies", &others, false));
        wrong.extend(rules::forbidden_dependencies(&partner, "dependencies", &storage, false));
        // The sandbox is a server; nothing else of a partner is.
        wrong.extend(rules::forbidden_dependencies(&partner, "dependencies", &server, true));
        let others = without(&["integration-contract", "integration-sandboxkit", "integration-testkit"]);
        wrong.extend(rules::forbidden_dependencies(&partner, "dev-dependencies", &others, false));
    }

    wrong.extend(rules::forbidden_dependencies(&manifest("migrations"), "dependencies", &ours, false));
    wrong.extend(rules::forbidden_dependencies(&manifest("app"), "dependencies", &["integration-testkit"], false));
    holds(wrong);
}
