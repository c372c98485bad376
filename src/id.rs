//! Names of sessions, calls and jobs, and where new ones come from.

use std::fmt;
use std::sync::Arc;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            pub fn new(text: impl AsRef<str>) -> Self {
                $name(Arc::from(text.as_ref()))
            }

            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", &*self.0)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                $name::new(text)
            }
        }

        // So that a map of these can be asked with a `&str`.
        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
    };
}

text_id! {
    /// A session: the `Unique-ID` of one channel on one switch. Usually a UUID, but a switch may be told another text.
    SessionId
}
text_id! {
    /// A call: the value of the tracking header that joins its sessions.
    CallId
}
text_id! {
    /// A job: the `Job-UUID` of one `bgapi` command.
    JobId
}

/// Makes new ids. Seeded, so that a run in virtual time can be repeated.
#[derive(Debug)]
pub struct Ids {
    rng: StdRng,
}

impl Ids {
    /// The same `seed` gives the same ids.
    pub fn seeded(seed: u64) -> Self {
        Ids { rng: StdRng::seed_from_u64(seed) }
    }

    /// Seeded from the operating system.
    pub fn random() -> Self {
        Ids { rng: rand::make_rng() }
    }

    /// A new version 4 UUID (RFC 9562).
    pub fn uuid(&mut self) -> String {
        let mut bytes = [0; 16];
        self.rng.fill_bytes(&mut bytes);
        uuid::Builder::from_random_bytes(bytes).into_uuid().to_string()
    }

    /// Any 64-bit number: a seed.
    pub fn long(&mut self) -> u64 {
        self.rng.next_u64()
    }

    /// Any 32-bit number: an SSRC, a tag, a first sequence number.
    pub fn number(&mut self) -> u32 {
        self.rng.next_u32()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_seed_gives_one_series_of_ids() {
        let (mut a, mut b) = (Ids::seeded(7), Ids::seeded(7));
        let first = a.uuid();
        assert_eq!(first, b.uuid());
        assert_ne!(first, a.uuid());
        assert_eq!(first.len(), 36);
    }
}
