//! What comes off the wire, before transactions see it (RFC 3261 7, 8.1.3.3, 8.2, 18.2.1, 18.3): what is no SIP is let
//! be, what is wrong is refused here, and what is right goes on in one spelling, without folded lines.
//!
//! A request without a From tag (RFC 2543) is given one on the way in, for transactions know requests by it; [`unmark`]
//! takes it away on the way out, over UDP, which is what such peers speak. Left out: header fields that a switch does not read are not looked at.

use std::borrow::Cow;
use std::net::SocketAddr;

use super::is_called;
use super::name_addr::{NameAddr, split_list};
use super::user_agent::reason_phrase;
use super::via::Via;

/// How a message came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Carrier {
    /// In a datagram, which a body without a length fills to its end.
    Datagram,
    /// On a connection, already cut to its length.
    Stream,
}

/// What becomes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// For the transactions, rewritten.
    Message(Vec<u8>),
    /// Refused, with this response.
    Refused(String),
    /// Not worth an answer.
    Ignored,
}

/// Looks at messages that come in.
#[derive(Clone, Debug)]
pub(super) struct Intake {
    /// `Allow` of a refusal.
    pub allow: String,
    /// `User-Agent` of a refusal.
    pub user_agent: String,
}

/// Methods that are known to RFCs: another one is told 501.
const KNOWN: [&str; 14] = [
    "ACK",
    "BYE",
    "CANCEL",
    "INFO",
    "INVITE",
    "MESSAGE",
    "NOTIFY",
    "OPTIONS",
    "PRACK",
    "PUBLISH",
    "REFER",
    "REGISTER",
    "SUBSCRIBE",
    "UPDATE",
];
/// What every request must have (RFC 3261 8.1.1), but for Max-Forwards, which older ones lack.
const REQUIRED: [&str; 5] = ["Via", "From", "To", "Call-ID", "CSeq"];
/// What stands in a message once at most.
const SINGLE: [&str; 6] = ["From", "To", "Call-ID", "CSeq", "Max-Forwards", "Content-Length"];
/// The tag of who gave none.
const NO_TAG: &str = ";tag=rfc2543-without-a-tag";
/// RFC 3261 8.1.1.5: a CSeq number is below 2^31.
const MOST_CSEQ: u64 = (1 << 31) - 1;

