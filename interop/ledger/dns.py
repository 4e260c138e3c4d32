"""A name server that lies: it says that one host is an alias of another, every time or now and then.

    dns.py ALIAS CANONICAL every|odd|even

Every name has the address 127.0.0.1. `odd` and `even` say of which requests for the alias's address the answer has the
canonical name in it; in the others the alias is a host of its own.
"""

import socket
import struct
import sys

A, CNAME = 1, 5


def encode(name: str) -> bytes:
    labels = name.rstrip(".").split(".")
    return b"".join(bytes([len(label)]) + label.encode() for label in labels) + b"\0"


def question(request: bytes) -> tuple[str, int, bytes]:
    place, labels = 12, list[str]()
    while length := request[place]:
        labels.append(request[place + 1 : place + 1 + length].decode())
        place += 1 + length
    (kind,) = struct.unpack_from(">H", request, place + 1)
    return ".".join(labels).lower(), kind, request[12 : place + 5]


def record(name: str, kind: int, data: bytes) -> bytes:
    return encode(name) + struct.pack(">HHIH", kind, 1, 0, len(data)) + data


def main() -> None:
    alias, canonical, when = sys.argv[1:]
    asked = 0
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.1", 53))
    while True:
        request, client = server.recvfrom(4096)
        name, kind, echo = question(request)
        asked += name == alias and kind == A
        lies = when == "every" or when == ("odd" if asked % 2 else "even")
        answers = []
        if name == alias and lies:
            answers.append(record(name, CNAME, encode(canonical)))
            name = canonical
        if kind == A:
            answers.append(record(name, A, b"\x7f\0\0\x01"))
        head = request[:2] + struct.pack(">HHHHH", 0x8580, 1, len(answers), 0, 0)
        server.sendto(head + echo + b"".join(answers), client)


main()
