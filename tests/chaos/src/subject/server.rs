//! The real program on a real database.

use std::{
    fs::{self, File},
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};

use clap::ValueEnum;
use rustix::process::{Pid, Signal, kill_process};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
    time::{sleep, timeout},
};

use super::{Strike, Subject, clock::Clock, disk::Disk, postgres::Postgres, sqlite::Sqlite, stored};
use crate::{
    Outcome,
    history::{Farewell, Stored},
    load::{PATIENCE, patience},
    nemesis::fault::Kind,
};

/// How long it may take until it says its address.
const STARTING: Duration = Duration::from_secs(30);
/// How long it may take to end in order: its own bound, and a moment.
const ENDING: Duration = Duration::from_secs(30);
/// How soon it gives a silent device up, in seconds.
pub const HEARTBEAT: u64 = 10;
/// How soon it must have noticed that the clock has jumped.
const JUMPING: Duration = Duration::from_secs(6);
/// Ports below those that the kernel hands out: while the server is away, nobody gets its port.
const PORTS: std::ops::Range<u16> = 20_000..32_000;

/// Which database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum DatabaseKind {
    /// The embedded one.
    Sqlite,
    /// A server of the run's own.
    Postgres,
}

impl DatabaseKind {
    /// Its name in the figures.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
        }
    }

    /// How large a disk it needs, in MiB.
    fn disk(self) -> u64 {
        match self {
            Self::Sqlite => 256,
            Self::Postgres => 512,
        }
    }
}

#[derive(Debug)]
enum Database {
    Sqlite(Sqlite),
    Postgres(Postgres),
}

/// A server, what it stands on, and what can be done to both.
#[derive(Debug)]
pub struct Server {
    program: PathBuf,
    folder: PathBuf,
    address: SocketAddr,
    child: Option<Child>,
    // Dropped before the disk that it is on.
    database: Database,
    disk: Option<Disk>,
    clock: Option<Clock>,
    /// How much slower than usual it may be.
    lenience: f64,
}

/// A server that can be tormented, and what can't be done to it here.
#[derive(Debug)]
pub struct Prepared {
    /// The server; it doesn't run yet.
    pub server: Server,
    /// The faults that there can be.
    pub kinds: Vec<Kind>,
    /// Those that there can't, and why.
    pub skipped: Vec<(Kind, String)>,
}

