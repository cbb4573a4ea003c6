//! Scopes: which exist, which imply which, how GitHub writes them down.
//! <https://docs.github.com/apps/oauth-apps/building-oauth-apps/scopes-for-oauth-apps>

/// A scope and what it implies. The order is the one GitHub answers in.
const SCOPES: [(&str, &[&str]); 32] = [
    ("admin:org", &["write:org", "read:org", "manage_runners:org"]),
    ("admin:org_hook", &[]),
    ("admin:public_key", &["write:public_key", "read:public_key"]),
    ("admin:repo_hook", &["write:repo_hook", "read:repo_hook"]),
    ("delete_repo", &[]),
    ("gist", &[]),
    ("manage_runners:org", &[]),
    ("notifications", &[]),
    ("project", &["read:project"]),
    ("public_repo", &[]),
    ("read:org", &[]),
    ("read:project", &[]),
    ("read:public_key", &[]),
    ("read:repo_hook", &[]),
    ("read:user", &[]),
    ("repo", &["repo:status", "repo_deployment", "public_repo", "repo:invite", "security_events"]),
    ("repo:invite", &[]),
    ("repo:status", &[]),
    ("repo_deployment", &[]),
    ("security_events", &[]),
    ("user", &["read:user", "user:email", "user:follow"]),
    ("user:email", &[]),
    ("user:follow", &[]),
    ("workflow", &[]),
    ("write:discussion", &["read:discussion"]),
    ("read:discussion", &[]),
    ("write:org", &["read:org"]),
    ("write:packages", &["read:packages"]),
    ("read:packages", &[]),
    ("write:public_key", &["read:public_key"]),
    ("write:repo_hook", &["read:repo_hook"]),
    ("codespace", &[]),
];

/// From a request: separated by spaces (commas are forgiven), unknown ones dropped, implied ones dropped, sorted.
pub(in super::super) fn normalised(asked: &str) -> Vec<String> {
    let asked: Vec<&str> = asked.split([' ', ',', '+']).filter(|scope| !scope.is_empty()).collect();
    without_implied(&asked)
}

/// Everything in either.
pub(in super::super) fn union(one: &[String], other: &[String]) -> Vec<String> {
    let all: Vec<&str> = one.iter().chain(other).map(String::as_str).collect();
    without_implied(&all)
}

/// Whether what is held is enough for `wanted`, itself or by implication.
pub(in super::super) fn covers(held: &[String], wanted: &str) -> bool {
    held.iter().any(|scope| scope == wanted || implied(scope).contains(&wanted))
}

fn without_implied(scopes: &[&str]) -> Vec<String> {
    let kept = SCOPES
        .iter()
        .map(|(scope, _)| *scope)
        .filter(|scope| scopes.contains(scope) && !scopes.iter().any(|other| implied(other).contains(scope)));
    let mut kept: Vec<String> = kept.map(str::to_owned).collect();
    kept.sort();
    kept
}

fn implied(scope: &str) -> &'static [&'static str] {
    SCOPES.iter().find(|(name, _)| *name == scope).map_or(&[], |(_, implied)| implied)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn implied_and_unknown_scopes_are_dropped() {
        assert_eq!(normalised("user:email gist user nonsense public_repo repo"), ["gist", "repo", "user"]);
        assert_eq!(normalised(""), Vec::<String>::new());
    }

    #[test]
    fn a_wide_scope_covers_the_narrow_one_only() {
        let held = normalised("write:repo_hook");
        assert!(covers(&held, "read:repo_hook"));
        assert!(!covers(&held, "admin:repo_hook"));
    }
}
