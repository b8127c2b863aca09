//! Bars: a panel below the other, a bar for each device.

use anyhow::{Result, anyhow};
use plotters::coord::Shift;
use plotters::prelude::*;

use crate::draw::{FONT, short};
use crate::lab::{Bar, BarFigure, BarPanel};
use crate::theme;

const WIDTH: u32 = 760;
const HEAD: i32 = 64;
const CAPTION: i32 = 34;
const ROW: i32 = 24;
const GAP: i32 = 16;
/// Where bars begin: names stand before.
const LEFT: i32 = 190;
/// Room for the figure behind the longest bar.
const RIGHT: i32 = 80;

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// The whole picture.
pub(crate) fn svg(figure: &BarFigure) -> Result<String> {
    let height = HEAD + figure.panels.iter().map(panel_height).sum::<i32>();
    let mut text = String::new();
    draw(figure, SVGBackend::with_string(&mut text, (WIDTH, height.unsigned_abs()))).map_err(|error| anyhow!("drawing failed: {error}"))?;
    Ok(theme::themed(&text, &figure.title))
}

fn panel_height(panel: &BarPanel) -> i32 {
    CAPTION + ROW * panel.bars.len() as i32 + GAP
}

fn draw(figure: &BarFigure, backend: SVGBackend<'_>) -> Result<(), Box<dyn std::error::Error>> {
    let root = backend.into_drawing_area();
    root.fill(&theme::BACKGROUND)?;
    root.draw(&Text::new(figure.title.clone(), (16, 14), (FONT, 24).into_font().color(&theme::TEXT)))?;
    root.draw(&Text::new(figure.subtitle.clone(), (16, 42), (FONT, 15).into_font().color(&theme::FAINT_TEXT)))?;
    let mut top = HEAD;
    for panel in &figure.panels {
        draw_panel(panel, top, &root)?;
        top += panel_height(panel);
    }
    root.present()?;
    Ok(())
}

fn draw_panel(panel: &BarPanel, top: i32, root: &Area<'_>) -> Result<(), Box<dyn std::error::Error>> {
    root.draw(&Text::new(panel.caption.clone(), (16, top + 6), (FONT, 16).into_font().color(&theme::TEXT)))?;
    let longest = panel.bars.iter().map(|bar| bar.highest).fold(f64::MIN_POSITIVE, f64::max);
    let room = f64::from(WIDTH.cast_signed() - LEFT - RIGHT);
    let place = |value: f64| LEFT + (value / longest * room).round() as i32;
    for (index, bar) in panel.bars.iter().enumerate() {
        draw_bar(bar, top + CAPTION + ROW * index as i32, place, root)?;
    }
    Ok(())
}

fn draw_bar(bar: &Bar, top: i32, place: impl Fn(f64) -> i32, root: &Area<'_>) -> Result<(), Box<dyn std::error::Error>> {
    let colour = theme::LINES[usize::from(!bar.is_ours)];
    let middle = top + ROW / 2 - 2;
    root.draw(&Text::new(bar.name.clone(), (16, top + 2), (FONT, 14).into_font().color(&theme::TEXT)))?;
    root.draw(&Rectangle::new([(LEFT, top), (place(bar.median).max(LEFT + 1), top + ROW - 6)], colour.filled()))?;
    root.draw(&PathElement::new([(place(bar.lowest), middle), (place(bar.highest), middle)], theme::TEXT.stroke_width(1)))?;
    let behind = place(bar.highest) + 8;
    root.draw(&Text::new(short(bar.median), (behind, top + 2), (FONT, 14).into_font().color(&theme::TEXT)))?;
    Ok(())
}
