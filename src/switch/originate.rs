//! The text of an originate: `{variables}sofia/profile/user@host:port &app(args)`.

use std::time::Duration;

use crate::call::HangupCause;

use super::gateway::Gateway;
use super::text::{bracketed, separate};

/// One originate under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OriginateId(pub u64);

/// What an originate asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Originate {
    /// `{...}` and `<...>` and then `[...]`: a later value of a name counts.
    pub variables: Vec<(String, String)>,
    pub endpoint: Endpoint,
    pub then: Then,
    pub caller_id_name: Option<String>,
    pub caller_id_number: Option<String>,
    /// How long to wait for an answer, unless a variable says otherwise.
    pub timeout: Duration,
}

/// Whom to call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// `sofia`, the only kind there is.
    pub kind: String,
    pub profile: String,
    /// `user@host:port`, with what follows a semicolon but without `fs_path`.
    pub address: String,
    /// Where the INVITE is sent instead (`fs_path`).
    pub proxy: Option<String>,
    /// Through which gateway; then the address may lack its host.
    pub gateway: Option<String>,
}

/// What the channel does once it is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Then {
    Application {
        name: String,
        argument: String,
    },
    /// It is bridged to the channel that placed it.
    Bridge,
    Extension {
        number: String,
        dialplan: String,
        context: String,
    },
}

/// Why an originate is not even begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The words are too few or too many.
    Usage,
    Cause(HangupCause),
}

/// The usage that FreeSWITCH prints.
pub const USAGE: &str = "-USAGE: <call url> <exten>|&<application_name>(<app_args>) [<dialplan>] [<context>] \
                         [<cid_name>] [<cid_num>] [<timeout_sec>]\n";

/// Seconds that FreeSWITCH waits when nothing is said.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(60);

impl Originate {
    /// Reads the argument of the `originate` command.
    pub fn parse(text: &str) -> Result<Originate, Refusal> {
        let words = separate(text, ' ', 10);
        if words.len() < 2 || words.len() > 7 {
            return Err(Refusal::Usage);
        }
        let word = |at: usize| words.get(at).filter(|w| !w.eq_ignore_ascii_case("undef")).cloned();
        let url = word(0).ok_or(Refusal::Usage)?;
        let extension = word(1).ok_or(Refusal::Usage)?;
        let (variables, endpoint) = parse_url(&url)?;
        let timeout = word(6).and_then(|s| s.parse().ok()).map_or(DEFAULT_TIMEOUT, Duration::from_secs);
        Ok(Originate {
            variables,
            endpoint,
            then: parse_then(&extension, word(2), word(3)),
            caller_id_name: word(4),
            caller_id_number: word(5),
            timeout,
        })
    }

    /// Reads the argument of the `bridge` application.
    pub fn parse_bridge(text: &str) -> Result<Originate, Refusal> {
        let (variables, endpoint) = parse_url(text)?;
        let (then, timeout) = (Then::Bridge, DEFAULT_TIMEOUT);
        Ok(Originate { variables, endpoint, then, caller_id_name: None, caller_id_number: None, timeout })
    }

    /// The last value of variable `name`.
    pub fn variable(&self, name: &str) -> Option<&str> {
        self.variables.iter().rev().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }
}

impl Endpoint {
    /// Completes the address from the gateway that it goes through.
    pub fn through(&mut self, gateway: &Gateway) {
        let (plain, parameters) = match self.address.split_once(';') {
            Some((plain, parameters)) => (plain.to_owned(), format!(";{parameters}")),
            None => (self.address.clone(), String::new()),
        };
        let host = if plain.contains('@') { String::new() } else { format!("@{}", gateway.hop()) };
        let told = parameters.contains("transport=") || gateway.transport_name() == "udp";
        let transport = if told { "" } else { ";transport=tcp" };
        self.address = format!("{plain}{host}{parameters}{transport}");
    }

    /// The part of the address before `@`.
    pub fn user(&self) -> &str {
        let plain = self.plain();
        plain.rsplit_once('@').map_or(plain, |(user, _)| user)
    }

    /// Host and port, without parameters.
    pub fn host_port(&self) -> &str {
        let plain = self.plain();
        plain.rsplit_once('@').map_or(plain, |(_, host)| host)
    }

    /// Whether it is called over TCP (`;transport=tcp`, of the proxy where there is one).
    pub fn is_over_tcp(&self) -> bool {
        let hop = self.proxy.as_ref().unwrap_or(&self.address);
        hop.split(';').skip(1).any(|parameter| parameter.eq_ignore_ascii_case("transport=tcp"))
    }

    /// `user@host:port` without parameters.
    pub fn plain(&self) -> &str {
        self.address.split(';').next().unwrap_or_default()
    }
}

fn parse_url(url: &str) -> Result<(Vec<(String, String)>, Endpoint), Refusal> {
    let mut variables = Vec::new();
    let mut rest = url.trim();
    for (open, close) in [('<', '>'), ('{', '}'), ('[', ']')] {
        if let Some((pairs, behind)) = bracketed(rest, open, close) {
            variables.extend(pairs);
            rest = behind;
        }
    }
    // A list of the same names: the last one counts, at its place (EF_UNIQ_HEADERS).
    let mut unique: Vec<(String, String)> = Vec::with_capacity(variables.len());
    for (name, value) in variables {
        unique.retain(|(n, _)| *n != name);
        unique.push((name, value));
    }
    Ok((unique, parse_endpoint(rest)?))
}

