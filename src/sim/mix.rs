//! What storms are made of: scenarios like those that are shipped, only shorter, each with what it cannot pass without.

use std::time::Duration;

use crate::scenario::Leg;

/// A scenario without its name.
#[derive(Debug)]
pub(super) struct Piece {
    pub kind: &'static str,
    pub text: &'static str,
    pub needs: Needs,
}

/// What a scenario cannot pass without. Written down here by hand, and not taken from the scenario as it was understood.
#[derive(Clone, Copy, Debug)]
pub(super) struct Needs {
    /// A provisional response that reaches the caller.
    pub ringing: bool,
    /// A final response that reaches the caller: an answer or a refusal.
    pub response: bool,
    /// Every request of this kind inside the dialog: INFO, re-INVITE.
    pub requests: Option<&'static str>,
    /// So much sound on this leg, and in its recording.
    pub sound: Option<(Leg, Duration)>,
    /// The recording of this leg.
    pub recording: Option<Leg>,
    /// Every digit that is sent as telephone events.
    pub digits: bool,
    /// Every packet that is not silence.
    pub every_bit: bool,
}

const NOTHING: Needs = Needs {
    ringing: false,
    response: true,
    requests: None,
    sound: None,
    recording: None,
    digits: false,
    every_bit: false,
};

const fn sound(leg: Leg, ms: u64) -> Needs {
    Needs { sound: Some((leg, Duration::from_millis(ms))), recording: Some(leg), ..NOTHING }
}

