//! Whether there are sounds to be played by name.

use super::super::{Facts, Finding, Question};

const NAME: &str = "sounds";

pub(super) fn check(facts: &Facts) -> Vec<Finding> {
    if facts.host.is_none() {
        return Vec::new();
    }
    let folder = facts.answer(Question::SoundsFolder);
    vec![match (folder, facts.answer(Question::SoundsThere)) {
        (Some(folder), Some("true")) => Finding::ok(NAME, format!("sounds are looked for in {folder}")),
        _ if facts.is_embedded() => Finding::ok(NAME, "the embedded switch has no sounds; files go by their path"),
        (Some(folder), Some("false")) => Finding::warning(
            NAME,
            format!("there is no folder {folder}: prompts cannot be played by name; tones and files by their path can"),
            format!("install a package of sounds (freeswitch-sounds-en-us-callie) or make {folder}"),
        ),
        (Some(folder), _) => {
            Finding::unknown(NAME, format!("whether {folder} is there is not told"), "load mod_commands")
        }
        (None, _) => Finding::warning(
            NAME,
            "`sounds_dir` is not set: prompts cannot be played by name",
            "<X-PRE-PROCESS cmd=\"set\" data=\"sounds_dir=/usr/share/freeswitch/sounds\"/> in vars.xml",
        ),
    }]
}
