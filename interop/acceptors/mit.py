"""A web server that takes Negotiate tokens with MIT Kerberos and demands a channel binding, as AD FS does with
ExtendedProtectionTokenCheck set to Require.

usage: mit.py PORT CERTIFICATE KEY BOUND-CERTIFICATE; the keytab is in KRB5_KTNAME
"""

import base64
import hashlib
import ssl
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import gssapi
from gssapi.raw import ChannelBindings, GSSError

# This version of python-gssapi has no name for GSS_C_CHANNEL_BOUND_FLAG.
CHANNEL_BOUND = 2048

# An error is to be seen at once, not after its token was sent.
gssapi.SecurityContext.__DEFER_STEP_ERRORS__ = False

port, certificate, key, bound = sys.argv[1:]
der = ssl.PEM_cert_to_DER_cert(Path(bound).read_text())
BINDING = b"tls-server-end-point:" + hashlib.sha256(der).digest()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self.answer(401, "Negotiate", "")

    def do_GET(self) -> None:
        scheme, _, data = self.headers.get("Authorization", "").partition(" ")
        if scheme == "Negotiate":
            self.answer(*self.judge(data))
        else:
            self.answer(401, "Negotiate", "")

    def judge(self, data: str) -> tuple[int, str, str]:
        context = gssapi.SecurityContext(usage="accept", channel_bindings=ChannelBindings(application_data=BINDING))
        try:
            token = context.step(base64.b64decode(data))
        except GSSError as error:
            self.log_message("refused: %s", type(error).__name__)
            return 401, "Negotiate", "refused\n"
        if not int(context.actual_flags) & CHANNEL_BOUND:
            return 401, "Negotiate", "no channel binding\n"
        return 200, "Negotiate " + base64.b64encode(token).decode(), f"{context.initiator_name}\n"

    def answer(self, status: int, negotiate: str, text: str) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("WWW-Authenticate", negotiate)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


server = HTTPServer(("127.0.0.1", int(port)), Handler)
tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
tls.load_cert_chain(certificate, key)
server.socket = tls.wrap_socket(server.socket, server_side=True)
server.serve_forever()
