#!/usr/bin/env python3
"""Says something to somebody, then shows what they say. A cut loses nothing and doubles nothing. Ctrl-C ends it.

python3 client.py http://127.0.0.1:8000 ann "correct horse" bob "hello bob"
"""

import http.client, json, random, signal, sys, time, urllib.error, urllib.request, uuid

from knowledge import Knowledge
from plain_socket import PlainSocket

site, username, password, partner, *words = sys.argv[1:]
tokens = {"access_token": ""}


def call(path, body=None):
    headers = {"content-type": "application/json", "authorization": f"Bearer {tokens['access_token']}"}
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(site + path, data, headers), timeout=30) as answer:
        return json.load(answer)


def ticket():
    """Opens one socket. An access token is good for minutes; the refresh token brings the next pair, once."""
    global tokens
    try:
        return call("/auth/ws-ticket", {})["ticket"]
    except urllib.error.HTTPError as refusal:
        if refusal.code != 401:
            raise
    tokens = call("/auth/refresh", {"refresh_token": tokens["refresh_token"]})
    return call("/auth/ws-ticket", {})["ticket"]


def follow(socket):
    """Until the connection ends."""
    for frame in map(json.loads, socket):
        for new in knowledge.take(frame):
            message = new.get("message", {})
            if message.get("conversation_id") == room and message["sender_id"] == them and message["id"] not in shown:
                shown.add(message["id"])
                print(f"{partner}: {message['content']}", flush=True)
            if new["type"] == "resumed":
                for message_id, content in unsent.items():
                    post = {"message_id": message_id, "conversation_id": room, "content": content}
                    socket.send(json.dumps({"type": "message", **post}))
        if knowledge.is_behind:
            socket.send(json.dumps(knowledge.resume()))
        if frame["type"] == "ack":
            unsent.pop(frame["message_id"], None)
        elif frame["type"] == "error" and not unsent.pop(frame.get("message_id"), None):
            raise ConnectionError(frame["reason"])
        elif frame["type"] == "error":
            print(f"not sent: {frame['reason']}", file=sys.stderr)


signal.signal(signal.SIGINT, signal.SIG_DFL)
tokens = call("/auth/login", {"username": username, "password": password})
them = next(user["id"] for user in call(f"/users?q={partner}")["users"] if user["username"] == partner)
room = call("/conversations", {"member_ids": [them]})["id"]
unsent = {str(uuid.uuid4()): text for text in words}  # What goes out twice under the same name is stored once.
knowledge, shown = Knowledge(), set()
while True:
    try:
        with PlainSocket(f"{site.replace('http', 'ws', 1)}/ws?ticket={ticket()}", "pneumatic.v2") as socket:
            follow(socket)
    except urllib.error.HTTPError as refusal:
        if refusal.code == 401:
            sys.exit("This login has ended.")
    except (OSError, http.client.HTTPException):
        pass
    time.sleep(random.uniform(0.5, 3))
