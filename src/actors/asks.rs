//! What the edge may ask of the writer: one function a question. Every ask has a bound on how many may wait,
//! a time limit, and [`Refusal::Busy`] for when the bound is reached.

use std::{sync::Arc, time::Duration};

use actix::Addr;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tracing::Span;

use super::{
    budget::Budget,
    job::{Aftermath, Answer, GuestSweep, job},
    marking::Mark,
    room::Origin,
    writer::{DbWriter, Post, Read, Write, lane_key},
};
use crate::{
    backplane::News,
    domain::{
        audit::{AuditPage, AuditQuery, Deed},
        clock::Timestamp,
        conversation::{Conversation, ConversationState, NewConversation, ReadMark, Started},
        ids::{ConversationId, LoginId, MessageKey, Seq, UserId},
        membership::ConversationEdit,
        message::{NewMessage, Posted},
        refusal::Refusal,
        text::{FullName, Username},
        user::{Account, Credentials, Login, NewLogin, NewUser, PasswordChange, Rotated, Rotation, User, UserPage, UserQuery},
    },
    metrics::Metrics,
    store::{Draft, Edited, Failure, Openings, Pages, Store},
    telemetry::journey::{self, Journey},
};

/// Most writes other than posts that may wait.
const WRITES: usize = 1_024;
/// Most read marks that may wait: a message in a big group is read by all at once.
const MARKS: usize = 16_384;
/// Most reads that may wait.
const READS: usize = 2_048;
/// Most reads for devices that catch up at a time: they mustn't take every connection.
const RESUMES: usize = 3;
/// How long anybody waits for an answer.
pub(super) const PATIENCE: Duration = Duration::from_secs(15);

/// The way to the writer.
#[derive(Clone, Debug)]
pub struct Writer {
    pub(super) writer: Addr<DbWriter>,
    budget: Budget,
    writes: Arc<Semaphore>,
    marks: Arc<Semaphore>,
    pub(super) reads: Arc<Semaphore>,
    pub(super) resumes: Arc<Semaphore>,
    pub(super) guests: GuestSweep,
    pub(super) metrics: Arc<Metrics>,
    pub(super) pages: Arc<Pages>,
    pub(super) openings: Arc<Openings>,
}

impl Writer {
    /// The one handle; clones of it share its bounds.
    pub fn new(writer: Addr<DbWriter>, guests: GuestSweep, metrics: Arc<Metrics>, pages: Arc<Pages>) -> Self {
        Self {
            writer,
            budget: Budget::default(),
            writes: Arc::new(Semaphore::new(WRITES)),
            marks: Arc::new(Semaphore::new(MARKS)),
            reads: Arc::new(Semaphore::new(READS)),
            resumes: Arc::new(Semaphore::new(RESUMES)),
            guests,
            metrics,
            pages,
            openings: Arc::default(),
        }
    }

    /// How many accepted writes are on their way, the fan-out included.
    pub fn pending(&self) -> usize {
        self.budget.taken() + WRITES - self.writes.available_permits() + MARKS - self.marks.available_permits()
    }

