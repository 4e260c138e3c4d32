//! AD FS metadata exchange: which endpoint takes which credential.
