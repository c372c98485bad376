//! API commands: one file each, [`APIS`] lists them.

mod console;
mod console_complete;
mod create_uuid;
mod echo;
mod eval;
mod expand;
mod file_exists;
mod fsctl;
mod global_getvar;
mod hostname;
mod hupall;
mod module_exists;
mod originate;
mod reload;
mod reloadxml;
mod sched_api;
mod sched_del;
mod sched_hangup;
mod show;
mod sofia;
mod status;
mod strftime;
mod switchname;
mod system;
mod uptime;
mod uuid_answer;
mod uuid_audio;
mod uuid_break;
mod uuid_bridge;
mod uuid_broadcast;
mod uuid_deflect;
mod uuid_dump;
mod uuid_exists;
mod uuid_getvar;
mod uuid_hold;
mod uuid_kill;
mod uuid_park;
mod uuid_pre_answer;
mod uuid_record;
mod uuid_recv_dtmf;
mod uuid_send_dtmf;
mod uuid_setvar;
mod uuid_setvar_multi;
mod uuid_transfer;
mod version;
mod xml_locate;

use crate::esl::Event;
use crate::media::RecordId;

use super::core::{AskId, ConnId, Output, Question, SwitchCore, Task};
use super::events::origin;
use super::originate::OriginateId;

/// One API command.
pub struct ApiCommand {
    pub name: &'static str,
    run: fn(&mut SwitchCore, &str) -> ApiWait,
}

/// Every command that this switch has.
pub static APIS: &[ApiCommand] = &[
    console::COMMAND,
    console_complete::COMMAND,
    create_uuid::COMMAND,
    echo::COMMAND,
    eval::COMMAND,
    expand::COMMAND,
    file_exists::COMMAND,
    fsctl::COMMAND,
    global_getvar::COMMAND,
    hostname::COMMAND,
    hupall::COMMAND,
    module_exists::COMMAND,
    originate::COMMAND,
    reload::COMMAND,
    reloadxml::COMMAND,
    sched_api::COMMAND,
    sched_del::COMMAND,
    sched_hangup::COMMAND,
    show::COMMAND,
    sofia::COMMAND,
    status::COMMAND,
    strftime::COMMAND,
    switchname::COMMAND,
    system::COMMAND,
    uptime::COMMAND,
    uuid_answer::COMMAND,
    uuid_audio::COMMAND,
    uuid_break::COMMAND,
    uuid_bridge::COMMAND,
    uuid_broadcast::COMMAND,
    uuid_deflect::COMMAND,
    uuid_dump::COMMAND,
    uuid_exists::COMMAND,
    uuid_getvar::COMMAND,
    uuid_hold::COMMAND,
    uuid_kill::COMMAND,
    uuid_park::COMMAND,
    uuid_pre_answer::COMMAND,
    uuid_record::COMMAND,
    uuid_recv_dtmf::COMMAND,
    uuid_send_dtmf::COMMAND,
    uuid_setvar::COMMAND,
    uuid_setvar_multi::COMMAND,
    uuid_transfer::COMMAND,
    version::COMMAND,
    xml_locate::COMMAND,
];

impl ApiCommand {
    /// The command called `name`, in any case.
    pub fn named(name: &str) -> Option<&'static ApiCommand> {
        APIS.iter().find(|command| command.name.eq_ignore_ascii_case(name))
    }
}

/// When a command has its reply.
#[derive(Debug)]
pub enum ApiWait {
    Now(String),
    /// When the originate has a result.
    Originate(OriginateId),
    /// When a recording has begun or is closed.
    Record(RecordId),
    /// When the machine has answered.
    Ask(Question),
}

impl From<&str> for ApiWait {
    fn from(reply: &str) -> Self {
        ApiWait::Now(reply.to_owned())
    }
}

impl From<String> for ApiWait {
    fn from(reply: String) -> Self {
        ApiWait::Now(reply)
    }
}

/// Who called a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Caller {
    /// `api`: the client waits.
    Connection(ConnId),
    /// `bgapi`, by its Job-UUID, and of which session's client.
    Job {
        job: String,
        owner: Option<String>,
    },
    Scheduler,
}

