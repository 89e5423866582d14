//! What a person does on a page, and sees there.

use fantoccini::{
    Locator,
    actions::{InputSource, KeyAction, KeyActions},
    elements::Element,
    key::Key,
};
use serde_json::json;

use super::{driver::Browser, see::Device};
use crate::support::{
    PATIENCE, eventually,
    person::{PASSWORD, Person},
    world::World,
};

/// A login that isn't there is found out by asking for it.
const NOT_IN: [&str; 2] = [
    "/auth/refresh - Failed to load resource: the server responded with a status of 401",
    "/auth/me - Failed to load resource: the server responded with a status of 401",
];

const IN_VIEW: &str =
    "const node = document.querySelector(arguments[0]); return Boolean(node?.checkVisibility({ visibilityProperty: true }))";

impl Browser {
    pub async fn find(&self, css: &str) -> Element {
        self.client.wait().at_most(PATIENCE).for_element(Locator::Css(css)).await.unwrap_or_else(|e| panic!("{css}: {e}"))
    }

    pub async fn is_shown(&self, css: &str) -> bool {
        self.js(IN_VIEW, &[json!(css)]).await
    }

    pub async fn shown(&self, css: &str) {
        self.until(&format!("{css} is shown"), IN_VIEW, &[json!(css)]).await;
    }

    pub async fn hidden(&self, css: &str) {
        eventually(&format!("{css} isn't shown"), async || !self.is_shown(css).await).await;
    }

    /// Clicks once it can be clicked: what a page has just drawn may be drawn again.
    pub async fn click(&self, css: &str) {
        eventually(&format!("{css} can be clicked"), async || {
            self.shown(css).await;
            self.find(css).await.click().await.is_ok()
        })
        .await;
    }

    pub async fn write(&self, css: &str, text: &str) {
        self.shown(css).await;
        self.find(css).await.send_keys(text).await.unwrap_or_else(|e| panic!("{css}: {e}"));
    }

    /// Writes instead of what stands there.
    pub async fn rewrite(&self, css: &str, text: &str) {
        self.shown(css).await;
        self.find(css).await.clear().await.unwrap();
        self.write(css, text).await;
    }

    /// Clicks the button or option of this name within a part of the page.
    pub async fn choose(&self, within: &str, name: &str) {
        let script = "
            const [within, name] = arguments;
            const names = (node) => [node, ...node.querySelectorAll('*')].map((one) => one.textContent).concat(node.getAttribute('aria-label'));
            const all = [...document.querySelectorAll(`${within} :is(button, label, [role=option])`)];
            return all.find((node) => node.checkVisibility() && names(node).includes(name)) ?? null";
        let chosen = async || {
            let found = self.client.execute(script, vec![json!(within), json!(name)]).await.unwrap();
            let Some(id) = found.as_object().and_then(|node| node.values().next()?.as_str()) else { return false };
            let button = Element::from_element_id(self.client.clone(), id.to_owned().into());
            button.click().await.is_ok()
        };
        eventually(&format!("{name:?} in {within} can be clicked"), chosen).await;
    }

    /// Types as on a keyboard, to whatever has the focus. Each of `Key` is a letter too.
    pub async fn keys(&self, text: &str) {
        let typed = text.chars().flat_map(|value| [KeyAction::Down { value }, KeyAction::Up { value }]);
        self.perform(typed).await;
    }

    pub async fn key(&self, key: Key) {
        self.keys(&char::from(key).to_string()).await;
    }

    /// One key while others are held.
    pub async fn chord(&self, held: &[Key], key: char) {
        let held = held.iter().map(|key| char::from(*key));
        let down = held.clone().map(|value| KeyAction::Down { value });
        let up = held.rev().map(|value| KeyAction::Up { value });
        self.perform(down.chain([KeyAction::Down { value: key }, KeyAction::Up { value: key }]).chain(up)).await;
    }

    async fn perform(&self, actions: impl Iterator<Item = KeyAction>) {
        let sequence = actions.fold(KeyActions::new("keyboard".into()), KeyActions::then);
        self.client.perform_actions(sequence).await.unwrap();
    }

    /// The focus is there, and it can be seen where it is.
    pub async fn has_focus(&self, css: &str) {
        let script = "return document.activeElement?.matches(arguments[0]) && document.activeElement.checkVisibility()";
        self.until(&format!("{css} has the focus"), script, &[json!(css)]).await;
    }

    /// Goes on with the Tab key until the focus is there.
    pub async fn tab_to(&self, css: &str) {
        for _ in 0..60 {
            if self.js("return Boolean(document.activeElement?.matches(arguments[0]))", &[json!(css)]).await {
                return;
            }
            self.key(Key::Tab).await;
        }
        panic!("the Tab key doesn't lead to {css}");
    }

    pub async fn text(&self, css: &str) -> String {
        let script = "return document.querySelector(arguments[0])?.textContent ?? ''";
        self.js(script, &[json!(css)]).await
    }

