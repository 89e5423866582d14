//! What the clients meant to do and what they were told, one JSON line each. What must survive the run itself (a message
//! about to be sent, its acknowledgement) is on disk before anybody goes on.

pub mod entry;
pub mod numbers;

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Write},
    path::Path,
    thread::JoinHandle,
    time::Instant,
};

use tokio::sync::{mpsc, oneshot};

use self::{entry::Entry, numbers::Moment};
use crate::Outcome;

/// Lines that wait for the disk; then who writes waits.
const WAITING: usize = 4_096;

/// A hand to write with; clones write into the same file.
#[derive(Clone, Debug)]
pub struct Journal {
    start: Instant,
    lines: mpsc::Sender<Line>,
}

#[derive(Debug)]
struct Line {
    text: String,
    /// Told once it is on disk.
    kept: Option<oneshot::Sender<()>>,
}

/// The thread that writes; it ends with the last hand.
#[derive(Debug)]
pub struct Scribe(JoinHandle<io::Result<()>>);

impl Journal {
    /// Begins a file; moments count from now.
    ///
    /// # Errors
    /// When it can't be made.
    pub fn create(path: &Path) -> Outcome<(Self, Scribe)> {
        let file = File::create_new(path).map_err(|error| format!("{} can't be made: {error}", path.display()))?;
        let (lines, waiting) = mpsc::channel(WAITING);
        let writing = std::thread::Builder::new().name("journal".into()).spawn(move || write(file, waiting))?;
        Ok((Self { start: Instant::now(), lines }, Scribe(writing)))
    }

    /// The present moment.
    pub fn now(&self) -> Moment {
        Moment::default().after(self.start.elapsed())
    }

    /// Writes a line and waits until it is on disk.
    ///
    /// # Errors
    /// When the file can't be written.
    pub async fn keep(&self, entry: &Entry) -> Outcome<()> {
        let (kept, is_kept) = oneshot::channel();
        self.write(entry, Some(kept)).await?;
        is_kept.await.map_err(|_| broken())
    }

    /// Writes a line, in order, soon.
    ///
    /// # Errors
    /// When the file can't be written.
    pub async fn note(&self, entry: &Entry) -> Outcome<()> {
        self.write(entry, None).await
    }

    async fn write(&self, entry: &Entry, kept: Option<oneshot::Sender<()>>) -> Outcome<()> {
        let mut text = serde_json::to_string(entry)?;
        text.push('\n');
        self.lines.send(Line { text, kept }).await.map_err(|_| broken())
    }
}

impl Scribe {
    /// Waits until everything is on disk; every hand must be gone.
    ///
    /// # Errors
    /// When it couldn't be written.
    pub async fn finish(self) -> Outcome<()> {
        let written = tokio::task::spawn_blocking(move || self.0.join()).await?;
        Ok(written.map_err(|_| broken())??)
    }
}

fn broken() -> Box<dyn std::error::Error + Send + Sync> {
    "the journal can't be written: is there room on the disk of --folder?".into()
}

/// One write and one fsync for whatever has gathered during the last.
fn write(mut file: File, mut waiting: mpsc::Receiver<Line>) -> io::Result<()> {
    let mut lines = Vec::new();
    while waiting.blocking_recv_many(&mut lines, WAITING) > 0 {
        let text: String = lines.iter().map(|line| line.text.as_str()).collect();
        file.write_all(text.as_bytes())?;
        if lines.iter().any(|line| line.kept.is_some()) {
            file.sync_data()?;
        }
        for kept in lines.drain(..).filter_map(|line| line.kept) {
            // Whoever waited may have been cut short; the line is there all the same.
            let _ = kept.send(());
        }
    }
    file.sync_data()
}

/// Every line. A last one that a kill has torn is left out.
///
/// # Errors
/// When the file can't be read, or another line isn't one of ours.
pub fn read(path: &Path) -> Outcome<Vec<Entry>> {
    let file = File::open(path).map_err(|error| format!("{} can't be read: {error}", path.display()))?;
    let mut entries = Vec::new();
    let mut torn = None;
    for (number, line) in BufReader::new(file).split(b'\n').enumerate() {
        if let Some(error) = torn.take() {
            return Err(error);
        }
        match serde_json::from_slice(&line?) {
            Ok(entry) => entries.push(entry),
            Err(error) => torn = Some(format!("{}, line {}: {error}", path.display(), number + 1).into()),
        }
    }
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use super::{entry::Send, numbers::*, *};

    fn line(n: u32) -> Entry {
        Entry::Send(Send { c: ClientNo(1), r: RoomNo(2), m: "c1-1".into(), n, at: Moment(7) })
    }

    #[tokio::test]
    async fn what_is_kept_is_there_before_anybody_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal");
        let (journal, scribe) = Journal::create(&path).unwrap();
        journal.note(&line(1)).await.unwrap();
        journal.keep(&line(2)).await.unwrap();
        assert_eq!(read(&path).unwrap(), [line(1), line(2)]);
        drop(journal);
        scribe.finish().await.unwrap();
    }

    #[test]
    fn only_a_last_line_may_be_torn() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal");
        let whole = serde_json::to_string(&line(1)).unwrap();
        std::fs::write(&path, format!("{whole}\n{{\"is\":\"se")).unwrap();
        assert_eq!(read(&path).unwrap(), [line(1)]);
        std::fs::write(&path, format!("{whole}\n{{\"is\":\"se\n{whole}\n")).unwrap();
        assert!(read(&path).is_err());
    }
}
