//! What a session can be told to do.
//!
//! All of it is a step of the scenario language at work, so an act ends when its outcome is there, and its failure says
//! what was expected and what was found, as a scenario's does.

use std::panic::Location;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use regex::Regex;

use super::performance::Performance;
use super::{Act, Playback, Session, SessionError};
use crate::audio::verify::Track;
use crate::call::HangupCause;
use crate::media::Tracks;
use crate::scenario::step::{self, Begun, Needs, Start, Step, Until};
use crate::scenario::{PlacedStep, Recorded, Recording, one_word, placed};

/// How long a switch may take for something that it does at once.
const AT_ONCE: Duration = Duration::from_secs(10);
/// Longer than anything plays.
const LONGEST: Duration = Duration::from_secs(24 * 3_600);

impl Session {
    /// Does a step of the scenario language: anything of [`crate::scenario::step`].
    #[track_caller]
    pub fn run(&self, step: impl Step + 'static) -> Act {
        self.perform(vec![placed(Box::new(step), Location::caller())])
    }

    /// Does steps, one after the other.
    pub fn perform(&self, steps: impl Into<Arc<[PlacedStep]>>) -> Act {
        let steps = steps.into();
        if steps.is_empty() {
            return Act::new(self.clone(), "nothing", async { Ok(()) });
        }
        let what: Vec<_> = steps.iter().map(|step| step.value.describe()).collect();
        let performance = Performance::begin(self, steps);
        Act::new(self.clone(), what.join(", "), performance.end())
    }

    /// Answers (200); done when it is answered.
    #[track_caller]
    pub fn answer(&self) -> Act {
        self.run(step::Answer)
    }

    /// Rings (180); done when the switch has said so.
    #[track_caller]
    pub fn ring(&self) -> Act {
        self.run(step::Ring)
    }

    /// Sends sound before the answer (183); done when it can flow.
    #[track_caller]
    pub fn pre_answer(&self) -> Act {
        self.run(step::PreAnswer)
    }

    /// Hangs up with `NORMAL_CLEARING`; done when it is hung up.
    #[track_caller]
    pub fn hangup(&self) -> Act {
        self.hangup_with(HangupCause::parse("NORMAL_CLEARING"))
    }

    /// Hangs up; done when it is hung up, whoever did that.
    #[track_caller]
    pub fn hangup_with(&self, cause: HangupCause) -> Act {
        if self.is_hung_up() {
            return Act::new(self.clone(), "hangup", async { Ok(()) });
        }
        let act = self.run(step::Hangup { cause: Some(cause.to_string()) });
        Act::new(self.clone(), "hangup", async {
            match act.await {
                // It ended by itself meanwhile, which is what was wanted.
                Err(SessionError::Step(failed)) if failed.leg_ended => Ok(()),
                outcome => outcome,
            }
        })
    }

    /// Has the switch hang up after so long, in whole seconds; done when the switch has taken it.
    #[track_caller]
    pub fn sched_hangup(&self, after: Duration, cause: HangupCause) -> Act {
        self.run(Tell::api("sched_hangup", |id| {
            format!("sched_hangup +{} {id} {cause}", after.as_millis().div_ceil(1_000))
        }))
    }

    /// Takes back what was scheduled of the session.
    #[track_caller]
    pub fn clear_tasks(&self) -> Act {
        self.run(Tell::api("clear tasks", |id| format!("sched_del {id}")))
    }

    /// Refuses the call with a SIP response, 300 to 699; done when it is hung up.
    #[track_caller]
    pub fn respond(&self, code: u16) -> Act {
        self.run(step::Respond { code, reason: None })
    }

    /// Asks the other side to call a SIP URI instead (REFER); done when the session is over.
    #[track_caller]
    pub fn deflect(&self, uri: impl Into<String>) -> Act {
        self.run(step::Deflect { to: uri.into() })
    }

    /// Sends back what is heard; done when the echo runs.
    #[track_caller]
    pub fn echo(&self) -> Act {
        self.run(step::Echo)
    }

    /// Ends what it does and parks it; done when it is parked.
    #[track_caller]
    pub fn park(&self) -> Act {
        self.run(step::Park)
    }

    /// Sends it to an extension of the dialplan; done when it is parked there.
    #[track_caller]
    pub fn transfer(&self, extension: impl Into<String>) -> Act {
        self.run(step::Transfer { to: extension.into(), dialplan: "XML".to_owned(), context: None })
    }

    /// Plays; done when it has ended, or for what is endless when it has begun.
    #[track_caller]
    pub fn playback(&self, playback: impl Into<Playback>) -> Act {
        self.run(playback.into())
    }

    /// Ends what plays (`uuid_break all`), and goes on.
    #[track_caller]
    pub fn break_media(&self) -> Act {
        self.run(step::Break)
    }

