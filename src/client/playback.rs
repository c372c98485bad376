//! What a session is to play, in the switch's words.

/// One or several sources that a session plays: files on the host, `tone_stream://`, `silence_stream://`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Playback {
    sources: Vec<String>,
    /// Samples that are left out at the beginning.
    start: Option<u64>,
    endless: bool,
    /// Parameters in braces before the source: `loops=3`.
    params: Vec<(String, String)>,
}

impl Playback {
    /// One source.
    pub fn of(source: impl Into<String>) -> Self {
        Playback::list([source])
    }

    /// Several, one after the other.
    pub fn list<S: Into<String>>(sources: impl IntoIterator<Item = S>) -> Self {
        let sources = sources.into_iter().map(Into::into).collect();
        Playback { sources, start: None, endless: false, params: Vec::new() }
    }

    /// A sine of so many hertz without an end.
    pub fn tone(hertz: u32) -> Self {
        // A second holds whole periods, so that its repetition is seamless.
        Playback::of(format!("tone_stream://%(1000,0,{hertz});loops=-1"))
    }

    /// From this sample of the file on.
    pub fn from_sample(self, sample: u64) -> Self {
        Playback { start: Some(sample), ..self }
    }

    /// Again and again, until something else is played or the session ends.
    pub fn endless(self) -> Self {
        Playback { endless: true, ..self }
    }

    /// A parameter of the source: `loops`, `timeout`.
    pub fn param(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.params.push((name.into(), value.into()));
        self
    }

    /// Whether it does not end by itself.
    pub fn is_endless(&self) -> bool {
        self.endless || self.loops_itself()
    }

    /// Whether the source itself repeats for ever, so that the application need not.
    pub(super) fn loops_itself(&self) -> bool {
        let loops = |text: &str| text.split([';', ',']).any(|part| matches!(part.trim(), "loops=-1" | "l=-1" | "L=-1"));
        self.sources.iter().any(|source| loops(source))
            || self.params.iter().any(|(name, value)| name == "loops" && value == "-1")
    }

    /// The argument of the application.
    pub(super) fn argument(&self) -> String {
        let params: Vec<_> = self.params.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let params = if params.is_empty() { String::new() } else { format!("{{{}}}", params.join(",")) };
        let sources = match self.sources.as_slice() {
            [source] => source.clone(),
            several => format!("file_string://{}", several.join("!")),
        };
        let start = self.start.map(|sample| format!("@@{sample}")).unwrap_or_default();
        format!("{params}{sources}{start}")
    }
}

impl From<&str> for Playback {
    fn from(source: &str) -> Self {
        Playback::of(source)
    }
}

impl From<String> for Playback {
    fn from(source: String) -> Self {
        Playback::of(source)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_playback_is_written_as_the_application_takes_it() {
        let clip = Playback::of("/s/clip.wav").from_sample(8_000).param("timeout", "500");
        assert_eq!((clip.argument(), clip.is_endless()), ("{timeout=500}/s/clip.wav@@8000".to_owned(), false));
        assert_eq!(Playback::list(["a.wav", "b.wav"]).argument(), "file_string://a.wav!b.wav");
        assert!(Playback::tone(1_004).is_endless() && Playback::tone(1_004).loops_itself());
        assert!(Playback::of("a.wav").endless().is_endless());
        assert!(!Playback::of("tone_stream://%(100,0,440);loops=3").is_endless());
    }
}
