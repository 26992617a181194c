"""Servers of other people, on this pool. Each module has `main(arguments)`; `refork.__main__` names them."""
