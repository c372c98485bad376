//! The `originate` command: who calls whom, and with which variables.

use std::time::Duration;

use crate::esl::Command;
use crate::id::{JobId, SessionId};

/// A call to make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Originate {
    /// The caller's session; it names the call as well, and travels to the callee as an X-header.
    pub session: SessionId,
    pub target: Target,
    pub timeout: Duration,
    pub caller_id_name: String,
    pub caller_id_number: String,
    /// Codecs offered, in order of preference: `PCMU`. Empty: as the profile is configured.
    pub codecs: Vec<String>,
    /// Whether 183 with media leaves the caller waiting for the answer (`true`), or lets it go on and hear it.
    pub ignore_early_media: bool,
    /// The app group that both sessions belong to.
    pub app: String,
    /// X-headers and any others for the INVITE, without the `sip_h_` before them.
    pub headers: Vec<(String, String)>,
    /// Channel variables of the caller.
    pub variables: Vec<(String, String)>,
    /// What becomes of the caller's leg once the call is up.
    pub then: Then,
}

/// What the caller's leg does once the call is up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Then {
    /// An application: `park` leaves the leg to whoever made the call.
    Application { name: String, argument: String },
    /// An extension of the dialplan.
    Extension { extension: String, dialplan: String, context: String },
}

impl Then {
    /// The leg waits in `park` for what it is told.
    pub fn park() -> Self {
        Then::Application { name: "park".to_owned(), argument: String::new() }
    }
}

impl std::fmt::Display for Then {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Then::Application { name, argument } => write!(f, "&{name}({argument})"),
            Then::Extension { extension, dialplan, context } => write!(f, "{extension} {dialplan} {context}"),
        }
    }
}

/// Where the INVITE goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// Straight from a SIP profile to `user@host:port`, perhaps by way of a proxy.
    Profile { profile: String, url: String, proxy: Option<String> },
    /// Through a gateway that the host has configured.
    Gateway { gateway: String, user: String },
}

/// The X-header that joins the sessions of a call, without `X-`'s prefix in SIP variables.
pub const CALL_HEADER: &str = "X-Callwright-Call";
/// The X-header that names the app group.
pub const APP_HEADER: &str = "X-Callwright-App";

impl Originate {
    /// A call to `url` (`user@host:port`) from the SIP profile `external`, of the app group `default`, with a name of
    /// its own.
    pub fn to(url: impl Into<String>) -> Self {
        Originate {
            session: SessionId::new(uuid::Uuid::new_v4().to_string()),
            target: Target::Profile { profile: "external".to_owned(), url: url.into(), proxy: None },
            timeout: Duration::from_secs(30),
            caller_id_name: "callwright".to_owned(),
            caller_id_number: "1112223333".to_owned(),
            codecs: Vec::new(),
            ignore_early_media: true,
            app: "default".to_owned(),
            headers: Vec::new(),
            variables: Vec::new(),
            then: Then::park(),
        }
    }

    /// The app group that both sessions belong to.
    pub fn app(self, app: impl Into<String>) -> Self {
        Originate { app: app.into(), ..self }
    }

    /// How long the call may stay unanswered; whole seconds count.
    pub fn timeout(self, timeout: Duration) -> Self {
        Originate { timeout, ..self }
    }

    /// Who the call says it is from.
    pub fn caller_id(self, name: impl Into<String>, number: impl Into<String>) -> Self {
        Originate { caller_id_name: name.into(), caller_id_number: number.into(), ..self }
    }

    /// The codecs to offer, best first.
    pub fn codecs<C: Into<String>>(self, codecs: impl IntoIterator<Item = C>) -> Self {
        Originate { codecs: codecs.into_iter().map(Into::into).collect(), ..self }
    }

    /// The SIP profile that calls; nothing where a gateway does.
    pub fn profile(mut self, name: impl Into<String>) -> Self {
        if let Target::Profile { profile, .. } = &mut self.target {
            *profile = name.into();
        }
        self
    }

    /// A proxy that the INVITE goes through, `host:port`; nothing where a gateway calls.
    pub fn proxy(mut self, address: impl Into<String>) -> Self {
        if let Target::Profile { proxy, .. } = &mut self.target {
            *proxy = Some(address.into());
        }
        self
    }

    /// One more header of the INVITE.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// One more channel variable of the caller.
    pub fn variable(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.variables.push((name.into(), value.into()));
        self
    }

    /// The command that makes the call as `job`.
    pub fn command(&self, job: JobId) -> Command {
        Command::BgApi { name: "originate".into(), arguments: self.arguments(), job }
    }

    /// What stands behind `originate`.
    pub fn arguments(&self) -> String {
        format!("{}{} {}", self.brackets(), self.url(), self.then)
    }

