//! Tokens: JWTs (RFC 7519) signed with HS256 and nothing else (RFC 8725, section 3.1).

use chrono::{DateTime, Duration};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::domain::{
    clock::{Clock, Timestamp},
    ids::{LoginId, UserId},
};

/// How long a ticket is good.
pub const TICKET_LIFE: Duration = Duration::seconds(30);

/// What a token is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TokenType {
    /// Calls and sockets.
    Access,
    /// Getting the next pair.
    Refresh,
    /// Opening one socket.
    Ticket,
}

/// What a token says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// Whose it is.
    pub sub: UserId,
    /// Until when, in seconds since 1970.
    pub exp: i64,
    /// Since when, in seconds since 1970.
    pub iat: i64,
    /// Its own id: no two tokens are alike.
    pub jti: Uuid,
    /// What it is good for.
    #[serde(rename = "type")]
    pub token_type: TokenType,
    /// By which login it was given out.
    pub sid: LoginId,
}

impl Claims {
    /// Until when.
    pub fn expires_at(&self) -> Timestamp {
        DateTime::from_timestamp(self.exp, 0).unwrap_or(DateTime::UNIX_EPOCH)
    }
}

/// A pair, as given out at a login or a refresh.
#[derive(Clone, Debug)]
pub struct TokenPair {
    /// The access token.
    pub access: String,
    /// How long it is good.
    pub access_life: Duration,
    /// The refresh token.
    pub refresh: String,
    /// How long it is good.
    pub refresh_life: Duration,
    /// Until when it is good.
    pub refresh_expires_at: Timestamp,
}

/// Makes and reads tokens.
#[derive(Clone)]
pub struct Tokens {
    encoding: EncodingKey,
    decoding: DecodingKey,
    access_life: Duration,
    refresh_life: Duration,
    clock: Clock,
}

impl Tokens {
    /// With this secret, and these lives.
    pub fn new(secret: &[u8], access_life: Duration, refresh_life: Duration, clock: Clock) -> Self {
        Self {
            encoding: EncodingKey::from_secret(secret),
            decoding: DecodingKey::from_secret(secret),
            access_life,
            refresh_life,
            clock,
        }
    }

    /// A pair for a login.
    ///
    /// # Errors
    /// Only when the crypto backend is missing from the build.
    pub fn issue(&self, user: UserId, login: LoginId) -> Result<TokenPair, jsonwebtoken::errors::Error> {
        let now = self.clock.now();
        let make = |token_type, life| self.make(token_type, user, login, now, now + life);
        Ok(TokenPair {
            access: make(TokenType::Access, self.access_life)?,
            access_life: self.access_life,
            refresh: make(TokenType::Refresh, self.refresh_life)?,
            refresh_life: self.refresh_life,
            refresh_expires_at: now + self.refresh_life,
        })
    }

    /// A ticket that opens one socket for a login.
    ///
    /// # Errors
    /// Only when the crypto backend is missing from the build.
    pub fn ticket(&self, user: UserId, login: LoginId) -> Result<String, jsonwebtoken::errors::Error> {
        let now = self.clock.now();
        self.make(TokenType::Ticket, user, login, now, now + TICKET_LIFE)
    }

    fn make(
        &self,
        token_type: TokenType,
        user: UserId,
        login: LoginId,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<String, jsonwebtoken::errors::Error> {
        let claims =
            Claims { sub: user, exp: until.timestamp(), iat: now.timestamp(), jti: Uuid::new_v4(), token_type, sid: login };
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &self.encoding)
    }

    /// What a token says, if it is ours, of this type, and not expired.
    pub fn read(&self, token: &str, expected: TokenType) -> Option<Claims> {
        let mut validation = Validation::new(Algorithm::HS256);
        // Expiry is compared below, with the clock that was handed in.
        validation.validate_exp = false;
        validation.required_spec_claims.clear();
        let claims = jsonwebtoken::decode::<Claims>(token, &self.decoding, &validation).ok()?.claims;
        (claims.token_type == expected && self.clock.now() < claims.expires_at()).then_some(claims)
    }
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tokens")
    }
}

/// What is stored of a refresh token. It carries 122 random bits, so a plain hash is enough.
pub fn fingerprint(token: &str) -> String {
    use std::fmt::Write;
    Sha256::digest(token.as_bytes()).iter().fold(String::with_capacity(64), |mut hex, byte| {
        // Writing to a String can't fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

#[cfg(test)]
mod tests {
    use chrono::Utc;

    use super::*;

    fn tokens(secret: &[u8], clock: Clock) -> Tokens {
        Tokens::new(secret, Duration::minutes(15), Duration::days(7), clock)
    }

    #[test]
    fn a_token_is_read_only_as_what_it_is() {
        let tokens = tokens(b"secret", Clock::system());
        let pair = tokens.issue(UserId::fresh(), LoginId::fresh()).unwrap();
        assert!(tokens.read(&pair.access, TokenType::Access).is_some());
        assert!(tokens.read(&pair.access, TokenType::Refresh).is_none());
        assert!(tokens.read(&pair.refresh, TokenType::Access).is_none());
        assert!(tokens.read("", TokenType::Access).is_none());
    }

    #[test]
    fn other_keys_and_algorithms_are_refused() {
        let ours = tokens(b"secret", Clock::system());
        let claims = {
            let pair = ours.issue(UserId::fresh(), LoginId::fresh()).unwrap();
            ours.read(&pair.access, TokenType::Access).unwrap()
        };
        let foreign = jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &EncodingKey::from_secret(b"other")).unwrap();
        assert!(ours.read(&foreign, TokenType::Access).is_none());
        let hs512 = jsonwebtoken::encode(&Header::new(Algorithm::HS512), &claims, &EncodingKey::from_secret(b"secret")).unwrap();
        assert!(ours.read(&hs512, TokenType::Access).is_none());
        use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as B64};
        let none =
            format!("{}.{}.", B64.encode(br#"{"alg":"none","typ":"JWT"}"#), B64.encode(serde_json::to_vec(&claims).unwrap()));
        assert!(ours.read(&none, TokenType::Access).is_none());
    }

    #[test]
    fn it_expires_by_the_clock_that_was_handed_in() {
        let late = Clock::from_fn(|| Utc::now() + Duration::minutes(16));
        let pair = tokens(b"secret", Clock::system()).issue(UserId::fresh(), LoginId::fresh()).unwrap();
        let later = tokens(b"secret", late);
        assert!(later.read(&pair.access, TokenType::Access).is_none());
        assert!(later.read(&pair.refresh, TokenType::Refresh).is_some());
    }
}
