"""A man in the middle: ends TLS with a certificate of its own and passes on what it hears.

relay.py LISTEN_PORT CERTIFICATE_AND_KEY.pem TARGET_PORT TARGET_NAME TARGET_CA.pem
"""

import asyncio
import ssl
import sys


async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    try:
        while data := await source.read(65536):
            sink.write(data)
            await sink.drain()
    except OSError:
        pass
    finally:
        sink.close()


async def main() -> None:
    listen, identity, port, name, authority = sys.argv[1:]
    inner = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    inner.load_cert_chain(identity)
    outer = ssl.create_default_context(cafile=authority)

    # One thread for both directions: a TLS connection is not to be read and written at the same time.
    async def serve(from_client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        try:
            connected = await asyncio.open_connection("127.0.0.1", int(port), ssl=outer, server_hostname=name)
        except OSError as error:
            print(f"relay: {error}", file=sys.stderr)
            to_client.close()
            return
        from_server, to_server = connected
        await asyncio.gather(pump(from_client, to_server), pump(from_server, to_client))

    server = await asyncio.start_server(serve, "127.0.0.1", int(listen), ssl=inner)
    await server.serve_forever()


asyncio.run(main())
