//! Issues that go away: deleted, or transferred to another repository.

use serde_json::json;

use super::repository::{Comment, Departure};
use super::{AccountId, RepositoryId, World};
use crate::sandbox::hooks::event::Event;
use crate::sandbox::refusal::Refusal;
use crate::sandbox::shapes;

impl World {
    /// Only on the web and in GraphQL; REST can't.
    pub fn delete_issue(&mut self, who: AccountId, repository: RepositoryId, number: u64) -> Result<(), Refusal> {
        let shown = self.shown_issue(repository, number)?;
        let place = self.repository_mut(repository)?;
        place.issues.remove(&number);
        place.comments.retain(|_, comment| comment.issue != number);
        place.departed.insert(number, Departure::Deleted);
        self.tell(who, repository, Event::action("issues", "deleted").with("issue", shown))
    }

    /// Moves it to another repository of the same owner. Numbers and labels do not travel; ids of comments do.
    pub fn transfer_issue(
        &mut self,
        who: AccountId,
        from: RepositoryId,
        number: u64,
        to: RepositoryId,
    ) -> Result<u64, Refusal> {
        let issue = self.issue(from, number)?.clone();
        if from == to || issue.pull.is_some() || self.repository(from)?.owner != self.repository(to)?.owner {
            return Err(Refusal::custom("Issue", "can only be transferred to another repository of the same owner"));
        }
        let before = self.shown_issue(from, number)?;
        let arrived = self.add_issue(issue.author, to, issue.title, issue.body)?;
        let place = self.repository_mut(from)?;
        place.issues.remove(&number);
        place.departed.insert(number, Departure::Transferred { to, number: arrived });
        let (moved, stay): (Vec<_>, Vec<_>) =
            std::mem::take(&mut place.comments).into_values().partition(|comment| comment.issue == number);
        place.comments = stay.into_iter().map(|comment| (comment.id, comment)).collect();
        let moved = moved.into_iter().map(|comment| (comment.id, Comment { issue: arrived, ..comment }));
        self.repository_mut(to)?.comments.extend(moved);
        let changes = json!({
            "new_issue": self.shown_issue(to, arrived)?,
            "new_repository": shapes::repository::repository(self, self.repository(to)?),
        });
        let event = Event::action("issues", "transferred").with("changes", changes).with("issue", before);
        self.tell(who, from, event)?;
        self.tell_issue(who, to, arrived, "opened", None)?;
        Ok(arrived)
    }
}
