//! Passwords: what is kept of them, and how they are verified without anybody learning who exists.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::{Duration, Instant},
};

use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use aws_lc_rs::hmac;
use secrecy::{ExposeSecret, SecretString};
use tokio::{sync::Semaphore, task::spawn_blocking};

use super::lots;
use crate::{output::shown, web::settings::HttpSettings};

/// The memory, in KiB, passes and lanes that a hash made here takes: the second of the choices that OWASP names.
const MEMORY: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// What a hash of others may take at most, and has to take at least.
const MOST_MEMORY: u32 = 256 * 1024;
const LEAST_MEMORY: u32 = 7 * 1024;
const MOST_PASSES: u32 = 16;
const MOST_LANES: u32 = 8;

/// The longest password that is looked at, in bytes.
const LONGEST: usize = 1024;

/// Passwords that are verified at the same time, and that wait for it.
const AT_ONCE: usize = 2;
const WAITING: usize = 32;

/// How long a password that was right is known to be, for those who send it with every request.
const KNOWN_FOR: Duration = Duration::from_secs(300);
const MOST_KNOWN: usize = 256;

/// What is kept of a password: an argon2id hash as a PHC string.
#[derive(Clone)]
pub(super) struct Hash(SecretString);

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hash")
    }
}

impl PartialEq for Hash {
    fn eq(&self, other: &Self) -> bool {
        self.0.expose_secret() == other.0.expose_secret()
    }
}

fn argon2(memory: u32, passes: u32, lanes: u32) -> Result<Argon2<'static>, argon2::Error> {
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(memory, passes, lanes, None)?))
}

impl Hash {
    /// Makes one of a password.
    pub(super) fn of(password: &str) -> Result<String, String> {
        let argon2 = argon2(MEMORY, PASSES, LANES).map_err(|error| error.to_string())?;
        let hash = argon2.hash_password(password.as_bytes()).map_err(|error| error.to_string())?;
        Ok(hash.to_string())
    }

    /// Reads one. No error has any of it: it may be the password itself.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let wrong = "this is no argon2id hash; `reach config password` asks for a password and prints the line, like \
                     password = \"$argon2id$v=19$…\"";
        let hash = PasswordHash::new(text).map_err(|_| wrong.to_owned())?;
        let is_whole = hash.algorithm.as_str() == "argon2id" && hash.salt.is_some() && hash.hash.is_some();
        let params = Params::try_from(&hash).ok().filter(|_| is_whole).ok_or_else(|| wrong.to_owned())?;
        let fits = (LEAST_MEMORY..=MOST_MEMORY).contains(&params.m_cost())
            && params.t_cost() <= MOST_PASSES
            && params.p_cost() <= MOST_LANES;
        if !fits {
            return Err(format!(
                "this hash takes m={}, t={}, p={}; one may take m={LEAST_MEMORY} to {MOST_MEMORY}, t up to {MOST_PASSES} \
                 and p up to {MOST_LANES}, as `reach config password` makes it",
                params.m_cost(),
                params.t_cost(),
                params.p_cost()
            ));
        }
        Ok(Self(text.into()))
    }

    fn verifies(&self, password: &str) -> bool {
        Argon2::default().verify_password(password.as_bytes(), self.0.expose_secret()).is_ok()
    }
}

/// A hash of nothing that anybody knows, which takes as long to verify as another.
fn nobody() -> &'static Hash {
    static NOBODY: OnceLock<Hash> = OnceLock::new();
    NOBODY.get_or_init(|| {
        let text = Hash::of(&lots::token()).unwrap_or_default();
        Hash(text.into())
    })
}

/// What came of verifying a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verified {
    Right,
    Wrong,
    /// Too many are being verified.
    Busy,
}

/// Verifies passwords, a few at the same time.
pub(super) struct Verifier {
    room: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
    key: hmac::Key,
    known: Mutex<BTreeMap<[u8; 32], Instant>>,
}

impl Verifier {
    pub(super) fn new() -> Self {
        // It is made before anybody asks, so that whoever is first does not wait for it.
        drop(spawn_blocking(nobody));
        Self {
            room: Arc::new(Semaphore::new(AT_ONCE)),
            waiting: Arc::new(Semaphore::new(AT_ONCE + WAITING)),
            key: hmac::Key::new(hmac::HMAC_SHA256, &lots::bytes()),
            known: Mutex::default(),
        }
    }

