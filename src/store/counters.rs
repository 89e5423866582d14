//! The counters that survive a restart. Several nodes may add to the same rows.

use std::{collections::BTreeMap, time::Duration};

use chrono::{NaiveTime, TimeDelta};
use entity::{counter_hour, counter_total, user, user_counter};
use sea_orm::{ColumnTrait, ConnectionTrait, DatabaseTransaction, DbBackend, EntityTrait, QueryFilter, Statement};

use super::{
    Failure, Repeat, Store,
    rows::{Column, Rows},
};
use crate::domain::{
    clock::Timestamp,
    counters::{Counter, DayFigures, Deltas, Figures, HourFigures, Peak, Totals, UserFigures, hour_of},
    ids::UserId,
};

/// How long the hours are kept.
const KEPT: TimeDelta = TimeDelta::days(60);
/// How long adding may take: posts wait behind it, and it will be tried again.
const PATIENCE: Duration = Duration::from_secs(2);
/// The row that says how many sockets were open at once.
const MOST_CONNECTIONS: &str = "peak:connections";

impl Store {
    /// Adds what was counted, in one transaction. It is tried once: the counters can wait, and others can't. When
    /// the answer to the commit is lost, what was added is reported as not added.
    ///
    /// # Errors
    /// [`Failure`]; then nothing was added, unless it was the commit's answer that was lost.
    pub async fn add_counted(&self, deltas: &Deltas) -> Result<(), Failure> {
        let attempt = async {
            let transaction = self.begin().await?;
            add(&transaction, deltas).await?;
            Ok(transaction.commit().await?)
        };
        let outcome = tokio::time::timeout(PATIENCE, attempt).await;
        outcome.unwrap_or_else(|_| Err(Failure::Unavailable("adding to the counters took too long".into())))
    }

    /// Sets all counters to nought.
    pub async fn reset_counters(&self) -> Result<(), Failure> {
        self.transact(Repeat::Always, async |transaction| {
            counter_hour::Entity::delete_many().exec(transaction).await?;
            counter_total::Entity::delete_many().exec(transaction).await?;
            user_counter::Entity::delete_many().exec(transaction).await?;
            Ok(())
        })
        .await
    }

    /// Everything counted.
    pub async fn counted(&self) -> Result<Totals, Failure> {
        let mut totals = Totals::default();
        for row in counter_total::Entity::find().all(&self.reading).await? {
            match row.at {
                Some(at) if row.name == MOST_CONNECTIONS => totals.most_connections = Some(Peak { value: row.value, at }),
                _ => totals.add(&row.name, row.value),
            }
        }
        Ok(totals)
    }

    /// What was counted in each of the last `hours` hours, the present one included, oldest first.
    pub async fn counted_by_hour(&self, hours: u32) -> Result<Vec<HourFigures>, Failure> {
        let last = hour_of(self.clock.now());
        let first = last - TimeDelta::hours(i64::from(hours) - 1);
        let mut found = self.hours(first, last).await?;
        let all = (0..i64::from(hours)).map(|hour| first + TimeDelta::hours(hour));
        Ok(all.map(|hour| HourFigures { hour, figures: found.remove(&hour).unwrap_or_default() }).collect())
    }

    /// What was counted on each of the last `days` days, the present one included, oldest first.
    pub async fn counted_by_day(&self, days: u32) -> Result<Vec<DayFigures>, Failure> {
        let now = self.clock.now();
        let first = now.date_naive() - TimeDelta::days(i64::from(days) - 1);
        let mut all: Vec<DayFigures> =
            first.iter_days().take(days as usize).map(|day| DayFigures { day, figures: Figures::default() }).collect();
        for (hour, figures) in self.hours(first.and_time(NaiveTime::MIN).and_utc(), now).await? {
            let place = (hour.date_naive() - first).num_days();
            if let Some(day) = usize::try_from(place).ok().and_then(|place| all.get_mut(place)) {
                day.figures.merge(&figures);
            }
        }
        Ok(all)
    }

    /// The hours that begin from `first` to `last` and in which something was counted.
    async fn hours(&self, first: Timestamp, last: Timestamp) -> Result<BTreeMap<Timestamp, Figures>, Failure> {
        let mut found: BTreeMap<Timestamp, Figures> = BTreeMap::new();
        let rows = counter_hour::Entity::find()
            .filter(counter_hour::Column::Hour.between(first, last))
            .filter(counter_hour::Column::Name.is_in(Counter::HOURLY.map(|counter| counter.to_string())));
        for row in rows.all(&self.reading).await? {
            found.entry(row.hour).or_default().add(&row.name, row.value);
        }
        Ok(found)
    }

    /// What a user did; none when there is no such user.
    pub async fn counted_of(&self, user_id: UserId) -> Result<Option<UserFigures>, Failure> {
        let row = user_counter::Entity::find_by_id(user_id.0).one(&self.reading).await?;
        if row.is_none() && user::Entity::find_by_id(user_id.0).one(&self.reading).await?.is_none() {
            return Ok(None);
        }
        let row = row.as_ref();
        Ok(Some(UserFigures {
            user_id,
            messages_sent: row.map_or(0, |row| row.messages),
            bytes_sent: row.map_or(0, |row| row.bytes),
            connections: row.map_or(0, |row| row.connections),
            errors: row.map_or(0, |row| row.errors),
            first_activity: row.map(|row| row.first_at),
            last_activity: row.map(|row| row.last_at),
        }))
    }
}

