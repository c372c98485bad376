//! FreeSWITCH's event socket (mod_event_socket), both halves, without IO.

mod event;

pub use event::{Event, header};
