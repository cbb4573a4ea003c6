//! Users: signing up, logging in, and changing what is one's own.
//!
//! Which organizations a user belongs to is `organizations`; who is logged in where is `sessions`.

use std::net::IpAddr;

use integration_contract::{FieldErrors, SecretString};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, EntityTrait, IntoActiveModel, JoinType, QueryFilter, QueryOrder, QuerySelect,
    RelationDef, SqlErr,
};

use super::{
    Core, Error, Result, naming, password_links, passwords,
    people::{Membership, Person},
    sessions,
};
use crate::db::{
    Db, UserId,
    entity::{member, organization, user},
};

pub use passwords::{LONGEST as LONGEST_PASSWORD, SHORTEST as SHORTEST_PASSWORD};

/// What a person types to sign up.
pub struct NewUser {
    /// Their address: what they log in with.
    pub email: String,
    /// What others see.
    pub name: String,
    /// 8 to 1000 characters.
    pub password: SecretString,
}

/// Makes an account.
///
/// # Errors
/// [`Error::Invalid`] with a sentence per field (`email`, `name`, `password`), also when the address is taken.
pub async fn sign_up(core: &Core, new: NewUser) -> Result<user::Model> {
    let mut errors = FieldErrors::default();
    let email = address(&new.email);
    if let Err(sentence) = check_address(&email) {
        errors.add("email", sentence);
    }
    let name = naming::name(&mut errors, "name", &new.name);
    passwords::check(&mut errors, "password", &new.password);
    if !errors.is_empty() {
        return Err(Error::Invalid(errors));
    }
    let password_hash = core.0.passwords.hash(&new.password).await?;
    let user = user::Model { id: UserId::new(), email, name, password_hash, created_at: core.clock.now() };
    let kept = core
        .db
        .write(async |tx| user::Entity::insert(user.clone().into_active_model()).exec_without_returning(tx).await)
        .await;
    match kept {
        Ok(_) => Ok(user),
        Err(error) if matches!(error.sql_err(), Some(SqlErr::UniqueConstraintViolation(_))) => {
            Err(Error::field("email", "This address can't be used for a new account. If it is yours, log in instead."))
        }
        Err(error) => Err(error.into()),
    }
}

/// The user with this address and password.
///
/// # Errors
/// [`Error::Invalid`] with the same sentence whichever of the two is wrong, and [`Error::TooMany`] for who keeps
/// guessing.
pub async fn log_in(core: &Core, from: IpAddr, email: &str, password: &SecretString) -> Result<user::Model> {
    let email = address(email);
    core.0.attempts.on_account(&email, from)?;
    let user = match check_address(&email) {
        Ok(()) => by_email(core, &email).await?,
        Err(_) => None,
    };
    let fits = core.0.passwords.fits(password, user.as_ref().map(|user| user.password_hash.as_str())).await?;
    match user {
        Some(user) if fits => Ok(user),
        other => {
            tracing::info!(user = ?other.map(|user| user.id), %from, "log-in refused");
            Err(Error::field("email", "The e-mail address or the password is wrong."))
        }
    }
}

/// The user with this address, however it is written.
///
/// # Errors
/// When the database does not answer.
pub async fn by_email(core: &Core, email: &str) -> Result<Option<user::Model>> {
    at(&core.db, email).await
}

/// The same, for who has only the database.
pub(super) async fn at(db: &Db, email: &str) -> Result<Option<user::Model>> {
    Ok(user::Entity::find().filter(user::Column::Email.eq(address(email))).one(db.reader()).await?)
}

/// A user with the organizations they belong to now.
///
/// # Errors
/// [`Error::NotFound`] when there is no such user.
pub async fn person(core: &Core, id: UserId) -> Result<Person> {
    let user = user::Entity::find_by_id(id).one(core.db.reader()).await?.ok_or(Error::NotFound)?;
    let to_organization: RelationDef = member::Entity::belongs_to(organization::Entity)
        .from(member::Column::OrganizationId)
        .to(organization::Column::Id)
        .into();
    let memberships = member::Entity::of_user(id)
        .join(JoinType::InnerJoin, to_organization)
        .select_also(organization::Entity)
        .order_by_asc(organization::Column::Name)
        .order_by_asc(organization::Column::Id)
        .all(core.db.reader())
        .await?
        .into_iter()
        .filter_map(|(member, organization)| Some(Membership { organization: organization?, role: member.role }))
        .collect();
    Ok(Person { user, memberships })
}

