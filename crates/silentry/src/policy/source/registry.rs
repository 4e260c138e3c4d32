//! Windows: what Group Policy and MDM write into the registry, where users may only read.

use windows_registry::{LOCAL_MACHINE, Type, Value};

use super::super::rules::Written;

pub(in super::super) const PLACE: &str = r"HKLM\SOFTWARE\Policies\Silentry";
const KEY: &str = r"SOFTWARE\Policies\Silentry";

/// `ERROR_FILE_NOT_FOUND` and `ERROR_PATH_NOT_FOUND`, as an `HRESULT`.
const ABSENT: [u32; 2] = [0x8007_0002, 0x8007_0003];

/// Returns what is written there; `None` when there is nothing.
pub(in super::super) fn read() -> Result<Option<Written>, String> {
    let key = match LOCAL_MACHINE.open(KEY) {
        Ok(key) => key,
        Err(error) if ABSENT.contains(&error.code().0.cast_unsigned()) => return Ok(None),
        Err(error) => return Err(error.message()),
    };
    let mut written = Written::default();
    // Names ignore case, and the unnamed value holds nothing.
    for (name, value) in key.values().map_err(|error| error.message())? {
        match name.to_ascii_lowercase().as_str() {
            "" => {}
            "federationhosts" => written.federation_hosts = Some(list(&name, value)?),
            "tenants" => written.tenants = Some(list(&name, value)?),
            "clientids" => written.client_ids = Some(list(&name, value)?),
            "flows" => written.flows = Some(list(&name, value)?),
            "allowntlm" => written.allow_ntlm = Some(switch(&name, &value)?),
            "requirechannelbinding" => {
                written.require_channel_binding = Some(switch(&name, &value)?);
            }
            "cacheplaces" => written.cache_places = Some(list(&name, value)?),
            _ => return Err(format!("the value `{name}` is unknown")),
        }
    }
    if let Some(name) = key.keys().map_err(|error| error.message())?.next() {
        return Err(format!("the key `{name}` below it is unknown"));
    }
    Ok(Some(written))
}

/// `REG_MULTI_SZ`, an entry a line; or `REG_SZ` for a single one, and empty for none.
fn list(name: &str, value: Value) -> Result<Vec<String>, String> {
    let wrong = || format!("`{name}` is not a REG_MULTI_SZ");
    let list = match value.ty() {
        Type::MultiString => Vec::<String>::try_from(value).map_err(|_| wrong())?,
        Type::String => vec![String::try_from(value).map_err(|_| wrong())?],
        _ => return Err(wrong()),
    };
    Ok(list.into_iter().filter(|entry| !entry.is_empty()).collect())
}

/// `REG_DWORD`, 0 or 1.
fn switch(name: &str, value: &Value) -> Result<bool, String> {
    match (value.ty(), &**value) {
        (Type::U32, [0, 0, 0, 0]) => Ok(false),
        (Type::U32, [1, 0, 0, 0]) => Ok(true),
        _ => Err(format!("`{name}` is not a REG_DWORD of 0 or 1")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_have_their_types() {
        assert_eq!(switch("a", &Value::from(0_u32)), Ok(false));
        assert_eq!(switch("a", &Value::from(1_u32)), Ok(true));
        assert!(switch("a", &Value::from(2_u32)).is_err());
        assert!(switch("a", &Value::from(1_u64)).is_err());
        assert!(switch("a", &Value::from("1")).is_err());
        assert_eq!(list("a", Value::from("x")), Ok(vec!["x".to_owned()]));
        assert_eq!(list("a", Value::from("")), Ok(Vec::new()));
        let mut several = Value::from("x\0y");
        several.set_ty(Type::MultiString);
        assert_eq!(list("a", several), Ok(vec!["x".to_owned(), "y".to_owned()]));
        assert!(list("a", Value::from(1_u32)).is_err());
    }
}
