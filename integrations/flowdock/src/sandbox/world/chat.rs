//! What people (and applications in their stead) say: chat, comments, files; the inbox; editing and deleting.

use serde_json::{Map, Value, json};

use super::super::refusal::{BLANK, Problems, Refusal};
use super::files::Attachment;
use super::html;
use super::messages::{NewMessage, Place};
use super::tags;
use super::threads::ThreadState;
use super::{SourceId, ThreadId, UserId, World};

const CONTENT_MAX: usize = 8096;
/// Of a chat's first message, so much is its thread's title.
const TITLE_OF_CHAT: usize = 100;

/// Who says it: a person, or an application by its source.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Poster {
    User(UserId),
    Source(SourceId),
}

/// A message as it was asked for, unchecked.
#[derive(Default)]
pub(in super::super) struct Post {
    pub event: Option<String>,
    pub content: Value,
    pub title: Option<String>,
    pub body: Option<String>,
    pub author: Option<Map<String, Value>>,
    pub external_user_name: Option<String>,
    pub external_thread_id: Option<String>,
    pub thread_id: Option<String>,
    pub thread: Option<Value>,
    /// Of a comment: what it is about.
    pub parent: Option<u64>,
    pub tags: Vec<String>,
    pub uuid: Option<String>,
    pub attachments: Vec<Attachment>,
}

impl World {
    pub fn post(&mut self, poster: Poster, place: &Place, mut post: Post) -> Result<u64, Refusal> {
        let event = post.event.take().ok_or_else(|| Refusal::invalid("event", BLANK))?;
        match (event.as_str(), poster) {
            ("activity" | "discussion", Poster::Source(source)) => self.post_to_inbox(source, place, &event, post),
            ("activity" | "discussion", Poster::User(_)) => Err(Refusal::invalid("flow_token", BLANK)),
            ("message" | "status" | "comment" | "file", _) => self.say(poster, place, &event, post),
            _ => Err(Refusal::invalid("event", "is not included in the list")),
        }
    }

    fn say(&mut self, poster: Poster, place: &Place, event: &str, mut post: Post) -> Result<u64, Refusal> {
        let mut problems = Problems::default();
        let text = post.content.as_str().unwrap_or_default().to_owned();
        let is_file = event == "file";
        if is_file && post.attachments.is_empty() {
            problems.add("content", BLANK);
        } else if !is_file && text.trim().is_empty() {
            problems.add(
                "content",
                if post.content.is_string() || post.content.is_null() { BLANK } else { "must be a string" },
            );
        }
        if !is_file && text.chars().count() > CONTENT_MAX {
            problems.add("content", "is too long (maximum is 8096 characters)");
        }
        let parent = self.parent(place, event, post.parent, &mut problems);
        let named = match (place, &post.thread_id) {
            (Place::Flow(flow), Some(id)) if self.thread(flow, id).is_err() => {
                problems.add("thread_id", "is invalid");
                None
            }
            (Place::Flow(_), named) => named.clone(),
            (Place::Private(..), _) => None,
        };
        problems.check()?;
        let mut tags = tags::given(self, std::mem::take(&mut post.tags));
        tags::find(self, place, &text, &mut tags);
        let (mut content, mut thread) = (post.content, named);
        if is_file {
            tags.push(":file".to_owned());
            content = post.attachments[0].shown();
        }
        if let Some(parent) = parent {
            tags.push(format!("influx:{}", parent.id));
            content = json!({"title": parent.title, "text": text});
            thread = thread.or(parent.thread);
        }
        if let (Place::Flow(flow), None) = (place, &thread) {
            let title = if is_file { post.attachments[0].file_name.clone() } else { text };
            let title = title.chars().take(TITLE_OF_CHAT).collect();
            thread = Some(self.begin_thread(flow, None, None, ThreadState { title, ..ThreadState::default() }));
        }
        // A name of one's own makes it nobody's message.
        let user = match poster {
            Poster::User(user) if post.external_user_name.is_none() => user,
            _ => 0,
        };
        let source = if let Poster::Source(source) = poster { Some(source) } else { None };
        let new = NewMessage {
            event: event.to_owned(),
            user,
            content,
            external_user_name: post.external_user_name,
            tags,
            attachments: post.attachments,
            uuid: post.uuid,
            thread,
            source,
            ..NewMessage::default()
        };
        self.add_message(place.clone(), new)
    }

    /// What a comment is about; a comment is about no comment.
    fn parent(&self, place: &Place, event: &str, id: Option<u64>, problems: &mut Problems) -> Option<Parent> {
        if event != "comment" {
            return None;
        }
        let Some(id) = id else {
            problems.add("message", BLANK);
            return None;
        };
        match self.message(place, id) {
            Ok(parent) if parent.new.event != "comment" => {
                let title = parent.new.content.as_str().or(parent.new.title.as_deref()).unwrap_or_default().to_owned();
                Some(Parent { id, title, thread: parent.new.thread.clone() })
            }
            _ => {
                problems.add("message", "is invalid");
                None
            }
        }
    }

