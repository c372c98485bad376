#![expect(clippy::disallowed_methods, reason = "IO shell")]
//! The report for whoever watches a load at a terminal, and changes it by keys.
//!
//! `view` is what is known and what a key does, `draw` how it looks. Here are the terminal and the thread that has it.

mod draw;
mod view;

use std::io;
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use ratatui::DefaultTerminal;
use ratatui::crossterm::event::{self, Event, KeyEventKind};

use self::view::{View, Wish};
use super::{Report, ReportError};
use crate::run::{Order, RunEvent};

/// A dashboard on the terminal, from the first event to the end.
///
/// The terminal is as it was after that, and after a panic.
pub struct Dashboard {
    state: State,
}

enum State {
    Waits(Box<dyn FnMut(Order) + Send>),
    Shown { events: Sender<RunEvent>, thread: JoinHandle<io::Result<()>> },
    Over,
}

/// How long a key may wait for what is told meanwhile, and the other way round.
const TURN: Duration = Duration::from_millis(50);

/// The exit code of a run that was told twice to stop.
const INTERRUPTED: i32 = 2;

impl Dashboard {
    /// What its keys want goes to `order`.
    pub fn new(order: impl FnMut(Order) + Send + 'static) -> Dashboard {
        Dashboard { state: State::Waits(Box::new(order)) }
    }

    /// Makes the terminal as it was.
    pub fn restore() {
        // There is nobody to be told where the terminal is gone.
        let _ = ratatui::try_restore();
    }
}

impl Report for Dashboard {
    fn handle(&mut self, event: &RunEvent) -> Result<(), ReportError> {
        if let State::Waits(_) = &self.state
            && let State::Waits(order) = std::mem::replace(&mut self.state, State::Over)
        {
            let terminal = ratatui::try_init().map_err(ReportError::Output)?;
            let (events, told) = channel();
            let thread = std::thread::spawn(move || {
                let result = show(terminal, &told, order);
                Dashboard::restore();
                result
            });
            self.state = State::Shown { events, thread };
        }
        if let (State::Shown { events, .. }, false) = (&self.state, matches!(event, RunEvent::CallEnded { .. })) {
            // Why the thread is over is told at the end.
            let _ = events.send(event.clone());
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<(), ReportError> {
        let State::Shown { events, thread } = std::mem::replace(&mut self.state, State::Over) else { return Ok(()) };
        drop(events);
        let result = thread.join().unwrap_or_else(|_| Err(io::Error::other("the dashboard panicked")));
        result.map_err(ReportError::Output)
    }
}

/// Draws what is told and takes keys, until nothing more is told.
fn show(mut terminal: DefaultTerminal, told: &Receiver<RunEvent>, mut order: impl FnMut(Order)) -> io::Result<()> {
    let mut view = View::default();
    let mut changed = true;
    loop {
        loop {
            match told.try_recv() {
                Ok(event) => {
                    view.handle_event(&event);
                    changed = true;
                }
                Err(TryRecvError::Empty) => break,
                Err(TryRecvError::Disconnected) => return Ok(()),
            }
        }
        if std::mem::take(&mut changed) {
            terminal.draw(|frame| draw::draw(&view, frame))?;
        }
        while event::poll(TURN)? {
            changed = true;
            let Event::Key(key) = event::read()? else { break };
            if key.kind == KeyEventKind::Release {
                continue;
            }
            match view.handle_key(key) {
                Some(Wish::Order(wanted)) => order(wanted),
                Some(Wish::Leave) => {
                    Dashboard::restore();
                    std::process::exit(INTERRUPTED);
                }
                None => {}
            }
            break;
        }
    }
}

impl std::fmt::Debug for Dashboard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Dashboard")
    }
}
