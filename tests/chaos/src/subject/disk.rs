//! A small disk that can be full: a file system in memory, which only root can have.

use std::{
    ffi::CString,
    fs::{self, File},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use rustix::{
    fs::{FallocateFlags, fallocate},
    io::Errno,
    mount::{MountFlags, UnmountFlags, mount, unmount},
};

use crate::Outcome;

/// One. It goes when it is dropped, unless it was left by another run.
#[derive(Debug)]
pub struct Disk {
    folder: PathBuf,
    /// Whether what is on it may go with it.
    goes: bool,
}

/// What takes all the room.
const BALLAST: &str = "ballast";
/// Most that is taken at a time, in bytes; the rest in ever smaller pieces.
const PIECE: u64 = 64 << 20;
/// The smallest piece: a block.
const BLOCK: u64 = 4 << 10;

impl Disk {
    /// Mounts one of this size in MiB on a folder.
    ///
    /// # Errors
    /// When one isn't allowed to.
    pub fn mount(folder: &Path, size: u64) -> Outcome<Self> {
        let options = CString::new(format!("size={size}m,mode=0755"))?;
        mount("tmpfs", folder, "tmpfs", MountFlags::empty(), options.as_c_str())
            .map_err(|error| format!("a small disk can't be mounted, which takes root: {error}"))?;
        Ok(Self { folder: folder.to_owned(), goes: true })
    }

    /// The one that a run has left on a folder, if it has.
    pub fn left_on(folder: &Path) -> Option<Self> {
        let mounts = fs::read_to_string("/proc/self/mounts").ok()?;
        let mut places = mounts.lines().filter_map(|line| line.strip_prefix("tmpfs ")?.split(' ').next());
        places.any(|place| Path::new(place) == folder).then(|| Self { folder: folder.to_owned(), goes: false })
    }

    /// Leaves no room.
    ///
    /// # Errors
    /// When that fails for another reason.
    pub fn fill(&self) -> Outcome<()> {
        let ballast = File::options().create(true).append(true).open(self.folder.join(BALLAST))?;
        let (mut end, mut piece) = (ballast.metadata()?.len(), PIECE);
        while piece >= BLOCK {
            match fallocate(&ballast, FallocateFlags::empty(), end, piece) {
                Ok(()) => end += piece,
                Err(Errno::NOSPC) => piece /= 2,
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Makes room again.
    ///
    /// # Errors
    /// When that fails.
    pub fn free(&self) -> Outcome<()> {
        match fs::remove_file(self.folder.join(BALLAST)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        }
    }

    /// Ends it and leaves a folder in its place, with all that was on it.
    ///
    /// # Errors
    /// When that fails; then it stays.
    pub fn save(mut self) -> Outcome<()> {
        self.goes = false;
        let (folder, saved) = (self.folder.clone(), self.folder.with_extension("saved"));
        self.copy(&saved).map_err(|error| format!("what is on the disk {} can't be saved: {error}", folder.display()))?;
        self.goes = true;
        drop(self);
        fs::remove_dir(&folder)?;
        Ok(fs::rename(saved, folder)?)
    }

    fn copy(&self, to: &Path) -> Outcome<()> {
        self.free()?;
        if to.exists() {
            // Of a try that failed.
            fs::remove_dir_all(to)?;
        }
        let copied = std::process::Command::new("cp").arg("-a").arg(&self.folder).arg(to).status()?;
        fs::set_permissions(to, fs::Permissions::from_mode(0o755))?;
        if copied.success() { Ok(()) } else { Err(format!("cp: {copied}").into()) }
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        if self.goes {
            // What still uses it keeps it until it ends.
            let _ = unmount(&self.folder, UnmountFlags::DETACH);
        }
    }
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    /// One of a megabyte in a folder of its own, if we may.
    #[expect(clippy::print_stderr, reason = "a test that skips says so")]
    fn small() -> Option<(TempDir, Disk)> {
        let home = tempfile::tempdir().unwrap();
        let folder = &home.path().join("data");
        fs::create_dir(folder).unwrap();
        match Disk::mount(folder, 1) {
            Ok(disk) => Some((home, disk)),
            Err(how) => {
                eprintln!("SKIPPED: {how}");
                None
            }
        }
    }

    #[test]
    fn it_is_full_and_has_room_again() {
        let Some((home, disk)) = small() else { return };
        let folder = &home.path().join("data");
        let file = folder.join("file");
        fs::write(&file, "some").unwrap();
        disk.fill().unwrap();
        assert!(fs::write(folder.join("more"), vec![1; 8_192]).is_err());
        disk.free().unwrap();
        fs::write(folder.join("more"), vec![1; 8_192]).unwrap();
        drop(disk);
        assert!(!file.exists() && Disk::left_on(folder).is_none());
    }

    #[test]
    fn one_that_was_left_stays_until_it_is_saved() {
        let Some((home, disk)) = small() else { return };
        let folder = &home.path().join("data");
        std::mem::forget(disk);
        let file = folder.join("file");
        fs::write(&file, "some").unwrap();
        drop(Disk::left_on(folder).unwrap());
        assert!(file.exists(), "whoever only looks destroys nothing");
        Disk::left_on(folder).unwrap().save().unwrap();
        assert!(Disk::left_on(folder).is_none());
        assert_eq!(fs::read_to_string(file).unwrap(), "some");
    }
}
