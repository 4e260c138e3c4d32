"""A man in the middle: ends TLS with a certificate of its own and passes on what it hears.

    relay.py LISTEN_PORT CERTIFICATE_AND_KEY.pem TARGET_PORT TARGET_NAME TARGET_CA.pem
"""

import socket
import ssl
import sys
import threading


def pump(source, sink):
    try:
        while data := source.recv(65536):
            sink.sendall(data)
    except OSError:
        pass
    finally:
        for side in (source, sink):
            try:
                side.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


def serve(client, inner, outer, port, name):
    try:
        client = inner.wrap_socket(client, server_side=True)
        server = socket.create_connection(("127.0.0.1", port))
        server = outer.wrap_socket(server, server_hostname=name)
    except OSError as error:
        print(f"relay: {error}", file=sys.stderr)
        client.close()
        return
    threading.Thread(target=pump, args=(client, server), daemon=True).start()
    pump(server, client)


def main():
    listen, identity, port, name, authority = sys.argv[1:]
    inner = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    inner.load_cert_chain(identity)
    outer = ssl.create_default_context(cafile=authority)
    listener = socket.create_server(("127.0.0.1", int(listen)))
    while True:
        client, _ = listener.accept()
        arguments = (client, inner, outer, int(port), name)
        threading.Thread(target=serve, args=arguments, daemon=True).start()


main()
