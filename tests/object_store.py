"""An S3 on loopback, as much as is needed: PUT, GET, ListObjectsV2, DeleteObjects. It takes any signature, and keeps a diary.

Google's XML interface is the same but for removing, which is a DELETE for each object.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from xml.etree import ElementTree
from xml.sax.saxutils import escape

BUCKET = "news"
SECRET = "AKIDNOBODYMAYSEETHIS"
PAGE = 7
"""Objects in one answer to a list: the real one has 1,000."""


@dataclass
class Object:
    """What was put."""

    body: bytes
    type: str
    cache: str

    @property
    def etag(self) -> str:
        return f'"{hashlib.md5(self.body).hexdigest()}"'


@dataclass
class ObjectStore:
    """objects: by key. diary: method and key of each change, in order; each: called after a change.

    refuses: status and code of every answer; keeps: whether removing is refused; hang_after: puts after which each request waits
    until the end of the test.
    """

    url: str = ""
    objects: dict[str, Object] = field(default_factory=dict)
    diary: list[tuple[str, str]] = field(default_factory=list)
    each: Callable[[], None] = lambda: None
    refuses: tuple[int, str] | None = None
    keeps: bool = False
    hang_after: int | None = None
    hanging: threading.Event = field(default_factory=threading.Event)
    over: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def puts(self) -> list[str]:
        """The keys that were put, but for those of our own bookkeeping."""
        return [key for method, key in self.diary if method == "PUT" and "/.aggregator" not in key]

    def environment(self) -> Mapping[str, str]:
        """What the operator says."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": SECRET,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_REGION": "auto",
        }

    def put(self, key: str, made: Object) -> None:
        with self.lock:
            self.objects[key] = made
            self.diary.append(("PUT", key))
            self.each()

    def remove(self, key: str) -> None:
        with self.lock:
            self.objects.pop(key, None)
            self.diary.append(("DELETE", key))
            self.each()

    def list(self, query: Mapping[str, list[str]]) -> str:
        """One page of ListObjectsV2. The token of the next one is the last key."""
        prefix, delimiter = query.get("prefix", [""])[0], query.get("delimiter", [""])[0]
        after = query.get("continuation-token", [""])[0]
        keys = sorted(key for key in self.objects if key.startswith(prefix) and key > after)
        shown, rest = keys[:PAGE], keys[PAGE:]
        inner = [key for key in shown if not delimiter or delimiter not in key[len(prefix) :]]
        listed = "".join(
            f"<Contents><Key>{escape(key)}</Key><LastModified>2026-11-28T20:00:00.000Z</LastModified>"
            f"<ETag>{escape(made.etag)}</ETag><Size>{len(made.body)}</Size></Contents>"
            for key, made in ((key, self.objects[key]) for key in inner)
        )
        next_page = f"<NextContinuationToken>{escape(shown[-1])}</NextContinuationToken>" if rest else ""
        return f"<ListBucketResult><IsTruncated>{str(bool(rest)).lower()}</IsTruncated>{next_page}{listed}</ListBucketResult>"


@contextmanager
def object_store() -> Iterator[ObjectStore]:
    store = ObjectStore()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"] or 0))
            parts = urlsplit(self.path)
            _, bucket, *rest = unquote(parts.path).split("/", 2)
            if store.hang_after is not None and len(store.puts()) >= store.hang_after:
                store.hanging.set()
                store.over.wait()
                self.close_connection = True
            elif store.refuses is not None:
                status, code = store.refuses
                self.send(status, f"<Error><Code>{code}</Code><AWSAccessKeyId>{SECRET}</AWSAccessKeyId></Error>".encode())
            elif bucket != BUCKET:
                self.send(404, b"<Error><Code>NoSuchBucket</Code></Error>")
            else:
                self.do(rest[0] if rest else "", parse_qs(parts.query, keep_blank_values=True), body)

        def do(self, key: str, query: Mapping[str, list[str]], body: bytes) -> None:
            match self.command:
                case "PUT":
                    made = Object(body, self.headers["Content-Type"], self.headers["Cache-Control"])
                    store.put(key, made)
                    self.send(200, etag=made.etag)
                case "POST" if "delete" in query:
                    keys = [one.text or "" for one in ElementTree.fromstring(body).iter() if one.tag.endswith("Key")]
                    denied = "<Code>AccessDenied</Code><Message>no</Message>"
                    for one in () if store.keeps else keys:
                        store.remove(one)
                    answer = f"<Error><Key>{{}}</Key>{denied}</Error>" if store.keeps else "<Deleted><Key>{}</Key></Deleted>"
                    done = "".join(answer.format(escape(one)) for one in keys)
                    self.send(200, f"<DeleteResult>{done}</DeleteResult>".encode())
                case "DELETE":
                    store.remove(key)
                    self.send(204)
                case "GET" if "list-type" in query:
                    self.send(200, store.list(query).encode())
                case "GET" if key in store.objects:
                    self.send(200, store.objects[key].body, store.objects[key].etag)
                case _:
                    self.send(404, b"<Error><Code>NoSuchKey</Code></Error>")

        def send(self, status: int, body: bytes = b"", etag: str = '""') -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Last-Modified", "Sat, 28 Nov 2026 20:00:00 GMT")
            self.send_header("ETag", etag)
            self.end_headers()
            with suppress(OSError):
                self.wfile.write(body)

        do_GET = do_PUT = do_POST = do_DELETE = answer

        def log_message(self, format: str, *arguments: Any) -> None:
            """Nothing."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: Any, client_address: Any) -> None:
            """Nothing: a client that is killed cuts its connections."""

    server = Server(("127.0.0.1", 0), Handler)
    store.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield store
    finally:
        store.over.set()
        server.shutdown()
        server.server_close()
        thread.join()
