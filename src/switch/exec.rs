//! Runs applications on a channel: one after the other from the dialplan, and those that `sendmsg` sends on top.

use crate::call::HangupCause;
use crate::esl::Event;
use crate::esl::server::Answer;
use crate::media::MediaCommand;

use super::channel::{Ending, State};
use super::core::{ChannelKey, SwitchCore, Task, Timer};
use super::dp::{Announce, Application, Broken, Doing, Frame, SendMsg, Sent, Source, Stop};
use super::events::{origin, push_channel};
use super::log::line;

/// How many applications FreeSWITCH runs on top of each other.
const DEPTH: usize = 16;
/// An application that ends sooner is not run again, whatever `loops` says.
const SHORTEST_LOOP: std::time::Duration = std::time::Duration::from_millis(500);

impl SwitchCore {
    /// Runs the next application that the channel was given. After the last one it is hung up.
    pub(super) fn advance(&mut self, key: ChannelKey) {
        let Some(channel) = self.channel(key).filter(|c| c.is_up() && c.stack.is_empty()) else { return };
        match channel.applications.pop_front() {
            Some((name, argument)) => self.execute(key, &name, &argument, Source::Dialplan),
            None if channel.running == State::Execute => self.hangup(key, HangupCause::NormalClearing),
            None => {}
        }
    }

    /// Runs the oldest `sendmsg` that waits, if what runs now lets it.
    pub(super) fn pump(&mut self, key: ChannelKey) {
        let Some(channel) = self.channel(key).filter(|c| c.is_up() && c.stack.len() < DEPTH) else { return };
        let locked = |frame: &Frame| matches!(&frame.from, Source::Message(sent) if sent.message.event_lock);
        let announce = match channel.stack.last().map(|frame| &frame.doing) {
            // What is being stopped ends before anything else begins; its end pumps again.
            Some(Doing::Playback(playback)) if playback.is_stopping() => return,
            Some(Doing::Park) if !channel.has_media() => Announce::No,
            Some(
                Doing::Park | Doing::Echo | Doing::Sleep { .. } | Doing::Playback(_) | Doing::Bert(_) | Doing::Bridged,
            ) => Announce::Yes,
            Some(
                Doing::Done
                | Doing::Bridging
                | Doing::Deflect
                | Doing::RecordStart(_)
                | Doing::RecordStop(_)
                | Doing::Dialing(_)
                | Doing::Controlled(_)
                | Doing::Awaiting(_)
                | Doing::Unparked,
            ) => return,
            None if channel.running == State::ConsumeMedia => Announce::Yes,
            None => return,
        };
        if channel.stack.iter().any(locked) {
            return;
        }
        let Some(message) = channel.queue.pop_front() else { return };
        match message.command.as_str() {
            "execute" if message.application.is_empty() => {}
            "execute" => {
                let begun = self.now;
                let sent = Sent { message, turn: 1, announce, begun, broken: Broken::No, awaited_by: None };
                return self.run_message(key, Box::new(sent));
            }
            "hangup" => self.hangup(key, message.cause()),
            // Unicast, xferext and media handling are not done here.
            _ => {}
        }
        if announce == Announce::Yes {
            self.announce(key, &message);
        }
        self.later(Task::Pump(key));
    }

    pub(super) fn run_message(&mut self, key: ChannelKey, sent: Box<Sent>) {
        let Some(channel) = self.channel(key) else { return };
        channel.variables.set("current_loop", sent.turn.to_string());
        channel.variables.set("total_loops", sent.message.loops.to_string());
        let (name, argument) = (sent.message.application.clone(), sent.message.argument.clone());
        self.execute(key, &name, &argument, Source::Message(sent));
    }

    /// Runs one application (`switch_core_session_exec`).
    pub(super) fn execute(&mut self, key: ChannelKey, name: &str, argument: &str, from: Source) {
        let Some(application) = Application::named(name) else {
            tracing::error!(target: "callwright::switch", "Invalid Application {name}");
            self.hangup(key, HangupCause::DestinationOutOfOrder);
            return self.after_application(key, from);
        };
        let argument = self.expand_for(key, argument);
        let (mut uuid, mut uuid_name) = (None, String::new());
        if let Source::Message(sent) = &from {
            uuid.clone_from(&sent.message.event_uuid);
            uuid_name = sent.message.event_uuid_name.clone().unwrap_or_default();
        }
        let uuid = uuid.unwrap_or_else(|| self.ids.uuid());
        let Some(channel) = self.channel(key) else { return };
        channel.last_application = Some((application.name.to_owned(), argument.clone()));
        channel.variables.set("current_application", application.name);
        channel.variables.set("current_application_data", argument.as_str());
        channel.variables.unset("current_application_response");
        let tail = [
            ("Application", application.name),
            ("Application-Data", argument.as_str()),
            ("Application-UUID", uuid.as_str()),
            ("Application-UUID-Name", uuid_name.as_str()),
        ];
        self.log(key, line::EXECUTE, |channel| {
            format!("EXECUTE [depth={}] {} {}({argument})", channel.stack.len(), channel.name, application.name)
        });
        self.fire_channel(key, "CHANNEL_EXECUTE", origin::EXECUTE, &[], &tail);
        let Some(channel) = self.channel(key) else { return };
        channel.variables.set("current_application", application.name);
        let frame = Frame {
            application: application.name,
            argument: argument.clone(),
            uuid,
            uuid_name,
            from,
            doing: Doing::Done,
        };
        channel.stack.push(frame);
        let doing = application.run(self, key, &argument);
        let done = matches!(doing, Doing::Done);
        if let Some(frame) = self.channel(key).and_then(|c| c.stack.last_mut()) {
            frame.doing = doing;
        }
        if done {
            self.complete(key);
        }
    }

