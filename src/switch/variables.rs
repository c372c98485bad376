//! Channel variables: named texts in the order they were last set, as events list them.

/// Variables of one channel.
///
/// Setting a variable again moves it behind the others, as in FreeSWITCH (which removes the old one and appends). Names are
/// case-insensitive to look up and keep the case of the last set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Variables(Vec<Variable>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Variable {
    /// `variable_NAME`, as events want it: they are written far more often than a variable is set.
    header: String,
    value: String,
}

const PREFIX: &str = "variable_";

impl Variable {
    fn name(&self) -> &str {
        &self.header[PREFIX.len()..]
    }

    fn is(&self, name: &str) -> bool {
        self.name().eq_ignore_ascii_case(name)
    }
}

impl Variables {
    /// Sets `name`. An empty value removes it: FreeSWITCH knows no empty variables.
    pub fn set(&mut self, name: &str, value: impl Into<String>) {
        let value = value.into();
        self.unset(name);
        if !value.is_empty() {
            self.0.push(Variable { header: [PREFIX, name].concat(), value });
        }
    }

    /// Removes `name`.
    pub fn unset(&mut self, name: &str) {
        if let Some(at) = self.0.iter().position(|variable| variable.is(name)) {
            self.0.remove(at);
        }
    }

    /// The value of `name`.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|variable| variable.is(name)).map(|variable| variable.value.as_str())
    }

    /// Whether `name` is set to what FreeSWITCH takes for yes (`switch_true`).
    pub fn is_true(&self, name: &str) -> bool {
        self.value(name).is_some_and(is_true)
    }

    /// Sets `name` to the value it has, which moves it behind the others.
    pub fn touch(&mut self, name: &str) {
        if let Some(at) = self.0.iter().position(|variable| variable.is(name)) {
            let entry = self.0.remove(at);
            self.0.push(entry);
        }
    }

    /// All, in the order they were last set: the name with `variable_` before it, and the value.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|variable| (variable.header.as_str(), variable.value.as_str()))
    }

    /// All, in the order they were last set.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|variable| (variable.name(), variable.value.as_str()))
    }
}

/// What FreeSWITCH takes for yes: `yes`, `on`, `true`, `t`, `enabled`, `active`, `allow` in any case, or a number other
/// than 0 (`switch_true`).
pub fn is_true(text: &str) -> bool {
    ["yes", "on", "true", "t", "enabled", "active", "allow"].iter().any(|yes| text.eq_ignore_ascii_case(yes))
        || is_number_above_zero(text.strip_prefix(['+', '-']).unwrap_or(text))
}

fn is_number_above_zero(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_digit()) && text.bytes().any(|b| b != b'0')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_set_again_moves_behind_the_others() {
        let mut variables = Variables::default();
        for (name, value) in [("a", "1"), ("b", "2"), ("A", "3"), ("c", "")] {
            variables.set(name, value);
        }
        assert_eq!(variables.iter().collect::<Vec<_>>(), [("b", "2"), ("A", "3")]);
        assert_eq!((variables.value("a"), variables.value("c")), (Some("3"), None));
    }

    #[test]
    fn yes_is_told_as_freeswitch_tells_it() {
        assert!(["true", "YES", "1", "12", "-1", "on"].iter().all(|t| is_true(t)));
        assert!(["", "0", "-0", "00", "false", "maybe", "-"].iter().all(|t| !is_true(t)));
    }
}
