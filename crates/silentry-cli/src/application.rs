//! The application that the settings describe.

use std::path::Path;

use silentry::{Directory, MutualAuthentication, PublicClientApplication, TokenCache};

use crate::arguments::{MutualAuth, Settings};
use crate::cache::{DEFAULT, is_word};
use crate::failure::Failure;
use crate::text;

/// Builds the application as [`of`] does; where the policy of the machine forbids the default place of the token cache,
/// which nobody asked for, with a cache in memory.
pub(crate) fn of_or_in_memory(
    settings: &Settings,
    cache: TokenCache,
) -> Result<PublicClientApplication, Failure> {
    let is_default = settings
        .cache
        .as_deref()
        .is_none_or(|place| is_word(place, DEFAULT));
    match of(settings, cache) {
        Err(failure) if is_default && failure.code() == "policy_forbids_cache" => {
            tracing::debug!("no token is kept: the policy forbids the default place");
            of(settings, TokenCache::in_memory())
        }
        result => result,
    }
}

/// Builds the application with the client id of the settings, which must be there.
pub(crate) fn of(
    settings: &Settings,
    cache: TokenCache,
) -> Result<PublicClientApplication, Failure> {
    let Some(client_id) = &settings.client_id else {
        return Err(missing(&[("--client-id", "SILENTRY_CLIENT_ID")]));
    };
    let mut builder = PublicClientApplication::builder(client_id)
        .with_token_cache(cache)
        .with_client_capabilities(&settings.client_capabilities)
        .with_federation_hosts(&settings.federation_hosts)
        .with_seamless_sso(settings.no_seamless_sso != Some(true))
        .with_channel_binding(settings.no_channel_binding != Some(true))
        .with_ntlm(settings.allow_ntlm == Some(true))
        .with_mutual_authentication(match settings.mutual_auth {
            Some(MutualAuth::WhenOffered) => MutualAuthentication::WhenOffered,
            Some(MutualAuth::Required) | None => MutualAuthentication::Required,
        });
    if let Some(authority) = &settings.authority {
        builder = builder.with_authority(authority);
    }
    if let Some(tenant) = &settings.tenant {
        builder = builder.with_tenant_id(tenant);
    }
    if let Some(directory) = &settings.directory {
        builder = builder.with_directory(match directory.as_str() {
            "off" => Directory::Off,
            host => Directory::Host(host.to_owned()),
        });
    }
    if let Some(attribute) = &settings.upn_attribute {
        builder = builder.with_upn_attribute(attribute);
    }
    if let Some(spn) = &settings.spn {
        builder = builder.with_service_principal_name(spn);
    }
    if let Some(spn) = &settings.proxy_spn {
        builder = builder.with_proxy_service_principal_name(spn);
    }
    if let Some(ccache) = &settings.ccache {
        builder = builder.with_ticket_cache(ccache);
    }
    if let Some(keytab) = &settings.keytab {
        builder = builder.with_client_keytab(keytab);
    }
    if let Some(library) = &settings.gssapi_library {
        builder = builder.with_gssapi_library(library);
    }
    if let Some(path) = &settings.ca_bundle {
        builder = builder.with_ca_bundle(read_file(path)?);
    }
    if let Some(proxy) = &settings.proxy {
        builder = builder.with_proxy(proxy);
    }
    Ok(builder.build()?)
}

/// Builds what looks into the token cache and sends nothing, so that no client id is needed.
pub(crate) fn of_cache(
    settings: &Settings,
    cache: TokenCache,
) -> Result<PublicClientApplication, Failure> {
    let mut builder = PublicClientApplication::builder("none").with_token_cache(cache);
    if let Some(authority) = &settings.authority {
        builder = builder.with_authority(authority);
    }
    Ok(builder.build()?)
}

/// Reads a document that a setting names.
pub(crate) fn read_file(path: &Path) -> Result<Vec<u8>, Failure> {
    let bad = |why: String| {
        Failure::usage(
            "file_not_readable",
            format!("{} cannot be read: {why}", path.display()),
            "Check the path and its permissions.",
        )
    };
    let bytes = silentry_files::read(path, silentry_files::MAX_BYTES)
        .map_err(|error| bad(error.to_string()))?;
    Ok(text::normalized(bytes))
}

/// Fails with the settings that must be there and are not, all at once. Of each: whether it is there, its flag and its
/// variable.
pub(crate) fn require(settings: &[(bool, &str, &str)]) -> Result<(), Failure> {
    let missing = settings.iter().filter(|(is_there, ..)| !is_there);
    let missing: Vec<_> = missing
        .map(|(_, flag, variable)| (*flag, *variable))
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(self::missing(&missing))
}

/// The failure of settings, by flag and variable, that must be there and are not.
pub(crate) fn missing(settings: &[(&str, &str)]) -> Failure {
    let listed = |names: Vec<&str>| match &names[..] {
        [first @ .., last] if !first.is_empty() => format!("{} and {last}", first.join(", ")),
        names => names.concat(),
    };
    let flags = listed(settings.iter().map(|(flag, _)| *flag).collect());
    let variables = listed(settings.iter().map(|(_, variable)| *variable).collect());
    let (verb, object) = match settings.len() {
        1 => ("is", "it"),
        _ => ("are", "them"),
    };
    Failure::usage(
        "usage",
        format!("{flags} {verb} missing"),
        &format!("Give {flags}, set {variables}, or write {object} into the config file."),
    )
}