    /// The application on top is done.
    pub(super) fn complete(&mut self, key: ChannelKey) {
        let Some(channel) = self.channel(key) else { return };
        let Some(frame) = channel.stack.pop() else { return };
        match &frame.doing {
            Doing::Sleep { nap, .. } => self.forget(|timer| *timer == Timer::Wake(key, *nap)),
            Doing::Dialing(dial) => drop(self.dials.remove(&dial.id)),
            _ => {}
        }
        if !matches!(frame.from, Source::State) {
            let response = self.channel(key).and_then(|c| c.variables.value("current_application_response"));
            let response = response.unwrap_or("_none_").to_owned();
            let tail = [
                ("Application", frame.application),
                ("Application-Data", frame.argument.as_str()),
                ("Application-Response", response.as_str()),
                ("Application-UUID", frame.uuid.as_str()),
                ("Application-UUID-Name", frame.uuid_name.as_str()),
            ];
            self.fire_channel(key, "CHANNEL_EXECUTE_COMPLETE", origin::EXECUTE_COMPLETE, &[], &tail);
        }
        self.after_application(key, frame.from);
    }

    fn after_application(&mut self, key: ChannelKey, from: Source) {
        let up = self.channel(key).is_some_and(|c| c.is_up());
        if let Source::Message(mut sent) = from {
            let long = self.now.since(sent.begun) >= SHORTEST_LOOP;
            let more = sent.message.loops < 0 || sent.turn < sent.message.loops;
            if up && more && long && sent.broken == Broken::No {
                (sent.turn, sent.begun) = (sent.turn + 1, self.now);
                return self.run_message(key, sent);
            }
            if let Some(channel) = self.channel(key) {
                channel.variables.unset("current_loop");
                channel.variables.unset("total_loops");
            }
            if sent.announce == Announce::Yes {
                self.announce(key, &sent.message);
            }
            if let Some(conn) = sent.awaited_by {
                self.command_done(conn, Answer::reply("+OK"));
            }
            if let Some(conn) = self.is_forsaken(key) {
                self.later(Task::Release(key, conn));
            }
            if up {
                self.resume(key);
                self.tell_digits(key);
                self.later(Task::Pump(key));
            }
        } else if up {
            self.later(Task::Advance(key));
        }
        if !up {
            self.later(Task::Unwind(key));
        }
    }

    /// PRIVATE_COMMAND repeats what was sent, in front of its own headers.
    fn announce(&mut self, key: ChannelKey, message: &SendMsg) {
        let Some(channel) = self.channels.get(&key) else { return };
        if !self.connections.values().any(|c| c.wants("PRIVATE_COMMAND")) {
            return self.source.skip();
        }
        let mut event = Event::new();
        if !message.request.line.is_empty() {
            event.push("Command", &message.request.line);
        }
        for (name, value) in &message.request.headers {
            if !value.is_empty() {
                event.push(name, value);
            }
        }
        self.source.stamp(&mut event, self.now, "PRIVATE_COMMAND", origin::PRIVATE_COMMAND);
        push_channel(&mut event, channel);
        self.fire(event);
    }

    /// Ends the application on top if it does what `is` looks for.
    pub(super) fn frame_done_if(&mut self, key: ChannelKey, is: impl Fn(&Doing) -> bool) {
        if self.channel(key).and_then(|c| c.stack.last()).is_some_and(|frame| is(&frame.doing)) {
            self.complete(key);
        }
    }

    /// A `sleep` is over. One below another application ends when that does.
    pub(super) fn wake(&mut self, key: ChannelKey, nap: u64) {
        self.frame_done_if(key, |doing| matches!(doing, Doing::Sleep { nap: n, .. } if *n == nap));
    }

