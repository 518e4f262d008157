//! Opaque, tamper-evident cursors. Never trusts one that this database did not sign for this user and scope.
//!
//! A cursor holds the epoch, the sequence number it covers, the head of the snapshot it was cut from with the mark of
//! the history there, the purge horizon at the start of its pull, and how many copies waited behind it. Source:
//! docs/protocol.md, sections 9 and 11.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac};
use sha2::Sha256;

use crate::store::{Position, UserId, UserState};

/// Signs and reads cursors with the database's own key, from which it starts each signature.
#[derive(Clone)]
pub struct CursorKey(Hmac<Sha256>);

/// What a cursor says when it is not to be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stale {
    /// Cut from another history than the present one: 410 `epoch_changed`.
    OtherEpoch,
    /// Of this epoch, yet from commits that this database does not have: it was restored from an older backup.
    UnknownHistory,
    /// Older than the purge horizon: 410 `cursor_expired`.
    Expired,
}

/// A cursor as read from a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Read {
    /// Signed here for this user and scope.
    Signed(Position),
    /// Not signed here for this user and scope. It says it is of `epoch`: of another one, it is another database's.
    Unsigned {
        /// The epoch it names.
        epoch: i64,
    },
    /// Not a cursor.
    Malformed,
}

impl CursorKey {
    /// A key from the database's secret.
    #[must_use]
    #[allow(clippy::expect_used, reason = "HMAC takes a key of any length")]
    pub fn new(secret: [u8; 32]) -> Self {
        Self(Hmac::new_from_slice(&secret).expect("HMAC takes a key of any length"))
    }

    /// The cursor for `position` of `scope` (an entity, or all of them).
    #[must_use]
    pub fn write(&self, user: UserId, scope: Option<&str>, position: Position) -> String {
        let mut bytes = Vec::with_capacity(CURSOR_LEN);
        bytes.push(CURSOR_FORM);
        let Position { epoch, seq, head, mark, floor, waiting } = position;
        for part in [epoch, seq, head, mark, floor, waiting.unwrap_or(NOT_COUNTED)] {
            bytes.extend_from_slice(&part.to_be_bytes());
        }
        let tag = self.mac(user, scope, &bytes).finalize().into_bytes();
        bytes.extend_from_slice(&tag[..TAG_LEN]);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Reads a cursor that `user` sent for `scope`.
    #[must_use]
    pub fn read(&self, user: UserId, scope: Option<&str>, cursor: &str) -> Read {
        let Some(bytes) = URL_SAFE_NO_PAD.decode(cursor).ok().filter(|b| b.len() == CURSOR_LEN && b[0] == CURSOR_FORM)
        else {
            return Read::Malformed;
        };
        let (body, tag) = bytes.split_at(CURSOR_LEN - TAG_LEN);
        let part = |index: usize| {
            let at = 1 + index * 8;
            body[at..at + 8].try_into().map(i64::from_be_bytes).unwrap_or_default()
        };
        let waiting = Some(part(5)).filter(|waiting| *waiting != NOT_COUNTED);
        let position = Position { epoch: part(0), seq: part(1), head: part(2), mark: part(3), floor: part(4), waiting };
        match self.mac(user, scope, body).verify_truncated_left(tag) {
            Ok(()) => Read::Signed(position),
            Err(_) => Read::Unsigned { epoch: position.epoch },
        }
    }

    fn mac(&self, user: UserId, scope: Option<&str>, body: &[u8]) -> Hmac<Sha256> {
        let mut mac = self.0.clone();
        mac.update(b"cursor\0");
        mac.update(user.0.as_bytes());
        mac.update(scope.unwrap_or("*").as_bytes());
        mac.update(&[0]);
        mac.update(body);
        mac
    }

    /// The backend's own id of a record: the same for ever, also after a restore, and telling nothing.
    #[must_use]
    pub fn server_id(&self, user: UserId, entity: &str, id: &str) -> String {
        let mut mac = self.0.clone();
        mac.update(b"server id\0");
        mac.update(user.0.as_bytes());
        mac.update(entity.as_bytes());
        mac.update(&[0]);
        mac.update(id.as_bytes());
        URL_SAFE_NO_PAD.encode(&mac.finalize().into_bytes()[..SERVER_ID_LEN])
    }
}

impl Position {
    /// The newest place of a user's history, for a pull that begins there.
    #[must_use]
    pub fn head_of(user: &UserState) -> Self {
        let UserState { epoch, head_seq, mark, horizon_seq, .. } = *user;
        Self { epoch, seq: head_seq, head: head_seq, mark, floor: horizon_seq, waiting: Some(0) }
    }

