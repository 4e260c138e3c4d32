//! The names that the lab answers for.

use crate::directory::{
    AUTOLOGON_HOST, FEDERATION_HOST, FOREIGN_FEDERATION_HOST, SOVEREIGN_ALIAS, SOVEREIGN_HOST,
};

/// Which part of the lab answers for a name.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Part {
    /// Microsoft Entra ID.
    Entra,
    /// Microsoft's web site, of which only the way to the device code page is here.
    Website,
    /// AD FS.
    Federation,
    /// Seamless SSO.
    Autologon,
    /// A protected API, for the audience of this name.
    Api,
}

/// Every name, with who answers.
pub(crate) const NAMES: [(&str, Part); 14] = [
    ("login.microsoftonline.com", Part::Entra),
    ("login.windows.net", Part::Entra),
    ("login.microsoft.com", Part::Entra),
    ("sts.windows.net", Part::Entra),
    ("login.microsoftonline.us", Part::Entra),
    (SOVEREIGN_HOST, Part::Entra),
    (SOVEREIGN_ALIAS, Part::Entra),
    ("microsoft.com", Part::Website),
    ("www.microsoft.com", Part::Website),
    (FEDERATION_HOST, Part::Federation),
    (FOREIGN_FEDERATION_HOST, Part::Federation),
    (AUTOLOGON_HOST, Part::Autologon),
    ("graph.microsoft.com", Part::Api),
    ("api.contoso.test", Part::Api),
];

/// Returns the name as the lab spells it and its part; DNS names ignore case and a final dot.
pub(crate) fn part_of(name: &str) -> Option<(&'static str, Part)> {
    let name = name.strip_suffix('.').unwrap_or(name);
    NAMES
        .iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(name))
        .copied()
}
