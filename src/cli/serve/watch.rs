//! Sessions that are served, as they begin and end.

use std::sync::Arc;

use tokio::sync::mpsc;

use crate::app::{App, AppError};
use crate::call;
use crate::client::Session;
use crate::metrics::LegTimes;

/// An app that does nothing but tell of the sessions that come in.
pub(super) struct Watch {
    host: Arc<str>,
    line: mpsc::UnboundedSender<Seen>,
}

/// What is seen of a session.
#[derive(Clone, Debug)]
pub(super) enum Seen {
    Began {
        host: Arc<str>,
        session: String,
        from: String,
        to: String,
    },
    /// An app failed with it.
    Failed {
        session: String,
        app: String,
        error: String,
    },
    Ended {
        session: String,
        leg: LegTimes,
        sip_code: Option<u16>,
    },
    /// Nothing more comes of it.
    Settled {
        session: String,
    },
}

impl Watch {
    pub fn new(host: &str, line: mpsc::UnboundedSender<Seen>) -> Watch {
        Watch { host: Arc::from(host), line }
    }

    fn tell(&self, seen: Seen) {
        // Nobody listens once the service is over.
        let _ = self.line.send(seen);
    }
}

impl App for Watch {
    fn name(&self) -> String {
        "callwright serve".to_owned()
    }

    fn on_created(&mut self, session: &Session) -> Result<(), AppError> {
        if session.is_inbound() {
            let header = |name: &str| session.header(name).unwrap_or_default();
            self.tell(Seen::Began {
                host: Arc::clone(&self.host),
                session: session.id().to_string(),
                from: header("Caller-Caller-ID-Number"),
                to: header("Caller-Destination-Number"),
            });
        }
        Ok(())
    }

    fn on_failed(&mut self, session: &Session, app: &str, error: &str) -> Result<(), AppError> {
        let (app, error) = (app.to_owned(), error.to_owned());
        self.tell(Seen::Failed { session: session.id().to_string(), app, error });
        Ok(())
    }

    fn on_settled(&mut self, session: &Session) -> Result<(), AppError> {
        self.tell(Seen::Settled { session: session.id().to_string() });
        Ok(())
    }

    fn on_destroyed(&mut self, session: &Session) -> Result<(), AppError> {
        if session.is_inbound() {
            let leg = leg_times(&session.facts());
            let code = session.variable("sip_term_status").or_else(|| session.variable("sip_invite_failure_status"));
            let answered = leg.answered.map(|_| 200);
            let sip_code = answered.or(code.and_then(|code| code.parse().ok()));
            self.tell(Seen::Ended { session: session.id().to_string(), leg, sip_code });
        }
        Ok(())
    }
}

fn leg_times(session: &call::Session) -> LegTimes {
    LegTimes {
        session: session.id.to_string(),
        created: session.created,
        originated: None,
        ringing: session.ringing,
        early_media: session.early_media,
        answered: session.answered,
        hung_up: session.hung_up,
        hangup_cause: session.hangup_cause.as_ref().map(ToString::to_string).unwrap_or_default(),
    }
}
