//! What an authority URL means: its kind, tenant and cloud.

pub mod clouds;
