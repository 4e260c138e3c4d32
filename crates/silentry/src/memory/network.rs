//! Which network this machine is in, as far as it can tell without asking anybody.

use std::fs::File;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Read;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

/// One address of each kind of network: of the documentation (RFC 5737, RFC 3849), which only the default route leads
/// to, and of those that companies use inside (RFC 1918, RFC 4193), to which a VPN has routes of its own.
const ADDRESSES: [IpAddr; 6] = [
    IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)),
    IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1)),
    IpAddr::V4(Ipv4Addr::new(172, 16, 0, 1)),
    IpAddr::V4(Ipv4Addr::new(192, 168, 0, 1)),
    IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 1)),
];

/// The routes of Linux, and the name servers of most Unixes; both change with a VPN.
const FILES: [&str; 2] = ["/proc/net/route", "/etc/resolv.conf"];
const LONGEST_FILE: u64 = 64 * 1024;

/// Returns a number that changes when this machine gets into another network: when it has another address of its own
/// towards any of some networks, other routes or other name servers.
///
/// Nothing is sent. A change that shows in none of these is not seen.
pub(crate) fn fingerprint() -> u64 {
    let mut hasher = DefaultHasher::new();
    ADDRESSES.map(own_address_towards).hash(&mut hasher);
    FILES.map(content).hash(&mut hasher);
    hasher.finish()
}

/// Connecting a UDP socket sends nothing: it only looks up the route.
fn own_address_towards(address: IpAddr) -> Option<IpAddr> {
    let any: IpAddr = match address {
        IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = UdpSocket::bind(SocketAddr::new(any, 0)).ok()?;
    // The port does not matter; 9 is "discard".
    socket.connect(SocketAddr::new(address, 9)).ok()?;
    Some(socket.local_addr().ok()?.ip())
}

fn content(path: &str) -> Option<Vec<u8>> {
    let mut content = Vec::new();
    let file = File::open(path).ok()?;
    file.take(LONGEST_FILE).read_to_end(&mut content).ok()?;
    Some(content)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_network_has_the_same_number() {
        assert_eq!(fingerprint(), fingerprint());
    }

    #[test]
    fn the_own_address_depends_on_the_way() {
        let own = own_address_towards(Ipv4Addr::LOCALHOST.into());
        assert_eq!(own, Some(Ipv4Addr::LOCALHOST.into()));
    }
}