    /// Says `text` by a speech engine: `flite`, `kal`; done when it was said.
    #[track_caller]
    pub fn speak(&self, engine: &str, voice: &str, text: &str) -> Act {
        self.execute("speak", format!("{engine}|{voice}|{text}"))
    }

    /// Records into `path` on the host's disk; done when the recording has begun.
    #[track_caller]
    pub fn start_record(&self, path: impl Into<String>, recording: Recording) -> Act {
        let path = path.into();
        let word = one_word(path.as_ref());
        let set = |name: &str, on: bool| format!("uuid_setvar {{}} {name} {on}");
        let lines = vec![
            set("RECORD_STEREO", recording.tracks == Tracks::Stereo),
            set("RECORD_READ_ONLY", recording.tracks == Tracks::Heard),
            set("RECORD_WRITE_ONLY", recording.tracks == Tracks::Said),
            format!("uuid_setvar {{}} record_sample_rate {}", recording.rate.0),
            format!("uuid_record {{}} start {word}"),
        ];
        self.change(|seen| seen.recordings.push(Recorded { path: PathBuf::from(&path), recording }));
        self.run(Tell::apis(format!("record into {path}"), lines).until(record_event("RECORD_START", &path)))
    }

    /// Ends the recording into `path`; done when the file is closed.
    #[track_caller]
    pub fn stop_record(&self, path: impl Into<String>) -> Act {
        let path = path.into();
        let line = format!("uuid_record {{}} stop {}", one_word(path.as_ref()));
        self.run(Tell::apis(format!("stop recording {path}"), vec![line]).until(record_event("RECORD_STOP", &path)))
    }

    /// Has the switch end the recording into `path` after so long, in whole seconds; done when the switch has taken it.
    #[track_caller]
    pub fn sched_stop_record(&self, after: Duration, path: &str) -> Act {
        self.run(Tell::api("stop recording later", |id| {
            format!("sched_api +{} none uuid_record {id} stop {path}", after.as_millis().div_ceil(1_000))
        }))
    }

    /// Has the recording into `path` hold silence from here.
    #[track_caller]
    pub fn mask_record(&self, path: &str) -> Act {
        self.run(Tell::apis(
            "mask a recording".to_owned(),
            vec![format!("uuid_record {{}} mask {}", one_word(path.as_ref()))],
        ))
    }

    /// Has the recording into `path` hold what is heard again.
    #[track_caller]
    pub fn unmask_record(&self, path: &str) -> Act {
        self.run(Tell::apis(
            "unmask a recording".to_owned(),
            vec![format!("uuid_record {{}} unmask {}", one_word(path.as_ref()))],
        ))
    }

    /// Replaces what it says, or what it hears, by silence.
    #[track_caller]
    pub fn mute(&self, track: Track) -> Act {
        self.run(step::Mute { track })
    }

    /// Ends every muting.
    #[track_caller]
    pub fn unmute(&self) -> Act {
        self.run(step::Unmute)
    }

    /// Puts the other side on hold (re-INVITE).
    #[track_caller]
    pub fn hold(&self) -> Act {
        self.run(step::Hold::On)
    }

    /// Ends the hold.
    #[track_caller]
    pub fn unhold(&self) -> Act {
        self.run(step::Hold::Off)
    }

    /// Takes the switch out of the way of a bridged call's media, or into it again.
    #[track_caller]
    pub fn bypass_media(&self, bypass: Bypass) -> Act {
        self.run(Tell::api("bypass media", |id| match bypass {
            Bypass::On => format!("uuid_media off {id}"),
            Bypass::Off => format!("uuid_media {id}"),
        }))
    }

    /// Sends digits as telephone events; done when the last was sent.
    #[track_caller]
    pub fn send_dtmf(&self, digits: impl Into<String>, tone: Duration) -> Act {
        self.run(step::SendDtmf { tone, ..step::SendDtmf::events(digits) })
    }

    /// Has the switch send digits after so long, in whole seconds; done when the switch has taken it.
    #[track_caller]
    pub fn sched_dtmf(&self, after: Duration, digits: &str) -> Act {
        self.run(Tell::api("sched_dtmf", |id| {
            format!("sched_api +{} none uuid_send_dtmf {id} {digits}", after.as_millis().div_ceil(1_000))
        }))
    }

    /// Calls somebody and connects the session to them; done when they are connected.
    #[track_caller]
    pub fn bridge(&self, bridge: step::Bridge) -> Act {
        self.run(bridge)
    }

    /// The bridge that goes on to where the session's INVITE was for, from the profile that received it: what a proxy
    /// does.
    pub fn onward(&self) -> step::Bridge {
        let uri = self.variable("sip_req_uri").unwrap_or_default();
        let bridge = step::Bridge::to(uri);
        match self.variable("sofia_profile_name") {
            Some(profile) => bridge.profile(profile),
            None => bridge,
        }
    }

