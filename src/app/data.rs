//! What is kept on disk beside the database: the folder and the signing key.

use std::{
    fs::{self, DirBuilder, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::Path,
};

use super::AppError;
use crate::{config::Config, store::DatabaseUrl};

/// Makes the data folder where it is needed, and returns the signing key.
pub(super) fn prepare(config: &Config) -> Result<String, AppError> {
    let failed = |path: &Path, source| AppError::DataDir { path: path.display().to_string(), source };
    if let DatabaseUrl::Sqlite(file) = &config.database
        && let Some(folder) = file.parent()
    {
        make_private(folder).map_err(|error| failed(folder, error))?;
    }
    if let Some(key) = &config.secret_key {
        return Ok(key.clone());
    }
    make_private(&config.data_dir).map_err(|error| failed(&config.data_dir, error))?;
    let path = config.data_dir.join("secret.key");
    keep_key(&path).map_err(|error| failed(&path, error))
}

/// Makes a folder that only its owner can look into; one that exists stays as it is.
pub fn make_private(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// The key in the file; a random one is put there first if there is none. Whoever looks at the file at any moment
/// sees no key or a whole one: it is linked to its name when it has been written.
fn keep_key(path: &Path) -> io::Result<String> {
    if !path.exists() {
        let fresh = path.with_extension(uuid::Uuid::new_v4().simple().to_string());
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&fresh)?;
        write!(file, "{}{}", uuid::Uuid::new_v4().simple(), uuid::Uuid::new_v4().simple())?;
        file.sync_all()?;
        let linked = fs::hard_link(&fresh, path);
        fs::remove_file(&fresh)?;
        match linked {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
    }
    let key = fs::read_to_string(path)?;
    if key.len() < 32 {
        return Err(io::Error::other("it holds no key; delete it, and a new one is made"));
    }
    Ok(key)
}
