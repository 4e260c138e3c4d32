//! User realm discovery: who authenticates a domain's users.