    /// Resolves when everything accepted is stored, and every message pushed. Nothing may be asked meanwhile.
    pub async fn drained(&self) {
        self.budget.drained().await;
        // An error means closed, which nobody does.
        drop(self.writes.acquire_many(WRITES as u32).await);
        drop(self.marks.acquire_many(MARKS as u32).await);
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
    ///
    /// The device that sent it, if it speaks v2, is answered by the room.
    pub fn post(&self, post: NewMessage, origin: Option<Box<Origin>>) -> impl Future<Output = Answer<Posted>> + use<> {
        let share = self.budget.take(post.weight()).ok_or(Refusal::Busy);
        let sent = share.inspect_err(|refusal| self.metrics.post_refused(refusal)).map(|mut share| {
            let (reply, answer) = oneshot::channel();
            share.journey = Journey::begin();
            self.writer.do_send(Post { draft: Draft { id: MessageKey::fresh(), post }, share, origin, reply });
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
            let news = match &started {
                Started::New(state) => {
                    News::Changed { added: state.members.clone(), removed: None, state: Box::new(state.clone()) }
                }
                // Joining twice is joining once, and whoever was told nothing the first time (the process ended right
                // after the commit) is told now.
                Started::Existing(conversation) => News::Known { state: Box::new(conversation.state.clone()), opened: true },
            };
            Ok((started, news.into()))
        })
        .await
    }

    /// Changes a conversation's title or members.
    ///
    /// # Errors
    /// [`Refusal::UnknownConversation`], [`Refusal::UnknownMember`], and those of [`ConversationEdit::decide`].
    pub async fn edit_conversation(&self, edit: ConversationEdit) -> Answer<ConversationState> {
        let outcome = self.write(lane_key(edit.id.0), async move |store: Arc<Store>| {
            match store.edit_conversation(&edit).await {
                Ok(Edited { state, effect }) if effect.is_empty() => {
                    Ok((Ok(state.clone()), News::Known { state: Box::new(state), opened: false }.into()))
                }
                Ok(Edited { state, effect }) => {
                    let (added, removed) = (effect.added, effect.removed);
                    Ok((Ok(state.clone()), News::Changed { state: Box::new(state), added, removed }.into()))
                }
                // It may be stored all the same.
                Err(failure @ Failure::Unavailable(_)) => Ok((Err(failure.into_refusal()), Aftermath::Doubtful(edit.id))),
                Err(failure) => Err(failure),
            }
        });
        outcome.await?
    }

    /// A conversation as one of its members sees it.
    ///
    /// # Errors
    /// [`Refusal::UnknownConversation`], [`Refusal::NotAMember`].
    pub async fn conversation(&self, id: ConversationId, viewer: UserId) -> Answer<Conversation> {
        self.read(async move |store: Arc<Store>| store.conversation(id, viewer).await).await
    }

    /// Moves a read mark forward; where it stands.
    ///
    /// # Errors
    /// [`Refusal::UnknownConversation`], [`Refusal::NotAMember`].
    pub async fn mark_read(&self, mark: ReadMark) -> Answer<Seq> {
        let turn = Arc::clone(&self.marks).try_acquire_owned().map_err(|_| Refusal::Busy)?;
        let (reply, answer) = oneshot::channel();
        self.writer.do_send(Mark { mark, waiter: (turn, journey::write(Span::current()), reply) });
        wait(answer).await
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
    pub async fn create_login(&self, new: NewLogin, checked: String) -> Answer<()> {
        self.write(lane_key(new.id.0), async move |store: Arc<Store>| {
            Ok(((), News::LoginsEnded(store.create_login(&new, &checked).await?).into()))
        })
        .await
    }

    /// Sets a user's real name; their account as it is then. Guests who are connected hear them called so from now on.
    ///
    /// # Errors
    /// [`Refusal::NotAuthenticated`] when there is no such account.
    pub async fn set_full_name(&self, id: UserId, full_name: Option<FullName>) -> Answer<Account> {
        let guests = self.guests.after.is_some();
        self.write(lane_key(id.0), async move |store: Arc<Store>| {
            let account = store.set_full_name(id, full_name.as_ref()).await?;
            // It is stored, whether or not others can be told.
            let heads = if guests { store.standing(id).await.map(|(_, heads)| heads).unwrap_or_default() } else { Vec::new() };
            let conversations = heads.into_iter().map(|head| (head.conversation_id, head.rev)).collect();
            Ok((account, News::Renamed(conversations).into()))
        })
        .await
    }

    /// Exchanges a refresh token. A reused one ends its login, sockets included, even when the caller has gone.
    pub async fn rotate(&self, rotation: Rotation) -> Answer<Rotated> {
        self.write(lane_key(rotation.login_id.0), async move |store: Arc<Store>| {
            let rotated = store.rotate(&rotation).await?;
            let aftermath = match rotated {
                Rotated::Reused(login) => News::LoginsEnded(vec![login]).into(),
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
            Ok(((), News::LoginsEnded(vec![id]).into()))
        })
        .await
    }

    /// Changes a password; the user's other logins end.
    ///
    /// # Errors
    /// [`Refusal::WrongPassword`].
    pub async fn change_password(&self, change: PasswordChange) -> Answer<()> {
        self.write(lane_key(change.user_id.0), async move |store: Arc<Store>| {
            Ok(((), News::LoginsEnded(store.change_password(&change).await?).into()))
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

    pub(super) async fn read_with<T: Send + 'static>(
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

pub(super) async fn wait<T>(answer: oneshot::Receiver<Answer<T>>) -> Answer<T> {
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
