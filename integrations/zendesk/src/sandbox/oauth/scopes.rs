//! Scopes: `read`, `write`, `impersonate`, and each resource's own.

const RESOURCES: [&str; 17] = [
    "apps",
    "auditlogs",
    "automations",
    "dynamic_content",
    "hc",
    "macros",
    "organizations",
    "requests",
    "satisfaction_ratings",
    "targets",
    "tickets",
    "ticket_fields",
    "triggers",
    "users",
    "webhooks",
    "web_widget",
    "any_channel",
];

/// The scopes of a text: separated by spaces; commas are forgiven.
pub(in super::super) fn split(text: &str) -> Vec<String> {
    let mut scopes: Vec<String> = Vec::new();
    for scope in text.split([',', ' ']).map(str::trim).filter(|scope| !scope.is_empty()) {
        if !scopes.iter().any(|it| it == scope) {
            scopes.push(scope.to_owned());
        }
    }
    scopes
}

pub(in super::super) fn is_known(scope: &str) -> bool {
    matches!(scope, "read" | "write" | "impersonate")
        || scope.split_once(':').is_some_and(|(what, how)| RESOURCES.contains(&what) && matches!(how, "read" | "write"))
}

/// Whether a token may do that with the resource. One unknown scope spoils a token: it was granted, and does nothing.
pub(in super::super) fn allows(scopes: &[String], resource: &str, how: &str) -> bool {
    let own = format!("{resource}:{how}");
    scopes.iter().all(|scope| is_known(scope)) && scopes.iter().any(|scope| scope == how || *scope == own)
}

/// What a person is asked.
pub(super) fn meaning(scope: &str) -> String {
    match scope.split_once(':') {
        _ if !is_known(scope) => "Unknown: the token will be good for nothing".to_owned(),
        Some((what, how)) => format!("{how} your {}", what.replace('_', " ")),
        None if scope == "impersonate" => "act as somebody else".to_owned(),
        None => format!("{scope} everything"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_may_what_its_scopes_say_unless_one_is_wrong() {
        for (scopes, resource, how, may) in [
            ("read", "tickets", "read", true),
            ("read", "tickets", "write", false),
            ("tickets:read tickets:write", "tickets", "write", true),
            ("tickets:read", "users", "read", false),
            ("read write tickets:all", "tickets", "read", false),
            ("read,write", "webhooks", "write", true),
            ("Read", "tickets", "read", false),
        ] {
            assert_eq!(allows(&split(scopes), resource, how), may, "{scopes} {resource} {how}");
        }
    }
}
