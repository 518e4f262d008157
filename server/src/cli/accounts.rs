//! `user`, `key` and `device`. Prints a key once, when it is made.

use clap::Subcommand;
use lastword_server::clock::Clock;
use lastword_server::keys::{hash_key, new_key};
use lastword_server::store::{DeviceId, KeyRow, ServerStore, UserId, UserRow};
use uuid::Uuid;

use super::CliError;

#[derive(Debug, Subcommand)]
pub(crate) enum UserCommand {
    /// Add a user.
    Add {
        /// Its name.
        name: String,
    },
    /// List all users.
    List,
}

#[derive(Debug, Subcommand)]
pub(crate) enum KeyCommand {
    /// Make a key and print it, this once.
    Create {
        /// Whose key.
        #[arg(long)]
        user: String,
        /// What it is for.
        #[arg(long, default_value = "")]
        label: String,
    },
    /// List a user's keys.
    List {
        /// Whose keys.
        #[arg(long)]
        user: String,
    },
    /// Revoke a key, at once.
    Revoke {
        /// Its id, from `key list`.
        id: Uuid,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum DeviceCommand {
    /// List a user's devices.
    List {
        /// Whose devices.
        #[arg(long)]
        user: String,
    },
    /// Revoke a device, at once.
    Revoke {
        /// Whose device.
        #[arg(long)]
        user: String,
        /// Its id, from `device list`.
        id: Uuid,
    },
}

pub(crate) async fn user(store: &dyn ServerStore, command: UserCommand) -> Result<(), CliError> {
    match command {
        UserCommand::Add { name } => {
            if name.is_empty() || name.chars().count() > NAME_CHARS_MAX || name.chars().any(char::is_control) {
                return Err(CliError::BadName);
            }
            let row = UserRow { id: UserId(Uuid::now_v7()), name, created_ms: Clock::system().now().0 };
            if !store.add_user(&row).await? {
                return Err(CliError::UserExists(row.name));
            }
            println!("added user {}", row.name);
        }
        UserCommand::List => {
            for row in store.users().await? {
                println!("{}  {}", row.id.0, row.name);
            }
        }
    }
    Ok(())
}

pub(crate) async fn key(store: &dyn ServerStore, command: KeyCommand) -> Result<(), CliError> {
    let now_ms = Clock::system().now().0;
    match command {
        KeyCommand::Create { user, label } => {
            let user = user_id(store, user).await?;
            let (key, id) = (new_key(), Uuid::now_v7());
            let row = KeyRow { id, label, created_ms: now_ms, last_used_ms: None, revoked_ms: None };
            store.add_key(user, &row, &hash_key(&key)).await?;
            eprintln!("key {id}, shown once:");
            println!("{key}");
        }
        KeyCommand::List { user } => {
            for row in store.keys(user_id(store, user).await?).await? {
                let state = if row.revoked_ms.is_some() { "revoked" } else { "active" };
                println!("{}  {state}  last used {}  {}", row.id, when(row.last_used_ms), row.label);
            }
        }
        KeyCommand::Revoke { id } => {
            if !store.revoke_key(id, now_ms).await? {
                return Err(CliError::NoKey(id));
            }
            println!("revoked key {id}");
        }
    }
    Ok(())
}

pub(crate) async fn device(store: &dyn ServerStore, command: DeviceCommand) -> Result<(), CliError> {
    match command {
        DeviceCommand::List { user } => {
            for row in store.devices(user_id(store, user).await?).await? {
                let state = if row.revoked_ms.is_some() { "revoked" } else { "active" };
                let (push, pull) = (when(row.last_push_ms), when(row.last_pull_ms));
                println!("{}  {state}  last push {push}  last pull {pull}", row.id.0);
            }
        }
        DeviceCommand::Revoke { user, id } => {
            let user = user_id(store, user).await?;
            if !store.revoke_device(user, DeviceId(id), Clock::system().now().0).await? {
                return Err(CliError::NoDevice(id));
            }
            println!("revoked device {id}; if it is lost, revoke its key too: lastword-server key revoke ID");
        }
    }
    Ok(())
}

async fn user_id(store: &dyn ServerStore, name: String) -> Result<UserId, CliError> {
    store.user_by_name(&name).await?.ok_or(CliError::NoUser(name))
}

fn when(at_ms: Option<i64>) -> String {
    at_ms.map_or_else(|| "never".into(), |at| format!("{at} ms"))
}

const NAME_CHARS_MAX: usize = 128;
