#![expect(clippy::disallowed_methods, reason = "IO shell")]
//! What must hold of a call that a test made, judged and told as a scenario's checks are.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::panic::Location;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::time::Duration;

use tokio::sync::mpsc;

use crate::audio::wav::Wav;
use crate::call::{Direction, State};
use crate::client::{Call, Session};
use crate::id::Ids;
use crate::place::Place;
use crate::report::Paint;
use crate::report::explain::{self, Layout};
use crate::run::retrieve::{Ask, Files, Originals, Remote, Talk, retrieve};
use crate::scenario::check::Check;
use crate::scenario::shape::Placed;
use crate::scenario::step::ExpectDtmf;
use crate::scenario::{Judgement, Leg, PlacedCheck, Recorded, Recording, Review, piece};
use crate::units::{Time, human};
use crate::verdict::{CheckReport, LegTrace, Verdict};

/// What must hold of a call. Awaited, it waits for the call's end and judges all of it at once.
///
/// As in a scenario, a call must be answered and end normally where nothing else is said of that. The caller's leg is
/// the session that was originated, the callee's the other one.
///
/// # Panics
/// When awaited, where something does not hold or could not be found out: with what was expected, what was found, and
/// what each leg did. When dropped without that, as nothing was judged.
#[must_use = "nothing is judged until it is awaited"]
pub struct Expectation {
    asked: Option<Box<Asked>>,
}

/// All that is asked of a call.
struct Asked {
    call: Call,
    place: Place,
    checks: Vec<PlacedCheck>,
    digits: Vec<(Leg, ExpectDtmf, Place)>,
    recordings: Vec<(Session, Recorded)>,
    within: Duration,
}

/// How long a call may take to end.
const WITHIN: Duration = Duration::from_secs(10);
/// How many of the last events of a leg are shown.
const ENTRIES: usize = 16;

/// An [`Expectation`] of a call, which is given by itself or by one of its sessions.
///
/// ```
/// use callwright::testing::expect;
/// # use callwright::app::Scripted;
/// # use callwright::scenario::app::TonePlay;
/// # use callwright::testing::{Caller, TestHost};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let caller = Caller::on(TestHost::start()).with_app("tone", Scripted::of("tone", &TonePlay::default()));
/// # let session = caller.call("doggy", "tone").await;
/// session.hangup().await?;
/// expect(&session).answered().hung_up_with("NORMAL_CLEARING").await;
/// // Anything that a scenario can expect:
/// expect(&session).holds("setup_time: \"< 5s\"\nevents: { leg: caller, order: [CHANNEL_CREATE, CHANNEL_ANSWER] }").await;
/// # Ok(())
/// # }
/// ```
#[track_caller]
pub fn expect(call: impl Into<Call>) -> Expectation {
    let asked = Asked {
        call: call.into(),
        place: here(Location::caller()),
        checks: Vec::new(),
        digits: Vec::new(),
        recordings: Vec::new(),
        within: WITHIN,
    };
    Expectation { asked: Some(Box::new(asked)) }
}

impl Expectation {
    /// Checks in the words of the scenario language, as they stand under its `expect:`. Files that they name are looked
    /// for from the current folder, which under `cargo test` is that of the package.
    ///
    /// # Panics
    /// With every mistake of the text and its place.
    #[track_caller]
    pub fn holds(self, checks: &str) -> Self {
        let place = Location::caller();
        match piece::checks(checks) {
            Ok(checks) => checks.into_iter().fold(self, |all, check| all.placed(check.value, place)),
            Err(mistakes) => panic!("{place}: this is not the scenario language's `expect:`\n{mistakes}"),
        }
    }

    /// A check of [`crate::scenario::check`], or one of your own.
    #[track_caller]
    pub fn check(self, check: impl Check + 'static) -> Self {
        self.placed(Box::new(check), Location::caller())
    }

    /// Listens to this recording as well, `path` on the host's disk. Those that were begun by
    /// [`Session::start_record`], or by a step, are listened to anyway.
    pub fn recording(self, session: &Session, path: impl Into<PathBuf>, recording: Recording) -> Self {
        let recorded = Recorded { path: path.into(), recording };
        self.with(|asked| asked.recordings.push((session.clone(), recorded)))
    }

