//! A mail server that keeps what it is given, or says no.

use std::sync::{Arc, Mutex, PoisonError};

use patchbay::{
    config::{MailSecurity, MailServer},
    core::mail::Mailer,
};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// An open one. It closes when it is dropped.
pub struct FakeMailServer {
    port: u16,
    mails: Arc<Mutex<Vec<String>>>,
    /// What it answers to whom a mail is for.
    answer: Arc<Mutex<&'static str>>,
    serving: JoinHandle<()>,
}

impl FakeMailServer {
    pub async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let mails = Arc::new(Mutex::new(Vec::new()));
        let answer = Arc::new(Mutex::new("250 yes"));
        let serving = tokio::spawn({
            let (mails, answer) = (mails.clone(), answer.clone());
            async move {
                while let Ok((stream, _)) = listener.accept().await {
                    tokio::spawn(converse(stream, mails.clone(), answer.clone()));
                }
            }
        });
        Self { port, mails, answer, serving }
    }

    /// The way to it.
    pub fn mailer(&self) -> Mailer {
        let server =
            MailServer { host: "127.0.0.1".into(), port: self.port, security: MailSecurity::Plain, login: None };
        Mailer::smtp(&server, "log@patchbay.test".parse().unwrap()).unwrap()
    }

    /// From now on it answers this when it is told whom a mail is for.
    pub fn answers(&self, answer: &'static str) {
        *self.answer.lock().unwrap_or_else(PoisonError::into_inner) = answer;
    }

    /// What came since the last time, as it came.
    pub fn taken(&self) -> Vec<String> {
        std::mem::take(&mut *self.mails.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for FakeMailServer {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn converse(stream: TcpStream, mails: Arc<Mutex<Vec<String>>>, answer: Arc<Mutex<&'static str>>) {
    let (reading, mut writing) = stream.into_split();
    let mut lines = BufReader::new(reading).lines();
    let (mut mail, mut in_data) = (String::new(), false);
    let mut say = async |text: &str| writing.write_all(format!("{text}\r\n").as_bytes()).await.is_ok();
    if !say("220 here").await {
        return;
    }
    while let Ok(Some(line)) = lines.next_line().await {
        let verb = line.split([' ', ':']).next().unwrap_or_default().to_uppercase();
        let said = if in_data && line == "." {
            in_data = false;
            mails.lock().unwrap_or_else(PoisonError::into_inner).push(std::mem::take(&mut mail));
            "250 kept"
        } else if in_data {
            mail.push_str(&line);
            mail.push('\n');
            continue;
        } else {
            match verb.as_str() {
                "RCPT" => *answer.lock().unwrap_or_else(PoisonError::into_inner),
                "DATA" => {
                    in_data = true;
                    "354 go on"
                }
                "QUIT" => "221 bye",
                _ => "250 yes",
            }
        };
        if !say(said).await {
            return;
        }
    }
}
