//! A thread that writes, so that whoever reads the sockets never waits for a terminal or a pipe.

use std::io::{self, Write};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;

/// Writes texts in order.
pub(super) struct Printer {
    texts: Sender<String>,
    state: Arc<State>,
    /// Texts that were left out since the last that was not.
    left_out: usize,
    thread: JoinHandle<()>,
}

#[derive(Default)]
struct State {
    /// Texts that wait.
    waiting: AtomicUsize,
    failure: OnceLock<Arc<io::Error>>,
}

/// Texts that may wait before events and log lines are left out.
const WAITING: usize = 20_000;
/// Bytes that are written together.
const BATCH: usize = 64 * 1024;

impl Printer {
    /// Has `print` write what comes, on a thread of its own.
    pub fn start(print: impl FnMut(&str) -> io::Result<()> + Send + 'static) -> Printer {
        let (texts, received) = channel();
        let state = Arc::new(State::default());
        let shared = Arc::clone(&state);
        let thread = std::thread::spawn(move || write(&received, &shared, print));
        Printer { texts, state, left_out: 0, thread }
    }

    pub fn print(&mut self, text: String) {
        self.state.waiting.fetch_add(1, Ordering::Relaxed);
        // Its thread is gone only after a failure, which is told otherwise.
        let _ = self.texts.send(text);
    }

    /// Leaves the text out, and tells that it did, where too many wait.
    pub fn print_if_it_keeps_up(&mut self, text: String) {
        if self.state.waiting.load(Ordering::Relaxed) >= WAITING {
            self.left_out += 1;
            return;
        }
        if self.left_out > 0 {
            let told =
                format!("({} events and log lines are left out here: they come too fast to be shown)\n", self.left_out);
            self.left_out = 0;
            self.print(told);
        }
        self.print(text);
    }

    /// Why nothing can be written any more.
    pub fn failure(&self) -> Option<Arc<io::Error>> {
        self.state.failure.get().cloned()
    }

    /// Writes what waits; tells where it cannot be.
    pub fn finish(self) -> Option<Arc<io::Error>> {
        drop(self.texts);
        // It fails only after a panic, which was told.
        let _ = self.thread.join();
        self.state.failure.get().cloned()
    }
}

/// Writes to the standard output.
pub(super) fn to_output(text: &str) -> io::Result<()> {
    let mut output = io::stdout().lock();
    output.write_all(text.as_bytes())?;
    output.flush()
}

fn write(texts: &Receiver<String>, state: &State, mut print: impl FnMut(&str) -> io::Result<()>) {
    while let Ok(mut batch) = texts.recv() {
        let mut count = 1;
        while batch.len() < BATCH
            && let Ok(text) = texts.try_recv()
        {
            batch.push_str(&text);
            count += 1;
        }
        if let Err(error) = print(&batch) {
            // It is set once: the thread ends.
            let _ = state.failure.set(Arc::new(error));
            return;
        }
        state.waiting.fetch_sub(count, Ordering::Relaxed);
    }
}
