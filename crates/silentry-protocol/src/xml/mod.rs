//! XML documents within bounds, and what stands where one was expected.

pub mod content;
pub mod document;
pub(crate) mod encoding;
pub(crate) mod markup;
pub(crate) mod page;
