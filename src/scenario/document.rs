//! The keys of a scenario document.

use std::time::Duration;

use super::app::{self, App};
use super::check;
use super::gates;
use super::load_key::{self, LoadKeys};
use super::mapping::{default, mapping, optional};
use super::matrix::{self, Matrix};
use super::model::{CallSpec, CallerId, PlacedCheck, PlacedStep, RecordSpec};
use super::node::Node;
use super::programs;
use super::reading::Reading;
use super::requires::{self, Requires};
use super::scalar::{duration, integer, line, token};
use super::shape::{Placed, Shape};
use super::step;
use crate::metrics::Gate;

/// A document as it was written, before its parts are held against each other.
pub(super) struct Document {
    pub name: Option<Placed<String>>,
    pub tags: Vec<String>,
    pub call: CallSpec,
    pub app: Option<Placed<Box<dyn App>>>,
    pub caller: Option<Vec<PlacedStep>>,
    pub callee: Option<Vec<PlacedStep>>,
    pub steps: Option<Vec<PlacedStep>>,
    pub record: Option<RecordSpec>,
    pub duration: Option<Placed<Duration>>,
    pub timeout: Option<Placed<Duration>>,
    pub retries: Option<u32>,
    pub requires: Option<Placed<Requires>>,
    pub skip: Option<Option<Placed<String>>>,
    pub xfail: Option<Option<Placed<String>>>,
    pub expect: Option<Vec<PlacedCheck>>,
    pub load: Option<Placed<LoadKeys>>,
    pub gates: Option<Vec<Placed<Gate>>>,
    // Read before everything else, as a `Frame`; named here for the schema and for suggestions.
    _matrix: Option<Placed<Matrix>>,
    _vars: Option<Vec<(String, Node)>>,
    _secrets: Option<Vec<String>>,
}

impl Document {
    /// The same without what holds for a call: of a load, that is in the scenarios of its calls.
    pub fn without_calls(self) -> Document {
        Document {
            app: None,
            caller: None,
            callee: None,
            record: None,
            duration: None,
            timeout: None,
            expect: None,
            ..self
        }
    }
}

/// What a document says of its tests rather than of a call; it is read first, as it is written.
#[derive(Default)]
pub(super) struct Frame {
    pub matrix: Option<Placed<Matrix>>,
    pub vars: Vec<(String, Node)>,
    pub secrets: Vec<String>,
}

/// The keys of a [`Frame`].
pub(super) const FRAME: [&str; 3] = ["matrix", "vars", "secrets"];

/// The frame of a document, which may have other keys beside.
pub(super) fn frame() -> Shape<Frame> {
    mapping!(Frame {
        matrix: optional("matrix", matrix::shape().placed(), MATRIX),
        vars: default("vars", matrix::raw().by_name("values"), Vec::new(), serde_json::json!({}), VARS),
        secrets: default("secrets", secrets(), Vec::new(), Vec::<String>::new(), SECRETS),
    })
}

const MATRIX: &str = "Values for `${matrix.NAME}`: one test for each combination.";
const VARS: &str = "Values for `${vars.NAME}`.";
const SECRETS: &str = "Environment variables whose values are never printed.";

fn secrets() -> Shape<Vec<String>> {
    Shape::one_or_list(requires::env_name)
}

/// How often a test may be tried again.
const MAX_RETRIES: u32 = 10;

/// How long a call may stay unanswered where the scenario does not say.
const CALL_TIMEOUT: Duration = Duration::from_secs(30);

/// The user that is called where the scenario does not say.
const TO: &str = "callwright";

