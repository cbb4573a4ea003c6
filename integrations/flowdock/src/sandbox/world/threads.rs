//! Threads: what an item of another tool, or one chat, has become. They change only by messages posted into them.

use jiff::Timestamp;
use serde_json::{Map, Value};
use url::Url;

use super::super::actions;
use super::super::refusal::{BLANK, Problems, Refusal};
use super::html;
use super::{FlowId, SourceId, ThreadId, UserId, World};

/// <https://www.flowdock.com/api/threads>: exactly these, and grey, not gray.
pub(in super::super) const COLOURS: [&str; 10] =
    ["red", "green", "yellow", "cyan", "orange", "grey", "black", "lime", "purple", "blue"];
const NOT_LISTED: &str = "is not included in the list";

pub(in super::super) struct Thread {
    pub id: ThreadId,
    pub flow: FlowId,
    /// None: a chat.
    pub source: Option<SourceId>,
    /// Unique within the source.
    pub external_id: Option<String>,
    pub state: ThreadState,
    pub activities: u64,
    pub internal_comments: u64,
    pub external_comments: u64,
    pub initial_message: Option<u64>,
    pub created: Timestamp,
    pub updated: Timestamp,
}

/// What an application says about its item: always the whole of it.
#[derive(Default, Clone)]
pub(in super::super) struct ThreadState {
    pub title: String,
    pub body: Option<String>,
    pub external_url: Option<String>,
    pub status: Option<Status>,
    pub fields: Vec<Field>,
    /// As they were posted; nobody but the application sees where an UpdateAction leads.
    pub actions: Vec<Value>,
}

#[derive(Clone)]
pub(in super::super) struct Status {
    pub value: String,
    pub colour: String,
}

#[derive(Clone)]
pub(in super::super) struct Field {
    pub label: String,
    pub value: String,
}

/// Which threads somebody wants to see.
#[derive(Default)]
pub(in super::super) struct ThreadWish {
    pub since: Option<Timestamp>,
    pub until: Option<Timestamp>,
    /// An application's id, or `chat` or `inbox`.
    pub application: Option<String>,
    /// Only those that nobody has commented on, or only the others.
    pub empty: Option<bool>,
    pub limit: usize,
}

impl ThreadState {
    /// Reads `thread` of a message, and notes everything that is wrong with it.
    pub fn read(thread: &Map<String, Value>, problems: &mut Problems) -> Self {
        let title = needed(thread, "title", "thread.title", problems);
        let external_url = text(thread, "external_url", "thread.external_url", problems);
        if external_url.as_ref().is_some_and(|url| Url::parse(url).is_err()) {
            problems.add("thread.external_url", "is invalid");
        }
        Self {
            title: html::title(&title),
            body: text(thread, "body", "thread.body", problems).map(|body| html::body(&body)),
            external_url,
            status: status(thread.get("status"), problems),
            fields: list(thread, "fields", problems).iter().filter_map(|it| field(it, problems)).collect(),
            actions: list(thread, "actions", problems)
                .into_iter()
                .inspect(|action| actions::check(action, problems))
                .collect(),
        }
    }
}

fn text(from: &Map<String, Value>, name: &str, field: &str, problems: &mut Problems) -> Option<String> {
    match from.get(name) {
        None | Some(Value::Null) => None,
        Some(Value::String(text)) => Some(text.clone()).filter(|text| !text.trim().is_empty()),
        Some(Value::Number(number)) => Some(number.to_string()),
        Some(_) => {
            problems.add(field, "must be a string");
            None
        }
    }
}

fn needed(from: &Map<String, Value>, name: &str, field: &str, problems: &mut Problems) -> String {
    let found = text(from, name, field, problems);
    problems.need(field, found)
}

fn list(thread: &Map<String, Value>, name: &str, problems: &mut Problems) -> Vec<Value> {
    match thread.get(name) {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(list)) => list.clone(),
        // As a form sends it: fields[0][label]=…
        Some(Value::Object(numbered)) if numbered.keys().all(|key| key.parse::<u32>().is_ok()) => {
            numbered.values().cloned().collect()
        }
        Some(_) => {
            problems.add(&format!("thread.{name}"), "must be an array");
            Vec::new()
        }
    }
}

