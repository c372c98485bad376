//! Which tests: the options that `run` and `check` share.

use clap::{Args, ValueHint};

use crate::run::Choice;
use crate::scenario::Programs;

#[derive(Debug, Args)]
#[group(skip)]
pub(super) struct Arguments {
    /// Scenario files, folders of them, globs in quotation marks ('scenarios/**/dtmf*.yaml'), and single tests as
    /// FILE::NAME, of a matrix as FILE::NAME[codec=PCMA] with some or all of its values, of several hosts as
    /// FILE::NAME[host=HOST]
    #[arg(value_name = "PATH", default_value = "scenarios", value_hint = ValueHint::AnyPath)]
    pub paths: Vec<String>,

    /// Only tests for whose FILE::NAME the expression holds: words, which are parts of it in capitals or not, joined by
    /// `and`, `or`, `not` and parentheses; a text with blanks stands in quotation marks
    #[arg(short = 'k', long = "select", value_name = "EXPR", allow_hyphen_values = true)]
    pub select: Option<String>,

    /// Only tests for whose tags the expression holds, which is made as that of -k, of whole tags
    #[arg(short = 'm', long = "tags", value_name = "EXPR", allow_hyphen_values = true)]
    pub tags: Option<String>,

    /// Take the options of this profile of callwright.toml, which `callwright config --help` tells of
    #[arg(long, value_name = "NAME", env = "CALLWRIGHT_PROFILE")]
    pub profile: Option<String>,

    #[command(flatten)]
    pub programs: AllowSystem,
}

/// An option of `run`, `check`, `dial` and `serve`.
#[derive(Clone, Copy, Debug, Default, Args)]
#[group(skip)]
pub(super) struct AllowSystem {
    /// Let scenarios and routes have the hosts run programs and code: `system`, `lua` and the like, which are refused otherwise. They
    /// run as the account of the switch
    #[arg(long)]
    allow_system: bool,
}

impl AllowSystem {
    pub fn programs(self) -> Programs {
        if self.allow_system { Programs::Allowed } else { Programs::Refused }
    }
}

impl Arguments {
    pub fn choice(self) -> Choice {
        Choice { keyword: self.select, tags: self.tags, programs: self.programs.programs(), ..Choice::of(self.paths) }
    }
}