/// Why a request is refused: code and reason.
type Fault = (u16, Cow<'static, str>);

impl Intake {
    /// Looks at one message from `peer`.
    pub fn take(&self, bytes: &[u8], peer: SocketAddr, carrier: Carrier) -> Taken {
        let start = bytes.iter().position(|b| !b.is_ascii_whitespace()).unwrap_or(bytes.len());
        let bytes = &bytes[start..];
        let (head, body) = match memchr::memmem::find(bytes, b"\r\n\r\n") {
            Some(end) => (&bytes[..end], Some(&bytes[end + 4..])),
            None => (bytes, None),
        };
        let text = String::from_utf8_lossy(head);
        let Some(head) = Head::parse(&text) else { return Taken::Ignored };
        if head.start.starts_with("SIP/") && head.start.split(' ').nth(1).is_some_and(is_number) {
            return match (head.check_response(), body) {
                (Some(()), Some(body)) => head.measure(body, carrier).map_or(Taken::Ignored, |body| head.rewrite(body)),
                _ => Taken::Ignored,
            };
        }
        let checked = match (&text, body) {
            (Cow::Owned(_), _) => Err((400, "Not UTF-8".into())),
            (Cow::Borrowed(_), None) => Err((400, "Incomplete Message".into())),
            (Cow::Borrowed(_), Some(body)) => {
                head.check_request().and_then(|()| head.measure(body, carrier).map_err(|fault| (400, fault)))
            }
        };
        match checked {
            Ok(body) => head.rewrite(body),
            Err(_) if head.method() == "ACK" => Taken::Ignored,
            Err(fault) => self.refuse(&head, fault, peer),
        }
    }

    /// Refuses a request that was right so far, for another reason.
    pub fn refuse_text(&self, bytes: &[u8], code: u16, peer: SocketAddr) -> Taken {
        let text = String::from_utf8_lossy(bytes);
        let head = text.split("\r\n\r\n").next().and_then(Head::parse);
        match head.filter(|head| head.method() != "ACK" && !head.start.starts_with("SIP/")) {
            Some(head) => self.refuse(&head, (code, reason_phrase(code).into()), peer),
            None => Taken::Ignored,
        }
    }

    /// RFC 3261 8.2.6. Without a Via there is nobody to answer.
    fn refuse(&self, head: &Head<'_>, (code, reason): Fault, peer: SocketAddr) -> Taken {
        let mut vias = head.all("Via").peekable();
        if vias.peek().is_none() {
            return Taken::Ignored;
        }
        let mut response = format!("SIP/2.0 {code} {reason}\r\n");
        for (at, via) in vias.enumerate() {
            let via = if at == 0 { Cow::Owned(stamp(via, peer)) } else { Cow::Borrowed(via) };
            response += &format!("Via: {via}\r\n");
        }
        for name in &REQUIRED[1..] {
            let Some(value) = head.one(name) else { continue };
            let untagged = *name == "To" && NameAddr::parse(value).is_some_and(|to| to.tag().is_none());
            let tag = if untagged { ";tag=refused" } else { "" };
            response += &format!("{name}: {value}{tag}\r\n");
        }
        response += &format!("User-Agent: {}\r\n", self.user_agent);
        if matches!(code, 405 | 501) {
            response += &format!("Allow: {}\r\n", self.allow);
        }
        Taken::Refused(response + "Content-Length: 0\r\n\r\n")
    }
}

/// Takes the tag that was given to who had none out of a message that is about to be sent.
pub(super) fn unmark(message: &[u8]) -> Cow<'_, [u8]> {
    let Some(first) = memchr::memmem::find(message, NO_TAG.as_bytes()) else { return Cow::Borrowed(message) };
    let mut rest = &message[first + NO_TAG.len()..];
    let mut clean = message[..first].to_vec();
    while let Some(at) = memchr::memmem::find(rest, NO_TAG.as_bytes()) {
        clean.extend_from_slice(&rest[..at]);
        rest = &rest[at + NO_TAG.len()..];
    }
    clean.extend_from_slice(rest);
    Cow::Owned(clean)
}

/// A start line and header fields, unfolded.
struct Head<'a> {
    start: &'a str,
    fields: Vec<(&'a str, Cow<'a, str>)>,
    /// Lines that are no header field.
    strays: usize,
}

