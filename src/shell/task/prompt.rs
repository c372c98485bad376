//! The prompt: a thread that reads lines from the terminal.

use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use rustyline::completion::{Completer, Pair};
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::DefaultHistory;
use rustyline::validate::Validator;
use rustyline::{
    Cmd, CompletionType, ConditionalEventHandler, Config, Context, Editor, Event, EventContext, EventHandler,
    ExternalPrinter, Helper, KeyEvent, RepeatCount,
};
use tokio::sync::{mpsc, oneshot};

use super::printer::to_output;
use crate::shell::{Candidate, history};

/// What is typed.
#[derive(Debug)]
pub(super) enum Typed {
    Line(String),
    /// The line as far as the cursor is to be completed.
    Complete(String),
    /// Something came that is no line; why is told.
    Unreadable(String),
}

/// What a prompt is started with.
pub(super) struct Keyboard {
    /// Where what is typed goes; closed at the end.
    pub typed: mpsc::Sender<Typed>,
    /// Where lines are kept.
    pub history: Option<PathBuf>,
    /// What is not kept.
    pub password: String,
}

/// What the prompt does next.
#[derive(Debug)]
pub(super) enum Turn {
    /// Shows an answer to the last line.
    Print(String),
    /// Reads the next line.
    Next,
}

/// A completion: where the word begins, and what may stand there.
type Completed = (usize, Vec<Candidate>);

/// Writes above what is typed.
type Print = Box<dyn FnMut(&str) -> io::Result<()> + Send>;

/// The prompt, from outside.
pub(super) struct Prompt {
    turns: Sender<Turn>,
    completions: Sender<Completed>,
    thread: JoinHandle<()>,
}

/// How long the switch may take to complete a line.
const COMPLETION: Duration = Duration::from_secs(2);

impl Prompt {
    /// Starts it; gives what writes above it, too. It reads its first line when it is told to.
    pub async fn start(says: String, keyboard: Keyboard) -> io::Result<(Prompt, Print)> {
        let (turns, next) = channel();
        let (completions, completed) = channel();
        let (ready, started) = oneshot::channel();
        let thread = std::thread::spawn(move || {
            let helper = Help { typed: keyboard.typed.clone(), completed: Mutex::new(completed) };
            match editor(helper, keyboard.history.as_ref()) {
                Ok((mut editor, print, empty)) => {
                    // Whoever started it waits.
                    let _ = ready.send(Ok(print));
                    serve(&mut editor, &says, &next, &keyboard, &empty);
                }
                Err(error) => drop(ready.send(Err(io::Error::other(error)))),
            }
        });
        // It says nothing only after a panic, which was told.
        let print = started.await.unwrap_or_else(|_| Err(io::Error::other("its thread is gone")))?;
        Ok((Prompt { turns, completions, thread }, print))
    }

    pub fn turn(&self, turn: Turn) {
        // Its thread is gone only after its end, which it told by closing `typed`.
        let _ = self.turns.send(turn);
    }

    pub fn completed(&self, start: usize, candidates: Vec<Candidate>) {
        // As above.
        let _ = self.completions.send((start, candidates));
    }

    /// Ends it; it must not be reading.
    pub fn finish(self) {
        drop((self.turns, self.completions));
        // It fails only after a panic, which was told.
        let _ = self.thread.join();
    }
}

type Reader = Editor<Help, DefaultHistory>;

