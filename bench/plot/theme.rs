//! Colours, and how they change where a dark theme is preferred.

use std::fmt::Write as _;

use plotters::style::RGBColor;

pub(crate) const BACKGROUND: RGBColor = RGBColor(0xff, 0xff, 0xff);
pub(crate) const TEXT: RGBColor = RGBColor(0x24, 0x29, 0x2f);
pub(crate) const FAINT_TEXT: RGBColor = RGBColor(0x59, 0x63, 0x6e);
pub(crate) const GRID: RGBColor = RGBColor(0xd8, 0xde, 0xe4);
/// Of the first line, the second, and so on.
pub(crate) const LINES: [RGBColor; 2] = [RGBColor(0x0a, 0x62, 0xc9), RGBColor(0xb8, 0x4a, 0x00)];

/// The same things on a dark ground.
const DARK: [(RGBColor, &str); 6] =
    [(BACKGROUND, "#0d1117"), (TEXT, "#e6edf3"), (FAINT_TEXT, "#9198a1"), (GRID, "#30363d"), (LINES[0], "#58a6ff"), (LINES[1], "#f0883e")];

/// Puts a name for screen readers and the dark colours into a picture. A rule of a style sheet goes before the attributes that the
/// drawing library writes, so the attributes themselves say what is meant.
pub(crate) fn themed(svg: &str, title: &str) -> String {
    let mut style = String::new();
    for (RGBColor(red, green, blue), dark) in DARK {
        for attribute in ["fill", "stroke"] {
            let _ = write!(style, "[{attribute}=\"#{red:02X}{green:02X}{blue:02X}\"]{{{attribute}:{dark}}}");
        }
    }
    let head = format!("<title>{title}</title>\n<style>@media (prefers-color-scheme: dark){{{style}}}</style>");
    match svg.find("<svg").and_then(|start| svg.get(start..)?.find('>').map(|end| start + end + 1)) {
        Some(behind) => format!("{}\n{head}{}", svg.get(..behind).unwrap_or_default(), svg.get(behind..).unwrap_or_default()),
        None => svg.to_owned(),
    }
}
