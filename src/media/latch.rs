//! Which address a leg sends to and hears, when the peer's SDP named one it does not send from: FreeSWITCH's
//! auto-adjust (`SWITCH_RTP_FLAG_AUTOADJ` in its `switch_rtp.c`), with its numbers.

use std::net::SocketAddr;

/// So many packets from elsewhere move the leg there.
const THRESHOLD: u8 = 10;

/// After so many packets the address no longer changes.
const WINDOW: u8 = 20;

#[derive(Debug)]
pub(super) struct Latch {
    /// What the SDP named.
    named: SocketAddr,
    remote: SocketAddr,
    window: Option<Window>,
}

#[derive(Debug, Default)]
struct Window {
    packets: u8,
    from_elsewhere: u8,
}

impl Latch {
    pub(super) fn new(named: SocketAddr) -> Latch {
        Latch { named, remote: named, window: Some(Window::default()) }
    }

    /// The peer named an address again. The same one changes nothing.
    pub(super) fn rename(&mut self, named: SocketAddr) {
        if named != self.named {
            *self = Latch::new(named);
        }
    }

    /// Where to send to.
    pub(super) fn remote(&self) -> SocketAddr {
        self.remote
    }

    /// Whether a packet from `from` is for us. While the window is open, from anywhere.
    pub(super) fn accept(&mut self, from: SocketAddr) -> bool {
        let Some(window) = &mut self.window else { return from == self.remote };
        window.packets += 1;
        if from == self.remote {
            self.window = None;
            return true;
        }
        window.from_elsewhere += 1;
        if window.from_elsewhere >= THRESHOLD {
            self.remote = from;
            self.window = None;
        } else if window.packets >= WINDOW {
            self.window = None;
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(port: u16) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], port))
    }

    #[test]
    fn a_peer_that_sends_from_where_it_said_shuts_all_others_out() {
        let mut latch = Latch::new(address(1_000));
        assert!(latch.accept(address(1_000)));
        assert!(!latch.accept(address(2_000)));
        assert_eq!(latch.remote(), address(1_000));
    }

    #[test]
    fn ten_packets_from_elsewhere_move_the_leg_there() {
        let mut latch = Latch::new(address(1_000));
        for _ in 0..9 {
            assert!(latch.accept(address(2_000)));
            assert_eq!(latch.remote(), address(1_000));
        }
        assert!(latch.accept(address(2_000)));
        assert_eq!(latch.remote(), address(2_000));
        assert!(!latch.accept(address(1_000)));
        latch.rename(address(1_000));
        assert_eq!(latch.remote(), address(2_000));
        latch.rename(address(3_000));
        assert_eq!(latch.remote(), address(3_000));
    }
}