/// One document.
pub(super) fn shape() -> Shape<Document> {
    let steps = || step::shape().placed().list().expects("a list of steps");
    mapping!(Document {
        name: optional(
            "name",
            line().placed(),
            "What must hold, in a sentence; unique in the file. The file's own name, unless told otherwise."
        ),
        tags: default("tags", tags(), Vec::new(), Vec::<String>::new(), "Words to select scenarios by."),
        call: default("call", call(), unset_call(), serde_json::json!({}), "How the call is originated."),
        app: optional("app", app::shape().placed(), "A built-in app in place of steps."),
        caller: optional("caller", steps(), "What the caller (A-leg) does, in order."),
        callee: optional("callee", steps(), "What the callee (B-leg) does, in order."),
        steps: optional("steps", host_steps(), "What is done on the host itself, without a call: `api`, `log`, `sleep`."),
        record: optional("record", record(), "What is recorded of each leg, from its answer to its end."),
        duration: optional("duration", duration().placed(), "Talk time after which the caller hangs up."),
        timeout: optional(
            "timeout",
            duration().placed(),
            "Time after which the scenario has failed: 60s (`--timeout`) and `duration`, unless told otherwise."
        ),
        retries: optional(
            "retries",
            integer(0..=MAX_RETRIES),
            "How often the test is tried again when it fails; one that passes only then is marked flaky. 0 (`--retries`), unless told otherwise."
        ),
        requires: optional(
            "requires",
            requires::requires().placed(),
            "What the host must have; where it has not, the test is skipped."
        ),
        skip: optional("skip", requires::mark(), "Why the test is not run."),
        xfail: optional(
            "xfail",
            requires::mark(),
            "Why the test is expected to fail; one that passes then has failed."
        ),
        expect: optional("expect", check::shape(), "What must hold."),
        load: optional(
            "load",
            load_key::shape().placed(),
            "Many such calls, or a mix of others: how fast they are offered, and within what limits."
        ),
        gates: optional("gates", gates::shape(), "What must hold of all calls of the load together."),
        _matrix: optional("matrix", matrix::shape().placed(), MATRIX),
        _vars: optional("vars", matrix::raw().by_name("values"), VARS),
        _secrets: optional("secrets", secrets(), SECRETS),
    })
    .excludes("app", &["caller", "callee"], "an app has its own steps: leave out the one or the other")
    .excludes("steps", CALL_KEYS, "without a call there are only the host's `steps`")
    .needs("gates", &["load"])
    .at_least_one(&["app", "caller", "callee", "steps", "load"], "nothing happens in this scenario")
    .expects("a scenario: a mapping with `name`, `callee`, `caller`, `expect`")
}

/// Keys that are about a call.
pub(super) const CALL_KEYS: &[&str] =
    &["app", "caller", "callee", "call", "record", "duration", "expect", "load", "gates"];

/// Steps that need no call.
fn host_steps() -> Shape<Vec<PlacedStep>> {
    let step = step::shape().placed().and_then(|step, _, reading| {
        if step.value.on_host() {
            return Some(step);
        }
        let diagnostic = reading.error(&step.span, format!("`{}` needs a call", step.kind()));
        diagnostic.help = "the steps of a host are `api`, `log` and `sleep`; those of a call stand under `caller` or \
                           `callee`"
            .to_owned();
        None
    });
    step.list().expects("a list of steps")
}

fn tags() -> Shape<Vec<String>> {
    Shape::one_or_list(|| token("a tag such as `smoke`", "^[A-Za-z0-9_.-]+$"))
}

/// The keys of `call` as they stand.
struct CallKeys {
    to: String,
    profile: Option<String>,
    gateway: Option<String>,
    proxy: Option<String>,
    codec: Vec<String>,
    caller_id: CallerId,
    headers: Vec<(String, String)>,
    vars: Vec<(String, String)>,
    timeout: Duration,
}

pub(super) fn unset_call() -> CallSpec {
    CallSpec {
        to: TO.to_owned(),
        profile: PROFILE.to_owned(),
        gateway: None,
        proxy: None,
        codec: Vec::new(),
        caller_id: CallerId::default(),
        headers: Vec::new(),
        vars: Vec::new(),
        timeout: CALL_TIMEOUT,
    }
}

/// The SIP profile that FreeSWITCH's own configuration has for the outside.
const PROFILE: &str = "external";

