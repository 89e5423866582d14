//! Signing up, logging in, staying logged in, logging out: the flows behind `/auth/*`.

use std::sync::Arc;

use crate::{
    actors::{asks::Writer, ended_logins::EndedLogins},
    auth::{
        password::Passwords,
        token::{Claims, TokenPair, TokenType, Tokens, fingerprint},
    },
    domain::{
        ids::{LoginId, UserId},
        refusal::Refusal,
        text::{FullName, Password, Username},
        user::{Caller, NewLogin, NewUser, Rotated, Rotation, User},
    },
    metrics::{LoginOutcome, Metrics},
};

/// What the flows need.
#[derive(Clone, Debug)]
pub struct Logins {
    writer: Writer,
    passwords: Passwords,
    tokens: Tokens,
    ended: EndedLogins,
    metrics: Arc<Metrics>,
}

impl Logins {
    /// Wires the parts together.
    pub fn new(writer: Writer, passwords: Passwords, tokens: Tokens, ended: EndedLogins, metrics: Arc<Metrics>) -> Self {
        Self { writer, passwords, tokens, ended, metrics }
    }

    /// Creates an account.
    ///
    /// # Errors
    /// [`Refusal::UsernameTaken`], [`Refusal::Busy`].
    pub async fn sign_up(&self, username: Username, full_name: Option<FullName>, password: Password) -> Result<User, Refusal> {
        let password_hash = self.passwords.hash(password).await?;
        let user = self.writer.create_user(NewUser { username, full_name, password_hash }).await?;
        self.metrics.signed_up();
        Ok(user)
    }

    /// Checks name and password, and begins a login. An unknown name takes as long as a wrong password.
    ///
    /// # Errors
    /// [`Refusal::BadCredentials`], [`Refusal::Busy`].
    pub async fn log_in(&self, username: &str, password: &str, caller: Caller) -> Result<TokenPair, Refusal> {
        let credentials = match Username::parse(username) {
            Ok(username) => self.writer.credentials(username).await?,
            // Nobody can have such a name.
            Err(_) => None,
        };
        let (user_id, hash) = credentials.map(|known| (known.user_id, known.password_hash)).unzip();
        let matches = self.passwords.verify(Password::attempt(password), hash).await?;
        let user_id = user_id.filter(|_| matches).ok_or_else(|| {
            self.metrics.login(LoginOutcome::Failed);
            Refusal::BadCredentials
        })?;
        let id = LoginId::fresh();
        let pair = self.issue(user_id, id)?;
        let login = NewLogin {
            id,
            user_id,
            refresh_hash: fingerprint(&pair.refresh),
            expires_at: pair.refresh_expires_at,
            user_agent: caller.user_agent,
            address: caller.address.map(|address| address.to_string()),
        };
        self.writer.create_login(login).await?;
        self.metrics.login(LoginOutcome::Success);
        Ok(pair)
    }

    /// Exchanges a refresh token for a new pair. With `grace`, a token that was used a moment ago passes while
    /// its successor is unused.
    ///
    /// # Errors
    /// [`Refusal::BadRefreshToken`]; [`Refusal::RefreshTokenReused`], which ends the login.
    pub async fn refresh(&self, token: &str, grace: bool) -> Result<TokenPair, Refusal> {
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

    /// Ends a login: its refresh token, its access tokens, its sockets.
    ///
    /// # Errors
    /// [`Refusal::Busy`], [`Refusal::Unavailable`]; then it goes on.
    pub async fn log_out(&self, login: LoginId) -> Result<(), Refusal> {
        self.writer.revoke_login(login).await?;
        self.metrics.login(LoginOutcome::Ended);
        Ok(())
    }

    /// Who an access token stands for.
    ///
    /// # Errors
    /// [`Refusal::NotAuthenticated`], also for a token whose login was ended.
    pub fn authenticate(&self, token: &str) -> Result<Claims, Refusal> {
        let claims = self.tokens.read(token, TokenType::Access).ok_or(Refusal::NotAuthenticated)?;
        if self.ended.contains(claims.sid) { Err(Refusal::NotAuthenticated) } else { Ok(claims) }
    }

    fn issue(&self, user: UserId, login: LoginId) -> Result<TokenPair, Refusal> {
        self.tokens.issue(user, login).map_err(|error| {
            tracing::error!(%error, "token.issue_failed");
            Refusal::Internal
        })
    }
}
