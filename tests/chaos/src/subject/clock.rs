//! A time of day that can jump, for one process alone: libfaketime (Debian's package `faketime`), told by a file.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::Outcome;

/// Where the library is, and the file that it reads.
#[derive(Debug)]
pub struct Clock {
    library: PathBuf,
    file: PathBuf,
}

/// Where Debian puts it, below a folder for each architecture.
const PLACE: &str = "faketime/libfaketimeMT.so.1";

impl Clock {
    /// One that is right for now.
    ///
    /// # Errors
    /// When there is no library.
    pub fn new(library: Option<PathBuf>, folder: &Path) -> Outcome<Self> {
        let library = library
            .or_else(find)
            .ok_or("libfaketime isn't there: install Debian's package faketime, or name it with --faketime")?;
        if !library.is_file() {
            return Err(format!("{} isn't libfaketime", library.display()).into());
        }
        let clock = Self { library, file: folder.join("clock") };
        clock.set(0)?;
        Ok(clock)
    }

    /// What a process whose clock this is needs in its environment.
    pub fn environment(&self) -> [(&'static str, PathBuf); 5] {
        [
            ("LD_PRELOAD", self.library.clone()),
            ("FAKETIME_TIMESTAMP_FILE", self.file.clone()),
            // In seconds: how soon a jump is noticed.
            ("FAKETIME_CACHE_DURATION", "1".into()),
            // The time of day jumps; how much time has passed doesn't, as on a real machine.
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1".into()),
            ("NO_FAKE_STAT", "1".into()),
        ]
    }

    /// Lets it be so many seconds off.
    ///
    /// # Errors
    /// When the file can't be written.
    pub fn set(&self, seconds: i64) -> Outcome<()> {
        // Whoever reads it meanwhile reads the one or the other.
        let fresh = self.file.with_extension("new");
        fs::write(&fresh, format!("{seconds:+}\n"))?;
        Ok(fs::rename(fresh, &self.file)?)
    }
}

fn find() -> Option<PathBuf> {
    let architectures = fs::read_dir("/usr/lib").ok()?.filter_map(Result::ok);
    architectures.map(|folder| folder.path().join(PLACE)).find(|library| library.is_file())
}
