//! The events of a call as a FreeSWITCH sent them (`tests/captures/tone-echo.esl`), to be sent again for other calls.

use callwright::esl::wire::{Decoder, Limits};

/// How long a UUID is, whose ever it is.
pub const UUID: usize = 36;

/// A name of a session, a job or an execution.
pub type Id = [u8; UUID];

/// The frames of one call, in the order in which they are sent.
pub struct Script {
    /// Up to the callee's park.
    pub begin: Vec<Template>,
    /// The callee is told to answer, and does: up to the caller's park and the end of the originate.
    pub answer: Vec<Template>,
    /// Both legs hang up and are gone.
    pub end: Vec<Template>,
}

/// A frame with places for what differs from call to call. All of those have one length, so the frame has too.
pub struct Template {
    pub name: String,
    frame: Vec<u8>,
    slots: Vec<(usize, Slot)>,
}

#[derive(Clone, Copy)]
enum Slot {
    Caller,
    Callee,
    Execution,
    Job,
    Sequence,
    Fired,
    Created,
    Answered,
}

/// What is put into the places of a template.
pub struct Call {
    pub caller: Id,
    pub callee: Id,
    /// The `Event-UUID` of the callee's answer.
    pub execution: Id,
    pub job: Id,
    /// By the switch's clock, in microseconds, as `answered`.
    pub created: u64,
    pub answered: u64,
}

const CAPTURE: &[u8] = include_bytes!("../../tests/captures/tone-echo.esl");
const CALLER: &str = "28c85426-2fef-4bf7-8972-f91540cf29ed";
const CALLEE: &str = "ff53733c-c54c-40b1-a93a-05041ee697d8";
const JOB: &str = "44107ab0-6535-4ab3-990e-36121fe9096a";
/// What the originate of the capture called its tracking header.
const CALL_HEADER: &str = "variable_sip_h_X-call";
/// In place of the number of an event, which would grow.
const SEQUENCE: &str = "10000000";
const TIMES: [(&str, Slot); 6] = [
    ("Event-Date-Timestamp", Slot::Fired),
    ("Caller-Profile-Created-Time", Slot::Created),
    ("Caller-Channel-Created-Time", Slot::Created),
    ("Caller-Channel-Answered-Time", Slot::Answered),
    ("Caller-Channel-Hangup-Time", Slot::Fired),
    ("Event-Sequence", Slot::Sequence),
];

impl Script {
    pub fn read() -> Script {
        let bodies = bodies();
        let find = |name: &str, leg: &str, application: Option<&str>| {
            let has =
                |body: &str, header: &str, value: &str| body.lines().any(|line| line == format!("{header}: {value}"));
            let body = bodies.iter().find(|body| {
                has(body, "Event-Name", name)
                    && has(body, "Unique-ID", leg)
                    && application.is_none_or(|application| has(body, "Application", application))
            });
            body.unwrap_or_else(|| panic!("the capture has no {name} of {leg}")).clone()
        };
        let template = |name: &str, leg: &str| Template::new(&find(name, leg, None));
        let parks = |name: &str, leg: &str| Template::new(&find(name, leg, Some("park")));
        // The capture's callee was answered by an API command; steps answer by executing `answer`.
        let answers = |name: &str| {
            let park = find("CHANNEL_EXECUTE", CALLEE, Some("park"));
            let body = park.replacen("Event-Name: CHANNEL_EXECUTE", &format!("Event-Name: {name}"), 1);
            Template::new(&body.replacen("Application: park", "Application: answer", 1))
        };
        let job = bodies.iter().find(|body| body.starts_with("Event-Name: BACKGROUND_JOB")).expect("a job ends");
        Script {
            begin: vec![
                template("CHANNEL_CREATE", CALLER),
                template("CHANNEL_ORIGINATE", CALLER),
                template("CHANNEL_CREATE", CALLEE),
                parks("CHANNEL_EXECUTE", CALLEE),
                template("CHANNEL_PARK", CALLEE),
            ],
            answer: vec![
                answers("CHANNEL_EXECUTE"),
                template("CHANNEL_ANSWER", CALLEE),
                answers("CHANNEL_EXECUTE_COMPLETE"),
                template("CHANNEL_ANSWER", CALLER),
                Template::new(job),
                parks("CHANNEL_EXECUTE", CALLER),
                template("CHANNEL_PARK", CALLER),
            ],
            end: [CALLER, CALLEE]
                .into_iter()
                .flat_map(|leg| {
                    [
                        template("CHANNEL_HANGUP", leg),
                        parks("CHANNEL_EXECUTE_COMPLETE", leg),
                        template("CHANNEL_HANGUP_COMPLETE", leg),
                        template("CHANNEL_DESTROY", leg),
                    ]
                })
                .collect(),
        }
    }
}

