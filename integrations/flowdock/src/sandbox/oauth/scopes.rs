//! Scopes, and what each means to a person.

const SCOPES: [(&str, &str); 6] = [
    ("flow", "Read and send messages in your flows"),
    ("private", "Read and send private messages"),
    ("manage", "Manage your flows, organizations and their users"),
    ("profile", "See your profile"),
    ("offline_access", "Do so while you are away"),
    ("integration", "Add itself to your flows as a source"),
];

pub(in super::super) fn meaning(scope: &str) -> &'static str {
    SCOPES.iter().find(|(it, _)| *it == scope).map_or("", |(_, meaning)| *meaning)
}

/// What was asked for, or the default. None: one of them is unknown.
pub(in super::super) fn read(asked: Option<&str>) -> Option<Vec<String>> {
    // The documents once said commas, later spaces.
    let separators = |letter: char| letter == ',' || letter.is_whitespace();
    let mut scopes: Vec<String> = Vec::new();
    for scope in asked.unwrap_or_default().split(separators).filter(|scope| !scope.is_empty()) {
        if !SCOPES.iter().any(|(it, _)| *it == scope) {
            return None;
        }
        if !scopes.iter().any(|it| it == scope) {
            scopes.push(scope.to_owned());
        }
    }
    if scopes.is_empty() {
        scopes = vec!["flow".to_owned(), "private".to_owned()];
    }
    Some(scopes)
}
