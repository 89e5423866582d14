//! What an operator does with accounts, beside a running server or without one. The server notices by itself: it looks for ended logins every second, and reads everything else when it is asked for.

use std::{fmt::Write as _, io::IsTerminal};

use clap::Subcommand;

use super::open;
use crate::{
    auth::password::Passwords,
    config::Config,
    domain::{
        audit::{AuditEvent, Deed},
        ids::UserId,
        refusal::Refusal,
        text::{FullName, Password, Username},
        user::{Account, Caller, NewUser},
    },
    store::{Failure, Store},
};

/// Accounts read at a time.
const PAGE: u64 = 1_000;

/// What can be done.
#[derive(Debug, Subcommand)]
pub enum UserCommand {
    /// Make an account; the password is asked for, or read from standard input.
    Add {
        /// The name to log in with.
        username: String,
        /// The name to show.
        #[arg(long)]
        full_name: Option<String>,
        /// Make it an admin's at once.
        #[arg(long)]
        admin: bool,
    },
    /// List all accounts.
    List,
    /// Set a password and end all logins; it is asked for, or read from standard input.
    SetPassword {
        /// Whose.
        username: String,
    },
    /// Let somebody read the audit log and the counters.
    MakeAdmin {
        /// Whom.
        username: String,
        /// Take that right away instead.
        #[arg(long)]
        undo: bool,
    },
    /// Let nobody log in with an account any more, and end its logins.
    Disable {
        /// Which.
        username: String,
    },
    /// Switch a disabled account on again.
    Enable {
        /// Which.
        username: String,
    },
}

/// Does it; what to tell the operator. `say` shows a long answer as it comes.
///
/// # Errors
/// One line that says what is wrong.
pub async fn run(command: UserCommand, config: &Config, say: impl Fn(&str)) -> Result<(), String> {
    let store = open(config).await?;
    let outcome = match command {
        UserCommand::Add { username, full_name, admin } => add(&store, &username, full_name.as_deref(), admin).await,
        UserCommand::List => list(&store, &say).await,
        UserCommand::SetPassword { username } => set_password(&store, &username).await,
        UserCommand::MakeAdmin { username, undo } => make_admin(&store, &username, !undo).await,
        UserCommand::Disable { username } => disable(&store, &username, true).await,
        UserCommand::Enable { username } => disable(&store, &username, false).await,
    };
    store.close().await;
    let said = outcome?;
    if !said.is_empty() {
        say(&said);
    }
    Ok(())
}

async fn add(store: &Store, username: &str, full_name: Option<&str>, is_admin: bool) -> Result<String, String> {
    let username = parse(username)?;
    let full_name = full_name.map_or(Ok(None), FullName::parse).map_err(|reason| format!("the full name {reason}"))?;
    let (id, name) = (UserId::fresh(), username.as_str().to_owned());
    let new = NewUser { id, username, full_name, password_hash: ask_for_hash().await?, is_admin };
    let deed = deed(AuditEvent::AccountAdded, id);
    store.create_user(new, &deed).await.map_err(in_words)?;
    Ok(format!("{name} was added."))
}

async fn list(store: &Store, say: impl Fn(&str)) -> Result<String, String> {
    say(&format!("{:<32} {:<36} {:<20} {}", "USERNAME", "ID", "SINCE", "IS"));
    let mut after: Option<Username> = None;
    loop {
        let page = store.accounts(after.as_ref(), PAGE).await.map_err(in_words)?;
        let mut lines = String::new();
        for Account { user, is_admin, created_at, disabled_at, .. } in &page {
            let is: Vec<&str> = [(*is_admin, "admin"), (disabled_at.is_some(), "disabled")]
                .into_iter()
                .filter_map(|(is, word)| is.then_some(word))
                .collect();
            let since = created_at.format("%Y-%m-%dT%H:%M:%SZ");
            // Writing to a String can't fail.
            let _ = writeln!(lines, "{:<32} {:<36} {since:<20} {}", user.username.as_str(), user.id.to_string(), is.join(", "));
        }
        after = page.last().map(|account| account.user.username.clone());
        if !lines.is_empty() {
            say(lines.trim_end_matches('\n'));
        }
        if (page.len() as u64) < PAGE {
            return Ok(String::new());
        }
    }
}

async fn set_password(store: &Store, username: &str) -> Result<String, String> {
    let account = find(store, username).await?;
    let hash = ask_for_hash().await?;
    let id = account.user.id;
    let ended = store.set_password(id, &hash, &deed(AuditEvent::PasswordSet, id)).await.map_err(in_words)?;
    Ok(format!("{} has a new password; {} were ended.", account.user.username.as_str(), logins(ended.len())))
}

async fn make_admin(store: &Store, username: &str, is_admin: bool) -> Result<String, String> {
    let account = find(store, username).await?;
    let event = if is_admin { AuditEvent::AdminGranted } else { AuditEvent::AdminTaken };
    store.set_admin(account.user.id, is_admin, &deed(event, account.user.id)).await.map_err(in_words)?;
    Ok(format!("{} is {} admin.", account.user.username.as_str(), if is_admin { "an" } else { "no" }))
}

async fn disable(store: &Store, username: &str, disabled: bool) -> Result<String, String> {
    let account = find(store, username).await?;
    let event = if disabled { AuditEvent::AccountDisabled } else { AuditEvent::AccountEnabled };
    let ended = store.set_disabled(account.user.id, disabled, &deed(event, account.user.id)).await.map_err(in_words)?;
    let name = account.user.username.as_str();
    Ok(if disabled { format!("{name} is disabled; {} were ended.", logins(ended.len())) } else { format!("{name} is enabled.") })
}

fn logins(count: usize) -> String {
    format!("{count} login{}", if count == 1 { "" } else { "s" })
}

fn parse(username: &str) -> Result<Username, String> {
    Username::parse(username).map_err(|reason| format!("the username {reason}"))
}

async fn find(store: &Store, username: &str) -> Result<Account, String> {
    let found = store.account_named(&parse(username)?).await.map_err(in_words)?;
    found.ok_or_else(|| format!("there is no account named {username}; see them all with: pneumatic user list"))
}

/// The hash of a password that is typed unseen, or that comes as the first line of standard input.
async fn ask_for_hash() -> Result<String, String> {
    let unreadable = |error: std::io::Error| format!("the password can't be read: {error}");
    let typed = if std::io::stdin().is_terminal() {
        let once = rpassword::prompt_password("Password: ").map_err(unreadable)?;
        if once != rpassword::prompt_password("Again: ").map_err(unreadable)? {
            return Err("the two passwords differ".into());
        }
        once
    } else {
        let mut line = String::new();
        std::io::stdin().read_line(&mut line).map_err(unreadable)?;
        line.trim_end_matches(['\r', '\n']).to_owned()
    };
    let password = Password::parse(typed).map_err(|reason| format!("the password {reason}"))?;
    let passwords = Passwords::start(1).map_err(|error| error.to_string())?;
    passwords.hash(password).await.map_err(|refusal| refusal.to_string())
}

fn deed(event: AuditEvent, user: UserId) -> Deed {
    Deed::by_nobody(event, Some(user), Caller::default())
}

fn in_words(failure: Failure) -> String {
    match failure {
        Failure::Refused(Refusal::UsernameTaken) => "this username is already registered".into(),
        failure => failure.to_string(),
    }
}
