//! `gentones TGML[|LOOPS]`.

use super::super::core::{ChannelKey, SwitchCore};
use super::{Application, Doing, Repeat};

pub(super) const APPLICATION: Application = Application { name: "gentones", run };

fn run(core: &mut SwitchCore, key: ChannelKey, argument: &str) -> Doing {
    let (tones, loops) = argument.split_once('|').unwrap_or((argument, ""));
    let loops = if loops.is_empty() { String::new() } else { format!(";loops={}", loops.trim()) };
    core.start_playback(key, &format!("tone_stream://{tones}{loops}"), Repeat::Once)
}