    /// How long the call may take to end from when this is awaited. 10 s, unless told otherwise.
    pub fn within(self, within: Duration) -> Self {
        self.with(|asked| asked.within = within)
    }

    pub(super) fn placed(self, value: Box<dyn Check>, place: &Location<'_>) -> Self {
        let check = Placed { value, place: here(place), span: 0..0 };
        self.with(|asked| asked.checks.push(check))
    }

    pub(super) fn received(self, leg: Leg, wanted: ExpectDtmf, place: &Location<'_>) -> Self {
        self.with(|asked| asked.digits.push((leg, wanted, here(place))))
    }

    fn with(mut self, change: impl FnOnce(&mut Asked)) -> Self {
        if let Some(asked) = &mut self.asked {
            change(asked);
        }
        self
    }
}

impl IntoFuture for Expectation {
    type Output = ();
    type IntoFuture = Pin<Box<dyn Future<Output = ()> + Send>>;

    fn into_future(mut self) -> Self::IntoFuture {
        let asked = self.asked.take();
        Box::pin(async move {
            let Some(asked) = asked else { return };
            if let Err(told) = asked.judge().await {
                panic!("{told}");
            }
        })
    }
}

impl Drop for Expectation {
    fn drop(&mut self) {
        if let Some(asked) = self.asked.take().filter(|_| !std::thread::panicking()) {
            panic!("{}: an expectation was never awaited, so nothing was judged", asked.place);
        }
    }
}

impl Asked {
    /// Judges; an error is the report for whoever wrote the test.
    async fn judge(mut self) -> Result<(), String> {
        let over = tokio::time::timeout(self.within, self.call.until_ended()).await.is_ok();
        let sessions = self.call.sessions();
        let legs = legs(&self.call, &sessions);
        let needed: Vec<String> = self.checks.iter().flat_map(|check| check.events()).collect();
        let listens =
            self.checks.iter().any(|check| check.facts().listens.is_some() || check.facts().listens_too.is_some());
        let checks = if over { std::mem::take(&mut self.checks) } else { Vec::new() };
        let mut review = Review::new(format!("call {}", self.call.id()), self.place.clone(), checks);
        for (leg, session) in &legs {
            session.tell(*leg, &mut review);
            if let Some(reason) = session.lost() {
                review.problem(self.unknown("host", "a host to the end of the call", &format!("lost: {reason}"), ""));
            }
            let deaf = needed.iter().find(|event| !session.hears(event));
            if let Some(event) = deaf {
                let actual = format!("the client was not subscribed to it when the {leg}'s session began");
                let help = format!("`host.subscribe({event:?})` before the call");
                review.problem(self.unknown("events", &format!("every {event} of the call"), &actual, &help));
            }
        }
        if legs.is_empty() {
            let help = "hold a session, or have the client keep those that are gone: `ClientConfig::remembered`";
            review.problem(self.unknown("sessions", "the sessions of the call", "they are not known any more", help));
        }
        for (session, recorded) in &self.recordings {
            if let Some((leg, _)) = legs.iter().find(|(_, of)| of == session) {
                review.recorded(*leg, recorded.clone());
            }
        }
        for (leg, wanted, place) in self.digits.iter().filter(|_| over) {
            review.expect_digits(*leg, wanted, place.clone());
        }
        let started = legs.iter().map(|(_, session)| session.facts().created).min().unwrap_or_default();
        let traces = review.traces();
        let folder = std::env::temp_dir().join("callwright").join(format!("expected-{}", Ids::random().uuid()));
        let mut read = BTreeMap::new();
        for (_, session) in legs.iter().filter(|_| listens && over) {
            let extra = self.recordings.iter().filter(|(of, _)| of == session).map(|(_, recorded)| recorded.clone());
            for recorded in session.recordings().into_iter().chain(extra) {
                let wav = fetch(session, &recorded.path, &folder).await;
                read.insert(recorded.path, wav);
            }
        }
        let judgement = match over {
            true => review.outcome(read).judge(),
            false => self.unended(&legs),
        };
        if judgement.verdict == Verdict::Passed {
            // It is in a folder for what may be removed.
            let _ = std::fs::remove_dir_all(&folder);
            return Ok(());
        }
        Err(self.told(judgement, &traces, started, &folder))
    }

