//! A report that waits until the run is over.

use super::{Report, ReportError};
use crate::run::RunEvent;

/// Hands what it hears on at the end: for a report to the terminal, which another one has until then. How loads fare
/// meanwhile is left out.
pub struct Later {
    report: Box<dyn Report>,
    events: Vec<RunEvent>,
}

impl Later {
    pub fn new(report: Box<dyn Report>) -> Later {
        Later { report, events: Vec::new() }
    }
}

impl Report for Later {
    fn handle(&mut self, event: &RunEvent) -> Result<(), ReportError> {
        if !matches!(event, RunEvent::LoadTold { .. } | RunEvent::CallEnded { .. }) {
            self.events.push(event.clone());
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<(), ReportError> {
        for event in std::mem::take(&mut self.events) {
            self.report.handle(&event)?;
        }
        self.report.finish()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::report::sample;

    struct Heard(Arc<Mutex<Vec<RunEvent>>>);

    impl Report for Heard {
        fn handle(&mut self, event: &RunEvent) -> Result<(), ReportError> {
            self.0.lock().unwrap().push(event.clone());
            Ok(())
        }

        fn finish(&mut self) -> Result<(), ReportError> {
            Ok(())
        }
    }

    #[test]
    fn all_is_told_at_the_end_and_nothing_before() {
        let heard = Arc::default();
        let mut later = Later::new(Box::new(Heard(Arc::clone(&heard))));
        let events = sample::events();
        events.iter().for_each(|event| later.handle(event).unwrap());
        later.handle(&sample::load_told("load")).unwrap();
        assert!(heard.lock().unwrap().is_empty());
        later.finish().unwrap();
        assert_eq!(*heard.lock().unwrap(), events);
    }
}