/// Changes what others see.
///
/// # Errors
/// [`Error::Invalid`] (`name`).
pub async fn rename(core: &Core, id: UserId, name: &str) -> Result<()> {
    let mut errors = FieldErrors::default();
    let name = naming::name(&mut errors, "name", name);
    if !errors.is_empty() {
        return Err(Error::Invalid(errors));
    }
    let changed = user::ActiveModel { id: Set(id), name: Set(name), ..Default::default() };
    core.db.write(async |tx| user::Entity::update(changed).exec(tx).await).await?;
    Ok(())
}

/// Changes the password of who knows the current one, and ends their sessions except `here`, and a link that would set
/// another one.
///
/// # Errors
/// [`Error::Invalid`] (`current`, `password`), [`Error::TooMany`] for who keeps guessing.
pub async fn change_password(
    core: &Core,
    user: &user::Model,
    from: IpAddr,
    current: &SecretString,
    new: &SecretString,
    here: &[u8],
) -> Result<user::Model> {
    let mut errors = FieldErrors::default();
    passwords::check(&mut errors, "password", new);
    if !errors.is_empty() {
        return Err(Error::Invalid(errors));
    }
    if !knows_password(core, user, from, current).await? {
        return Err(Error::field("current", "This is not your current password."));
    }
    let password_hash = core.0.passwords.hash(new).await?;
    core.db
        .write(async |tx| {
            // Only over the password that was checked: of two changes at once, one wins and the other starts again.
            let changed = user::Entity::update_many()
                .col_expr(user::Column::PasswordHash, password_hash.clone().into())
                .filter(user::Column::Id.eq(user.id))
                .filter(user::Column::PasswordHash.eq(&user.password_hash))
                .exec(tx)
                .await?;
            if changed.rows_affected == 0 {
                return Err(Error::field("current", "The password was changed just now, somewhere else."));
            }
            sessions::end_others(tx, user.id, here).await?;
            password_links::revoke(tx, user.id).await?;
            Ok(())
        })
        .await?;
    Ok(user::Model { password_hash, ..user.clone() })
}

/// Lets pass who types their password: for what can't be undone.
///
/// # Errors
/// [`Error::Invalid`] (`password`), [`Error::TooMany`] for who keeps guessing.
pub async fn confirm(core: &Core, user: &user::Model, from: IpAddr, password: &SecretString) -> Result<()> {
    if knows_password(core, user, from, password).await? {
        return Ok(());
    }
    Err(Error::field("password", "This is not your password."))
}

async fn knows_password(core: &Core, user: &user::Model, from: IpAddr, password: &SecretString) -> Result<bool> {
    core.0.attempts.on_account(&user.email, from)?;
    let knows = core.0.passwords.fits(password, Some(&user.password_hash)).await?;
    if !knows {
        tracing::info!(user = %user.id, %from, "a wrong password was typed");
    }
    Ok(knows)
}

/// An address as it is kept and looked up.
pub(super) fn address(text: &str) -> String {
    text.trim().to_lowercase()
}

/// Only what can't be an address is refused; whether it is one shows when a person logs in with it.
pub(super) fn check_address(email: &str) -> std::result::Result<(), &'static str> {
    let odd = |c: char| c.is_whitespace() || c.is_control() || "<>()[]\\,;:\"@".contains(c);
    let fits = |(local, domain): (&str, &str)| {
        !local.is_empty()
            && local.chars().count() <= 64
            && email.chars().count() <= 254
            && !local.contains(odd)
            && !domain.contains(odd)
            && domain.split('.').all(|label| !label.is_empty() && !label.starts_with('-') && !label.ends_with('-'))
    };
    if email.rsplit_once('@').is_some_and(fits) {
        Ok(())
    } else {
        Err("Enter an e-mail address, such as ada@example.com.")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_an_address_is_taken() {
        for good in ["ada@example.com", "a.b+c@x.io", "ada@localhost", "o'hara@example.com", "ädä@exämple.com"] {
            assert!(check_address(good).is_ok(), "{good}");
        }
        let long = format!("{}@example.com", "a".repeat(65));
        for bad in [
            "",
            "ada",
            "@example.com",
            "ada@",
            "a b@example.com",
            "ada@@example.com",
            "ada@.com",
            "ada@com.",
            "ada@-x.com",
            "a\0@example.com",
            "Ada <ada@example.com>",
            "a@b@example.com",
            &long,
        ] {
            assert!(check_address(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn an_address_is_looked_up_as_it_is_kept() {
        assert_eq!(address("  Ada@Example.COM "), "ada@example.com");
    }
}
