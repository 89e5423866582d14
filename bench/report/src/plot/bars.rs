//! A bar for each peer, with the spread of its runs.

use svg::node::element::Rectangle;

use super::canvas::{TOP, canvas, line, round, text};
use crate::{
    figure::{heading, is_cost},
    number::number,
    spread::Spread,
};

const ROW: f64 = 34.0;
const BAR: f64 = 18.0;
/// Where the bars begin, and where the longest ends.
const LEFT: f64 = 170.0;
const RIGHT: f64 = 560.0;
/// What is ours is called so.
const OURS: &str = "pneumatic";

/// The plot of one figure.
pub(crate) fn bars(title: &str, figure: &str, peers: &[(&str, Spread)]) -> String {
    let better = if is_cost(figure) { "less" } else { "more" };
    let subtitle = format!("{} ({better} is better)", heading(figure));
    let words = peers.iter().map(|(peer, spread)| format!("{peer}: {}.", value(spread))).collect::<Vec<_>>().join(" ");
    let most = peers.iter().map(|(_, spread)| spread.most).fold(f64::MIN_POSITIVE, f64::max);
    let x = |value: f64| LEFT + (RIGHT - LEFT) * value.max(0.0) / most;
    let mut plot = canvas(title, &subtitle, &words, TOP + ROW * peers.len() as f64 + 14.0);
    for (row, (peer, spread)) in peers.iter().enumerate() {
        let middle = TOP + ROW * (row as f64 + 0.5);
        let class = if peer.starts_with(OURS) { "c0" } else { "c2" };
        let bar = Rectangle::new().set("class", class).set("x", LEFT).set("y", round(middle - BAR / 2.0));
        plot = plot
            .add(text(LEFT - 10.0, middle + 4.5, peer, "").set("text-anchor", "end"))
            .add(bar.set("width", round(x(spread.median) - LEFT)).set("height", BAR))
            .add(text(x(spread.most) + 10.0, middle + 4.5, &value(spread), ""));
        if spread.least < spread.most {
            let (least, most) = (x(spread.least), x(spread.most));
            plot = plot.add(line((least, middle), (most, middle), "mark"));
            for end in [least, most] {
                plot = plot.add(line((end, middle - 5.0), (end, middle + 5.0), "mark"));
            }
        }
    }
    plot = plot.add(line((LEFT, TOP), (LEFT, TOP + ROW * peers.len() as f64), "axis"));
    format!("{plot}\n")
}

fn value(spread: &Spread) -> String {
    let [median, least, most] = [spread.median, spread.least, spread.most].map(number);
    if least == most { median } else { format!("{median} ({least} – {most})") }
}
