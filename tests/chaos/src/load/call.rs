//! A REST call, and what may be made of its answer.

use std::{error::Error as _, sync::atomic::Ordering::Relaxed, time::Duration};

use reqwest::{Method, header::RETRY_AFTER};
use serde_json::Value;

use super::Scene;
use crate::{
    Outcome,
    journal::{
        entry::Answer,
        numbers::{ClientNo, PersonNo},
    },
};

/// How long a caller waits for an answer.
pub const PATIENCE: Duration = Duration::from_secs(5);

/// What became of a call.
#[derive(Clone, Debug)]
pub enum Reply {
    /// 2xx: its status and body.
    Done(u16, Value),
    /// Anything else: its status and `code`.
    Refused(u16, String),
    /// No answer.
    Silence(String),
}

impl Scene {
    /// Calls as somebody. Whatever puts off or is wrong is written down, but for what is `expected` besides success.
    ///
    /// # Errors
    /// When the journal can't be written.
    pub async fn call(
        &self,
        client: Option<ClientNo>,
        person: PersonNo,
        (method, path): (Method, &str),
        body: Option<&Value>,
        expected: &[u16],
    ) -> Outcome<Reply> {
        let what = format!("{method} {path}");
        let mut request = self.http.request(method, format!("http://{}{path}", self.address));
        if let Some(person) = self.people.get(person.0) {
            request = request.bearer_auth(&person.token);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let sent = self.journal.now();
        let answer = match read(request.timeout(self.patience(PATIENCE))).await {
            Ok((status, _, body)) if (200..300).contains(&status) => return Ok(Reply::Done(status, body)),
            Ok((status, retry_after, body)) => {
                let code = body["code"].as_str().unwrap_or_default().to_owned();
                if expected.contains(&status) {
                    return Ok(Reply::Refused(status, code));
                }
                Answer::Status { status, code, retry_after }
            }
            Err(how) => Answer::Silence { how },
        };
        self.trouble(client, &what, answer.clone(), sent).await?;
        Ok(match answer {
            Answer::Status { status, code, .. } => {
                self.board.tally.refused.fetch_add(1, Relaxed);
                Reply::Refused(status, code)
            }
            Answer::Silence { how } => Reply::Silence(how),
            other => Reply::Silence(format!("{other:?}")),
        })
    }
}

/// Status, whether it says when to come back, and the body (nothing unless it is JSON).
async fn read(request: reqwest::RequestBuilder) -> Result<(u16, bool, Value), String> {
    let silence = |error: reqwest::Error| error.source().map_or_else(|| error.to_string(), |source| format!("{error}: {source}"));
    let answer = request.send().await.map_err(silence)?;
    let (status, retry_after) = (answer.status().as_u16(), answer.headers().contains_key(RETRY_AFTER));
    let body = answer.bytes().await.map_err(silence)?;
    Ok((status, retry_after, serde_json::from_slice(&body).unwrap_or_default()))
}
