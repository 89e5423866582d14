//! A backup is restored: what devices know is of a future that the database doesn't have. They have to notice, or they would
//! take what is new for what they know.

use entity::{conversation, conversation_member, message};
use pneumatic::store::DatabaseUrl;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, sea_query::Expr};
use uuid::Uuid;

use crate::support::{
    client::device::{Cut, Device},
    person::Person,
    truth::{Histories, agrees},
    world::World,
};

/// Messages that the backup has, and as many that it hasn't.
const KEPT: i64 = 20;

/// The database as it was before the second half, and before the second conversation was made.
async fn restore(world: &World, kept: &str, lost: &str) {
    let (kept, lost): (Uuid, Uuid) = (kept.parse().unwrap(), lost.parse().unwrap());
    let connection = world.database.connect().await;
    let later =
        message::Entity::delete_many().filter(message::Column::ConversationId.eq(kept)).filter(message::Column::Seq.gt(KEPT));
    assert_eq!(later.exec(&connection).await.unwrap().rows_affected, KEPT as u64);
    let counters = conversation::Entity::update_many()
        .col_expr(conversation::Column::LastSeq, Expr::value(KEPT))
        .col_expr(conversation::Column::Rev, Expr::value(KEPT + 1))
        .filter(conversation::Column::Id.eq(kept));
    counters.exec(&connection).await.unwrap();
    let marks = conversation_member::Entity::update_many()
        .col_expr(conversation_member::Column::LastReadSeq, Expr::value(KEPT))
        .filter(conversation_member::Column::LastReadSeq.gt(KEPT));
    marks.exec(&connection).await.unwrap();
    let of_lost = conversation_member::Column::ConversationId.eq(lost);
    conversation_member::Entity::delete_many().filter(of_lost).exec(&connection).await.unwrap();
    conversation::Entity::delete_by_id(lost).exec(&connection).await.unwrap();
    connection.close().await.unwrap();
}

async fn say(who: &Person, conversation: &str, count: i64, content: &str) {
    for i in 0..count {
        who.say(conversation, &format!("{content} {i}")).await;
    }
}

/// A device that knows all goes away, the backup is restored, other messages are said, and it comes back.
async fn comes_back_to_it(world: &World, said: i64, renewed: bool) {
    let [ann, bob, cyd] = world.people(["ann", "bob", "cyd"]).await;
    let kept = ann.conversation_with(&[&bob]).await;
    let lost = bob.conversation_with(&[&ann, &cyd]).await;
    let mut device = Device::new("ann's", ann.clone());
    device.connect().await.unwrap();
    say(&bob, &kept, KEPT * 2, "before").await;
    let histories = Histories::read(&[(kept.clone(), bob.clone())]).await.unwrap();
    agrees(&mut device, &histories).await.unwrap();
    device.hang_up(Cut::Bye).await.unwrap();
    world.assert_quiet().await;

    restore(world, &kept, &lost).await;
    if renewed {
        world.database.url.parse::<DatabaseUrl>().unwrap().renew_epoch().await.unwrap();
    }
    say(&bob, &kept, said, "after").await;
    let histories = Histories::read(&[(kept.clone(), bob.clone())]).await.unwrap();
    let mut fresh = Device::new("another", ann);
    for device in [&mut device, &mut fresh] {
        device.connect().await.unwrap();
        agrees(device, &histories).await.unwrap();
    }
    assert_eq!(device.state.views(), fresh.state.views());
    assert_eq!(device.state.messages(&kept), fresh.state.messages(&kept));
    say(&bob, &kept, 3, "at last").await;
    let histories = Histories::read(&[(kept, bob)]).await.unwrap();
    for mut device in [device, fresh] {
        agrees(&mut device, &histories).await.unwrap();
        device.hang_up(Cut::Bye).await.unwrap();
    }
}

both! {
    /// By as many other messages as were lost, or more, nothing tells them from those but the epoch.
    async fn with_another_epoch_it_starts_afresh(world) {
        comes_back_to_it(world, KEPT + 5, true).await;
    }
}

both! {
    /// The operator has forgotten to say so: a head below a cursor says it as well.
    async fn with_a_head_below_its_cursor_it_starts_afresh(world) {
        comes_back_to_it(world, 5, false).await;
    }
}
