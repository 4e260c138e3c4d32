//! XML from the network: decoded, bounded, without DOCTYPE.
