//! Shapes as SVG. Text is text, and what has a class is coloured by `currentColor`.

use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::{Anchor, Canvas, Colour, Frame, Paint, PictureError, Point, Shape, pixels};

pub(super) fn svg(canvas: &Canvas) -> Result<String, PictureError> {
    let (width, height) = (canvas.width, canvas.height);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\" font-family=\"system-ui, sans-serif\" font-size=\"14\">\n"
    );
    if let Some(style) = canvas.style {
        // Writing to a String cannot fail, here and below.
        let _ = writeln!(svg, "<style>{style}</style>");
    }
    write_shapes(&mut svg, &canvas.shapes)?;
    svg.push_str("</svg>\n");
    Ok(svg)
}

fn write_shapes(svg: &mut String, shapes: &[Shape]) -> Result<(), PictureError> {
    for shape in shapes {
        let _ = match shape {
            Shape::Rect { frame, paint } => writeln!(svg, "<rect {} {}/>", place(frame), painted("fill", *paint)),
            Shape::Text { x, y, anchor, paint, text } => {
                let anchor = match anchor {
                    Anchor::Start => "start",
                    Anchor::Middle => "middle",
                    Anchor::End => "end",
                };
                let (fill, text) = (painted("fill", *paint), escaped(text));
                writeln!(svg, "<text x=\"{x}\" y=\"{y}\" text-anchor=\"{anchor}\" {fill}>{text}</text>")
            }
            Shape::Bars { x, bars, colour } => {
                let path: String = bars
                    .iter()
                    .enumerate()
                    .map(|(n, (top, bottom))| format!("M{}.5 {top:.1}V{:.1}", x + n, bottom.max(top + 1.0)))
                    .collect();
                writeln!(svg, "<path d=\"{path}\" {} fill=\"none\"/>", painted("stroke", colour.paint()))
            }
            Shape::Image { x, y, width, pixels } => {
                let height = pixels.len() / width;
                let rgb: Vec<u8> = pixels.iter().flat_map(|colour| [colour.0, colour.1, colour.2]).collect();
                let data = STANDARD.encode(pixels::encode(*width, height, &rgb)?);
                writeln!(
                    svg,
                    "<image x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" \
                     href=\"data:image/png;base64,{data}\"/>"
                )
            }
            Shape::Line { points, width, paint } => writeln!(
                svg,
                "<path d=\"{}\" {} stroke-width=\"{width}\" stroke-linejoin=\"round\" stroke-linecap=\"round\" \
                 fill=\"none\"/>",
                path(points),
                painted("stroke", *paint)
            ),
            Shape::Area { outline, paint } => {
                writeln!(svg, "<path d=\"{}Z\" {} fill-rule=\"evenodd\"/>", path(outline), painted("fill", *paint))
            }
            Shape::Dots { points, diameter, paint } => {
                let dots: String = points.iter().map(|(x, y)| format!("M{} {}h0", short(*x), short(*y))).collect();
                let stroke = painted("stroke", *paint);
                writeln!(svg, "<path d=\"{dots}\" {stroke} stroke-width=\"{diameter}\" stroke-linecap=\"round\"/>")
            }
            // An SVG within shows what is inside of it, and needs no name to refer to.
            Shape::Clipped { frame, shapes } => {
                let Frame { x, y, width, height } = frame;
                let _ = writeln!(svg, "<svg {} viewBox=\"{x} {y} {width} {height}\">", place(frame));
                write_shapes(svg, shapes)?;
                writeln!(svg, "</svg>")
            }
        };
    }
    Ok(())
}

fn place(Frame { x, y, width, height }: &Frame) -> String {
    format!("x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\"")
}

/// The attributes that paint the `what`, which is `fill` or `stroke`.
fn painted(what: &str, paint: Paint) -> String {
    let Colour(red, green, blue) = paint.colour;
    let hex = format!("#{red:02x}{green:02x}{blue:02x}");
    let mut attributes = match paint.class {
        Some(class) => format!("class=\"{class}\" color=\"{hex}\" {what}=\"currentColor\""),
        None => format!("{what}=\"{hex}\""),
    };
    if paint.opacity < 1.0 {
        let _ = write!(attributes, " {what}-opacity=\"{}\"", paint.opacity);
    }
    attributes
}

fn path(points: &[Point]) -> String {
    let mut path = String::with_capacity(points.len() * 12);
    for (x, y) in points {
        let letter = if path.is_empty() { 'M' } else { 'L' };
        let _ = write!(path, "{letter}{} {}", short(*x), short(*y));
    }
    path
}

/// To a tenth of a pixel.
fn short(value: f64) -> f64 {
    (value * 10.0).round() / 10.0 + 0.0
}

/// XML has no control characters, nor U+FFFE and U+FFFF.
fn escaped(text: &str) -> String {
    let none = |c: char| c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}');
    let text: String = text.chars().map(|c| if none(c) { ' ' } else { c }).collect();
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_goes_before_the_colour_and_a_clip_needs_no_name() {
        let red = Colour(200, 0, 0);
        let mut canvas = Canvas::new(40, 30, Colour(255, 255, 255).paint().class("paper")).styled(".k{color:blue}");
        canvas.clipped(4, 5, 20, 10, |canvas| {
            canvas.line(vec![(4.0, 5.0), (f64::NAN, 1.0), (30.26, 9.0)], 1.5, red.paint().class("k"));
            canvas.area(vec![(4.0, 5.0), (8.0, 5.0), (8.0, 9.0)], red.paint().opacity(0.25));
            canvas.dots(vec![(6.04, 7.0)], 3.0, red);
        });
        canvas.text(1, 20, Anchor::Start, red, "a < b & \u{1}c");
        insta::assert_snapshot!(canvas.svg().unwrap());
    }
}
