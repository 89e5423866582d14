"""The least of a WebSocket client (RFC 6455), of Python's standard library alone. Any library does as well."""

import base64
import os
import socket
import ssl
import struct
import threading
from urllib.parse import urlsplit

TEXT, CLOSE, PING, PONG = 0x1, 0x8, 0x9, 0xA


class PlainSocket:
    """Iterating gives the texts that come, until the server says goodbye; then `code` says why.

    Whoever is silent for `patience` seconds, pings included, is taken for lost: `TimeoutError`, an `OSError` as all
    that can happen to a connection. It reads whole messages, which is what Pneumatic's server sends.
    """

    def __init__(self, url, subprotocol, patience=60):
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "wss" else 80)
        self.code = None
        self._socket = socket.create_connection((parts.hostname, port), timeout=patience)
        if parts.scheme == "wss":
            self._socket = ssl.create_default_context().wrap_socket(self._socket, server_hostname=parts.hostname)
        self._stream = self._socket.makefile("rb")
        self._turn = threading.Lock()
        key = base64.b64encode(os.urandom(16)).decode()
        self._socket.sendall(
            f"GET {parts.path}?{parts.query} HTTP/1.1\r\nHost: {parts.netloc}\r\nConnection: Upgrade\r\n"
            f"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n"
            f"Sec-WebSocket-Protocol: {subprotocol}\r\n\r\n".encode()
        )
        status = self._stream.readline()
        if b" 101 " not in status:
            raise ConnectionError(f"no WebSocket there: {status.decode().strip()}")
        while self._stream.readline().strip():
            pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._stream.close()
        self._socket.close()

    def send(self, text):
        self._write(TEXT, text.encode())

    def close(self):
        self._write(CLOSE, struct.pack("!H", 1000))

    def __iter__(self):
        while True:
            opcode, payload = self._read()
            if opcode == TEXT:
                yield payload.decode()
            elif opcode == PING:
                self._write(PONG, payload)
            elif opcode == CLOSE:
                self.code = struct.unpack("!H", payload[:2])[0] if payload else 1005
                return

    def _read(self):
        head, size = self._exactly(2)
        if size == 126:
            size = struct.unpack("!H", self._exactly(2))[0]
        elif size == 127:
            size = struct.unpack("!Q", self._exactly(8))[0]
        return head & 0x0F, self._exactly(size)

    def _exactly(self, size):
        data = self._stream.read(size)
        if len(data) < size:
            raise ConnectionError("the connection was cut")
        return data

    def _write(self, opcode, payload):
        size, mask = len(payload), os.urandom(4)
        if size < 126:
            head = struct.pack("!BB", 0x80 | opcode, 0x80 | size)
        elif size < 1 << 16:
            head = struct.pack("!BBH", 0x80 | opcode, 0x80 | 126, size)
        else:
            head = struct.pack("!BBQ", 0x80 | opcode, 0x80 | 127, size)
        with self._turn:
            self._socket.sendall(head + mask + bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload)))
