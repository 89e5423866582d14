//! Strikes as planned, and measures how long it takes until everything works again.

pub mod fault;
pub mod plan;
mod probe;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use fastrand::Rng;
use tokio::{sync::watch, time::sleep};

use self::{
    fault::Kind,
    plan::{Blow, Plan, Step},
    probe::Probe,
};
use crate::{
    Outcome,
    journal::{
        entry::{Answer, Entry, Fault},
        numbers::Moment,
    },
    load::{Scene, SlowOrder},
    proxy::Proxy,
    subject::{Strike, Subject},
};

/// How long the disk stays full while nothing is refused.
const FILLING: Duration = Duration::from_secs(20);
/// How long a server may take to start again.
const STARTING: Duration = Duration::from_secs(30);
/// Before a start that failed is tried again.
const AGAIN: Duration = Duration::from_millis(100);

/// When it is enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// At this time at the latest, if there is one.
    pub until: Option<Instant>,
    /// So many kills.
    pub kills: u64,
    /// So many acknowledged messages.
    pub acknowledged: u64,
}

/// Strikes.
pub struct Nemesis<'a, S> {
    subject: &'a mut S,
    scene: Arc<Scene>,
    proxy: &'a Proxy,
    slow: watch::Sender<Option<SlowOrder>>,
    plan: Plan,
    random: Rng,
    probe: Probe,
    clock: i64,
    /// Kills so far, for the progress.
    kills: watch::Sender<u64>,
}

impl<'a, S: Subject> Nemesis<'a, S> {
    /// One that is ready.
    ///
    /// # Errors
    /// When the journal can't be written.
    pub async fn new(
        subject: &'a mut S,
        scene: &Arc<Scene>,
        proxy: &'a Proxy,
        slow: watch::Sender<Option<SlowOrder>>,
        (seed, kinds): (u64, &[Kind]),
        kills: watch::Sender<u64>,
    ) -> Outcome<Self> {
        let (plan, random) = (Plan::new(seed, kinds), Rng::with_seed(seed));
        let probe = Probe::new(scene).await?;
        Ok(Self { subject, scene: Arc::clone(scene), proxy, slow, plan, random, probe, clock: 0, kills })
    }

    /// One fault after another until it is enough. Nothing is broken any more when it returns.
    ///
    /// # Errors
    /// When the run itself can't go on.
    pub async fn torment(&mut self, limit: Limit, interrupted: &AtomicBool) -> Outcome<()> {
        while !self.is_enough(limit) && !interrupted.load(Relaxed) {
            match self.plan.next() {
                Some(step) => {
                    sleep(step.pause).await;
                    self.look().await?;
                    self.strike(&step).await?;
                }
                // No faults at all are a plan as well.
                None => sleep(Duration::from_millis(50)).await,
            }
        }
        self.look().await
    }

    fn is_enough(&self, limit: Limit) -> bool {
        let acknowledged = self.scene.board.tally.acknowledged.load(Relaxed);
        let done = *self.kills.borrow() >= limit.kills && acknowledged >= limit.acknowledged;
        match limit.until {
            Some(until) => Instant::now() >= until,
            None => done,
        }
    }

    /// Whether the server lives; if it doesn't, that is written down, and it is started again.
    async fn look(&mut self) -> Outcome<()> {
        if let Some(how) = self.subject.ended() {
            self.died(how).await?;
            self.start().await?;
        }
        Ok(())
    }

    async fn died(&self, how: String) -> Outcome<()> {
        self.scene.trouble(None, "the server to live", Answer::Died { how }, self.scene.journal.now()).await
    }

