//! Bringing both sides in step: title, state, labels and text, whoever changed which.

use std::time::Duration;

use integration_contract::{Change, Deed, Error as PartnerError, ErrorKind, Item};

use super::{
    carry::{Carrying, Stop},
    say::Saying,
    values::{Field, Known, Picture, Sides, Write, carried, writes},
    words,
};
use crate::db::entity::mirror::Side;

/// A partner may show us for a moment what was before. So many seconds after something newer was seen, it is believed.
const LAG: i64 = 60;

/// And asked again after this.
const ASK_AGAIN: Duration = Duration::from_secs(1);

impl Carrying<'_> {
    /// Compares both sides as they are now with what they said when they were last in step, and carries over what
    /// somebody changed. Says whether anything was written.
    pub(super) async fn converge(&mut self) -> std::result::Result<bool, Stop> {
        let (from, to) = (self.from, self.from.other());
        let source = self.look(from).await?;
        let other = self.look(to).await?;
        let texts = match from {
            Side::Left => Sides { left: source.clone(), right: other.clone() },
            Side::Right => Sides { left: other.clone(), right: source.clone() },
        };
        let mut both =
            Sides { left: self.picture(Side::Left, &texts.left)?, right: self.picture(Side::Right, &texts.right)? };
        let mut wrote = false;
        let mut refused: Option<String> = None;
        for field in Field::chosen(self.settings.options) {
            let planned = writes(field, from, &both);
            if planned.is_empty() {
                for side in [from, to] {
                    carried(field, side, &mut both, None);
                }
                continue;
            }
            for (side, write) in planned {
                match self.write(side, &write, texts.get(side.other())).await {
                    Ok(answer) => {
                        wrote = true;
                        carried(field, side.other(), &mut both, answer.as_ref());
                        // Whatever is older than this answer, we are shown too late.
                        let known = &mut both.get_mut(side).known;
                        known.at = known.at.max(answer.and_then(|answer| answer.at));
                        self.keep(&both).await?;
                    }
                    // The rest may be taken all the same; and this is tried again with the next change.
                    Err(Stop::Partner { error, .. }) if is_refusal(&error) => {
                        refused = refused.or_else(|| Some(error.sentence().to_owned()));
                    }
                    Err(stop) => return Err(stop),
                }
            }
        }
        both.left.known.saw(&texts.left);
        both.right.known.saw(&texts.right);
        self.keep(&both).await?;
        match refused {
            Some(sentence) => Err(Stop::Failed(sentence)),
            None => Ok(wrote),
        }
    }

    /// How a side's item stands.
    async fn look(&self, side: Side) -> std::result::Result<Item, Stop> {
        let id = self.item(side)?;
        let item = {
            let (items, end) = self.at(side)?;
            items.item(&end.account, &end.seen, &id).await.map_err(|error| Stop::Partner { side, error })?
        };
        let Some(item) = item else {
            return Err(Stop::Skipped("One of the two is not there any more, or is hidden from us.".to_owned()));
        };
        let told = self.told.item.updated_at.filter(|_| side == self.from);
        let seen = self.known(side).and_then(|known| known.at).max(told);
        match (item.updated_at, seen) {
            (Some(shown), Some(seen)) if shown < seen && self.core.clock.now_seconds() < seen + LAG => {
                Err(Stop::Later(ASK_AGAIN))
            }
            _ => Ok(item),
        }
    }

    fn picture(&self, side: Side, item: &Item) -> std::result::Result<Picture, Stop> {
        let known = self.known(side).ok_or_else(|| anyhow::anyhow!("what is known of a pair can't be read"))?;
        Ok(Picture { known, now: Known::of(item) })
    }

    /// Writes to a side; `other` is what the other side says.
    async fn write(&mut self, side: Side, write: &Write, other: &Item) -> std::result::Result<Option<Known>, Stop> {
        match write {
            Write::Tell => {
                let by = (side != self.from && self.told.what == Change::Edited).then_some(&self.told.by);
                let (body, text) = (words::text_edited(other, by), Known::of(other).text);
                let name = format!("text {text} {}", self.row.change_key);
                self.say(Saying::new(side.other(), &[&name], body).of_text(text)).await?;
                Ok(None)
            }
            Write::Act(deed) => self.act(side, deed).await.map(Some),
        }
    }

    async fn act(&mut self, side: Side, deed: &Deed) -> std::result::Result<Known, Stop> {
        self.may_write()?;
        let id = self.item(side)?;
        let after = {
            let (items, end) = self.at(side)?;
            items.act(&end.account, &end.seen, &id, deed).await.map_err(|error| Stop::Partner { side, error })?
        };
        self.wrote();
        Ok(Known::of(&after))
    }

    async fn keep(&mut self, both: &Sides<Picture>) -> std::result::Result<(), Stop> {
        self.know(Side::Left, &both.left.known);
        self.know(Side::Right, &both.right.known);
        Ok(self.core.db.write(async |tx| self.save(tx).await).await?)
    }
}

/// Whether the partner understood, and says no to this one thing.
pub(super) fn is_refusal(error: &PartnerError) -> bool {
    matches!(
        error.kind(),
        ErrorKind::Refused | ErrorKind::Forbidden | ErrorKind::NotFound | ErrorKind::Malformed | ErrorKind::Conflict
    )
}
