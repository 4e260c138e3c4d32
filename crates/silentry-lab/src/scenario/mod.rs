//! What the lab can be made to do wrong, by name.

mod failures;
mod flows;
mod list;
pub(crate) mod switches;

use std::sync::LazyLock;

use serde::Serialize;

use crate::error::LabError;
use switches::Switches;

/// A named state of the lab, with what a client is expected to make of it.
#[derive(Clone, Copy, Debug, Serialize)]
#[non_exhaustive]
pub struct Scenario {
    /// The name, as given to `silentry-lab exec --scenario`.
    pub name: &'static str,
    /// What is different, in one sentence.
    pub summary: &'static str,
    /// The UPN of the user who signs in unless another is chosen.
    pub user: &'static str,
    /// The flow that it is about.
    pub flow: Flow,
    /// The error code that flow ends with; `None` when it succeeds.
    pub expected_code: Option<&'static str>,
    /// The exit code of the `silentry` command.
    pub expected_exit: u8,
    #[serde(skip)]
    configure: fn(&mut Switches),
}

/// A way of getting a token.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Flow {
    /// With the Kerberos ticket of the signed-in user.
    IntegratedWindows,
    /// With a code that the user types elsewhere.
    DeviceCode,
    /// In the user's browser.
    Interactive,
    /// From the cache, after an earlier sign-in.
    Silent,
}

impl Scenario {
    /// Returns every scenario, in the order of the documentation.
    pub fn all() -> &'static [Self] {
        static ALL: LazyLock<Vec<Scenario>> =
            LazyLock::new(|| [list::SCENARIOS, failures::SCENARIOS, flows::SCENARIOS].concat());
        &ALL
    }

    /// Returns the scenario with this name.
    ///
    /// # Errors
    ///
    /// [`LabError::UnknownScenario`].
    pub fn named(name: &str) -> Result<&'static Self, LabError> {
        Self::all()
            .iter()
            .find(|scenario| scenario.name == name)
            .ok_or_else(|| LabError::UnknownScenario(name.to_owned()))
    }

    pub(crate) fn switches(&self) -> Switches {
        let mut switches = Switches::default();
        (self.configure)(&mut switches);
        switches
    }
}

const ALICE: &str = "alice@contoso.test";

const fn succeeds(
    name: &'static str,
    summary: &'static str,
    configure: fn(&mut Switches),
) -> Scenario {
    of_user(name, summary, ALICE, None, 0, configure)
}

const fn fails(
    name: &'static str,
    summary: &'static str,
    code: &'static str,
    exit: u8,
    configure: fn(&mut Switches),
) -> Scenario {
    of_user(name, summary, ALICE, Some(code), exit, configure)
}

const fn of_user(
    name: &'static str,
    summary: &'static str,
    user: &'static str,
    expected_code: Option<&'static str>,
    expected_exit: u8,
    configure: fn(&mut Switches),
) -> Scenario {
    Scenario {
        name,
        summary,
        user,
        flow: Flow::IntegratedWindows,
        expected_code,
        expected_exit,
        configure,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory;

    #[test]
    fn the_list_is_consistent() {
        for (index, scenario) in Scenario::all().iter().enumerate() {
            let name = scenario.name;
            assert!(
                directory::by_upn(scenario.user).is_some(),
                "{name}: unknown user"
            );
            assert_eq!(
                scenario.expected_code.is_none(),
                scenario.expected_exit == 0,
                "{name}"
            );
            assert!(scenario.expected_exit <= 7, "{name}");
            assert!(scenario.summary.ends_with('.'), "{name}");
            let twin = Scenario::all()[index + 1..]
                .iter()
                .find(|other| other.name == name);
            assert!(twin.is_none(), "{name} is listed twice");
        }
    }

    #[test]
    fn an_unknown_name_is_an_error() {
        assert!(matches!(
            Scenario::named("nonsense"),
            Err(LabError::UnknownScenario(_))
        ));
        assert_eq!(Scenario::named("mfa").unwrap().user, "carol@contoso.test");
    }
}