    /// Ends what runs on a channel that was hung up, from the top, and then the session.
    pub(super) fn unwind(&mut self, key: ChannelKey) {
        let Some(channel) = self.channel(key).filter(|c| c.ending == Ending::Unwinding) else { return };
        let leg = channel.media.leg;
        match channel.stack.last().map(|frame| &frame.doing) {
            None => self.end_session(key),
            Some(Doing::Playback(_)) => {
                if self.stop_playback(key, Stop::Hangup) {
                    self.complete(key);
                }
            }
            Some(Doing::Echo) => {
                self.media(MediaCommand::Echo { leg, on: false });
                self.complete(key);
            }
            Some(Doing::Bert(_)) => {
                self.media(MediaCommand::StopBert { leg });
                self.complete(key);
            }
            Some(Doing::Park) => {
                self.fire_channel(key, "CHANNEL_UNPARK", origin::UNPARK, &[], &[]);
                self.complete(key);
            }
            Some(Doing::Sleep { .. } | Doing::Deflect | Doing::Dialing(_)) => self.complete(key),
            Some(Doing::Unparked) => self.end_park(key),
            // FreeSWITCH parks it for a moment.
            Some(Doing::Awaiting(_)) => {
                self.fire_channel(key, "CHANNEL_PARK", origin::PARK, &[], &[]);
                self.end_park(key);
            }
            // Its client may linger.
            Some(Doing::Controlled(_)) => {
                if self.is_forsaken(key).is_some() {
                    self.complete(key);
                }
            }
            Some(Doing::Bridging | Doing::Bridged) => self.unbridge(key),
            // What they wait for comes.
            Some(Doing::Done | Doing::RecordStart(_) | Doing::RecordStop(_)) => {}
        }
    }

    /// Takes the channel away from what it does, because it gets something else to do.
    pub(super) fn break_off(&mut self, key: ChannelKey) {
        let Some(channel) = self.channel(key) else { return };
        let leg = channel.media.leg;
        let queue = std::mem::take(&mut channel.queue);
        while let Some(frame) = self.channel(key).and_then(|c| c.stack.last_mut()) {
            if let Source::Message(sent) = &mut frame.from {
                sent.broken = Broken::Yes;
            }
            match std::mem::replace(&mut frame.doing, Doing::Done) {
                Doing::Park | Doing::Unparked => self.fire_channel(key, "CHANNEL_UNPARK", origin::UNPARK, &[], &[]),
                Doing::Dialing(dial) => drop(self.dials.remove(&dial.id)),
                Doing::Echo => self.media(MediaCommand::Echo { leg, on: false }),
                Doing::Bert(_) => self.media(MediaCommand::StopBert { leg }),
                Doing::Bridging | Doing::Bridged => self.part(key),
                Doing::Playback(_) => {
                    self.media(MediaCommand::StopPlay { leg });
                    self.set_response(key, "PLAYBACK ERROR");
                }
                _ => {}
            }
            self.complete(key);
        }
        if let Some(channel) = self.channel(key) {
            channel.queue = queue;
        }
    }

    /// Has the channel run an application as soon as it can, and then hang up with `cause` (`switch_ivr_broadcast`).
    pub(super) fn broadcast(&mut self, key: ChannelKey, application: &str, argument: &str, cause: Option<HangupCause>) {
        let mut queue = |headers: &[(&str, &str)], command: &str| {
            let mut event = self.source.event(self.now, "COMMAND", origin::BROADCAST);
            for (name, value) in headers {
                event.push(name, value);
            }
            let headers = event.headers().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
            let request = crate::esl::wire::Frame { headers, ..Default::default() };
            let message = SendMsg {
                command: command.to_owned(),
                application: application.to_owned(),
                argument: argument.to_owned(),
                loops: 1,
                event_uuid: None,
                event_uuid_name: None,
                // The hangup waits for what comes before it.
                event_lock: cause.is_some(),
                hangup_cause: cause.as_ref().map(ToString::to_string),
                request,
            };
            if let Some(channel) = self.channels.get_mut(&key) {
                channel.queue.push_back(message);
            }
        };
        let head = [
            ("call-command", "execute"),
            ("execute-app-name", application),
            ("execute-app-arg", argument),
            ("event-lock", "true"),
            ("lead-frames", "5"),
        ];
        queue(&head, "execute");
        if let Some(cause) = &cause {
            queue(&[("call-command", "hangup"), ("hangup-cause", cause.as_str())], "hangup");
        }
        self.later(Task::Pump(key));
    }

    /// Parks the channel, whatever it does (`switch_ivr_park_session`).
    pub(super) fn park(&mut self, key: ChannelKey) {
        self.break_off(key);
        if let Some(channel) = self.channel(key) {
            channel.applications.clear();
        }
        self.enter(key, State::Park);
        self.fire_channel(key, "CHANNEL_PARK", origin::PARK, &[], &[]);
        let uuid = self.ids.uuid();
        if let Some(channel) = self.channel(key) {
            channel.stack.push(Frame {
                application: "park",
                argument: String::new(),
                uuid,
                uuid_name: String::new(),
                from: Source::State,
                doing: Doing::Park,
            });
        }
        self.later(Task::Pump(key));
    }
}
