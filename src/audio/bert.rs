//! A bit error test: a pattern of octets that goes out, and whether it comes back, as FreeSWITCH's mod_bert does it.
//!
//! The pattern is the digital milliwatt (ITU-T G.711, tables 5 and 6), octet by octet. What comes in is counted in
//! windows: one in which no more than [`Settings::max_err`] percent of the samples are wrong is in sync. mod_bert knows
//! mu-law alone; the test itself is the same for A-law.
//!
//! Left out: mod_bert's log. Kept, since its figures are to be the same: a frame in which the pattern stands only at
//! the very end counts as right.

use std::time::Duration;

use super::g711::{Law, digital_milliwatt};
use crate::units::{SampleRate, Time};

/// Octets of one period of the pattern.
const PERIOD: usize = 8;

/// How a test is run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    pub law: Law,
    /// What is judged at once.
    pub window: Duration,
    /// Wrong samples of a window, in percent, that are still in sync.
    pub max_err: f32,
    /// How long the first sync may take, before [`Report::Timeout`].
    pub timeout: Duration,
}

impl Default for Settings {
    /// As mod_bert has them.
    fn default() -> Self {
        Settings { law: Law::Mu, window: Duration::from_secs(1), max_err: 10.0, timeout: Duration::from_secs(10) }
    }
}

/// What a test tells.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Report {
    /// There was no sync in time. The test goes on, and may come into sync later.
    Timeout,
    /// A window had few enough errors, where the one before, if there was any, had not.
    InSync,
    /// A window had too many errors, where the one before had not.
    LostSync(Loss),
}

/// A window that was out of sync.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Loss {
    /// Wrong samples of the window, in percent.
    pub percent: f32,
    /// How often sync was lost so far.
    pub count: u32,
    /// Frames since the last sync in which nothing came.
    pub cng: u32,
    /// Wrong samples of the window.
    pub err_samples: u32,
}

/// One end of a test: makes what is sent and judges what is heard.
#[derive(Clone, Debug)]
pub struct Bert {
    settings: Settings,
    pattern: [u8; PERIOD],
    /// Samples of a window.
    window: u32,
    deadline: Option<Time>,
    processed: u32,
    errors: u32,
    lost: u32,
    cng: u32,
    sync: Sync,
    /// The frame before was looked through and was right.
    clean: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sync {
    /// Not yet once.
    Never,
    In,
    Lost,
}

impl Bert {
    /// A test that begins at `now`.
    pub fn new(settings: Settings, now: Time) -> Bert {
        Bert {
            settings,
            pattern: digital_milliwatt(settings.law),
            window: u32::try_from(SampleRate::NARROW.samples(settings.window)).unwrap_or(u32::MAX),
            deadline: Some(now + settings.timeout),
            processed: 0,
            errors: 0,
            lost: 0,
            cng: 0,
            sync: Sync::Never,
            clean: false,
        }
    }

    /// Fills `frame` with what is sent: each frame begins with the pattern.
    pub fn fill(&self, frame: &mut [u8]) {
        for (octet, pattern) in frame.iter_mut().zip(self.pattern.iter().cycle()) {
            *octet = *pattern;
        }
    }

    /// Takes the octets of a frame as long as those that are sent, or silence of `samples` where nothing came.
    ///
    /// A window is judged as the frame behind it comes.
    pub fn handle_frame(&mut self, now: Time, heard: Result<&[u8], usize>) -> Vec<Report> {
        let mut reports = Vec::new();
        if self.sync == Sync::Never && self.deadline.is_some_and(|deadline| now >= deadline) {
            self.deadline = None;
            reports.push(Report::Timeout);
        }
        if heard.is_err() {
            self.cng += 1;
        }
        if self.processed == self.window {
            reports.extend(self.judge());
        }
        let samples = match heard {
            Ok(octets) => {
                self.count(octets);
                octets.len()
            }
            Err(samples) => {
                self.count_wrong(samples);
                samples
            }
        };
        self.processed += samples as u32;
        reports
    }

    fn judge(&mut self) -> Option<Report> {
        let (errors, processed) = (self.errors, self.processed);
        (self.errors, self.processed) = (0, 0);
        let percent = (f64::from(errors as f32 / processed as f32) * 100.0) as f32;
        if percent <= self.settings.max_err {
            let before = std::mem::replace(&mut self.sync, Sync::In);
            if before == Sync::In {
                return None;
            }
            self.cng = 0;
            return Some(Report::InSync);
        }
        if self.sync != Sync::In {
            return None;
        }
        self.sync = Sync::Lost;
        self.lost += 1;
        Some(Report::LostSync(Loss { percent, count: self.lost, cng: self.cng, err_samples: errors }))
    }

    fn count(&mut self, octets: &[u8]) {
        let wrong = |octets: &[u8]| octets.iter().zip(self.pattern.iter().cycle()).filter(|(a, b)| a != b).count();
        if (self.sync == Sync::In || self.clean) && wrong(octets) == 0 {
            return;
        }
        let Some(start) = octets.windows(PERIOD).position(|window| window == self.pattern) else {
            return self.count_wrong(octets.len());
        };
        let rest = &octets[start + PERIOD..];
        let errors = if rest.is_empty() { 0 } else { start + wrong(rest) };
        self.errors += errors as u32;
        self.clean = errors == 0;
    }

