//! Plots as SVG: of a fixed width, readable on light and on dark, told in words to those who don't see them.

mod bars;
mod canvas;
mod lines;
mod ticks;

pub(crate) use self::{bars::bars, lines::lines};