impl Server {
    /// Puts together what these faults need. The database runs when this returns, the server doesn't. What a run has left on a disk
    /// is saved first.
    ///
    /// # Errors
    /// When there is no program, or no database.
    pub async fn prepare(
        program: &Path,
        folder: &Path,
        database: DatabaseKind,
        faults: &[Kind],
        faketime: Option<PathBuf>,
        lenience: f64,
    ) -> Outcome<Prepared> {
        if !program.is_file() {
            return Err(format!("there is no server at {}: build it, or name it with --server", program.display()).into());
        }
        let data = folder.join("data");
        // It is there where a run is checked once more.
        fs::create_dir_all(&data)?;
        let (mut kinds, mut skipped) = (faults.to_vec(), Vec::new());
        let mut skip = |kind, error: Box<dyn std::error::Error + Send + Sync>| {
            kinds.retain(|known| *known != kind);
            skipped.push((kind, error.to_string()));
        };
        let mount = || Disk::mount(&data, database.disk()).map_err(|error| skip(Kind::Disk, error)).ok();
        let left = Disk::left_on(&data);
        let disk = (left.is_none() && faults.contains(&Kind::Disk)).then(mount).flatten();
        let set = || Clock::new(faketime, folder).map_err(|error| skip(Kind::Clock, error)).ok();
        let clock = faults.contains(&Kind::Clock).then(set).flatten();
        let database = match database {
            DatabaseKind::Sqlite => Database::Sqlite(Sqlite::new(&data)),
            DatabaseKind::Postgres => Database::Postgres(Postgres::new(&data, &folder.join("postgres.log"), port()?).await?),
        };
        if let Some(left) = left {
            left.save()?;
        }
        if let Database::Postgres(postgres) = &database {
            postgres.start().await?;
        }
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port()?));
        let (program, folder) = (fs::canonicalize(program)?, folder.to_owned());
        let server = Self { program, folder, address, child: None, database, disk, clock, lenience };
        Ok(Prepared { server, kinds, skipped })
    }

    /// Stops the database, and saves what lies on a disk that goes with the run, where it is to be looked at.
    ///
    /// # Errors
    /// When that can't be saved.
    pub async fn put_away(self, keep: bool) -> Outcome<()> {
        let Self { child, database, disk, .. } = self;
        drop(child);
        if let Database::Postgres(postgres) = &database {
            // The run may have left it stopped.
            drop(postgres.stop(false).await);
        }
        drop(database);
        disk.filter(|_| keep).map_or(Ok(()), Disk::save)
    }

    fn log(&self) -> PathBuf {
        self.folder.join("server.log")
    }

    fn url(&self) -> String {
        match &self.database {
            Database::Sqlite(sqlite) => sqlite.url(),
            Database::Postgres(postgres) => postgres.url(),
        }
    }

    fn command(&self) -> Outcome<Command> {
        let mut command = Command::new(&self.program);
        // An interrupt at the terminal is the run's alone.
        command.env_clear().current_dir(&self.folder).kill_on_drop(true).process_group(0);
        command.envs([
            ("PORT", self.address.port().to_string()),
            ("DATA_DIR", self.folder.join("data").display().to_string()),
            ("DATABASE_URL", self.url()),
            ("SECRET_KEY", "a key for this run, long enough to be one".to_owned()),
            ("HEARTBEAT_TIMEOUT", HEARTBEAT.to_string()),
            // Outlives every jump of the clock.
            ("ACCESS_TOKEN_EXPIRE_MINUTES", "1440".to_owned()),
            ("REFRESH_TOKEN_EXPIRE_DAYS", "30".to_owned()),
        ]);
        for limit in [
            "RATE_LIMIT_PER_MINUTE",
            "RATE_LIMIT_PER_HOUR",
            "RATE_LIMIT_AUTH_PER_MINUTE",
            "WS_MESSAGES_PER_MINUTE",
            "WS_TYPING_PER_MINUTE",
            "WS_PINGS_PER_MINUTE",
            "MAX_CONNECTIONS_PER_ADDRESS",
        ] {
            command.env(limit, "0");
        }
        if let Some(clock) = &self.clock {
            command.envs(clock.environment());
        }
        let log = File::options().create(true).append(true).open(self.log())?;
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log);
        Ok(command)
    }

    async fn start(&mut self) -> Outcome<()> {
        let mut child = self.command()?.spawn()?;
        let mut said = BufReader::new(child.stdout.take().ok_or("no standard output")?);
        let mut line = String::new();
        let heard = timeout(STARTING, said.read_line(&mut line)).await;
        if !line.starts_with("Pneumatic listens on ") {
            child.kill().await?;
            let how = heard.map_or_else(|_| "it says nothing".to_owned(), |_| format!("it said {line:?}"));
            return Err(format!("{how}, see {}", self.log().display()).into());
        }
        // Nobody reads what it says from now on, and it says nothing.
        self.child = Some(child);
        Ok(())
    }

    fn signal(&self, signal: Signal) -> Outcome<()> {
        let pid = self.pid().and_then(|pid| Pid::from_raw(i32::try_from(pid).ok()?));
        Ok(kill_process(pid.ok_or("the server doesn't run")?, signal)?)
    }

    async fn kill(&mut self) -> Outcome<()> {
        if let Some(mut child) = self.child.take() {
            child.kill().await?;
        }
        Ok(())
    }

    /// Lets the clock be so many seconds off, and waits until the server shows it.
    async fn jump(&self, seconds: i64) -> Outcome<()> {
        self.clock.as_ref().ok_or("the server has the machine's clock")?.set(seconds)?;
        let (start, http) = (Instant::now(), reqwest::Client::builder().no_proxy().build()?);
        // Sooner it couldn't know.
        sleep(Duration::from_millis(1_100)).await;
        loop {
            let said = match self.off(&http).await {
                Ok(off) if (off - seconds).abs() <= 1 => return Ok(()),
                Ok(off) => format!("is {off:+} s off and not {seconds:+} s: does libfaketime work?"),
                Err(error) => format!("can't be asked for: {error}"),
            };
            if start.elapsed() > patience(JUMPING, self.lenience) {
                return Err(format!("the server's clock {said}").into());
            }
            sleep(Duration::from_millis(100)).await;
        }
    }

    /// By how many seconds the server's clock is off.
    async fn off(&self, http: &reqwest::Client) -> Outcome<i64> {
        let asked = http.get(format!("http://{}/health", self.address)).timeout(patience(PATIENCE, self.lenience));
        let answer = asked.send().await?;
        let date = answer.headers().get("date").and_then(|date| date.to_str().ok()).unwrap_or_default();
        Ok(chrono::DateTime::parse_from_rfc2822(date)?.timestamp() - chrono::Utc::now().timestamp())
    }
}

