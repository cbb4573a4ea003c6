//! GitHub's REST API: one function per call, named after it. <https://docs.github.com/rest>

use std::time::{Duration, Instant};

use http::{HeaderValue, Method, header};
use integration_contract::{Auth, Error, ErrorKind, Http, Request, Response, Result, SecretString};
use url::Url;

use crate::{
    error,
    wire::{ApiRepository, Comment, Issue, IssueUpdate, NewIssue, NewWebhook, PullRequest, Release, User, Webhook},
};

/// A page of 100 repositories with all their fields runs to about 800 KB.
const LIST_ANSWER: usize = 4 * 1024 * 1024;
/// What a person waits at most for the form.
const LIST_TIME: Duration = Duration::from_secs(5);
/// 100 each: 5,000 repositories.
pub(crate) const REPOSITORY_PAGES: usize = 50;
/// GitHub allows 20 webhooks per event; 1,000 is far beyond any repository.
const WEBHOOK_PAGES: usize = 10;
/// A page of issues with their texts is the longest there is: 100 times 65,536 characters.
const ISSUES_ANSWER: usize = 32 * 1024 * 1024;
/// Comments that were written while an answer was lost: 1,000 are a storm.
const COMMENT_PAGES: usize = 10;

pub(crate) struct Api<'a> {
    http: &'a Http,
    base: &'a Url,
}

/// A list that was read page by page.
pub(crate) struct Listed<T> {
    pub(crate) items: Vec<T>,
    /// Whether all pages were read.
    pub(crate) complete: bool,
}

impl<'a> Api<'a> {
    pub(crate) fn new(http: &'a Http, base: &'a Url) -> Self {
        Self { http, base }
    }

    /// Whose token this is, before the host has kept it. <https://docs.github.com/rest/users/users#get-the-authenticated-user>
    pub(crate) async fn user(&self, token: &SecretString) -> Result<User> {
        let request = self.request(Method::GET, &["user"]).auth(Auth::Bearer(token.clone()));
        self.call("see whose account it is", request).await?.json()
    }

    /// Whose account this is today: a login may change. As [`Self::user`].
    pub(crate) async fn me(&self) -> Result<User> {
        self.call("see whose account it is", self.request(Method::GET, &["user"])).await?.json()
    }

    /// The account's repositories, as many as can be had in the time a person waits.
    /// <https://docs.github.com/rest/repos/repos#list-repositories-for-the-authenticated-user>
    pub(crate) async fn user_repos(&self) -> Result<Listed<ApiRepository>> {
        let mut first = self.url(&["user", "repos"]);
        first.query_pairs_mut().append_pair("per_page", "100").append_pair("sort", "full_name");
        self.pages("list your repositories", first, REPOSITORY_PAGES, Some(LIST_TIME)).await
    }

    /// One repository by name; an old name leads to the renamed one.
    /// <https://docs.github.com/rest/repos/repos#get-a-repository>
    pub(crate) async fn repository_named(&self, owner: &str, name: &str) -> Result<ApiRepository> {
        let doing = "look at the repository";
        let answer = self.http.send(self.request(Method::GET, &["repos", owner, name])).await?;
        if matches!(answer.status.as_u16(), 301 | 302 | 307 | 308) {
            let id = answer.header("location").and_then(|to| self.moved_to(to));
            return self.repository(id.ok_or_else(|| error::undocumented(doing))?).await;
        }
        success(doing, &Method::GET, answer)?.json()
    }

    /// One repository by the id that never changes. GitHub answers `/repositories/{id}…` like `/repos/{owner}/{name}…`;
    /// its own redirects lead there.
    pub(crate) async fn repository(&self, id: u64) -> Result<ApiRepository> {
        self.call("look at the repository", self.request(Method::GET, &["repositories", &id.to_string()])).await?.json()
    }

    /// All webhooks of a repository. <https://docs.github.com/rest/repos/webhooks#list-repository-webhooks>
    pub(crate) async fn hooks(&self, repository: u64) -> Result<Vec<Webhook>> {
        let doing = "list the repository's webhooks";
        let mut first = self.url(&["repositories", &repository.to_string(), "hooks"]);
        first.query_pairs_mut().append_pair("per_page", "100");
        let listed = self.pages(doing, first, WEBHOOK_PAGES, None).await?;
        // A webhook of ours on a page that was not read would be made a second time.
        if listed.complete { Ok(listed.items) } else { Err(error::undocumented(doing)) }
    }

    /// <https://docs.github.com/rest/repos/webhooks#create-a-repository-webhook>
    pub(crate) async fn create_hook(&self, repository: u64, webhook: &NewWebhook<'_>) -> Result<Webhook> {
        let doing = "add a webhook to the repository";
        let request = self.request(Method::POST, &["repositories", &repository.to_string(), "hooks"]).json(webhook)?;
        made(doing, &self.call(doing, request).await?)
    }

