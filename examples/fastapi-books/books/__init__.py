"""A small library as a JSON API: books out of SQLite, and what requests have made of them, kept in memory."""
