"""A web shop's sign-up, written the way such things are written: Flask, cookies, forms, redirects, globals. Not part of gelombang.

Usage: service.py PORT CATCHER_URL STORE_URL [LEDGER_FOLDER]; prints its port when it listens. RATE_PER_SECOND limits each address.
"""

import os
import secrets
import sys
import threading
import time
import urllib.request
from json import dumps

import sigv4
from flask import Flask, abort, jsonify, redirect, request, session
from werkzeug.serving import make_server

PORT, CATCHER, STORE = int(sys.argv[1]), sys.argv[2], sys.argv[3]
RATE = float(os.environ.get("RATE_PER_SECOND", "0"))
STORE_KEY = os.environ.get("STORE_KEY", "bed")

app = Flask(__name__)
app.secret_key = "only for tests"
lock = threading.Lock()
accounts, links, codes, uploads, hits = {}, {}, {}, {}, {}


def mail(to, subject, text):
    body = dumps({"to": to, "from": "shop@shop.example", "subject": subject, "text": text}).encode()
    urllib.request.urlopen(urllib.request.Request(CATCHER + "/deliver", body, {"content-type": "application/json"}), timeout=5).close()


def page(title, inner=""):
    token = session.setdefault("csrf", secrets.token_hex(8))
    return f'<html><head><title>{title}</title></head><body><form method="post">' + (
        f'<input type="hidden" name="csrf_token" value="{token}">{inner}</form></body></html>'
    )


def me():
    account = accounts.get(session.get("email"))
    if account is None:
        abort(401)
    return account


@app.before_request
def limits():
    if RATE and request.path != "/healthz":
        address = request.headers.get("X-Forwarded-For", request.remote_addr)
        second = int(time.time())
        with lock:
            count = hits[address, second] = hits.get((address, second), 0) + 1
        if count > RATE:
            return "slow down", 429, {"Retry-After": "1"}
    if request.method == "POST" and not request.is_json and request.form.get("csrf_token") != session.get("csrf", object()):
        abort(400, "csrf")
    return None


@app.get("/healthz")
def healthz():
    return "fine"


@app.get("/signup")
def signup_page():
    return page("Sign up", '<input name="name"><input name="email"><input name="password" type="password">')


@app.post("/signup")
def signup():
    email = request.form["email"]
    with lock:
        if email in accounts:
            abort(409)
        accounts[email] = {"email": email, "name": request.form["name"], "confirmed": False, "phone": None}
    token = secrets.token_urlsafe(12)
    links[token] = email
    session["email"] = email
    # Behind a proxy the address is the proxy's.
    home = f"{request.headers.get('X-Forwarded-Proto', 'http')}://{request.headers['Host']}"
    mail(email, "Please confirm your address", f"Hello,\n\nfollow {home}/confirm/{token} to go on.\n")
    return redirect("/check-your-mail")


@app.get("/check-your-mail")
def check_your_mail():
    return page("Look into your inbox")


@app.get("/confirm/<token>")
def confirm(token):
    email = links.get(token)
    if email is None:
        abort(404)
    accounts[email]["confirmed"] = True
    return redirect("/phone")


@app.get("/phone")
def phone_page():
    return page("Your phone", '<input name="phone">')


@app.post("/phone")
def phone():
    account = me()
    if not account["confirmed"]:
        abort(403)
    account["phone"] = request.form["phone"]
    codes[account["email"]] = code = f"{secrets.randbelow(1_000_000):06}"
    mail(account["phone"], "SMS", f"Your code is {code}.")
    return redirect("/code", 303)


@app.get("/code")
def code_page():
    return page("The code", '<input name="code">')


@app.post("/code")
def code():
    account = me()
    if request.form["code"] not in (codes.get(account["email"]), os.environ.get("FIXED_CODE")):
        abort(422)
    account["verified"] = True
    return redirect("/welcome", 303)


@app.get("/welcome")
def welcome():
    return page("Welcome " + me()["name"])


@app.post("/uploads")
def new_upload():
    account = me()
    number = secrets.token_hex(6)
    uploads[number] = {"owner": account["email"], "asked": 0, "done": False}
    return jsonify(id=number, put_url=sigv4.presigned("PUT", f"{STORE}/photos/{number}.jpg", "bed", STORE_KEY)), 201


@app.post("/uploads/<number>/done")
def upload_done(number):
    me()
    uploads[number]["done"] = True
    return jsonify(status="checking"), 202


@app.get("/uploads/<number>")
def upload_status(number):
    upload = uploads.get(number) or abort(404)
    upload["asked"] += upload["done"]
    return jsonify(status="checked" if upload["asked"] >= 3 else "checking")


if __name__ == "__main__":
    wsgi = app.wsgi_app
    if len(sys.argv) > 4:
        from gelombang.middleware.wsgi import LedgerMiddleware

        wsgi = app.wsgi_app = LedgerMiddleware(wsgi, sys.argv[4])
    server = make_server("127.0.0.1", PORT, app, threaded=True)
    print(server.server_port, flush=True)
    import logging
    import signal

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        server.serve_forever()
    finally:
        if hasattr(wsgi, "close"):
            wsgi.close()
