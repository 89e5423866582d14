//! Everybody loses their connection and comes back at once, beside a room of bystanders who talk on.

use std::{
    convert::Infallible,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::{sync::watch, task::JoinSet};

use crate::{
    Arguments, Outcome,
    bystanders::{Bystanders, Pace},
    device::Device,
    people::{Person, Room, Site, memberships},
    process::cpu_seconds,
    socket::Socket,
    speech::Speech,
    spread::Spread,
};

/// Members of the room that talks on.
const BYSTANDERS: usize = 20;
/// How often is looked at how far it is.
const SAMPLE: Duration = Duration::from_millis(100);
/// Samples of a second.
const SAMPLES: usize = 10;
/// How long nothing has to come for it to be over.
const QUIET: Duration = Duration::from_secs(1);
/// How long a device waits that was turned away or lost.
const AGAIN: Duration = Duration::from_millis(500);
/// How long everybody's return may take.
const PATIENCE: Duration = Duration::from_secs(300);

/// What the devices have seen since they were last away.
#[derive(Debug, Default)]
struct Counts {
    /// Devices that have connected at least once.
    connected: AtomicU64,
    resumed: AtomicU64,
    /// Connections that failed or were closed.
    lost: AtomicU64,
    presence: AtomicU64,
    /// Users in those frames.
    entries: AtomicU64,
    /// Microseconds from the first attempt to being up to date, of each.
    returns: Mutex<Vec<u64>>,
}

/// What a device has come to in a wave, however often it was lost since.
#[derive(Debug, Default)]
struct SoFar {
    connected: bool,
    resumed: bool,
}

/// The counts at one moment.
#[derive(Clone, Copy, Debug)]
struct Sample {
    at: Instant,
    connected: u64,
    resumed: u64,
    presence: u64,
    entries: u64,
    cpu: f64,
}

impl Counts {
    fn hear(&self, frame: &[u8]) {
        const ENTRY: &[u8] = br#""user_id""#;
        if frame.starts_with(br#"{"type":"presence""#) {
            self.presence.fetch_add(1, Ordering::Relaxed);
            let entries = frame.windows(ENTRY.len()).filter(|window| *window == ENTRY).count();
            self.entries.fetch_add(entries as u64, Ordering::Relaxed);
        }
    }

    fn sample(&self, pids: &[u32]) -> Sample {
        let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Sample {
            at: Instant::now(),
            connected: of(&self.connected),
            resumed: of(&self.resumed),
            presence: of(&self.presence),
            entries: of(&self.entries),
            cpu: cpu_seconds(pids),
        }
    }

    /// Keeps a device connected.
    async fn stay(&self, device: &mut Device, server: &str) {
        let start = Instant::now();
        let mut so_far = SoFar::default();
        loop {
            let Err(error) = self.visit(device, server, start, &mut so_far).await;
            if self.lost.fetch_add(1, Ordering::Relaxed) == 0 {
                eprintln!("the first to be lost: {error}");
            }
            tokio::time::sleep(AGAIN).await;
        }
    }

    async fn visit(&self, device: &mut Device, server: &str, start: Instant, so_far: &mut SoFar) -> Outcome<Infallible> {
        let mut socket = Socket::connect(server, &device.token, Speech::V2).await?;
        if !std::mem::replace(&mut so_far.connected, true) {
            self.connected.fetch_add(1, Ordering::Relaxed);
        }
        device.resume(&mut socket, |frame| self.hear(frame)).await?;
        if !std::mem::replace(&mut so_far.resumed, true) {
            self.resumed.fetch_add(1, Ordering::Relaxed);
            self.returns.lock().unwrap_or_else(PoisonError::into_inner).push(start.elapsed().as_micros() as u64);
        }
        loop {
            self.hear(socket.next().await?);
        }
    }
}

/// Everybody connected, or on the way.
struct Wave {
    counts: Arc<Counts>,
    cut: watch::Sender<bool>,
    devices: JoinSet<Device>,
}

impl Wave {
    /// Has the devices connect, spread evenly over a time.
    fn begin(devices: Vec<Device>, server: &str, within: Duration) -> Self {
        let (counts, cut, server) = (Arc::<Counts>::default(), watch::Sender::new(false), Arc::<str>::from(server));
        let apart = within / devices.len() as u32;
        let visits = devices.into_iter().enumerate().map(|(place, mut device)| {
            let (counts, server, mut cut) = (Arc::clone(&counts), Arc::clone(&server), cut.subscribe());
            async move {
                tokio::time::sleep(apart * place as u32).await;
                tokio::select! {
                    () = counts.stay(&mut device, &server) => {}
                    _ = cut.wait_for(|cut| *cut) => {}
                }
                device
            }
        });
        let devices = visits.collect();
        Self { counts, cut, devices }
    }

    /// Waits until everybody is up to date and presence has nothing more to tell. The last sample is of when that was.
    async fn settle(&self, pids: &[u32]) -> Outcome<Vec<Sample>> {
        let all = self.devices.len() as u64;
        let mut samples = vec![self.counts.sample(pids)];
        let (begin, mut changed) = (samples[0].at, 0);
        while samples[changed].resumed < all || samples[changed].at.elapsed() < QUIET {
            if begin.elapsed() > PATIENCE {
                return Err(format!("not settled after {PATIENCE:?}: {:?}", samples[samples.len() - 1]).into());
            }
            tokio::time::sleep(SAMPLE).await;
            let (sample, last) = (self.counts.sample(pids), samples[changed]);
            samples.push(sample);
            if (sample.connected, sample.resumed, sample.presence) != (last.connected, last.resumed, last.presence) {
                changed = samples.len() - 1;
            }
        }
        samples.truncate(changed + 1);
        Ok(samples)
    }

    /// Resets every connection.
    async fn cut(self) -> Vec<Device> {
        self.cut.send_replace(true);
        self.devices.join_all().await
    }
}

/// Seconds until a count reached so many.
fn until(samples: &[Sample], count: impl Fn(&Sample) -> u64, many: u64) -> f64 {
    let reached = samples.iter().find(|sample| count(sample) >= many);
    reached.map_or(f64::NAN, |sample| (sample.at - samples[0].at).as_secs_f64())
}

/// How much a count grew in a second, at most.
fn peak(samples: &[Sample], count: impl Fn(&Sample) -> u64) -> f64 {
    let last = samples.len() - 1;
    let seconds = (0..=last).map(|first| (samples[first], samples[last.min(first + SAMPLES)]));
    let grown =
        |(first, then): (Sample, Sample)| (count(&then) - count(&first)) as f64 / (then.at - first.at).max(QUIET).as_secs_f64();
    seconds.map(grown).fold(0.0, f64::max)
}

/// Prints what the bystanders felt between two samples, and what the server used.
fn report(name: &str, bystanders: &Bystanders, first: &Sample, last: &Sample) -> Spread {
    let seconds = (last.at - first.at).as_secs_f64();
    let (deliveries, latency) = bystanders.between(first.at, last.at);
    let cpu = (last.cpu - first.cpu) / seconds;
    println!("{name}: {seconds:.2} s  server CPU s/s {cpu:.2}  bystanders' latency ms {latency} ({deliveries} deliveries)");
    latency
}

/// Prints how a wave came in.
fn report_wave(name: &str, wave: &Wave, samples: &[Sample]) {
    let all = wave.devices.len() as u64;
    let (first, last) = (&samples[0], &samples[samples.len() - 1]);
    let connected = until(samples, |sample| sample.connected, all);
    let resumed = until(samples, |sample| sample.resumed, all);
    let each = Spread::of(wave.counts.returns.lock().unwrap_or_else(PoisonError::into_inner).clone());
    let lost = wave.counts.lost.load(Ordering::Relaxed);
    println!(
        "{name}: all connected after {connected:.2} s ({:.0}/s), all resumed after {resumed:.2} s  each ms {each}  lost {lost}",
        all as f64 / connected
    );
    println!(
        "{name}: presence frames {} (at most {:.0}/s)  users in them {} (at most {:.0}/s)",
        last.presence - first.presence,
        peak(samples, |sample| sample.presence),
        last.entries - first.entries,
        peak(samples, |sample| sample.entries),
    );
}

/// Makes everybody, has them connect, cuts them off, and has them return.
pub async fn run(arguments: &Arguments, site: &Site) -> Outcome<()> {
    let Arguments { users, missed, size, .. } = *arguments;
    let rate = arguments.rate();
    let (conversations, members) = (arguments.conversations.unwrap_or(5), arguments.members.unwrap_or(10));
    let people = site.people(users).await?;
    let rooms = site.circles(&people, conversations, members, true).await?;
    let bystanders = site.rooms(1, BYSTANDERS).await?.remove(0);
    println!(
        "{users} users, each in {conversations} conversations of {members} ({} in all); {BYSTANDERS} bystanders, {rate} messages/s",
        rooms.len()
    );
    let bystanders = Bystanders::start(arguments.server.clone(), bystanders, Pace { rate, size })?;
    let within = Duration::from_secs_f64(arguments.within);
    let wave = Wave::begin(devices(&people, &rooms), &arguments.server, within);
    report_wave("first", &wave, &wave.settle(&arguments.pid).await?);
    let devices = wave.cut().await;
    site.post(&rooms, missed, &"x".repeat(size)).await?;
    while site.online(&people[0]).await? > 0 {
        tokio::time::sleep(SAMPLE).await;
    }
    // What the going leaves to be done isn't part of the calm.
    tokio::time::sleep(QUIET).await;

    let away = Counts::default();
    let calm = away.sample(&arguments.pid);
    tokio::time::sleep(Duration::from_secs(arguments.seconds)).await;
    let before = report("calm", &bystanders, &calm, &away.sample(&arguments.pid));
    let wave = Wave::begin(devices, &arguments.server, within);
    let samples = wave.settle(&arguments.pid).await?;
    let during = report("storm", &bystanders, &samples[0], &samples[samples.len() - 1]);
    println!(
        "storm to calm: p50 {:.2} p99 {:.2} max {:.2}",
        during.p50 / before.p50,
        during.p99 / before.p99,
        during.max / before.max
    );
    report_wave("storm", &wave, &samples);
    Ok(())
}

fn devices(people: &[Person], rooms: &[Room]) -> Vec<Device> {
    let memberships = memberships(rooms);
    let conversations = |person: &Person| memberships.get(person.id.as_str()).map_or(&[][..], Vec::as_slice);
    people.iter().map(|person| Device::new(person.token.clone(), conversations(person))).collect()
}
