"""An OpenID Connect provider: authorization code with PKCE (S256) for one client. Not part of gelombang.

Usage: provider.py ADDRESS PORT CLIENT_SECRET ACCOUNTS.csv (username,password); prints its port when it listens.
"""

import base64
import csv
import hashlib
import hmac
import json
import logging
import secrets
import signal
import sys
import time
from pathlib import Path

from flask import Flask, abort, jsonify, redirect, request, session
from werkzeug.serving import make_server

ADDRESS, PORT, CLIENT_SECRET = sys.argv[1], int(sys.argv[2]), sys.argv[3]
with Path(sys.argv[4]).open() as file:
    accounts = {row["username"]: row["password"] for row in csv.DictReader(file)}

app = Flask(__name__)
app.secret_key = "only for tests"
app.config["SESSION_COOKIE_NAME"] = "provider"
asked, codes = {}, {}


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def id_token(claims):
    """A JWT, signed with the client's secret (HS256)."""
    text = f"{b64(json.dumps({'alg': 'HS256', 'typ': 'JWT'}).encode())}.{b64(json.dumps(claims).encode())}"
    return f"{text}.{b64(hmac.digest(CLIENT_SECRET.encode(), text.encode(), 'sha256'))}"


@app.get("/authorize")
def authorize():
    form = request.args
    if form.get("response_type") != "code" or form.get("client_id") != "members" or form.get("code_challenge_method") != "S256":
        abort(400)
    ticket = session["ticket"] = secrets.token_hex(8)
    asked[ticket] = dict(form)
    return redirect(f"/login?ticket={ticket}")


@app.get("/login")
def login_page():
    session["csrf"] = secrets.token_hex(8)
    action = f"http://{request.host}/login?ticket={request.args['ticket']}"
    return (
        f'<html><body><form id="login" method="post" action="{action}"><input type="hidden" name="csrf" value="{session["csrf"]}">'
        '<input name="username"><input name="password" type="password"></form></body></html>'
    )


@app.post("/login")
def login():
    ticket = request.args.get("ticket")
    if ticket != session.get("ticket") or not session.get("csrf") or request.form.get("csrf") != session.pop("csrf"):
        abort(400)
    if accounts.get(request.form["username"]) != request.form["password"]:
        abort(401)
    form = asked.pop(ticket)
    code = secrets.token_urlsafe(16)
    codes[code] = (request.form["username"], form)
    return redirect(f"{form['redirect_uri']}?code={code}&state={form['state']}", 303)


@app.post("/token")
def token():
    form = request.form
    user, first = codes.pop(form.get("code"), (None, None))
    given = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
    if user is None or form.get("client_secret") != CLIENT_SECRET or form.get("redirect_uri") != first["redirect_uri"]:
        return jsonify(error="invalid_grant"), 400
    if b64(given) != first["code_challenge"]:
        return jsonify(error="invalid_grant"), 400
    now = int(time.time())
    claims = {"iss": f"http://{request.host}", "aud": "members", "sub": user, "nonce": first["nonce"], "iat": now, "exp": now + 300}
    return jsonify(access_token=secrets.token_hex(16), token_type="Bearer", expires_in=300, id_token=id_token(claims))


if __name__ == "__main__":
    server = make_server(ADDRESS, PORT, app, threaded=True)
    print(server.server_port, flush=True)
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    server.serve_forever()