/// The bodies of the capture's event frames.
fn bodies() -> Vec<String> {
    let mut decoder = Decoder::new(Limits::default());
    decoder.feed(CAPTURE);
    let frames = std::iter::from_fn(|| decoder.poll().expect("the capture is whole"));
    frames
        .filter(|frame| frame.header("Content-Type") == Some("text/event-plain"))
        .filter_map(|frame| frame.body)
        .collect()
}

impl Template {
    fn new(body: &str) -> Template {
        let name = body.lines().next().and_then(|line| line.split_once(": ")).map_or("", |(_, name)| name).to_owned();
        let mut text = String::new();
        let mut slots = Vec::new();
        for line in body.lines() {
            let Some((header, value)) = line.split_once(": ") else {
                text.push_str(&format!("{line}\n"));
                continue;
            };
            let slot = TIMES.iter().find(|(name, _)| *name == header && value != "0").map(|(_, slot)| *slot);
            let slot = if header == "Application-UUID" { Some(Slot::Execution) } else { slot };
            match header {
                CALL_HEADER => {
                    text.push_str("variable_sip_h_X-Callwright-App: bench\nvariable_sip_h_X-Callwright-Call: ")
                }
                _ => text.push_str(&format!("{header}: ")),
            }
            slots.extend(slot.map(|slot| (text.len(), slot)));
            text.push_str(if header == "Event-Sequence" { SEQUENCE } else { value });
            text.push('\n');
        }
        if body.ends_with("\n\n") && !text.ends_with("\n\n") {
            text.push('\n');
        }
        for (id, slot) in [(CALLER, Slot::Caller), (CALLEE, Slot::Callee), (JOB, Slot::Job)] {
            slots.extend(text.match_indices(id).map(|(at, _)| (at, slot)));
        }
        let head = format!("Content-Length: {}\nContent-Type: text/event-plain\n\n", text.len());
        let slots = slots.into_iter().map(|(at, slot)| (at + head.len(), slot)).collect();
        Template { name, frame: [head, text].concat().into_bytes(), slots }
    }

    /// Appends the frame to `out`, as the `sequence`th that is fired, `now`.
    pub fn write(&self, call: &Call, sequence: u64, now: u64, out: &mut Vec<u8>) {
        let start = out.len();
        out.extend_from_slice(&self.frame);
        let frame = &mut out[start..];
        for (at, slot) in &self.slots {
            let mut put = |bytes: &[u8]| frame[*at..*at + bytes.len()].copy_from_slice(bytes);
            match slot {
                Slot::Caller => put(&call.caller),
                Slot::Callee => put(&call.callee),
                Slot::Execution => put(&call.execution),
                Slot::Job => put(&call.job),
                Slot::Sequence => put(&digits::<8>(10_000_000 + sequence % 90_000_000)),
                Slot::Fired => put(&digits::<16>(now)),
                Slot::Created => put(&digits::<16>(call.created)),
                Slot::Answered => put(&digits::<16>(call.answered)),
            }
        }
    }

    /// The body of the frame that [`Template::write`] would write.
    pub fn body(&self, call: &Call, now: u64) -> String {
        let mut frame = Vec::new();
        self.write(call, 0, now, &mut frame);
        let text = String::from_utf8(frame).expect("the capture is text");
        text.split_once("\n\n").map(|(_, body)| body.to_owned()).expect("a frame has a head")
    }
}

/// A number with `N` digits.
fn digits<const N: usize>(mut number: u64) -> [u8; N] {
    let mut digits = [b'0'; N];
    for digit in digits.iter_mut().rev() {
        *digit += (number % 10) as u8;
        number /= 10;
    }
    digits
}

/// A UUID with a number in it.
pub fn numbered(kind: char, number: u64) -> Id {
    let text = format!("{kind}0000000-0000-4000-8000-{number:012x}");
    text.into_bytes().try_into().expect("a UUID is that long")
}
