//! Backups: made beside running servers, put back where none runs, and looked through.

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use clap::Subcommand;

use crate::{
    config::Config,
    domain::clock::Clock,
    store::{DatabaseUrl, Verified, partial},
};

/// How often a long work says how far it has come.
const PROGRESS: Duration = Duration::from_secs(5);

/// What can be done.
#[derive(Debug, Subcommand)]
pub enum KeepingCommand {
    /// Copy everything that is committed into a new file; servers may run meanwhile.
    Backup {
        /// Where to.
        file: PathBuf,
    },
    /// Put a backup in the place of an empty database; no server may run meanwhile.
    Restore {
        /// What `backup` has made.
        file: PathBuf,
        /// Replace a database that isn't empty, which is kept beside it.
        #[arg(long)]
        force: bool,
    },
    /// Look through everything that is stored, and end with 1 when something is missing; servers may run meanwhile.
    Verify,
    /// Say that a backup was restored by other means, so that devices don't take what is new for what they know.
    Restored,
}

/// Does it; `say` shows what there is to say as it comes.
///
/// # Errors
/// One line that says what is wrong, or several about what is stored.
pub async fn run(command: KeepingCommand, config: &Config, say: impl Fn(&str)) -> Result<(), String> {
    match command {
        KeepingCommand::Backup { file } => back_up(&file, config, &say).await,
        KeepingCommand::Restore { file, force } => restore(&file, force, config, &say).await,
        KeepingCommand::Verify => verify(&config.database, &say).await,
        KeepingCommand::Restored => renew(&config.database, &say).await,
    }
}

async fn back_up(file: &Path, config: &Config, say: &impl Fn(&str)) -> Result<(), String> {
    let (copying, partial) = (config.database.back_up(file), partial(file));
    tokio::pin!(copying);
    loop {
        match tokio::time::timeout(PROGRESS, &mut copying).await {
            Ok(done) => break done.map_err(|error| error.to_string())?,
            Err(_) => say(&format!("{} so far", size(&partial))),
        }
    }
    say(&format!("{} holds everything: {}.", file.display(), size(file)));
    Ok(())
}

async fn restore(file: &Path, force: bool, config: &Config, say: &impl Fn(&str)) -> Result<(), String> {
    let staged = config.database.stage(file, force, Clock::system().now()).await.map_err(|error| error.to_string())?;
    renew(&staged.database, say).await?;
    let verified = verify(&staged.database, say).await;
    if verified.is_err() && matches!(staged.database, DatabaseUrl::Sqlite(_)) {
        say("Nothing has been replaced.");
        return verified;
    }
    if let Some(replaced) = staged.put_in_place().map_err(|error| error.to_string())? {
        say(&format!("What was there before is {replaced}."));
    }
    verified
}

/// It is another database from now on.
async fn renew(database: &DatabaseUrl, say: &impl Fn(&str)) -> Result<(), String> {
    database
        .renew_epoch()
        .await
        .map_err(|error| format!("the database can't be used: {error}; check DATABASE_URL and DATA_DIR"))?;
    say("Devices that come back will start afresh.");
    Ok(())
}

async fn verify(database: &DatabaseUrl, say: &impl Fn(&str)) -> Result<(), String> {
    let told = std::cell::Cell::new(Instant::now());
    let progress = |so_far: &Verified| {
        if told.get().elapsed() >= PROGRESS {
            told.set(Instant::now());
            say(&format!("{} conversations, {} messages so far", so_far.conversations, so_far.messages));
        }
    };
    let verified = database.verify(progress).await;
    let verified = verified.map_err(|error| format!("the database can't be read: {error}; check DATABASE_URL and DATA_DIR"))?;
    let Verified { users, conversations, messages, .. } = verified;
    say(&format!("{users} accounts, {conversations} conversations, {messages} messages."));
    if verified.is_whole() {
        say("Nothing is missing.");
        return Ok(());
    }
    let rest = (verified.untold > 0).then(|| format!("and {} more", verified.untold));
    Err(verified.findings.into_iter().chain(rest).collect::<Vec<_>>().join("\n"))
}

fn size(file: &Path) -> String {
    let bytes = fs::metadata(file).map_or(0, |file| file.len());
    format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20))
}
