"""A small aiohttp service, as somebody might have one: `python aiohttp_shop.py PORT`."""

import sys

from aiohttp import web

STOCK = [{"id": n, "name": f"thing {n}", "price": n * 100} for n in range(200)]


async def items(request: web.Request) -> web.Response:
    return web.json_response(STOCK)


async def order(request: web.Request) -> web.Response:
    asked = await request.json()
    return web.json_response({"order": asked["item"], "total": sum(item["price"] for item in STOCK)}, status=201)


app = web.Application()
app.router.add_get("/items", items)
app.router.add_post("/orders", order)
web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), print=None, access_log=None)