    /// Whether a password is right. Who does not exist takes as long as who does.
    pub(super) async fn verify(&self, hash: Option<&Hash>, password: &str) -> Verified {
        let Ok(_seat) = Arc::clone(&self.waiting).try_acquire_owned() else { return Verified::Busy };
        let Ok(room) = Arc::clone(&self.room).acquire_owned().await else { return Verified::Busy };
        let exists = hash.is_some();
        let hash = hash.unwrap_or_else(|| nobody()).clone();
        let fits = password.len() <= LONGEST;
        let password = SecretString::from(if fits { password } else { "" });
        let verified = spawn_blocking(move || {
            let verified = hash.verifies(password.expose_secret());
            drop(room);
            verified
        });
        match verified.await {
            Ok(true) if exists && fits => Verified::Right,
            Ok(_) => Verified::Wrong,
            Err(_) => Verified::Busy,
        }
    }

    /// Whether a password was right a short while ago, for those who send it with every request.
    pub(super) fn knows(&self, hash: &Hash, user: &str, password: &str) -> bool {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(&self.tag(hash, user, password)).is_some_and(|at| at.elapsed() < KNOWN_FOR)
    }

    /// A password was right, and is for a while.
    pub(super) fn keep(&self, hash: &Hash, user: &str, password: &str) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|_, at| at.elapsed() < KNOWN_FOR);
        if known.len() < MOST_KNOWN {
            known.insert(self.tag(hash, user, password), Instant::now());
        }
    }

    fn tag(&self, hash: &Hash, user: &str, password: &str) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&self.key);
        for part in [user, hash.0.expose_secret(), password] {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part.as_bytes());
        }
        let mut tag = [0; 32];
        tag.copy_from_slice(context.sign().as_ref());
        tag
    }
}

/// What is worth telling of hashes that are not wrong.
pub(super) fn remarks(settings: &HttpSettings) -> Vec<String> {
    let same = |one: &crate::web::settings::Source, other: &crate::web::settings::Source| one == other;
    let users = &settings.user;
    let twice = users
        .iter()
        .enumerate()
        .filter(|(number, user)| users[..*number].iter().any(|other| same(&other.password, &user.password)));
    twice
        .map(|(_, user)| {
            format!("the user `{}` has the password of another; give everybody their own", shown(&user.name))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_verifies_its_password_and_no_other() {
        let text = Hash::of("correct horse").expect("made");
        assert!(text.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{text}");
        let hash = Hash::parse(&text).expect("read");
        assert!(hash.verifies("correct horse") && !hash.verifies("correct hors") && !hash.verifies(""));
        assert!(!format!("{hash:?}").contains("argon2id"));
    }

    #[test]
    fn what_is_no_hash_is_refused_without_being_told() {
        for text in [
            "tops3cret",
            "",
            "$argon2id$",
            "$argon2i$v=19$m=19456,t=2,p=1$YWFhYWFhYWFhYWFhYWFhYQ$YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWE",
            "$argon2id$v=19$m=19456,t=2,p=1$YWFhYWFhYWFhYWFhYWFhYQ",
            "$2b$12$abcdefghijklmnopqrstuv",
        ] {
            let error = Hash::parse(text).expect_err("no hash");
            assert!(error.contains("reach config password") && !error.contains("tops3cret"), "{error}");
        }
        let heavy = "$argon2id$v=19$m=4194304,t=2,p=1$YWFhYWFhYWFhYWFhYWFhYQ$YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWE";
        assert!(Hash::parse(heavy).expect_err("too much").contains("m=4194304"));
        let weak =
            "$argon2id$v=19$m=8,t=1,p=1$YWFhYWFhYWFhYWFhYWFhYQ$YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWE";
        assert!(Hash::parse(weak).expect_err("too little").contains("m=8"));
    }

    #[tokio::test]
    async fn who_does_not_exist_is_wrong_and_more_than_can_be_verified_are_busy() {
        let verifier = Verifier::new();
        let hash = Hash::parse(&Hash::of("x").expect("made")).expect("read");
        assert_eq!(verifier.verify(Some(&hash), "x").await, Verified::Right);
        assert_eq!(verifier.verify(Some(&hash), "y").await, Verified::Wrong);
        assert_eq!(verifier.verify(None, "x").await, Verified::Wrong);
        assert!(!verifier.knows(&hash, "kim", "x"));
        verifier.keep(&hash, "kim", "x");
        assert!(verifier.knows(&hash, "kim", "x") && !verifier.knows(&hash, "kim", "y"));
        assert!(!verifier.knows(&hash, "lee", "x"));
        let _taken = verifier.waiting.try_acquire_many((AT_ONCE + WAITING) as u32).expect("free");
        assert_eq!(verifier.verify(Some(&hash), "x").await, Verified::Busy);
    }
}