    /// The pattern is nowhere in a frame.
    fn count_wrong(&mut self, samples: usize) {
        self.errors += samples as u32;
        self.clean = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAME: usize = 160;

    /// A test that hears `frames` of 20 ms, and the reports with the number of the frame that each came with.
    fn hear(settings: Settings, frames: impl IntoIterator<Item = Option<Vec<u8>>>) -> Vec<(u64, Report)> {
        let start = Time::from_micros(5_000_000);
        let mut bert = Bert::new(settings, start);
        let mut told = Vec::new();
        for (n, frame) in (1..).zip(frames) {
            let now = start + Duration::from_millis(20 * n);
            let reports = bert.handle_frame(now, frame.as_deref().ok_or(FRAME));
            told.extend(reports.into_iter().map(|report| (n, report)));
        }
        told
    }

    fn sent(law: Law) -> Vec<u8> {
        let mut frame = vec![0; FRAME];
        Bert::new(Settings { law, ..Settings::default() }, Time::default()).fill(&mut frame);
        frame
    }

    fn tone() -> Vec<u8> {
        vec![0x55; FRAME]
    }

    fn repeat(frame: Vec<u8>, times: usize) -> impl Iterator<Item = Option<Vec<u8>>> {
        std::iter::repeat_n(Some(frame), times)
    }

    #[test]
    fn what_is_sent_is_in_sync_after_one_window_under_both_laws() {
        for law in [Law::Mu, Law::A] {
            let settings = Settings { law, max_err: 1.0, ..Settings::default() };
            assert_eq!(hear(settings, repeat(sent(law), 200)), [(51, Report::InSync)], "{law:?}");
            let other = if law == Law::Mu { Law::A } else { Law::Mu };
            assert_eq!(hear(settings, repeat(sent(other), 200)), [], "{law:?} hears {other:?}");
        }
    }

    /// The figures of the capture bert-lost-sync: 49 of 50 frames were another tone.
    #[test]
    fn a_lost_window_has_the_figures_that_mod_bert_gives_it() {
        let settings = Settings { max_err: 30.0, timeout: Duration::from_secs(3), ..Settings::default() };
        let lead = std::iter::repeat_n(None, 4);
        let gaps = std::iter::repeat_n(None, 4);
        let frames = lead.chain(repeat(sent(Law::Mu), 97)).chain(gaps).chain(repeat(tone(), 60));
        let told = hear(settings, frames);
        let loss = Loss { percent: 98.0, count: 1, cng: 4, err_samples: 7_840 };
        assert_eq!(told, [(51, Report::InSync), (151, Report::LostSync(loss))]);
    }

    #[test]
    fn a_window_with_as_many_errors_as_may_be_is_in_sync_and_one_more_is_not() {
        let settings = Settings { max_err: 10.0, ..Settings::default() };
        for (wrong, expected) in [(5, 1), (6, 0)] {
            let frames = repeat(tone(), wrong).chain(repeat(sent(Law::Mu), 50 - wrong)).chain([None]);
            assert_eq!(hear(settings, frames).len(), expected, "{wrong} of 50 frames wrong");
        }
    }

    #[test]
    fn sync_can_be_lost_and_found_any_number_of_times() {
        let settings = Settings { max_err: 30.0, ..Settings::default() };
        let turns = (0..3).flat_map(|_| repeat(sent(Law::Mu), 50).chain(repeat(tone(), 50)));
        let told = hear(settings, turns.chain([None]));
        let loss = |count| Report::LostSync(Loss { percent: 100.0, count, cng: 0, err_samples: 8_000 });
        assert_eq!(told[..4], [(51, Report::InSync), (101, loss(1)), (151, Report::InSync), (201, loss(2))]);
        assert_eq!(told[5].0, 301);
    }

    #[test]
    fn no_sync_in_time_is_told_once() {
        let settings = Settings { timeout: Duration::from_secs(2), ..Settings::default() };
        assert_eq!(hear(settings, repeat(tone(), 500)), [(100, Report::Timeout)]);
        let nothing = std::iter::repeat_n(None, 500);
        assert_eq!(hear(settings, nothing), [(100, Report::Timeout)]);
        let late = repeat(tone(), 120).chain(repeat(sent(Law::Mu), 100));
        assert_eq!(hear(settings, late), [(100, Report::Timeout), (201, Report::InSync)]);
    }

    #[test]
    fn single_wrong_samples_are_counted_one_by_one() {
        let mut bert = Bert::new(Settings::default(), Time::default());
        for (place, octet, errors) in [(40, 0x00, 1), (0, 0x00, 8), (159, 0x00, 1)] {
            let mut frame = sent(Law::Mu);
            frame[place] = octet;
            bert.errors = 0;
            bert.handle_frame(Time::default(), Ok(&frame));
            // A wrong sample in front of the first whole period takes that period with it.
            assert_eq!(bert.errors, errors, "at {place}");
        }
    }

    #[test]
    fn a_frame_cut_out_of_phase_loses_the_samples_before_its_first_period() {
        let mut bert = Bert::new(Settings::default(), Time::default());
        let mut frame = sent(Law::Mu);
        frame.rotate_left(3);
        bert.handle_frame(Time::default(), Ok(&frame));
        assert_eq!(bert.errors, 5);
    }
}
