#![no_main]

use libfuzzer_sys::fuzz_target;
use silentry_protocol::discovery::instance::CloudMetadata;
use url::Url;

const ASKED: &str = "login.cloud.example";

fuzz_target!(|body: &[u8]| {
    let Some(cloud) = CloudMetadata::find(body, ASKED) else {
        return;
    };
    assert!(cloud.aliases.iter().any(|alias| alias == ASKED));
    for name in cloud.aliases.iter().chain([&cloud.preferred_network]) {
        let url = Url::parse(&format!("https://{name}/")).expect("a host name");
        assert_eq!(url.host_str(), Some(name.as_str()));
        assert_eq!((url.port(), url.path(), url.username()), (None, "/", ""));
    }
});
