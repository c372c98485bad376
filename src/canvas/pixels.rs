//! Shapes as pixels, with smooth edges where they have slopes.

use super::{Anchor, Canvas, Colour, Frame, Paint, PictureError, Point, Shape, letters};

pub(super) fn png(canvas: &Canvas) -> Result<Vec<u8>, PictureError> {
    encode(canvas.width, canvas.height, &Pixels::of(canvas).rgb)
}

pub(super) fn encode(width: usize, height: usize, rgb: &[u8]) -> Result<Vec<u8>, PictureError> {
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

struct Pixels {
    width: usize,
    rgb: Vec<u8>,
    /// What is drawn on, of all pixels.
    clip: Frame,
}

/// Of each pixel of a frame, how much is covered: from 0 to 1.
struct Mask {
    frame: Frame,
    cover: Vec<f64>,
}

impl Pixels {
    fn of(canvas: &Canvas) -> Pixels {
        let (width, height) = (canvas.width, canvas.height);
        let clip = Frame { x: 0, y: 0, width, height };
        let mut pixels = Pixels { width, rgb: vec![0; width * height * 3], clip };
        pixels.draw(&canvas.shapes);
        pixels
    }

    fn draw(&mut self, shapes: &[Shape]) {
        for shape in shapes {
            match shape {
                Shape::Rect { frame, paint } => self.fill(*frame, *paint),
                Shape::Text { x, y, anchor, paint, text } => self.text(*x, *y, *anchor, *paint, text),
                Shape::Bars { x, bars, colour } => {
                    for (n, (top, bottom)) in bars.iter().enumerate() {
                        let y = top.round().max(0.0) as usize;
                        let height = (bottom.round().max(0.0) as usize).saturating_sub(y).max(1);
                        self.fill(Frame { x: x + n, y, width: 1, height }, colour.paint());
                    }
                }
                Shape::Image { x, y, width, pixels } => {
                    for (n, colour) in pixels.iter().enumerate() {
                        let (x, y) = (x + n % width, y + n / width);
                        self.fill(Frame { x, y, width: 1, height: 1 }, colour.paint());
                    }
                }
                Shape::Line { points, width, paint } => {
                    let mut mask = Mask::around(points, *width, self.clip);
                    points.windows(2).for_each(|ends| mask.stroke(ends[0], ends[1], width / 2.0));
                    self.blend(&mask, *paint);
                }
                Shape::Dots { points, diameter, paint } => {
                    let mut mask = Mask::around(points, *diameter, self.clip);
                    points.iter().for_each(|point| mask.stroke(*point, *point, diameter / 2.0));
                    self.blend(&mask, *paint);
                }
                Shape::Area { outline, paint } => {
                    let mut mask = Mask::around(outline, 0.0, self.clip);
                    mask.fill(outline);
                    self.blend(&mask, *paint);
                }
                Shape::Clipped { frame, shapes } => {
                    let around = self.clip;
                    self.clip = within(*frame, around);
                    self.draw(shapes);
                    self.clip = around;
                }
            }
        }
    }

    /// What is outside is left out.
    fn fill(&mut self, frame: Frame, paint: Paint) {
        let frame = within(frame, self.clip);
        for y in frame.y..frame.y + frame.height {
            for x in frame.x..frame.x + frame.width {
                self.dot(x, y, paint.colour, paint.opacity);
            }
        }
    }

    fn blend(&mut self, mask: &Mask, paint: Paint) {
        for (n, cover) in mask.cover.iter().enumerate().filter(|(_, cover)| **cover > 0.0) {
            let (x, y) = (mask.frame.x + n % mask.frame.width, mask.frame.y + n / mask.frame.width);
            self.dot(x, y, paint.colour, cover.min(1.0) * paint.opacity);
        }
    }

    fn dot(&mut self, x: usize, y: usize, Colour(red, green, blue): Colour, part: f64) {
        let at = 3 * (y * self.width + x);
        for (under, over) in self.rgb[at..at + 3].iter_mut().zip([red, green, blue]) {
            *under = (f64::from(*under) * (1.0 - part) + f64::from(over) * part).round() as u8;
        }
    }

    fn text(&mut self, x: usize, y: usize, anchor: Anchor, paint: Paint, text: &str) {
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
                    let (x, y) = (left + n * letters::WIDTH + column, top + TALL * row);
                    self.fill(Frame { x, y, width: 1, height: TALL }, paint);
                }
            }
        }
    }
}

/// The part of `frame` that is in `clip`.
fn within(frame: Frame, clip: Frame) -> Frame {
    let (x, y) = (frame.x.max(clip.x), frame.y.max(clip.y));
    let right = frame.x.saturating_add(frame.width).min(clip.x + clip.width);
    let bottom = frame.y.saturating_add(frame.height).min(clip.y + clip.height);
    Frame { x, y, width: right.saturating_sub(x), height: bottom.saturating_sub(y) }
}

impl Mask {
    /// For what lies around `points`, `width` wide.
    fn around(points: &[Point], width: f64, clip: Frame) -> Mask {
        let margin = width / 2.0 + 1.0;
        let range = |of: fn(&Point) -> f64| {
            let low = points.iter().map(of).fold(f64::INFINITY, f64::min) - margin;
            let high = points.iter().map(of).fold(f64::NEG_INFINITY, f64::max) + margin;
            let low = low.floor().max(0.0) as usize;
            (low, (high.ceil().max(0.0) as usize).saturating_sub(low))
        };
        let ((x, width), (y, height)) = (range(|point| point.0), range(|point| point.1));
        let frame = within(Frame { x, y, width, height }, clip);
        Mask { frame, cover: vec![0.0; frame.width * frame.height] }
    }

