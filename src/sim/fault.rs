//! What goes wrong in a run in virtual time.

use std::time::Duration;

use crate::host::Line;
use crate::switch::rig::{Share, Weather};

/// What goes wrong, and when: so long after the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Both connections of the first host break, and no others can be made.
    HostDies(Duration),
    /// From then on the first switch's events do not reach us.
    EventsStall(Duration),
    /// So many bytes of nonsense come in place of events of the first host.
    Garbage(Duration, usize),
    /// No recording can be read.
    UnreadableRecordings,
    /// The run is told to stop.
    Interrupt(Duration),
    /// Both connections of a host break, and no others can be made for so long.
    Cut { host: usize, at: Duration, away: Duration },
    /// One connection of a host breaks.
    Drop { host: usize, line: Line, at: Duration },
    /// So many bytes of nonsense come over one connection of a host, wherever the stream just is.
    Noise { host: usize, line: Line, at: Duration, bytes: usize },
    /// Nothing comes of what the switch of a host sends on one connection until so much later.
    Stall { host: usize, line: Line, at: Duration, lasts: Duration },
    /// The switch of a host ends and is there anew after so long; its calls are gone.
    Restart { host: usize, at: Duration, down: Duration },
    /// The weather of the network between switches changes.
    Turn { at: Duration, weather: Weather },
    /// All that goes over event sockets is split anywhere, and each part is late by up to so much.
    Drizzle(Duration),
    /// So many recordings cannot be read, and so many others are cut short.
    Recordings { unreadable: Share, torn: Share },
}

impl Fault {
    /// When it happens; `None` for one that holds all the time.
    pub fn at(self) -> Option<Duration> {
        match self {
            Fault::HostDies(at) | Fault::EventsStall(at) | Fault::Garbage(at, _) | Fault::Interrupt(at) => Some(at),
            Fault::Cut { at, .. }
            | Fault::Drop { at, .. }
            | Fault::Noise { at, .. }
            | Fault::Stall { at, .. }
            | Fault::Restart { at, .. }
            | Fault::Turn { at, .. } => Some(at),
            Fault::UnreadableRecordings | Fault::Drizzle(_) | Fault::Recordings { .. } => None,
        }
    }
}
