//! What the binary can be told to do.

mod doctor;
mod migrate;
mod password_link;
mod rotate_key;
mod serve;

use std::{io::Write, process::ExitCode, time::Duration};

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};

use crate::{boot, demo};

/// A team's log of what got done, connected to every tool the team uses.
///
/// Settings are environment variables, also read from a file `.env`; `.env.sample` explains each.
#[derive(Parser)]
#[command(name = "patchbay", version, propagate_version = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Shows everything with made-up people and sandboxes of all partners; made fresh at each start
    Demo(demo::Options),
    /// Answers requests and works off the queue, in one process
    Serve,
    /// Answers requests only; `work` must run somewhere on the same database
    Web,
    /// Works off the queue only
    Work,
    /// Brings the database's schema up to date, and ends
    Migrate,
    /// Looks whether everything is set up as it must be, and says what to do where it is not
    Doctor,
    /// Makes a link with which somebody who forgot their password sets a new one, and shows it this once
    PasswordLink {
        /// The address they log in with
        email: String,
    },
    /// Adds a sealing key and seals everything anew with it; may run beside the server
    RotateKey,
}

/// Runs the binary.
pub fn run() -> ExitCode {
    let arguments = Arguments::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("patchbay: can't start: {error}");
            return ExitCode::FAILURE;
        }
    };
    let ended = runtime.block_on(perform(arguments.command));
    // Whatever still runs has had its time.
    runtime.shutdown_timeout(Duration::from_millis(500));
    match ended {
        Ok(code) => code,
        Err(error) => {
            say_why(&error);
            ExitCode::FAILURE
        }
    }
}

async fn perform(command: Command) -> Result<ExitCode> {
    boot::prepare()?;
    match command {
        Command::Demo(options) => demo::run(options).await,
        Command::Serve => serve::run(serve::Roles { web: true, work: true }).await,
        Command::Web => serve::run(serve::Roles { web: true, work: false }).await,
        Command::Work => serve::run(serve::Roles { web: false, work: true }).await,
        Command::Migrate => migrate::run().await,
        Command::Doctor => return doctor::run().await,
        Command::PasswordLink { email } => password_link::run(&email).await,
        Command::RotateKey => rotate_key::run().await,
    }?;
    Ok(ExitCode::SUCCESS)
}

/// In the log where there is one, so that a stream of JSON stays one; else in plain words.
fn say_why(error: &anyhow::Error) {
    if tracing::enabled!(tracing::Level::ERROR) {
        tracing::error!("{error:#}");
    } else {
        eprintln!("patchbay: {error:#}");
    }
}

/// Tells the person at the terminal.
pub(crate) fn say(text: impl std::fmt::Display) -> Result<()> {
    writeln!(std::io::stdout(), "{text}").context("the output can't be written")
}
