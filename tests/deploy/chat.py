"""Two people talk through a proxy, by REST and by sockets, and each sees the own address in the list of logins.

chat.py ORIGIN FROM [BALANCER]: calls ORIGIN (http://127.0.0.1:8080, or https with any certificate) from the address FROM, and says of itself that it is somebody
else, which must not be believed. BALANCER is an address that the proxy takes for a balancer's: from there it is believed.
"""

import asyncio
import http.client
import json
import ssl
import sys
import uuid
from urllib.parse import urlsplit

from websockets.asyncio.client import connect

FORGED = "198.51.100.66"
SERVED = "203.0.113.9"
# In seconds: for a debug build on a machine that is shared.
PATIENCE = 60
ANY_CERTIFICATE = ssl.create_default_context()
ANY_CERTIFICATE.check_hostname = False
ANY_CERTIFICATE.verify_mode = ssl.CERT_NONE


class Person:
    def __init__(self, origin, source, headers):
        self.site, self.source, self.headers, self.name = urlsplit(origin), source, headers, "p" + uuid.uuid4().hex[:12]
        login = {"username": self.name, "password": "correct horse"}
        self.id = self.call("POST", "/auth/signup", login, 201)["id"]
        self.token = self.call("POST", "/auth/login", login)["access_token"]
        self.headers = headers | {"authorization": "Bearer " + self.token}

    def call(self, method, path, body=None, status=200):
        there = {"host": self.site.hostname, "port": self.site.port, "timeout": PATIENCE, "source_address": (self.source, 0)}
        secure = self.site.scheme == "https"
        line = http.client.HTTPSConnection(**there, context=ANY_CERTIFICATE) if secure else http.client.HTTPConnection(**there)
        line.request(method, path, body and json.dumps(body), {"content-type": "application/json"} | self.headers)
        answer = line.getresponse()
        text = answer.read()
        line.close()
        assert answer.status == status, f"{method} {path}: {answer.status} {text}"
        return json.loads(text)

    def socket(self):
        """With the token where a log could keep it, as browsers without a ticket have it."""
        secure = self.site.scheme == "https"
        return connect(
            f"{'wss' if secure else 'ws'}://{self.site.netloc}/ws?token={self.token}", subprotocols=["pneumatic.v2"],
            local_addr=(self.source, 0), ssl=ANY_CERTIFICATE if secure else None, open_timeout=PATIENCE, ping_timeout=PATIENCE)

    def address(self):
        return next(login["address"] for login in self.call("GET", "/auth/sessions")["sessions"] if login["current"])


async def hear(socket, kind):
    async with asyncio.timeout(PATIENCE):
        while (frame := json.loads(await socket.recv()))["type"] != kind:
            pass
    return frame


async def talk(ann, bob):
    room = ann.call("POST", "/conversations", {"member_ids": [bob.id]}, 201)["id"]
    async with ann.socket() as anns, bob.socket() as bobs:
        await hear(anns, "ready")
        await hear(bobs, "ready")
        message = {"type": "message", "message_id": str(uuid.uuid4()), "conversation_id": room, "content": "hello"}
        await anns.send(json.dumps(message))
        await hear(anns, "ack")
        heard = (await hear(bobs, "message"))["message"]
        assert heard["content"] == "hello" and heard["sender_id"] == ann.id, heard
    history = bob.call("GET", f"/conversations/{room}/messages")
    assert "hello" in json.dumps(history), history


def main():
    origin, source, *balancer = sys.argv[1:]
    forged = {"x-forwarded-for": FORGED, "x-real-ip": FORGED, "forwarded": f"for={FORGED}"}
    ann, bob = (Person(origin, source, forged) for _ in range(2))
    asyncio.run(talk(ann, bob))
    assert ann.address() == source, f"{ann.address()} is shown to somebody at {source}"
    if balancer:
        carl = Person(origin, balancer[0], {"x-forwarded-for": f"{FORGED}, {SERVED}"})
        assert carl.address() == SERVED, f"{carl.address()} is shown to somebody at {SERVED} behind the balancer"
    print(f"a message arrived; logins show {source}" + (f", and {SERVED} behind a balancer" if balancer else ""))


if __name__ == "__main__":
    main()
