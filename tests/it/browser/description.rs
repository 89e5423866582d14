//! The description of the API as a page.

use fantoccini::Locator;

use super::Browser;
use crate::support::{database::Kind, eventually, world::World};

/// The API's description, wherever it is mounted: its operations are there, one opens, and can be tried.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_description_can_be_tried() {
    let world = World::start(Kind::Sqlite, &[]).await;
    let browser = Browser::desktop().await;
    for page in ["/docs", "/api/v1/docs"] {
        browser.client.goto(&world.url(page)).await.unwrap();
        browser.find("#operations-operations-health .opblock-summary").await;
        let shown = browser.client.find_all(Locator::Css(".opblock")).await.unwrap().len();
        assert_eq!(shown, pneumatic::http::TABLE.len(), "every operation is there");
        browser.picture("docs").await;
        for css in [".opblock-summary-control", ".try-out__btn", ".execute"] {
            let css = format!("#operations-operations-health {css}");
            browser.find(&css).await.click().await.unwrap();
        }
        let answer = browser.find("#operations-operations-health .live-responses-table tbody .response-col_description").await;
        eventually("the answer is shown", async || answer.text().await.unwrap().contains("\"healthy\"")).await;
        let asked = browser.find("#operations-operations-health .request-url").await.text().await.unwrap();
        assert!(asked.contains(&world.url(&page.replace("docs", "health"))), "{asked}");
        browser.find("#operations-conversations-send_message .opblock-summary-control").await.click().await.unwrap();
        browser.find("#operations-conversations-send_message .opblock-section-request-body .highlight-code").await;
        browser.picture("docs-open").await;
    }
    browser.finish().await;
    world.finish().await;
}
