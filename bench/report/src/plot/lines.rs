//! A line for each peer, over what grows.

use svg::node::element::{Circle, Polyline};

use super::{
    canvas::{TOP, WIDTH, canvas, line, round, text},
    ticks::Axis,
};
use crate::{number::number, results::Series};

const LEFT: f64 = 80.0;
const RIGHT: f64 = WIDTH - 44.0;
/// Where the highest value is.
const HIGHEST: f64 = TOP + 12.0;
const BOTTOM: f64 = 330.0;
/// Names a row below the plot, and how high a row is.
const NAMES: usize = 3;
const ROW: f64 = 22.0;
const COLOURS: [&str; 6] = ["c0", "c1", "c2", "c3", "c4", "c5"];
/// Lines differ by their dashes as well.
const DASHES: [&str; 6] = ["none", "8 4", "2 3", "12 3 2 3", "5 5", "1 5"];

/// The plot of a series.
pub(crate) fn lines(title: &str, series: &Series) -> String {
    let lines = series.lines();
    let of = |pick: fn(&(f64, f64)) -> f64| lines.iter().flat_map(move |(_, line)| line.iter().map(pick));
    let (across, up) = (Axis::of(of(|point| point.0)), Axis::from_zero(of(|point| point.1)));
    let x = |value: f64| LEFT + (RIGHT - LEFT) * across.place(value);
    let y = |value: f64| BOTTOM - (BOTTOM - HIGHEST) * up.place(value);

    let rows = lines.len().div_ceil(NAMES) as f64;
    let mut plot = canvas(title, &series.y, &words(series), BOTTOM + 56.0 + ROW * rows);
    for tick in up.ticks() {
        plot = plot.add(line((LEFT, y(tick)), (RIGHT, y(tick)), "grid"));
        plot = plot.add(text(LEFT - 8.0, y(tick) + 4.5, &number(tick), "faint").set("text-anchor", "end"));
    }
    for tick in across.ticks() {
        plot = plot.add(line((x(tick), BOTTOM), (x(tick), BOTTOM + 5.0), "axis"));
        plot = plot.add(text(x(tick), BOTTOM + 20.0, &number(tick), "faint").set("text-anchor", "middle"));
    }
    plot = plot.add(line((LEFT, BOTTOM), (RIGHT, BOTTOM), "axis"));
    plot = plot.add(text((LEFT + RIGHT) / 2.0, BOTTOM + 40.0, &series.x, "").set("text-anchor", "middle"));

    for (index, (peer, points)) in lines.iter().enumerate() {
        let (colour, dashes) = (COLOURS[index % COLOURS.len()], DASHES[index % DASHES.len()]);
        let stroke = |points: String| {
            Polyline::new().set("class", format!("{colour} line")).set("stroke-dasharray", dashes).set("points", points)
        };
        let pixels: Vec<(f64, f64)> = points.iter().map(|point| (round(x(point.0)), round(y(point.1)))).collect();
        plot = plot.add(stroke(pixels.iter().map(|(x, y)| format!("{x},{y}")).collect::<Vec<_>>().join(" ")));
        for (x, y) in pixels {
            plot = plot.add(Circle::new().set("class", colour).set("cx", x).set("cy", y).set("r", 3));
        }
        let place = (LEFT + (RIGHT - LEFT) / NAMES as f64 * (index % NAMES) as f64, BOTTOM + 62.0 + ROW * (index / NAMES) as f64);
        plot = plot.add(stroke(format!("{},{} {},{}", round(place.0), place.1, round(place.0 + 32.0), place.1)));
        plot = plot.add(text(place.0 + 40.0, place.1 + 4.5, peer, ""));
    }
    format!("{plot}\n")
}

fn words(series: &Series) -> String {
    let line = |(peer, points): (&str, Vec<(f64, f64)>)| {
        let points: Vec<String> = points.iter().map(|(x, y)| format!("{} at {}", number(*y), number(*x))).collect();
        format!("{peer}: {}.", points.join(", "))
    };
    series.lines().into_iter().map(line).collect::<Vec<_>>().join(" ")
}
