//! How mail leaves.

use integration_contract::SecretString;
use percent_encoding::percent_decode_str;
use url::Url;

use super::{Error, Result, Variables};

/// How mail leaves.
pub struct MailSettings {
    /// `PATCHBAY_SMTP_URL`: the mail server. Without one, mail is only told of in the log.
    pub server: Option<MailServer>,
    /// `PATCHBAY_MAIL_FROM`: the address it comes from, if it was set.
    pub from: Option<String>,
}

/// A mail server.
pub struct MailServer {
    /// Its name.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How it is talked to.
    pub security: MailSecurity,
    /// Name and password, where it wants some.
    pub login: Option<(String, SecretString)>,
}

/// How a connection to the mail server is kept secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailSecurity {
    /// `smtps://`: TLS from the first byte.
    Tls,
    /// `smtp://`: TLS after a greeting, and nothing without it.
    StartTls,
    /// `smtp://…?tls=none`.
    Plain,
}

impl MailSettings {
    pub(super) fn read(variables: &mut Variables) -> Result<Self> {
        let server = variables.take("PATCHBAY_SMTP_URL").map(|text| server(&text)).transpose()?;
        let from = variables.take("PATCHBAY_MAIL_FROM");
        if from.as_ref().is_some_and(|from| from.parse::<lettre::Address>().is_err()) {
            return Err(Error::new("PATCHBAY_MAIL_FROM must be a mail address, such as patchbay@example.com."));
        }
        Ok(Self { server, from })
    }
}

/// The address is not repeated in what is wrong with it: it may hold a password.
fn server(text: &str) -> Result<MailServer> {
    let refused = || {
        Error::new(
            "PATCHBAY_SMTP_URL must be like smtps://name:password@mail.example.com or smtp://mail.example.com:587, where a \
             server on this machine may do without TLS (?tls=none).",
        )
    };
    let url = Url::parse(text).map_err(|_| refused())?;
    let (security, port) = match (url.scheme(), url.query()) {
        ("smtps", None) => (MailSecurity::Tls, 465),
        ("smtp", None) => (MailSecurity::StartTls, 587),
        ("smtp", Some("tls=none")) => (MailSecurity::Plain, 25),
        _ => return Err(refused()),
    };
    let host = url.host_str().filter(|host| !host.is_empty()).ok_or_else(refused)?;
    if !matches!(url.path(), "" | "/") || url.fragment().is_some() {
        return Err(refused());
    }
    let plain =
        |text: &str| percent_decode_str(text).decode_utf8().map(|text| text.into_owned()).map_err(|_| refused());
    let login = match (url.username(), url.password()) {
        ("", None) => None,
        (name, Some(password)) => Some((plain(name)?, SecretString::from(plain(password)?))),
        _ => return Err(refused()),
    };
    Ok(MailServer { host: host.to_owned(), port: url.port().unwrap_or(port), security, login })
}

#[cfg(test)]
mod tests {
    use integration_contract::ExposeSecret;

    use super::*;

    #[test]
    fn an_address_says_how_the_server_is_talked_to() {
        for (text, host, port, security) in [
            ("smtps://mail.example.com", "mail.example.com", 465, MailSecurity::Tls),
            ("smtp://mail.example.com", "mail.example.com", 587, MailSecurity::StartTls),
            ("smtp://localhost:2525?tls=none", "localhost", 2525, MailSecurity::Plain),
            ("smtp://127.0.0.1/?tls=none", "127.0.0.1", 25, MailSecurity::Plain),
        ] {
            let read = server(text).unwrap();
            assert_eq!((read.host.as_str(), read.port, read.security), (host, port, security));
            assert!(read.login.is_none());
        }
        let (name, password) = server("smtps://us%40er:p%2Fw@mail.example.com").unwrap().login.unwrap();
        assert_eq!((name.as_str(), password.expose_secret()), ("us@er", "p/w"));
    }

    #[test]
    fn what_is_no_mail_server_is_refused_without_its_password() {
        for text in [
            "mail.example.com",
            "https://u:hunter2@mail.example.com",
            "smtp://u:hunter2@mail.example.com?tls=maybe",
            "smtps://mail.example.com?tls=none",
            "smtp://u:hunter2@mail.example.com/inbox",
            "smtp://hunter2@mail.example.com",
            "smtp://",
        ] {
            let Err(error) = server(text) else { panic!("{text} was taken") };
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
    }
}