    fn brackets(&self) -> String {
        let call = self.session.as_str();
        let codecs = self.codecs.join(",");
        // The names and their order are those of the ancestor's template.
        let mut variables = vec![
            ("origination_uuid".to_owned(), call.to_owned()),
            ("originate_timeout".to_owned(), self.timeout.as_secs().max(1).to_string()),
            ("origination_caller_id_name".to_owned(), self.caller_id_name.clone()),
            ("origination_caller_id_number".to_owned(), self.caller_id_number.clone()),
        ];
        if !codecs.is_empty() {
            variables.push(("originator_codec".to_owned(), codecs.clone()));
            variables.push(("absolute_codec_string".to_owned(), codecs));
        }
        variables.push(("ignore_display_updates".to_owned(), "true".to_owned()));
        variables.push(("ignore_early_media".to_owned(), self.ignore_early_media.to_string()));
        variables.push((format!("sip_h_{APP_HEADER}"), self.app.clone()));
        variables.push((format!("sip_h_{CALL_HEADER}"), call.to_owned()));
        variables.extend(self.headers.iter().map(|(name, value)| (format!("sip_h_{name}"), value.clone())));
        // A variable of the scenario's own takes the place of one of ours.
        for (name, value) in &self.variables {
            variables.retain(|(ours, _)| ours != name);
            variables.push((name.clone(), value.clone()));
        }
        let pairs: Vec<_> = variables.iter().map(|(name, value)| format!("{name}={}", quoted(value))).collect();
        format!("{{{}}}", pairs.join(","))
    }

    fn url(&self) -> String {
        match &self.target {
            Target::Profile { profile, url, proxy } => {
                let path = proxy.as_ref().map(|proxy| format!(";fs_path={}", sip_uri(proxy)));
                format!("sofia/{profile}/{url}{}", path.unwrap_or_default())
            }
            Target::Gateway { gateway, user } => format!("sofia/gateway/{gateway}/{user}"),
        }
    }
}

fn sip_uri(address: &str) -> String {
    if address.starts_with("sip:") { address.to_owned() } else { format!("sip:{address}") }
}

/// A value as it may stand in `{name=value,...}`.
///
/// FreeSWITCH takes the text apart twice: at blanks, and what is in the braces at commas, each time removing quotes and
/// escapes. Commas, quotes and backslashes are therefore escaped for the second time, and all of that for the first.
fn quoted(value: &str) -> String {
    if !value.contains([',', '\'', '\\', '{', '}', '[', ']', ' ', '=', '^']) {
        return value.to_owned();
    }
    let escaped = |text: &str, letters: &[char]| {
        text.chars().fold(String::with_capacity(text.len() + 8), |mut text, letter| {
            if letters.contains(&letter) {
                text.push('\\');
            }
            text.push(letter);
            text
        })
    };
    format!("'{}'", escaped(&escaped(value, &[',', '\'', '\\']), &['\'', '\\']))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn originate() -> Originate {
        Originate {
            session: SessionId::new("u1"),
            target: Target::Profile {
                profile: "external".into(),
                url: "callwright@127.0.0.1:5080".into(),
                proxy: Some("127.0.0.1:5060".into()),
            },
            timeout: Duration::from_secs(20),
            caller_id_name: "O'Neil, Zoë".into(),
            caller_id_number: "1112223333".into(),
            codecs: vec!["PCMU".into()],
            ignore_early_media: true,
            app: "t1".into(),
            headers: vec![("X-Tenant".into(), "blue".into())],
            variables: vec![("origination_caller_id_number".into(), "42".into())],
            then: Then::park(),
        }
    }

    #[test]
    fn an_originate_carries_every_variable_and_the_route() {
        let Command::BgApi { name, arguments, .. } = originate().command(JobId::new("j")) else { panic!() };
        assert_eq!(name, "originate");
        assert_eq!(
            arguments,
            "{origination_uuid=u1,originate_timeout=20,origination_caller_id_name='O\\\\\\'Neil\\\\, Zoë',\
             originator_codec=PCMU,absolute_codec_string=PCMU,ignore_display_updates=true,ignore_early_media=true,\
             sip_h_X-Callwright-App=t1,sip_h_X-Callwright-Call=u1,sip_h_X-Tenant=blue,\
             origination_caller_id_number=42}\
             sofia/external/callwright@127.0.0.1:5080;fs_path=sip:127.0.0.1:5060 &park()"
        );
    }

    #[test]
    fn a_call_that_is_up_goes_where_it_is_told() {
        let then = Then::Extension { extension: "9197".into(), dialplan: "XML".into(), context: "default".into() };
        assert!(Originate { then, ..originate() }.arguments().ends_with(":5060 9197 XML default"));
        let then = Then::Application { name: "playback".into(), argument: "hi.wav".into() };
        assert!(Originate { then, ..originate() }.arguments().ends_with(" &playback(hi.wav)"));
    }

    #[test]
    fn a_gateway_is_dialled_by_name() {
        let target = Target::Gateway { gateway: "sbc".into(), user: "0123".into() };
        assert_eq!(Originate { target, ..originate() }.url(), "sofia/gateway/sbc/0123");
    }
}
