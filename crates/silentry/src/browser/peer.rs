//! Who opened a connection to the loopback address, as far as the system tells.
//!
//! Any user of a machine can connect to a listener on the loopback address, and `SO_PEERCRED` does not exist for TCP.
//! Linux lists the sockets of a network namespace with their owners (`/proc/net/tcp`, proc_pid_net(5)), and both ends of
//! a connection on the loopback address are in that list. On other systems nothing is asked.

use std::io;
use std::net::SocketAddr;

/// Who is at the other end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(
    not(target_os = "linux"),
    allow(dead_code, reason = "other systems do not tell")
)]
pub(super) enum Peer {
    /// This user, or root, who can read the memory of this process anyway.
    SameUser,
    /// The user with this id.
    OtherUser(u32),
    /// Nobody: the other end is closed, and who had opened it is not told any more. A browser waits for its page.
    Gone,
    /// The system does not tell.
    Unknown,
}

/// Returns who opened the connection that this process has accepted.
///
/// # Errors
///
/// The list is there and cannot be read, as when no file descriptor is left; then nobody is to be trusted.
#[cfg(target_os = "linux")]
pub(super) fn of(own: SocketAddr, other: SocketAddr) -> io::Result<Peer> {
    linux::of(own, other)
}

#[cfg(not(target_os = "linux"))]
pub(super) fn of(_own: SocketAddr, _other: SocketAddr) -> io::Result<Peer> {
    Ok(Peer::Unknown)
}

#[cfg(target_os = "linux")]
mod linux {
    use std::fs::File;
    use std::io::{self, BufRead, BufReader, ErrorKind, Read};
    use std::net::{IpAddr, SocketAddr};

    use rustix::process::geteuid;

    use super::Peer;

    /// Those of the thread: a thread may be in another network namespace than its process.
    const LISTS: [&str; 2] = ["/proc/thread-self/net/tcp", "/proc/thread-self/net/tcp6"];
    /// A line has 150 bytes, and machines have up to a million sockets.
    const MAX_LIST_BYTES: u64 = 256 * 1024 * 1024;
    /// The kernel may leave out a line when others go while the list is read.
    const TRIES: usize = 3;
    const ROOT: u32 = 0;

    pub(super) fn of(own: SocketAddr, other: SocketAddr) -> io::Result<Peer> {
        for _ in 0..TRIES {
            let mut found = Found::default();
            for path in LISTS {
                // IPv6 may be missing, and so may all of /proc.
                match File::open(path) {
                    Ok(list) => found.search(list, own, other)?,
                    Err(error) if is_hidden(&error) => {}
                    Err(error) => return Err(error),
                }
            }
            match found {
                Found {
                    other: Some(uid), ..
                } => return Ok(judge(uid, geteuid().as_raw())),
                // The list tells about other connections than this one.
                Found { own: false, .. } => return Ok(Peer::Unknown),
                Found { .. } => {}
            }
        }
        Ok(Peer::Gone)
    }

    fn is_hidden(error: &io::Error) -> bool {
        matches!(
            error.kind(),
            ErrorKind::NotFound | ErrorKind::PermissionDenied
        )
    }

    fn judge(uid: u32, this_user: u32) -> Peer {
        let is_this_user = uid == this_user || uid == ROOT;
        // Who became root by sudo keeps the browser of the own desktop.
        if is_this_user || (this_user == ROOT && sudo_user() == Some(uid)) {
            return Peer::SameUser;
        }
        Peer::OtherUser(uid)
    }

    fn sudo_user() -> Option<u32> {
        std::env::var("SUDO_UID").ok()?.parse().ok()
    }

    /// What a list has about a connection.
    #[derive(Default)]
    pub(super) struct Found {
        /// Whether the own end is there.
        pub(super) own: bool,
        /// The owner of the other end, while it is open.
        pub(super) other: Option<u32>,
    }

    impl Found {
        pub(super) fn search(
            &mut self,
            list: impl Read,
            own: SocketAddr,
            other: SocketAddr,
        ) -> io::Result<()> {
            let ends = (endpoints(own), endpoints(other));
            let is = |text: &str, names: &[String; 2]| names.iter().any(|name| name == text);
            let mut lines = BufReader::new(list.take(MAX_LIST_BYTES));
            let mut line = String::new();
            while lines.read_line(&mut line)? > 0 {
                let mut words = line.split_ascii_whitespace().skip(1);
                if let (Some(local), Some(remote)) = (words.next(), words.next()) {
                    if is(local, &ends.0) && is(remote, &ends.1) {
                        self.own = true;
                    } else if is(local, &ends.1) && is(remote, &ends.0) {
                        self.other = owner(words).or(self.other);
                    }
                }
                line.clear();
            }
            Ok(())
        }
    }

