#![no_main]

use libfuzzer_sys::fuzz_target;
use silentry_negotiate::ChannelBinding;

fuzz_target!(|der: &[u8]| {
    match ChannelBinding::tls_server_end_point(der) {
        Ok(binding) => {
            let hash = binding
                .application_data()
                .strip_prefix(b"tls-server-end-point:");
            assert!(matches!(hash.expect("the prefix").len(), 28 | 32 | 48 | 64));
            let longer = [der, b"\0"].concat();
            assert!(ChannelBinding::tls_server_end_point(&longer).is_err());
        }
        Err(error) => drop(error.to_string()),
    }
});
