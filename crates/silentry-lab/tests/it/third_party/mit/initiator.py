"""MIT's GSS-API as the client: one token out, the service's reply in, "complete" out.

usage: initiator.py SPNEGO|KERBEROS HOST [CHANNEL-BINDING]
"""

import base64
import sys

import gssapi
from gssapi.raw import ChannelBindings

mechanism, host = sys.argv[1:3]
oid = {"SPNEGO": "1.3.6.1.5.5.2", "KERBEROS": "1.2.840.113554.1.2.2"}[mechanism]
binding = ChannelBindings(application_data=sys.argv[3].encode()) if sys.argv[3:] else None
context = gssapi.SecurityContext(
    name=gssapi.Name(f"HTTP@{host}", gssapi.NameType.hostbased_service),
    mech=gssapi.OID.from_int_seq(oid),
    flags=gssapi.RequirementFlag.mutual_authentication,
    channel_bindings=binding,
    usage="initiate",
)
print(base64.b64encode(context.step()).decode(), flush=True)
rest = context.step(base64.b64decode(sys.stdin.readline()))
print("complete" if context.complete and not rest else "incomplete", flush=True)
