//! The rules, as plain functions of files: each says what is wrong, where, and how to mend it.

use std::collections::BTreeMap;

use super::source::{File, Token, is, lines_with};

/// Which rooms a room may use. Arrows run one way; a room that is not here has none yet.
pub const MAY_USE: &[(&str, &[&str])] = &[
    ("clock", &[]),
    ("logs", &["config"]),
    ("metrics", &[]),
    ("db", &["clock", "metrics"]),
    // Settings are plain values of types that live elsewhere; every room may be handed its own.
    ("config", &["db"]),
    ("queue", &["clock", "db", "metrics"]),
    ("core", &["clock", "config", "db", "metrics", "queue"]),
    ("state", &["core", "db", "metrics", "server"]),
    ("jobs", &["clock", "core", "db", "metrics", "queue"]),
    ("web", &["clock", "config", "core", "db", "metrics", "server", "state"]),
    // The accept loop: HTTP below the routes, which it does not know.
    ("server", &["config", "metrics"]),
    // It says in the core's words which mirrors are offered.
    ("registry", &["config", "core"]),
];

/// The files that put the rooms together: they may use every room, and no room may use them.
pub const ABOVE_ALL: &[&str] = &["lib", "main", "boot", "commands", "demo"];

pub fn arrows_run_one_way(file: &File) -> Vec<String> {
    let Some(room) = file.room().filter(|room| !ABOVE_ALL.contains(room)) else { return Vec::new() };
    let Some((_, allowed)) = MAY_USE.iter().find(|(name, _)| *name == room) else {
        return vec![format!("{}: the room `{room}` is new: say in MAY_USE which rooms it may use", file.path)];
    };
    let is_room = |name: &str| ABOVE_ALL.contains(&name) || MAY_USE.iter().any(|(room, _)| *room == name);
    file.rooms_used()
        .into_iter()
        .filter(|(_, used)| used != room && is_room(used) && !allowed.contains(&used.as_str()))
        .map(|(line, used)| {
            format!("{}:{line}: `{room}` uses `{used}`, which is uphill: the thing is in the wrong room", file.path)
        })
        .collect()
}

pub fn no_partner_is_named(file: &File, partners: &[String]) -> Vec<String> {
    let mut wrong = Vec::new();
    for (line, text) in file.text.lines().enumerate() {
        let text = text.to_lowercase();
        for partner in partners.iter().filter(|partner| text.contains(partner.as_str())) {
            let (path, line) = (&file.path, line + 1);
            wrong.push(format!(
                "{path}:{line}: names the partner `{partner}`: only app/src/registry.rs may; \
                 what differs between partners belongs on the partner's card"
            ));
        }
    }
    wrong
}

pub fn the_environment_is_read_in_config(file: &File) -> Vec<String> {
    let tokens = file.tokens();
    let ways: &[&[&str]] = &[
        &["env", "::", "var"],
        &["env", "::", "vars"],
        &["env", "::", "var_os"],
        &["env", "::", "vars_os"],
        &["dotenvy", "::"],
    ];
    let lines = ways.iter().flat_map(|way| lines_with(&tokens, way));
    lines
        .map(|line| {
            format!("{}:{line}: reads the environment: make it a field of a struct in app/src/config", file.path)
        })
        .collect()
}

/// The ways into a table that do not start from a tenant.
const UNSCOPED: &[&str] =
    &["find", "find_by_id", "update_many", "delete_many", "delete_by_id", "find_with_related", "find_also_related"];

