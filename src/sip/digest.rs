//! Digest authentication of a client (RFC 7616, RFC 8760, and RFC 2617 where no `qop` is offered).
//!
//! A challenge is read from one WWW-Authenticate or Proxy-Authenticate field, the answer goes into Authorization or
//! Proxy-Authorization. Left out: `qop=auth-int` (a challenge that offers nothing else is not answered), `userhash`,
//! Authentication-Info.

use std::fmt;

use md5::{Digest, Md5};
use sha2::{Sha256, Sha512_256};

use super::Message;
use super::name_addr::{quote, split_list};

/// Who we are to a server that asks.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    pub username: String,
    pub password: String,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("username", &self.username).finish_non_exhaustive()
    }
}

/// What a server asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge {
    /// As it stands between its quotes.
    pub realm: String,
    pub nonce: String,
    pub opaque: Option<String>,
    pub algorithm: Algorithm,
    pub protection: Protection,
    pub freshness: Freshness,
}

/// How the answer is hashed; the names of RFC 8760 2.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// Not named, which means MD5.
    Unnamed,
    Md5,
    Md5Session,
    Sha256,
    Sha256Session,
    Sha512Of256,
    Sha512Of256Session,
}

/// Whether answers are counted (`qop=auth`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protection {
    /// RFC 2069's: no count, no nonce of ours.
    None,
    Auth,
}

/// Whether the last answer failed only because its nonce was old (`stale=true`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    Unsaid,
    Stale,
}

/// Whom an answer is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asker {
    /// 401: the user agent or registrar at the end.
    Server,
    /// 407: a proxy on the way.
    Proxy,
}

impl Asker {
    /// The field that asks.
    fn challenge(self) -> &'static str {
        match self {
            Asker::Server => "WWW-Authenticate",
            Asker::Proxy => "Proxy-Authenticate",
        }
    }

    /// The field that answers.
    pub fn answer(self) -> &'static str {
        match self {
            Asker::Server => "Authorization",
            Asker::Proxy => "Proxy-Authorization",
        }
    }
}

impl Challenge {
    /// Reads the value of one field; `None` where it is another scheme than Digest, lacks what it must have, or asks for
    /// what is left out here.
    pub fn parse(value: &str) -> Option<Challenge> {
        let (scheme, rest) = value.trim().split_once(|c: char| c.is_ascii_whitespace())?;
        if !scheme.eq_ignore_ascii_case("Digest") {
            return None;
        }
        let parameters: Vec<(&str, &str)> =
            split_list(rest).into_iter().filter_map(|part| part.split_once('=')).map(trimmed).collect();
        let of = |name: &str| parameters.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| *value);
        let protection = match of("qop") {
            None => Protection::None,
            Some(offered) if offered.split(',').any(|one| one.trim().eq_ignore_ascii_case("auth")) => Protection::Auth,
            Some(_) => return None,
        };
        let stale = of("stale").is_some_and(|stale| stale.eq_ignore_ascii_case("true"));
        Some(Challenge {
            realm: of("realm")?.to_owned(),
            nonce: of("nonce")?.to_owned(),
            opaque: of("opaque").map(str::to_owned),
            algorithm: of("algorithm").map_or(Some(Algorithm::Unnamed), Algorithm::named)?,
            protection,
            freshness: if stale { Freshness::Stale } else { Freshness::Unsaid },
        })
    }

    /// The challenges of a 401 or 407 that can be answered: of each realm the first, for a server names first what it
    /// likes best (RFC 8760 2.4).
    pub fn all_of(response: &Message) -> Vec<(Asker, Challenge)> {
        let mut found: Vec<(Asker, Challenge)> = Vec::new();
        for asker in [Asker::Server, Asker::Proxy] {
            let fields = response.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case(asker.challenge()));
            for challenge in fields.filter_map(|(_, value)| Challenge::parse(value)) {
                if found.iter().all(|(other, known)| *other != asker || known.realm != challenge.realm) {
                    found.push((asker, challenge));
                }
            }
        }
        found
    }

    /// The value of the field that answers it, for a request with `method` to `uri`. `count` is how often this nonce was
    /// used, from 1; `cnonce` is a text that nobody can foresee.
    pub fn answer(&self, by: &Credentials, method: &str, uri: &str, count: u32, cnonce: &str) -> String {
        let Challenge { realm, nonce, algorithm, .. } = self;
        let hash = |text: String| algorithm.hash(text.as_bytes());
        let mut secret = hash(format!("{}:{realm}:{}", by.username, by.password));
        if algorithm.is_session() {
            secret = hash(format!("{secret}:{nonce}:{cnonce}"));
        }
        let request = hash(format!("{method}:{uri}"));
        let (username, counted) = (quote(&by.username), format!("{count:08x}"));
        let response = match self.protection {
            Protection::Auth => hash(format!("{secret}:{nonce}:{counted}:{cnonce}:auth:{request}")),
            Protection::None => hash(format!("{secret}:{nonce}:{request}")),
        };
        let mut text = format!(
            "Digest username={username}, realm=\"{realm}\", nonce=\"{nonce}\", uri=\"{uri}\", response=\"{response}\""
        );
        if let Some(name) = algorithm.name() {
            text += &format!(", algorithm={name}");
        }
        if self.protection == Protection::Auth || algorithm.is_session() {
            text += &format!(", cnonce=\"{cnonce}\"");
        }
        if let Some(opaque) = &self.opaque {
            text += &format!(", opaque=\"{opaque}\"");
        }
        if self.protection == Protection::Auth {
            text += &format!(", qop=auth, nc={counted}");
        }
        text
    }
}

