//! The columns of a call detail record.

use serde::{Deserialize, Serialize};

use crate::metrics::{Cdr, LegTimes};
use crate::serial;
use crate::units::Time;
use crate::verdict::Verdict;

/// A column of CSV and Parquet. Columns are only ever added, at the end.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    pub name: &'static str,
    pub kind: Kind,
    pub doc: &'static str,
}

/// What a column holds, where it holds something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Text,
    Whole,
    Time,
    Seconds,
}

/// The type of a column.
trait Typed {
    const KIND: Kind;
    #[cfg(feature = "parquet")]
    fn cell(self) -> Cell;
}

/// What stands in one row of a column.
#[cfg(feature = "parquet")]
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Cell {
    Text(Option<String>),
    /// Times as microseconds since the Unix epoch, too.
    Whole(Option<i64>),
    Seconds(Option<f64>),
}

macro_rules! typed {
    ($($of:ty => $kind:ident, $cell:ident: |$value:ident| $made:expr;)*) => {$(
        impl Typed for $of {
            const KIND: Kind = Kind::$kind;
            #[cfg(feature = "parquet")]
            fn cell(self) -> Cell {
                let $value = self;
                Cell::$cell($made)
            }
        }
    )*};
}

typed! {
    String => Text, Text: |text| Some(text);
    Option<String> => Text, Text: |text| text;
    Verdict => Text, Text: |verdict| Some(word(verdict));
    u64 => Whole, Whole: |number| i64::try_from(number).ok();
    u32 => Whole, Whole: |number| Some(i64::from(number));
    Option<u16> => Whole, Whole: |number| number.map(i64::from);
    Time => Time, Whole: |time| i64::try_from(time.as_micros()).ok();
    Option<Time> => Time, Whole: |time| time.and_then(|time| i64::try_from(time.as_micros()).ok());
    f64 => Seconds, Seconds: |seconds| Some(seconds);
    Option<f64> => Seconds, Seconds: |seconds| seconds;
}

/// A verdict as CSV has it.
#[cfg(feature = "parquet")]
fn word(verdict: Verdict) -> String {
    let word = match verdict {
        Verdict::Passed => "passed",
        Verdict::Skipped => "skipped",
        Verdict::Failed => "failed",
        Verdict::Error => "error",
    };
    word.to_owned()
}