impl Subject for Server {
    fn address(&self) -> SocketAddr {
        self.address
    }

    async fn strike(&mut self, strike: Strike) -> Outcome<()> {
        let disk = self.disk.as_ref().ok_or("the database has the machine's disk");
        match (strike, &mut self.database) {
            (Strike::Kill, _) => self.kill().await,
            (Strike::Start, _) => self.start().await,
            (Strike::Stop, _) => self.signal(Signal::STOP),
            (Strike::Continue, _) => self.signal(Signal::CONT),
            (Strike::DatabaseAway { .. }, Database::Sqlite(sqlite)) => sqlite.lock().await,
            (Strike::DatabaseBack, Database::Sqlite(sqlite)) => sqlite.unlock().await,
            (Strike::DatabaseAway { hard }, Database::Postgres(postgres)) => postgres.stop(hard).await,
            (Strike::DatabaseBack, Database::Postgres(postgres)) => postgres.start().await,
            (Strike::DiskFull, _) => disk?.fill(),
            (Strike::DiskFree, Database::Sqlite(_)) => disk?.free(),
            (Strike::DiskFree, Database::Postgres(postgres)) => {
                disk?.free()?;
                postgres.start().await
            }
            (Strike::Clock(seconds), _) => self.jump(seconds).await,
        }
    }

    fn ended(&mut self) -> Option<String> {
        let status = self.child.as_mut()?.try_wait().ok()??;
        self.child = None;
        Some(status.to_string())
    }

    fn runs(&self) -> bool {
        self.child.is_some()
    }

    fn pid(&self) -> Option<u32> {
        self.child.as_ref()?.id()
    }

    async fn end(&mut self) -> Outcome<Farewell> {
        let mut status = None;
        if self.child.is_some() {
            self.signal(Signal::TERM)?;
        }
        if let Some(child) = &mut self.child {
            match timeout(ENDING, child.wait()).await {
                // Ended by a signal: no status of its own, and none that is right.
                Ok(ended) => status = Some(ended?.code().unwrap_or(-1)),
                Err(_) => child.kill().await?,
            }
        }
        self.child = None;
        let log = fs::read(self.log())?;
        let panics = String::from_utf8_lossy(&log).lines().filter(|line| line.contains("panic")).map(str::to_owned).collect();
        Ok(Farewell { status, panics })
    }

    async fn stored(&mut self) -> Outcome<Stored> {
        stored::read(&self.url()).await
    }
}

/// A free port, below those that the kernel hands out.
///
/// # Errors
/// When there is none.
pub fn port() -> Outcome<u16> {
    (0..100)
        .map(|_| fastrand::u16(PORTS))
        .find(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok())
        .ok_or_else(|| "there is no free port".into())
}