impl Algorithm {
    fn named(name: &str) -> Option<Algorithm> {
        NAMED.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, algorithm)| *algorithm)
    }

    fn name(self) -> Option<&'static str> {
        NAMED.iter().find(|(_, algorithm)| *algorithm == self).map(|(name, _)| *name)
    }

    fn is_session(self) -> bool {
        matches!(self, Algorithm::Md5Session | Algorithm::Sha256Session | Algorithm::Sha512Of256Session)
    }

    /// In lower-case hexadecimal digits.
    fn hash(self, text: &[u8]) -> String {
        match self {
            Algorithm::Unnamed | Algorithm::Md5 | Algorithm::Md5Session => hexadecimal(&Md5::digest(text)),
            Algorithm::Sha256 | Algorithm::Sha256Session => hexadecimal(&Sha256::digest(text)),
            Algorithm::Sha512Of256 | Algorithm::Sha512Of256Session => hexadecimal(&Sha512_256::digest(text)),
        }
    }
}

const NAMED: [(&str, Algorithm); 6] = [
    ("MD5", Algorithm::Md5),
    ("MD5-sess", Algorithm::Md5Session),
    ("SHA-256", Algorithm::Sha256),
    ("SHA-256-sess", Algorithm::Sha256Session),
    ("SHA-512-256", Algorithm::Sha512Of256),
    ("SHA-512-256-sess", Algorithm::Sha512Of256Session),
];

/// What a user agent knows of the servers that asked it within one dialog or registration.
#[derive(Clone, Debug, Default)]
pub(super) struct Authentication {
    credentials: Option<Credentials>,
    /// Who asked, what, and how often that nonce was used.
    asked: Vec<(Asker, Challenge, u32)>,
}

impl Authentication {
    pub fn with(credentials: Option<Credentials>) -> Authentication {
        Authentication { credentials, asked: Vec::new() }
    }

