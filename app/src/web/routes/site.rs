//! The field for the part of a partner's address that each of its customers has for themselves, on every form that leads
//! to the partner's consent page. Drawn by `templates/integrations/_site.html`.

use integration_contract::FormInput;

use crate::core::partners::Partner;

/// The field, as a page draws it.
pub struct SiteField {
    /// Its name in the form.
    pub name: &'static str,
    /// What a person reads beside it.
    pub label: &'static str,
    /// A sentence below it.
    pub help: &'static str,
    /// An example.
    pub placeholder: &'static str,
    /// What stands in it.
    pub value: String,
    /// What is wrong with that.
    pub error: Option<&'static str>,
    read: fn(&str) -> Result<String, &'static str>,
}

impl SiteField {
    /// With `value` in it; none where the partner has one address for all.
    pub fn of(partner: &Partner, value: &str) -> Option<Self> {
        let site = partner.site()?;
        Some(Self {
            name: site.name,
            label: site.label,
            help: site.help,
            placeholder: site.placeholder,
            value: value.to_owned(),
            error: None,
            read: site.read,
        })
    }

    /// What a form brought: the site, if the partner has any; or the field with what was typed and what is wrong with it.
    ///
    /// # Errors
    /// The field to be drawn again.
    pub fn read(partner: &Partner, form: &FormInput) -> Result<Option<String>, Box<Self>> {
        let Some(mut field) = Self::of(partner, "") else { return Ok(None) };
        form.one(field.name).clone_into(&mut field.value);
        (field.read)(&field.value).map(Some).map_err(|error| {
            field.error = Some(error);
            Box::new(field)
        })
    }
}