/// `tenants` are the modules of the tables that belong to a tenant; `doors` the functions that may look into one before
/// the tenant is known.
pub fn queries_start_from_the_tenant(file: &File, tenants: &[String], doors: &[&str]) -> Vec<String> {
    let tokens = file.tokens();
    let tables =
        Tables { own: file.path.strip_prefix("app/src/db/entity/").and_then(|name| name.strip_suffix(".rs")), tenants };
    let imported = tables.imported(&tokens);
    let mut function = "";
    let mut wrong = Vec::new();
    for at in 0..tokens.len() {
        // Under another name, a query could not be recognised.
        if is(&tokens, at + 1, &["::", "Entity", "as"]) && tenants.contains(&tokens[at].text) {
            wrong.push(format!("{}:{}: name the table as `{}::Entity`", file.path, tokens[at].line, tokens[at].text));
        }
        if is(&tokens, at, &["fn"]) {
            function = tokens.get(at + 1).map_or("", |name| &name.text);
        }
        let Some((table, method)) = tables.entered(&tokens, at, imported) else { continue };
        if tenants.iter().any(|tenant| tenant == table) && !doors.contains(&function) {
            wrong.push(format!(
                "{}:{}: in `{function}`, `{method}` sees every tenant's rows of `{table}`: use `of`, `of_any`, `update_of` \
                 or `delete_of`; where no tenant is known yet, add the function to DOORS with the reason",
                file.path, tokens[at].line
            ));
        }
    }
    wrong
}

/// Which table is meant where code says `Entity` or `Self`.
struct Tables<'a> {
    /// The table that the file itself describes.
    own: Option<&'a str>,
    tenants: &'a [String],
}

impl<'a> Tables<'a> {
    /// The table and the method, when a query on a whole table begins at this token.
    fn entered(&self, tokens: &'a [Token], at: usize, imported: Option<&'a str>) -> Option<(&'a str, &'static str)> {
        let of = |at: usize| UNSCOPED.iter().copied().find(|method| is(tokens, at, &["::", method]));
        let qualified = at > 0 && tokens[at - 1].text == "::";
        match tokens[at].text.as_str() {
            "Entity" if qualified && at > 1 => Some((&tokens[at - 2].text, of(at + 1)?)),
            "Entity" => Some((imported.or(self.own)?, of(at + 1)?)),
            "Self" => Some((self.described(tokens, at).or(self.own)?, of(at + 1)?)),
            _ => None,
        }
    }

