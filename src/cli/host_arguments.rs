//! What `run` and `dial` are told of hosts, beside those that call.

use std::path::PathBuf;

use clap::Args;

use crate::run::{HostSpec, Mapping};
use crate::switch::DEFAULT_PASSWORD;

/// Options of `run` and `dial`.
#[derive(Debug, Args)]
#[group(skip)]
pub(super) struct HostArguments {
    /// A host that is called from the others, which otherwise call themselves; of several, each caller has one in turn. Its
    /// event socket is listened to as well
    #[arg(long = "callee-host", value_name = "[NAME=]HOST[:PORT]")]
    pub callee_hosts: Vec<HostSpec>,

    /// A file of more hosts, one a line, with `callee`, `slots=N` or `password-env=NAME` behind it
    #[arg(long = "hosts", value_name = "FILE")]
    pub host_files: Vec<PathBuf>,

    /// Password of the hosts' event sockets
    #[arg(
        long,
        value_name = "PASSWORD",
        env = "CALLWRIGHT_PASSWORD",
        hide_env_values = true,
        default_value = DEFAULT_PASSWORD
    )]
    pub password: String,

    /// A folder of a host's recordings and the folder here that shows it; may be given several times, and for one host
    /// alone. Without, recordings are looked for where the host wrote them, and else carried over its event socket, where
    /// that allows `system`
    #[arg(long = "recordings", value_name = "[HOST:]REMOTE=LOCAL")]
    pub recordings: Vec<Mapping>,
}
