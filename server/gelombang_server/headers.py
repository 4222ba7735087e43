"""What every answer carries besides its own, and how large a request's head may be."""

from types import MappingProxyType

CONTENT_POLICY = "Content-Security-Policy"
SECURITY_HEADERS = MappingProxyType(
    {
        "Cache-Control": "no-store",
        CONTENT_POLICY: "default-src 'none'; frame-ancestors 'none'",
        "Referrer-Policy": "no-referrer",
        "Server": "gelombang",
        "X-Content-Type-Options": "nosniff",
    }
)
"""Nothing here is for a browser to keep, guess at, frame or run. No Strict-Transport-Security: this server speaks plain HTTP, and whoever
puts TLS before it decides for how long."""

LINE_LIMIT_BYTES = 2_048
"""Method, path and query: a ticket's URL has about 250."""
HEADER_LIMIT_BYTES = 4_096
"""Name and value of one header."""
HEADERS_LIMIT = 64
"""Headers of one request: a browser behind two proxies sends about 30."""