    /// Reads state, owner and inode; a socket that nobody has open any more has no inode, and counts as root's.
    fn owner<'a>(mut words: impl Iterator<Item = &'a str>) -> Option<u32> {
        // st, tx_queue:rx_queue, tr:tm->when, retrnsmt, uid, timeout, inode
        let uid = words.nth(4)?.parse().ok()?;
        (words.nth(1)? != "0").then_some(uid)
    }

    /// How the lists write an address: its words as numbers of this machine. A socket for IPv6 that speaks IPv4 has
    /// the mapped address.
    fn endpoints(address: SocketAddr) -> [String; 2] {
        let words = |bytes: &[u8]| -> String {
            let (words, _) = bytes.as_chunks::<4>();
            let words = words.iter().map(|word| u32::from_ne_bytes(*word));
            words.map(|word| format!("{word:08X}")).collect()
        };
        let port = address.port();
        let written = |bytes: &[u8]| format!("{}:{port:04X}", words(bytes));
        match address.ip() {
            IpAddr::V4(ip) => [
                written(&ip.octets()),
                written(&ip.to_ipv6_mapped().octets()),
            ],
            IpAddr::V6(ip) => [written(&ip.octets()), written(&ip.octets())],
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        // Of a machine with little endian words; the first is the listener.
        const V4: &str = "\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000   500        0 1 1 0 100
   1: 0100007F:1F90 0100007F:C001 01 00000000:00000000 00:00000000 00000000   500        0 2 1 0 20
   2: 0100007F:C001 0100007F:1F90 01 00000000:00000000 00:00000000 00000000  1001        0 3 1 0 20
   3: 0100007F:1F90 0100007F:C002 08 00000000:00000000 00:00000000 00000000   500        0 4 1 0 20
   4: 0100007F:C002 0100007F:1F90 05 00000000:00000000 00:00000000 00000000     0        0 0 1 0 20
   5: 0100007F:C003 0100007F:1F90 06 00000000:00000000 03:00001770 00000000     0        0 0 3 0
   6: 0100007F:C001 0100007F:1F9
   7:
";
        const V6: &str = "\
   0: 00000000000000000000000001000000:1F90 00000000000000000000000001000000:C001 01 0:0 00:0 0   500 0 5 1
   1: 00000000000000000000000001000000:C001 00000000000000000000000001000000:1F90 01 0:0 00:0 0  1002 0 6 1
   2: 0000000000000000FFFF00000100007F:C004 0000000000000000FFFF00000100007F:1F90 01 0:0 00:0 0  1003 0 7 1
";

        fn look(text: &str, ip: &str, port: u16) -> (bool, Option<u32>) {
            let mut found = Found::default();
            let ip: IpAddr = ip.parse().unwrap();
            let ends = (SocketAddr::new(ip, 8080), SocketAddr::new(ip, port));
            found.search(text.as_bytes(), ends.0, ends.1).unwrap();
            (found.own, found.other)
        }

        #[test]
        #[cfg(target_endian = "little")]
        fn the_owner_of_the_other_end_is_found() {
            assert_eq!(look(V4, "127.0.0.1", 0xC001), (true, Some(1001)));
            assert_eq!(look(V6, "::1", 0xC001), (true, Some(1002)));
            assert_eq!(look(V6, "127.0.0.1", 0xC004), (false, Some(1003)));
            // Closed ends count as root's there.
            assert_eq!(look(V4, "127.0.0.1", 0xC002), (true, None));
            assert_eq!(look(V4, "127.0.0.1", 0xC003), (false, None));
            assert_eq!(look(V4, "::1", 0xC001), (false, None));
        }

        #[test]
        fn root_and_this_user_are_no_others() {
            assert_eq!(judge(1000, 1000), Peer::SameUser);
            assert_eq!(judge(0, 1000), Peer::SameUser);
            assert_eq!(judge(1001, 1000), Peer::OtherUser(1001));
        }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr, TcpListener, TcpStream};

    use super::*;

    #[test]
    fn an_own_connection_is_known_until_it_is_closed() {
        for ip in [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()] {
            let Ok(listener) = TcpListener::bind(SocketAddr::new(ip, 0)) else {
                assert!(ip.is_ipv6(), "no IPv4");
                continue;
            };
            let address = listener.local_addr().unwrap();
            let client = TcpStream::connect(address).unwrap();
            let (_accepted, other) = listener.accept().unwrap();
            assert_eq!(of(address, other).unwrap(), Peer::SameUser);
            drop(client);
            assert_eq!(of(address, other).unwrap(), Peer::Gone);
        }
    }

    #[test]
    fn a_connection_that_the_system_does_not_list_is_unknown() {
        let own = SocketAddr::from((Ipv4Addr::LOCALHOST, 1));
        assert_eq!(of(own, own).unwrap(), Peer::Unknown);
    }
}
