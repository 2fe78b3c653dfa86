"""A small server that speaks as vLLM documents it: none can be installed where these tests run."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self._answer({"object": "list", "data": [{"id": "/models/base", "object": "model"}]})

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.seen.append((self.path, body))
        if self.path == "/v1/load_lora_adapter":
            return self._answer("Success: LoRA adapter added successfully.")
        if self.path != "/v1/completions":
            return self._answer({})
        return self._answer(self.server.complete(body))

    def _answer(self, content, status=200):
        if isinstance(content, int):
            content, status = {"error": {"message": "no such model"}}, content
        data = (content if isinstance(content, str) else json.dumps(content)).encode()
        self.send_response(status)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *arguments):
        pass


def complete(body):
    """Counts on from the prompt's last token up to a stop token or the longest allowed."""
    tokens = []
    while len(tokens) < body["max_tokens"] and (not tokens or tokens[-1] not in body["stop_token_ids"]):
        tokens.append(body["prompt"][-1] + len(tokens) + 1)
    stopped = tokens[-1] in body["stop_token_ids"]
    choice = {
        "index": 0,
        "text": "",
        "token_ids": tokens,
        "prompt_token_ids": body["prompt"],
        "finish_reason": "stop" if stopped else "length",
        "stop_reason": tokens[-1] if stopped else None,
        "logprobs": {"tokens": [str(t) for t in tokens], "token_logprobs": [-0.5 - t / 100 for t in tokens]},
    }
    return {"id": "cmpl-1", "object": "text_completion", "model": body["model"], "choices": [choice]}


@contextmanager
def serving() -> Iterator[ThreadingHTTPServer]:
    """The server; `seen` are the requests it got, `complete` makes its answers."""
    served = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    served.seen, served.complete = [], complete
    threading.Thread(target=served.serve_forever, daemon=True).start()
    yield served
    served.shutdown()
    served.server_close()
