//! What other nodes tell: nothing panics, and what is understood means the same when it is told again.

use pneumatic::backplane::News;

/// Any bytes; whether they are news.
pub fn check(data: &[u8]) -> bool {
    let Ok(news) = serde_json::from_slice::<News>(data) else { return false };
    // A panic from here on is the finding itself.
    let again = serde_json::to_string(&news).expect("news can be told");
    let heard: News = serde_json::from_str(&again).expect("what was told is understood");
    assert_eq!(heard, news, "{again}");
    assert_eq!(heard.is_empty(), news.is_empty());
    true
}
