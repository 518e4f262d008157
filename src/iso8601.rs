//! Times as ISO 8601 text in UTC with milliseconds, and back. Never reads a clock and never knows a time zone by name.
//!
//! Days are counted by the civil calendar algorithms of Howard Hinnant ("chrono-Compatible Low-Level Date Algorithms").

/// `2026-11-21T10:03:04.005Z`; years outside 0 to 9999 are written with a sign and six digits, as JavaScript does.
#[must_use]
pub fn format(ms: i64) -> String {
    let (days, rest) = (ms.div_euclid(DAY_MS), ms.rem_euclid(DAY_MS));
    let (year, month, day) = civil_of(days);
    let (hour, minute, second, milli) = (rest / HOUR_MS, rest / MINUTE_MS % 60, rest / 1_000 % 60, rest % 1_000);
    let year = match year {
        0..=9_999 => format!("{year:04}"),
        _ => format!("{year:+07}"),
    };
    format!("{year}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milli:03}Z")
}

/// Milliseconds since the Unix epoch of an RFC 3339 time; digits beyond milliseconds are cut off.
///
/// None for anything else: a time without an offset means another moment on every device.
#[must_use]
pub fn parse(text: &str) -> Option<i64> {
    let mut rest = text.as_bytes();
    let year = year(&mut rest)?;
    let month = after(&mut rest, b"-").and_then(|()| digits(&mut rest, 2))?;
    let day = after(&mut rest, b"-").and_then(|()| digits(&mut rest, 2))?;
    let hour = after(&mut rest, b"Tt ").and_then(|()| digits(&mut rest, 2))?;
    let minute = after(&mut rest, b":").and_then(|()| digits(&mut rest, 2))?;
    let second = after(&mut rest, b":").and_then(|()| digits(&mut rest, 2))?;
    let milli = if after(&mut rest, b".").is_some() { fraction(&mut rest)? } else { 0 };
    let offset = offset_minutes(&mut rest)?;
    let valid = (1..=12).contains(&month)
        && (1..=days_in(year, month)).contains(&day)
        && hour < 24
        && minute < 60
        && second < 60
        && rest.is_empty();
    valid.then(|| {
        let minutes = (days_of(year, month, day) * 24 + hour) * 60 + minute - offset;
        (minutes * 60 + second) * 1_000 + milli
    })
}

fn year(rest: &mut &[u8]) -> Option<i64> {
    match rest.first()? {
        b'+' => after(rest, b"+").and_then(|()| digits(rest, 6)),
        b'-' => after(rest, b"-").and_then(|()| digits(rest, 6)).map(|year| -year),
        _ => digits(rest, 4),
    }
}

/// One or more digits after the point, as milliseconds.
fn fraction(rest: &mut &[u8]) -> Option<i64> {
    let count = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (given, left) = rest.split_at(count);
    *rest = left;
    let digit = |place: usize| given.get(place).map_or(0, |byte| i64::from(byte - b'0'));
    (count > 0).then(|| digit(0) * 100 + digit(1) * 10 + digit(2))
}

fn offset_minutes(rest: &mut &[u8]) -> Option<i64> {
    if after(rest, b"Zz").is_some() {
        return Some(0);
    }
    let sign = if after(rest, b"+").is_some() { 1 } else { after(rest, b"-").map(|()| -1)? };
    let hours = digits(rest, 2)?;
    let minutes = match after(rest, b":") {
        Some(()) => digits(rest, 2)?,
        None if rest.is_empty() => 0,
        None => digits(rest, 2)?,
    };
    (hours < 24 && minutes < 60).then_some(sign * (hours * 60 + minutes))
}

fn digits(rest: &mut &[u8], count: usize) -> Option<i64> {
    let (given, left) = rest.split_at_checked(count)?;
    let mut number = 0;
    for byte in given {
        number = number * 10 + i64::from(byte.is_ascii_digit().then(|| byte - b'0')?);
    }
    *rest = left;
    Some(number)
}

/// Steps over one byte that is any of `of`.
fn after(rest: &mut &[u8], of: &[u8]) -> Option<()> {
    let (first, left) = rest.split_first()?;
    of.contains(first).then(|| *rest = left)
}

fn days_in(year: i64, month: i64) -> i64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

/// Days from 1970-01-01.
fn days_of(year: i64, month: i64, day: i64) -> i64 {
    let year = year - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * DAYS_PER_ERA + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - EPOCH_DAY
}

