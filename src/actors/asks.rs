//! What the edge may ask of the writer: one function a question. Every ask has a bound on how many may wait,
//! a time limit, and [`Refusal::Busy`] for when the bound is reached.

use std::{sync::Arc, time::Duration};

use actix::Addr;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use super::{
    budget::Budget,
    job::{Aftermath, Answer, job},
    writer::{DbWriter, Post, Read, Write, lane_key},
};
use crate::{
    domain::{
        audit::{AuditPage, AuditQuery, Deed},
        clock::Timestamp,
        conversation::{Conversation, Head, NewConversation, Started},
        event::{Change, Event},
        ids::{ConversationId, LoginId, MessageKey, Seq, UserId},
        message::{Message, NewMessage, Page, Posted},
        refusal::Refusal,
        text::Username,
        user::{Account, Credentials, Login, NewLogin, NewUser, PasswordChange, Rotated, Rotation, User, UserPage, UserQuery},
    },
    metrics::Metrics,
    store::{Draft, Failure, Store},
    telemetry::journey::{self, Journey},
};

/// Most writes other than posts that may wait.
const WRITES: usize = 1_024;
/// Most reads that may wait.
const READS: usize = 2_048;
/// How long anybody waits for an answer.
const PATIENCE: Duration = Duration::from_secs(15);

/// The way to the writer.
#[derive(Clone, Debug)]
pub struct Writer {
    writer: Addr<DbWriter>,
    budget: Budget,
    writes: Arc<Semaphore>,
    reads: Arc<Semaphore>,
    pub(super) metrics: Arc<Metrics>,
}

impl Writer {
    /// The one handle; clones of it share its bounds.
    pub fn new(writer: Addr<DbWriter>, metrics: Arc<Metrics>) -> Self {
        Self {
            writer,
            budget: Budget::default(),
            writes: Arc::new(Semaphore::new(WRITES)),
            reads: Arc::new(Semaphore::new(READS)),
            metrics,
        }
    }

    /// How many accepted writes are on their way, the fan-out included.
    pub fn pending(&self) -> usize {
        self.budget.taken() + WRITES - self.writes.available_permits()
    }

    /// Resolves when everything accepted is stored, and every message pushed. Nothing may be asked meanwhile.
    pub async fn drained(&self) {
        self.budget.drained().await;
        // An error means closed, which nobody does.
        drop(self.writes.acquire_many(WRITES as u32).await);
    }

    /// Closes the database.
    pub async fn close(&self) {
        let closed = self
            .read_with(self.reads.clone().try_acquire_owned().ok(), async |store: Arc<Store>| {
                store.close().await;
                Ok(())
            })
            .await;
        if let Err(refusal) = closed {
            tracing::warn!(%refusal, "writer.close_failed");
        }
    }

    /// Stores a message and publishes it if it is new. It is on its way when this returns: posts of one caller
    /// keep the order of their calls, however their answers are awaited.
    ///
    /// # Errors
    /// [`Refusal::UnknownConversation`], [`Refusal::NotAMember`], [`Refusal::Busy`], [`Refusal::Unavailable`].
    pub fn post(&self, post: NewMessage) -> impl Future<Output = Answer<Posted>> + use<> {
        let share = self.budget.take(post.weight()).ok_or(Refusal::Busy);
        let sent = share.inspect_err(|refusal| self.metrics.post_refused(refusal)).map(|mut share| {
            let (reply, answer) = oneshot::channel();
            share.journey = Journey::begin();
            self.writer.do_send(Post { draft: Draft { id: MessageKey::fresh(), post }, share, reply });
            answer
        });
        // Logged here as well, where the request's id is known; why is in the writer's own lines.
        async { wait(sent?).await.inspect_err(|refusal| tracing::debug!(code = refusal.code(), "post.refused")) }
    }