/// Functional tests.
pub(super) const PIECES: [Piece; 20] = [
    Piece {
        kind: "tone",
        text: "record: { caller: both }\ncallee: [answer, echo]\ncaller:\n  - wait: { answered: 5s }\n  \
               - play: { tone: 1004Hz, level: 0dBm0 }\n  - sleep: 800ms\n  - hangup\nexpect:\n  answered: true\n  \
               hangup_cause: NORMAL_CLEARING\n  audio:\n    \
               - { leg: caller, heard: { tone: 1004Hz +-4Hz, level: 0dBm0 +-3dB, for: \">= 500ms\" } }\n",
        needs: sound(Leg::Caller, 500),
    },
    Piece {
        kind: "quiet tone",
        text: "call: { codec: PCMA }\nrecord: { caller: heard }\ncallee: [answer, echo]\ncaller:\n  \
               - wait: { answered: 5s }\n  - play: { tone: 440Hz, level: -20dBm0 }\n  - sleep: 700ms\n  - hangup\n\
               expect:\n  audio:\n    - { leg: caller, heard: { tone: 440Hz +-2Hz, level: -20dBm0 +-1dB, for: \">= 400ms\" } }\n",
        needs: sound(Leg::Caller, 400),
    },
    Piece {
        kind: "digits",
        text: "callee:\n  - answer\n  - expect_dtmf: { digits: \"12A#\", mode: rfc4733, within: 5s }\n  - hangup\ncaller:\n  \
               - wait: { answered: 5s }\n  - send_dtmf: { digits: \"12A#\", tone: 60ms }\n  - wait: { hungup: 5s }\n",
        needs: Needs { digits: true, ..NOTHING },
    },
    Piece {
        kind: "digits both ways",
        text: "callee:\n  - answer\n  - expect_dtmf: { digits: \"1\" }\n  - send_dtmf: { digits: \"2\", tone: 80ms }\n\
               caller:\n  - wait: { answered: 5s }\n  - send_dtmf: { digits: \"1\", tone: 80ms }\n  \
               - expect_dtmf: { digits: \"2\" }\n  - hangup\n",
        needs: Needs { digits: true, ..NOTHING },
    },
    Piece {
        kind: "digits as tones",
        text: "record: { callee: heard }\ncallee:\n  - answer\n  - expect_dtmf: { digits: \"159D\", mode: inband, within: 5s }\n  \
               - sleep: 200ms\n  - hangup\ncaller:\n  - wait: { answered: 5s }\n  \
               - send_dtmf: { digits: \"159D\", mode: inband, tone: 80ms, gap: 80ms, level: -12dBm0 }\n  \
               - wait: { hungup: 5s }\nexpect:\n  audio:\n    - { leg: callee, dtmf: \"159D\" }\n",
        needs: sound(Leg::Callee, 160),
    },
    Piece {
        kind: "digits by INFO",
        text: "call: { vars: { dtmf_type: info } }\ncallee:\n  - answer\n  \
               - expect_dtmf: { digits: \"12*\", mode: info, within: 5s }\n  - hangup\ncaller:\n  - wait: { answered: 5s }\n  \
               - send_dtmf: { digits: \"12*\", mode: info, tone: 120ms }\n  - wait: { hungup: 5s }\n",
        needs: Needs { requests: Some("INFO"), ..NOTHING },
    },
    Piece {
        kind: "clip",
        text: "app: { play_rec: { file: sounds/three-tones.wav, stereo: false, record: callee, tail: 300ms } }\nexpect:\n  audio:\n    \
               - { leg: callee, heard: { tone: 500Hz +-2Hz, level: -10dBm0 +-1dB, for: 850ms..1100ms } }\n    \
               - { leg: callee, heard: { tone: 2000Hz +-2Hz, level: -10dBm0 +-1dB, for: 850ms..1100ms } }\n",
        needs: sound(Leg::Callee, 1_700),
    },
    Piece {
        kind: "every bit",
        text: "call: { codec: PCMU }\nrecord: { callee: heard }\ncallee: [answer]\ncaller:\n  - wait: { answered: 5s }\n  \
               - play: [{ silence: 300ms }, { file: sounds/pattern-pcmu.wav }, { silence: 300ms }]\n  - hangup\nexpect:\n  audio:\n    \
               - { leg: callee, heard: { bit_exact: sounds/pattern-pcmu.wav } }\n",
        needs: Needs { every_bit: true, ..sound(Leg::Callee, 1_000) },
    },
    Piece {
        kind: "bert",
        text: "callee: [answer, bert]\ncaller:\n  - wait: { answered: 5s }\n  - bert: { timeout: 3s, for: 1200ms }\n\
               expect:\n  bert:\n    caller: { sync: true }\n    callee: { sync: true }\n",
        needs: NOTHING,
    },
    Piece {
        kind: "ringback",
        text: "callee: [ring, { sleep: 300ms }, answer]\ncaller:\n  - wait: { ringing: 2s }\n  - wait: { answered: 3s }\n  \
               - sleep: 200ms\n  - hangup\nexpect: { answered: true, setup_time: 250ms..2s }\n",
        needs: Needs { ringing: true, ..NOTHING },
    },
    Piece {
        kind: "early media",
        text: "record: { caller: heard }\ncallee: [pre_answer, { play: { tone: 425Hz, level: -10dBm0 } }]\ncaller:\n  \
               - wait: { early_media: 2s }\n  - sleep: 800ms\n  - hangup: ORIGINATOR_CANCEL\nexpect:\n  answered: false\n  \
               hangup_cause: ORIGINATOR_CANCEL\n  audio:\n    \
               - { leg: caller, heard: { tone: 425Hz +-2Hz, level: -10dBm0 +-1dB, for: \">= 400ms\" } }\n",
        needs: Needs { ringing: true, response: false, ..sound(Leg::Caller, 400) },
    },
    Piece {
        kind: "busy",
        text: "callee: [{ respond: { code: 486, reason: Busy Here } }]\n\
               expect: { answered: false, sip_code: { caller: 486, callee: 486 }, hangup_cause: USER_BUSY }\n",
        needs: NOTHING,
    },
    Piece {
        kind: "refused",
        text: "app: { callee_block_on_invite: { hangup_cause: CALL_REJECTED } }\n\
               expect: { answered: false, sip_code: { caller: 603, callee: 603 }, hangup_cause: CALL_REJECTED }\n",
        needs: NOTHING,
    },
    Piece {
        kind: "given up",
        text: "app: { callee_ringback: { caller_hangup_after: 300ms } }\nexpect:\n  answered: false\n  \
               events: { leg: caller, order: [CHANNEL_PROGRESS, CHANNEL_HANGUP], never: [CHANNEL_ANSWER] }\n",
        needs: Needs { ringing: true, response: false, ..NOTHING },
    },
    Piece {
        kind: "nobody answers",
        text: "call: { timeout: 1s }\ncallee: [ring, { wait: { hungup: 5s } }]\n\
               expect: { answered: false, hangup_cause: { caller: NO_ANSWER, callee: ORIGINATOR_CANCEL } }\n",
        needs: Needs { response: false, ..NOTHING },
    },
    Piece {
        kind: "rejected at once",
        text: "callee: [answer, { sleep: 100ms }, { hangup: CALL_REJECTED }]\ncaller: [{ wait: { hungup: 5s } }]\n\
               expect: { answered: true, duration: \"< 1s\", hangup_cause: { caller: CALL_REJECTED, callee: CALL_REJECTED } }\n",
        needs: NOTHING,
    },
    Piece {
        kind: "bridge",
        text: "record: { caller: heard }\ncallee: [{ bridge: { to: second, far: echo } }, { wait: { hungup: 5s } }]\n\
               caller: [{ wait: { answered: 5s } }, { play: { tone: 1004Hz, level: -10dBm0 } }, { wait: { hungup: 5s } }]\n\
               duration: 900ms\nexpect:\n  answered: true\n  audio:\n    \
               - { leg: caller, heard: { tone: 1004Hz +-2Hz, level: -10dBm0 +-1dB, for: \">= 400ms\" } }\n",
        needs: sound(Leg::Caller, 400),
    },
    Piece {
        kind: "hold",
        text: "record: { caller: heard }\ncallee:\n  - answer\n  - play: { tone: 600Hz, level: -10dBm0 }\n  \
               - wait: { event: CHANNEL_HOLD, within: 3s }\n  - wait: { event: CHANNEL_UNHOLD, within: 3s }\n  \
               - wait: { hungup: 5s }\ncaller:\n  - wait: { answered: 5s }\n  - sleep: 400ms\n  - hold\n  - sleep: 500ms\n  \
               - unhold\n  - sleep: 500ms\n  - hangup\nexpect:\n  events:\n    \
               - { leg: callee, order: [CHANNEL_ANSWER, CHANNEL_HOLD, CHANNEL_UNHOLD, CHANNEL_HANGUP] }\n  audio:\n    \
               - { leg: caller, heard: { tone: 600Hz +-2Hz, level: -10dBm0 +-1dB, for: 500ms..1200ms } }\n",
        needs: Needs { requests: Some("re-INVITE"), ..sound(Leg::Caller, 500) },
    },
    Piece {
        kind: "transfer",
        text: "callee:\n  - answer\n  - transfer: \"4711\"\n  - expect: { answered: true, headers: { Caller-Destination-Number: \"4711\" } }\n  \
               - hangup\ncaller: [{ wait: { hungup: 5s } }]\n",
        needs: NOTHING,
    },
    Piece {
        kind: "live tone",
        text: "callee: [answer, { play: { tone: 700Hz, level: -10dBm0 } }, { wait: { hungup: 8s } }]\ncaller:\n  \
               - wait: { answered: 5s }\n  - expect_tone: { frequency: 700Hz, within: 3s }\n  - hangup\n",
        needs: NOTHING,
    },
];

