//! How mail leaves: by SMTP, or, where none is set up, as a line in the log.

use std::time::Duration;

use integration_contract::ExposeSecret;
use lettre::{
    Address, AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor,
    message::{Mailbox, header::ContentType},
    transport::smtp::{
        authentication::Credentials,
        client::{Tls, TlsParameters},
        extension::ClientId,
    },
};

use super::Letter;
use crate::{
    config::{MailSecurity, MailServer},
    core::Site,
    db::{MailId, entity::user},
};

/// How long the mail server may take for one mail.
const PATIENCE: Duration = Duration::from_secs(30);

/// How mail leaves.
#[derive(Clone, Default)]
pub enum Mailer {
    /// Nowhere: the log says to whom and about what. The text stays out of it, whatever it holds.
    #[default]
    Log,
    /// To a mail server.
    Smtp(Box<Smtp>),
}

/// The way to a mail server.
#[derive(Clone)]
pub struct Smtp {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Address,
}

/// A mail that did not leave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Undelivered {
    /// The mail server is away, or wants it later.
    Passes(String),
    /// The mail server will never take it.
    Refused(String),
}

impl Mailer {
    /// Sends through a server, from this address.
    ///
    /// # Errors
    /// When TLS can't be set up for the server's name.
    pub fn smtp(server: &MailServer, from: Address) -> anyhow::Result<Self> {
        let tls = || TlsParameters::new_rustls(server.host.clone());
        let security = match server.security {
            MailSecurity::Tls => Tls::Wrapper(tls()?),
            MailSecurity::StartTls => Tls::Required(tls()?),
            MailSecurity::Plain => Tls::None,
        };
        let mut transport = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(server.host.clone())
            .port(server.port)
            .tls(security)
            .hello_name(ClientId::Domain(from.domain().to_owned()))
            .timeout(Some(PATIENCE));
        if let Some((name, password)) = &server.login {
            transport = transport.credentials(Credentials::new(name.clone(), password.expose_secret().to_owned()));
        }
        Ok(Self::Smtp(Box::new(Smtp { transport: transport.build(), from })))
    }

    /// Whether mail leaves at all.
    pub fn sends(&self) -> bool {
        matches!(self, Self::Smtp(_))
    }

    pub(super) async fn carry(
        &self,
        site: &Site,
        id: MailId,
        to: &user::Model,
        letter: &Letter,
    ) -> Result<(), Undelivered> {
        match self {
            Self::Log => {
                tracing::info!(mail = %id, to = to.email, subject = letter.subject, "not sent: no mail server is set");
                Ok(())
            }
            Self::Smtp(smtp) => smtp.carry(site, id, to, letter).await,
        }
    }
}

impl Smtp {
    async fn carry(&self, site: &Site, id: MailId, to: &user::Model, letter: &Letter) -> Result<(), Undelivered> {
        let address: Address =
            to.email.parse().map_err(|_| Undelivered::Refused("The address is none that mail can go to.".into()))?;
        let message = Message::builder()
            .from(Mailbox::new(Some(site.name.clone()), self.from.clone()))
            .to(Mailbox::new(Some(to.name.clone()), address))
            .subject(&letter.subject)
            // The same for every try, so that a mailbox that gets it twice can tell.
            .message_id(Some(format!("<{id}@{}>", self.from.domain())))
            .header(ContentType::TEXT_PLAIN)
            .body(letter.body.clone())
            .map_err(|error| Undelivered::Refused(format!("The mail can't be written: {error}.")))?;
        match self.transport.send(message).await {
            Ok(_) => Ok(()),
            // What the server answers may repeat what we told it; its code says enough.
            Err(error) => {
                tracing::debug!(mail = %id, code = ?error.status().map(|code| code.to_string()), "a mail was not sent");
                let code = error.status().map(|code| format!(" ({code})")).unwrap_or_default();
                Err(if error.is_permanent() {
                    Undelivered::Refused(format!("The mail server refused it{code}."))
                } else {
                    Undelivered::Passes(format!("The mail server did not take it{code}."))
                })
            }
        }
    }
}
