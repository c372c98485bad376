//! `transfer`: the leg goes to another extension of the dialplan.

use super::{Begun, Start, Step, StepVariant, Until, boxed};
use crate::scenario::mapping::{default, mapping, optional, required};
use crate::scenario::scalar::token;
use crate::scenario::shape::Shape;
use crate::scenario::tagged::Variant;

/// Sends this leg through the dialplan again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transfer {
    /// The extension; with the dialplan `inline`, applications.
    pub to: String,
    pub dialplan: String,
    /// `None`: the one that the leg is in.
    pub context: Option<String>,
}

/// What FreeSWITCH calls the dialplan of its configuration files.
const XML: &str = "XML";

fn word(expects: &'static str) -> Shape<String> {
    token(expects, "^[^\\s'\"]+$")
}

pub(super) fn variant() -> StepVariant {
    let full = mapping!(Transfer {
        to: required("to", word("an extension"), "The extension."),
        dialplan: default("dialplan", word("a dialplan such as `XML`"), XML.to_owned(), XML, "The dialplan."),
        context: optional("context", word("a context"), "The context; the leg's own, unless told otherwise."),
    });
    let short = word("an extension").map(|to| Transfer { to, dialplan: XML.to_owned(), context: None });
    let doc = "Sends this leg to another extension of the dialplan; the next step follows when it is parked there.";
    Variant::new("transfer", doc).with(short.or(full).map(boxed))
}

impl Step for Transfer {
    fn kind(&self) -> &'static str {
        "transfer"
    }

    fn describe(&self) -> String {
        format!("transfer to {}", self.to)
    }

    fn start(&self, start: &mut Start<'_>) -> Begun {
        let mut line = format!("{} {}", self.to, self.dialplan);
        if let Some(context) = &self.context {
            line.push(' ');
            line.push_str(context);
        }
        start.leave_park();
        start.api_on_leg("uuid_transfer", &line);
        Until::Parked.into()
    }
}