/// The editor, what writes above it, and whether the line was empty when Ctrl-C was pressed.
fn editor(helper: Help, history: Option<&PathBuf>) -> rustyline::Result<(Reader, Print, Arc<AtomicBool>)> {
    let config = Config::builder()
        .max_history_size(history::LENGTH)?
        .history_ignore_dups(true)?
        .completion_type(CompletionType::List)
        .build();
    let mut editor = Reader::with_config(config)?;
    editor.set_helper(Some(helper));
    if let Some(file) = history {
        // The first time there is none; one that cannot be read is no reason not to work.
        let _ = editor.load_history(file);
    }
    let empty = Arc::new(AtomicBool::new(false));
    let handler = EventHandler::Conditional(Box::new(NoteEmpty(Arc::clone(&empty))));
    editor.bind_sequence(KeyEvent::ctrl('C'), handler);
    let print: Print = match editor.create_external_printer() {
        Ok(mut printer) => {
            Box::new(move |text| printer.print(text.to_owned()).map_err(|error| io::Error::other(error.to_string())))
        }
        // A terminal that cannot move its cursor.
        Err(_) => Box::new(to_output),
    };
    Ok((editor, print, empty))
}

/// Reads a line each time it is told to, until nobody tells any more, or Ctrl-D.
fn serve(editor: &mut Reader, says: &str, turns: &Receiver<Turn>, keyboard: &Keyboard, empty: &AtomicBool) {
    while let Ok(turn) = turns.recv() {
        match turn {
            // Where the terminal cannot be written to, reading from it fails as well.
            Turn::Print(text) => drop(to_output(&text)),
            Turn::Next => {
                let read = match read(editor, says, keyboard, empty) {
                    Ok(line) => Typed::Line(line),
                    Err(ReadlineError::Eof) => return,
                    Err(error) => Typed::Unreadable(format!("the terminal cannot be read: {error}")),
                };
                if keyboard.typed.blocking_send(read).is_err() {
                    return;
                }
            }
        }
    }
}

fn read(editor: &mut Reader, says: &str, keyboard: &Keyboard, empty: &AtomicBool) -> rustyline::Result<String> {
    loop {
        match editor.readline(says) {
            Ok(line) => {
                remember(editor, &line, keyboard);
                return Ok(line);
            }
            Err(ReadlineError::Interrupted) => {
                if empty.load(Ordering::Relaxed) {
                    to_output("Ctrl-D or /quit leaves\n")?;
                }
            }
            Err(error) => return Err(error),
        }
    }
}

fn remember(editor: &mut Reader, line: &str, keyboard: &Keyboard) {
    // What cannot be remembered is no reason not to work.
    if history::is_kept(line, &keyboard.password)
        && editor.add_history_entry(line).unwrap_or_default()
        && let Some(file) = &keyboard.history
    {
        let folder = file.parent().map_or(Ok(()), std::fs::create_dir_all);
        let _ = folder.map_err(ReadlineError::from).and_then(|()| editor.append_history(file));
    }
}

/// Notes, at Ctrl-C, whether there is anything on the line.
struct NoteEmpty(Arc<AtomicBool>);

impl ConditionalEventHandler for NoteEmpty {
    fn handle(&self, _: &Event, _: RepeatCount, _: bool, context: &EventContext<'_>) -> Option<Cmd> {
        self.0.store(context.line().is_empty(), Ordering::Relaxed);
        Some(Cmd::Interrupt)
    }
}

/// Has lines completed by the shell.
struct Help {
    typed: mpsc::Sender<Typed>,
    completed: Mutex<Receiver<Completed>>,
}

impl Completer for Help {
    type Candidate = Pair;

    fn complete(&self, line: &str, at: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<Pair>)> {
        let nothing = Ok((at, Vec::new()));
        let Ok(completed) = self.completed.lock() else { return nothing };
        // What came too late for the question before.
        completed.try_iter().for_each(drop);
        if self.typed.blocking_send(Typed::Complete(line[..at].to_owned())).is_err() {
            return nothing;
        }
        let Ok((start, candidates)) = completed.recv_timeout(COMPLETION) else { return nothing };
        let pair = |candidate: Candidate| Pair { display: candidate.display, replacement: candidate.word };
        Ok((start, candidates.into_iter().map(pair).collect()))
    }
}

impl Helper for Help {}
impl Highlighter for Help {}
impl Validator for Help {}
impl Hinter for Help {
    type Hint = String;
}
