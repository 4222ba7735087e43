"""A members' area whose login is somebody else's: OpenID Connect, authorization code with PKCE. Not part of gelombang.

Usage: members.py PORT PROVIDER_URL CLIENT_SECRET; prints its port when it listens.
"""

import base64
import hashlib
import hmac
import json
import logging
import secrets
import signal
import sys
import time
import urllib.error
import urllib.request
from urllib.parse import urlencode

from flask import Flask, abort, jsonify, redirect, request, session
from werkzeug.serving import make_server

PORT, PROVIDER, CLIENT_SECRET = int(sys.argv[1]), sys.argv[2], sys.argv[3]

app = Flask(__name__)
app.secret_key = "only for tests too"
app.config["SESSION_COOKIE_NAME"] = "members"
visits = []


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@app.get("/healthz")
def healthz():
    return "fine"


@app.get("/")
def home():
    if "user" not in session:
        return redirect("/login")
    return f'<html><body><h1 id="hello">Hello {session["user"]}</h1></body></html>'


@app.get("/login")
def login():
    verifier = secrets.token_urlsafe(48)
    session.update(state=secrets.token_urlsafe(12), nonce=secrets.token_urlsafe(12), verifier=verifier)
    query = {
        "response_type": "code",
        "client_id": "members",
        "scope": "openid",
        "redirect_uri": f"http://{request.host}/callback",
        "state": session["state"],
        "nonce": session["nonce"],
        "code_challenge": b64(hashlib.sha256(verifier.encode()).digest()),
        "code_challenge_method": "S256",
    }
    return redirect(f"{PROVIDER}/authorize?{urlencode(query)}")


@app.get("/callback")
def callback():
    if not session.get("state") or request.args.get("state") != session.pop("state"):
        abort(400)
    form = {
        "grant_type": "authorization_code",
        "code": request.args["code"],
        "client_id": "members",
        "client_secret": CLIENT_SECRET,
        "redirect_uri": f"http://{request.host}/callback",
        "code_verifier": session.pop("verifier"),
    }
    try:
        with urllib.request.urlopen(f"{PROVIDER}/token", urlencode(form).encode(), timeout=5) as answer:
            text, _, signature = json.load(answer)["id_token"].rpartition(".")
    except urllib.error.HTTPError:
        abort(401)
    if not hmac.compare_digest(signature, b64(hmac.digest(CLIENT_SECRET.encode(), text.encode(), "sha256"))):
        abort(401)
    claims = json.loads(base64.urlsafe_b64decode(text.partition(".")[2] + "=="))
    if claims["iss"] != PROVIDER or claims["aud"] != "members" or claims["nonce"] != session.pop("nonce") or claims["exp"] < time.time():
        abort(401)
    session["user"] = claims["sub"]
    return redirect("/")


@app.get("/api/me")
def me():
    if "user" not in session:
        abort(401)
    visits.append(session["user"])
    return jsonify(user=session["user"])


@app.get("/visits")
def all_visits():
    return jsonify(visits)


if __name__ == "__main__":
    server = make_server("127.0.0.1", PORT, app, threaded=True)
    print(server.server_port, flush=True)
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    server.serve_forever()
