"""What went over the network, as Wireshark's dissectors read it."""

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from support.processes import run, running, wait_for

# The discard service (RFC 863), where nobody listens.
_MARK = ("127.0.0.1", 9)
# TGS-REQ (RFC 4120 section 7.5.7).
_TGS_REQ = "12"


@dataclass
class Traffic:
    """What was captured."""

    # For which services a ticket was asked.
    tickets: list[str]
    # Where TCP connections went: address and port.
    connections: list[str]
    # The names that TLS clients asked for.
    tls_names: list[str]
    # Packets of other protocols than TCP: DNS, above all.
    others: int


@contextmanager
def capture(file: Path) -> Iterator[Callable[[], Traffic]]:
    """Capture the loopback interface, the only one there is; what is returned reads what was captured so far."""
    options = ("-i", "lo", "-Z", "root", "-U", "--immediate-mode", "-s", "0", "-w", file)
    with running("tcpdump", *options) as process:
        wait_for("begin of the capture", lambda: (file.exists() and file.stat().st_size) or None, process)
        yield lambda: _read(file)


def _read(file: Path) -> Traffic:
    # A packet of our own is the mark behind which nothing is missing.
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.sendto(b"mark", _MARK)
    wait_for("mark in the capture", lambda: _fields(file, "udp.dstport == 9", "frame.number") or None)
    kerberos = [line.split("\t") for line in _fields(file, "kerberos", "kerberos.msg_type", "kerberos.SNameString")]
    opened = _fields(file, "tcp.flags.syn == 1 && tcp.flags.ack == 0", "ip.dst", "tcp.dstport")
    return Traffic(
        # The request stands before the ticket in it: the first type and the last name count.
        tickets=[names for kinds, names in kerberos if kinds.split(",")[0] == _TGS_REQ],
        connections=[line.replace("\t", ":") for line in opened],
        tls_names=_fields(file, "tls.handshake.type == 1", "tls.handshake.extensions_server_name"),
        others=len(_fields(file, "!tcp && !(udp.dstport == 9)", "frame.number")),
    )


def _fields(file: Path, filter_: str, *fields: str) -> list[str]:
    """Return a line for each packet that passes the filter, with its fields."""
    wanted = [word for field in fields for word in ("-e", field)]
    return run("tshark", "-r", file, "-Y", filter_, "-T", "fields", *wanted).splitlines()