macro_rules! row {
    ($($(#[$attribute:meta])* $name:ident : $type:ty, $doc:literal;)*) => {
        /// A record with all that follows from it. Times are RFC 3339 in UTC, what ends in `_s` is in seconds; what
        /// was not measured is empty.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        pub(super) struct Row {
            $($(#[$attribute])* #[doc = $doc] pub $name: $type,)*
        }

        /// The columns in their order.
        pub const COLUMNS: &[Column] = &[$(Column { name: stringify!($name), kind: <$type as Typed>::KIND, doc: $doc },)*];

        impl Row {
            /// What stands in its columns, in their order.
            #[cfg(feature = "parquet")]
            pub fn into_cells(self) -> Vec<Cell> {
                vec![$(self.$name.cell(),)*]
            }
        }
    };
}

row! {
    call: String, "The session of the caller, which names the call.";
    index: u64, "Which of the calls that the load offered, counted from 0.";
    app: String, "App or scenario of the mix (switchy: app).";
    host: String, "The host of the caller.";
    callee_host: Option<String>, "The host of the callee, where it is another one.";
    hangup_cause: String, "Of the caller's leg; of the originate, where there was none (hangup_cause).";
    sip_code: Option<u16>, "The final SIP response to the caller's INVITE.";
    verdict: Verdict, "passed, failed, error.";
    reason: String, "The first check that did not hold.";
    due: Time, "When the pace wanted the call; our clock.";
    launched: Time, "When its originate was handed to the connection; our clock (job_launch).";
    begun: Option<Time>, "The first event of the caller's session; our clock (caller_req_originate).";
    job_ended: Option<Time>, "The result of the originate; our clock.";
    ended: Time, "When all was over; our clock.";
    caller_session: Option<String>, "Empty where the caller's leg never was, as are all times of it.";
    caller_created: Option<Time>, "The host's clock, as of all times of legs (caller_create).";
    caller_originated: Option<Time>, "CHANNEL_ORIGINATE (caller_originate).";
    caller_ringing: Option<Time>, "The first 180.";
    caller_early_media: Option<Time>, "The first 183.";
    caller_answered: Option<Time>, "(caller_answer)";
    caller_hung_up: Option<Time>, "(caller_hangup)";
    caller_hangup_cause: Option<String>, "Of this leg.";
    callee_session: Option<String>, "Empty where the callee's leg was never seen.";
    callee_created: Option<Time>, "(callee_create)";
    callee_originated: Option<Time>, "Empty: only the caller's leg has one.";
    callee_ringing: Option<Time>, "When it rang.";
    callee_early_media: Option<Time>, "When it sent early media.";
    callee_answered: Option<Time>, "(callee_answer)";
    callee_hung_up: Option<Time>, "(callee_hangup)";
    callee_hangup_cause: Option<String>, "Of this leg.";
    active: u32, "Calls there at the launch, with this one (erlangs).";
    sessions: u32, "Sessions on all hosts at the launch (active_sessions).";
    failed: u64, "Calls that had failed when this one ended (failed_calls).";
    late_s: f64, "Due to launched.";
    originate_latency_s: Option<f64>, "Launched to begun.";
    invite_latency_s: Option<f64>, "Caller created to callee created; empty for two hosts with a clock each.";
    answer_latency_s: Option<f64>, "Callee answered to caller answered; likewise.";
    pdd_s: Option<f64>, "Post-dial delay: caller created to the first of ringing, early media and answer.";
    setup_time_s: Option<f64>, "Caller created to answered (call_setup_latency).";
    talk_time_s: Option<f64>, "Caller answered to hung up.";
    duration_s: Option<f64>, "Caller created to hung up (call_duration).";
    figures: String, "What checks measured, as a JSON object of names and numbers.";
}

impl Row {
    pub fn of(cdr: &Cdr) -> Row {
        let seconds =
            |duration: Option<std::time::Duration>| duration.map(|duration| duration.as_micros() as f64 / 1e6);
        let (caller, callee) = (cdr.caller.as_ref(), cdr.callee.as_ref());
        Row {
            call: cdr.call.clone(),
            index: cdr.index,
            app: cdr.app.clone(),
            host: cdr.host.clone(),
            callee_host: cdr.callee_host.clone(),
            hangup_cause: cdr.hangup_cause.clone(),
            sip_code: cdr.sip_code,
            verdict: cdr.verdict,
            reason: cdr.reason.clone(),
            due: cdr.due,
            launched: cdr.launched,
            begun: cdr.begun,
            job_ended: cdr.job_ended,
            ended: cdr.ended,
            caller_session: caller.map(|leg| leg.session.clone()),
            caller_created: caller.map(|leg| leg.created),
            caller_originated: caller.and_then(|leg| leg.originated),
            caller_ringing: caller.and_then(|leg| leg.ringing),
            caller_early_media: caller.and_then(|leg| leg.early_media),
            caller_answered: caller.and_then(|leg| leg.answered),
            caller_hung_up: caller.and_then(|leg| leg.hung_up),
            caller_hangup_cause: caller.map(|leg| leg.hangup_cause.clone()),
            callee_session: callee.map(|leg| leg.session.clone()),
            callee_created: callee.map(|leg| leg.created),
            callee_originated: callee.and_then(|leg| leg.originated),
            callee_ringing: callee.and_then(|leg| leg.ringing),
            callee_early_media: callee.and_then(|leg| leg.early_media),
            callee_answered: callee.and_then(|leg| leg.answered),
            callee_hung_up: callee.and_then(|leg| leg.hung_up),
            callee_hangup_cause: callee.map(|leg| leg.hangup_cause.clone()),
            active: cdr.active,
            sessions: cdr.sessions,
            failed: cdr.failed,
            late_s: cdr.late().as_micros() as f64 / 1e6,
            originate_latency_s: seconds(cdr.originate_latency()),
            invite_latency_s: seconds(cdr.invite_latency()),
            answer_latency_s: seconds(cdr.answer_latency()),
            pdd_s: seconds(cdr.post_dial_delay()),
            setup_time_s: seconds(cdr.setup_time()),
            talk_time_s: seconds(cdr.talk_time()),
            duration_s: seconds(cdr.duration()),
            figures: Figures::encode(&cdr.figures),
        }
    }

    /// The record; what follows from it is not looked at. An error says what is wrong.
    pub fn into_cdr(self) -> Result<Cdr, String> {
        let figures = Figures::parse(&self.figures)?;
        let caller = self.caller_created.map(|created| LegTimes {
            session: self.caller_session.unwrap_or_default(),
            created,
            originated: self.caller_originated,
            ringing: self.caller_ringing,
            early_media: self.caller_early_media,
            answered: self.caller_answered,
            hung_up: self.caller_hung_up,
            hangup_cause: self.caller_hangup_cause.unwrap_or_default(),
        });
        let callee = self.callee_created.map(|created| LegTimes {
            session: self.callee_session.unwrap_or_default(),
            created,
            originated: self.callee_originated,
            ringing: self.callee_ringing,
            early_media: self.callee_early_media,
            answered: self.callee_answered,
            hung_up: self.callee_hung_up,
            hangup_cause: self.callee_hangup_cause.unwrap_or_default(),
        });
        Ok(Cdr {
            call: self.call,
            index: self.index,
            app: self.app,
            host: self.host,
            callee_host: self.callee_host,
            due: self.due,
            launched: self.launched,
            begun: self.begun,
            job_ended: self.job_ended,
            ended: self.ended,
            caller,
            callee,
            hangup_cause: self.hangup_cause,
            sip_code: self.sip_code,
            verdict: self.verdict,
            reason: self.reason,
            active: self.active,
            sessions: self.sessions,
            failed: self.failed,
            figures,
        })
    }
}

/// Figures as the JSON object of their column.
#[derive(Serialize, Deserialize)]
#[serde(transparent)]
struct Figures(#[serde(with = "serial::pairs")] Vec<(String, f64)>);

impl Figures {
    fn encode(figures: &[(String, f64)]) -> String {
        // JSON has no word for what is no number.
        let finite = figures.iter().filter(|(_, value)| value.is_finite()).cloned().collect();
        // An object of texts and finite numbers is JSON.
        serde_json::to_string(&Figures(finite)).expect("figures are JSON")
    }

    fn parse(text: &str) -> Result<Vec<(String, f64)>, String> {
        let Figures(figures) = serde_json::from_str(text).map_err(|error| format!("figures: {error}"))?;
        Ok(figures)
    }
}
