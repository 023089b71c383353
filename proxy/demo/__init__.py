"""Northwind Trail & Table: a small storefront of its own, which sells boots, tents, hot dogs and saucepans.

It is the shop the demo puts a proxy in front of, and it stays an ordinary shop: nothing here but `visitors.py` imports
from elsewhere in this project, and no page says who else may be reading it. It marks places in its own HTML
(`data-slot`, `data-list`, `data-product`) as a storefront team would, fills each with content of its own, and answers
with honest cache headers. `shop.py` puts it together; `create_shop()` is the ASGI application.
"""
