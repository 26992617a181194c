"""A shop: products in SQLite, pages by templates, and caches that requests build as they come by.

It knows nothing of Refork. Started plainly, each worker warms caches of its own; that is the point.
"""

from __future__ import annotations

import sqlite3

from flask import Flask, abort, g, jsonify, render_template, request

from .catalogue import CATEGORIES, make_database
from .fault import stale_connection
from .views import Views


def create_app() -> Flask:
    """The WSGI application. Makes its database first, which takes a second."""
    app = Flask(__name__)
    path = make_database()
    views = Views(path)

    def database() -> sqlite3.Connection:
        # One connection per request, closed with it: nothing that a fork could share by mistake.
        if "database" not in g:
            g.database = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        return g.database

    @app.teardown_appcontext
    def close_database(_error: BaseException | None) -> None:
        connection = g.pop("database", None)
        if connection is not None:
            connection.close()

    stale_connection(app)

    @app.get("/")
    def home() -> str:
        return render_template("home.html", categories=CATEGORIES)

    @app.get("/category/<int:number>")
    def category(number: int) -> str:
        if not 0 <= number < len(CATEGORIES):
            abort(404)
        return render_template("category.html", name=CATEGORIES[number], category=views.category(number))

    @app.get("/product/<int:number>")
    def product(number: int) -> str:
        row = (
            database().execute("SELECT category, name, stock FROM product WHERE id = ?", (number,)).fetchone()
        )
        if row is None:
            abort(404)
        category, name, stock = row
        sheet = views.category(category).sheets[number]
        similar = views.similar(number)
        return render_template("product.html", name=name, stock=stock, sheet=sheet, similar=similar)

    @app.get("/search")
    def search() -> str:
        words = request.args.get("q", "").lower().split()
        return render_template("search.html", words=words, found=views.search(words)[:20])

    @app.get("/health")
    def health() -> object:
        return jsonify(ok=True)

    return app