    fn unknown(&self, name: &str, expected: &str, actual: &str, help: &str) -> CheckReport {
        CheckReport {
            name: name.to_owned(),
            place: Some(self.place.clone()),
            verdict: Verdict::Error,
            expected: expected.to_owned(),
            actual: actual.to_owned(),
            help: help.to_owned(),
            passages: Vec::new(),
        }
    }

    fn unended(&self, legs: &[(Leg, Session)]) -> Judgement {
        let states = legs.iter().map(|(leg, session)| match session.state() {
            State::HungUp => format!("the {leg}'s leg is hung up"),
            State::Answered => format!("the {leg}'s leg is answered and up"),
            _ => format!("the {leg}'s leg is there, not answered"),
        });
        let actual = states.collect::<Vec<_>>().join(", ");
        let help = "hang it up before it is judged, or give it longer: `within`";
        let expected = format!("the call over within {}", human(self.within));
        let check =
            CheckReport { verdict: Verdict::Failed, ..self.unknown("end of the call", &expected, &actual, help) };
        Judgement { verdict: Verdict::Failed, checks: vec![check], properties: Vec::new() }
    }

    /// What the terminal would show of it.
    fn told(&self, judgement: Judgement, legs: &[LegTrace], started: Time, folder: &Path) -> String {
        let layout = Layout { paint: Paint::Plain, width: None, entries: ENTRIES };
        let Judgement { verdict, mut checks, .. } = judgement;
        let files: Vec<PathBuf> = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|f| f.path()).collect();
        for passage in checks.iter_mut().flat_map(|check| &mut check.passages) {
            if let Some(kept) = files.iter().find(|file| file.file_name() == passage.recording.file_name()) {
                passage.recording.clone_from(kept);
            }
        }
        let word = if verdict == Verdict::Failed { "FAIL" } else { "ERROR" };
        let mut text = format!("{}: {word} call {}\n", self.place, self.call.id());
        for part in [
            explain::checks_of(&checks, verdict, layout),
            explain::legs_of(legs, started, layout),
            explain::recorded(&files, layout),
        ] {
            // Writing into a text never fails.
            let _ = write!(text, "{part}");
        }
        text
    }
}

/// The caller's leg and the callee's, as far as they are known: the caller's session gives the call its name, or is the
/// first that the host made.
fn legs(call: &Call, sessions: &[Session]) -> Vec<(Leg, Session)> {
    let made = |session: &&Session| session.facts().direction == Direction::Outbound;
    let named = sessions.iter().find(|session| session.id().as_str() == call.id().as_str() && made(session));
    let caller = named.or_else(|| sessions.iter().find(made));
    let others = || sessions.iter().filter(|session| Some(*session) != caller);
    let callee = others().find(|session| !made(session)).or_else(|| others().next());
    let caller = caller.map(|session| (Leg::Caller, session.clone()));
    caller.into_iter().chain(callee.map(|session| (Leg::Callee, session.clone()))).collect()
}

/// Brings a recording off the session's host and reads it; what is on the host stays there.
async fn fetch(session: &Session, path: &Path, folder: &Path) -> Result<Wav, String> {
    let (asks, mut asked) = mpsc::unbounded_channel::<Ask>();
    let host = session.clone();
    let answering = tokio::spawn(async move {
        while let Some(Ask { command, answer, .. }) = asked.recv().await {
            // Where there is no reply the dropped answer tells.
            if let Ok(reply) = host.command(command).await {
                let _ = answer.send(reply);
            }
        }
    });
    let remote = Remote { originals: Originals::Left, ..Remote::new(Vec::new(), folder.to_owned()) };
    let since = session.facts().created;
    let (_, read) = retrieve(path.to_owned(), &Files::Remote(remote), &Talk { host: 0, asks }, since).await;
    answering.abort();
    read.wav
}

fn here(location: &Location<'_>) -> Place {
    Place { file: location.file().into(), line: location.line() as usize, column: location.column() as usize }
}