    /// Waits until a node's text has this in it.
    pub async fn says(&self, css: &str, part: &str) {
        let script = "const node = document.querySelector(arguments[0]); \
             return Boolean(node?.checkVisibility()) && node.textContent.includes(arguments[1])";
        self.until(&format!("{css} says {part:?}"), script, &[json!(css), json!(part)]).await;
    }

    pub async fn count(&self, css: &str) -> usize {
        self.js("return document.querySelectorAll(arguments[0]).length", &[json!(css)]).await
    }

    /// Opens the page of logins; a click before its script has run would be heard by nobody.
    pub async fn visit(&self, site: &str) {
        self.announce(&NOT_IN);
        self.client.goto(site).await.unwrap();
        self.until("the page has its words", "return document.querySelector('#tab-login')?.textContent !== ''", &[]).await;
    }

    pub async fn sign_up(&self, site: &str, name: &str) {
        self.visit(site).await;
        self.click("#tab-signup").await;
        self.fill_sign_up(name, PASSWORD).await;
        self.online().await;
        assert!(self.text("#me").await.contains(name));
    }

    /// Every field of the form that must be filled in, and off it goes.
    pub async fn fill_sign_up(&self, name: &str, password: &str) {
        self.rewrite("#signup-form [name=username]", name).await;
        let fields = self.client.find_all(Locator::Css("#signup-form [type=password]")).await.unwrap();
        for field in fields {
            field.clear().await.unwrap();
            field.send_keys(password).await.unwrap();
        }
        self.click("#signup-form [type=submit]").await;
    }

    pub async fn log_in(&self, site: &str, person: &Person) {
        self.visit(site).await;
        self.rewrite("#login-form [name=username]", &person.name).await;
        self.rewrite("#login-form [name=password]", PASSWORD).await;
        self.click("#login-form [type=submit]").await;
        self.online().await;
    }

    pub async fn online(&self) {
        self.find("#connection[data-state=online]").await;
    }

    pub async fn offline(&self) {
        self.find("#connection:not([data-state=online])").await;
    }

    pub async fn reload(&self) {
        self.client.refresh().await.unwrap();
        self.online().await;
    }

    /// On a phone Enter is for lines, and a button sends.
    pub async fn say(&self, text: &str) {
        if self.device == Device::Phone {
            self.write("#composer-input", text).await;
            self.click("#composer-send").await;
        } else {
            self.write("#composer-input", &format!("{text}\n")).await;
        }
    }

    /// Goes there as a link would.
    pub async fn open_conversation(&self, id: &str) {
        self.client.execute("location.hash = arguments[0]", vec![json!(format!("#/c/{id}"))]).await.unwrap();
        self.shown("#composer-input").await;
    }

    /// What the timeline shows, in its order.
    pub async fn messages(&self) -> Vec<String> {
        let script = "return [...document.querySelectorAll('#messages [data-message-id]')].map(m => \
             m.dataset.state === 'pending' ? 'pending' : m.querySelector('.content').textContent)";
        self.js(script, &[]).await
    }

    pub async fn shows(&self, expected: &[&str]) {
        let mut shown = Vec::new();
        let is_there = async || {
            shown = self.messages().await;
            shown == expected
        };
        if tokio::time::timeout(crate::support::PATIENCE, eventually("the timeline shows what was said", is_there)).await.is_err()
        {
            panic!("the timeline shows {shown:?} and not {expected:?}");
        }
    }

    /// How a message of one's own stands: the state of its row.
    pub async fn state_is(&self, text: &str, state: &str) {
        let script = "return [...document.querySelectorAll('#messages [data-message-id]')].some(m => \
             m.querySelector('.content').textContent === arguments[0] && m.dataset.state === arguments[1])";
        self.until(&format!("{text:?} is {state}"), script, &[json!(text), json!(state)]).await;
    }

    /// Scripts that run before those of each page that this tab opens from now on.
    pub async fn before_pages(&self, script: &str) {
        self.devtools("Page.addScriptToEvaluateOnNewDocument", json!({ "source": script })).await;
    }

    /// Another tab of this browser, which is the one that is driven from now on.
    pub async fn new_tab(&self) {
        let tab = self.client.new_window(true).await.unwrap().handle;
        self.drive(tab).await;
    }

    /// As if the person looked at something else, or looked again.
    pub async fn watch(&self, is_watched: bool) {
        let script = "
            const [isWatched] = arguments;
            Object.defineProperty(document, 'visibilityState', { value: isWatched ? 'visible' : 'hidden', configurable: true });
            Object.defineProperty(document, 'hidden', { value: !isWatched, configurable: true });
            document.hasFocus = () => isWatched;
            document.dispatchEvent(new Event('visibilitychange'));
            window.dispatchEvent(new Event(isWatched ? 'focus' : 'blur'));";
        self.client.execute(script, vec![json!(is_watched)]).await.unwrap();
    }
}

/// The page of a conversation.
pub fn address(world: &World, conversation: &str) -> String {
    world.url(&format!("/chat.html#/c/{conversation}"))
}
