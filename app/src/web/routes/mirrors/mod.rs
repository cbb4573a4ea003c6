//! `/mirrors`: the way to a new mirror, and a mirror's own page. Its offer in the catalogue is `offer`.

mod connect;
mod draw;
mod how;
mod look;
mod new;
pub mod offer;
mod row;
mod show;
mod way;
mod wish;

pub use new::{choose, draw as new};
pub use row::Row;
pub use show::{change, destroy, show};

use crate::{
    core::{Core, Error, mirrors, people::Member},
    db::{
        TeamId,
        entity::mirror::{Model, Side},
    },
    web::{self, extract::SignedIn},
};

/// Both sides, in the order in which pages show them.
const SIDES: [Side; 2] = [Side::Left, Side::Right];

/// A mirror that the person may see.
async fn mirror_of(core: &Core, who: &SignedIn, id: &str) -> web::Result<(Member, Model)> {
    let id = id.trim().parse().map_err(|_| Error::NotFound)?;
    Ok(mirrors::find(core, &who.person, id).await?)
}

/// Whether this is the address of a step on the way to a mirror.
pub fn is_way(path: &str) -> bool {
    path.split('?').next() == Some(wish::START)
}

/// A mirror's own page.
pub fn path_of(mirror: &Model) -> String {
    format!("/mirrors/{}", mirror.id)
}

/// The settings page a mirror is listed on.
fn settings_path(team: TeamId) -> String {
    format!("/teams/{team}/settings")
}

/// The word for a side in forms and addresses.
fn word(side: Side) -> &'static str {
    match side {
        Side::Left => "left",
        Side::Right => "right",
    }
}

/// The inverse of [`word`].
fn side_of(word: &str) -> Option<Side> {
    SIDES.into_iter().find(|&side| self::word(side) == word)
}
