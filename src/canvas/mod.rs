//! A surface to draw on: what is drawn, once; and how it becomes SVG or pixels.

mod letters;
mod pixels;
mod svg;
pub mod ticks;

pub use pixels::indexed;

/// Red, green, blue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Colour(pub u8, pub u8, pub u8);

/// What a shape is painted with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Paint {
    colour: Colour,
    class: Option<&'static str>,
    opacity: f64,
}

impl Paint {
    /// In SVG the shape has this class, whose CSS `color` goes before the paint's own colour.
    pub const fn class(self, class: &'static str) -> Paint {
        Paint { class: Some(class), ..self }
    }

    /// From 0, which is not seen, to 1, which hides what is below.
    pub const fn opacity(self, opacity: f64) -> Paint {
        Paint { opacity, ..self }
    }
}

impl From<Colour> for Paint {
    fn from(colour: Colour) -> Paint {
        colour.paint()
    }
}

impl Colour {
    /// The colour as it is, everywhere.
    pub const fn paint(self) -> Paint {
        Paint { colour: self, class: None, opacity: 1.0 }
    }
}

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

/// Pixels that a letter of a PNG is wide; those of an SVG are narrower, most of them.
pub const LETTER: usize = letters::WIDTH;

/// A place in pixels from the upper left.
pub type Point = (f64, f64);

#[derive(Debug)]
enum Shape {
    Rect {
        frame: Frame,
        paint: Paint,
    },
    Text {
        x: usize,
        y: usize,
        anchor: Anchor,
        paint: Paint,
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
    Line {
        points: Vec<Point>,
        width: f64,
        paint: Paint,
    },
    Area {
        outline: Vec<Point>,
        paint: Paint,
    },
    Dots {
        points: Vec<Point>,
        diameter: f64,
        paint: Paint,
    },
    Clipped {
        frame: Frame,
        shapes: Vec<Shape>,
    },
}

#[derive(Clone, Copy, Debug)]
struct Frame {
    x: usize,
    y: usize,
    width: usize,
    height: usize,
}

/// Shapes, the later above the earlier; places in pixels from the upper left.
#[derive(Debug)]
pub struct Canvas {
    width: usize,
    height: usize,
    style: Option<&'static str>,
    shapes: Vec<Shape>,
}

impl Canvas {
    pub fn new(width: usize, height: usize, paper: impl Into<Paint>) -> Self {
        let mut canvas = Canvas { width, height, style: None, shapes: Vec::new() };
        canvas.rect(0, 0, width, height, paper);
        canvas
    }

    /// The SVG says by this CSS what the classes of its paints look like.
    pub fn styled(self, css: &'static str) -> Self {
        Canvas { style: Some(css), ..self }
    }

    pub fn rect(&mut self, x: usize, y: usize, width: usize, height: usize, paint: impl Into<Paint>) {
        self.shapes.push(Shape::Rect { frame: Frame { x, y, width, height }, paint: paint.into() });
    }

    /// `y` is where letters stand.
    pub fn text(&mut self, x: usize, y: usize, anchor: Anchor, paint: impl Into<Paint>, text: &str) {
        self.shapes.push(Shape::Text { x, y, anchor, paint: paint.into(), text: text.to_owned() });
    }

    pub fn bars(&mut self, x: usize, bars: Vec<(f64, f64)>, colour: Colour) {
        self.shapes.push(Shape::Bars { x, bars, colour });
    }

    pub fn image(&mut self, x: usize, y: usize, width: usize, pixels: Vec<Colour>) {
        self.shapes.push(Shape::Image { x, y, width, pixels });
    }

    /// From point to point, `width` pixels wide. Nothing, where there are not two points.
    pub fn line(&mut self, points: Vec<Point>, width: f64, paint: impl Into<Paint>) {
        let points = finite(points);
        if points.len() > 1 {
            self.shapes.push(Shape::Line { points, width, paint: paint.into() });
        }
    }

    /// What is within `outline`, which is closed by its first point.
    pub fn area(&mut self, outline: Vec<Point>, paint: impl Into<Paint>) {
        let outline = finite(outline);
        if outline.len() > 2 {
            self.shapes.push(Shape::Area { outline, paint: paint.into() });
        }
    }

    /// A disc around each point. Where they overlap, they are no darker.
    pub fn dots(&mut self, points: Vec<Point>, diameter: f64, paint: impl Into<Paint>) {
        let points = finite(points);
        if !points.is_empty() {
            self.shapes.push(Shape::Dots { points, diameter, paint: paint.into() });
        }
    }

    /// Leaves out of what `draw` draws all that is not within the rectangle.
    pub fn clipped(&mut self, x: usize, y: usize, width: usize, height: usize, draw: impl FnOnce(&mut Canvas)) {
        let around = std::mem::take(&mut self.shapes);
        draw(self);
        let shapes = std::mem::replace(&mut self.shapes, around);
        self.shapes.push(Shape::Clipped { frame: Frame { x, y, width, height }, shapes });
    }

    pub fn svg(&self) -> Result<String, PictureError> {
        svg::svg(self)
    }

    pub fn png(&self) -> Result<Vec<u8>, PictureError> {
        pixels::png(self)
    }
}

/// A place that is none is left out, and one far away is nearer: nobody sees the difference.
fn finite(points: Vec<Point>) -> Vec<Point> {
    const FAR: f64 = 1e6;
    let near = |(x, y): Point| (x.clamp(-FAR, FAR), y.clamp(-FAR, FAR));
    points.into_iter().filter(|(x, y)| !x.is_nan() && !y.is_nan()).map(near).collect()
}
