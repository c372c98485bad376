//! One dialog's memory (RFC 3261 12): who is who in it, how far it got, and the requests made from that.

use super::digest::Authentication;
use super::name_addr::{NameAddr, split_list};
use super::uri::{SipUri, Transport};
use super::user_agent::{Session, Tx};
use super::{DialogId, Message, StartLine, is_called};

/// A message to send. `Content-Length` is written by the transaction layer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Draft {
    pub start: StartLine,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

/// How far a dialog got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Our INVITE is out and nothing came back.
    Calling,
    /// A provisional response came back.
    Proceeding,
    /// Our CANCEL is out.
    Cancelling,
    /// Their INVITE waits for our final response.
    Ringing,
    /// Our 2xx waits for its ACK.
    Accepted,
    Confirmed,
    /// Our BYE is out, or our refusal waits for its ACK.
    Ending,
}

/// What one side knows of a dialog.
#[derive(Debug)]
pub(super) struct Dialog {
    pub id: DialogId,
    pub call_id: String,
    pub local_tag: String,
    /// From of our requests, with our tag.
    pub local: String,
    /// To of our requests; with their tag once they gave one.
    pub remote: String,
    pub remote_tag: Option<String>,
    /// Where requests go in the end: their Contact.
    pub remote_target: String,
    /// Which proxies they go through, nearest first (RFC 3261 12.1).
    pub route_set: Vec<String>,
    /// What the INVITE went or came over, which our Contact names.
    pub transport: Transport,
    pub local_seq: u32,
    pub remote_seq: Option<u32>,
    pub stage: Stage,
    /// The transaction of the INVITE that made the dialog.
    pub invite_tx: Tx,
    pub invite: Initial,
    /// What those who asked for credentials are answered.
    pub auth: Authentication,
    /// How often our INVITE was refused for want of the right credentials.
    pub refusals: u32,
    /// Our Contact, of a call that we placed.
    pub contact: Option<String>,
    pub session: Session,
    /// Our last description.
    pub local_sdp: Option<String>,
    /// Our offer that met theirs, and the alarm on which it goes out again.
    pub glare: Option<(Tx, String)>,
    /// Our user's wish to hang up, kept until the protocol allows it.
    pub hangup: Option<Vec<(String, String)>>,
    /// Their BYE that came before the ACK.
    pub early_bye: Option<(Tx, Box<Message>)>,
    /// Their re-INVITE that waits for our final response.
    pub reinvite_in: Option<(Tx, Box<Message>)>,
    /// Our re-INVITE that waits for theirs.
    pub reinvite_out: Option<Tx>,
}

/// The INVITE that made a dialog: a CANCEL or a response is made from it.
#[derive(Debug)]
pub(super) enum Initial {
    Sent(Box<Draft>),
    Got(Box<Message>),
}

impl Dialog {
    /// Learns tag, target and route set from a 2xx to our INVITE (RFC 3261 12.1.2).
    pub fn learn_from_response(&mut self, response: &Message) {
        if let Some(to) = response.header("To") {
            self.remote_tag = NameAddr::parse(to).and_then(|to| to.tag().map(str::to_owned));
            to.clone_into(&mut self.remote);
        }
        self.refresh_target(response);
        self.route_set = list(&response.headers, "Record-Route");
        self.route_set.reverse();
    }

    /// A Contact in an INVITE or its 2xx moves the remote target (RFC 3261 12.2).
    pub fn refresh_target(&mut self, message: &Message) {
        let contact = message.header("Contact").and_then(|contact| NameAddr::parse(split_list(contact).first()?));
        if let Some(contact) = contact.filter(|contact| contact.sip_uri().is_some()) {
            self.remote_target = contact.uri;
        }
    }

