//! An SQLite file, which somebody else can hold locked, as a tool of the operator's would.

use std::path::{Path, PathBuf};

use sea_orm::{ConnectionTrait, DatabaseConnection};

use super::stored;
use crate::Outcome;

/// Where it is.
#[derive(Debug)]
pub struct Sqlite {
    file: PathBuf,
    /// What holds the lock.
    holder: Option<DatabaseConnection>,
}

impl Sqlite {
    /// One in this folder; the server makes it.
    pub fn new(folder: &Path) -> Self {
        Self { file: folder.join("chaos.db"), holder: None }
    }

    /// Where it is.
    pub fn url(&self) -> String {
        format!("sqlite://{}", self.file.display())
    }

    /// Takes the lock for writing.
    ///
    /// # Errors
    /// When it can't be had.
    pub async fn lock(&mut self) -> Outcome<()> {
        let holder = stored::connect(&self.url()).await?;
        holder.execute_unprepared("BEGIN IMMEDIATE").await?;
        self.holder = Some(holder);
        Ok(())
    }

    /// Gives it back.
    ///
    /// # Errors
    /// When the file can't be used any more.
    pub async fn unlock(&mut self) -> Outcome<()> {
        if let Some(holder) = self.holder.take() {
            holder.execute_unprepared("ROLLBACK").await?;
            holder.close().await?;
        }
        Ok(())
    }
}
