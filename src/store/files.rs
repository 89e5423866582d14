//! Files beside a database: copies that appear all at once, and a lock that says who has an SQLite file.

use std::{
    fs::{self, File, TryLockError},
    io::{self, Read},
    os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, chown},
    path::{Path, PathBuf},
};

use super::BackupError;

/// A file that is being written under a name of its own; gone if it isn't put in its place.
#[derive(Debug)]
pub(super) struct Draft {
    path: PathBuf,
    file: File,
}

impl Draft {
    /// An empty one that only its owner may read, in the place of whatever a former try has left.
    pub(super) fn new(path: PathBuf) -> Result<Self, BackupError> {
        let made = File::options().create(true).truncate(false).read(true).write(true).mode(0o600).open(&path);
        let file = made.map_err(cant_use(&path))?;
        if is_taken(file.try_lock(), &path)? {
            return Err(BackupError::Busy(path.display().to_string()));
        }
        // Whoever had it may have given it its name between our opening and locking it: then it is theirs, and complete.
        let is_ours = fs::metadata(&path).is_ok_and(|named| file.metadata().is_ok_and(|opened| named.ino() == opened.ino()));
        if !is_ours {
            return Err(BackupError::Busy(path.display().to_string()));
        }
        file.set_len(0).map_err(cant_use(&path))?;
        file.set_permissions(fs::Permissions::from_mode(0o600)).map_err(cant_use(&path))?;
        Ok(Self { path, file })
    }

    /// Where it stands meanwhile.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Copies all of a file.
    pub(super) fn fill(&mut self, from: &Path) -> Result<(), BackupError> {
        let mut from = File::open(from).map_err(cant_use(from))?;
        io::copy(&mut from, &mut self.file).map_err(cant_use(&self.path))?;
        Ok(())
    }

    /// Gives it to whoever has that, as far as we may.
    pub(super) fn give_to_owner_of(&self, other: &Path) -> Result<(), BackupError> {
        let owner = fs::metadata(other).map_err(cant_use(other))?;
        // Nobody but root may; then it stays with whoever has made it.
        let _ = chown(&self.path, Some(owner.uid()), Some(owner.gid()));
        Ok(())
    }

    /// Gives it its name, so that a power cut leaves all of it or nothing.
    pub(super) fn put_in_place(self, name: &Path) -> Result<(), BackupError> {
        self.file.sync_all().map_err(cant_use(&self.path))?;
        fs::rename(&self.path, name).map_err(cant_use(name))?;
        let folder = folder_of(name);
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(cant_use(folder))
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // What has got its name isn't here any more; and of what can't be removed the next try makes use.
        for suffix in ["", "-wal", "-shm", "-journal"] {
            drop(fs::remove_file(beside(&self.path, suffix)));
        }
    }
}

/// Keeps an SQLite file from being replaced, or others from opening it while it is. SQLite's own locks are of the file and
/// move with it; this one is of its name.
#[derive(Debug)]
pub(super) struct NameLock(#[expect(dead_code, reason = "it is held")] File);

impl NameLock {
    /// Together with others who use the file; none if it is being replaced.
    pub(super) fn shared(database: &Path) -> Result<Option<Self>, BackupError> {
        Self::take(database, File::try_lock_shared)
    }

    /// Alone; none if anybody uses the file.
    pub(super) fn alone(database: &Path) -> Result<Option<Self>, BackupError> {
        Self::take(database, File::try_lock)
    }

    fn take(database: &Path, lock: impl FnOnce(&File) -> Result<(), TryLockError>) -> Result<Option<Self>, BackupError> {
        let path = beside(database, ".lock");
        let file = File::options().create(true).truncate(false).write(true).mode(0o600).open(&path).map_err(cant_use(&path))?;
        Ok((!is_taken(lock(&file), &path)?).then_some(Self(file)))
    }
}

fn is_taken(locked: Result<(), TryLockError>, path: &Path) -> Result<bool, BackupError> {
    match locked {
        Ok(()) => Ok(false),
        Err(TryLockError::WouldBlock) => Ok(true),
        // A file system that knows no locks: then others have to be trusted.
        Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => Ok(false),
        Err(TryLockError::Error(error)) => Err(cant_use(path)(error)),
    }
}

/// A name for what belongs to a file.
pub(super) fn beside(file: &Path, suffix: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// Where a file is.
pub(super) fn folder_of(file: &Path) -> &Path {
    file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

pub(super) fn cant_use(path: &Path) -> impl Fn(io::Error) -> BackupError + use<> {
    let path = path.display().to_string();
    move |source| BackupError::File { path: path.clone(), source }
}

/// That a file is what it should be.
pub(super) fn begins_with(file: &Path, magic: &[u8], what: &'static str) -> Result<(), BackupError> {
    let mut head = Vec::new();
    let reading = File::open(file).and_then(|file| file.take(magic.len() as u64).read_to_end(&mut head));
    reading.map_err(cant_use(file))?;
    if head == magic { Ok(()) } else { Err(BackupError::NotABackup(file.display().to_string(), what)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draft_is_one_writers_and_goes_unless_it_is_put_in_place() {
        let folder = tempfile::tempdir().unwrap();
        let [draft, name] = ["draft", "name"].map(|name| folder.path().join(name));
        fs::write(&draft, "of a former try").unwrap();
        let one = Draft::new(draft.clone()).unwrap();
        assert!(matches!(Draft::new(draft.clone()), Err(BackupError::Busy(_))));
        drop(one);
        assert!(!draft.exists());
        let mut two = Draft::new(draft.clone()).unwrap();
        two.fill(Path::new("Cargo.toml")).unwrap();
        two.put_in_place(&name).unwrap();
        assert!(!draft.exists());
        assert_eq!(fs::read(&name).unwrap(), fs::read("Cargo.toml").unwrap());
    }

    #[test]
    fn who_uses_a_file_keeps_it_from_being_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("a.db");
        let users = [NameLock::shared(&database), NameLock::shared(&database)].map(|lock| lock.unwrap().unwrap());
        assert!(NameLock::alone(&database).unwrap().is_none());
        drop(users);
        let alone = NameLock::alone(&database).unwrap().unwrap();
        assert!(NameLock::shared(&database).unwrap().is_none());
        drop(alone);
        assert!(NameLock::shared(&database).unwrap().is_some());
    }
}