impl<'a> Head<'a> {
    fn parse(text: &'a str) -> Option<Head<'a>> {
        let mut lines = text.split("\r\n");
        let start = lines.next().filter(|line| !line.is_empty())?;
        let mut head = Head { start, fields: Vec::new(), strays: 0 };
        for line in lines {
            if line.starts_with([' ', '\t']) {
                match head.fields.last_mut() {
                    Some((_, value)) => *value = format!("{value} {}", line.trim()).into(),
                    None => head.strays += 1,
                }
                continue;
            }
            match line.split_once(':').map(|(name, value)| (name.trim_end(), value.trim())) {
                Some((name, value)) if is_token(name) => head.fields.push((name, Cow::Borrowed(value))),
                _ => head.strays += 1,
            }
        }
        Some(head)
    }

    fn method(&self) -> &str {
        self.start.split(' ').next().unwrap_or_default()
    }

    /// Values called `name`, also by its compact form (RFC 3261 7.3.3).
    fn all(&self, name: &'static str) -> impl Iterator<Item = &str> {
        self.fields.iter().filter(move |(found, _)| is_called(found, name)).map(|(_, value)| value.as_ref())
    }

    fn one(&self, name: &'static str) -> Option<&str> {
        self.all(name).next()
    }

    /// `None` where a response is to be dropped.
    fn check_response(&self) -> Option<()> {
        let mut words = self.start.splitn(3, ' ');
        let (version, code) = (words.next()?, words.next()?);
        let code: u16 = Some(code).filter(|code| code.len() == 3).and_then(|code| code.parse().ok())?;
        let single = SINGLE.iter().all(|name| self.all(name).count() < 2);
        let (number, _) = parse_cseq(self.one("CSeq")?)?;
        let ours = Via::first(self.one("Via")?)?;
        let rest = ["From", "To", "Call-ID"].iter().all(|name| self.one(name).is_some());
        let good = version.eq_ignore_ascii_case("SIP/2.0")
            && (100..700).contains(&code)
            && single
            && rest
            && number <= MOST_CSEQ
            && ours.branch().is_some();
        good.then_some(())
    }

    fn check_request(&self) -> Result<(), Fault> {
        let words: Vec<&str> = self.start.split(' ').collect();
        let [method, uri, version] = words[..] else { return Err((400, "Bad Request-Line".into())) };
        if !is_token(method) || uri.is_empty() || uri.contains(['<', '>', '"', '\t']) {
            return Err((400, "Bad Request-Line".into()));
        }
        if !version.eq_ignore_ascii_case("SIP/2.0") {
            let versioned = version.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("SIP/"));
            return Err(if versioned { fault(505) } else { (400, "Bad Request-Line".into()) });
        }
        if let Some(missing) = REQUIRED.iter().find(|name| self.one(name).is_none()) {
            return Err((400, format!("Missing {missing} Header").into()));
        }
        if self.strays > 0 {
            return Err((400, "Bad Header".into()));
        }
        if let Some(twice) = SINGLE.iter().find(|name| self.all(name).count() > 1) {
            return Err((400, format!("Several {twice} Headers").into()));
        }
        let bad = |name: &str| -> Fault { (400, format!("Bad {name} Header").into()) };
        if self.all("Via").any(|via| Via::list(via).is_none()) {
            return Err(bad("Via"));
        }
        match self.one("CSeq").and_then(parse_cseq) {
            Some((number, named)) if number <= MOST_CSEQ && named == method => {}
            _ => return Err(bad("CSeq")),
        }
        if self.one("Max-Forwards").is_some_and(|hops| !is_number(hops) || hops.parse::<u8>().is_err()) {
            return Err(bad("Max-Forwards"));
        }
        if self.one("Call-ID").is_none_or(|id| id.is_empty() || id.contains(char::is_whitespace)) {
            return Err(bad("Call-ID"));
        }
        for name in ["From", "To"] {
            if self.one(name).and_then(NameAddr::parse).is_none_or(|address| !is_uri(&address.uri)) {
                return Err(bad(name));
            }
        }
        let contacts = self.all("Contact").flat_map(split_list);
        if contacts.filter(|contact| *contact != "*").any(|contact| !is_contact(contact)) {
            return Err(bad("Contact"));
        }
        if !KNOWN.contains(&method) {
            return Err(fault(501));
        }
        match uri.split_once(':') {
            // RFC 3261 19.1.5: a request is not formed with the header fields of a URI left in it.
            Some((scheme, rest)) if is_sip(scheme) => {
                let host = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
                let good = !host.contains('?') && super::uri::SipUri::parse(uri).is_some();
                if good { Ok(()) } else { Err((400, "Bad Request-URI".into())) }
            }
            Some((scheme, _)) if scheme.eq_ignore_ascii_case("tel") => Ok(()),
            _ => Err(fault(416)),
        }
    }

