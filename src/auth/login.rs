//! Signing up, logging in, staying logged in, logging out: the flows behind `/auth/*`.

use std::sync::Arc;

use crate::{
    actors::{asks::Writer, ended_logins::EndedLogins},
    auth::{
        password::Passwords,
        ticket::UsedTickets,
        token::{Claims, TokenPair, TokenType, Tokens, fingerprint},
    },
    domain::{
        audit::{AuditEvent, Deed},
        ids::{LoginId, UserId},
        refusal::Refusal,
        text::{DisplayName, FullName, Password, Username},
        user::{Caller, Credentials, NewLogin, NewUser, PasswordChange, Rotated, Rotation, User},
    },
    limits::failures::{Attempt, Failures},
    metrics::{LoginOutcome, Metrics},
};

/// What the flows need.
#[derive(Clone, Debug)]
pub struct Logins {
    writer: Writer,
    passwords: Passwords,
    tokens: Tokens,
    tickets: UsedTickets,
    ended: EndedLogins,
    failures: Failures,
    metrics: Arc<Metrics>,
}

impl Logins {
    /// Wires the parts together.
    pub fn new(
        writer: Writer,
        passwords: Passwords,
        tokens: Tokens,
        tickets: UsedTickets,
        ended: EndedLogins,
        failures: Failures,
        metrics: Arc<Metrics>,
    ) -> Self {
        Self { writer, passwords, tokens, tickets, ended, failures, metrics }
    }

    /// Creates an account.
    ///
    /// # Errors
    /// [`Refusal::UsernameTaken`], [`Refusal::Busy`].
    pub async fn sign_up(
        &self,
        username: Username,
        full_name: Option<FullName>,
        password: Password,
        caller: Caller,
    ) -> Result<User, Refusal> {
        let password_hash = self.passwords.hash(password).await?;
        let id = UserId::fresh();
        let deed = Deed::of(AuditEvent::SignedUp, id, None, caller);
        let user = self.writer.create_user(NewUser { id, username, full_name, password_hash, is_admin: false }, deed).await?;
        self.metrics.signed_up();
        Ok(user)
    }

    /// Checks name and password, and begins a login. An unknown name takes as long as a wrong password.
    ///
    /// # Errors
    /// [`Refusal::BadCredentials`], [`Refusal::AccountDisabled`], [`Refusal::RateLimited`], [`Refusal::Busy`].
    pub async fn log_in(&self, username: &str, password: &str, caller: Caller) -> Result<TokenPair, Refusal> {
        let username = Username::parse(username).ok();
        // All that nobody can be called share one account that nobody has.
        let account = username.as_ref().map(Username::key).unwrap_or_default();
        let attempt = self.begin(&account, &caller)?;
        attempt.wait().await;
        let known = match username {
            Some(username) => self.writer.credentials(username).await?,
            None => None,
        };
        let failed = |user| Deed::by_nobody(AuditEvent::LoginFailed, user, caller.clone());
        let known = self.check(attempt, password, known, failed).await?;
        let Some(known) = known else {
            self.metrics.login(LoginOutcome::Failed);
            return Err(Refusal::BadCredentials);
        };
        if known.disabled {
            self.metrics.login(LoginOutcome::Refused);
            self.note(Deed::by_nobody(AuditEvent::LoginRefused, Some(known.user_id), caller)).await;
            return Err(Refusal::AccountDisabled);
        }
        let id = LoginId::fresh();
        let pair = self.issue(known.user_id, id)?;
        let login = NewLogin {
            id,
            user_id: known.user_id,
            refresh_hash: fingerprint(&pair.refresh),
            expires_at: pair.refresh_expires_at,
            caller,
        };
        self.writer.create_login(login, known.password_hash).await?;
        self.metrics.login(LoginOutcome::Success);
        Ok(pair)
    }

    /// Makes a guest of this name, and begins their only login.
    ///
    /// # Errors
    /// [`Refusal::Busy`], [`Refusal::Unavailable`].
    pub async fn enter_as_guest(&self, name: DisplayName, caller: Caller) -> Result<TokenPair, Refusal> {
        let (user_id, id) = (UserId::fresh(), LoginId::fresh());
        let pair = self.issue(user_id, id)?;
        let refresh_hash = fingerprint(&pair.refresh);
        let login = NewLogin { id, user_id, refresh_hash, expires_at: pair.refresh_expires_at, caller };
        self.writer.create_guest(name, login).await?;
        self.metrics.login(LoginOutcome::Success);
        Ok(pair)
    }

    fn begin(&self, account: &str, caller: &Caller) -> Result<Attempt, Refusal> {
        self.failures.begin(account, caller.address).map_err(|wait| {
            self.metrics.limited("failed_logins");
            Refusal::RateLimited(wait)
        })
    }

    /// The credentials, if the password is theirs; a wrong one is counted and put into the audit log.
    async fn check(
        &self,
        attempt: Attempt,
        password: &str,
        known: Option<Credentials>,
        failed: impl FnOnce(Option<UserId>) -> Deed,
    ) -> Result<Option<Credentials>, Refusal> {
        let hash = known.as_ref().map(|known| known.password_hash.clone());
        if self.passwords.verify(Password::attempt(password), hash).await? {
            attempt.succeeded();
            return Ok(known);
        }
        attempt.failed();
        self.note(failed(known.map(|known| known.user_id))).await;
        Ok(None)
    }

    /// Puts something into the audit log that must not fail for the log's sake.
    async fn note(&self, deed: Deed) {
        let event = deed.event.name();
        if let Err(refusal) = self.writer.note(deed).await {
            tracing::warn!(event, %refusal, "audit.not_noted");
        }
    }