    /// The headers that route a request inside the dialog. A route set is taken as loose (RFC 3261 12.2.1.1).
    pub fn request(&mut self, method: &str, via: String, contact: Option<&str>) -> Draft {
        self.local_seq += 1;
        let mut headers = vec![("Via".to_owned(), via)];
        headers.extend(self.route_set.iter().map(|route| ("Route".to_owned(), route.clone())));
        headers.push(("Max-Forwards".to_owned(), "70".to_owned()));
        headers.push(("From".to_owned(), self.local.clone()));
        headers.push(("To".to_owned(), self.remote.clone()));
        headers.push(("Call-ID".to_owned(), self.call_id.clone()));
        headers.push(("CSeq".to_owned(), format!("{} {method}", self.local_seq)));
        headers.extend(contact.map(|contact| ("Contact".to_owned(), contact.to_owned())));
        let start = StartLine::Request { method: method.to_owned(), uri: self.remote_target.clone() };
        Draft { start, headers, body: String::new() }
    }

    /// Whether `message` comes from the other side of this dialog.
    pub fn is_from_remote(&self, message: &Message) -> bool {
        let tag = message.header("From").and_then(NameAddr::parse).and_then(|from| from.tag().map(str::to_owned));
        tag == self.remote_tag
    }
}

impl Draft {
    /// The same request once more, as a new transaction: with another Via, number and credentials (RFC 3261 22.2).
    pub fn again(&self, via: String, number: u32, answers: Vec<(String, String)>) -> Draft {
        let mut again = self.clone();
        again.headers.retain(|(name, _)| !matches!(name.as_str(), "Authorization" | "Proxy-Authorization"));
        for (name, value) in &mut again.headers {
            match name.as_str() {
                "Via" => value.clone_from(&via),
                "CSeq" => *value = format!("{number} {}", self.method()),
                _ => {}
            }
        }
        again.headers.extend(answers);
        again
    }

    /// Of a request; nothing of a response.
    pub fn method(&self) -> &str {
        match &self.start {
            StartLine::Request { method, .. } => method,
            StartLine::Response { .. } => "",
        }
    }

    /// The Request-URI; nothing of a response.
    pub fn uri(&self) -> &str {
        match &self.start {
            StartLine::Request { uri, .. } => uri,
            StartLine::Response { .. } => "",
        }
    }

    /// The CANCEL of this INVITE (RFC 3261 9.1): same Via, Route, From, To and number, nothing else of it.
    pub fn cancel(&self, extra: &[(String, String)]) -> Draft {
        let kept = ["Via", "Route", "Max-Forwards", "From", "To", "Call-ID", "CSeq", "User-Agent"];
        let mut headers: Vec<_> =
            self.headers.iter().filter(|(name, _)| kept.contains(&name.as_str())).cloned().collect();
        for (name, value) in &mut headers {
            if name == "CSeq" {
                *value = value.replace("INVITE", "CANCEL");
            }
        }
        headers.extend_from_slice(extra);
        let mut start = self.start.clone();
        if let StartLine::Request { method, .. } = &mut start {
            "CANCEL".clone_into(method);
        }
        Draft { start, headers, body: String::new() }
    }

    /// Names in the topmost Via what the request is carried over.
    pub fn carried_over(&mut self, transport: Transport) {
        let via = self.headers.iter_mut().find(|(name, _)| name == "Via");
        if let Some((_, via)) = via.filter(|_| transport == Transport::Tcp) {
            *via = via.replacen("SIP/2.0/UDP", "SIP/2.0/TCP", 1);
        }
    }

    /// The URI whose host the message is sent to: the first Route's, or the Request-URI (RFC 3261 8.1.2).
    pub fn next_hop(&self) -> Option<SipUri> {
        let route = self.headers.iter().find(|(name, _)| name == "Route").map(|(_, value)| value);
        match (route, &self.start) {
            (Some(route), _) => NameAddr::parse(split_list(route).first()?)?.sip_uri(),
            (None, StartLine::Request { uri, .. }) => SipUri::parse(uri),
            (None, StartLine::Response { .. }) => None,
        }
    }
}

/// All values called `name`, in order, with comma lists taken apart.
pub(super) fn list(headers: &[(String, String)], name: &str) -> Vec<String> {
    let values = headers.iter().filter(|(n, _)| is_called(n, name));
    values.flat_map(|(_, value)| split_list(value)).map(str::to_owned).collect()
}
