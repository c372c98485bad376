//! The connections: logged in, restored, lost and made again.

use super::{Ending, FIRST_PAUSE, Greeted, LONGEST_PAUSE, Manner, Phase, Purpose, Shell, ShellOutput};
use crate::esl::{ClientEvent, CloseReason, Command};
use crate::host::Line;

impl Shell {
    pub(super) fn drain(&mut self, line: Line) {
        while let Some(event) = self.client(line).poll_event() {
            if !matches!(self.phase, Phase::Connecting { .. } | Phase::Up) {
                return;
            }
            match event {
                ClientEvent::Ready => self.restore(line),
                ClientEvent::Reply { command, reply } => self.handle_reply(line, command, &reply),
                ClientEvent::Event(event) => match line {
                    Line::Events => self.show_event(&event),
                    Line::Commands => self.handle_job(&event),
                },
                ClientEvent::Log(log) => self.show_log(&log),
                ClientEvent::Closed(reason) => self.closed(&reason),
            }
        }
    }

    /// Brings a new connection to where the last one was.
    fn restore(&mut self, line: Line) {
        let commands = match line {
            Line::Events => self.wanted.restore().into_iter().map(|command| {
                let told = command.to_string();
                (command, Purpose::Restore(told))
            }),
            Line::Commands => {
                if !self.jobs.is_empty() {
                    self.listen_for_jobs();
                }
                if self.config.manner == Manner::Prompt && self.greeted == Greeted::No {
                    for (question, purpose) in
                        [("version short", Purpose::Version), ("switchname", Purpose::Switchname)]
                    {
                        // They have no argument that may not be sent.
                        let _ = self.send(line, &Command::api(question), purpose);
                    }
                }
                return self.rise();
            }
        };
        for (command, purpose) in commands {
            if let Err(error) = self.send(line, &command, purpose) {
                self.note(&format!("`{command}` cannot be sent: {error}"));
            }
        }
        self.rise();
    }

    /// Up once both connections are logged in and everything that they began with is answered.
    pub(super) fn rise(&mut self) {
        let begun = |purpose: &Purpose| matches!(purpose, Purpose::Restore(_) | Purpose::Version | Purpose::Switchname);
        let ready = self.events.is_ready() && self.commands.is_ready() && !self.replies.values().any(begun);
        if !ready || !matches!(self.phase, Phase::Connecting { .. }) {
            return;
        }
        self.phase = Phase::Up;
        self.pause = FIRST_PAUSE;
        if let Some(lost) = self.lost.take() {
            let wanted = Some(self.wanted.told()).filter(|told| !told.is_empty());
            let wanted = wanted.map_or(String::new(), |told| format!("; as before: {told}"));
            let seconds = self.now.since(lost).as_secs_f64();
            self.note(&format!("{} is there again after {seconds:.1} s{wanted}", self.config.name));
        }
        if self.greeted == Greeted::No {
            self.greeted = Greeted::Yes;
            if self.config.manner == Manner::Prompt {
                let told =
                    format!("{}: FreeSWITCH {}; /help tells what can be typed", self.config.name, self.about.version);
                self.note(&told);
            }
            self.go_on();
        }
    }

    fn closed(&mut self, reason: &CloseReason) {
        let name = &self.config.name;
        let is_final = matches!(reason, CloseReason::LoginRefused(_) | CloseReason::Rejected(_));
        let told = match reason {
            CloseReason::LoginRefused(said) => format!("{name} refuses the password: {said}"),
            reason => format!("{name}: {reason}"),
        };
        // Turned away the first time, there is nobody to wait for.
        if is_final && self.greeted == Greeted::Yes && self.config.manner == Manner::Prompt {
            self.give_up_answers();
            self.outputs.push_back(ShellOutput::Close);
            self.phase = Phase::TurnedAway;
            return self.note(&format!("{told}; /quit leaves"));
        }
        self.lose(&told);
    }

    /// The switch is not there, or not any more.
    pub(super) fn lose(&mut self, reason: &str) {
        if self.phase == Phase::Ended {
            return;
        }
        if self.config.manner == Manner::Script || self.greeted == Greeted::No {
            self.give_up_answers();
            return self.end(Ending::Lost(reason.to_owned()));
        }
        self.outputs.push_back(ShellOutput::Close);
        match self.lost {
            None => {
                self.lost = Some(self.now);
                self.note(&format!("{reason}; trying again"));
            }
            Some(_) => self.pause = (self.pause * 2).min(LONGEST_PAUSE),
        }
        self.phase = Phase::Waiting { until: self.now + self.pause };
        self.give_up_answers();
    }

    /// What was asked gets no answer any more.
    fn give_up_answers(&mut self) {
        self.replies.clear();
        let waiting = self.current.take();
        let prompt = waiting.is_some();
        for lost in waiting.into_iter().chain(std::mem::take(&mut self.detached).into_values()) {
            self.note(&format!("no answer to `{}` came: whether it was done is not known", lost.typed));
        }
        if let Some(completing) = &mut self.completion {
            completing.asked.clear();
            self.finish_completion();
        }
        if prompt && self.config.manner == Manner::Prompt {
            self.outputs.push_back(ShellOutput::Prompt);
        }
    }
}
