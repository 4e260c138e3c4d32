"""The programs that time tokens from a cache, beside Silentry's: `python3 -m bench.peers PREPARED`.

Prints JSON: the name of each, its command line, and what its environment must have.
"""

import json
import sys
from pathlib import Path

from clients.programs import Client, packages

prepared = Path(sys.argv[1])
peers = [
    {"name": client.value, "command": client.script(prepared, "silent"), "environment": packages(prepared)}
    for client in (Client.PYTHON, Client.NODE)
]
print(json.dumps(peers))