/// A command that was called and has no reply yet.
#[derive(Debug)]
pub struct ApiCall {
    caller: Caller,
    command: String,
    argument: String,
    /// The API event, which FreeSWITCH makes before the command runs and sends after it.
    event: Option<Event>,
}

pub(super) const NO_CHANNEL: &str = "-ERR No such channel!\n";

impl SwitchCore {
    /// Makes the call of `COMMAND ARGUMENTS`.
    pub(super) fn begin_api(&mut self, caller: Caller, text: &str) -> ApiCall {
        let (command, argument) = text.split_once(' ').unwrap_or((text, ""));
        // A blank at the end of a line that is being typed counts.
        let as_it_is = command.eq_ignore_ascii_case(console_complete::COMMAND.name);
        let argument = if as_it_is { argument } else { argument.trim() };
        let event = if self.connections.values().any(|c| c.wants("API")) {
            let mut event = self.source.event(self.now, "API", origin::API);
            event.push("API-Command", command);
            if !argument.is_empty() {
                event.push("API-Command-Argument", argument);
            }
            Some(event)
        } else {
            self.source.skip();
            None
        };
        ApiCall { caller, command: command.to_owned(), argument: argument.to_owned(), event }
    }

    /// Runs a call.
    pub(super) fn call_api(&mut self, call: ApiCall) {
        let Some(command) = ApiCommand::named(&call.command) else {
            let reply = format!("-ERR {} Command not found!\n", call.command);
            return self.finish_api(call, reply);
        };
        match (command.run)(self, &call.argument) {
            ApiWait::Now(reply) => self.finish_api(call, reply),
            ApiWait::Originate(id) => {
                if let Some(placing) = self.placing.get_mut(&id) {
                    placing.call = Some(call);
                }
            }
            ApiWait::Record(id) => {
                self.recording_calls.insert(id, call);
            }
            ApiWait::Ask(question) => {
                let id = AskId(self.next_id());
                self.asked.insert(id, call);
                self.output(Output::Ask { id, question });
            }
        }
    }

    /// Gives a call its reply.
    pub(super) fn finish_api(&mut self, call: ApiCall, reply: String) {
        if let Some(event) = call.event {
            self.fire(event);
        }
        match call.caller {
            Caller::Connection(conn) => self.api_done(conn, reply),
            Caller::Job { job, owner } => {
                let mut event = self.source.event(self.now, "BACKGROUND_JOB", origin::BACKGROUND_JOB);
                event.push("Job-UUID", job);
                if let Some(owner) = owner {
                    event.push("Job-Owner-UUID", owner);
                }
                event.push("Job-Command", call.command);
                if !call.argument.is_empty() {
                    event.push("Job-Command-Arg", call.argument);
                }
                event.set_body(reply);
                self.fire(event);
            }
            Caller::Scheduler => {}
        }
    }

    /// Puts a job on the list; it runs after the reply to `bgapi`.
    pub(super) fn begin_job(&mut self, job: String, owner: Option<String>, text: &str) {
        let (command, argument) = text.split_once(' ').unwrap_or((text, ""));
        let (command, argument) = (command.to_owned(), argument.to_owned());
        self.jobs.push_back(ApiCall { caller: Caller::Job { job, owner }, command, argument, event: None });
        self.later(Task::Job);
    }

    /// Runs the oldest job that was not begun.
    pub(super) fn run_job(&mut self) {
        let Some(job) = self.jobs.pop_front() else { return };
        let text = if job.argument.is_empty() { job.command } else { format!("{} {}", job.command, job.argument) };
        let call = self.begin_api(job.caller, &text);
        self.call_api(call);
    }
}

/// The reply of a command that has it at once.
pub(super) fn run_now(core: &mut SwitchCore, name: &str, argument: &str) -> Option<String> {
    match (ApiCommand::named(name)?.run)(core, argument) {
        ApiWait::Now(reply) => Some(reply),
        ApiWait::Originate(_) | ApiWait::Record(_) | ApiWait::Ask(_) => None,
    }
}

/// `UUID` and what follows it.
fn uuid_and_rest(argument: &str) -> (&str, &str) {
    let argument = argument.trim();
    argument.split_once(' ').map_or((argument, ""), |(uuid, rest)| (uuid, rest.trim()))
}
