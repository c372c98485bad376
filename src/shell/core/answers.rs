//! What the switch says.

use super::{Completing, Completion, Ending, LineId, Phase, Purpose, Shell, ShellOutput, Show, To};
use crate::esl::{Command, CommandId, Event, LogLine, Reply, job_result, outcome};
use crate::host::Line;
use crate::shell::look::{Style, line as with_line_break};
use crate::shell::{event_text, log_text};
use crate::units::Time;

impl Shell {
    /// Completes a line that is typed as far as this. A question before it that has no answer gets none.
    pub fn complete(&mut self, now: Time, typed: &str) {
        self.now = now;
        let (completion, questions) = Completion::of(typed);
        self.last_completion += 1;
        let id = self.last_completion;
        let mut completing = Completing { id, completion, asked: std::collections::HashSet::new() };
        if self.phase == Phase::Up {
            // Where a command is under way the other connection is quicker.
            let line = if self.commands.unanswered() > 0 { Line::Events } else { Line::Commands };
            for (question, command) in questions {
                if self.send(line, &command, Purpose::Complete(id, question)).is_ok() {
                    completing.asked.insert(question);
                }
            }
        }
        self.completion = Some(completing);
        self.finish_completion();
    }

    /// Tells what a line may go on with, once all is answered.
    pub(super) fn finish_completion(&mut self) {
        if let Some(Completing { completion, .. }) = self.completion.take_if(|completing| completing.asked.is_empty()) {
            let start = completion.start;
            self.outputs.push_back(ShellOutput::Completed { start, candidates: completion.finish() });
        }
    }

    pub(super) fn handle_reply(&mut self, line: Line, command: CommandId, reply: &Reply) {
        match self.replies.remove(&(line, command)) {
            Some(Purpose::Typed(id, show)) => self.answer(id, reply, show),
            Some(Purpose::Launch(id, job)) => {
                if reply.result().is_err() {
                    self.jobs.remove(&job);
                }
                self.answer(id, reply, Show::Always);
            }
            Some(Purpose::Restore(command)) => {
                if let Err(error) = reply.result() {
                    self.note(&format!("`{command}` was refused: {error}"));
                }
            }
            Some(Purpose::Version) => reply.text.trim().clone_into(&mut self.about.version),
            Some(Purpose::Switchname) => {
                let name = reply.result().unwrap_or_default().trim();
                self.about.switchname = self.config.look.clean(name).into_owned();
            }
            Some(Purpose::Complete(id, question)) => {
                if let Some(completing) = self.completion.as_mut().filter(|completing| completing.id == id) {
                    completing.completion.answer(question, &reply.text);
                    completing.asked.remove(&question);
                }
                self.finish_completion();
            }
            Some(Purpose::Nothing) | None => {}
        }
        self.rise();
    }

    /// Shows a reply to a typed line, and goes on when it was the last.
    fn answer(&mut self, id: LineId, reply: &Reply, show: Show) {
        let text = self.answer_text(&reply.text);
        let is_error = reply.result().is_err();
        if is_error {
            self.count(Ending::Refused);
        }
        let shown = is_error || show == Show::Always;
        if let Some(current) = self.current.as_mut().filter(|current| current.id == id) {
            current.waits -= 1;
            let done = current.waits == 0;
            if shown {
                self.print(To::Answer, text);
            }
            if done {
                self.current = None;
                self.go_on();
            }
        } else if let Some(late) = self.detached.get_mut(&id) {
            late.waits -= 1;
            let told = format!("answer to `{}`:\n{text}", late.typed);
            if late.waits == 0 {
                self.detached.remove(&id);
            }
            if shown {
                self.print(To::Late, told);
            }
        }
    }

    /// An answer as it is shown: an error in red.
    fn answer_text(&self, text: &str) -> String {
        let shown = with_line_break(&self.config.look.clean(text));
        match outcome(text) {
            Ok(_) => shown,
            Err(_) => self.config.look.apply(Style::Red, shown.trim_end_matches('\n')) + "\n",
        }
    }

    /// Shows the result of a job of ours.
    pub(super) fn handle_job(&mut self, event: &Event) {
        let Some((job, result)) = job_result(event) else { return };
        let Some((job, typed)) = self.jobs.remove_entry(job) else { return };
        if outcome(result).is_err() {
            self.count(Ending::Refused);
        }
        let typed = self.config.look.clean(&typed).into_owned();
        let text = format!("result of `{typed}`, job {job}:\n{}", self.answer_text(result));
        self.print(To::Late, text);
        if self.jobs.is_empty() {
            // It has no argument that may not be sent.
            let _ = self.send(Line::Commands, &Command::NoEvents, Purpose::Nothing);
        }
        if self.config.manner == super::Manner::Script {
            self.go_on();
        }
    }

    pub(super) fn show_event(&mut self, event: &Event) {
        let text = event_text::show(event, self.form, self.config.look);
        self.print(To::Live, text);
    }

    pub(super) fn show_log(&mut self, log: &LogLine) {
        if self.view.shows(log) {
            let text = log_text::show(log, self.config.look);
            self.print(To::Live, text);
        }
    }
}