    /// Starts a conversation, or finds the one that exists.
    ///
    /// # Errors
    /// [`Refusal::UnknownMember`].
    pub async fn start_conversation(&self, new: NewConversation) -> Answer<Started> {
        // Those who race for the same 1-on-1 wait for each other in one lane.
        let lane = new.members.first().map_or(0, |id| lane_key(id.0));
        self.write(lane, async move |store: Arc<Store>| {
            let started = store.start_conversation(&new).await?;
            // Also of one that exists: joining twice is joining once, and whoever was told nothing the first time
            // (the process ended right after the commit) is told now.
            let (Started::New(conversation) | Started::Existing(conversation)) = &started;
            let event = Event {
                conversation_id: conversation.id,
                rev: conversation.rev,
                change: Change::Started(conversation.members.clone()),
            };
            Ok((started, Aftermath::Committed(event)))
        })
        .await
    }

    /// Moves a read mark forward.
    ///
    /// # Errors
    /// [`Refusal::UnknownConversation`], [`Refusal::NotAMember`].
    pub async fn mark_read(&self, id: ConversationId, user: UserId, seq: Seq) -> Answer<Seq> {
        self.write(lane_key(id.0), async move |store: Arc<Store>| Ok((store.mark_read(id, user, seq).await?, Aftermath::None)))
            .await
    }

    /// Creates an account.
    ///
    /// # Errors
    /// [`Refusal::UsernameTaken`].
    pub async fn create_user(&self, new: NewUser, deed: Deed) -> Answer<User> {
        self.write(rand_lane(), async move |store: Arc<Store>| Ok((store.create_user(new, &deed).await?, Aftermath::None))).await
    }

    /// Puts something into the audit log.
    pub async fn note(&self, deed: Deed) -> Answer<()> {
        self.write(rand_lane(), async move |store: Arc<Store>| Ok((store.note(&deed).await?, Aftermath::None))).await
    }

    /// A page of the audit log.
    pub async fn audit_log(&self, query: AuditQuery) -> Answer<AuditPage> {
        self.read(async move |store: Arc<Store>| store.audit_log(query).await).await
    }

    /// Stores a login.
    ///
    /// # Errors
    /// [`Refusal::BadCredentials`], [`Refusal::AccountDisabled`].
    pub async fn create_login(&self, new: NewLogin) -> Answer<()> {
        self.write(lane_key(new.id.0), async move |store: Arc<Store>| {
            Ok(((), Aftermath::LoginsEnded(store.create_login(&new).await?)))
        })
        .await
    }

    /// Exchanges a refresh token. A reused one ends its login, sockets included, even when the caller has gone.
    pub async fn rotate(&self, rotation: Rotation) -> Answer<Rotated> {
        self.write(lane_key(rotation.login_id.0), async move |store: Arc<Store>| {
            let rotated = store.rotate(&rotation).await?;
            let aftermath = match rotated {
                Rotated::Reused(login) => Aftermath::LoginsEnded(vec![login]),
                Rotated::Fresh | Rotated::Rejected => Aftermath::None,
            };
            Ok((rotated, aftermath))
        })
        .await
    }

    /// Ends a login of a user's own: its tokens and its sockets.
    ///
    /// # Errors
    /// [`Refusal::UnknownLogin`].
    pub async fn revoke_login(&self, owner: UserId, id: LoginId, deed: Deed) -> Answer<()> {
        self.write(lane_key(id.0), async move |store: Arc<Store>| {
            store.revoke_login(owner, id, &deed).await?;
            Ok(((), Aftermath::LoginsEnded(vec![id])))
        })
        .await
    }

    /// Changes a password; the user's other logins end.
    ///
    /// # Errors
    /// [`Refusal::WrongPassword`].
    pub async fn change_password(&self, change: PasswordChange) -> Answer<()> {
        self.write(lane_key(change.user_id.0), async move |store: Arc<Store>| {
            Ok(((), Aftermath::LoginsEnded(store.change_password(&change).await?)))
        })
        .await
    }

    /// A user's logins that are good.
    pub async fn logins(&self, owner: UserId, current: LoginId) -> Answer<Vec<Login>> {
        self.read(async move |store: Arc<Store>| store.logins(owner, current).await).await
    }

    /// Logins ended after `since`.
    pub async fn revoked_logins(&self, since: Timestamp) -> Answer<Vec<LoginId>> {
        self.read(async move |store: Arc<Store>| store.revoked_logins(since).await).await
    }

    /// What to check a password of this name against.
    pub async fn credentials(&self, username: Username) -> Answer<Option<Credentials>> {
        self.read(async move |store: Arc<Store>| store.credentials(&username).await).await
    }

