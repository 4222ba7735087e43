"""AWS Signature Version 4 in a query, as object stores sign uploads for browsers (Amazon S3 API reference, "Authenticating Requests: Using
Query Parameters"). Not part of gelombang.
"""

import hashlib
import hmac
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, quote, urlsplit

ALGORITHM = "AWS4-HMAC-SHA256"
REGION = "ap-southeast-3"


def presigned(method, url, key_id, secret, seconds=300):
    """The URL with the parameters that let whoever has it do this one thing for so long."""
    now = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    scope = f"{now[:8]}/{REGION}/s3/aws4_request"
    query = {
        "X-Amz-Algorithm": ALGORITHM,
        "X-Amz-Credential": f"{key_id}/{scope}",
        "X-Amz-Date": now,
        "X-Amz-Expires": str(seconds),
        "X-Amz-SignedHeaders": "host",
    }
    parts = urlsplit(url)
    signature = _signature(method, parts.path, query, parts.netloc, secret)
    return f"{url}?{_encoded(query)}&X-Amz-Signature={signature}"


def fault(method, target, host, key_id, secret):
    """The store's error code for a request; empty when it may be done."""
    parts = urlsplit(target)
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    given = query.pop("X-Amz-Signature", "")
    if query.get("X-Amz-Algorithm") != ALGORITHM or not query.get("X-Amz-Credential", "").startswith(f"{key_id}/"):
        return "AuthorizationQueryParametersError"
    if not hmac.compare_digest(given, _signature(method, parts.path, query, host, secret)):
        return "SignatureDoesNotMatch"
    signed = datetime.strptime(query["X-Amz-Date"] + "+0000", "%Y%m%dT%H%M%SZ%z")
    if datetime.now(UTC) > signed + timedelta(seconds=int(query["X-Amz-Expires"])):
        return "AccessDenied"
    return ""


def _signature(method, path, query, host, secret):
    scope = query["X-Amz-Credential"].partition("/")[2]
    asked = "\n".join([method, path, _encoded(query), f"host:{host}", "", "host", "UNSIGNED-PAYLOAD"])
    key = f"AWS4{secret}".encode()
    for word in scope.split("/"):
        key = hmac.digest(key, word.encode(), "sha256")
    text = "\n".join([ALGORITHM, query["X-Amz-Date"], scope, hashlib.sha256(asked.encode()).hexdigest()])
    return hmac.digest(key, text.encode(), "sha256").hex()


def _encoded(query):
    return "&".join(f"{quote(name, safe='-_.~')}={quote(value, safe='-_.~')}" for name, value in sorted(query.items()))
