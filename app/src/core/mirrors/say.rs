//! Writing comments to the other side, each once: what is said is written down before it is sent, and as long as nobody
//! knows whether it got there, nothing else is done to its pair.

use integration_contract::{ErrorKind, ExposeSecret, NewComment, SecretString};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use serde::{Deserialize, Serialize};

use super::{
    TOO_OLD,
    carry::{Carrying, Stop},
    converge::is_refusal,
};
use crate::{
    core::{
        Result,
        sealing::{Place, digest_of},
    },
    db::entity::{
        Tenant,
        mirror::Side,
        mirror_comment::{self, Column, CommentState},
    },
};

/// A comment that is to be written.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Saying {
    /// Whose words they are; it is written on the other side.
    side: Side,
    /// What is told by it: the partner's id of a comment, or our name of something else. It is said once for the first.
    names: Vec<String>,
    body: String,
    /// The digest of the item's text, if that is told by it.
    text: Option<String>,
    /// When it was sent, unix milliseconds.
    at: i64,
}

impl Saying {
    pub fn new(side: Side, names: &[&str], body: String) -> Self {
        Self { side, names: names.iter().map(|&name| name.to_owned()).collect(), body, text: None, at: 0 }
    }

    /// The item's text, of which this is the digest, is told by it.
    pub fn of_text(self, digest: String) -> Self {
        Self { text: Some(digest), ..self }
    }

    fn name(&self) -> &str {
        self.names.first().map_or("", String::as_str)
    }
}

impl Carrying<'_> {
    /// Writes a comment to the other side, unless that was done.
    pub(super) async fn say(&mut self, saying: Saying) -> std::result::Result<(), Stop> {
        if self.copied(saying.side, saying.name()).await?.is_some() {
            return Ok(());
        }
        let to = saying.side.other();
        let item = self.item(to)?;
        self.may_write()?;
        let saying = Saying { at: self.core.clock.now(), ..saying };
        self.write_down(Some(&saying)).await?;
        let written = {
            let (items, end) = self.at(to)?;
            items.comment(&end.account, &end.seen, &item, &self.new_comment(&saying)).await
        };
        match written {
            Ok(copy) => {
                self.wrote();
                Ok(self.was_said(&saying, &copy.id).await?)
            }
            Err(error) => {
                // Known not to be there: nothing has to be looked for.
                if error.kind() != ErrorKind::UnknownOutcome {
                    self.write_down(None).await?;
                }
                Err(Stop::Partner { side: to, error })
            }
        }
    }

    /// Finds out whether what was sent before, and not answered, is there. If it is not, whoever has to say it says it again.
    pub(super) async fn find_out(&mut self) -> std::result::Result<(), Stop> {
        let Some(saying) = self.saying() else { return Ok(self.write_down(None).await?) };
        let to = saying.side.other();
        let item = self.item(to)?;
        let is_old = saying.at < self.core.clock.before(TOO_OLD);
        let found = {
            let (items, end) = self.at(to)?;
            let since = saying.at.div_euclid(1000);
            items.find_comment(&end.account, &end.seen, &item, &self.new_comment(&saying), since).await
        };
        match found {
            Ok(Some(found)) => Ok(self.was_said(&saying, &found.id).await?),
            Ok(None) => Ok(self.write_down(None).await?),
            // Nobody can look any more. Nothing else would ever be carried, if that was waited for.
            Err(error) if is_refusal(&error) && (error.kind() == ErrorKind::NotFound || is_old) => {
                Ok(self.write_down(None).await?)
            }
            Err(error) => Err(Stop::Partner { side: to, error }),
        }
    }

    /// What was said under this name, or never will be.
    pub(super) async fn copied(&self, side: Side, name: &str) -> Result<Option<mirror_comment::Model>> {
        let named = mirror_comment::Entity::of(self.pair.organization_id)
            .filter(Column::PairId.eq(self.pair.id))
            .filter(Column::Side.eq(side))
            .filter(Column::CommentId.eq(name));
        Ok(named.one(self.core.db.reader()).await?)
    }

    fn new_comment(&self, saying: &Saying) -> NewComment {
        // At most 60 letters, digits and hyphens.
        let told = format!("{:?} {}", saying.side, saying.name());
        let key = format!("{}-{}", self.pair.id.0.simple(), hex::encode(&digest_of(told.as_bytes())[..8]));
        NewComment { key, body: saying.body.clone() }
    }

    fn place(&self) -> Place {
        Place::mirror_saying(self.pair.organization_id, self.pair.id)
    }

    /// What is being said; none as well when it can't be read any more.
    fn saying(&self) -> Option<Saying> {
        let clear = self.core.vault.open(self.place(), self.pair.saying.as_deref()?).ok()?;
        serde_json::from_str(clear.expose_secret()).ok()
    }

    async fn write_down(&mut self, saying: Option<&Saying>) -> Result<()> {
        let clear = saying.map(serde_json::to_string).transpose().map_err(anyhow::Error::from)?;
        self.pair.saying = clear.map(|clear| self.core.vault.seal(self.place(), &SecretString::from(clear)));
        self.core.db.write(async |tx| self.save(tx).await).await
    }

    /// It is there, and known by the id that the partner gave it.
    async fn was_said(&mut self, saying: &Saying, copy: &str) -> Result<()> {
        self.pair.saying = None;
        if let (Some(text), Some(mut known)) = (&saying.text, self.known(saying.side)) {
            known.text.clone_from(text);
            self.know(saying.side, &known);
        }
        let copy = integration_contract::text::without_nul(copy);
        let rows = saying.names.iter().map(|name| {
            mirror_comment::ActiveModel::from(mirror_comment::Model {
                organization_id: self.pair.organization_id,
                pair_id: self.pair.id,
                side: saying.side,
                comment_id: name.clone(),
                state: CommentState::There,
                copy_id: Some(copy.clone()),
            })
        });
        let rows: Vec<_> = rows.collect();
        self.core
            .db
            .write(async |tx| {
                mirror_comment::Entity::insert_many(rows.clone()).exec_without_returning(tx).await?;
                self.save(tx).await
            })
            .await
    }
}
