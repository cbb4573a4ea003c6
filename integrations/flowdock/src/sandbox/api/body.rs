//! Bodies and queries: JSON, forms with `a[b]`, multipart with files; all become one object.

use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode, header};
use futures::stream;
use integration_sandboxkit::fields::Fields;
use serde_json::{Map, Value, json};

use super::super::refusal::Refusal;
use super::super::world::files::Upload;

/// What a call says, wherever it says it.
#[derive(Default)]
pub(super) struct Said {
    pub fields: Map<String, Value>,
    pub uploads: Vec<Upload>,
}

impl Said {
    /// A query; what the body says wins.
    pub fn query(query: &str) -> Self {
        let mut said = Self::default();
        said.add_fields(&Fields::parse(query.as_bytes()));
        said
    }

    pub async fn add_body(&mut self, headers: &HeaderMap, body: Bytes) -> Result<(), Refusal> {
        if body.is_empty() {
            return Ok(());
        }
        let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        match kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase().as_str() {
            "application/json" => self.add_json(&body),
            "application/x-www-form-urlencoded" => {
                self.add_fields(&Fields::parse(&body));
                Ok(())
            }
            "multipart/form-data" => self.add_parts(kind, body).await,
            _ => {
                let sentence =
                    "Content-Type must be application/json, application/x-www-form-urlencoded or multipart/form-data";
                Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, sentence))
            }
        }
    }

    fn add_json(&mut self, body: &[u8]) -> Result<(), Refusal> {
        match serde_json::from_slice(body) {
            Ok(Value::Object(fields)) => {
                // As if it were not said.
                self.fields.extend(fields.into_iter().filter(|(_, value)| !value.is_null()));
                Ok(())
            }
            Ok(_) => Err(Refusal::bad_request("the body must be a JSON object")),
            Err(_) => Err(Refusal::bad_request("the body is not valid JSON")),
        }
    }

    fn add_fields(&mut self, fields: &Fields) {
        for (name, value) in fields.iter() {
            insert(&mut self.fields, &keys(name), value);
        }
    }

    async fn add_parts(&mut self, kind: &str, body: Bytes) -> Result<(), Refusal> {
        let wrong = |_| Refusal::bad_request("the body is not valid multipart/form-data");
        let boundary = multer::parse_boundary(kind).map_err(wrong)?;
        let mut parts = multer::Multipart::new(stream::iter([Ok::<_, std::io::Error>(body)]), boundary);
        while let Some(part) = parts.next_field().await.map_err(wrong)? {
            let name = part.name().unwrap_or_default().to_owned();
            let file_name = part.file_name().map(str::to_owned);
            let content_type = part.content_type().map(ToString::to_string);
            let bytes = part.bytes().await.map_err(wrong)?;
            match file_name {
                Some(file_name) => self.uploads.push(Upload {
                    content_id: keys(&name).into_iter().nth(1).filter(|key| !key.is_empty()),
                    file_name,
                    content_type: content_type.unwrap_or_else(|| "application/octet-stream".to_owned()),
                    bytes,
                }),
                None => insert(&mut self.fields, &keys(&name), &String::from_utf8_lossy(&bytes)),
            }
        }
        Ok(())
    }
}

/// `thread[fields][0]` is thread, fields, 0.
fn keys(name: &str) -> Vec<String> {
    let (first, rest) = name.split_once('[').unwrap_or((name, ""));
    let mut keys = vec![first.to_owned()];
    if !rest.is_empty() {
        keys.extend(rest.trim_end_matches(']').split("][").map(str::to_owned));
    }
    keys
}

fn insert(object: &mut Map<String, Value>, keys: &[String], text: &str) {
    match keys {
        [] => {}
        [key] => {
            object.insert(key.clone(), json!(text));
        }
        // tags[]=a&tags[]=b
        [key, last] if last.is_empty() => match object.entry(key.clone()).or_insert_with(|| json!([])) {
            Value::Array(list) => list.push(json!(text)),
            other => *other = json!([text]),
        },
        [key, rest @ ..] => {
            let inner = object.entry(key.clone()).or_insert_with(|| json!({}));
            if !inner.is_object() {
                *inner = json!({});
            }
            if let Value::Object(inner) = inner {
                insert(inner, rest, text);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bracketed_names_become_objects_and_lists() {
        let said = Said::query("author[name]=Ada&thread[status][color]=red&tags[]=a&tags[]=b&x=1&x[y]=2");

        let expected = json!({
            "author": {"name": "Ada"},
            "tags": ["a", "b"],
            "thread": {"status": {"color": "red"}},
            "x": {"y": "2"},
        });
        assert_eq!(Value::Object(said.fields), expected);
    }
}
