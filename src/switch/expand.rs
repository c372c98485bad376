//! Variables in text: `${name}` of a channel, `$${name}` of the switch.

use super::api;
use super::core::{ChannelKey, SwitchCore};

/// Nested `${}` beyond this stay as they are.
const DEPTH: u8 = 8;

impl SwitchCore {
    /// `text` with the variables of a channel put in (`switch_channel_expand_variables`).
    pub(super) fn expand_for(&mut self, key: ChannelKey, text: &str) -> String {
        self.expand(text, Some(key), 0)
    }

    /// `text` with the variables of the switch put in.
    pub(super) fn expand_global(&mut self, text: &str) -> String {
        self.expand(text, None, 0)
    }

    /// Puts the variables of the switch into those of an originate.
    pub(super) fn expand_globals(&mut self, variables: &mut [(String, String)]) {
        for (_, value) in variables {
            if value.contains("$${") {
                *value = self.expand_global(value);
            }
        }
    }

    fn expand(&mut self, text: &str, key: Option<ChannelKey>, depth: u8) -> String {
        if depth > DEPTH || !text.contains("${") {
            return text.to_owned();
        }
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find("${") {
            let before = &rest[..at];
            let inside = &rest[at + 2..];
            let Some(end) = end_of_braces(inside) else { break };
            if let Some(escaped) = before.strip_suffix('\\') {
                out.push_str(escaped);
                out.push_str(&rest[at..at + 2 + end + 1]);
            } else {
                out.push_str(before.strip_suffix('$').unwrap_or(before));
                let name = self.expand(&inside[..end], key, depth + 1);
                out.push_str(&self.looked_up(&name, key));
            }
            rest = &inside[end + 1..];
        }
        out.push_str(rest);
        out
    }

    /// `name`, `name:offset:length`, or `api_command(arguments)`.
    fn looked_up(&mut self, text: &str, key: Option<ChannelKey>) -> String {
        if let Some((command, arguments)) = text.split_once('(').and_then(|(c, a)| Some((c, a.strip_suffix(')')?))) {
            return api::run_now(self, command.trim(), arguments).unwrap_or_default();
        }
        let (name, slice) = text.split_once(':').map_or((text, None), |(name, slice)| (name, Some(slice)));
        let channel = key.and_then(|key| self.channels.get(&key));
        let value = channel.and_then(|c| c.value(name)).or_else(|| self.global(name)).unwrap_or_default();
        match slice {
            None => value,
            Some(slice) => sliced(&value, slice),
        }
    }

    /// A variable of the switch.
    pub(super) fn global(&self, name: &str) -> Option<String> {
        let config = &self.config;
        Some(match name {
            "hostname" | "local_hostname" | "switchname" => config.hostname.clone(),
            "local_ip_v4" => config.ipv4.clone(),
            "local_ip_v6" => config.ipv6.clone(),
            "domain" => config.sip.ip().to_string(),
            "sounds_dir" => config.sounds_dir.to_string_lossy().into_owned(),
            "sound_prefix" => config.sounds_dir.join("en/us/callie").to_string_lossy().into_owned(),
            "recordings_dir" => config.recordings_dir.to_string_lossy().into_owned(),
            "core_uuid" => self.source.core_uuid().to_owned(),
            _ => return None,
        })
    }
}

/// Where the brace that was opened before `text` is closed.
fn end_of_braces(text: &str) -> Option<usize> {
    let mut depth = 1;
    for (at, c) in text.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(at);
        }
    }
    None
}

/// `offset` or `offset:length`, in characters; an offset below 0 counts from the end.
fn sliced(value: &str, slice: &str) -> String {
    let (offset, length) = slice.split_once(':').unwrap_or((slice, ""));
    let count = value.chars().count();
    let offset: i64 = offset.trim().parse().unwrap_or(0);
    let skip = match usize::try_from(offset) {
        Ok(offset) => offset,
        Err(_) => count.saturating_sub(offset.unsigned_abs().try_into().unwrap_or(usize::MAX)),
    };
    let take = length.trim().parse().unwrap_or(count);
    value.chars().skip(skip).take(take).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slice_counts_from_either_end() {
        assert_eq!(
            ["1", "1:2", "-2", "-9", "9", "x"].map(|s| sliced("abcd", s)),
            ["bcd", "bc", "cd", "abcd", "", "abcd"]
        );
    }

    #[test]
    fn braces_nest() {
        assert_eq!((end_of_braces("a${b}c}d"), end_of_braces("a{b")), (Some(6), None));
    }
}