    /// Runs an application on the session, on the one it is bridged to, or on both; done when the switch has taken it.
    #[track_caller]
    pub fn broadcast(&self, broadcast: step::Broadcast) -> Act {
        self.run(broadcast)
    }

    /// The same after so long, in whole seconds.
    #[track_caller]
    pub fn sched_broadcast(&self, after: Duration, broadcast: &step::Broadcast) -> Act {
        self.run(Tell::api("broadcast later", |id| {
            format!("sched_broadcast +{} {id} {}", after.as_millis().div_ceil(1_000), broadcast.arguments())
        }))
    }

    /// Executes a dialplan application; done when it has ended.
    #[track_caller]
    pub fn execute(&self, application: impl Into<String>, argument: impl Into<String>) -> Act {
        let argument = argument.into();
        self.run(step::Execute { app: application.into(), arg: Some(argument).filter(|argument| !argument.is_empty()) })
    }

    /// Executes an application so many times.
    pub async fn execute_times(&self, application: &str, argument: &str, times: u32) -> Result<(), SessionError> {
        for _ in 0..times {
            self.execute(application, argument).await?;
        }
        Ok(())
    }

    /// Listens for an answering machine's tone (mod_avmd): `avmd::beep` events tell.
    #[track_caller]
    pub fn start_amd(&self) -> Act {
        self.execute("avmd_start", "")
    }

    #[track_caller]
    pub fn stop_amd(&self) -> Act {
        self.execute("avmd_stop", "")
    }

    /// Sets a channel variable.
    #[track_caller]
    pub fn setvar(&self, name: impl Into<String>, value: impl Into<String>) -> Act {
        self.setvars([(name, value)])
    }

    /// Sets channel variables.
    #[track_caller]
    pub fn setvars<N: Into<String>, V: Into<String>>(&self, vars: impl IntoIterator<Item = (N, V)>) -> Act {
        self.run(step::Set { vars: vars.into_iter().map(|(name, value)| (name.into(), value.into())).collect() })
    }

    /// Takes a channel variable away.
    #[track_caller]
    pub fn unsetvar(&self, name: &str) -> Act {
        self.run(Tell::apis(format!("unset {name}"), vec![format!("uuid_setvar {{}} {name}")]))
    }

    /// The value of a channel variable as the switch has it now; `None` where there is none.
    pub async fn getvar(&self, name: &str) -> Result<Option<String>, SessionError> {
        let value = self.api(&format!("uuid_getvar {} {name}", self.id())).await?;
        Ok(Some(value).filter(|value| value != "_undef_"))
    }
}

/// Whether media goes past the switch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bypass {
    On,
    Off,
}

/// API commands given to a session, and what ends it.
#[derive(Debug)]
struct Tell {
    what: String,
    /// Lines in which `{}` is the session.
    lines: Vec<String>,
    until: Until,
}

impl Tell {
    fn api(what: &str, line: impl FnOnce(&str) -> String) -> Tell {
        Tell::apis(what.to_owned(), vec![line("{}")])
    }

    fn apis(what: String, lines: Vec<String>) -> Tell {
        Tell { what, lines, until: Until::Replied }
    }

    fn until(self, until: Until) -> Tell {
        Tell { until, ..self }
    }
}

impl Step for Tell {
    fn kind(&self) -> &'static str {
        "api"
    }

    fn describe(&self) -> String {
        self.what.clone()
    }

    fn needs(&self) -> Needs {
        Needs::Session
    }

    fn start(&self, start: &mut Start<'_>) -> Begun {
        let id = start.session.to_string();
        for line in &self.lines {
            // A path may hold braces of its own; the session stands first.
            start.api(&line.replacen("{}", &id, 1));
        }
        self.until.clone().within(AT_ONCE)
    }
}

/// A recording into `path` began or ended.
fn record_event(name: &str, path: &str) -> Until {
    let path = Regex::new(&format!("^{}$", regex::escape(path))).expect("an escaped text is a pattern");
    Until::Event { name: name.to_owned(), headers: vec![("Record-File-Path".to_owned(), path)] }
}

impl Step for Playback {
    fn kind(&self) -> &'static str {
        "playback"
    }

    fn describe(&self) -> String {
        format!("playback of {}", self.argument())
    }

    fn start(&self, start: &mut Start<'_>) -> Begun {
        start.break_playing();
        let endless = self.is_endless();
        start.playing = endless;
        let application = if endless && !self.loops_itself() { "endless_playback" } else { "playback" };
        let uuid = start.execute(application, &self.argument());
        if endless { Until::Started(uuid).into() } else { Until::Completed(uuid).within(LONGEST) }
    }
}