    /// Pixels of the frame from `low` to `high`, of `count` that begin at `first`.
    fn span(low: f64, high: f64, first: usize, count: usize) -> std::ops::Range<usize> {
        let place = |at: f64| (at - first as f64).clamp(0.0, count as f64);
        place(low.floor()) as usize..place(high.ceil()) as usize
    }

    /// A line with round ends, `reach` to each side.
    fn stroke(&mut self, a: Point, b: Point, reach: f64) {
        let Frame { x: left, y: top, width, height } = self.frame;
        let margin = reach + 1.0;
        let (along, down) = (b.0 - a.0, b.1 - a.1);
        let square = along * along + down * down;
        for row in Mask::span(a.1.min(b.1) - margin, a.1.max(b.1) + margin, top, height) {
            for column in Mask::span(a.0.min(b.0) - margin, a.0.max(b.0) + margin, left, width) {
                let (x, y) = ((left + column) as f64 + 0.5 - a.0, (top + row) as f64 + 0.5 - a.1);
                let part = if square > 0.0 { ((x * along + y * down) / square).clamp(0.0, 1.0) } else { 0.0 };
                let distance = (x - part * along).hypot(y - part * down);
                let cover = &mut self.cover[row * width + column];
                *cover = cover.max((reach + 0.5 - distance).clamp(0.0, 1.0));
            }
        }
    }

    /// What is within `outline`, looked at along lines through each row.
    fn fill(&mut self, outline: &[Point]) {
        const LINES: usize = 4;
        let Frame { x: left, y: top, width, height } = self.frame;
        let edges: Vec<(Point, Point)> =
            outline.iter().copied().zip(outline.iter().copied().cycle().skip(1)).filter(|(a, b)| a.1 != b.1).collect();
        let mut crossings = Vec::new();
        for line in 0..height * LINES {
            let y = top as f64 + (line as f64 + 0.5) / LINES as f64;
            let crossed = edges.iter().filter(|(a, b)| (a.1 <= y) != (b.1 <= y));
            crossings.clear();
            crossings.extend(crossed.map(|(a, b)| a.0 + (y - a.1) / (b.1 - a.1) * (b.0 - a.0)));
            crossings.sort_by(f64::total_cmp);
            for inside in crossings.chunks_exact(2) {
                for column in Mask::span(inside[0], inside[1], left, width) {
                    let x = (left + column) as f64;
                    let part = (inside[1].min(x + 1.0) - inside[0].max(x)).max(0.0);
                    self.cover[line / LINES * width + column] += part / LINES as f64;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHITE: Colour = Colour(255, 255, 255);
    const BLACK: Colour = Colour(0, 0, 0);

    /// How dark each pixel of a row is, in percent.
    fn row(y: usize, draw: impl FnOnce(&mut Canvas)) -> Vec<u32> {
        let mut canvas = Canvas::new(6, 6, WHITE);
        draw(&mut canvas);
        let pixels = Pixels::of(&canvas);
        (0..6).map(|x| ((255 - u32::from(pixels.rgb[3 * (y * 6 + x)])) * 100 + 127) / 255).collect()
    }

    #[test]
    fn an_area_covers_what_is_within_it_and_half_of_a_pixel_that_it_cuts_in_half() {
        let square = |canvas: &mut Canvas| canvas.area(vec![(1.0, 1.0), (3.5, 1.0), (3.5, 4.0), (1.0, 4.0)], BLACK);
        assert_eq!(row(2, square), [0, 100, 100, 50, 0, 0]);
        assert_eq!(row(4, square), [0; 6]);
        let faint = |canvas: &mut Canvas| {
            canvas.area(vec![(0.0, 0.0), (6.0, 0.0), (6.0, 6.0), (0.0, 6.0)], BLACK.paint().opacity(0.2));
        };
        assert_eq!(row(5, faint), [20; 6]);
    }

    #[test]
    fn a_line_with_a_corner_is_no_darker_there() {
        let corner = |canvas: &mut Canvas| {
            canvas.line(vec![(0.0, 2.5), (3.5, 2.5), (3.5, 6.0)], 1.0, BLACK.paint().opacity(0.5));
        };
        assert_eq!(row(2, corner), [50, 50, 50, 50, 0, 0]);
        assert_eq!(row(4, corner), [0, 0, 0, 50, 0, 0]);
    }

    #[test]
    fn what_is_outside_of_a_clip_or_of_the_picture_is_left_out() {
        let clipped = |canvas: &mut Canvas| {
            canvas.clipped(2, 0, 2, 6, |canvas| canvas.line(vec![(-1e9, 2.5), (1e9, 2.5)], 1.0, BLACK));
        };
        assert_eq!(row(2, clipped), [0, 0, 100, 100, 0, 0]);
        let outside = |canvas: &mut Canvas| canvas.dots(vec![(99.0, 99.0), (-5.0, f64::INFINITY)], 2.0, BLACK);
        assert_eq!(row(2, outside), [0; 6]);
    }
}