    /// Learns from a 401 or 407 to a request that was refused so `refusals` times before. False when there is no use in
    /// asking again: nothing that we could answer with, or an answer that was refused for another reason than its age.
    pub fn learn(&mut self, response: &Message, refusals: u32) -> bool {
        let challenges = Challenge::all_of(response);
        if self.credentials.is_none() || challenges.is_empty() || refusals >= MOST_REFUSALS {
            return false;
        }
        let mut anew = false;
        for (asker, challenge) in challenges {
            let known = self.asked.iter_mut().find(|(a, c, _)| *a == asker && c.realm == challenge.realm);
            match known {
                // The first request of a dialog may have carried a nonce that has aged since; the second has not.
                Some((_, before, count)) => {
                    anew |=
                        before.nonce != challenge.nonce && (refusals == 0 || challenge.freshness == Freshness::Stale);
                    (*before, *count) = (challenge, 0);
                }
                None => {
                    anew = true;
                    self.asked.push((asker, challenge, 0));
                }
            }
        }
        anew
    }

    /// The fields that answer everybody who asked so far.
    pub fn answers(&mut self, method: &str, uri: &str, mut cnonce: impl FnMut() -> String) -> Vec<(String, String)> {
        let Some(credentials) = &self.credentials else { return Vec::new() };
        let answer = |(asker, challenge, count): &mut (Asker, Challenge, u32)| {
            *count += 1;
            (asker.answer().to_owned(), challenge.answer(credentials, method, uri, *count, &cnonce()))
        };
        self.asked.iter_mut().map(answer).collect()
    }
}

/// How often one request is sent again with other answers.
const MOST_REFUSALS: u32 = 3;

