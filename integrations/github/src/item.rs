//! Issues and pull requests as items, and the mark by which we know what we wrote.

use integration_contract::{Attachment, Author, Comment, Item, ItemKind, ItemState, text};

use crate::{
    reading::{author, line, link, seconds},
    wire,
};

/// GitHub's limits for a title and for a text, in characters.
const TITLE: usize = 256;
const BODY: usize = 65_536;
/// A label has at most 50; there are about a hundred at most.
const LABEL: usize = 100;
/// Where our mark begins and ends. GitHub keeps HTML comments and shows them to nobody.
const MARK: &str = "<!-- patchbay:";
const MARK_END: &str = " -->";
const LONGEST_KEY: usize = 60;

/// The word for an item that can't be worked on any more, because it is not there.
pub(crate) const DELETED: &str = "deleted";
/// The same for one that went to another repository.
pub(crate) const TRANSFERRED: &str = "transferred";
/// The word for a pull request that was taken: it can't be opened again.
pub(crate) const MERGED: &str = "merged";

/// An issue, or what GitHub calls an issue of a pull request.
pub(crate) fn of_issue(repository: &str, issue: &wire::Issue) -> Item {
    let merged = issue.pull_request.as_ref().map(|pull| pull.merged_at.is_some());
    let (state, state_word) = match merged {
        Some(merged) => state_of_pull(issue.state.as_deref(), merged, issue.draft),
        None => state_of_issue(issue),
    };
    let kind = if issue.pull_request.is_some() { ItemKind::PullRequest } else { ItemKind::Issue };
    Item {
        kind,
        state,
        state_word,
        ..shared(&Shared {
            repository,
            number: issue.number,
            title: &issue.title,
            body: issue.body.as_deref(),
            url: issue.html_url.as_deref(),
            user: issue.user.as_ref(),
            assignees: issue.assignees.as_deref(),
            labels: issue.labels.as_deref(),
            created_at: issue.created_at.as_deref(),
            updated_at: issue.updated_at.as_deref(),
        })
    }
}

pub(crate) fn of_pull(repository: &str, pull: &wire::PullRequest) -> Item {
    let merged = pull.merged == Some(true) || pull.merged_at.is_some();
    let (state, state_word) = state_of_pull(pull.state.as_deref(), merged, pull.draft);
    Item {
        kind: ItemKind::PullRequest,
        state,
        state_word,
        ..shared(&Shared {
            repository,
            number: pull.number,
            title: &pull.title,
            body: pull.body.as_deref(),
            url: pull.html_url.as_deref(),
            user: pull.user.as_ref(),
            assignees: pull.assignees.as_deref(),
            labels: pull.labels.as_deref(),
            created_at: pull.created_at.as_deref(),
            updated_at: pull.updated_at.as_deref(),
        })
    }
}

pub(crate) fn of_comment(comment: &wire::Comment) -> Comment {
    Comment {
        id: comment.id.to_string(),
        body: readable(comment.body.as_deref()),
        url: link(comment.html_url.as_deref()),
        author: author(&[comment.user.as_ref()]),
        // Files stand in the text, as links.
        attachments: Vec::<Attachment>::new(),
    }
}

/// What GitHub calls the same in both.
struct Shared<'a> {
    repository: &'a str,
    number: u64,
    title: &'a str,
    body: Option<&'a str>,
    url: Option<&'a str>,
    user: Option<&'a wire::Account>,
    assignees: Option<&'a [wire::Account]>,
    labels: Option<&'a [wire::Label]>,
    created_at: Option<&'a str>,
    updated_at: Option<&'a str>,
}

fn shared(of: &Shared<'_>) -> Item {
    let assignees = of.assignees.unwrap_or_default().iter().filter(|account| account.login.is_some());
    let labels = of.labels.unwrap_or_default().iter().filter_map(wire::Label::name);
    Item {
        id: of.number.to_string(),
        kind: ItemKind::Issue,
        name: format!("{}#{}", of.repository, of.number),
        title: line(of.title, TITLE),
        body: readable(of.body),
        url: link(of.url),
        state: ItemState::Open,
        state_word: String::new(),
        author: author(&[of.user]),
        assignees: assignees.map(|account| author(&[Some(account)])).collect::<Vec<Author>>(),
        labels: labels.map(|name| line(name, LABEL)).filter(|name| !name.is_empty()).collect(),
        // It has no place for one.
        external_id: None,
        created_at: seconds(of.created_at),
        updated_at: seconds(of.updated_at),
    }
}