    /// The body: as long as it says, or to the end of the datagram (RFC 3261 18.3).
    fn measure<'b>(&self, body: &'b [u8], carrier: Carrier) -> Result<&'b [u8], Cow<'static, str>> {
        let Some(length) = self.one("Content-Length") else {
            return Ok(if carrier == Carrier::Datagram { body } else { &[] });
        };
        let length: Option<usize> = Some(length).filter(|length| is_number(length)).and_then(|l| l.parse().ok());
        match length {
            None => Err("Bad Content-Length Header".into()),
            // What follows in a datagram is not part of the message.
            Some(length) => body.get(..length).ok_or("Body Shorter Than Content-Length".into()),
        }
    }

    /// One line a field, and a length.
    fn rewrite(&self, body: &[u8]) -> Taken {
        let mut text = format!("{}\r\n", self.start);
        for (name, value) in &self.fields {
            if is_called(name, "Content-Length") {
                continue;
            }
            text += &format!("{name}: {}\r\n", spelled(name, value));
        }
        text += &format!("Content-Length: {}\r\n\r\n", body.len());
        let mut bytes = text.into_bytes();
        bytes.extend_from_slice(body);
        Taken::Message(bytes)
    }
}

/// A value as transactions understand it: the same, unless blanks stand where they need not, or a From has no tag.
fn spelled<'v>(name: &str, value: &'v str) -> Cow<'v, str> {
    if is_called(name, "Via") {
        let odd =
            ["  ", "\t", " /", "/ ", " ;", "; ", " =", "= ", " :", ": "].iter().any(|blank| value.contains(blank));
        let hops = if odd { Via::list(value) } else { None };
        return hops.map_or(Cow::Borrowed(value), |hops| {
            hops.iter().map(Via::to_string).collect::<Vec<_>>().join(", ").into()
        });
    }
    let (from, to) = (is_called(name, "From"), is_called(name, "To"));
    let Some(address) = Some(value).filter(|_| from || to).and_then(NameAddr::parse) else {
        return Cow::Borrowed(value);
    };
    match address.tag() {
        None if from => format!("{value}{NO_TAG}").into(),
        Some(tag) if !value.contains(&format!(";tag={tag}")) => address.to_string().into(),
        _ => Cow::Borrowed(value),
    }
}

fn fault(code: u16) -> Fault {
    (code, reason_phrase(code).into())
}

/// Where the request came from, in its topmost Via (RFC 3261 18.2.1, RFC 3581 4).
fn stamp(via: &str, peer: SocketAddr) -> String {
    let parts = split_list(via);
    let first = parts.first().copied().unwrap_or_default();
    let mut kept = first.split(';').map(str::trim);
    let mut stamped = kept.next().unwrap_or_default().to_owned();
    let named = |part: &str| part.split('=').next().unwrap_or_default().trim().to_ascii_lowercase();
    for part in kept.filter(|part| !matches!(named(part).as_str(), "rport" | "received" | "")) {
        stamped += &format!(";{part}");
    }
    stamped += &format!(";received={};rport={}", peer.ip(), peer.port());
    parts.iter().skip(1).fold(stamped, |text, part| text + ", " + part)
}