    async fn strike(&mut self, step: &Step) -> Outcome<()> {
        let from = self.scene.journal.now();
        let (kind, detail) = (step.blow.kind(), step.to_string());
        self.scene.journal.keep(&Entry::Strikes { kind, detail: detail.clone(), from }).await?;
        let with_kill = step.kill_after.is_some();
        let over = match step.blow {
            Blow::Kill => {
                self.kill().await?;
                let over = self.scene.journal.now();
                self.start().await?;
                over
            }
            Blow::Stop(time) => {
                self.subject.strike(Strike::Stop).await?;
                sleep(step.kill_after.unwrap_or(time)).await;
                if with_kill {
                    self.kill().await?;
                } else {
                    self.subject.strike(Strike::Continue).await?;
                }
                let over = self.scene.journal.now();
                self.start_if(with_kill).await?;
                over
            }
            Blow::Database { hard, away } => {
                self.subject.strike(Strike::DatabaseAway { hard }).await?;
                self.wait_and_kill(away, step.kill_after).await?;
                self.subject.strike(Strike::DatabaseBack).await?;
                let over = self.scene.journal.now();
                self.start_if(with_kill).await?;
                over
            }
            Blow::Disk(time) => {
                let refused = self.refused();
                self.subject.strike(Strike::DiskFull).await?;
                let start = Instant::now();
                while self.refused() == refused && start.elapsed() < FILLING {
                    sleep(Duration::from_millis(20)).await;
                }
                self.wait_and_kill(time, step.kill_after).await?;
                self.subject.strike(Strike::DiskFree).await?;
                let over = self.scene.journal.now();
                self.start_if(with_kill).await?;
                over
            }
            Blow::Clock(jump) => {
                self.clock += jump;
                self.subject.strike(Strike::Clock(self.clock)).await?;
                self.scene.journal.now()
            }
            Blow::Slow(time) => {
                let order = SlowOrder { seed: self.random.u64(..), until: Instant::now() + time };
                self.slow.send_replace(Some(order));
                self.scene.journal.now()
            }
            Blow::HalfOpen(silence) => {
                // Those of the last time: by now the server should know by itself, and it would be told no later.
                self.proxy.break_silent();
                self.proxy.silence(silence, &mut self.random);
                self.scene.journal.now()
            }
        };
        let back = self.probe.until_all_rooms_store().await?;
        self.scene.journal.keep(&Entry::Fault(Fault { kind, detail, with_kill, from, over, back })).await
    }

    fn refused(&self) -> u64 {
        self.scene.board.tally.refused.load(Relaxed)
    }

    async fn wait_and_kill(&mut self, time: Duration, kill_after: Option<Duration>) -> Outcome<()> {
        let Some(after) = kill_after.map(|after| after.min(time)) else {
            sleep(time).await;
            return Ok(());
        };
        sleep(after).await;
        self.kill().await?;
        // It may start in vain meanwhile, as it would under a supervisor.
        let deadline = Instant::now() + (time - after);
        while Instant::now() < deadline && self.begin().await.is_err() {
            sleep(AGAIN).await;
        }
        sleep(deadline.saturating_duration_since(Instant::now())).await;
        Ok(())
    }

    async fn kill(&mut self) -> Outcome<()> {
        self.subject.strike(Strike::Kill).await?;
        self.kills.send_modify(|kills| *kills += 1);
        Ok(())
    }

    async fn start_if(&mut self, killed: bool) -> Outcome<()> {
        if killed && !self.subject.runs() { self.start().await } else { Ok(()) }
    }

    /// Starts the server where nothing hinders it: that a start fails is written down.
    async fn start(&mut self) -> Outcome<()> {
        let start = Instant::now();
        while let Err(error) = self.begin().await {
            self.died(format!("it doesn't start: {error}")).await?;
            if start.elapsed() > STARTING {
                return Err(format!("the server doesn't start any more: {error}").into());
            }
            sleep(AGAIN).await;
        }
        Ok(())
    }

    async fn begin(&mut self) -> Outcome<()> {
        self.subject.strike(Strike::Start).await?;
        match self.subject.pid() {
            Some(pid) => self.scene.journal.note(&Entry::Process { pid }).await,
            None => Ok(()),
        }
    }

    /// Posts into every room; when all of it is stored, and under which `seq`.
    ///
    /// # Errors
    /// When the journal can't be written.
    pub async fn last_words(&mut self) -> Outcome<Option<(Moment, Vec<i64>)>> {
        self.probe.post().await
    }
}
