//! What went over the network, as Wireshark's dissectors read it.

use std::fs;
use std::net::UdpSocket;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Result, ensure};

use crate::interop::Ground;
use crate::process::{self, Running};

/// The discard service (RFC 863), where nobody listens.
const MARK: &str = "127.0.0.1:9";
const LIMIT: Duration = Duration::from_secs(20);
/// TGS-REQ (RFC 4120 section 7.5.7).
const TGS_REQ: &str = "12";

/// A capture of the loopback interface, the only one there is.
pub(super) struct Capture<'a> {
    ground: &'a Ground,
    file: PathBuf,
    tcpdump: Running,
}

/// What was captured.
#[derive(Debug, Default)]
pub(super) struct Traffic {
    /// For which services a ticket was asked.
    pub(super) tickets: Vec<String>,
    /// Where TCP connections went: address and port.
    pub(super) connections: Vec<String>,
    /// The names that TLS clients asked for.
    pub(super) tls_names: Vec<String>,
    /// Packets of other protocols than TCP: DNS, above all.
    pub(super) others: usize,
}

impl<'a> Capture<'a> {
    /// Starts a capture and waits until it runs.
    pub(super) fn start(ground: &'a Ground, name: &str) -> Result<Self> {
        let file = ground.folder.join(name).with_extension("pcap");
        let mut tcpdump = process::command("tcpdump -i lo -Z root -U --immediate-mode -s 0 -w");
        tcpdump.arg(&file);
        let tcpdump = process::start(&mut tcpdump, ground.log.try_clone()?.into(), &ground.log)?;
        let mut tcpdump = Running(tcpdump);
        let runs = process::wait_until(LIMIT, || {
            tcpdump.check("tcpdump")?;
            Ok(fs::metadata(&file).is_ok_and(|file| file.len() > 0))
        })?;
        ensure!(runs, "tcpdump captures nothing");
        Ok(Self {
            ground,
            file,
            tcpdump,
        })
    }

    /// Ends the capture and reads it.
    pub(super) fn finish(self) -> Result<Traffic> {
        // A packet of our own is the mark behind which nothing is missing.
        UdpSocket::bind("127.0.0.1:0")?.send_to(b"mark", MARK)?;
        let sees_mark = || {
            Ok(!self
                .fields("udp.dstport == 9", &["frame.number"])?
                .is_empty())
        };
        ensure!(
            process::wait_until(LIMIT, sees_mark)?,
            "tcpdump lags behind"
        );

        let tickets = self.fields("kerberos", &["kerberos.msg_type", "kerberos.SNameString"])?;
        let tickets = tickets.iter().filter_map(|line| {
            let (kind, name) = line.split_once('\t')?;
            // The request stands before the ticket in it: the first type and the last name count.
            let is_request = kind.split(',').next() == Some(TGS_REQ);
            is_request.then(|| name.to_owned())
        });
        let opened = "tcp.flags.syn == 1 && tcp.flags.ack == 0";
        let to = |line: &String| line.replace('\t', ":");
        let traffic = Traffic {
            tickets: tickets.collect(),
            connections: self
                .fields(opened, &["ip.dst", "tcp.dstport"])?
                .iter()
                .map(to)
                .collect(),
            tls_names: self.fields(
                "tls.handshake.type == 1",
                &["tls.handshake.extensions_server_name"],
            )?,
            others: self
                .fields("!tcp && !(udp.dstport == 9)", &["frame.number"])?
                .len(),
        };
        drop(self.tcpdump);
        Ok(traffic)
    }

    /// Returns a line for each packet that passes the filter, with its fields.
    fn fields(&self, filter: &str, fields: &[&str]) -> Result<Vec<String>> {
        let mut tshark = Command::new("tshark");
        tshark
            .arg("-r")
            .arg(&self.file)
            .args(["-Y", filter, "-T", "fields"]);
        tshark.args(fields.iter().flat_map(|field| ["-e", field]));
        let text = self.ground.read(&mut tshark)?;
        Ok(text.lines().map(str::to_owned).collect())
    }
}