    fn post_to_inbox(&mut self, source: SourceId, place: &Place, event: &str, mut post: Post) -> Result<u64, Refusal> {
        let Place::Flow(flow) = place else { return Err(Refusal::invalid("event", "is not included in the list")) };
        let mut problems = Problems::default();
        let title = problems.need("title", post.title.filter(|title| !title.trim().is_empty()));
        let author = read_author(post.author.as_ref(), &mut problems);
        let state = match &post.thread {
            None | Some(Value::Null) => None,
            Some(Value::Object(thread)) => Some(ThreadState::read(thread, &mut problems)),
            Some(_) => {
                problems.add("thread", "must be an object");
                None
            }
        };
        let known = self.find_thread(source, flow, post.external_thread_id.as_deref(), post.thread_id.as_deref());
        match (&post.external_thread_id, &post.thread_id, &known) {
            (None, None, _) => problems.add("external_thread_id", BLANK),
            (None, Some(_), None) => problems.add("thread_id", "is invalid"),
            (Some(_), _, None) if post.thread.is_none() => problems.add("thread", BLANK),
            _ => {}
        }
        if state.is_some() && known.as_ref().is_some_and(|id| self.threads[id].source != Some(source)) {
            problems.add("thread", "belongs to another source");
        }
        problems.check()?;
        let thread = match (known, state) {
            (Some(known), None) => known,
            (Some(known), Some(state)) => {
                // The whole of it: what is not said any more is gone.
                if let Some(thread) = self.threads.get_mut(&known) {
                    thread.state = state;
                    thread.external_id = thread.external_id.take().or(post.external_thread_id);
                }
                known
            }
            (None, state) => self.begin_thread(flow, Some(source), post.external_thread_id, state.unwrap_or_default()),
        };
        let tags = tags::given(self, std::mem::take(&mut post.tags));
        let new = NewMessage {
            event: event.to_owned(),
            title: Some(html::title(&title)),
            body: post.body.map(|body| html::body(&body)),
            author,
            tags,
            attachments: post.attachments,
            uuid: post.uuid,
            thread: Some(thread),
            source: Some(source),
            ..NewMessage::default()
        };
        self.add_message(place.clone(), new)
    }

    /// The application's own id counts first; Flowdock's id if that leads nowhere.
    fn find_thread(&self, source: SourceId, flow: &str, own: Option<&str>, id: Option<&str>) -> Option<ThreadId> {
        let by_own = own.and_then(|own| self.thread_of_item(source, own));
        by_own.or_else(|| id.and_then(|id| self.thread(flow, id).ok())).map(|thread| thread.id.clone())
    }

    pub fn edit_content(&mut self, user: UserId, place: &Place, id: u64, text: &str) -> Result<(), Refusal> {
        let message = self.message(place, id)?;
        if message.new.user != user || !matches!(message.new.event.as_str(), "message" | "comment") {
            return Err(Refusal::forbidden("you can only edit your own messages"));
        }
        if text.trim().is_empty() {
            return Err(Refusal::invalid("content", BLANK));
        }
        if text.chars().count() > CONTENT_MAX {
            return Err(Refusal::invalid("content", "is too long (maximum is 8096 characters)"));
        }
        let now = self.now();
        let message = self.message_mut(place, id)?;
        message.edited = Some(now);
        match &mut message.new.content {
            Value::Object(comment) => comment["text"] = json!(text),
            content => *content = json!(text),
        }
        let content = json!({"message": id, "updated_content": message.new.content.clone()});
        self.note_change(user, place, "message-edit", content);
        Ok(())
    }

    /// Anybody may.
    pub fn edit_tags(&mut self, user: UserId, place: &Place, id: u64, tags: Vec<String>) -> Result<(), Refusal> {
        let tags = tags::given(self, tags);
        let message = self.message_mut(place, id)?;
        let add: Vec<&String> = tags.iter().filter(|tag| !message.new.tags.contains(tag)).collect();
        let remove: Vec<&String> = message.new.tags.iter().filter(|tag| !tags.contains(tag)).collect();
        let content = json!({"message": id, "add": add, "remove": remove});
        message.new.tags = tags;
        self.note_change(user, place, "tag-change", content);
        Ok(())
    }

    /// Whether nothing is left of it: of chat, the empty message stays.
    pub fn delete_message(&mut self, user: UserId, place: &Place, id: u64) -> Result<bool, Refusal> {
        let message = self.message_mut(place, id)?;
        let own = message.new.user == user;
        if message.new.is_inbox() || (own && message.new.event == "file") {
            self.messages.entry(place.clone()).or_default().remove(&id);
            return Ok(true);
        }
        if !own {
            return Err(Refusal::forbidden("you can only delete your own messages"));
        }
        message.new.content = json!("");
        Ok(false)
    }

    /// Only streams hear of it.
    fn note_change(&mut self, user: UserId, place: &Place, event: &str, content: Value) {
        let change = super::super::shapes::message::change(self, place, user, event, content);
        self.stream.tell(place.clone(), change);
    }
}

struct Parent {
    id: u64,
    title: String,
    thread: Option<ThreadId>,
}

fn read_author(author: Option<&Map<String, Value>>, problems: &mut Problems) -> Option<Value> {
    let text = |name: &str| author.and_then(|author| author.get(name)).and_then(Value::as_str).map(str::to_owned);
    let name = problems.need("author.name", text("name").filter(|name| !name.trim().is_empty()));
    let mut shown = json!({"name": name});
    for part in ["avatar", "email"] {
        if let Some(value) = text(part).filter(|value| !value.is_empty()) {
            shown[part] = json!(value);
        }
    }
    Some(shown)
}
