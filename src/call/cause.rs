//! placeholder until merged
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HangupCause(String);
impl HangupCause {
    pub fn parse(s: &str) -> Self {
        HangupCause(s.to_owned())
    }
}
impl std::fmt::Display for HangupCause {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}
