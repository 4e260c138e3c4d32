//! macOS: managed preferences, which a configuration profile brings and users cannot change.
//!
//! Only forced values count: a user's own `defaults write` is no policy. Managed preferences cannot be enumerated
//! apart from the user's, so a key that nobody knows is passed over here, unlike elsewhere.

#![allow(unsafe_code)] // the C calls of CoreFoundation are unsafe by nature.

use core_foundation::array::CFArray;
use core_foundation::base::{CFType, TCFType};
use core_foundation::boolean::CFBoolean;
use core_foundation::string::CFString;
use core_foundation_sys::preferences::{CFPreferencesAppValueIsForced, CFPreferencesCopyAppValue};

use super::super::rules::Written;

pub(in super::super) const PLACE: &str = "com.github.silentry (managed preferences)";
const DOMAIN: &str = "com.github.silentry";

/// Returns what is managed; `None` when nothing is.
pub(in super::super) fn read() -> Result<Option<Written>, String> {
    let written = Written {
        federation_hosts: list("FederationHosts")?,
        tenants: list("Tenants")?,
        client_ids: list("ClientIds")?,
        flows: list("Flows")?,
        allow_ntlm: switch("AllowNtlm")?,
        require_channel_binding: switch("RequireChannelBinding")?,
        cache_places: list("CachePlaces")?,
    };
    Ok((written != Written::default()).then_some(written))
}

fn switch(key: &str) -> Result<Option<bool>, String> {
    let Some(value) = forced(key) else {
        return Ok(None);
    };
    match value.downcast::<CFBoolean>() {
        Some(value) => Ok(Some(value.into())),
        None => Err(format!("`{key}` is not a boolean")),
    }
}

fn list(key: &str) -> Result<Option<Vec<String>>, String> {
    let Some(value) = forced(key) else {
        return Ok(None);
    };
    let wrong = || format!("`{key}` is not an array of strings");
    let entries = value.downcast::<CFArray>().ok_or_else(wrong)?;
    let entries = entries.iter().map(|entry| {
        // SAFETY: the elements of an array of a property list are CoreFoundation objects, which the array keeps alive.
        let entry = unsafe { CFType::wrap_under_get_rule(*entry) };
        let text = entry.downcast::<CFString>().ok_or_else(wrong)?;
        Ok(text.to_string())
    });
    entries.collect::<Result<_, String>>().map(Some)
}

/// Returns the value that a profile forces.
fn forced(key: &str) -> Option<CFType> {
    let (key, domain) = (CFString::new(key), CFString::new(DOMAIN));
    let (key, domain) = (key.as_concrete_TypeRef(), domain.as_concrete_TypeRef());
    // SAFETY: both are strings that live until the end of this function.
    let is_forced = unsafe { CFPreferencesAppValueIsForced(key, domain) };
    if is_forced == 0 {
        return None;
    }
    // SAFETY: as above.
    let value = unsafe { CFPreferencesCopyAppValue(key, domain) };
    if value.is_null() {
        return None;
    }
    // SAFETY: it is an object that the function above made for us (the create rule).
    Some(unsafe { CFType::wrap_under_create_rule(value) })
}