/// `call`
pub(super) fn call() -> Shape<CallSpec> {
    let name = |expects| token(expects, "^[A-Za-z0-9_.:-]+$");
    let destination = token("a user, `user@host` or a SIP URI", "^[^\\s,'\"{}\\[\\]|^]+$");
    let proxy = token("a proxy: `host` or `host:port`", "^[A-Za-z0-9_.:\\[\\]-]+$");
    let none = || serde_json::json!({});
    mapping!(CallKeys {
        to: default("to", destination, TO.to_owned(), TO, "Who is called: a user, `user@host` or a SIP URI."),
        profile: optional(
            "profile",
            name("the name of a SIP profile"),
            "The SIP profile that sends the INVITE: `external`, unless told otherwise."
        ),
        gateway: optional(
            "gateway",
            name("the name of a gateway"),
            "The gateway that sends the INVITE, in place of a profile."
        ),
        proxy: optional("proxy", proxy, "A proxy that the INVITE is routed through: `host` or `host:port`."),
        codec: default(
            "codec",
            Shape::one_or_list(codec),
            Vec::new(),
            Vec::<String>::new(),
            "Codecs to offer, the preferred one first."
        ),
        caller_id: default("caller_id", caller_id(), CallerId::default(), none(), "Who the call says it is from."),
        headers: default("headers", headers(), Vec::new(), none(), "SIP headers to add to the INVITE."),
        vars: default("vars", vars(), Vec::new(), none(), "Channel variables of the originate."),
        timeout: default("timeout", duration(), CALL_TIMEOUT, "30s", "How long the call may stay unanswered."),
    })
    .excludes("gateway", &["profile"], "a gateway belongs to a profile already")
    .map(|keys| CallSpec {
        to: keys.to,
        profile: keys.profile.unwrap_or_else(|| PROFILE.to_owned()),
        gateway: keys.gateway,
        proxy: keys.proxy,
        codec: keys.codec,
        caller_id: keys.caller_id,
        headers: keys.headers,
        vars: keys.vars,
        timeout: keys.timeout,
    })
    .and_then(|call, node, reading| programs::refuse_call(node, reading).then_some(call))
    .named("call")
}

fn caller_id() -> Shape<CallerId> {
    mapping!(CallerId {
        name: optional("name", line(), "The name that is shown."),
        number: optional("number", token("a number without spaces", "^[^\\s,'\"{}\\[\\]|^<>]+$"), "The number."),
    })
}

/// A codec as SDP names it; FreeSWITCH takes `PCMU@20i` as well.
fn codec() -> Shape<String> {
    let shape = token("the name of a codec such as `PCMU`", "^[A-Za-z0-9.-]+(@[0-9]+[A-Za-z])*$");
    shape.and_then(|name, node, reading| {
        let meant = match name.to_ascii_lowercase().as_str() {
            "ulaw" | "mulaw" | "mu-law" | "g711u" | "g711" | "g.711" | "pcm" => "PCMU",
            "alaw" | "a-law" | "g711a" => "PCMA",
            _ => return Some(name),
        };
        let diagnostic = reading.error(&node.span, format!("unknown codec `{name}`"));
        diagnostic.label = format!("did you mean `{meant}`?");
        None
    })
}

/// Headers that the user agent writes itself (RFC 3261 8.1.1); another of them would contradict it.
const OWN_HEADERS: &[&str] =
    &["via", "from", "to", "call-id", "cseq", "contact", "max-forwards", "content-length", "content-type"];

fn headers() -> Shape<Vec<(String, String)>> {
    named_apart(line().by_name("headers"), |name| {
        OWN_HEADERS.contains(&name.to_ascii_lowercase().as_str()).then_some("the user agent writes it itself")
    })
}

fn vars() -> Shape<Vec<(String, String)>> {
    named_apart(line().by_name("variables"), |name| match name {
        "originate_timeout" => Some("it is `timeout` under `call`"),
        "absolute_codec_string" | "originator_codec" => Some("it is `codec` under `call`"),
        "origination_caller_id_name" => Some("it is `caller_id: { name: ... }` under `call`"),
        "origination_caller_id_number" => Some("it is `caller_id: { number: ... }` under `call`"),
        "origination_uuid" => Some("each call gets its own"),
        _ if name.starts_with("sip_h_") => Some("it is a header: put it under `headers`, without `sip_h_`"),
        _ => None,
    })
}

/// Names of which some have another place.
fn named_apart(
    shape: Shape<Vec<(String, String)>>,
    elsewhere: impl Fn(&str) -> Option<&'static str> + 'static,
) -> Shape<Vec<(String, String)>> {
    shape.and_then(move |named, node, reading: &mut Reading<'_>| {
        let mut fine = true;
        for (name, _) in &named {
            if let (Some(why), Some(entry)) = (elsewhere(name), node.entry(name)) {
                reading.error(&entry.key_span, format!("`{name}` cannot be set here")).label = why.to_owned();
                fine = false;
            }
        }
        fine.then_some(named)
    })
}

fn record() -> Shape<RecordSpec> {
    mapping!(RecordSpec {
        caller: optional("caller", step::recording(), "What is recorded of the caller."),
        callee: optional("callee", step::recording(), "What is recorded of the callee."),
        period: optional(
            "period",
            duration(),
            "Under load, how long after a recorded call the next is. A call by itself is always recorded."
        ),
    })
    .at_least_one(&["caller", "callee"], "nothing is recorded")
}
