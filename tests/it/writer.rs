//! The store's group commit, against real databases: random batches with repeats, refusals and failures.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, atomic::Ordering},
};

use futures_util::future::join_all;
use pneumatic::{
    domain::{
        audit::{AuditEvent, Deed},
        clock::Clock,
        conversation::{NewConversation, Started},
        event::Event,
        ids::{ConversationId, LoginId, MessageKey, Rev, Seq, UserId},
        message::{Message, NewMessage, Page, Posted},
        refusal::Refusal,
        text::{Content, IdempotencyKey, MessageId, Username},
        user::{Caller, NewLogin, NewUser},
    },
    store::{Draft, Pools, Store},
};
use proptest::{
    collection::vec,
    prelude::*,
    strategy::ValueTree,
    test_runner::{Config, TestRunner},
};
use sea_orm::{ConnectionTrait, DbBackend, Statement};

use crate::support::{
    database::{Database, Kind},
    eventually,
    world::World,
};

/// What the database itself refuses, by a trigger.
const POISON: &str = "poison";

async fn poisonable(database: &Database) {
    let connection = database.connect().await;
    let statements: &[&str] = match database.kind {
        Kind::Sqlite => &["CREATE TRIGGER poison BEFORE INSERT ON messages WHEN NEW.content = 'poison' \
             BEGIN SELECT RAISE(ABORT, 'poisoned'); END"],
        Kind::Postgres => &[
            "CREATE FUNCTION poison() RETURNS trigger AS $$ BEGIN \
             IF NEW.content = 'poison' THEN RAISE 'poisoned'; END IF; RETURN NEW; END $$ LANGUAGE plpgsql",
            "CREATE TRIGGER poison BEFORE INSERT ON messages FOR EACH ROW EXECUTE FUNCTION poison()",
        ],
    };
    for statement in statements {
        connection.execute_unprepared(statement).await.unwrap();
    }
    connection.close().await.unwrap();
}

async fn user(store: &Store, name: &str) -> UserId {
    let id = UserId::fresh();
    let username = Username::parse(name).unwrap();
    let new = NewUser { id, username, full_name: None, password_hash: "x".into(), is_admin: false };
    let deed = Deed::of(AuditEvent::SignedUp, id, None, Caller::default());
    store.create_user(new, &deed).await.unwrap().id
}

async fn conversation(store: &Store, creator: UserId, others: &[UserId]) -> ConversationId {
    let new = NewConversation::new(creator, others.iter().copied(), None, None).unwrap();
    match store.start_conversation(&new).await.unwrap() {
        Started::New(state) => state.id,
        Started::Existing(conversation) => conversation.state.id,
    }
}

fn draft(conversation_id: ConversationId, sender_id: UserId, name: u8, content: &str) -> Draft {
    Draft {
        id: MessageKey::fresh(),
        post: NewMessage {
            message_id: MessageId::parse(name.to_string()).unwrap(),
            conversation_id,
            sender_id,
            content: Content::parse(content.into()).unwrap(),
        },
    }
}

async fn whole_history(store: &Store, conversation: ConversationId, viewer: UserId) -> Vec<Message> {
    let mut all: Vec<Message> = Vec::new();
    loop {
        let after = all.last().map_or(Seq(0), |message| message.seq);
        let page = store.history(conversation, viewer, Page::After(after), 200).await.unwrap();
        if page.messages.is_empty() {
            return all;
        }
        all.extend(page.messages);
    }
}

