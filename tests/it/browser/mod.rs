//! The web client in real browsers. A test drives one or two of them, looks at every screen on a phone and on a
//! desktop, in light and in dark (pictures are in `target/screenshots`), and ends with `Browser::finish`, which fails
//! on any error in the console that the test hasn't announced.

mod axe;
mod driver;
mod page;
mod see;

mod chat;
mod description;
mod failures;
mod groups;
mod history;
mod keyboard;
mod login;
mod notifications;
mod offline;
mod settings;
mod shapes;
mod speed;
mod tabs;
mod talk;

use driver::{Browser, OFFLINE};
use see::{Device, Scheme};
