//! The AADSTS codes that a public client meets, and what to do about each.
//!
//! The codes only choose words. Microsoft may change what a code means and asks programs not to
//! decide by them ("Microsoft Entra authentication and authorization error codes"); the decisions
//! are in [`super::classification`].

mod apps;
mod hybrid;
mod long;
mod service;
mod sign_in;
pub mod words;

/// What a code means and who can do something about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Aadsts {
    /// The code, or the first of a family that means the same.
    pub code: u32,
    /// The last code of the family; the code itself when it stands alone.
    pub last: u32,
    /// What it means, as a fragment: lower case, without a full stop.
    pub meaning: &'static str,
    /// What kind of thing has to happen.
    pub action: Action,
    /// Who must do what, in one or two sentences; what the command and the library name differently stands in braces,
    /// such as `{tenant}`.
    pub advice: &'static str,
}

/// What kind of thing has to happen after a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// The user signs in with a flow that can prompt.
    Interactive,
    /// The user does so with a second factor; claims of the answer go along.
    Mfa,
    /// The user or an administrator consents.
    Consent,
    /// The same request may succeed later.
    Retry,
    /// The request may succeed with a new assertion or ticket.
    RetryAfresh,
    /// The same request may succeed after a longer pause.
    Throttle,
    /// Another user name or password is needed.
    Credentials,
    /// A developer or administrator changes a setting.
    Configuration,
    /// This way of signing in cannot do it.
    Unsupported,
    /// A device code has not been used yet: go on asking.
    Poll,
    /// This attempt is over.
    Stop,
}

impl Action {
    /// Returns whether the program may try again without anybody's help.
    #[must_use]
    pub fn is_retryable(self) -> bool {
        matches!(self, Self::Retry | Self::RetryAfresh | Self::Throttle)
    }
}

/// Returns what is known about a code.
///
/// ```
/// use silentry_protocol::oauth::aadsts::{Action, lookup};
///
/// assert_eq!(lookup(50076).unwrap().action, Action::Mfa);
/// assert!(lookup(1).is_none());
/// ```
#[must_use]
pub fn lookup(code: u32) -> Option<&'static Aadsts> {
    TABLES.iter().find_map(|table| {
        let after = table.partition_point(|entry| entry.code <= code);
        table
            .get(after.checked_sub(1)?)
            .filter(|entry| code <= entry.last)
    })
}

/// Returns the whole table, in ascending order.
pub fn all() -> impl Iterator<Item = &'static Aadsts> {
    TABLES.iter().copied().flatten()
}

/// The table in ascending parts.
const TABLES: [&[Aadsts]; 5] = [
    sign_in::TABLE,
    apps::TABLE,
    hybrid::TABLE,
    service::TABLE,
    long::TABLE,
];

/// Builds one part of the table: `code (..= last)?, action, meaning => advice;`.
macro_rules! table {
    ($($code:literal $(..= $last:literal)?, $action:ident, $meaning:literal => $advice:expr;)+) => {
        pub(super) const TABLE: &[super::Aadsts] = &[$(
            super::Aadsts {
                code: $code,
                last: table!(@last $code $($last)?),
                meaning: $meaning,
                action: super::Action::$action,
                advice: $advice,
            },
        )+];
    };
    (@last $code:literal) => { $code };
    (@last $code:literal $last:literal) => { $last };
}
use table;

#[cfg(test)]
mod tests {
    use super::*;

    /// Every code of the project's list for public clients.
    const LISTED: &[u32] = &[
        16000, 16003, 20001, 20012, 28002, 28003, 40008, 40009, 40010, 40015, 50000, 50001, 50002,
        50005, 50008, 50010, 50011, 50012, 50013, 50014, 50020, 50033, 50034, 50049, 50050, 50053,
        50055, 50056, 50057, 50058, 50059, 50071, 50072, 50074, 50076, 50078, 50079, 50085, 50089,
        50097, 50099, 50105, 50107, 50125, 50126, 50127, 50128, 50129, 50131, 50132, 50133, 50135,
        50139, 50140, 50142, 50143, 50144, 50146, 50155, 50158, 50161, 50168, 50169, 50173, 50177,
        50178, 50180, 50181, 50182, 50183, 50184, 50185, 50186, 50187, 50192, 50194, 50196, 50197,
        50199, 51001, 51004, 51005, 51006, 53000, 53001, 53002, 53003, 53004, 53005, 53010, 53011,
        54000, 54005, 65001, 65002, 65004, 65005, 67003, 70000, 70001, 70002, 70003, 70004, 70005,
        70007, 70008, 70011, 70012, 70016, 70018, 70019, 70020, 70022, 70037, 70043, 70044, 70046,
        75011, 80001, 80002, 80005, 80007, 80010, 80012, 80013, 80014, 81001, 81002, 81003, 81004,
        81005, 81006, 81007, 81008, 81009, 81010, 81011, 81012, 81013, 81016, 81017, 81018, 81019,
        90002, 90004, 90005, 90006, 90008, 90009, 90010, 90012, 90013, 90014, 90015, 90019, 90020,
        90023, 90024, 90027, 90033, 90036, 90038, 90043, 90051, 90055, 90056, 90072, 90082, 90084,
        90085, 90086, 90092, 90093, 90094, 90095, 90100, 90107, 90117, 90121, 90123, 100_007,
        120_000, 120_021, 130_004, 135_010, 135_011, 140_000, 140_001, 160_021, 165_000, 165_999,
        230_109, 240_001, 240_002, 399_218, 399_284, 500_011, 500_014, 500_021, 500_022, 500_121,
        500_133, 500_208, 500_212, 500_213, 500_571, 501_241, 501_461, 501_481, 501_491, 530_003,
        530_031, 530_032, 530_034, 530_035, 650_051, 650_052, 650_053, 650_054, 650_056, 650_057,
        700_003, 700_005, 700_016, 700_020, 700_022, 700_023, 700_025, 700_027, 700_030, 700_054,
        700_082, 700_084, 900_144, 900_561, 901_002, 1_000_000, 1_000_002, 5_000_819, 7_000_110,
        7_000_112, 7_000_215, 7_000_218, 7_000_222, 7_500_514, 9_002_313, 9_002_325, 9_002_326,
        9_002_327, 9_002_341,
    ];

    #[test]
    fn every_listed_code_is_found() {
        for code in LISTED {
            assert!(lookup(*code).is_some(), "{code}");
        }
    }

    #[test]
    fn every_entry_is_found_by_its_codes_and_ascends() {
        let mut last = 0;
        for entry in all() {
            assert!(entry.code > last && entry.last >= entry.code, "{entry:?}");
            last = entry.last;
            assert_eq!(lookup(entry.code), Some(entry));
            assert_eq!(lookup(entry.last), Some(entry));
        }
        for code in [0, 1, 15_999, 50_179, 120_022, 164_999, 166_000, u32::MAX] {
            assert_eq!(lookup(code), None, "{code}");
        }
    }
}
