"""What uvicorn loads: `main:app`. It knows nothing of Refork; started plainly, each worker warms caches of its own."""

from __future__ import annotations

from books.library import GENRES, make_database
from books.shelves import Book, Shelves
from fastapi import FastAPI, HTTPException

app = FastAPI(title="Books")
shelves = Shelves(make_database())


@app.get("/books/{number}")
async def book(number: int) -> Book:
    """A book with its chapters."""
    found = shelves.book(number, number % GENRES)
    if found is None:
        raise HTTPException(404)
    return found


@app.get("/books/{number}/similar")
async def similar(number: int) -> list[str]:
    """Titles of the books that are most like it."""
    if shelves.book(number, number % GENRES) is None:
        raise HTTPException(404)
    return [other.title for other in shelves.similar(number, number % GENRES)]


@app.get("/health")
async def health() -> dict[str, bool]:
    """Whether it serves."""
    return {"ok": True}
