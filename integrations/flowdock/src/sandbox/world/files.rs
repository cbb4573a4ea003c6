//! Uploaded files. <https://www.flowdock.com/api/files>

use std::collections::BTreeMap;

use axum::body::Bytes;
use integration_sandboxkit::random;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::super::refusal::Refusal;
use super::messages::Place;
use super::{UserId, World};

/// A download's address works so long.
const LINK_SECONDS: i64 = 60;

/// A file of a message.
#[derive(Clone)]
pub(in super::super) struct Attachment {
    /// How a body refers to it: `cid:key`.
    pub content_id: Option<String>,
    pub file_name: String,
    pub content_type: String,
    pub file_size: usize,
    pub path: String,
}

/// A file on its way in.
#[derive(Clone)]
pub(in super::super) struct Upload {
    pub content_id: Option<String>,
    pub file_name: String,
    pub content_type: String,
    pub bytes: Bytes,
}

#[derive(Default)]
pub(in super::super) struct Files {
    kept: BTreeMap<String, Kept>,
    links: BTreeMap<String, (String, Timestamp)>,
}

struct Kept {
    place: Place,
    content_type: String,
    bytes: Bytes,
}

impl Attachment {
    pub fn shown(&self) -> Value {
        let mut shown = json!({
            "content_type": self.content_type,
            "file_name": self.file_name,
            "file_size": self.file_size,
            "path": self.path,
        });
        if let Some(content_id) = &self.content_id {
            shown["content_id"] = json!(content_id);
        }
        shown
    }
}

impl World {
    pub fn keep_file(&mut self, place: &Place, upload: Upload) -> Attachment {
        // Only the last part of a name, and nothing that would end a path early.
        let name = upload.file_name.rsplit(['/', '\\']).next().unwrap_or("file").replace(['?', '#', '%'], "_");
        let path = format!("/files/{}/{name}", random::letters(22));
        let kept =
            Kept { place: place.clone(), content_type: upload.content_type.clone(), bytes: upload.bytes.clone() };
        self.files.kept.insert(path.clone(), kept);
        Attachment {
            content_id: upload.content_id,
            file_name: name,
            content_type: upload.content_type,
            file_size: upload.bytes.len(),
            path,
        }
    }

    /// A short-lived address at the store of files, for somebody who may read where it was said.
    pub fn link_to_file(&mut self, user: UserId, path: &str) -> Result<String, Refusal> {
        let kept = self.files.kept.get(path).ok_or_else(Refusal::not_found)?;
        let may_read = match &kept.place {
            Place::Flow(flow) => self.flow(flow)?.is_in(user),
            Place::Private(one, other) => user == *one || user == *other,
        };
        if !may_read {
            return Err(Refusal::not_found());
        }
        let until = self.now().saturating_add(SignedDuration::from_secs(LINK_SECONDS)).unwrap_or(Timestamp::MAX);
        let name = random::hex(40);
        self.files.links.insert(name.clone(), (path.to_owned(), until));
        Ok(self.api(&format!("/storage/{name}")))
    }

    pub fn stored(&self, link: &str) -> Result<(String, Bytes), Refusal> {
        let found = self.files.links.get(link).filter(|(_, until)| *until > self.now());
        let kept = found.and_then(|(path, _)| self.files.kept.get(path)).ok_or_else(Refusal::not_found)?;
        Ok((kept.content_type.clone(), kept.bytes.clone()))
    }
}
