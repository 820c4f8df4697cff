"""What pages of other sites make a browser send to a server of this machine, and what is its own.

For every local server: the host, the emulator, storage. `refused` and `taken` are headers beside
which the server's own Host, `{host}`, stands for its address and port.
"""

import http.client
from collections.abc import Mapping
from urllib.parse import urlsplit

Headers = Mapping[str, str]

# A name that an attacker's name server lets lead to 127.0.0.1, and what browsers and tools write.
REFUSED_HOSTS = [
    "evil.example",
    "evil.example:{port}",
    "127.0.0.1.evil.example:{port}",
    "localhost.evil.example",
    "evil.example@localhost",
    "localhost@evil.example",
    "localhost:{port}, evil.example",
    "localhost:{port}/x",
    "[::1].evil.example",
    "[::1",
    "192.168.1.5:{port}",
    "0.0.0.0:{port}",
    "2130706433:{port}",
    "0x7f.1:{port}",
    "",
    " ",
    "x" * 5000,
]
TAKEN_HOSTS = [
    "127.0.0.1:{port}",
    "127.0.0.1",
    "127.8.9.10:{port}",
    "localhost:{port}",
    "LocalHost:{port}",
    "[::1]:{port}",
    "localhost:9",
]
# From a page that is not this server's: what the browser says of it.
FOREIGN_PAGES: list[Headers] = [
    {"Origin": "http://evil.example"},
    {"Origin": "https://evil.example:{port}"},
    {"Origin": "null"},
    {"Origin": "http://localhost:3000"},
    {"Origin": "http://{host}.evil.example"},
    {"Origin": "http://{host}@evil.example"},
    {"Origin": ""},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"},
]
OWN_PAGES: list[Headers] = [
    {},
    {"Origin": "http://{host}"},
    {"Origin": "http://{host}", "Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors"},
    {"Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"},
]
# A link on another site, which somebody has followed.
LINK = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}


def ask(
    url: str, method: str, path: str, headers: Headers, host: str | None = "{host}"
) -> tuple[int, str]:
    """The status and the text. `host` is the Host header, None for none (HTTP/1.0)."""
    address = urlsplit(url)
    fill = {"host": address.netloc, "port": str(address.port)}
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=60)
    if host is None:
        connection._http_vsn, connection._http_vsn_str = 10, "HTTP/1.0"  # type: ignore[attr-defined]
    try:
        connection.putrequest(method, path, skip_host=True)
        for name, value in {**({} if host is None else {"Host": host}), **headers}.items():
            for key, filler in fill.items():
                value = value.replace(f"{{{key}}}", filler)
            connection.putheader(name, value)
        connection.putheader("Content-Length", "0")
        connection.endheaders()
        answer = connection.getresponse()
        return answer.status, answer.read().decode(errors="replace")
    finally:
        connection.close()
