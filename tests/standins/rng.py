"""rng as the original has it: on Flask, one request at a time for the whole process."""

import os
import socket
import time

from flask import Flask, Response

ADDRESS = os.environ.get("ADDRESS", "0.0.0.0")
PORT = int(os.environ.get("PORT", "80"))

app = Flask(__name__)


@app.get("/")
def name():
    return f"RNG running on {socket.gethostname()}\n"


@app.get("/<int:length>")
def random_bytes(length):
    time.sleep(0.1)
    return Response(os.urandom(length), content_type="application/octet-stream")


app.run(host=ADDRESS, port=PORT, threaded=False)
