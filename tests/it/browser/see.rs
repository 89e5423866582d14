//! How a page looks: on which device, in which colours, and whether everything has its room.

use std::path::Path;

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::json;

use super::driver::Browser;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Device {
    Phone,
    Desktop,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    Light,
    Dark,
}

impl Device {
    pub const ALL: [Self; 2] = [Self::Phone, Self::Desktop];

    pub fn size(self) -> (u32, u32) {
        match self {
            Self::Phone => (360, 740),
            Self::Desktop => (1280, 800),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Phone => "phone",
            Self::Desktop => "desktop",
        }
    }
}

impl Scheme {
    const ALL: [Self; 2] = [Self::Light, Self::Dark];

    pub fn name(self) -> &'static str {
        match self {
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }
}

/// The narrowest window that shows everything, in CSS pixels: [WCAG 2.2, 1.4.10](https://www.w3.org/TR/WCAG22/#reflow).
const NARROWEST: u32 = 320;

/// What sticks out of the window or is cut off without a sign. Code may be scrolled sideways, fields scroll by
/// themselves, and what is said to screen readers alone is cut off on purpose.
const STICKS_OUT: &str = "
    const [width] = arguments;
    const free = 'pre, code, input, textarea, select, .visually-hidden, #connection, svg, svg *';
    const name = (node) => `${node.tagName.toLowerCase()}#${node.id}.${node.className} ${node.scrollWidth}>${node.clientWidth}`;
    const cut = (node) => {
      const style = getComputedStyle(node);
      if (node.matches(free) || style.overflowX === 'visible' || style.textOverflow === 'ellipsis' || node.clientWidth === 0) return false;
      return node.scrollWidth > node.clientWidth + 1;
    };
    const found = [...document.querySelectorAll('body, body *')].filter((node) => node.checkVisibility() && cut(node)).map(name);
    const page = document.documentElement;
    if (page.scrollWidth > width || innerWidth > width) found.unshift(`the page: ${page.scrollWidth}, ${innerWidth} > ${width}`);
    return found;";

const SETTLED: &str = "
    const done = arguments[0];
    Promise.all(document.getAnimations().filter((one) => one.effect?.getTiming().iterations !== Infinity).map((one) => one.finished.catch(() => {})))
      .then(() => requestAnimationFrame(() => requestAnimationFrame(() => done(true))));";

impl Browser {
    /// A screen: a picture of it on each device in each scheme; nothing sticks out on either device or in the narrowest
    /// window; and axe finds nothing on either device, which is in either scheme. `name` is the flow and the state.
    pub async fn screen(&self, name: &str) {
        for device in Device::ALL {
            for scheme in Scheme::ALL {
                self.turn(device, scheme).await;
                self.picture(&format!("{name}-{}-{}", device.name(), scheme.name())).await;
                if (device == Device::Phone) == (scheme == Scheme::Dark) {
                    self.fits(&format!("{name} on a {}", device.name()), device.size().0).await;
                    self.is_accessible(&format!("{name} on a {}, {}", device.name(), scheme.name())).await;
                }
            }
        }
        self.resize(NARROWEST, 640, true).await;
        self.fits(name, NARROWEST).await;
        self.turn(self.device, self.scheme).await;
    }

    /// A picture in windows between a phone's and a desktop's, and beyond: a tablet, and a screen of 4K at its usual zoom.
    pub async fn between_and_beyond(&self, name: &str) {
        for (width, height) in [(768, 1024), (2560, 1440)] {
            self.resize(width, height, false).await;
            self.picture(&format!("{name}-{width}")).await;
            self.fits(&format!("{name} at {width}"), width).await;
        }
        self.turn(self.device, self.scheme).await;
    }

    /// One picture, of this tab as it is.
    pub async fn picture(&self, name: &str) {
        self.client.execute_async(SETTLED, vec![]).await.unwrap();
        keep(&format!("{name}.png"), &self.client.screenshot().await.unwrap());
    }

    /// Whether anything sticks out of a window of this width.
    pub async fn fits(&self, what: &str, width: u32) {
        let found: Vec<String> = self.js(STICKS_OUT, &[json!(width)]).await;
        if !found.is_empty() {
            self.blame(format!("{what}, something sticks out: {found:#?}"));
        }
    }
}

/// Keeps a picture for whoever wants to see.
pub fn keep(name: &str, picture: &[u8]) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/screenshots");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join(name), picture).unwrap();
}

pub fn decoded(picture: &str) -> Vec<u8> {
    STANDARD.decode(picture).unwrap_or_default()
}