/// Number and method of a CSeq.
fn parse_cseq(value: &str) -> Option<(u64, &str)> {
    let mut words = value.split_whitespace();
    let (number, method) = (words.next()?, words.next()?);
    (words.next().is_none() && is_number(number)).then_some(())?;
    Some((number.parse().ok()?, method))
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

/// RFC 3261 25.1.
pub(super) fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-.!%*_+`'~".contains(&b))
}

fn is_sip(scheme: &str) -> bool {
    scheme.eq_ignore_ascii_case("sip") || scheme.eq_ignore_ascii_case("sips")
}

/// Any URI; a SIP URI only as it should be.
fn is_uri(text: &str) -> bool {
    match text.split_once(':') {
        Some((scheme, _)) if is_sip(scheme) => super::uri::SipUri::parse(text).is_some(),
        Some((scheme, rest)) => is_token(scheme) && !rest.is_empty(),
        None => false,
    }
}

/// A Contact whose parameters are none of them empty.
fn is_contact(text: &str) -> bool {
    // RFC 3261 20.10: what has a comma or question mark stands in brackets.
    if !text.contains('<') && text.contains('?') {
        return false;
    }
    let behind = text.rsplit_once('>').map_or("", |(_, behind)| behind);
    NameAddr::parse(text).is_some_and(|contact| is_uri(&contact.uri)) && !behind.contains(";;")
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use proptest::prelude::*;
    use rsipstack::sip::{Request, SipMessage};
    use rsipstack::transaction::key::{TransactionKey, TransactionRole};
    use rstest::rstest;

    use super::*;

    fn intake() -> Intake {
        Intake { allow: "INVITE, BYE".into(), user_agent: "test".into() }
    }

    fn peer() -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], 5099))
    }

    fn torture(name: &str) -> Vec<u8> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sip-torture");
        std::fs::read(folder.join(format!("{name}.sip"))).unwrap()
    }

    fn all() -> Vec<String> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sip-torture");
        let mut names: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .filter_map(|entry| Some(entry.unwrap().file_name().to_str()?.strip_suffix(".sip")?.to_owned()))
            .collect();
        names.sort();
        names
    }

    /// What goes on to the transactions, as they read it; they must know which it is.
    fn read(bytes: &[u8]) -> SipMessage {
        let message = SipMessage::try_from(bytes).unwrap_or_else(|error| panic!("{error}"));
        match &message {
            SipMessage::Request(request) => {
                drop(TransactionKey::from_request(request, TransactionRole::Server).unwrap())
            }
            SipMessage::Response(response) => {
                drop(TransactionKey::from_response(response, TransactionRole::Client).unwrap());
            }
        }
        message
    }

    fn request(taken: Taken) -> Request {
        let Taken::Message(bytes) = taken else { panic!("{taken:?}") };
        let SipMessage::Request(request) = read(&bytes) else { panic!("no request") };
        request
    }

    // RFC 4475 3.1.1, 3.2, 3.3.7 to 3.3.15, 3.4: what is odd and right goes on.
    #[test]
    fn what_is_odd_but_right_passes() {
        let right = [
            "wsinv",
            "esc01",
            "escnull",
            "lwsdisp",
            "longreq",
            "dblreq",
            "semiuri",
            "transports",
            "mpart01",
            "unreason",
            "noreason",
            "baddate",
            "badaspec",
            "baddn",
            "badbranch",
            "unksm2",
            "bext01",
            "invut",
            "regaut01",
            "bcast",
            "zeromf",
            "cparam01",
            "cparam02",
            "sdp01",
            "inv2543",
        ];
        for name in right {
            match intake().take(&torture(name), peer(), Carrier::Datagram) {
                Taken::Message(bytes) => drop(read(&bytes)),
                other => panic!("{name}: {other:?}"),
            }
        }
    }

    #[rstest]
    #[case("intmeth", "501 Not Implemented")]
    #[case("esc02", "501 Not Implemented")]
    #[case("badinv01", "400 Bad Via Header")]
    #[case("clerr", "400 Body Shorter Than Content-Length")]
    #[case("ncl", "400 Bad Content-Length Header")]
    #[case("scalar02", "400 Bad CSeq Header")]
    #[case("quotbal", "400 Bad To Header")]
    #[case("ltgtruri", "400 Bad Request-Line")]
    #[case("lwsruri", "400 Bad Request-Line")]
    #[case("lwsstart", "400 Bad Request-Line")]
    #[case("trws", "400 Bad Request-Line")]
    #[case("escruri", "400 Bad Request-URI")]
    #[case("regbadct", "400 Bad Contact Header")]
    #[case("badvers", "505 Version Not Supported")]
    #[case("mismatch01", "400 Bad CSeq Header")]
    #[case("mismatch02", "400 Bad CSeq Header")]
    #[case("insuf", "400 Missing From Header")]
    #[case("unkscm", "416 Unsupported URI Scheme")]
    #[case("novelsc", "416 Unsupported URI Scheme")]
    #[case("multi01", "400 Several From Headers")]
    #[case("mcl01", "400 Several Content-Length Headers")]
    fn what_is_wrong_is_refused_with_why(#[case] name: &str, #[case] line: &str) {
        match intake().take(&torture(name), peer(), Carrier::Datagram) {
            Taken::Refused(response) => {
                assert!(response.starts_with(&format!("SIP/2.0 {line}\r\n")), "{response}");
                assert!(response.contains(";received=127.0.0.1;rport=5099"), "{response}");
                assert_eq!(response.contains("\r\nAllow: "), line.starts_with("501"), "{response}");
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn responses_that_are_wrong_are_dropped() {
        for name in ["scalarlg", "bigcode"] {
            assert_eq!(intake().take(&torture(name), peer(), Carrier::Datagram), Taken::Ignored, "{name}");
        }
    }

    #[test]
    fn every_torture_message_has_its_place_here() {
        // Right, refused, dropped, and regescrt, whose brackets make it right.
        assert_eq!(all().len(), 25 + 21 + 2 + 1);
        assert_eq!(
            request(intake().take(&torture("regescrt"), peer(), Carrier::Datagram)).method.to_string(),
            "REGISTER"
        );
    }

    #[test]
    fn every_beginning_and_every_end_of_every_torture_message_is_survived() {
        for name in all() {
            let whole = torture(&name);
            for cut in (0..whole.len()).step_by(if name == "longreq" { 17 } else { 1 }) {
                for part in [&whole[..cut], &whole[cut..]] {
                    for carrier in [Carrier::Datagram, Carrier::Stream] {
                        if let Taken::Message(bytes) = intake().take(part, peer(), carrier) {
                            let _ = SipMessage::try_from(bytes.as_slice());
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn no_beginning_of_an_invite_is_taken_for_the_whole() {
        let whole = torture("esc01");
        for cut in 0..whole.len() {
            let taken = intake().take(&whole[..cut], peer(), Carrier::Datagram);
            assert!(!matches!(taken, Taken::Message(_)), "{cut}: {taken:?}");
        }
    }

    const PLAIN: &str = "OPTIONS sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP c;branch=z9hG4bK1, SIP/2.0/UDP d\r\nFrom: <sip:c@c>\r\n\
        To: <sip:a@b>\r\nCall-ID: x\r\nCSeq: 1 OPTIONS\r\nSubject: one\r\n two\r\n\r\nbody";

    #[test]
    fn a_message_goes_on_in_one_spelling() {
        let Taken::Message(bytes) = intake().take(PLAIN.as_bytes(), peer(), Carrier::Datagram) else { panic!() };
        let text = String::from_utf8(bytes.clone()).unwrap();
        assert!(text.contains("\r\nSubject: one two\r\n") && text.ends_with("Content-Length: 4\r\n\r\nbody"), "{text}");
        assert!(text.contains(NO_TAG), "who gave no tag is known by one");
        assert!(!String::from_utf8(unmark(&bytes).into_owned()).unwrap().contains("tag="));
        let Taken::Message(bytes) = intake().take(PLAIN.as_bytes(), peer(), Carrier::Stream) else { panic!() };
        assert!(bytes.ends_with(b"Content-Length: 0\r\n\r\n"), "on a connection a body has a length");
    }

    #[test]
    fn an_ack_is_never_answered_and_neither_is_who_gave_no_via() {
        let ack = PLAIN.replace("OPTIONS", "ACK").replace("CSeq: 1", "CSeq: one");
        assert_eq!(intake().take(ack.as_bytes(), peer(), Carrier::Datagram), Taken::Ignored);
        let nobody = PLAIN.replace("Via: ", "Viaduct: ");
        assert_eq!(intake().take(nobody.as_bytes(), peer(), Carrier::Datagram), Taken::Ignored);
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(at in 0..PLAIN.len(), cut in 0..60_usize, noise in prop::collection::vec(any::<u8>(), 0..20)) {
            let mut bytes = PLAIN.as_bytes().to_vec();
            bytes.splice(at..(at + cut).min(PLAIN.len()), noise);
            if let Taken::Message(bytes) = intake().take(&bytes, peer(), Carrier::Datagram) {
                let _ = SipMessage::try_from(bytes.as_slice());
            }
            let _ = intake().refuse_text(&bytes, 413, peer());
            let _ = unmark(&bytes);
        }
    }
}