/// A load without its name: that of each entry of its mix is what its calls need.
#[derive(Debug)]
pub(super) struct LoadPiece {
    pub text: &'static str,
    /// About so many calls.
    pub calls: usize,
}

pub(super) const LOADS: [LoadPiece; 5] = [
    LoadPiece {
        text: "load: { rate: 50, for: 2s, limit: 500, drain: 30s }\ncallee: [answer]\n\
               caller: [{ wait: { answered: 5s } }]\nduration: 200ms\ngates: { asr: \"== 100%\", passed: \"== 100%\" }\n",
        calls: 100,
    },
    LoadPiece {
        text: "load:\n  rate: 40\n  for: 2s\n  limit: 200\n  drain: 30s\n  mix:\n    \
               - { app: { callee_ringback: { ring_response: ring_ready, caller_hangup_after: 200ms } }, weight: 1 }\n    \
               - { scenario: \"block.yaml\", weight: 2 }\nduration: 1s\n\
               gates: { passed: \"== 100%\", cause.USER_BUSY: \">= 1\" }\n",
        calls: 80,
    },
    LoadPiece {
        text: "load: { rate: 30, for: 2s, limit: 100, host: { sps: 500 }, drain: 30s }\ncallee: [answer, echo]\ncaller:\n  \
               - wait: { answered: 5s }\n  - play: { tone: 1004Hz, for: 300ms }\n  - hangup\nrecord: { caller: heard, period: 1s }\n\
               expect:\n  audio: [{ leg: caller, heard: { tone: 1004Hz +-4Hz, for: \">= 100ms\" } }]\n\
               gates: { asr: \"== 100%\", passed: \"== 100%\" }\n",
        calls: 60,
    },
    LoadPiece {
        text: "load: { stages: [{ to: 300, over: 1s }, { hold: 500ms }], limit: 1000, drain: 30s }\n\
               callee: [{ respond: 486 }]\nexpect: { answered: false, sip_code: 486 }\n\
               gates: { asr: \"== 0%\", passed: \"== 100%\" }\n",
        calls: 300,
    },
    LoadPiece {
        text: "load: { rate: 100, for: 2s, limit: 10, drain: 30s }\ncallee: [answer, { sleep: 100ms }, hangup]\n\
               caller: [{ wait: { hungup: 5s } }]\ngates: { passed: \"== 100%\" }\n",
        calls: 100,
    },
];
