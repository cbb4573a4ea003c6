//! Actions that are not what they should be: an application must refuse them.
//!
//! | forgery | what the application gets |
//! |---|---|
//! | `wrong_secret` | a token signed with another secret |
//! | `other_body` | a token whose signature is that of another body |
//! | `expired` | a token that ended five minutes ago |
//! | `no_token` | no token |

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::super::Sandbox;
use super::Control;

#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in super::super) enum Forgery {
    WrongSecret,
    OtherBody,
    Expired,
    NoToken,
}

#[derive(Clone, Serialize, Deserialize)]
pub(in super::super) struct Asked {
    forgery: Forgery,
    #[serde(default = "once")]
    times: u32,
}

pub(in super::super) type Forgeries = Vec<Asked>;

fn once() -> u32 {
    1
}

impl Control {
    /// The forgery of the next action, which is used up by this.
    pub fn take_forgery(&mut self) -> Option<Forgery> {
        let first = self.forgeries.first_mut()?;
        let forgery = first.forgery;
        first.times = first.times.saturating_sub(1);
        if first.times == 0 {
            self.forgeries.remove(0);
        }
        Some(forgery)
    }
}

pub(super) async fn list(State(sandbox): State<Sandbox>) -> Json<Value> {
    Json(json!(sandbox.world().control.forgeries))
}

pub(super) async fn add(State(sandbox): State<Sandbox>, Json(asked): Json<Asked>) -> Json<Value> {
    sandbox.world().control.forgeries.push(asked.clone());
    Json(json!(asked))
}

pub(super) async fn clear(State(sandbox): State<Sandbox>) -> Json<Value> {
    sandbox.world().control.forgeries.clear();
    Json(json!({"cleared": true}))
}
