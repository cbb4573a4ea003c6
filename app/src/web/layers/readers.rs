//! Who reads an answer on a route: a person, a program that speaks our API, or a machine that only looks at the status.

/// Who reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reader {
    /// A browser: errors are pages.
    Person,
    /// A program with a token: errors are JSON.
    Program,
    /// A partner that calls a hook: errors have no body, so that they tell a stranger nothing.
    Partner,
    /// A balancer or a scraper: its routes say all they have to say.
    Operator,
}

/// The reader on a path.
pub(super) fn of(path: &str) -> Reader {
    let mut segments = path.trim_start_matches('/').split('/');
    match (segments.next(), segments.next(), segments.next()) {
        (Some("healthz" | "readyz" | "metrics"), None, _) => Reader::Operator,
        (Some("api"), ..) => Reader::Program,
        (Some("integrations"), Some(_), Some("hook" | "actions")) => Reader::Partner,
        _ => Reader::Person,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_tells_its_reader() {
        let cases = [
            ("/", Reader::Person),
            ("/healthz", Reader::Operator),
            ("/healthz/x", Reader::Person),
            ("/api/v1/teams", Reader::Program),
            ("/integrations/acme/hook", Reader::Partner),
            ("/integrations/acme/actions/x", Reader::Partner),
            ("/integrations/acme/link", Reader::Person),
            ("/integrations/hook", Reader::Person),
        ];
        for (path, reader) in cases {
            assert_eq!(of(path), reader, "{path}");
        }
    }
}
