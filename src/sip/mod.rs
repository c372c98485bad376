//! SIP (RFC 3261) as the embedded switch speaks it: commands in, events out, and plain text in between.
//!
//! `user_agent` decides, without sockets or clocks; `agent` is its shell over UDP and TCP. That stands on a SIP crate's
//! transactions, none of whose types leaves this folder: the switch core sees only what is defined here, so a test may
//! carry the same commands and events through memory. `sdp` is offer and answer.

pub mod agent;
mod dialog;
pub mod digest;
mod framing;
mod intake;
pub mod name_addr;
pub mod sdp;
mod session_timer;
mod socket;
mod streams;
#[cfg(test)]
mod tests;
pub mod uri;
mod user_agent;
mod via;
mod wire;

pub use agent::{Agent, AgentConfig, SipTimers};
pub use digest::Credentials;
pub use name_addr::NameAddr;
pub use uri::SipUri;
pub use user_agent::reason_phrase;

use std::net::SocketAddr;

/// A dialog, named by the side that made it, so that neither has to ask the other for a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DialogId {
    /// We sent the INVITE; the switch core chose the number.
    Placed(u64),
    /// We received the INVITE; the user agent chose the number.
    Received(u64),
}

/// What the switch tells its user agent to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SipCommand {
    /// Sends an INVITE.
    Invite(Box<OutgoingInvite>),
    /// Answers a received INVITE or re-INVITE: 1xx any number of times, then one final response; what comes after that
    /// is ignored. Without `reason` the code's usual phrase is sent.
    Respond { dialog: DialogId, code: u16, reason: Option<String>, headers: Vec<(String, String)>, sdp: Option<String> },
    /// Ends a dialog from our side: CANCEL while our INVITE has no final response, BYE once it is confirmed, 480 to a
    /// received INVITE that was not answered. `headers` go onto that message (a `Reason`, RFC 3326).
    ///
    /// A CANCEL waits for a provisional response, a BYE for the ACK, as RFC 3261 wants. A dialog that is over already,
    /// or was never there, is let be.
    Hangup { dialog: DialogId, headers: Vec<(String, String)> },
    /// Offers a new session description inside the dialog. While another offer is open it comes back as 491, and goes
    /// out again when the two have parted (RFC 3261 14.1).
    Reinvite { dialog: DialogId, sdp: String },
    /// Sends another request inside the dialog: REFER (RFC 3515), NOTIFY (RFC 6665). Nothing is sent while the call is
    /// not answered.
    Request { dialog: DialogId, method: &'static str, headers: Vec<(String, String)>, body: String },
    /// Sends INFO inside the dialog (RFC 6086); nothing is sent while the call is not answered.
    Info { dialog: DialogId, content_type: String, body: String },
    /// Sends a REGISTER (RFC 3261 10.2).
    Register(Box<Registration>),
}

/// An INVITE to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutgoingInvite {
    pub dialog: DialogId,
    /// Request-URI and To: `sip:doggy@127.0.0.1:5080`.
    pub uri: String,
    /// Where the request is sent when not to the host of `uri`: `sip:127.0.0.1:5061` (an `fs_path`).
    pub proxy: Option<String>,
    pub from_user: String,
    pub from_display: String,
    /// Host part of From, without port.
    pub from_host: String,
    /// Header fields beyond those that a user agent makes itself: `X-call`, `Remote-Party-ID`.
    pub headers: Vec<(String, String)>,
    pub sdp: String,
    /// What a proxy or server that asks (401, 407) is answered with, to the INVITE and to all that follows it.
    pub credentials: Option<Credentials>,
    /// User part of the Contact, where it is not the usual one.
    pub contact_user: Option<String>,
    /// Parameters of that Contact's URI, with what leads them: `;gw=pbx`.
    pub contact_parameters: String,
    /// How many hops it may take; 70 unless said.
    pub max_forwards: Option<u8>,
    /// Seconds after which the call is to be refreshed or over (`Session-Expires`, RFC 4028).
    pub session_expires: Option<u32>,
}

/// A registration, named by the switch core. All REGISTERs with one number have the same Call-ID.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RegistrationId(pub u64);

