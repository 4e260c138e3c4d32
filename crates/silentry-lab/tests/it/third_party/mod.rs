//! What programs of others make of the lab.

mod mit;
mod programs;
