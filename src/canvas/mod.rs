//! A surface to draw on: what is drawn, once; and how it becomes SVG or pixels.

mod letters;

use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Red, green, blue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Colour(pub u8, pub u8, pub u8);

/// Which part of a text stands at its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anchor {
    Start,
    Middle,
    End,
}

/// A picture could not be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write PNG: {0}")]
pub struct PictureError(#[from] png::EncodingError);

#[derive(Debug)]
enum Shape {
    Rect {
        x: usize,
        y: usize,
        width: usize,
        height: usize,
        colour: Colour,
    },
    Text {
        x: usize,
        y: usize,
        anchor: Anchor,
        colour: Colour,
        text: String,
    },
    /// One column after the other, each from a height to a lower one.
    Bars {
        x: usize,
        bars: Vec<(f64, f64)>,
        colour: Colour,
    },
    Image {
        x: usize,
        y: usize,
        width: usize,
        pixels: Vec<Colour>,
    },
}

/// Shapes, the later above the earlier; places in pixels from the upper left.
#[derive(Debug)]
pub struct Canvas {
    width: usize,
    height: usize,
    shapes: Vec<Shape>,
}

impl Canvas {
    pub fn new(width: usize, height: usize, paper: Colour) -> Self {
        Canvas { width, height, shapes: vec![Shape::Rect { x: 0, y: 0, width, height, colour: paper }] }
    }

    pub fn rect(&mut self, x: usize, y: usize, width: usize, height: usize, colour: Colour) {
        self.shapes.push(Shape::Rect { x, y, width, height, colour });
    }

    /// `y` is where letters stand.
    pub fn text(&mut self, x: usize, y: usize, anchor: Anchor, colour: Colour, text: &str) {
        self.shapes.push(Shape::Text { x, y, anchor, colour, text: text.to_owned() });
    }

    pub fn bars(&mut self, x: usize, bars: Vec<(f64, f64)>, colour: Colour) {
        self.shapes.push(Shape::Bars { x, bars, colour });
    }

    pub fn image(&mut self, x: usize, y: usize, width: usize, pixels: Vec<Colour>) {
        self.shapes.push(Shape::Image { x, y, width, pixels });
    }

    pub fn svg(&self) -> Result<String, PictureError> {
        let (width, height) = (self.width, self.height);
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
             viewBox=\"0 0 {width} {height}\" font-family=\"system-ui, sans-serif\" font-size=\"14\">\n"
        );
        for shape in &self.shapes {
            // Writing to a String cannot fail.
            let _ = match shape {
                Shape::Rect { x, y, width, height, colour } => writeln!(
                    svg,
                    "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" fill=\"{}\"/>",
                    hex(*colour)
                ),
                Shape::Text { x, y, anchor, colour, text } => {
                    let anchor = match anchor {
                        Anchor::Start => "start",
                        Anchor::Middle => "middle",
                        Anchor::End => "end",
                    };
                    let (fill, text) = (hex(*colour), escaped(text));
                    writeln!(svg, "<text x=\"{x}\" y=\"{y}\" text-anchor=\"{anchor}\" fill=\"{fill}\">{text}</text>")
                }
                Shape::Bars { x, bars, colour } => {
                    let path: String = bars
                        .iter()
                        .enumerate()
                        .map(|(n, (top, bottom))| format!("M{}.5 {top:.1}V{:.1}", x + n, bottom.max(top + 1.0)))
                        .collect();
                    writeln!(svg, "<path d=\"{path}\" stroke=\"{}\" fill=\"none\"/>", hex(*colour))
                }
                Shape::Image { x, y, width, pixels } => {
                    let height = pixels.len() / width;
                    let rgb: Vec<u8> = pixels.iter().flat_map(|colour| [colour.0, colour.1, colour.2]).collect();
                    let data = STANDARD.encode(png(*width, height, &rgb)?);
                    writeln!(
                        svg,
                        "<image x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" \
                         href=\"data:image/png;base64,{data}\"/>"
                    )
                }
            };
        }
        svg.push_str("</svg>\n");
        Ok(svg)
    }

    pub fn png(&self) -> Result<Vec<u8>, PictureError> {
        let mut pixels = Pixels { width: self.width, height: self.height, rgb: vec![0; self.width * self.height * 3] };
        for shape in &self.shapes {
            match shape {
                Shape::Rect { x, y, width, height, colour } => pixels.fill(*x, *y, *width, *height, *colour),
                Shape::Text { x, y, anchor, colour, text } => pixels.text(*x, *y, *anchor, *colour, text),
                Shape::Bars { x, bars, colour } => {
                    for (n, (top, bottom)) in bars.iter().enumerate() {
                        let top = top.round().max(0.0) as usize;
                        let height = (bottom.round().max(0.0) as usize).saturating_sub(top).max(1);
                        pixels.fill(x + n, top, 1, height, *colour);
                    }
                }
                Shape::Image { x, y, width, pixels: image } => {
                    for (n, colour) in image.iter().enumerate() {
                        pixels.fill(x + n % width, y + n / width, 1, 1, *colour);
                    }
                }
            }
        }
        png(self.width, self.height, &pixels.rgb)
    }
}

struct Pixels {
    width: usize,
    height: usize,
    rgb: Vec<u8>,
}

impl Pixels {
    /// What is outside is left out.
    fn fill(&mut self, x: usize, y: usize, width: usize, height: usize, colour: Colour) {
        for row in y..(y + height).min(self.height) {
            for column in x..(x + width).min(self.width) {
                let at = 3 * (row * self.width + column);
                self.rgb[at..at + 3].copy_from_slice(&[colour.0, colour.1, colour.2]);
            }
        }
    }

    fn text(&mut self, x: usize, y: usize, anchor: Anchor, colour: Colour, text: &str) {
        // Twice as high as wide, as such letters were shown.
        const TALL: usize = 2;
        let length = letters::WIDTH * text.chars().count();
        let left = match anchor {
            Anchor::Start => x,
            Anchor::Middle => x.saturating_sub(length / 2),
            Anchor::End => x.saturating_sub(length),
        };
        let top = y.saturating_sub(TALL * (letters::HEIGHT - 1));
        for (n, letter) in text.chars().enumerate() {
            for (row, dots) in letters::letter(letter).into_iter().enumerate() {
                for column in (0..letters::WIDTH).filter(|column| dots >> column & 1 == 1) {
                    self.fill(left + n * letters::WIDTH + column, top + TALL * row, 1, TALL, colour);
                }
            }
        }
    }
}

fn png(width: usize, height: usize, rgb: &[u8]) -> Result<Vec<u8>, PictureError> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width as u32, height as u32);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(rgb)?;
    writer.finish()?;
    Ok(bytes)
}

/// A picture with a palette, from the upper left: for few colours, a third of the size.
pub fn indexed(width: usize, height: usize, palette: &[Colour], pixels: &[u8]) -> Result<Vec<u8>, PictureError> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width as u32, height as u32);
    encoder.set_color(png::ColorType::Indexed);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_palette(palette.iter().flat_map(|colour| [colour.0, colour.1, colour.2]).collect::<Vec<u8>>());
    encoder.set_compression(png::Compression::High);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(pixels)?;
    writer.finish()?;
    Ok(bytes)
}

fn hex(Colour(red, green, blue): Colour) -> String {
    format!("#{red:02x}{green:02x}{blue:02x}")
}

/// XML has no control characters.
fn escaped(text: &str) -> String {
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