/// What to register where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registration {
    pub id: RegistrationId,
    /// Request-URI: `sip:example.com`.
    pub registrar: String,
    /// Where the request is sent when not to the host of `registrar`.
    pub proxy: Option<String>,
    /// Address of record, in From and To: `sip:alice@example.com`.
    pub address: String,
    /// User part of the Contact.
    pub contact_user: String,
    /// Parameters of the Contact's URI, with what leads them: `;gw=alice`.
    pub contact_parameters: String,
    /// How long it is to hold, in seconds; 0 ends it.
    pub expires: u32,
    pub credentials: Option<Credentials>,
}

/// What the user agent tells the switch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SipEvent {
    /// A new call came in. 100 Trying was sent already.
    Invited { dialog: DialogId, invite: Box<Message> },
    /// A response to our INVITE above 100. Final ones were acknowledged already, and come once. A 2xx that crossed our
    /// CANCEL comes too, and its BYE is on the way.
    Response { dialog: DialogId, response: Box<Message> },
    /// Our 2xx was acknowledged. Not told where the ACK was lost and a BYE came in its place.
    Acked { dialog: DialogId, ack: Box<Message> },
    /// The caller gave up before our final response; 200 and 487 were sent already.
    Cancelled { dialog: DialogId, cancel: Box<Message> },
    /// The other side hung up; 200 was sent already. Not told to a side that hung up itself.
    Bye { dialog: DialogId, bye: Box<Message> },
    /// A request inside the dialog: INFO, REFER, NOTIFY, or a re-INVITE or UPDATE with an offer. The first three were
    /// answered already; an offer is answered by [`SipCommand::Respond`]. A re-INVITE without one wants ours.
    Request { dialog: DialogId, request: Box<Message> },
    /// A response to a request of ours inside the dialog (BYE, re-INVITE, INFO), or the 200 to our CANCEL. Silence is
    /// told as 408 (RFC 3261 8.1.3.1).
    InDialogResponse { dialog: DialogId, method: String, response: Box<Message> },
    /// The final response to a REGISTER, once credentials were of no more use. Silence is told as 408.
    Registered { id: RegistrationId, response: Box<Message> },
    /// A REGISTER could not be sent.
    RegisterFailed { id: RegistrationId, failure: SipFailure },
    /// Our INVITE came to no (final) response: nobody answered in time, nothing followed our CANCEL, or it could not be
    /// sent. For a received INVITE: our 2xx was never acknowledged, and a BYE is on the way.
    Failed { dialog: DialogId, failure: SipFailure },
}

/// Why an INVITE of ours got no response.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SipFailure {
    /// RFC 3261 timer B (or H) ran out.
    #[error("no response from {0}")]
    NoResponse(String),
    #[error("cannot send to {0}: {1}")]
    Transport(String, String),
    #[error("{0:?} is not a SIP URI")]
    BadUri(String),
    /// Nobody refreshed the session in time (RFC 4028 10): a BYE is on the way.
    #[error("the session was not refreshed")]
    NotRefreshed,
}

/// A SIP message as text: what its start line said, its header fields in order, its body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    pub start: StartLine,
    pub headers: Vec<(String, String)>,
    pub body: String,
    /// The other side's socket: whence a request came, or where the request of a response was sent.
    pub peer: SocketAddr,
}

/// First line of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StartLine {
    Request { method: String, uri: String },
    Response { code: u16, reason: String },
}

impl Default for StartLine {
    fn default() -> Self {
        StartLine::Request { method: String::new(), uri: String::new() }
    }
}

impl Message {
    /// The first field called `name`, in any case, also by its compact form (RFC 3261 7.3.3).
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| is_called(n, name)).map(|(_, value)| value.as_str())
    }

    /// The response code; `None` for a request.
    pub fn code(&self) -> Option<u16> {
        match self.start {
            StartLine::Response { code, .. } => Some(code),
            StartLine::Request { .. } => None,
        }
    }
}

/// Whether a field with the name `found` is one called `name`: in any case, or in its compact form.
fn is_called(found: &str, name: &str) -> bool {
    let long = match found.as_bytes() {
        [b'v' | b'V'] => "Via",
        [b'f' | b'F'] => "From",
        [b't' | b'T'] => "To",
        [b'i' | b'I'] => "Call-ID",
        [b'm' | b'M'] => "Contact",
        [b'l' | b'L'] => "Content-Length",
        [b'c' | b'C'] => "Content-Type",
        [b'k' | b'K'] => "Supported",
        [b'x' | b'X'] => "Session-Expires",
        _ => found,
    };
    long.eq_ignore_ascii_case(name)
}