fn trimmed<'a>((name, value): (&'a str, &'a str)) -> (&'a str, &'a str) {
    let value = value.trim();
    (name.trim(), value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value))
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sip::StartLine;
    use proptest::prelude::*;
    use rstest::rstest;

    fn mufasa(password: &str) -> Credentials {
        Credentials { username: "Mufasa".into(), password: password.into() }
    }

    fn parameter<'a>(answer: &'a str, name: &str) -> &'a str {
        let start = answer.find(&format!(" {name}=")).unwrap_or_else(|| panic!("no {name} in {answer}"));
        let value = &answer[start + name.len() + 2..];
        value.split(',').next().unwrap().trim_matches('"')
    }

    // RFC 7616 3.9.1.
    #[rstest]
    #[case("MD5", "8ca523f5e9506fed4657c9700eebdbec")]
    #[case("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1")]
    fn the_examples_of_rfc_7616_are_answered_as_it_says(#[case] algorithm: &str, #[case] response: &str) {
        let challenge = Challenge::parse(&format!(
            "Digest realm=\"http-auth@example.org\", qop=\"auth, auth-int\", algorithm={algorithm}, \
             nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\""
        ))
        .unwrap();
        let cnonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ";
        let answer = challenge.answer(&mufasa("Circle of Life"), "GET", "/dir/index.html", 1, cnonce);
        assert_eq!(parameter(&answer, "response"), response);
        assert_eq!((parameter(&answer, "nc"), parameter(&answer, "algorithm")), ("00000001", algorithm));
        assert_eq!(parameter(&answer, "opaque"), "FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS");
    }

    // RFC 2617 3.5.
    #[test]
    fn the_example_of_rfc_2617_is_answered_as_it_says() {
        let value = "Digest realm=\"testrealm@host.com\",qop=\"auth,auth-int\",\
                     nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\",opaque=\"5ccc069c403ebaf9f0171e9517f40e41\"";
        let answer =
            Challenge::parse(value).unwrap().answer(&mufasa("Circle Of Life"), "GET", "/dir/index.html", 1, "0a4f113b");
        assert_eq!(parameter(&answer, "response"), "6629fae49393a05397450978507c4ef1");
        assert!(!answer.contains("algorithm"), "what was not named is not named: {answer}");
    }

    #[test]
    fn without_qop_nothing_is_counted() {
        let challenge = Challenge::parse("digest REALM=\"r\" , nonce = \"n\", stale=TRUE").unwrap();
        assert_eq!((challenge.protection, challenge.freshness), (Protection::None, Freshness::Stale));
        let answer = challenge.answer(&mufasa("x"), "INVITE", "sip:a@b", 1, "c");
        assert!(!answer.contains("cnonce") && !answer.contains("nc=") && !answer.contains("qop"), "{answer}");
    }

    #[rstest]
    #[case("Basic realm=\"r\"")]
    #[case("Digest realm=\"r\"")]
    #[case("Digest realm=\"r\", nonce=\"n\", algorithm=AKAv1-MD5")]
    #[case("Digest realm=\"r\", nonce=\"n\", qop=\"auth-int\"")]
    #[case("Digest")]
    fn what_cannot_be_answered_is_no_challenge(#[case] value: &str) {
        assert_eq!(Challenge::parse(value), None);
    }

    fn refusal(fields: &[(&str, &str)]) -> Message {
        Message {
            start: StartLine::Response { code: 401, reason: String::new() },
            headers: fields.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect(),
            body: String::new(),
            peer: ([127, 0, 0, 1], 5060).into(),
        }
    }

    // RFC 8760 2.4: the topmost that is supported.
    #[test]
    fn of_several_algorithms_the_first_is_taken_and_a_proxy_is_answered_beside() {
        let response = refusal(&[
            ("WWW-Authenticate", "Digest realm=\"r\", nonce=\"1\", algorithm=SHA-999"),
            ("WWW-Authenticate", "Digest realm=\"r\", nonce=\"2\", algorithm=SHA-512-256, qop=\"auth\""),
            ("WWW-Authenticate", "Digest realm=\"r\", nonce=\"3\", algorithm=MD5"),
            ("Proxy-Authenticate", "Digest realm=\"p\", nonce=\"4\""),
        ]);
        let mut authentication = Authentication::with(Some(mufasa("x")));
        assert!(authentication.learn(&response, 0));
        let answers = authentication.answers("INVITE", "sip:a@b", || "c".into());
        assert_eq!(answers.len(), 2);
        assert_eq!((answers[0].0.as_str(), parameter(&answers[0].1, "nonce")), ("Authorization", "2"));
        assert_eq!((answers[1].0.as_str(), parameter(&answers[1].1, "nonce")), ("Proxy-Authorization", "4"));
        let again = authentication.answers("BYE", "sip:a@b", || "c".into());
        assert_eq!(parameter(&again[0].1, "nc"), "00000002");
    }

    #[test]
    fn a_wrong_password_is_not_tried_for_ever_but_an_old_nonce_is_replaced() {
        let asks = |nonce: &str, more: &str| {
            refusal(&[("WWW-Authenticate", &format!("Digest realm=\"r\", nonce=\"{nonce}\"{more}"))])
        };
        let mut authentication = Authentication::with(Some(mufasa("x")));
        assert!(authentication.learn(&asks("1", ""), 0));
        assert!(!authentication.learn(&asks("1", ""), 1), "the same again");
        assert!(!authentication.learn(&asks("2", ""), 1), "another nonce, but our answer was no good");
        assert!(authentication.learn(&asks("3", ", stale=true"), 1));
        assert!(authentication.learn(&asks("4", ""), 0), "another request, for which the nonce was too old");
        assert!(!authentication.learn(&asks("5", ", stale=true"), MOST_REFUSALS));
        assert!(!Authentication::default().learn(&asks("1", ""), 0), "nothing to answer with");
    }

    #[test]
    fn a_password_is_not_shown() {
        assert!(!format!("{:?}", mufasa("secret")).contains("secret"));
    }

    proptest! {
        #[test]
        fn no_challenge_makes_it_panic(value in "(Digest )?[a-z=\", \\\\é]*", name in "\\PC*") {
            if let Some(challenge) = Challenge::parse(&value) {
                let _ = challenge.answer(&Credentials { username: name, password: String::new() }, "A", "sip:b", 1, "c");
            }
        }
    }
}