/// Deletes hours that are too old to be told.
pub(super) async fn sweep(transaction: &DatabaseTransaction, now: Timestamp) -> Result<(), Failure> {
    counter_hour::Entity::delete_many().filter(counter_hour::Column::Hour.lt(now - KEPT)).exec(transaction).await?;
    Ok(())
}

async fn add(transaction: &DatabaseTransaction, deltas: &Deltas) -> Result<(), Failure> {
    let backend = transaction.get_database_backend();
    let statements =
        [add_hours(backend, deltas), add_totals(backend, deltas), add_users(backend, deltas), add_peak(backend, deltas)];
    for statement in statements.into_iter().flatten() {
        transaction.execute_raw(statement).await?;
    }
    Ok(())
}

// Rows are touched in the order of their keys, so that two nodes can't deadlock. SQLite needs a WHERE in order to
// tell the ON of a conflict from that of a join.

fn add_hours(backend: DbBackend, deltas: &Deltas) -> Option<Statement> {
    let rows = Rows(vec![
        ("hour", Column::Time(deltas.hours.keys().map(|(hour, _)| *hour).collect())),
        ("name", Column::Text(deltas.hours.keys().map(|(_, counter)| counter.to_string()).collect())),
        ("value", Column::Int(deltas.hours.values().copied().collect())),
    ]);
    let statement = rows.statement(backend, |source| {
        format!(
            "INSERT INTO counter_hours (hour, name, value) SELECT r.hour, r.name, r.value FROM {source} \
             WHERE true ORDER BY r.hour, r.name \
             ON CONFLICT (hour, name) DO UPDATE SET value = counter_hours.value + excluded.value"
        )
    });
    (!deltas.hours.is_empty()).then_some(statement)
}

fn add_totals(backend: DbBackend, deltas: &Deltas) -> Option<Statement> {
    let mut totals: BTreeMap<String, i64> = BTreeMap::new();
    for ((_, counter), by) in &deltas.hours {
        *totals.entry(counter.to_string()).or_default() += by;
    }
    let (names, values): (Vec<String>, Vec<i64>) = totals.into_iter().unzip();
    let any = !names.is_empty();
    let rows = Rows(vec![("name", Column::Text(names)), ("value", Column::Int(values))]);
    let statement = rows.statement(backend, |source| {
        format!(
            "INSERT INTO counter_totals (name, value) SELECT r.name, r.value FROM {source} WHERE true ORDER BY r.name \
             ON CONFLICT (name) DO UPDATE SET value = counter_totals.value + excluded.value"
        )
    });
    any.then_some(statement)
}

/// Users who are no more are left out.
fn add_users(backend: DbBackend, deltas: &Deltas) -> Option<Statement> {
    let users = || deltas.users.values();
    let rows = Rows(vec![
        ("user_id", Column::Uuid(deltas.users.keys().map(|id| id.0).collect())),
        ("messages", Column::Int(users().map(|user| user.messages).collect())),
        ("bytes", Column::Int(users().map(|user| user.bytes).collect())),
        ("connections", Column::Int(users().map(|user| user.connections).collect())),
        ("errors", Column::Int(users().map(|user| user.errors).collect())),
        ("first_at", Column::Time(users().map(|user| user.first_at).collect())),
        ("last_at", Column::Time(users().map(|user| user.last_at).collect())),
    ]);
    let statement = rows.statement(backend, |source| {
        format!(
            "INSERT INTO user_counters (user_id, messages, bytes, connections, errors, first_at, last_at) \
             SELECT r.user_id, r.messages, r.bytes, r.connections, r.errors, r.first_at, r.last_at \
             FROM {source} CROSS JOIN users u WHERE u.id = r.user_id ORDER BY r.user_id \
             ON CONFLICT (user_id) DO UPDATE SET \
             messages = user_counters.messages + excluded.messages, bytes = user_counters.bytes + excluded.bytes, \
             connections = user_counters.connections + excluded.connections, errors = user_counters.errors + excluded.errors, \
             first_at = CASE WHEN excluded.first_at < user_counters.first_at THEN excluded.first_at ELSE user_counters.first_at END, \
             last_at = CASE WHEN excluded.last_at > user_counters.last_at THEN excluded.last_at ELSE user_counters.last_at END"
        )
    });
    (!deltas.users.is_empty()).then_some(statement)
}

fn add_peak(backend: DbBackend, deltas: &Deltas) -> Option<Statement> {
    let peak = deltas.most_connections?;
    let rows = Rows(vec![
        ("name", Column::Text(vec![MOST_CONNECTIONS.into()])),
        ("value", Column::Int(vec![peak.value])),
        ("at", Column::Time(vec![peak.at])),
    ]);
    Some(rows.statement(backend, |source| {
        format!(
            "INSERT INTO counter_totals (name, value, at) SELECT r.name, r.value, r.at FROM {source} WHERE true \
             ON CONFLICT (name) DO UPDATE SET value = excluded.value, at = excluded.at \
             WHERE excluded.value > counter_totals.value"
        )
    }))
}
