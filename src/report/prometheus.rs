#![expect(clippy::disallowed_methods, reason = "IO shell")]
//! The report for monitoring systems: Prometheus asks for it, over HTTP, as often as it likes.

mod exposition;

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use tiny_http::{Header, Method, Request, Response, Server};

use self::exposition::Exposition;
use super::{Report, ReportError};
use crate::run::RunEvent;

/// Answers `GET /metrics` with the loads of the run as they were told of last, in the text format 0.0.4 of Prometheus.
pub struct Prometheus {
    shared: Arc<Mutex<Exposition>>,
    server: Arc<Server>,
    thread: Option<JoinHandle<()>>,
}

/// No socket to be asked on.
#[derive(Debug, thiserror::Error)]
#[error("cannot give metrics on {address}: {source}")]
pub struct ListenError {
    pub address: SocketAddr,
    pub source: io::Error,
}

impl Prometheus {
    /// Listens on `address`, until the report is finished or dropped; port 0: on one that is free.
    pub fn listen(address: SocketAddr) -> Result<Prometheus, ListenError> {
        let listener = std::net::TcpListener::bind(address).map_err(|source| ListenError { address, source })?;
        let server = Server::from_listener(listener, None)
            .map_err(|source| ListenError { address, source: io::Error::other(source) })?;
        let server = Arc::new(server);
        let shared = Arc::new(Mutex::new(Exposition::default()));
        let thread = std::thread::spawn({
            let (server, shared) = (Arc::clone(&server), Arc::clone(&shared));
            move || {
                for request in server.incoming_requests() {
                    answer(request, &shared);
                }
            }
        });
        Ok(Prometheus { shared, server, thread: Some(thread) })
    }

    /// Where it listens.
    pub fn address(&self) -> Option<SocketAddr> {
        self.server.server_addr().to_ip()
    }

    fn stop(&mut self) {
        if let Some(thread) = self.thread.take() {
            self.server.unblock();
            // It does not panic: it answers what it is asked, and nothing else.
            let _ = thread.join();
        }
    }
}

/// What the path of a request is answered with.
fn answer(request: Request, shared: &Mutex<Exposition>) {
    let path = request.url().split('?').next().unwrap_or_default();
    let (status, text) = match (request.method(), path) {
        (Method::Get | Method::Head, "/metrics") => (200, shared.lock().unwrap_or_else(PoisonError::into_inner).text()),
        (Method::Get | Method::Head, _) => (404, "the metrics are at /metrics\n".to_owned()),
        _ => (405, "only GET\n".to_owned()),
    };
    let kind = if status == 200 { exposition::CONTENT_TYPE } else { "text/plain; charset=utf-8" };
    let mut response = Response::from_string(text).with_status_code(status);
    if let Ok(header) = Header::from_bytes("Content-Type", kind) {
        response.add_header(header);
    }
    // Whoever asked may have gone away.
    let _ = request.respond(response);
}

impl Report for Prometheus {
    fn handle(&mut self, event: &RunEvent) -> Result<(), ReportError> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner).handle(event);
        Ok(())
    }

    fn finish(&mut self) -> Result<(), ReportError> {
        self.stop();
        Ok(())
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        self.stop();
    }
}

impl std::fmt::Debug for Prometheus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Prometheus").field("address", &self.address()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::{Ipv4Addr, TcpStream};

    use super::*;

    fn asked(address: SocketAddr, request: &str) -> String {
        let mut stream = TcpStream::connect(address).unwrap();
        write!(stream, "{request}\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        text
    }

    #[test]
    fn metrics_are_given_where_they_are_asked_for_until_the_run_is_over() {
        let mut report = Prometheus::listen((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
        let address = report.address().unwrap();
        let text = asked(address, "GET /metrics?x=1 HTTP/1.1");
        assert!(text.starts_with("HTTP/1.1 200 OK\r\n") && text.contains("text/plain; version=0.0.4"), "{text}");
        assert!(text.contains("# TYPE callwright_info gauge\n"), "{text}");
        assert!(asked(address, "GET / HTTP/1.1").starts_with("HTTP/1.1 404 "));
        assert!(asked(address, "POST /metrics HTTP/1.1").starts_with("HTTP/1.1 405 "));
        let error = Prometheus::listen(address).unwrap_err().to_string();
        assert!(error.starts_with(&format!("cannot give metrics on {address}: ")), "{error}");
        report.finish().unwrap();
        drop(report);
        // The server wakes the thread that listens by a connection of its own, and does not wait for it to go.
        while TcpStream::connect(address).is_ok() {}
    }
}
