//! `bert`: a bit error test with the other side.

use std::time::Duration;

use super::{Begun, Facts, Module, Start, Step, StepVariant, Until, boxed};
use crate::scenario::mapping::{default, mapping, optional};
use crate::scenario::scalar::{boolean, duration, integer, token};
use crate::scenario::shape::Shape;
use crate::scenario::tagged::Variant;
use crate::units::human;

/// Sends FreeSWITCH's test pattern and judges what comes back (mod_bert, which knows PCMU alone). It goes on until the
/// leg ends; the step ends as soon as there is sync, and [`Bert::holding`] later.
#[derive(Clone, Debug, PartialEq)]
pub struct Bert {
    /// Wrong samples of a window, in percent, that are still in sync.
    pub max_err: u32,
    /// How long the first sync may take.
    pub timeout: Duration,
    pub window: Duration,
    /// What the switch does when sync does not come or is lost.
    pub on_error: OnError,
    /// The switch's jitter buffer, as its variable `jitterbuffer_msec` says it.
    pub jitter_buffer: Option<String>,
    /// How long sync must hold before the step ends.
    pub holding: Duration,
    /// Whether the next step follows only then.
    pub wait: bool,
}

/// What the switch does with a leg whose test fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnError {
    GoOn,
    /// Hangs up with MEDIA_TIMEOUT.
    HangUp,
}

impl Default for Bert {
    fn default() -> Self {
        Bert {
            max_err: MAX_ERR,
            timeout: TIMEOUT,
            window: WINDOW,
            on_error: OnError::HangUp,
            jitter_buffer: None,
            holding: Duration::ZERO,
            wait: true,
        }
    }
}

struct Keys {
    max_err: u32,
    timeout: Duration,
    window: Duration,
    hangup_on_error: bool,
    jitter_buffer: Option<String>,
    holding: Option<Duration>,
    wait: bool,
}

const MAX_ERR: u32 = 30;
const TIMEOUT: Duration = Duration::from_secs(3);
const WINDOW: Duration = Duration::from_secs(1);

/// What the switch may need beyond its own timeout to tell of it.
const GRACE: Duration = Duration::from_secs(5);

/// The events of mod_bert.
pub(in crate::scenario) const EVENTS: [&str; 3] = [IN_SYNC, LOST_SYNC, TIMED_OUT];
pub(in crate::scenario) const IN_SYNC: &str = "mod_bert::in_sync";
pub(in crate::scenario) const LOST_SYNC: &str = "mod_bert::lost_sync";
pub(in crate::scenario) const TIMED_OUT: &str = "mod_bert::timeout";

/// What tests the bits.
const TESTER: Module = Module {
    name: "mod_bert",
    application: "bert_test",
    instead: "play a clip and compare the recording bit by bit: `expect: { audio: [{ leg: callee, bit_exact: ... }] }`",
};

pub(super) fn variant() -> StepVariant {
    let doc =
        "Runs a bit error test (mod_bert, PCMU only) until the leg ends; the next step follows when it is in sync.";
    Variant::new("bert", doc).bare(|| boxed(Bert::default())).with(shape().map(boxed))
}

/// `100`, `100:200` or `100:200:40`: how long it is, how long it may grow, and the drift it allows, in milliseconds.
pub(in crate::scenario) fn jitter_buffer() -> Shape<String> {
    token("milliseconds such as `100:200:40`", "^[0-9]+(:[0-9]+){0,2}$")
}

fn shape() -> Shape<Bert> {
    mapping!(Keys {
        max_err: default(
            "max_err",
            integer(1..=100),
            MAX_ERR,
            MAX_ERR,
            "Wrong samples of a window, in percent, that are still in sync."
        ),
        timeout: default("timeout", duration(), TIMEOUT, "3s", "How long the first sync may take."),
        window: default("window", duration(), WINDOW, "1s", "What is judged at once."),
        hangup_on_error: default(
            "hangup_on_error",
            boolean(),
            true,
            true,
            "Whether the switch hangs up, with MEDIA_TIMEOUT, when sync does not come or is lost."
        ),
        jitter_buffer: optional(
            "jitter_buffer",
            jitter_buffer(),
            "The variable `jitterbuffer_msec`: length, longest length, drift. FreeSWITCH reads it as media begins."
        ),
        holding: optional("for", duration(), "How long sync must hold before the next step follows."),
        wait: default("wait", boolean(), true, true, "Whether the next step waits for sync, and fails without it."),
    })
    .map(|keys| Bert {
        max_err: keys.max_err,
        timeout: keys.timeout,
        window: keys.window,
        on_error: if keys.hangup_on_error { OnError::HangUp } else { OnError::GoOn },
        jitter_buffer: keys.jitter_buffer,
        holding: keys.holding.unwrap_or_default(),
        wait: keys.wait,
    })
    .expects("a mapping such as `{ max_err: 30, timeout: 3s }`")
}

impl Step for Bert {
    fn kind(&self) -> &'static str {
        "bert"
    }

    fn describe(&self) -> String {
        match self.holding {
            Duration::ZERO => "bert".to_owned(),
            holding => format!("bert for {}", human(holding)),
        }
    }

    fn facts(&self) -> Facts {
        let takes = if self.wait { self.holding } else { Duration::ZERO };
        Facts { takes, tests_bits: true, module: Some(TESTER), ..Facts::default() }
    }

    fn start(&self, start: &mut Start<'_>) -> Begun {
        start.break_playing();
        start.playing = true;
        let hangs_up = if self.on_error == OnError::HangUp { "yes" } else { "no" };
        let mut variables = format!(
            "bert_timer_name=soft;bert_max_err={};bert_timeout_ms={};bert_window_ms={};bert_hangup_on_error={hangs_up}",
            self.max_err,
            self.timeout.as_millis(),
            self.window.as_millis(),
        );
        if let Some(jitter_buffer) = &self.jitter_buffer {
            variables.push_str(&format!(";jitterbuffer_msec={jitter_buffer}"));
        }
        start.api_on_leg("uuid_setvar_multi", &variables);
        let uuid = start.execute("bert_test", "");
        if !self.wait {
            return Until::Started(uuid).into();
        }
        Until::InSync { test: uuid, holding: self.holding }.within(self.timeout + self.window + GRACE)
    }

    fn events(&self) -> Vec<String> {
        EVENTS.map(str::to_owned).to_vec()
    }
}
