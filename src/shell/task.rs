#![expect(clippy::disallowed_methods, reason = "IO shell")]
//! The shell over sockets and a terminal, or over sockets and pipes.

mod printer;
mod prompt;
mod screen;

use std::future::{Future, pending};
use std::io::{self, BufRead, IsTerminal};
use std::path::PathBuf;
use std::pin::{Pin, pin};
use std::sync::Arc;

use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::sleep;

use self::prompt::{Keyboard, Typed};
use self::screen::Screen;
use super::{Ending, Shell, ShellConfig, ShellOutput};
use crate::clock::Clock;
use crate::host::Line;
use crate::host::task::Socket;
use crate::id::Ids;
use crate::units::Time;

/// Where lines come from.
#[derive(Clone, Debug)]
pub enum Source {
    /// A person at the terminal, whose lines are kept in this file.
    Terminal { history: Option<PathBuf> },
    /// The standard input.
    Input,
    /// These.
    Lines(Vec<String>),
}

/// Whether there is a person at a terminal: both what is read and what is written is one.
pub fn is_at_terminal() -> bool {
    io::stdin().is_terminal() && io::stdout().is_terminal()
}

/// Lines that may wait to be taken.
const TYPED: usize = 16;

/// Runs a shell on the switch at `address` (`host:port`) to its end.
pub async fn run(config: ShellConfig, address: String, source: Source, clock: Clock) -> Ending {
    let (sender, mut typed) = mpsc::channel(TYPED);
    let mut screen = match source {
        Source::Terminal { history } => {
            Screen::terminal(Keyboard { typed: sender, history, password: config.password.clone() })
        }
        Source::Input => {
            std::thread::spawn(move || read(&sender));
            Screen::pipe()
        }
        Source::Lines(lines) => {
            std::thread::spawn(move || lines.into_iter().all(|line| sender.blocking_send(Typed::Line(line)).is_ok()));
            Screen::pipe()
        }
    };
    let mut shell = Shell::new(config, Ids::random(), clock.now());
    let mut link = Link::Closed;
    let mut interrupt = pin!(tokio::signal::ctrl_c());
    loop {
        while let Some(output) = shell.poll_output() {
            match output {
                ShellOutput::Connect => link = Link::Opening(Box::pin(open(address.clone()))),
                ShellOutput::Close => link = Link::Closed,
                ShellOutput::Print { to, text } => screen.print(to, text),
                ShellOutput::Prompt => {
                    if let Err(error) = screen.prompt(&shell.prompt()).await {
                        return Ending::Lost(format!("the terminal cannot be used: {error}"));
                    }
                }
                ShellOutput::Completed { start, candidates } => screen.completed(start, candidates),
                ShellOutput::End(ending) => return ended(ending, screen.finish()),
            }
        }
        if let Some(error) = screen.failure() {
            return ended(shell.ending(), Some(error));
        }
        if let Link::Open(events, commands) = &mut link {
            events.out.extend(shell.poll_transmit(Line::Events));
            commands.out.extend(shell.poll_transmit(Line::Commands));
        }
        let due = shell.poll_timeout();
        tokio::select! {
            turned = link.turn() => turned.tell(&mut shell, &mut link, clock.now()),
            line = typed.recv(), if shell.takes_lines() => match line {
                Some(Typed::Line(line)) => {
                    screen.await_answer();
                    shell.handle_line(clock.now(), &line);
                }
                Some(Typed::Complete(line)) => shell.complete(clock.now(), &line),
                Some(Typed::Unreadable(error)) => shell.handle_bad_input(clock.now(), &error),
                None => shell.handle_end_of_input(clock.now()),
            },
            () = until(due, clock) => shell.handle_timeout(clock.now()),
            // It fails only where no signal can be caught.
            _ = &mut interrupt => {
                interrupt.set(tokio::signal::ctrl_c());
                shell.handle_interrupt(clock.now());
            }
        }
    }
}

/// How it ended, where not all could be written.
fn ended(ending: Ending, failure: Option<Arc<io::Error>>) -> Ending {
    match failure {
        // A reader that goes away (`| head`) has seen what it wanted.
        Some(error) if error.kind() != io::ErrorKind::BrokenPipe => Ending::Lost(format!("cannot print: {error}")),
        _ => ending,
    }
}

async fn until(due: Option<Time>, clock: Clock) {
    match due {
        Some(due) => sleep(clock.until(due)).await,
        None => pending().await,
    }
}

/// Reads the standard input line by line.
fn read(typed: &mpsc::Sender<Typed>) {
    for (at, line) in io::stdin().lock().split(b'\n').enumerate() {
        let line = match line.map(String::from_utf8) {
            Ok(Ok(line)) => Typed::Line(line),
            Ok(Err(_)) => Typed::Unreadable(format!("line {} of the input is not UTF-8", at + 1)),
            Err(error) => Typed::Unreadable(format!("the input cannot be read: {error}")),
        };
        let is_last = matches!(line, Typed::Unreadable(_));
        if typed.blocking_send(line).is_err() || is_last {
            return;
        }
    }
}

/// Both connections.
enum Link {
    Closed,
    Opening(Pin<Box<dyn Future<Output = io::Result<[TcpStream; 2]>> + Send>>),
    Open(Socket, Socket),
}

/// What came of a link.
enum Turned {
    Opened(io::Result<[TcpStream; 2]>),
    /// How much was read.
    Read(Line, io::Result<usize>),
}

impl Link {
    async fn turn(&mut self) -> Turned {
        match self {
            Link::Closed => pending().await,
            Link::Opening(opening) => Turned::Opened(opening.await),
            Link::Open(events, commands) => tokio::select! {
                turned = events.turn() => Turned::Read(Line::Events, turned),
                turned = commands.turn() => Turned::Read(Line::Commands, turned),
            },
        }
    }
}

impl Turned {
    fn tell(self, shell: &mut Shell, link: &mut Link, now: Time) {
        match (self, link) {
            (Turned::Opened(Ok([events, commands])), link) => {
                *link = Link::Open(Socket::new(events), Socket::new(commands));
                shell.handle_connected(now);
            }
            (Turned::Opened(Err(error)), link) => {
                *link = Link::Closed;
                shell.handle_unreachable(now, &error.to_string());
            }
            (Turned::Read(line, Ok(length)), Link::Open(events, commands)) => {
                let socket = if line == Line::Events { events } else { commands };
                shell.handle_bytes(now, line, &socket.buffer[..length]);
            }
            (Turned::Read(line, Err(error)), _) if error.kind() == io::ErrorKind::UnexpectedEof => {
                shell.handle_eof(now, line);
            }
            (Turned::Read(line, Err(error)), _) => shell.handle_io_error(now, line, &error),
            // Only an open link reads.
            (Turned::Read(_, Ok(_)), _) => {}
        }
    }
}

async fn open(address: String) -> io::Result<[TcpStream; 2]> {
    let both = [TcpStream::connect(&address).await?, TcpStream::connect(&address).await?];
    for stream in &both {
        stream.set_nodelay(true)?;
    }
    Ok(both)
}
