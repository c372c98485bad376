//! Where text goes: a terminal with a prompt, or pipes.

use std::io::{self, Write};
use std::sync::Arc;

use super::printer::{Printer, to_output};
use super::prompt::{Keyboard, Prompt, Turn};
use crate::shell::{Candidate, To};

/// See the module.
pub(super) enum Screen {
    /// Answers, events and log lines go to the standard output, mistakes to the standard error.
    Pipe(Printer),
    Terminal(Box<Terminal>),
}

pub(super) struct Terminal {
    /// What the prompt is started with, once the switch is there.
    keyboard: Option<Keyboard>,
    running: Option<Running>,
}

/// A prompt at work.
struct Running {
    prompt: Prompt,
    /// Writes above what is typed.
    above: Printer,
    awaits: Awaits,
}

/// What the prompt waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Awaits {
    Line,
    /// It shows the answer itself, before it asks for the next line.
    Answer,
}

impl Screen {
    pub fn pipe() -> Screen {
        Screen::Pipe(Printer::start(to_output))
    }

    pub fn terminal(keyboard: Keyboard) -> Screen {
        Screen::Terminal(Box::new(Terminal { keyboard: Some(keyboard), running: None }))
    }

    pub fn print(&mut self, to: To, text: String) {
        let printer = match self {
            Screen::Pipe(_) if to == To::Note => {
                // Nobody is left to tell where the standard error is closed.
                let _ = write!(anstream::stderr(), "\x1b[1;31merror\x1b[0m: {text}");
                return;
            }
            Screen::Pipe(printer) => printer,
            Screen::Terminal(terminal) => match &mut terminal.running {
                None => {
                    // There is no prompt yet that it could disturb; where this fails the prompt does, too.
                    let _ = to_output(&text);
                    return;
                }
                Some(Running { prompt, awaits: Awaits::Answer, .. }) if matches!(to, To::Answer | To::Note) => {
                    return prompt.turn(Turn::Print(text));
                }
                Some(Running { above, .. }) => above,
            },
        };
        match to {
            To::Live => printer.print_if_it_keeps_up(text),
            To::Answer | To::Late | To::Note => printer.print(text),
        }
    }

    /// The next line may be typed; the prompt reads `says`.
    pub async fn prompt(&mut self, says: &str) -> io::Result<()> {
        let Screen::Terminal(terminal) = self else { return Ok(()) };
        if let Some(keyboard) = terminal.keyboard.take() {
            let (prompt, print) = Prompt::start(says.to_owned(), keyboard).await?;
            terminal.running = Some(Running { prompt, above: Printer::start(print), awaits: Awaits::Answer });
        }
        if let Some(running) = &mut terminal.running {
            running.prompt.turn(Turn::Next);
            running.awaits = Awaits::Line;
        }
        Ok(())
    }

    /// A line was typed.
    pub fn await_answer(&mut self) {
        if let Some(running) = self.running() {
            running.awaits = Awaits::Answer;
        }
    }

    pub fn completed(&mut self, start: usize, candidates: Vec<Candidate>) {
        if let Some(running) = self.running() {
            running.prompt.completed(start, candidates);
        }
    }

    fn running(&mut self) -> Option<&mut Running> {
        match self {
            Screen::Pipe(_) => None,
            Screen::Terminal(terminal) => terminal.running.as_mut(),
        }
    }

    /// Why nothing can be written any more.
    pub fn failure(&self) -> Option<Arc<io::Error>> {
        match self {
            Screen::Pipe(printer) => printer.failure(),
            Screen::Terminal(terminal) => terminal.running.as_ref().and_then(|running| running.above.failure()),
        }
    }

    /// Writes what is left; tells where a pipe does not take it. A prompt must not be reading.
    pub fn finish(self) -> Option<Arc<io::Error>> {
        match self {
            Screen::Pipe(printer) => printer.finish(),
            Screen::Terminal(terminal) => {
                // The prompt first: the printer may wait for it to take something.
                let Running { prompt, above, .. } = terminal.running?;
                prompt.finish();
                above.finish();
                None
            }
        }
    }
}
