//! Several servers as one: on one PostgreSQL and one Redis, which each of them reaches by a way of its own.

use pneumatic::backplane::Link;

use super::{
    database::{Database, Kind},
    eventually,
    faulty::{Faults, Faulty},
    person::Person,
    redis::Redis,
    world::World,
};

pub struct Cluster {
    pub redis: Redis,
    /// By node.
    pub ways: Vec<Faulty>,
    pub nodes: Vec<World>,
}

impl Cluster {
    /// So many nodes, which all hear each other by now.
    pub async fn start(count: usize, settings: &[(&str, String)]) -> Self {
        let mut cluster = Self { redis: Redis::start().await, ways: Vec::new(), nodes: Vec::new() };
        for _ in 0..count {
            cluster.add(settings).await;
        }
        for node in 0..count {
            cluster.is_up(node).await;
        }
        cluster
    }

    /// One more node, which may not hear the others yet.
    pub async fn add(&mut self, settings: &[(&str, String)]) {
        let way = Faulty::to(self.redis.address(), self.ways.len() as u64, Faults::NONE).await;
        let database = match self.nodes.first() {
            Some(node) => node.database.shared(),
            None => Database::fresh(Kind::Postgres).await,
        };
        let all: Vec<_> = settings.iter().cloned().chain([("REDIS_URL", way.url())]).collect();
        self.nodes.push(World::start_on(database, &all).await);
        self.ways.push(way);
    }

    /// Waits until a node hears the others.
    pub async fn is_up(&self, node: usize) {
        eventually("the node hears the others", async || self.nodes[node].services.backplane.link() == Link::Up).await;
    }

    pub async fn is_down(&self, node: usize) {
        eventually("the node hears nobody", async || self.nodes[node].services.backplane.link() == Link::Down).await;
    }

    /// The same person, at another node.
    pub fn at(&self, person: &Person, node: usize) -> Person {
        Person { address: self.nodes[node].address, ..person.clone() }
    }

    /// All ways have these faults from now on.
    pub fn set(&self, faults: Faults) {
        self.ways.iter().for_each(|way| way.set(faults));
    }

    pub async fn finish(self) {
        let Self { redis, ways, nodes } = self;
        // The first one owns the database.
        for node in nodes.into_iter().rev() {
            node.finish().await;
        }
        drop((redis, ways));
    }
}