    /// The tenant's table whose `Entity` the file imports without its name: `use …::entry::{Column, Entity}`.
    fn imported(&self, tokens: &'a [Token]) -> Option<&'a str> {
        let mut groups = Vec::new();
        for at in 0..tokens.len() {
            match tokens[at].text.as_str() {
                "{" if at > 1 && tokens[at - 1].text == "::" => groups.push(tokens[at - 2].text.as_str()),
                "{" => groups.push(""),
                "}" => drop(groups.pop()),
                "Entity" if at > 1 && is(tokens, at - 1, &["::", "Entity", ";"]) => return Some(&tokens[at - 2].text),
                "Entity" if at > 0 && matches!(tokens[at - 1].text.as_str(), "{" | ",") => {
                    let group = groups.last().copied().unwrap_or_default();
                    if self.tenants.iter().any(|tenant| tenant == group) {
                        return Some(group);
                    }
                }
                _ => {}
            }
        }
        None
    }

    /// The table of the `impl table::Entity` block before this token.
    fn described(&self, tokens: &'a [Token], at: usize) -> Option<&'a str> {
        let start = (0..at).rev().find(|&at| tokens[at].text == "impl")?;
        let table = &tokens.get(start + 1)?.text;
        is(tokens, start + 2, &["::", "Entity"]).then_some(table)
    }
}

/// Signature schemes compare in constant time, in aws-lc-rs; `==` on a signature leaks where it differs.
pub fn signatures_are_not_compared_with_equals(file: &File) -> Vec<String> {
    const SECRET_WORDS: &[&str] = &["signature", "mac", "hmac", "digest"];
    let tokens = file.tokens();
    let names_a_secret = |at: Option<usize>| {
        at.and_then(|at| tokens.get(at))
            .is_some_and(|token| token.text.split('_').any(|word| SECRET_WORDS.contains(&word.to_lowercase().as_str())))
    };
    // `signature.len() == 64` ends in `)`: only a bare name is a comparison of the thing itself.
    let mut wrong = Vec::new();
    for (at, token) in tokens.iter().enumerate().filter(|(_, token)| matches!(token.text.as_str(), "==" | "!=")) {
        let mut right = at + 1;
        while matches!(tokens.get(right).map(|token| token.text.as_str()), Some("&" | "*" | "self" | ".")) {
            right += 1;
        }
        let right_is_a_call = tokens.get(right + 1).is_some_and(|next| matches!(next.text.as_str(), "." | "(" | "::"));
        if names_a_secret(at.checked_sub(1)) || (names_a_secret(Some(right)) && !right_is_a_call) {
            wrong.push(format!(
                "{}:{}: compares a signature with `{}`: let `Scheme::verify` or `hmac::verify` do it",
                file.path, token.line, token.text
            ));
        }
    }
    wrong
}

pub fn every_file_says_its_purpose(file: &File) -> Vec<String> {
    if file.text.starts_with("//! ") {
        Vec::new()
    } else {
        vec![format!("{}: open the file with `//!` and what it is for", file.path)]
    }
}

/// The places where an HTTP client is made, in files that may not all have one.
pub fn http_clients(file: &File) -> Vec<String> {
    let tokens = file.tokens();
    let ways: &[&[&str]] = &[
        &["Client", "::", "new", "("],
        &["Client", "::", "builder"],
        &["ClientBuilder", "::"],
        &["reqwest", "::", "get"],
    ];
    let reaches_out = !lines_with(&tokens, &["reqwest"]).is_empty();
    let lines = ways.iter().flat_map(|way| lines_with(&tokens, way)).filter(|_| reaches_out);
    lines.map(|line| format!("{}:{line}", file.path)).collect()
}

/// The places where a value is declared verified because it was stored after a check.
pub fn values_trusted_from_the_inbox(file: &File) -> Vec<String> {
    let lines = lines_with(&file.tokens(), &["Verified", "::", "from_inbox"]);
    lines.into_iter().map(|line| format!("{}:{line}", file.path)).collect()
}

/// A manifest's dependencies: by section (`dependencies`, `dev-dependencies`, `build-dependencies`), each with its line.
pub fn dependencies(manifest: &str) -> BTreeMap<String, Vec<(String, String)>> {
    let mut found: BTreeMap<String, Vec<(String, String)>> = BTreeMap::new();
    let mut section = None;
    for line in manifest.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        if let Some(header) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            // `[dependencies.name]` and `[target.….dependencies]` count as well.
            let parts: Vec<&str> = header.split('.').collect();
            let at = parts.iter().position(|part| part.ends_with("dependencies") && parts[0] != "workspace");
            section = at.map(|at| parts[at].to_owned());
            if let (Some(section), Some(name)) = (&section, at.and_then(|at| parts.get(at + 1))) {
                found.entry(section.clone()).or_default().push(((*name).to_owned(), line.to_owned()));
            }
        } else if let Some(section) = &section {
            let name = line.split(['.', '=', ' ']).next().unwrap_or_default().trim_matches('"');
            found.entry(section.clone()).or_default().push((name.to_owned(), line.to_owned()));
        }
    }
    found
}

/// What a manifest may not depend on. `optional` dependencies pass where `unless_optional` is said.
pub fn forbidden_dependencies(file: &File, section: &str, forbidden: &[&str], unless_optional: bool) -> Vec<String> {
    let found = dependencies(&file.text);
    let named = found.get(section).into_iter().flatten();
    named
        .filter(|(name, line)| {
            forbidden.contains(&name.as_str()) && !(unless_optional && line.contains("optional = true"))
        })
        .map(|(name, _)| format!("{}: may not depend on `{name}` under [{section}]", file.path))
        .collect()
}

mod tests {
    use super::*;

    /// Each rule must be able to fail: a bad piece of code, and the same said well.
    fn check(rule: impl Fn(&File) -> Vec<String>, path: &str, bad: &[&str], good: &[&str]) {
        for code in bad {
            assert!(!rule(&File::new(path, code)).is_empty(), "should be refused: {code}");
        }
        for code in good {
            assert_eq!(rule(&File::new(path, code)), Vec::<String>::new(), "should pass: {code}");
        }
    }

    #[test]
    fn uphill_arrows_are_found() {
        check(
            arrows_run_one_way,
            "app/src/queue/workers.rs",
            &["use crate::core::Core;", "use crate::{db::Db, web::page};", "fn f() { crate::jobs::run() }"],
            &["use crate::{db::Db, clock::Clock, queue::Job};", "//! See crate::core."],
        );
        check(arrows_run_one_way, "app/src/web/page.rs", &["use crate::jobs;"], &["use crate::core::Core;"]);
        check(arrows_run_one_way, "app/src/jobs/install.rs", &["use crate::web;"], &["use crate::core::Core;"]);
        check(arrows_run_one_way, "app/src/attic/mod.rs", &[""], &[]);
        check(arrows_run_one_way, "app/src/boot.rs", &[], &["use crate::{web, jobs, registry};"]);
    }

