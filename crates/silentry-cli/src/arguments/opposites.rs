//! Flags that override a switch of the environment or of the config file for one run.

use clap::Args;

use super::settings::Settings;

/// The opposites of the switches; they are not shown in the help.
#[derive(Args, Default)]
pub(crate) struct Opposites {
    /// Override --force-refresh.
    #[arg(long, hide = true, overrides_with = "force_refresh")]
    no_force_refresh: bool,

    /// Override --no-seamless-sso.
    #[arg(long, hide = true, overrides_with = "no_seamless_sso")]
    seamless_sso: bool,

    /// Override --no-channel-binding.
    #[arg(long, hide = true, overrides_with = "no_channel_binding")]
    channel_binding: bool,

    /// Override --no-browser.
    #[arg(long, hide = true, overrides_with = "no_browser")]
    browser: bool,

    /// Override --allow-ntlm.
    #[arg(long, hide = true, overrides_with = "allow_ntlm")]
    no_allow_ntlm: bool,
}

/// Turns off the switches whose opposites are given.
pub(super) fn take_back(settings: &mut Settings) {
    let Settings {
        opposites,
        force_refresh,
        no_seamless_sso,
        no_channel_binding,
        no_browser,
        allow_ntlm,
        ..
    } = settings;
    for (taken_back, switch) in [
        (opposites.no_force_refresh, force_refresh),
        (opposites.seamless_sso, no_seamless_sso),
        (opposites.channel_binding, no_channel_binding),
        (opposites.browser, no_browser),
        (opposites.no_allow_ntlm, allow_ntlm),
    ] {
        if taken_back {
            *switch = Some(false);
        }
    }
}
