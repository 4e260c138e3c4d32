//! Members of JSON answers, read as leniently as servers write them.

use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::secret::Secret;

pub(super) fn secret<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Secret>, D::Error> {
    Ok(text(deserializer)?.map(Secret::from))
}

pub(super) fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::String(text) if !text.trim().is_empty() => Some(text),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    })
}

/// A length of time as a number or text; a negative one is over, and a huge one stays huge.
pub(super) fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    let number: Option<f64> = match Value::deserialize(deserializer)? {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    // The cast saturates; every time that matters fits a float exactly.
    Ok(number
        .filter(|seconds| seconds.is_finite())
        .map(|seconds| seconds as u64))
}
