"""A service without a model, for the tests: it listens on a port and is sure of a label, or refuses."""

import json
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from threading import Lock

NUMBERS = count(1)
ONE_AT_A_TIME = Lock()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        with ONE_AT_A_TIME:
            time.sleep(0.003)
            number = next(NUMBERS)
        status = int(sys.argv[3]) if number > int(sys.argv[4]) else 200
        answer = {"predictions": [{"label": sys.argv[2], "probability": 0.99}]}
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Server(ThreadingHTTPServer):
    request_queue_size = 128


Server(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