    /// Exchanges a refresh token for a new pair. With `grace`, a token that was used a moment ago passes while
    /// its successor is unused.
    ///
    /// # Errors
    /// [`Refusal::BadRefreshToken`]; [`Refusal::RefreshTokenReused`], which ends the login.
    pub async fn refresh(&self, token: &str, grace: bool, caller: Caller) -> Result<TokenPair, Refusal> {
        let Some(claims) = self.tokens.read(token, TokenType::Refresh) else {
            self.metrics.login(LoginOutcome::Rejected);
            return Err(Refusal::BadRefreshToken);
        };
        let pair = self.issue(claims.sub, claims.sid)?;
        let rotation = Rotation {
            login_id: claims.sid,
            presented: fingerprint(token),
            successor: fingerprint(&pair.refresh),
            expires_at: pair.refresh_expires_at,
            life: pair.refresh_life,
            grace,
            caller,
        };
        let rotated = self.writer.rotate(rotation).await?;
        self.metrics.login(match rotated {
            Rotated::Fresh => LoginOutcome::Refreshed,
            Rotated::Rejected => LoginOutcome::Rejected,
            Rotated::Reused(_) => LoginOutcome::Reused,
        });
        match rotated {
            Rotated::Fresh => Ok(pair),
            Rotated::Rejected => Err(Refusal::BadRefreshToken),
            Rotated::Reused(login) => {
                tracing::warn!(%login, user = %claims.sub, "login.refresh_token_reused");
                Err(Refusal::RefreshTokenReused)
            }
        }
    }

    /// Ends the login that calls: its refresh token, its access tokens, its sockets.
    ///
    /// # Errors
    /// [`Refusal::Busy`], [`Refusal::Unavailable`]; then it goes on.
    pub async fn log_out(&self, user: UserId, login: LoginId, caller: Caller) -> Result<(), Refusal> {
        self.end(user, login, Deed::of(AuditEvent::LoggedOut, user, Some(login), caller)).await
    }

    /// Ends another login of the same user.
    ///
    /// # Errors
    /// [`Refusal::UnknownLogin`].
    pub async fn revoke(&self, user: UserId, login: LoginId, caller: Caller) -> Result<(), Refusal> {
        self.end(user, login, Deed::of(AuditEvent::LoginRevoked, user, Some(login), caller)).await
    }

    async fn end(&self, user: UserId, login: LoginId, deed: Deed) -> Result<(), Refusal> {
        self.writer.revoke_login(user, login, deed).await?;
        self.metrics.login(LoginOutcome::Ended);
        Ok(())
    }

    /// Changes a user's password, and ends all their logins but this one.
    ///
    /// # Errors
    /// [`Refusal::WrongPassword`], [`Refusal::NoPassword`], [`Refusal::RateLimited`], [`Refusal::Busy`].
    pub async fn change_password(
        &self,
        user: UserId,
        login: LoginId,
        present: &str,
        new: Password,
        caller: Caller,
    ) -> Result<(), Refusal> {
        let attempt = self.begin(&user.to_string(), &caller)?;
        attempt.wait().await;
        let Some(known) = self.writer.credentials_of(user).await? else { return Err(Refusal::NoPassword) };
        let failed = |_| Deed::of(AuditEvent::PasswordChangeFailed, user, Some(login), caller.clone());
        let known = self.check(attempt, present, Some(known), failed).await?;
        let checked = known.ok_or(Refusal::WrongPassword)?.password_hash;
        let password_hash = self.passwords.hash(new).await?;
        self.writer.change_password(PasswordChange { user_id: user, login_id: login, checked, password_hash, caller }).await
    }

    /// A ticket for one socket of this login.
    ///
    /// # Errors
    /// Only [`Refusal::Internal`].
    pub fn ticket(&self, user: UserId, login: LoginId) -> Result<String, Refusal> {
        self.tokens.ticket(user, login).map_err(no_token)
    }

    /// Who an access token stands for.
    ///
    /// # Errors
    /// [`Refusal::NotAuthenticated`], also for a token whose login was ended.
    pub fn authenticate(&self, token: &str) -> Result<Claims, Refusal> {
        self.live(self.tokens.read(token, TokenType::Access))
    }

    /// Who a ticket stands for. It has to be redeemed before it lets anybody in.
    ///
    /// # Errors
    /// [`Refusal::NotAuthenticated`].
    pub fn read_ticket(&self, ticket: &str) -> Result<Claims, Refusal> {
        self.live(self.tokens.read(ticket, TokenType::Ticket))
    }

    /// Uses up what was shown; an access token is good as often as one likes.
    ///
    /// # Errors
    /// [`Refusal::NotAuthenticated`] for a ticket that was used before.
    pub async fn redeem(&self, shown: Claims) -> Result<Claims, Refusal> {
        let good = shown.token_type != TokenType::Ticket || self.tickets.use_once(&shown).await;
        if good { Ok(shown) } else { Err(Refusal::NotAuthenticated) }
    }

    fn live(&self, claims: Option<Claims>) -> Result<Claims, Refusal> {
        claims.filter(|claims| !self.ended.contains(claims.sid)).ok_or(Refusal::NotAuthenticated)
    }

    fn issue(&self, user: UserId, login: LoginId) -> Result<TokenPair, Refusal> {
        self.tokens.issue(user, login).map_err(no_token)
    }
}

fn no_token(error: impl std::fmt::Display) -> Refusal {
    tracing::error!(%error, "token.issue_failed");
    Refusal::Internal
}