/// Year, month and day of a number of days from 1970-01-01.
fn civil_of(days: i64) -> (i64, i64, i64) {
    let days = days + EPOCH_DAY;
    let era = days.div_euclid(DAYS_PER_ERA);
    let day_of_era = days.rem_euclid(DAYS_PER_ERA);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let month = (shifted + 2) % 12 + 1;
    (year_of_era + era * 400 + i64::from(month <= 2), month, day_of_year - (153 * shifted + 2) / 5 + 1)
}

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 86_400_000;
/// Days in 400 years.
const DAYS_PER_ERA: i64 = 146_097;
/// Days from 0000-03-01, where eras begin, to 1970-01-01.
const EPOCH_DAY: i64 = 719_468;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_of_ten_thousand_years_goes_there_and_back() {
        // Counted up one day at a time by the calendar's own rules.
        let (mut year, mut month, mut day) = (0, 1, 1);
        let mut days = -719_528;
        while year < 10_000 {
            assert_eq!(civil_of(days), (year, month, day));
            assert_eq!(days_of(year, month, day), days);
            if (1_890..2_110).contains(&year) {
                let ms = days * DAY_MS + days.rem_euclid(DAY_MS);
                assert_eq!(parse(&format(ms)), Some(ms));
            }
            (day, days) = (day + 1, days + 1);
            if day > days_in(year, month) {
                (month, day) = (month + 1, 1);
            }
            if month > 12 {
                (year, month) = (year + 1, 1);
            }
        }
    }

    #[test]
    fn every_millisecond_of_a_minute_and_every_minute_of_a_day_go_there_and_back() {
        let day = 1_763_683_200_000;
        let minutes = (0..1_440).map(|minute| day + minute * MINUTE_MS);
        for ms in (0..MINUTE_MS).map(|ms| day + ms).chain(minutes) {
            assert_eq!(parse(&format(ms)), Some(ms));
        }
    }

    #[test]
    fn known_times_are_written_as_javascript_writes_them() {
        let check = |ms: i64, text: &str| {
            assert_eq!(format(ms), text);
            assert_eq!(parse(text), Some(ms), "{text}");
        };
        check(0, "1970-01-01T00:00:00.000Z");
        check(-1, "1969-12-31T23:59:59.999Z");
        check(951_782_400_000, "2000-02-29T00:00:00.000Z");
        check(1_763_690_584_005, "2025-11-21T02:03:04.005Z");
        check(253_402_300_799_999, "9999-12-31T23:59:59.999Z");
        check(253_402_300_800_000, "+010000-01-01T00:00:00.000Z");
        check(8_640_000_000_000_000, "+275760-09-13T00:00:00.000Z");
    }

    #[test]
    fn other_forms_of_the_same_moment_are_read() {
        for text in [
            "2025-11-21T02:03:04.005Z",
            "2025-11-21t02:03:04.005z",
            "2025-11-21 02:03:04.005+00:00",
            "2025-11-21 02:03:04.005+00",
            "2025-11-21T03:33:04.005+0130",
            "2025-11-20T21:03:04.005-05:00",
            "2025-11-21T02:03:04.005999999Z",
        ] {
            assert_eq!(parse(text), Some(1_763_690_584_005), "{text}");
        }
        assert_eq!(parse("2025-11-21T02:03:04Z"), Some(1_763_690_584_000));
        assert_eq!(parse("2025-11-21T02:03:04.5Z"), Some(1_763_690_584_500));
    }

    #[test]
    fn what_is_no_moment_is_refused() {
        for text in [
            "",
            "2025",
            "2025-11-21",
            "2025-11-21T02:03:04",
            "2025-11-21T02:03Z",
            "2025-11-21T02:03:04.Z",
            "2025-11-21T02:03:04.005Zx",
            "2025-02-29T00:00:00Z",
            "2025-00-01T00:00:00Z",
            "2025-13-01T00:00:00Z",
            "2025-01-00T00:00:00Z",
            "2025-04-31T00:00:00Z",
            "2025-01-01T24:00:00Z",
            "2025-01-01T00:60:00Z",
            "2025-01-01T00:00:60Z",
            "2025-01-01T00:00:00+24:00",
            "2025-01-01T00:00:00+1",
            "20a5-01-01T00:00:00Z",
            "2025-01-01T00:00:00é",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
