//! What nodes tell each other.

use prometheus_client::{
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};

use super::Metrics;

#[derive(Debug)]
pub(super) struct Backplane {
    up: Gauge,
    interrupted: Counter,
    told: Counter,
    heard: Counter,
    lost: Counter,
    missed: Counter,
    limits_alone: Counter,
}

impl Backplane {
    pub(super) fn new(registry: &mut Registry) -> Self {
        let news = Family::<[(&'static str, &'static str); 1], Counter>::default();
        let of = |direction| news.get_or_create_owned(&[("direction", direction)]);
        let (told, heard, lost) = (of("told"), of("heard"), of("lost"));
        let all = Self {
            up: Gauge::default(),
            interrupted: Counter::default(),
            told,
            heard,
            lost,
            missed: of("missed"),
            limits_alone: Counter::default(),
        };
        let help = "Whether other nodes are heard through Redis; 0 for a node without REDIS_URL";
        registry.register("backplane_up", help, all.up.clone());
        let help = "How often other nodes weren't heard any more";
        registry.register("backplane_interruptions", help, all.interrupted.clone());
        let help = "News to and from other nodes; what is lost was never told; how often some is missed, which is then looked up";
        registry.register("backplane_news", help, news);
        let help = "What was counted against a limit by this node alone because Redis didn't answer";
        registry.register("rate_limits_alone", help, all.limits_alone.clone());
        all
    }
}

impl Metrics {
    /// Other nodes are heard from now on, or aren't.
    pub fn link_changed(&self, is_up: bool) {
        self.backplane.up.set(is_up.into());
        if !is_up {
            self.backplane.interrupted.inc();
        }
    }

    /// So much was told to all others.
    pub fn news_told(&self, count: u64) {
        self.backplane.told.inc_by(count);
    }

    /// Something was heard from another.
    pub fn news_heard(&self) {
        self.backplane.heard.inc();
    }

    /// Something that another told didn't come.
    pub fn news_missed(&self) {
        self.backplane.missed.inc();
    }

    /// So much couldn't be told.
    pub fn news_lost(&self, count: u64) {
        self.backplane.lost.inc_by(count);
    }

    /// A limit was kept by this node alone.
    pub fn limited_alone(&self) {
        self.backplane.limits_alone.inc();
    }
}
