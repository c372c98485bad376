//! Calls that go on to where they were for.

use std::collections::BTreeMap;
use std::panic::Location;
use std::sync::Arc;

use super::end::{end, end_failed};
use super::scripted::play;
use super::{App, AppError};
use crate::client::Session;
pub use crate::scenario::app::Way;
use crate::scenario::step::Bridge;
use crate::scenario::{PlacedStep, placed};

/// Connects each call that comes in to the SIP URI that its INVITE was for, as a proxy does: from the profile that
/// received it, or by another way. A call that cannot be connected ends with the cause of that.
#[derive(Clone, Debug, Default)]
pub struct Proxier {
    pub way: Way,
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
    let steps: Arc<[PlacedStep]> = [placed(Box::new(bridge), Location::caller())].into();
    session.clone().spawn(async move {
        match play(&session, steps).await {
            Ok(()) => end(&session).await,
            Err(error) => end_failed(&session, error).await,
        }
    });
}
