//! Passwords: argon2id (RFC 9106) on a small pool of threads of its own, because a hash takes tens of
//! milliseconds and must hold up no worker.

use std::sync::Arc;

use actix::{Actor, Addr, Handler, Message, SyncArbiter, SyncContext};
use argon2::{
    Argon2,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::domain::{refusal::Refusal, text::Password};

/// Most hashes that may wait; at some 26 ms each that is about seven seconds of one thread.
const WAITING: usize = 256;

/// Why a hash can't be made or read; never a wrong password.
#[derive(Debug, thiserror::Error)]
#[error("password hashing failed: {0}")]
pub struct HashError(argon2::password_hash::Error);

struct Hash {
    password: Password,
    _turn: OwnedSemaphorePermit,
}

impl Message for Hash {
    type Result = Result<String, HashError>;
}

struct Verify {
    password: Password,
    /// None: there is nobody of that name, and the answer is no, after the same time.
    hash: Option<String>,
    _turn: OwnedSemaphorePermit,
}

impl Message for Verify {
    type Result = bool;
}

/// One thread of the pool.
struct Worker {
    argon2: Argon2<'static>,
    dummy: Arc<str>,
}

impl Actor for Worker {
    type Context = SyncContext<Self>;
}

impl Handler<Hash> for Worker {
    type Result = Result<String, HashError>;

    fn handle(&mut self, hash: Hash, _: &mut Self::Context) -> Self::Result {
        hash_with(&self.argon2, hash.password.as_bytes())
    }
}

impl Handler<Verify> for Worker {
    type Result = bool;

    fn handle(&mut self, verify: Verify, _: &mut Self::Context) -> bool {
        let known = verify.hash.is_some();
        let stored = verify.hash.as_deref().unwrap_or(&self.dummy);
        let matches = PasswordHash::new(stored)
            .is_ok_and(|stored| self.argon2.verify_password(verify.password.as_bytes(), &stored).is_ok());
        matches && known
    }
}

fn hash_with(argon2: &Argon2<'_>, password: &[u8]) -> Result<String, HashError> {
    argon2.hash_password(password).map(|hash| hash.to_string()).map_err(HashError)
}

/// The way to the pool.
#[derive(Clone)]
pub struct Passwords {
    workers: Addr<Worker>,
    turns: Arc<Semaphore>,
}

impl Passwords {
    /// Starts the pool.
    ///
    /// # Errors
    /// [`HashError`] when not even the hash that unknown names are compared with can be made.
    pub fn start(threads: usize) -> Result<Self, HashError> {
        let dummy: Arc<str> = hash_with(&Argon2::default(), uuid::Uuid::new_v4().as_bytes())?.into();
        let workers = SyncArbiter::start(threads, move || Worker { argon2: Argon2::default(), dummy: Arc::clone(&dummy) });
        Ok(Self { workers, turns: Arc::new(Semaphore::new(WAITING)) })
    }

    fn turn(&self) -> Result<OwnedSemaphorePermit, Refusal> {
        Arc::clone(&self.turns).try_acquire_owned().map_err(|_| Refusal::Busy)
    }

    /// Hashes a new password.
    ///
    /// # Errors
    /// [`Refusal::Busy`] when too many wait.
    pub async fn hash(&self, password: Password) -> Result<String, Refusal> {
        let hashed = self.workers.send(Hash { password, _turn: self.turn()? }).await;
        hashed.map_err(|_| Refusal::ShuttingDown)?.map_err(|error| {
            tracing::error!(%error, "password.hash_failed");
            Refusal::Internal
        })
    }

    /// Compares a password with a stored hash. Without one it takes as long, and says no.
    ///
    /// # Errors
    /// [`Refusal::Busy`] when too many wait.
    pub async fn verify(&self, password: Password, hash: Option<String>) -> Result<bool, Refusal> {
        self.workers.send(Verify { password, hash, _turn: self.turn()? }).await.map_err(|_| Refusal::ShuttingDown)
    }
}

impl std::fmt::Debug for Passwords {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Passwords")
    }
}
