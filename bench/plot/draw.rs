//! From a figure to SVG.

use anyhow::{Result, anyhow};
use plotters::coord::Shift;
use plotters::coord::combinators::LogCoord;
use plotters::prelude::*;

use crate::results::{Figure, Line, Panel, Point};
use crate::theme;

pub(crate) const FONT: &str = "sans-serif";
const PANEL: u32 = 340;
const ALONE: u32 = 640;
const ROW: u32 = 330;
const HEAD: u32 = 64;
const COLUMNS: usize = 3;

type Chart<'a, 'b> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<LogCoord<f64>, LogCoord<f64>>>;
type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// The whole picture.
pub(crate) fn svg(figure: &Figure) -> Result<String> {
    let columns = figure.panels.len().clamp(1, COLUMNS);
    let rows = figure.panels.len().div_ceil(columns);
    let width = if columns == 1 { ALONE } else { PANEL * columns as u32 };
    let mut text = String::new();
    draw(figure, (rows, columns), SVGBackend::with_string(&mut text, (width, HEAD + ROW * rows as u32)))
        .map_err(|error| anyhow!("drawing failed: {error}"))?;
    Ok(theme::themed(&text, &figure.title))
}

fn draw(figure: &Figure, grid: (usize, usize), backend: SVGBackend<'_>) -> Result<(), Box<dyn std::error::Error>> {
    let root = backend.into_drawing_area();
    root.fill(&theme::BACKGROUND)?;
    let (head, body) = root.split_vertically(HEAD);
    head.draw(&Text::new(figure.title.clone(), (16, 14), (FONT, 24).into_font().color(&theme::TEXT)))?;
    head.draw(&Text::new(figure.subtitle.clone(), (16, 42), (FONT, 15).into_font().color(&theme::FAINT_TEXT)))?;
    let bounds = Bounds::of(figure);
    // The legend stands once, where it names the most.
    let fullest = figure.panels.iter().map(|panel| panel.lines.len()).max();
    let legend =
        figure.panels.iter().position(|panel| Some(panel.lines.len()) == fullest && panel.lines.iter().all(|line| !line.name.is_empty()));
    for (number, (panel, area)) in figure.panels.iter().zip(body.split_evenly(grid)).enumerate() {
        let axes = [figure.axes[0], if number % grid.1 == 0 { figure.axes[1] } else { "" }];
        draw_panel(panel, axes, &bounds, legend == Some(number), &area)?;
    }
    root.present()?;
    Ok(())
}

/// The same axes for every panel, with room around the points.
struct Bounds {
    x: std::ops::Range<f64>,
    y: std::ops::Range<f64>,
}

impl Bounds {
    fn of(figure: &Figure) -> Self {
        let points: Vec<Point> = figure.panels.iter().flat_map(|panel| &panel.lines).flat_map(|line| line.points.clone()).collect();
        let least = |of: fn(&Point) -> f64| points.iter().map(of).fold(f64::INFINITY, f64::min);
        let most = |of: fn(&Point) -> f64| points.iter().map(of).fold(0.0, f64::max);
        let (bottom, top) = (least(|point| point.lowest), most(|point| point.highest));
        Self { x: least(|point| point.x) / 1.6..most(|point| point.x) * 1.6, y: decade_below(bottom)..decade_above(top) }
    }
}

/// A hair less than a power of ten, whose own mark is then within the axis.
fn decade_below(value: f64) -> f64 {
    10_f64.powf(value.log10().floor()) * 0.999
}

fn decade_above(value: f64) -> f64 {
    10_f64.powf((value * 1.05).log10().ceil())
}

fn draw_panel(panel: &Panel, axes: [&str; 2], bounds: &Bounds, legend: bool, area: &Area<'_>) -> Result<(), Box<dyn std::error::Error>> {
    let text = |size: i32| (FONT, size).into_font().color(&theme::TEXT);
    let mut chart = ChartBuilder::on(area)
        .caption(&panel.caption, text(18))
        .margin(12)
        .x_label_area_size(44)
        .y_label_area_size(60)
        .build_cartesian_2d(bounds.x.clone().log_scale(), bounds.y.clone().log_scale())?;
    chart
        .configure_mesh()
        .x_desc(axes[0])
        .y_desc(axes[1])
        .axis_style(theme::TEXT)
        .axis_desc_style(text(15))
        .label_style((FONT, 14).into_font().color(&theme::FAINT_TEXT))
        .bold_line_style(theme::GRID)
        .light_line_style(TRANSPARENT)
        .x_label_formatter(&|value| short(*value))
        .y_label_formatter(&|value| short(*value))
        .draw()?;
    for line in &panel.lines {
        draw_line(&mut chart, line)?;
    }
    if legend {
        chart
            .configure_series_labels()
            .label_font(text(15))
            .background_style(theme::BACKGROUND)
            .border_style(theme::GRID)
            .position(SeriesLabelPosition::LowerLeft)
            .draw()?;
    }
    Ok(())
}

/// One line: its points with their spans, joined, each with its number.
fn draw_line<'a>(chart: &mut Chart<'a, '_>, line: &'a Line) -> Result<(), Box<dyn std::error::Error>> {
    let colour = theme::LINES[line.look % theme::LINES.len()];
    let style = colour.stroke_width(2);
    let at = |point: &Point| (point.x, point.y);
    chart.draw_series(line.points.iter().map(|point| PathElement::new([(point.x, point.lowest), (point.x, point.highest)], colour)))?;
    chart
        .draw_series(LineSeries::new(line.points.iter().map(at), style))?
        .label(line.name)
        .legend(move |(x, y)| PathElement::new([(x, y), (x + 22, y)], style));
    // The lines differ in more than colour.
    if line.look == 0 {
        chart.draw_series(line.points.iter().map(|point| Circle::new(at(point), 4, colour.filled())))?;
    } else {
        chart.draw_series(line.points.iter().map(|point| TriangleMarker::new(at(point), 5, colour.filled())))?;
    }
    // The first look's numbers stand above their points, the other's below.
    let offset = (-12, if line.look == 0 { -20 } else { 10 });
    let font = (FONT, 14).into_font().color(&colour);
    chart.draw_series(line.points.iter().map(|point| EmptyElement::at(at(point)) + Text::new(short(point.y), offset, font.clone())))?;
    Ok(())
}

/// A number with three digits at most, thousands as k.
pub(crate) fn short(value: f64) -> String {
    let (value, unit) = match value {
        value if value >= 1e6 => (value / 1e6, "M"),
        value if value >= 1e3 => (value / 1e3, "k"),
        value => (value, ""),
    };
    let digits = match value {
        value if value >= 99.5 => 0,
        value if value >= 9.95 => 1,
        _ => 2,
    };
    let text = format!("{value:.digits$}");
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    format!("{text}{unit}")
}
