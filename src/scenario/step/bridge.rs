//! `bridge`: the leg is connected to somebody else, through a call of its own.

use std::time::Duration;

use super::{Begun, Facts, Start, Step, StepVariant, Until, boxed};
use crate::scenario::mapping::{default, mapping, optional, required};
use crate::scenario::scalar::{duration, line, token, word};
use crate::scenario::shape::Shape;
use crate::scenario::tagged::Variant;

/// Calls somebody and connects this leg to them, as a proxy or a PBX does. An unanswered leg is answered by it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bridge {
    /// A user, or `user@host`. A user alone is called where this leg was called.
    pub to: String,
    pub profile: String,
    pub gateway: Option<String>,
    pub proxy: Option<String>,
    /// SIP headers of the new INVITE.
    pub headers: Vec<(String, String)>,
    /// Channel variables of the new leg.
    pub vars: Vec<(String, String)>,
    /// How long the other may leave the call unanswered.
    pub timeout: Duration,
    pub far: Far,
}

/// What callwright does with a call that comes back to it from a bridge: it is nobody's leg.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Far {
    /// Nothing: somebody else is called.
    #[default]
    Nothing,
    /// Answers it.
    Answer,
    /// Answers it, and sends back what is heard.
    Echo,
}

pub(super) fn variant() -> StepVariant {
    let destination = || token("a user or `user@host`", "^[^\\s,'\"{}\\[\\]|^]+$");
    let name = |expects| token(expects, "^[A-Za-z0-9_.:-]+$");
    let proxy = token("a proxy: `host` or `host:port`", "^[A-Za-z0-9_.:\\[\\]-]+$");
    let none = || serde_json::json!({});
    let far = &[("nothing", Far::Nothing), ("answer", Far::Answer), ("echo", Far::Echo)];
    let full: Shape<Bridge> = mapping!(Bridge {
        to: required("to", destination(), "Who is called; a user alone is called where this leg was called."),
        profile: default(
            "profile",
            name("the name of a SIP profile"),
            "external".to_owned(),
            "external",
            "The SIP profile."
        ),
        gateway: optional("gateway", name("the name of a gateway"), "The gateway, in place of a profile."),
        proxy: optional("proxy", proxy, "A proxy that the INVITE is routed through: `host` or `host:port`."),
        headers: default("headers", line().by_name("headers"), Vec::new(), none(), "SIP headers of the new INVITE."),
        vars: default("vars", line().by_name("variables"), Vec::new(), none(), "Channel variables of the new leg."),
        timeout: default(
            "timeout",
            duration(),
            TIMEOUT,
            "30s",
            "How long the call may stay unanswered; whole seconds count."
        ),
        far: default(
            "far",
            word(far),
            Far::Nothing,
            "nothing",
            "What to do when the new call comes back to this host: `answer` it, or answer and `echo`."
        ),
    });
    let doc = "Calls somebody and connects this leg to them; answers the leg when they answer.";
    Variant::new("bridge", doc).with(full.map(boxed))
}

const TIMEOUT: Duration = Duration::from_secs(30);

impl Bridge {
    /// To `to` (a user, or `user@host`) from the SIP profile `external`.
    pub fn to(to: impl Into<String>) -> Bridge {
        Bridge {
            to: to.into(),
            profile: "external".to_owned(),
            gateway: None,
            proxy: None,
            headers: Vec::new(),
            vars: Vec::new(),
            timeout: TIMEOUT,
            far: Far::Nothing,
        }
    }

    pub fn profile(self, profile: impl Into<String>) -> Bridge {
        Bridge { profile: profile.into(), ..self }
    }

    /// Through a gateway that the host has configured, in place of a profile.
    pub fn gateway(self, gateway: impl Into<String>) -> Bridge {
        Bridge { gateway: Some(gateway.into()), ..self }
    }

    /// By way of a proxy, `host:port`.
    pub fn proxy(self, proxy: impl Into<String>) -> Bridge {
        Bridge { proxy: Some(proxy.into()), ..self }
    }

    /// How long the other may leave the call unanswered; whole seconds count.
    pub fn timeout(self, timeout: Duration) -> Bridge {
        Bridge { timeout, ..self }
    }

    /// One more SIP header of the new INVITE.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Bridge {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// One more channel variable of the new leg.
    pub fn variable(mut self, name: impl Into<String>, value: impl Into<String>) -> Bridge {
        self.vars.push((name.into(), value.into()));
        self
    }

    /// The argument of the `bridge` application.
    fn argument(&self) -> String {
        let mut variables = vec![format!("originate_timeout={}", self.timeout.as_secs().max(1))];
        variables.extend(self.headers.iter().map(|(name, value)| format!("sip_h_{name}={}", quoted(value))));
        variables.extend(self.vars.iter().map(|(name, value)| format!("{name}={}", quoted(value))));
        let target = match &self.gateway {
            Some(gateway) => format!("gateway/{gateway}/{}", self.to),
            // The switch knows where the leg was called.
            None if !self.to.contains('@') => {
                format!("{}/{}@${{sip_to_host}}:${{sip_to_port}}", self.profile, self.to)
            }
            None => format!("{}/{}", self.profile, self.to),
        };
        let path = self.proxy.as_ref().map(|proxy| format!(";fs_path=sip:{proxy}")).unwrap_or_default();
        format!("{{{}}}sofia/{target}{path}", variables.join(","))
    }
}

/// A value as it may stand in `{name=value,...}`.
fn quoted(value: &str) -> String {
    if value.contains([',', '\'', '\\', ' ', '}', '=']) {
        let escaped = value.replace('\\', "\\\\").replace('\'', "\\'").replace(',', "\\,");
        return format!("'{escaped}'");
    }
    value.to_owned()
}

impl Step for Bridge {
    fn kind(&self) -> &'static str {
        "bridge"
    }

    fn describe(&self) -> String {
        format!("bridge to {}", self.to)
    }

    fn facts(&self) -> Facts {
        Facts { far: self.far, ..Facts::default() }
    }

    fn start(&self, start: &mut Start<'_>) -> Begun {
        start.break_playing();
        // What follows runs on top of the bridge, which ends with the leg.
        let uuid = start.execute("bridge", &self.argument());
        Until::Bridged(uuid).within(self.timeout + Duration::from_secs(2))
    }

    fn events(&self) -> Vec<String> {
        vec!["CHANNEL_BRIDGE".to_owned()]
    }
}
