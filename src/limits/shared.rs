//! Buckets that all nodes share, in Redis: the generic cell rate algorithm (GCRA, of ATM Forum Traffic Management 4.0, section
//! 4.4.3), in one script and by Redis's own clock. While Redis doesn't answer, each node keeps its own.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use futures_util::future::BoxFuture;
use redis::Script;

use super::{Limit, Quota, Standing, Storage, Subject, local::Local};
use crate::{backplane::Line, domain::clock::Clock, metrics::Metrics};

/// How long a request waits for Redis.
const PATIENCE: Duration = Duration::from_millis(250);
/// For how long Redis isn't asked after it hasn't answered.
const PAUSE: Duration = Duration::from_secs(1);

/// The key holds when the bucket will be full again, which is never later than it can be, even when the clock was set back.
/// Arguments: the bucket's size, and the time in which it fills up, in microseconds. Returns what is left, how long until it is full, and how long to wait, or -1.
const TAKE: &str = "
    local time = redis.call('TIME')
    local now = time[1] * 1000000 + time[2]
    local window = tonumber(ARGV[2])
    local interval = window / tonumber(ARGV[1])
    local full = tonumber(redis.call('GET', KEYS[1]) or 0)
    full = math.min(math.max(full, now), now + window)
    local wait = full + interval - window - now
    if wait > 0.5 then
        return {0, math.ceil(full - now), math.ceil(wait)}
    end
    full = full + interval
    redis.call('SET', KEYS[1], string.format('%.0f', full), 'PX', math.ceil((full - now) / 1000))
    return {math.max(0, math.floor((now + window - full) / interval + 0.001)), math.ceil(full - now), -1}";

/// The storage of several nodes.
#[derive(Debug)]
pub struct Shared {
    line: Line,
    take: Arc<Script>,
    /// For while Redis doesn't answer.
    local: Arc<Local>,
    clock: Clock,
    /// Until when Redis isn't asked, in milliseconds of the clock.
    alone_until: Arc<AtomicU64>,
    metrics: Arc<Metrics>,
}

impl Shared {
    /// In the Redis that this line leads to, or else there.
    pub fn new(line: Line, local: Local, clock: Clock, metrics: Arc<Metrics>) -> Self {
        let take = Arc::new(Script::new(TAKE));
        Self { line, take, local: Arc::new(local), clock, alone_until: Arc::default(), metrics }
    }
}

fn of(subject: Subject) -> String {
    match subject {
        Subject::User(user) => user.to_string(),
        Subject::Address(network) => network.to_string(),
    }
}

impl Storage for Shared {
    fn take(&self, limit: Limit, quota: Quota, subject: Subject) -> BoxFuture<'static, Standing> {
        let (local, clock, alone_until) = (Arc::clone(&self.local), self.clock.clone(), Arc::clone(&self.alone_until));
        let (take, metrics, redis) = (Arc::clone(&self.take), Arc::clone(&self.metrics), self.line.get());
        let key = self.line.name(&format!("limit:{}:{}", limit.name(), of(subject)));
        Box::pin(async move {
            let now = clock.elapsed();
            if let Some(mut redis) = redis
                && now >= Duration::from_millis(alone_until.load(Ordering::Relaxed))
            {
                let mut taking = take.key(key);
                taking.arg(quota.amount).arg(quota.window.as_micros() as u64);
                let taken = tokio::time::timeout(PATIENCE, taking.invoke_async::<(u32, u64, i64)>(&mut redis)).await;
                match taken {
                    Ok(Ok((remaining, full_after, wait))) => {
                        let full_after = Duration::from_micros(full_after);
                        let wait = u64::try_from(wait).ok().map(Duration::from_micros);
                        return Standing { limit, quota, remaining, full_after, wait };
                    }
                    Ok(Err(error)) => tracing::warn!(%error, "limits.alone: Redis refuses what limits need"),
                    Err(_) => tracing::warn!("limits.alone: Redis is slow"),
                }
                alone_until.store((clock.elapsed() + PAUSE).as_millis() as u64, Ordering::Relaxed);
            }
            metrics.limited_alone();
            local.take(limit, quota, subject).await
        })
    }
}
