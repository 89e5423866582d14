//! What the writer is asked about guests who have a login, and about those who haven't been here for long. How those of
//! FastChat's dialect come in is among what devices ask when they come.

use std::sync::Arc;

use super::{
    asks::Writer,
    counting::COUNTING_LANE,
    job::{Aftermath, Answer},
    writer::lane_key,
};
use crate::{
    backplane::News,
    domain::{text::DisplayName, user::NewLogin},
    store::{Forgotten, Store},
};

impl Writer {
    /// Makes a guest, and stores their login.
    pub async fn create_guest(&self, name: DisplayName, new: NewLogin) -> Answer<()> {
        self.write(lane_key(new.user_id.0), async move |store: Arc<Store>| {
            Ok((store.create_guest(&name, &new).await?, Aftermath::None))
        })
        .await
    }

    /// Ends the logins of all guests, because none are let in any more.
    pub async fn end_guest_logins(&self) -> Answer<()> {
        self.write(COUNTING_LANE, async |store: Arc<Store>| Ok(((), News::LoginsEnded(store.end_guest_logins().await?).into())))
            .await
    }

    /// Forgets guests who haven't been here for long, portion by portion; how many.
    pub async fn sweep_guests(&self) -> Answer<u64> {
        let mut all = 0;
        loop {
            let guests = self.guests.clone();
            let ask = async move |store: Arc<Store>| {
                let Forgotten { forgotten, ended, more } = guests.portion(&store).await?;
                Ok(((forgotten, more), News::LoginsEnded(ended).into()))
            };
            let (forgotten, more) = self.write(COUNTING_LANE, ask).await?;
            all += forgotten;
            if !more {
                return Ok(all);
            }
        }
    }
}