async fn random_batches(kind: Kind) {
    let database = Database::fresh(kind).await;
    let store = Arc::new(database.store().await);
    poisonable(&database).await;
    let [ann, bob, eve] = [user(&store, "ann").await, user(&store, "bob").await, user(&store, "eve").await];
    let known = [conversation(&store, ann, &[bob]).await, conversation(&store, ann, &[bob, eve]).await];
    let rooms = [known[0], known[1], ConversationId::fresh()];
    let people = [ann, bob, eve];
    let mut log: HashMap<ConversationId, Vec<Message>> = HashMap::new();
    let mut runner = TestRunner::new(Config::default());
    // (room, person, name, poisoned), several batches side by side as PostgreSQL's lanes commit them.
    let batches = vec(vec((0..3_usize, 0..3_usize, 0..40_u8, prop::bool::weighted(0.03)), 1..30), 1..4);
    for _ in 0..40 {
        let round = batches.new_tree(&mut runner).unwrap().current();
        let running: Vec<_> = round
            .into_iter()
            .enumerate()
            .map(|(lane, batch)| {
                // A room keeps to one lane.
                let drafts: Vec<Draft> = batch
                    .into_iter()
                    .map(|(room, person, name, poisoned)| {
                        draft(rooms[(room + lane) % 3], people[person], name, if poisoned { POISON } else { "x" })
                    })
                    .collect();
                let store = Arc::clone(&store);
                async move {
                    let committed = store.post(&drafts).await;
                    (drafts, committed)
                }
            })
            .collect();
        for (drafts, committed) in join_all(running).await {
            assert_eq!(committed.outcomes.len(), drafts.len());
            let mut fresh = Vec::new();
            for (draft, outcome) in drafts.iter().zip(&committed.outcomes) {
                let post = &draft.post;
                match outcome {
                    Ok(Posted::New(message)) => {
                        assert_eq!((message.id, &message.message_id), (draft.id, &post.message_id));
                        fresh.push(message.clone());
                        log.entry(post.conversation_id).or_default().push(message.clone());
                    }
                    Ok(Posted::Repeat(message)) => {
                        assert_eq!((message.sender_id, &message.message_id), (post.sender_id, &post.message_id));
                    }
                    Err(Refusal::UnknownConversation) => assert_eq!(post.conversation_id, rooms[2]),
                    Err(Refusal::NotAMember) => assert_eq!((post.conversation_id, post.sender_id), (rooms[0], eve)),
                    Err(Refusal::Internal) => assert_eq!(post.content.as_str(), POISON, "only the poisoned one fails"),
                    Err(other) => panic!("{other}"),
                }
            }
            let told: Vec<_> = committed.events.iter().map(|event| (event.conversation_id, event.rev)).collect();
            assert_eq!(told, fresh.iter().map(|m| (m.conversation_id, m.rev)).collect::<Vec<_>>(), "all that is new is told");
        }
    }
    for room in known {
        let stored = whole_history(&store, room, ann).await;
        let mut told = log.remove(&room).unwrap();
        told.sort_by_key(|message| message.seq);
        assert_eq!(stored, told, "what was answered is what is there");
        let names: HashSet<_> = stored.iter().map(|m| (m.sender_id, m.message_id.clone())).collect();
        assert_eq!(names.len(), stored.len());
        for (i, message) in stored.iter().enumerate() {
            assert_eq!((message.seq, message.rev), (Seq(i as i64 + 1), Rev(i as i64 + 2)));
        }
        let seen = store.conversation(room, ann).await.unwrap();
        assert_eq!((seen.state.last_seq.0, seen.state.rev.0), (stored.len() as i64, stored.len() as i64 + 1));
        let last_own = stored.iter().filter(|m| m.sender_id == ann).map(|m| m.seq).max().unwrap_or_default();
        assert_eq!(seen.last_read_seq, last_own);
        let changes = store.changes(room, Rev(3), 10).await.unwrap();
        let expected: Vec<Event> = stored[2..12.min(stored.len())].iter().cloned().map(Event::message).collect();
        assert_eq!(changes.events, expected);
        assert_eq!(changes.more, stored.len() > 12);
    }
    store.close().await;
    database.drop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn random_batches_on_sqlite() {
    random_batches(Kind::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn random_batches_on_postgres() {
    random_batches(Kind::Postgres).await;
}

/// Expired logins and outlived keys go; the others stay.
#[tokio::test]
async fn what_has_no_more_to_say_is_swept() {
    for kind in [Kind::Sqlite, Kind::Postgres] {
        let database = Database::fresh(kind).await;
        let ahead = Arc::new(std::sync::atomic::AtomicI64::new(0));
        let clock = {
            let ahead = Arc::clone(&ahead);
            Clock::from_fn(move || chrono::Utc::now() + chrono::Duration::days(ahead.load(Ordering::Relaxed)))
        };
        let store = Store::connect(&database.url.parse().unwrap(), Pools::default(), clock.clone()).await.unwrap();
        let ann = user(&store, "ann").await;
        let login = |expires: i64| NewLogin {
            id: LoginId::fresh(),
            user_id: ann,
            refresh_hash: expires.to_string(),
            expires_at: clock.now() + chrono::Duration::days(expires),
            caller: Caller::default(),
        };
        for expires in [7, 70] {
            store.create_login(&login(expires), "x").await.unwrap();
        }
        let key = IdempotencyKey::parse("k").unwrap();
        store.start_conversation(&NewConversation::new(ann, [], None, Some(key)).unwrap()).await.unwrap();
        let connection = database.connect().await;
        let count = async |table: &str| -> i64 {
            let count = Statement::from_string(connection.get_database_backend(), format!("SELECT count(*) FROM {table}"));
            connection.query_one_raw(count).await.unwrap().unwrap().try_get_by_index(0).unwrap()
        };
        let mut left = Vec::new();
        for days in [0, 38] {
            ahead.store(days, Ordering::Relaxed);
            store.sweep().await.unwrap();
            left.push((count("logins").await, count("refresh_tokens").await, count("idempotency_keys").await));
        }
        assert_eq!(left, [(2, 2, 1), (1, 1, 0)]);
        connection.close().await.unwrap();
        store.close().await;
        database.drop().await;
    }
}

/// A message is the same whoever reads it, and whichever database kept it.
#[tokio::test]
async fn times_are_kept_to_the_microsecond() {
    for kind in [Kind::Sqlite, Kind::Postgres] {
        let database = Database::fresh(kind).await;
        let store = database.store().await;
        let ann = user(&store, "ann").await;
        let room = conversation(&store, ann, &[]).await;
        let committed = store.post(&[draft(room, ann, 1, "x")]).await;
        let told = committed.outcomes[0].as_ref().unwrap().message().clone();
        assert_eq!(whole_history(&store, room, ann).await, [told]);
        store.close().await;
        database.drop().await;
    }
}

/// PostgreSQL plans for the life of a connection, by what tables were when they were empty.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tables_are_read_by_their_indexes() {
    const POSTS: i64 = 200;
    let world = World::start(Kind::Postgres, &[]).await;
    let [ann, bob] = world.people(["ann", "bob"]).await;
    let room = ann.conversation_with(&[&bob]).await;
    for i in 0..POSTS {
        ann.say(&room, &format!("message {i}")).await;
        assert_eq!(ann.get("/users?q=b").await.1["users"][0]["id"], bob.id.as_str());
    }
    let connection = world.database.connect().await;
    for table in ["messages", "conversations", "conversation_members", "users"] {
        let scans = format!("SELECT seq_scan, COALESCE(idx_scan, 0) FROM pg_stat_user_tables WHERE relname = '{table}'");
        // PostgreSQL counts with some delay.
        eventually(&format!("{table} was read by its key"), async || {
            let counted = connection.query_one_raw(Statement::from_string(DbBackend::Postgres, &scans)).await.unwrap().unwrap();
            let (all, by_key): (i64, i64) = (counted.try_get_by_index(0).unwrap(), counted.try_get_by_index(1).unwrap());
            assert!(all < POSTS / 4, "{table} was read from end to end {all} times");
            by_key >= POSTS / 2
        })
        .await;
    }
    connection.close().await.unwrap();
    world.finish().await;
}