    /// <https://docs.github.com/rest/repos/webhooks#get-a-repository-webhook>
    pub(crate) async fn hook(&self, repository: u64, id: &str) -> Result<Webhook> {
        let path = ["repositories", &repository.to_string(), "hooks", id];
        self.call("look at our webhook in the repository", self.request(Method::GET, &path)).await?.json()
    }

    /// <https://docs.github.com/rest/repos/webhooks#update-a-repository-webhook>
    pub(crate) async fn update_hook(&self, repository: u64, id: &str, webhook: &NewWebhook<'_>) -> Result<()> {
        let path = ["repositories", &repository.to_string(), "hooks", id];
        let request = self.request(Method::PATCH, &path).json(webhook)?;
        self.call("change our webhook in the repository", request).await.map(drop)
    }

    /// <https://docs.github.com/rest/repos/webhooks#delete-a-repository-webhook>
    pub(crate) async fn delete_hook(&self, repository: u64, id: &str) -> Result<()> {
        let path = ["repositories", &repository.to_string(), "hooks", id];
        self.call("delete our webhook in the repository", self.request(Method::DELETE, &path)).await.map(drop)
    }

    /// One issue or pull request; `None` when it is not there, or went elsewhere.
    /// <https://docs.github.com/rest/issues/issues#get-an-issue>
    pub(crate) async fn issue(&self, repository: u64, number: u64) -> Result<Option<Issue>> {
        let doing = "look at the issue";
        let answer = self.http.send(self.issue_request(Method::GET, repository, number, &[])).await?;
        match error::of_issue(doing, &Method::GET, answer) {
            Ok(answer) => answer.json().map(Some),
            Err(gone) if gone.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The newest issues that this person opened, without an index in between.
    /// <https://docs.github.com/rest/issues/issues#list-repository-issues>
    pub(crate) async fn issues_of(&self, repository: u64, login: &str) -> Result<Vec<Issue>> {
        let mut url = self.url(&["repositories", &repository.to_string(), "issues"]);
        url.query_pairs_mut()
            .append_pair("creator", login)
            .append_pair("state", "all")
            .append_pair("sort", "created")
            .append_pair("direction", "desc")
            .append_pair("per_page", "100");
        Ok(self.pages("list the repository's issues", url, 1, None).await?.items)
    }

    /// The repository's issues and pull requests, the last opened first, a page at a time; `after` is what the page before
    /// answered with. GitHub says how it goes on, by number or by cursor, and that is taken as it comes.
    /// <https://docs.github.com/rest/issues/issues#list-repository-issues>
    pub(crate) async fn issues(&self, repository: u64, after: Option<&str>) -> Result<(Vec<Issue>, Option<String>)> {
        let doing = "list the repository's issues";
        let mut url = self.url(&["repositories", &repository.to_string(), "issues"]);
        match after {
            // Its query alone: where it is asked for does not depend on what somebody answered.
            Some(query) => url.set_query(Some(query)),
            None => {
                let query = [("state", "all"), ("sort", "created"), ("direction", "desc"), ("per_page", "100")];
                url.query_pairs_mut().extend_pairs(query);
            }
        }
        let mut request = self.headed(Request::new(Method::GET, url));
        request.max_answer = ISSUES_ANSWER;
        let answer = error::of_issue(doing, &Method::GET, self.http.send(request).await?)?;
        let next = match answer.header("link").and_then(next_page) {
            Some(link) => {
                let next = self.ours(link).and_then(|next| next.query().map(str::to_owned));
                Some(next.ok_or_else(|| error::undocumented(doing))?)
            }
            None => None,
        };
        Ok((answer.json()?, next))
    }

    /// The issues and pull requests that changed last. <https://docs.github.com/rest/issues/issues#list-repository-issues>
    pub(crate) async fn issues_lately(&self, repository: u64) -> Result<Vec<Issue>> {
        let query = [("state", "all"), ("sort", "updated"), ("direction", "desc")];
        self.lately("list the repository's issues", repository, &["issues"], &query).await
    }

    /// The pull requests that changed last. <https://docs.github.com/rest/pulls/pulls#list-pull-requests>
    pub(crate) async fn pulls_lately(&self, repository: u64) -> Result<Vec<PullRequest>> {
        let query = [("state", "all"), ("sort", "updated"), ("direction", "desc")];
        self.lately("list the repository's pull requests", repository, &["pulls"], &query).await
    }

    /// The newest comments on issues and pull requests.
    /// <https://docs.github.com/rest/issues/comments#list-issue-comments-for-a-repository>
    pub(crate) async fn comments_lately(&self, repository: u64) -> Result<Vec<Comment>> {
        let query = [("sort", "created"), ("direction", "desc")];
        self.lately("list the repository's comments", repository, &["issues", "comments"], &query).await
    }

    /// The newest releases. <https://docs.github.com/rest/releases/releases#list-releases>
    pub(crate) async fn releases_lately(&self, repository: u64) -> Result<Vec<Release>> {
        self.lately("list the repository's releases", repository, &["releases"], &[]).await
    }

    /// A page is enough of what changed last, and a person waits for it.
    async fn lately<T: serde::de::DeserializeOwned>(
        &self,
        doing: &str,
        repository: u64,
        list: &[&str],
        query: &[(&str, &str)],
    ) -> Result<Vec<T>> {
        let repository = repository.to_string();
        let mut url = self.url(&[&["repositories", &repository], list].concat());
        url.query_pairs_mut().extend_pairs(query).append_pair("per_page", "50");
        let mut request = self.headed(Request::new(Method::GET, url));
        request.max_answer = ISSUES_ANSWER;
        request.timeout = LIST_TIME;
        self.call(doing, request).await?.json()
    }

    /// <https://docs.github.com/rest/issues/issues#create-an-issue>
    pub(crate) async fn create_issue(&self, repository: u64, issue: &NewIssue<'_>) -> Result<Issue> {
        let request = self.request(Method::POST, &["repositories", &repository.to_string(), "issues"]).json(issue)?;
        let doing = "open an issue";
        made(doing, &error::of_issue(doing, &Method::POST, self.http.send(request).await?)?)
    }

    /// <https://docs.github.com/rest/issues/issues#update-an-issue>
    pub(crate) async fn update_issue(&self, repository: u64, number: u64, to: &IssueUpdate<'_>) -> Result<Issue> {
        self.change_issue("change the issue", self.issue_request(Method::PATCH, repository, number, &[]).json(to)?)
            .await
    }

    /// Answers 201 with the issue, whether or not anybody was assigned.
    /// <https://docs.github.com/rest/issues/assignees#add-assignees-to-an-issue>
    pub(crate) async fn add_assignees(&self, repository: u64, number: u64, logins: &[&str]) -> Result<Issue> {
        let request = self.issue_request(Method::POST, repository, number, &["assignees"]);
        self.change_issue("assign the issue", request.json(&serde_json::json!({ "assignees": logins }))?).await
    }

    /// <https://docs.github.com/rest/issues/labels#set-labels-for-an-issue>
    pub(crate) async fn set_labels(&self, repository: u64, number: u64, labels: &[String]) -> Result<()> {
        let request = self.issue_request(Method::PUT, repository, number, &["labels"]);
        let request = request.json(&serde_json::json!({ "labels": labels }))?;
        let answer = self.http.send(request).await?;
        error::of_issue("label the issue", &Method::PUT, answer).map(drop)
    }

    /// The comments that were written or changed since then, oldest first.
    /// <https://docs.github.com/rest/issues/comments#list-issue-comments>
    pub(crate) async fn comments_since(&self, repository: u64, number: u64, since: &str) -> Result<Listed<Comment>> {
        let repository = repository.to_string();
        let mut url = self.url(&["repositories", &repository, "issues", &number.to_string(), "comments"]);
        url.query_pairs_mut().append_pair("since", since).append_pair("per_page", "100");
        self.pages("list the issue's comments", url, COMMENT_PAGES, None).await
    }

    /// <https://docs.github.com/rest/issues/comments#create-an-issue-comment>
    pub(crate) async fn create_comment(&self, repository: u64, number: u64, body: &str) -> Result<Comment> {
        let request = self.issue_request(Method::POST, repository, number, &["comments"]);
        let request = request.json(&serde_json::json!({ "body": body }))?;
        let doing = "comment on the issue";
        made(doing, &error::of_issue(doing, &Method::POST, self.http.send(request).await?)?)
    }

    fn issue_request(&self, method: Method, repository: u64, number: u64, rest: &[&str]) -> Request {
        let (repository, number) = (repository.to_string(), number.to_string());
        let mut path = vec!["repositories", &repository, "issues", &number];
        path.extend(rest);
        self.request(method, &path)
    }

    async fn change_issue(&self, doing: &str, request: Request) -> Result<Issue> {
        let method = request.method.clone();
        made(doing, &error::of_issue(doing, &method, self.http.send(request).await?)?)
    }

    /// Any status is an answer here: the caller knows what each means for a token.
    /// <https://docs.github.com/rest/apps/oauth-applications#delete-an-app-token>
    pub(crate) async fn delete_app_token(&self, id: &str, secret: &SecretString, token: &str) -> Result<Response> {
        let request = self
            .request(Method::DELETE, &["applications", id, "token"])
            .json(&serde_json::json!({ "access_token": token }))?
            .auth(Auth::Basic { user: id.to_owned(), password: secret.clone() });
        self.http.send(request).await
    }

    async fn call(&self, doing: &str, request: Request) -> Result<Response> {
        let method = request.method.clone();
        success(doing, &method, self.http.send(request).await?)
    }

    /// Follows `rel="next"` as it comes, as long as it stays at this API.
    async fn pages<T: serde::de::DeserializeOwned>(
        &self,
        doing: &str,
        first: Url,
        most: usize,
        time: Option<Duration>,
    ) -> Result<Listed<T>> {
        let started = Instant::now();
        let mut items: Vec<T> = Vec::new();
        let mut next = Some(first);
        for page in 0..most {
            let Some(url) = next.take() else { return Ok(Listed { items, complete: true }) };
            let mut request = self.headed(Request::new(Method::GET, url));
            request.max_answer = LIST_ANSWER;
            if let Some(time) = time {
                let left = time.saturating_sub(started.elapsed());
                if left.is_zero() {
                    return Ok(Listed { items, complete: false });
                }
                request.timeout = left;
            }
            let answer = match self.call(doing, request).await {
                // Some pages are better than none; the form says that there are more.
                Err(error) if page > 0 && time.is_some() && error.passes() => {
                    return Ok(Listed { items, complete: false });
                }
                answer => answer?,
            };
            items.extend(answer.json::<Vec<T>>()?);
            next = match answer.header("link").and_then(next_page) {
                Some(link) => Some(self.ours(link).ok_or_else(|| error::undocumented(doing))?),
                None => None,
            };
        }
        Ok(Listed { items, complete: next.is_none() })
    }

    /// Each segment is percent-encoded on its own, so none can leave its place in the path.
    fn url(&self, segments: &[&str]) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        url
    }

    fn request(&self, method: Method, segments: &[&str]) -> Request {
        self.headed(Request::new(method, self.url(segments)))
    }

    fn headed(&self, request: Request) -> Request {
        request
            .header(header::ACCEPT, HeaderValue::from_static("application/vnd.github+json"))
            .header(header::USER_AGENT, HeaderValue::from_static("Patchbay"))
            .header(http::HeaderName::from_static("x-github-api-version"), HeaderValue::from_static("2022-11-28"))
    }

    /// A URL that GitHub gave us, if it lies under the configured API and nowhere else.
    fn ours(&self, url: &str) -> Option<Url> {
        let url = Url::parse(url).ok()?;
        let base = self.base.path().trim_end_matches('/');
        let below = url.path().strip_prefix(base).is_some_and(|rest| rest.starts_with('/'));
        let same = url.origin() == self.base.origin() && url.username().is_empty() && url.password().is_none();
        (same && below).then_some(url)
    }

    /// The repository that a redirect leads to: `{api}/repositories/{id}` and nothing else.
    fn moved_to(&self, location: &str) -> Option<u64> {
        let url = self.ours(location)?;
        let rest = url.path().strip_prefix(self.base.path().trim_end_matches('/'))?;
        let id = rest.strip_prefix("/repositories/")?;
        id.bytes().all(|byte| byte.is_ascii_digit()).then(|| id.parse().ok()).flatten()
    }
}

/// What was made or changed: it was, even if the answer can't be read.
fn made<T: serde::de::DeserializeOwned>(doing: &str, answer: &Response) -> Result<T> {
    answer.json().map_err(|cause| {
        let sentence = format!("GitHub did not say what came of it when we tried to {doing}.");
        Error::new(ErrorKind::UnknownOutcome, sentence).caused_by(cause)
    })
}

fn success(doing: &str, method: &Method, answer: Response) -> Result<Response> {
    if answer.status.is_success() { Ok(answer) } else { Err(error::of(doing, method, &answer)) }
}

/// The target of `rel="next"` in a Link header (RFC 8288, as GitHub writes it).
fn next_page(link: &str) -> Option<&str> {
    link.split(',').find_map(|part| {
        let (target, parameters) = part.trim().strip_prefix('<')?.split_once('>')?;
        parameters.split(';').any(|parameter| parameter.trim() == "rel=\"next\"").then_some(target)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_is_read_from_the_link_header() {
        let link = "<https://api.github.com/user/repos?page=1>; rel=\"prev\", \
                    <https://api.github.com/user/repos?page=3>; rel=\"next\", \
                    <https://api.github.com/user/repos?page=9>; rel=\"last\"";
        assert_eq!(next_page(link), Some("https://api.github.com/user/repos?page=3"));
        assert_eq!(next_page("<https://api.github.com/user/repos?page=1>; rel=\"first\""), None);
        assert_eq!(next_page("nonsense"), None);
    }
}
