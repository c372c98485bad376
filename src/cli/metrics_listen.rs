//! `--metrics-listen`, an option of `run` and `dial`.

use std::net::{Ipv4Addr, SocketAddr};

use clap::Args;

use super::{Exit, complain};
use crate::report::{Prometheus, Report};

#[derive(Clone, Copy, Debug, Default, Args)]
#[group(skip)]
pub(super) struct MetricsListen {
    /// Give the figures of loads under way to Prometheus, as `http://ADDR:PORT/metrics`; an address of this machine alone
    /// where only a PORT is given, of which 0 takes one that is free
    #[arg(long, value_name = "[ADDR:]PORT", value_parser = address)]
    metrics_listen: Option<SocketAddr>,
}

/// `9100`, `:9100`, `localhost:9100`, `0.0.0.0:9100`, `[::]:9100`
fn address(text: &str) -> Result<SocketAddr, String> {
    let port = text.strip_prefix("localhost:").or(text.strip_prefix(':')).unwrap_or(text);
    if let Ok(port) = port.parse::<u16>() {
        return Ok((Ipv4Addr::LOCALHOST, port).into());
    }
    text.parse().map_err(|_| "it is no port, and no address with a port such as `0.0.0.0:9100`".to_owned())
}

impl MetricsListen {
    /// The report, if it is asked for, which listens from now on; where it cannot that is told, and an exit code.
    pub fn report(self) -> Result<Option<Box<dyn Report>>, Exit> {
        let Some(address) = self.metrics_listen else { return Ok(None) };
        match Prometheus::listen(address) {
            Ok(report) => {
                if let Some(address) = report.address() {
                    super::show(&format!("metrics: http://{address}/metrics"));
                }
                Ok(Some(Box::new(report)))
            }
            Err(error) => {
                complain(error);
                Err(Exit::Unknown)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_an_address_only_this_machine_may_ask() {
        for text in ["9100", ":9100", "localhost:9100", "127.0.0.1:9100"] {
            assert_eq!(address(text).unwrap().to_string(), "127.0.0.1:9100", "{text}");
        }
        assert_eq!(address("0.0.0.0:9100").unwrap().to_string(), "0.0.0.0:9100");
        assert_eq!(address("[::]:0").unwrap().to_string(), "[::]:0");
        for text in ["", "99999", "pbx", "pbx:9100", "10.0.0.1"] {
            assert!(address(text).is_err(), "{text}");
        }
    }
}