fn status(status: Option<&Value>, problems: &mut Problems) -> Option<Status> {
    let status = match status {
        None | Some(Value::Null) => return None,
        Some(Value::Object(status)) => status,
        Some(_) => {
            problems.add("thread.status", "must be an object");
            return None;
        }
    };
    let value = needed(status, "value", "thread.status.value", problems);
    let colour = needed(status, "color", "thread.status.color", problems);
    if !colour.is_empty() && !COLOURS.contains(&colour.as_str()) {
        problems.add("thread.status.color", NOT_LISTED);
    }
    Some(Status { value, colour })
}

fn field(field: &Value, problems: &mut Problems) -> Option<Field> {
    let Value::Object(field) = field else {
        problems.add("thread.fields", "must be objects with label and value");
        return None;
    };
    let label = text(field, "label", "thread.fields", problems);
    if label.is_none() {
        problems.add("thread.fields", &format!("label {BLANK}"));
    }
    let value = text(field, "value", "thread.fields", problems).unwrap_or_default();
    label.map(|label| Field { label, value: html::title(&value) })
}

impl World {
    pub fn thread(&self, flow: &str, id: &str) -> Result<&Thread, Refusal> {
        self.threads.get(id).filter(|thread| thread.flow == flow).ok_or_else(Refusal::not_found)
    }

    /// The thread an application keeps an item of its own in.
    pub fn thread_of_item(&self, source: SourceId, external_id: &str) -> Option<&Thread> {
        self.threads.values().find(|it| it.source == Some(source) && it.external_id.as_deref() == Some(external_id))
    }

    pub(super) fn begin_thread(
        &mut self,
        flow: &str,
        source: Option<SourceId>,
        external_id: Option<String>,
        state: ThreadState,
    ) -> ThreadId {
        // Flowdock's own look like the base64 of 20 bytes.
        let (id, now) = (integration_sandboxkit::random::letters(27), self.now());
        let thread = Thread {
            id: id.clone(),
            flow: flow.to_owned(),
            source,
            external_id,
            state,
            activities: 0,
            internal_comments: 0,
            external_comments: 0,
            initial_message: None,
            created: now,
            updated: now,
        };
        self.threads.insert(id.clone(), thread);
        id
    }

    /// The newest first.
    pub fn threads_of(&self, flow: &str, wish: &ThreadWish) -> Vec<&Thread> {
        let of_application = |thread: &Thread| match wish.application.as_deref() {
            None => true,
            Some("chat") => thread.source.is_none(),
            Some("inbox") => thread.source.is_some(),
            Some(id) => self.app_of_thread(thread).is_some_and(|app| app.to_string() == id),
        };
        let mut found: Vec<&Thread> = self
            .threads
            .values()
            .filter(|it| it.flow == flow && of_application(it))
            .filter(|it| wish.since.is_none_or(|since| it.updated > since))
            .filter(|it| wish.until.is_none_or(|until| it.updated < until))
            .filter(|it| wish.empty.is_none_or(|empty| (it.internal_comments == 0) == empty))
            .collect();
        found.sort_by_key(|thread| std::cmp::Reverse((thread.updated, thread.initial_message)));
        found.truncate(wish.limit);
        found
    }

    fn app_of_thread(&self, thread: &Thread) -> Option<super::AppId> {
        let source = thread.source?;
        self.sources.iter().find(|it| it.id == source).map(|it| it.app)
    }

    /// A thread that `user` may look into, wherever it is.
    pub fn visible_thread(&self, user: UserId, id: &str) -> Result<&Thread, Refusal> {
        let thread = self.threads.get(id).ok_or_else(Refusal::not_found)?;
        self.joined(user, self.flow(&thread.flow)?)?;
        Ok(thread)
    }

    /// Counts a message, and lets the thread rise.
    pub(super) fn note_in_thread(&mut self, id: &str, event: &str, message: u64) {
        let now = self.now();
        let Some(thread) = self.threads.get_mut(id) else { return };
        thread.updated = now;
        let first = thread.initial_message.is_none();
        thread.initial_message.get_or_insert(message);
        match event {
            "activity" => thread.activities += 1,
            "discussion" => thread.external_comments += 1,
            // A chat is not a comment on itself.
            _ if first && thread.source.is_none() => {}
            _ => thread.internal_comments += 1,
        }
    }
}