    /// Says whether a signed cursor may be used, given the user's row and the mark of the history at its head.
    ///
    /// # Errors
    /// [`Stale`] says why not.
    pub fn check(&self, user: &UserState, mark_at_head: i64) -> Result<(), Stale> {
        if self.epoch != user.epoch {
            Err(Stale::OtherEpoch)
        } else if self.head > user.head_seq || self.mark != mark_at_head {
            Err(Stale::UnknownHistory)
        } else if user.horizon_seq > self.seq.max(self.floor) {
            Err(Stale::Expired)
        } else {
            Ok(())
        }
    }
}

/// The epoch as it travels.
#[must_use]
pub fn epoch_text(epoch: i64) -> String {
    format!("{:016x}", epoch.cast_unsigned())
}

const CURSOR_FORM: u8 = 1;
const TAG_LEN: usize = 16;
const CURSOR_LEN: usize = 1 + 6 * 8 + TAG_LEN;
const NOT_COUNTED: i64 = -1;
const SERVER_ID_LEN: usize = 12;

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    const AT: Position = Position { epoch: -5, seq: 40, head: 45, mark: 7, floor: 3, waiting: Some(5) };

    #[test]
    fn a_cursor_reads_back_only_for_its_user_and_scope() {
        let (key, user) = (CursorKey::new([1; 32]), UserId(Uuid::from_u128(9)));
        let cursor = key.write(user, Some("logs"), AT);
        let unsigned = Read::Unsigned { epoch: -5 };
        assert_eq!(key.read(user, Some("logs"), &cursor), Read::Signed(AT));
        assert_eq!(key.read(user, None, &cursor), unsigned);
        assert_eq!(key.read(UserId(Uuid::from_u128(8)), Some("logs"), &cursor), unsigned);
        assert_eq!(CursorKey::new([2; 32]).read(user, Some("logs"), &cursor), unsigned);
        assert_eq!(key.read(user, Some("logs"), ""), Read::Malformed);
        let uncounted = Position { waiting: None, ..AT };
        assert_eq!(key.read(user, None, &key.write(user, None, uncounted)), Read::Signed(uncounted));
    }

    #[test]
    fn no_altered_cursor_is_signed() {
        let (key, user) = (CursorKey::new([1; 32]), UserId(Uuid::nil()));
        let cursor = URL_SAFE_NO_PAD.decode(key.write(user, None, AT)).unwrap();
        for bit in 0..cursor.len() * 8 {
            let mut altered = cursor.clone();
            altered[bit / 8] ^= 1 << (bit % 8);
            let read = key.read(user, None, &URL_SAFE_NO_PAD.encode(altered));
            assert!(!matches!(read, Read::Signed(_)), "bit {bit}");
        }
    }

    /// A seed and a count: `LASTWORD_FUZZ=20000000 cargo test --release -p lastword-server --lib cursor` goes on for longer.
    #[test]
    fn no_damaged_cursor_is_signed_and_none_panics() {
        let (key, user) = (CursorKey::new([1; 32]), UserId(Uuid::nil()));
        let sound = key.write(user, None, AT);
        let rounds = std::env::var("LASTWORD_FUZZ").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(20_000_u32);
        let mut seed = 7_u64;
        let mut below = |end: usize| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            usize::try_from(seed >> 33).unwrap_or_default() % end
        };
        for _ in 0..rounds {
            let mut text: Vec<char> = sound.chars().collect();
            for _ in 0..=below(4) {
                let at = below(text.len() + 1);
                match below(4) {
                    0 => text.truncate(at),
                    1 => text.insert(at, TOKENS[below(TOKENS.len())]),
                    2 => text.rotate_left(at),
                    _ if at < text.len() => text[at] = TOKENS[below(TOKENS.len())],
                    _ => text.extend_from_within(..),
                }
            }
            let damaged: String = text.into_iter().collect();
            let read = key.read(user, None, &damaged);
            assert_eq!(matches!(read, Read::Signed(_)), damaged == sound, "{damaged}");
        }
    }

    const TOKENS: [char; 12] = ['A', '_', '-', '+', '/', '=', '0', 'z', ' ', '\0', 'é', '\u{1F4AA}'];

    #[test]
    fn stale_cursors_are_told_apart() {
        let user = UserState { epoch: -5, head_seq: 50, horizon_seq: 0, ..UserState::default() };
        assert_eq!(AT.check(&user, 7), Ok(()));
        assert_eq!(AT.check(&UserState { epoch: 1, ..user }, 7), Err(Stale::OtherEpoch));
        assert_eq!(AT.check(&UserState { head_seq: 44, ..user }, 7), Err(Stale::UnknownHistory));
        assert_eq!(AT.check(&user, 8), Err(Stale::UnknownHistory));
        assert_eq!(AT.check(&UserState { horizon_seq: 41, ..user }, 7), Err(Stale::Expired));
        assert_eq!(AT.check(&UserState { horizon_seq: 40, ..user }, 7), Ok(()));
        let begun_after_the_purge = Position { floor: 43, ..AT };
        assert_eq!(begun_after_the_purge.check(&UserState { horizon_seq: 43, ..user }, 7), Ok(()));
        assert_eq!(begun_after_the_purge.check(&UserState { horizon_seq: 44, ..user }, 7), Err(Stale::Expired));
    }
}
