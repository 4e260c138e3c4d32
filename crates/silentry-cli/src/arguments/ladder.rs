//! The modes, in the order in which they are tried.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer};

use crate::failure::shown;

/// One mode of sign-in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// The token cache, and the refresh token in it.
    Silent,
    /// Integrated Windows authentication: the signed-in user's Kerberos ticket.
    Iwa,
    /// A code that the user enters on another device.
    DeviceCode,
    /// The system's browser.
    Web,
    /// A user name and a password.
    Password,
}

/// Several modes; never empty, and none stands twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ladder(Vec<Mode>);

impl Mode {
    const ALL: [Mode; 5] = [
        Mode::Silent,
        Mode::Iwa,
        Mode::DeviceCode,
        Mode::Web,
        Mode::Password,
    ];

    /// Returns the word of the command line, which is that of the library too.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Mode::Silent => "silent",
            Mode::Iwa => "iwa",
            Mode::DeviceCode => "devicecode",
            Mode::Web => "web",
            Mode::Password => "password",
        }
    }
}

impl Ladder {
    /// The cache alone.
    pub(crate) fn cache() -> Self {
        Ladder(vec![Mode::Silent])
    }

    /// The cache and the ticket, neither of which prompts.
    pub(crate) fn unattended() -> Self {
        Ladder(vec![Mode::Silent, Mode::Iwa])
    }

    /// The ticket, else the browser.
    pub(crate) fn sign_in() -> Self {
        Ladder(vec![Mode::Iwa, Mode::Web])
    }

    pub(crate) fn modes(&self) -> &[Mode] {
        &self.0
    }

    pub(crate) fn has(&self, mode: Mode) -> bool {
        self.0.contains(&mode)
    }

    /// Returns the ladder without the token cache, when anything is left of it.
    pub(crate) fn without_silent(&self) -> Option<Self> {
        let modes = self.0.iter().copied();
        let modes: Vec<_> = modes.filter(|mode| *mode != Mode::Silent).collect();
        (!modes.is_empty()).then_some(Ladder(modes))
    }
}

impl FromStr for Ladder {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let choices = || Mode::ALL.map(Mode::as_str).join(", ");
        let mut modes = Vec::new();
        for word in text.split(',').map(str::trim) {
            let named = |mode: &&Mode| word.eq_ignore_ascii_case(mode.as_str());
            let Some(mode) = Mode::ALL.iter().find(named) else {
                return Err(format!(
                    "`{}` is not a mode; give one or more of {}, separated by commas",
                    shown(word),
                    choices()
                ));
            };
            if modes.contains(mode) {
                return Err(format!(
                    "`{word}` is given twice; give each of {} at most once",
                    choices()
                ));
            }
            modes.push(*mode);
        }
        Ok(Ladder(modes))
    }
}

impl fmt::Display for Ladder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<_> = self.0.iter().map(|mode| mode.as_str()).collect();
        f.write_str(&words.join(","))
    }
}

/// In a config file, a text as on the command line or a list of words.
impl<'de> Deserialize<'de> for Ladder {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "the modes, such as \"silent,iwa\"")]
        enum Written {
            Text(String),
            List(Vec<String>),
        }
        let text = match Written::deserialize(deserializer)? {
            Written::Text(text) => text,
            Written::List(words) => words.join(","),
        };
        // Without the text itself: what stands in a file may be anything.
        text.parse().map_err(|_| {
            let choices = Mode::ALL.map(Mode::as_str).join(", ");
            serde::de::Error::custom(format_args!("it takes one or more of {choices}, each once"))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_order_and_subset_is_a_ladder() {
        for text in [
            "silent",
            "silent,iwa,devicecode,web,password",
            "web,silent",
            "password",
        ] {
            assert_eq!(text.parse::<Ladder>().unwrap().to_string(), text);
        }
        let written = " Silent , IWA ".parse::<Ladder>().unwrap();
        assert_eq!(written.to_string(), "silent,iwa");
    }

    #[test]
    fn what_is_no_ladder_is_told_with_the_choices() {
        for text in ["", "iwa,", "broker", "iwa,iwa", "silent;iwa", "iwa,Iwa"] {
            let error = text.parse::<Ladder>().unwrap_err();
            for mode in Mode::ALL {
                assert!(error.contains(mode.as_str()), "{text}: {error}");
            }
        }
    }

    #[test]
    fn a_config_file_may_list_the_ways() {
        #[derive(Deserialize)]
        struct File {
            mode: Ladder,
        }
        for text in ["mode = \"silent,web\"", "mode = [\"silent\", \"web\"]"] {
            let file: File = toml::from_str(text).unwrap();
            assert_eq!(file.mode.to_string(), "silent,web");
        }
        for text in ["mode = 3", "mode = []", "mode = \"wam\""] {
            assert!(toml::from_str::<File>(text).is_err(), "{text}");
        }
    }
}
