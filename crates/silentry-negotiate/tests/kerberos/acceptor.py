"""A service of MIT Kerberos: accepts one context, then does to messages what it is told.

Each line that comes in is a verb and base64, each line that goes out is base64, or what went wrong."""

import base64
import sys

import gssapi

context = gssapi.SecurityContext(creds=gssapi.Credentials(usage="accept"), usage="accept")
for line in sys.stdin:
    verb, text = line.rstrip("\n").split(" ")
    data = base64.b64decode(text)
    try:
        if verb == "accept":
            answer = context.step(data) or b""
        elif verb == "open":
            opened = context.unwrap(data)
            answer = (b"sealed " if opened.encrypted else b"signed ") + opened.message
        else:
            answer = context.wrap(data, verb == "seal").message
        print(base64.b64encode(answer).decode(), flush=True)
    except gssapi.exceptions.GSSError as error:
        print("refused:", type(error).__name__, flush=True)