    /// What to check a user's own password against.
    pub async fn credentials_of(&self, id: UserId) -> Answer<Option<Credentials>> {
        self.read(async move |store: Arc<Store>| store.credentials_of(id).await).await
    }

    /// One account.
    pub async fn account(&self, id: UserId) -> Answer<Option<Account>> {
        self.read(async move |store: Arc<Store>| store.account(id).await).await
    }

    /// Whether a user is an admin.
    pub async fn is_admin(&self, id: UserId) -> Answer<bool> {
        self.read(async move |store: Arc<Store>| store.is_admin(id).await).await
    }

    /// A page of users.
    pub async fn users(&self, query: UserQuery) -> Answer<UserPage> {
        self.read(async move |store: Arc<Store>| store.users(query).await).await
    }

    /// All conversations of a user.
    pub async fn conversations(&self, viewer: UserId) -> Answer<Vec<Conversation>> {
        self.read(async move |store: Arc<Store>| store.conversations(viewer).await).await
    }

    /// Where each of a user's conversations stands. A device that connects waits for its turn rather than be
    /// refused: its connection is the bound.
    pub async fn heads(&self, viewer: UserId) -> Answer<Vec<Head>> {
        let turn = tokio::time::timeout(PATIENCE, Arc::clone(&self.reads).acquire_owned()).await;
        let turn = turn.ok().and_then(Result::ok);
        self.read_with(turn, async move |store: Arc<Store>| store.heads(viewer).await).await
    }

    /// A page of a conversation's history.
    ///
    /// # Errors
    /// [`Refusal::UnknownConversation`], [`Refusal::NotAMember`].
    pub async fn history(&self, id: ConversationId, viewer: UserId, page: Page, limit: u64) -> Answer<Vec<Message>> {
        self.read(async move |store: Arc<Store>| store.history(id, viewer, page, limit).await).await
    }

    /// Whether a user may see a conversation.
    ///
    /// # Errors
    /// [`Refusal::UnknownConversation`], [`Refusal::NotAMember`].
    pub async fn require_member(&self, id: ConversationId, user: UserId) -> Answer<()> {
        self.read(async move |store: Arc<Store>| store.require_member(id, user).await).await
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Answer<()> {
        self.read(async |store: Arc<Store>| store.ping().await).await
    }

    pub(super) async fn read<T: Send + 'static>(
        &self,
        ask: impl AsyncFnOnce(Arc<Store>) -> Result<T, Failure> + Send + 'static,
    ) -> Answer<T> {
        self.read_with(Arc::clone(&self.reads).try_acquire_owned().ok(), ask).await
    }

    async fn read_with<T: Send + 'static>(
        &self,
        turn: Option<OwnedSemaphorePermit>,
        ask: impl AsyncFnOnce(Arc<Store>) -> Result<T, Failure> + Send + 'static,
    ) -> Answer<T> {
        let turn = turn.ok_or(Refusal::Busy)?;
        let (job, answer) = job(turn, journey::read, async |store| Ok((ask(store).await?, Aftermath::None)));
        self.writer.do_send(Read(job));
        wait(answer).await
    }

    pub(super) async fn write<T: Send + 'static>(
        &self,
        lane: u64,
        ask: impl AsyncFnOnce(Arc<Store>) -> Result<(T, Aftermath), Failure> + Send + 'static,
    ) -> Answer<T> {
        let turn = Arc::clone(&self.writes).try_acquire_owned().map_err(|_| Refusal::Busy)?;
        let (job, answer) = job(turn, journey::write, ask);
        self.writer.do_send(Write { lane, job });
        wait(answer).await
    }
}

async fn wait<T>(answer: oneshot::Receiver<Answer<T>>) -> Answer<T> {
    match tokio::time::timeout(PATIENCE, answer).await {
        Ok(Ok(answer)) => answer,
        // The work panicked, which is logged where it happened.
        Ok(Err(_)) => Err(Refusal::Internal),
        Err(_) => {
            tracing::warn!("writer.ask_timed_out");
            Err(Refusal::Unavailable)
        }
    }
}

/// New accounts have no order to keep.
fn rand_lane() -> u64 {
    lane_key(uuid::Uuid::new_v4())
}