fn parse_endpoint(text: &str) -> Result<Endpoint, Refusal> {
    // Forking to several endpoints is not done here.
    if text.contains([',', '|']) {
        return Err(Refusal::Cause(HangupCause::FacilityNotImplemented));
    }
    let mut parts = text.splitn(3, '/');
    let (kind, profile, address) = match (parts.next(), parts.next(), parts.next()) {
        (Some("sofia"), Some(profile), Some(address)) => ("sofia", profile, address),
        (Some("sofia"), _, _) => return Err(Refusal::Cause(HangupCause::InvalidUrl)),
        _ => return Err(Refusal::Cause(HangupCause::ChanNotImplemented)),
    };
    let (gateway, address) = match profile {
        "gateway" => match address.split_once('/') {
            Some((gateway, user)) => (Some(gateway.to_owned()), user),
            None => return Err(Refusal::Cause(HangupCause::InvalidUrl)),
        },
        _ => (None, address),
    };
    let address = address.strip_prefix("sip:").unwrap_or(address);
    let mut proxy = None;
    let kept: Vec<&str> = address
        .split(';')
        .filter(|part| match part.strip_prefix("fs_path=") {
            Some(path) => {
                proxy = Some(path.replace("%3A", ":").replace("%3a", ":").replace("%3B", ";").replace("%3b", ";"));
                false
            }
            None => true,
        })
        .collect();
    let (kind, profile) = (kind.to_owned(), profile.to_owned());
    let endpoint = Endpoint { kind, profile, address: kept.join(";"), proxy, gateway };
    if endpoint.host_port().is_empty() {
        return Err(Refusal::Cause(HangupCause::InvalidUrl));
    }
    Ok(endpoint)
}

fn parse_then(extension: &str, dialplan: Option<String>, context: Option<String>) -> Then {
    if let Some(application) = extension.strip_prefix('&').filter(|rest| !rest.is_empty()) {
        let application = application.split(')').next().unwrap_or_default();
        let (name, argument) = application.split_once('(').unwrap_or((application, ""));
        return Then::Application { name: name.to_owned(), argument: argument.to_owned() };
    }
    Then::Extension {
        number: extension.to_owned(),
        dialplan: dialplan.unwrap_or_else(|| "XML".to_owned()),
        context: context.unwrap_or_else(|| "default".to_owned()),
    }
}

/// A caller id as mod_sofia puts it into a profile: what follows the last `/` or `:` before any `@`
/// (`switch_sanitize_number`).
pub fn sanitize(number: &str) -> &str {
    let number = number.split('@').next().unwrap_or_default();
    number.rsplit(['/', ':']).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_originate_is_read_whole() {
        let text = "{originate_timeout=20,a='x y',b=x\\,y,originate_timeout=2}sofia/external/doggy@127.0.0.1:5080;\
                    fs_path=sip:127.0.0.1:5061;transport=udp &playback(tone_stream://%(1,0,1))";
        let read = Originate::parse(text).unwrap();
        assert_eq!((read.variable("a"), read.variable("b")), (Some("x y"), Some("x,y")));
        assert_eq!((read.variables.len(), read.variable("originate_timeout")), (3, Some("2")));
        assert_eq!(read.endpoint.plain(), "doggy@127.0.0.1:5080");
        assert_eq!((read.endpoint.user(), read.endpoint.host_port()), ("doggy", "127.0.0.1:5080"));
        assert_eq!(read.endpoint.proxy.as_deref(), Some("sip:127.0.0.1:5061"));
        assert_eq!(read.endpoint.address, "doggy@127.0.0.1:5080;transport=udp");
        // FreeSWITCH cuts at the first closing bracket, too.
        let then = Then::Application { name: "playback".into(), argument: "tone_stream://%(1,0,1".into() };
        assert_eq!(read.then, then);
    }

    // Quotes are gone once the words are split, so FreeSWITCH cuts the value at the comma.
    #[test]
    fn quotes_keep_blanks_but_no_commas() {
        let read = Originate::parse("{a='x, y',b=2}sofia/external/1@h &park()").unwrap();
        assert_eq!((read.variable("a"), read.variable("b")), (Some("x"), Some("2")));
    }

    #[test]
    fn words_behind_the_extension_count() {
        let read = Originate::parse("sofia/external/a@b 9198 XML features Bob 1001 7").unwrap();
        let then = Then::Extension { number: "9198".into(), dialplan: "XML".into(), context: "features".into() };
        assert_eq!(read.then, then);
        assert_eq!((read.caller_id_name.as_deref(), read.caller_id_number.as_deref()), (Some("Bob"), Some("1001")));
        assert_eq!(read.timeout, Duration::from_secs(7));
    }

    #[test]
    fn what_cannot_be_called_is_refused_as_freeswitch_refuses_it() {
        let refused = |text| Originate::parse(text).unwrap_err();
        assert_eq!(refused("sofia/external/a@b"), Refusal::Usage);
        assert_eq!(refused("loopback/1 &park()"), Refusal::Cause(HangupCause::ChanNotImplemented));
        assert_eq!(refused("sofia/gateway/gw &park()"), Refusal::Cause(HangupCause::InvalidUrl));
    }

    #[test]
    fn caller_ids_are_cut_as_in_the_capture() {
        assert_eq!(sanitize("Zoë ☎ 100% a: b"), " b");
        assert_eq!(sanitize("1001@host"), "1001");
        assert_eq!(sanitize("plain"), "plain");
    }
}
