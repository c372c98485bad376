//! `bert_test`: a bit error test, as mod_bert does it; set up by the variables `bert_*`.
//!
//! Left out: `bert_debug_io_file`. `bert_timer_name` is as good as any other, for media has its own clock here, and
//! `jitterbuffer_msec` changes nothing: the jitter buffer adapts by itself.

use std::time::Duration;

use crate::audio::bert::{Loss, Report, Settings};
use crate::call::HangupCause;
use crate::media::{Codec, MediaCommand};

use super::super::core::{About, ChannelKey, SwitchCore, Task};
use super::super::events::origin;
use super::super::variables::Variables;
use super::{Application, Doing, OnError};

pub(super) const APPLICATION: Application = Application { name: "bert_test", run };

fn run(core: &mut SwitchCore, key: ChannelKey, _: &str) -> Doing {
    // mod_bert goes on whether it could or not.
    let _ = core.answer_call(key);
    let Some(channel) = core.channel(key).filter(|c| c.is_up() && c.has_media()) else { return Doing::Done };
    if channel.media.codec != Some(Codec::Pcmu) {
        tracing::error!(target: "callwright::switch", "This application only works when using ulaw codec");
        return Doing::Done;
    }
    let settings = settings(&channel.variables);
    let on_error = if channel.variables.is_true("bert_hangup_on_error") { OnError::HangUp } else { OnError::GoOn };
    channel.variables.set("bert_stats_sync_lost_count", "0");
    channel.variables.set("bert_stats_sync_lost", "false");
    let leg = channel.media.leg;
    let echoes = channel.stack.iter().any(|frame| matches!(frame.doing, Doing::Echo));
    if echoes {
        core.media(MediaCommand::Echo { leg, on: false });
    }
    core.media(MediaCommand::Bert { leg, settings });
    core.later(Task::Pump(key));
    Doing::Bert(on_error)
}

fn settings(variables: &Variables) -> Settings {
    let number = |name: &str| variables.value(name).and_then(leading_number);
    let milliseconds = |name: &str| number(name).map(|ms| Duration::from_millis(ms.into()));
    let mod_bert = Settings::default();
    Settings {
        window: milliseconds("bert_window_ms").unwrap_or(mod_bert.window),
        timeout: milliseconds("bert_timeout_ms").unwrap_or(mod_bert.timeout),
        max_err: number("bert_max_err").map_or(mod_bert.max_err, |percent| percent as f32),
        ..mod_bert
    }
}

/// The whole number above 0 that `text` begins with (C's `atoi`).
fn leading_number(text: &str) -> Option<u32> {
    let text = text.trim_start();
    let text = text.strip_prefix('+').unwrap_or(text);
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text[..digits].parse().ok().filter(|number| *number > 0)
}

impl SwitchCore {
    /// Tells of what the media found.
    pub(in super::super) fn bert_reported(&mut self, key: ChannelKey, report: Report) {
        let Some(channel) = self.channel(key).filter(|c| c.is_up()) else { return };
        let on_error = channel.stack.iter().rev().find_map(|frame| match frame.doing {
            Doing::Bert(on_error) => Some(on_error),
            _ => None,
        });
        let Some(on_error) = on_error else { return };
        match report {
            Report::InSync => {
                return self.fire_custom("mod_bert::in_sync", origin::BERT_IN_SYNC, About::Channel(key), &[]);
            }
            Report::Timeout => self.fire_custom("mod_bert::timeout", origin::BERT_TIMEOUT, About::Channel(key), &[]),
            Report::LostSync(loss) => self.bert_lost(key, loss),
        }
        if on_error == OnError::HangUp {
            self.hangup(key, HangupCause::MediaTimeout);
        }
    }

    fn bert_lost(&mut self, key: ChannelKey, loss: Loss) {
        let Loss { percent, count, cng, err_samples } = loss;
        let count = count.to_string();
        if let Some(channel) = self.channel(key) {
            channel.variables.set("bert_stats_sync_lost_count", count.as_str());
            channel.variables.set("bert_stats_sync_lost", "true");
        }
        let figures = [
            ("sync_lost_percent", format!("{percent:.6}")),
            ("sync_lost_count", count),
            ("cng_count", cng.to_string()),
            ("err_samples", err_samples.to_string()),
        ];
        let figures = figures.each_ref().map(|(name, value)| (*name, value.as_str()));
        self.fire_custom("mod_bert::lost_sync", origin::BERT_LOST_SYNC, About::Channel(key), &figures);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_read_as_c_reads_numbers() {
        let read = |value: &str| {
            let mut variables = Variables::default();
            variables.set("bert_max_err", value);
            variables.set("bert_timeout_ms", value);
            let settings = settings(&variables);
            (settings.max_err, settings.timeout.as_millis())
        };
        assert_eq!(read("30"), (30.0, 30));
        assert_eq!(read(" +2.9 percent"), (2.0, 2));
        for none in ["0", "-5", "many", "", "99999999999"] {
            assert_eq!(read(none), (10.0, 10_000), "{none:?}");
        }
    }
}
