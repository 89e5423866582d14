//! What every plot begins with.

use svg::{
    Document,
    node::element::{Description, Line, Rectangle, Style, Text, Title},
};

/// Width of a plot; what it is shown at, it is drawn at.
pub(crate) const WIDTH: f64 = 760.0;
/// Where the first thing below the title may begin.
pub(crate) const TOP: f64 = 52.0;

/// Colours have a contrast of at least 3 to their background, text of 4.5 (WCAG 2.2), and differ without colour vision too.
const STYLE: &str = "
text { font: 13px system-ui, sans-serif; fill: #1f2328 }
.title { font-weight: 600; font-size: 15px }
.faint { fill: #59636e }
.paper { fill: #ffffff }
.axis { stroke: #59636e }
.grid { stroke: #d1d9e0 }
.mark { stroke: #1f2328; stroke-width: 1.5 }
.line { fill: none; stroke-width: 2 }
.c0 { fill: #0969da; stroke: #0969da } .c1 { fill: #b04a00; stroke: #b04a00 } .c2 { fill: #7a8490; stroke: #7a8490 }
.c3 { fill: #007a5a; stroke: #007a5a } .c4 { fill: #a0417a; stroke: #a0417a } .c5 { fill: #7a5c00; stroke: #7a5c00 }
@media (prefers-color-scheme: dark) {
text { fill: #f0f6fc }
.faint { fill: #9198a1 }
.paper { fill: #0d1117 }
.axis { stroke: #9198a1 }
.grid { stroke: #2f3742 }
.mark { stroke: #f0f6fc }
.c0 { fill: #4493f8; stroke: #4493f8 } .c1 { fill: #ff9d5c; stroke: #ff9d5c } .c2 { fill: #818b98; stroke: #818b98 }
.c3 { fill: #3ddbab; stroke: #3ddbab } .c4 { fill: #f0a6d0; stroke: #f0a6d0 } .c5 { fill: #f0c75e; stroke: #f0c75e }
}
.line { fill: none }
";

/// An empty plot: its title, which everybody sees, and what it says in words, which is read out.
pub(crate) fn canvas(title: &str, subtitle: &str, words: &str, height: f64) -> Document {
    Document::new()
        .set("viewBox", format!("0 0 {WIDTH} {height}"))
        .set("width", WIDTH)
        .set("height", height)
        .set("role", "img")
        .set("aria-labelledby", "title desc")
        .add(Title::new(format!("{title}: {subtitle}")).set("id", "title"))
        .add(Description::new().set("id", "desc").add(svg::node::Text::new(words)))
        .add(Style::new(STYLE))
        .add(Rectangle::new().set("class", "paper").set("width", WIDTH).set("height", height))
        .add(text(16.0, 22.0, title, "title"))
        .add(text(16.0, 40.0, subtitle, "faint"))
}

/// Text that begins there.
pub(crate) fn text(x: f64, y: f64, text: &str, class: &str) -> Text {
    let text = Text::new(text).set("x", round(x)).set("y", round(y));
    if class.is_empty() { text } else { text.set("class", class) }
}

/// A straight line.
pub(crate) fn line(from: (f64, f64), to: (f64, f64), class: &str) -> Line {
    let line = Line::new().set("x1", round(from.0)).set("y1", round(from.1));
    line.set("x2", round(to.0)).set("y2", round(to.1)).set("class", class)
}

/// Tenths of a pixel are exact enough, and keep the files small.
pub(crate) fn round(pixels: f64) -> f64 {
    (pixels * 10.0).round() / 10.0
}