fn state_of_issue(issue: &wire::Issue) -> (ItemState, String) {
    let word = match (issue.state.as_deref(), issue.state_reason.as_deref()) {
        (Some("closed"), Some("not_planned")) => "closed as not planned",
        (Some("closed"), Some("duplicate")) => "closed as a duplicate",
        (Some("closed"), _) => "closed",
        _ => return (ItemState::Open, "open".to_owned()),
    };
    (ItemState::Closed, word.to_owned())
}

fn state_of_pull(state: Option<&str>, merged: bool, draft: Option<bool>) -> (ItemState, String) {
    let (state, word) = match (state, merged) {
        (_, true) => (ItemState::Closed, MERGED),
        (Some("closed"), false) => (ItemState::Closed, "closed"),
        _ if draft == Some(true) => (ItemState::Open, "draft"),
        _ => (ItemState::Open, "open"),
    };
    (state, word.to_owned())
}

// ---- texts, and our mark in them

/// As somebody wrote it: without our mark, and fit to keep.
pub(crate) fn readable(body: Option<&str>) -> String {
    let mut rest = body.unwrap_or_default();
    let mut clean = String::with_capacity(rest.len());
    while let Some(at) = rest.find(MARK) {
        let behind = &rest[at + MARK.len()..];
        let end = behind.find(MARK_END).filter(|end| is_key(&behind[..*end]));
        match end {
            Some(end) => {
                clean.push_str(rest[..at].trim_end());
                rest = &behind[end + MARK_END.len()..];
            }
            None => {
                clean.push_str(&rest[..at + MARK.len()]);
                rest = behind;
            }
        }
    }
    clean.push_str(rest);
    text::without_nul(&clean)
}

fn is_key(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    (1..=LONGEST_KEY).contains(&text.len()) && text.bytes().all(plain)
}

/// What we write: as long as GitHub takes it, with our mark at its end.
pub(crate) fn marked(body: &str, key: &str) -> String {
    let mark = mark(key);
    let body = text::cut(body.trim_end(), BODY - mark.len() - 2);
    // A character as a person counts them may be many to GitHub.
    let body: String = body.chars().take(BODY - mark.len() - 2).collect();
    if body.is_empty() { mark } else { format!("{body}\n\n{mark}") }
}

/// Whether this is what we wrote under that key.
pub(crate) fn has_mark(body: Option<&str>, key: &str) -> bool {
    body.is_some_and(|body| body.trim_end().ends_with(&mark(key)))
}

fn mark(key: &str) -> String {
    format!("{MARK}{key}{MARK_END}")
}

/// A title that GitHub takes: one line that says something.
pub(crate) fn title(text: &str) -> String {
    let title: String = line(text, TITLE).chars().take(TITLE).collect();
    if title.is_empty() { "(no title)".to_owned() } else { title }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_mark_is_there_and_nobody_reads_it() {
        let body = marked("It stops.\n", "a1-B2");
        assert_eq!(body, "It stops.\n\n<!-- patchbay:a1-B2 -->");
        assert!(has_mark(Some(&body), "a1-B2") && !has_mark(Some(&body), "a1-B") && !has_mark(None, "a1-B2"));
        assert_eq!(readable(Some(&body)), "It stops.");
        assert_eq!(readable(Some(&marked("", "k"))), "");
        // GitHub's editor turns line ends, and people write below.
        assert!(has_mark(Some("It stops.\r\n\r\n<!-- patchbay:k -->\r\n"), "k"));
        assert_eq!(readable(Some("one\n\n<!-- patchbay:k -->\ntwo")), "one\ntwo");
    }

    #[test]
    fn what_only_looks_like_our_mark_stays() {
        let long = format!("<!-- patchbay:{} -->", "k".repeat(61));
        for text in
            ["<!-- patchbay:", "<!-- patchbay: -->", "<!-- patchbay:a b -->", "<!-- other -->", &long, "\u{2028}"]
        {
            assert_eq!(readable(Some(text)), text);
        }
    }

    #[test]
    fn what_is_too_long_for_github_is_cut() {
        let body = marked(&"é".repeat(70_000), "k");
        assert!(body.chars().count() <= BODY && has_mark(Some(&body), "k"));
        assert!(marked(&"👩‍👩‍👧‍👦".repeat(30_000), "k").chars().count() <= BODY);
        assert_eq!(title(&"x".repeat(300)).chars().count(), TITLE);
        assert_eq!(title(" \n"), "(no title)");
        assert_eq!(title("one\ntwo"), "one");
    }
}
