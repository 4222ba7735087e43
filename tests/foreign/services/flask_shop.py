"""A small Flask service, as somebody might have one: `python flask_shop.py PORT`."""

import sys

from flask import Flask, Response, jsonify

app = Flask(__name__)


@app.get("/items")
def items() -> Response:
    return jsonify([{"id": n, "price": n * 100} for n in range(100)])


app.run("127.0.0.1", int(sys.argv[1]), threaded=False)