    #[test]
    fn partners_names_are_found() {
        check(
            |file| no_partner_is_named(file, &["github".to_owned()]),
            "app/src/core/entries.rs",
            &["fn f() { GitHub::new() }", "// as GITHUB does", "if partner == \"github\" {}"],
            &["if partner == link.partner {}"],
        );
    }

    #[test]
    fn reading_the_environment_is_found() {
        check(
            the_environment_is_read_in_config,
            "app/src/web/mod.rs",
            &["std::env::var(\"HOME\")", "use std::env;\nfn f() { env::var_os(\"X\") }", "dotenvy::dotenv().ok();"],
            &["env!(\"CARGO_PKG_VERSION\")", "// env::var"],
        );
    }

    #[test]
    fn unscoped_queries_are_found() {
        let tenants = ["entry".to_owned(), "team".to_owned()];
        let rule = |file: &File| queries_start_from_the_tenant(file, &tenants, &["by_key"]);
        check(
            rule,
            "app/src/core/entries.rs",
            &[
                "entry::Entity::find().all(db)",
                "entity::entry::Entity::find_by_id((a, b))",
                "team::Entity\n    ::delete_many()",
                "use crate::db::entity::entry::Entity as Entries;",
                "use entity::{team::{self, Entity}, user}; fn f() { Entity::find() }",
                "use entity::team::Entity; fn f() { Entity::find() }",
                "impl team::Entity { fn all() { Self::find() } }",
            ],
            &[
                "entry::Entity::of(organization)",
                "user::Entity::find_by_id(id)",
                "entry::Entity::insert(new)",
                "use entity::{team::{self}, user::Entity}; fn f() { Entity::find() }",
                "impl user::Entity { fn all() { Self::find() } }",
                "fn by_key(key: &str) { team::Entity::find() }",
            ],
        );
        check(rule, "app/src/db/entity/entry.rs", &["Entity::find()"], &["Entity::of(organization)"]);
        check(rule, "app/src/db/entity/user.rs", &[], &["Entity::find()"]);
    }

    #[test]
    fn comparing_signatures_is_found() {
        check(
            signatures_are_not_compared_with_equals,
            "integrations/contract/src/scheme.rs",
            &["if signature == expected {}", "a != expected_mac", "hex == self.signature"],
            &[
                "signature.len() == 64",
                "hmac::verify(&key, message, &signature)",
                "kind == Kind::Signature",
                "n == tag.len()",
            ],
        );
    }

    #[test]
    fn a_file_without_a_purpose_is_found() {
        check(every_file_says_its_purpose, "app/src/x.rs", &["use a;", ""], &["//! What it is for.\n"]);
    }

    #[test]
    fn http_clients_and_trusted_values_are_found() {
        check(
            http_clients,
            "app/src/core/partners.rs",
            &["reqwest::Client::new()", "use reqwest::Client; fn f() { Client::builder() }", "reqwest::get(url)"],
            &["use reqwest::Client; struct A(Client);"],
        );
        check(values_trusted_from_the_inbox, "app/src/web/x.rs", &["Verified::from_inbox(call)"], &["Verified<Call>"]);
    }

    #[test]
    fn forbidden_dependencies_are_found() {
        let rule = |file: &File| forbidden_dependencies(file, "dependencies", &["axum", "sea-orm"], true);
        check(
            rule,
            "integrations/contract/Cargo.toml",
            &[
                "[dependencies]\naxum.workspace = true",
                "[dependencies]\nsea-orm = \"2\"",
                "[dependencies.axum]\nversion = \"1\"",
            ],
            &[
                "[dev-dependencies]\naxum.workspace = true",
                "[dependencies]\nserde = \"1\"",
                "[dependencies]\naxum = { workspace = true, optional = true }",
            ],
        );
    }
}
