//! Passwords: argon2id (RFC 9106) on a small pool of threads of its own, because a hash takes tens of
//! milliseconds and must hold up no worker.

use std::sync::Arc;

use actix::{Actor, Addr, Handler, Message, SyncArbiter, SyncContext};
use argon2::{
    Algorithm, Argon2, Block, Params, Version,
    password_hash::{
        Error,
        phc::{Output, ParamsString, PasswordHash, Salt},
    },
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::domain::{refusal::Refusal, text::Password};

/// Most hashes that may wait; at some 26 ms each that is about seven seconds of one thread.
const WAITING: usize = 256;

/// Why a hash can't be made or read; never a wrong password.
#[derive(Debug, thiserror::Error)]
#[error("password hashing failed: {0}")]
pub struct HashError(#[from] Error);

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

/// One thread of the pool. It keeps the 19 MiB that argon2id works in: taken anew for each hash, they would
/// stay with the allocator several times over.
struct Worker {
    memory: Vec<Block>,
    dummy: Arc<str>,
}

impl Worker {
    fn compute(&mut self, argon2: &Argon2<'_>, password: &[u8], salt: &[u8]) -> Result<Output, HashError> {
        let blocks = argon2.params().block_count();
        if self.memory.len() < blocks {
            self.memory.resize(blocks, Block::default());
        }
        let mut output = [0; Params::DEFAULT_OUTPUT_LEN];
        argon2.hash_password_into_with_memory(password, salt, &mut output, &mut self.memory[..blocks]).map_err(Error::from)?;
        Ok(Output::new(&output).map_err(Error::from)?)
    }

    fn hash(&mut self, password: &[u8]) -> Result<String, HashError> {
        let argon2 = Argon2::default();
        let mut salt = [0; 16];
        getrandom::fill(&mut salt).map_err(|_| Error::Crypto)?;
        let output = self.compute(&argon2, password, &salt)?;
        let hash = PasswordHash {
            algorithm: Algorithm::default().ident(),
            version: Some(Version::default().into()),
            params: ParamsString::try_from(argon2.params())?,
            salt: Some(Salt::new(&salt).map_err(Error::from)?),
            hash: Some(output),
        };
        Ok(hash.to_string())
    }

    /// By the parameters that the hash was made with. The outputs are compared in constant time.
    fn verify(&mut self, password: &[u8], stored: &str) -> Result<bool, HashError> {
        let stored = PasswordHash::new(stored).map_err(Error::from)?;
        let algorithm = Algorithm::try_from(stored.algorithm.as_str())?;
        let version = stored.version.map_or(Ok(Version::default()), Version::try_from).map_err(Error::from)?;
        let argon2 = Argon2::new(algorithm, version, Params::try_from(&stored)?);
        let (Some(salt), Some(expected)) = (stored.salt, stored.hash) else { return Ok(false) };
        Ok(self.compute(&argon2, password, &salt)? == expected)
    }
}

impl Actor for Worker {
    type Context = SyncContext<Self>;
}

impl Handler<Hash> for Worker {
    type Result = Result<String, HashError>;

    fn handle(&mut self, hash: Hash, _: &mut Self::Context) -> Self::Result {
        self.hash(hash.password.as_bytes())
    }
}

impl Handler<Verify> for Worker {
    type Result = bool;

    fn handle(&mut self, verify: Verify, _: &mut Self::Context) -> bool {
        let known = verify.hash.is_some();
        let stored = verify.hash.unwrap_or_else(|| self.dummy.to_string());
        let matches = self.verify(verify.password.as_bytes(), &stored).unwrap_or_else(|error| {
            tracing::error!(%error, "password.hash_unreadable");
            false
        });
        matches && known
    }
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
        let nobody = Worker { memory: Vec::new(), dummy: "".into() }.hash(uuid::Uuid::new_v4().as_bytes())?;
        let dummy: Arc<str> = nobody.into();
        let workers = SyncArbiter::start(threads, move || Worker { memory: Vec::new(), dummy: Arc::clone(&dummy) });
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

#[cfg(test)]
mod tests {
    use argon2::password_hash::{PasswordHasher, PasswordVerifier};

    use super::*;

    /// What we make the library's own verifier takes, and the other way round, other parameters included.
    #[test]
    fn hashes_are_those_of_the_library() {
        let mut worker = Worker { memory: Vec::new(), dummy: "".into() };
        let ours = worker.hash(b"correct horse").unwrap();
        assert!(ours.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{ours}");
        assert!(Argon2::default().verify_password(b"correct horse", ours.as_str()).is_ok());
        assert_ne!(ours, worker.hash(b"correct horse").unwrap(), "each has its own salt");
        let small = Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(64, 1, 1, None).unwrap());
        for theirs in [small.hash_password(b"correct horse").unwrap(), Argon2::default().hash_password(b"correct horse").unwrap()]
        {
            assert!(worker.verify(b"correct horse", &theirs.to_string()).unwrap());
            assert!(!worker.verify(b"correct horsf", &theirs.to_string()).unwrap());
        }
        assert!(worker.verify(b"x", "not a hash").is_err());
    }
}
