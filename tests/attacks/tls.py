"""An authority of our own and its certificates, made at run time, and servers that misuse TLS record by record."""

from __future__ import annotations

import asyncio
import shutil
import ssl
import subprocess
from pathlib import Path

import pytest

_KEY = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"


class Authority:
    """Signs certificates for servers on loopback. `file`: what to trust (SSL_CERT_FILE)."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.file = folder / "ca.pem"
        self._key = folder / "ca.key"
        self._openssl(
            "req -x509", _KEY, "-subj /CN=authority -addext keyUsage=keyCertSign", f"-keyout {self._key} -out {self.file}"
        )

    def context(self, common_name: str, *names: str, newest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3) -> ssl.SSLContext:
        """A server's context with a certificate for these names (`IP:127.0.0.1`, `DNS:news.example`), or for none."""
        key, request, made, more = (self._folder / f"{common_name}.{end}" for end in ("key", "csr", "pem", "ext"))
        self._openssl("req -new", _KEY.replace("-days 2", ""), f"-subj /CN={common_name} -keyout {key} -out {request}")
        more.write_text("basicConstraints=CA:FALSE\n" + (f"subjectAltName={','.join(names)}\n" if names else ""))
        self._openssl(
            f"x509 -req -days 2 -CAcreateserial -CA {self.file} -CAkey {self._key} -in {request} -extfile {more} -out {made}"
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(made, key)
        context.maximum_version = newest
        return context

    @staticmethod
    def _openssl(*words: str) -> None:
        openssl = shutil.which("openssl")
        if openssl is None:
            pytest.skip("needs openssl")
        subprocess.run([openssl, *" ".join(words).split()], check=True, capture_output=True)


class Peer:
    """The server's end of one connection, plain or TLS, which makes records when it is told and sends them when it is told."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, context: ssl.SSLContext | None) -> None:
        self.reader, self.writer = reader, writer
        self.done = asyncio.Event()
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._secure = context.wrap_bio(self._incoming, self._outgoing, server_side=True) if context else None

    async def shake_hands(self, then: bytes = b"") -> None:
        """Ends the handshake, and sends `then` in one segment with its last words."""
        while self._secure is not None:
            try:
                self._secure.do_handshake()
                break
            except ssl.SSLWantReadError:
                await self._more()
        await self.send(self.seal(then) if then else b"")

    async def request(self) -> str:
        """The target of the next request."""
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += await self._read()
        return head.split(b" ")[1].decode()

    def seal(self, data: bytes) -> bytes:
        """The data as one record of TLS, or as it is."""
        if self._secure is None:
            return data
        self._secure.write(data)
        return self._outgoing.read()

    def farewell(self) -> bytes:
        """The close_notify of TLS; nothing on a plain connection, which has none."""
        if self._secure is None:
            return b""
        try:
            self._secure.unwrap()
        except ssl.SSLWantReadError:
            pass
        return self._outgoing.read()

    async def send(self, segment: bytes) -> None:
        self.writer.write(self._outgoing.read() + segment)
        await self.writer.drain()

    async def _read(self) -> bytes:
        while self._secure is not None:
            try:
                return self._secure.read(16_384)
            except ssl.SSLWantReadError:
                await self._more()
        return await self.reader.readuntil(b"\r\n\r\n")

    async def _more(self) -> None:
        await self.send(b"")
        data = await self.reader.read(16_384)
        if not data:
            raise ConnectionResetError
        self._incoming.write(data)
