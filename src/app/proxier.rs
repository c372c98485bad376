//! Calls that go on to where they were for.

use std::collections::BTreeMap;

use super::{App, AppError};
use crate::call::HangupCause;
use crate::client::Session;
use crate::scenario::step::Bridge;

/// Connects each call that comes in to the SIP URI that its INVITE was for, as a proxy does: from the profile that
/// received it, or by another way. A call that cannot be connected ends with the cause of that.
#[derive(Clone, Debug, Default)]
pub struct Proxier {
    pub way: Way,
}

/// By which way calls go on. What is not said stays as it was.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Way {
    /// `user@host:port`; the INVITE's own, unless told otherwise.
    pub to: Option<String>,
    pub profile: Option<String>,
    pub gateway: Option<String>,
    /// `host:port`.
    pub proxy: Option<String>,
}

impl Way {
    /// The bridge that a session takes.
    pub fn bridge(&self, session: &Session) -> Bridge {
        let mut bridge = session.onward();
        bridge.to = self.to.clone().unwrap_or(bridge.to);
        bridge.profile = self.profile.clone().unwrap_or(bridge.profile);
        if self.gateway.is_some() {
            bridge.gateway.clone_from(&self.gateway);
            // A gateway is told a user.
            bridge.to = bridge.to.split('@').next().unwrap_or_default().to_owned();
        }
        bridge.proxy.clone_from(&self.proxy);
        bridge
    }
}

impl App for Proxier {
    fn events(&self) -> Vec<String> {
        vec!["CHANNEL_BRIDGE".to_owned()]
    }

    fn on_parked(&mut self, session: &Session) -> Result<(), AppError> {
        if session.is_inbound() {
            connect(session, self.way.bridge(session));
        }
        Ok(())
    }
}

/// Connects sessions of a call so many times: each inbound one by the way that is for its number in the call, counted
/// from 1 as they come. One whose number has no way is left alone.
#[derive(Clone, Debug, Default)]
pub struct Bridger {
    pub ways: BTreeMap<usize, Way>,
}

impl App for Bridger {
    fn events(&self) -> Vec<String> {
        vec!["CHANNEL_BRIDGE".to_owned()]
    }

    fn on_parked(&mut self, session: &Session) -> Result<(), AppError> {
        if session.is_inbound()
            && let Some(way) = self.ways.get(&session.call().sessions().len())
        {
            connect(session, way.bridge(session));
        }
        Ok(())
    }
}

/// Connects the session, and ends it when the other end does.
fn connect(session: &Session, bridge: Bridge) {
    let session = session.clone();
    session.clone().spawn(async move {
        let connected = session.bridge(bridge).await;
        if connected.is_ok() {
            session.until_application_ends("bridge").await?;
        }
        if !session.is_hung_up() {
            let cause = session.variable("originate_disposition").filter(|_| connected.is_err());
            let cause = cause.unwrap_or_else(|| "NORMAL_CLEARING".to_owned());
            session.hangup_with(HangupCause::parse(&cause)).await?;
        }
        Ok(connected?)
    });
}
