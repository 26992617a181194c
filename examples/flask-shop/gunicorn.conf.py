"""gunicorn's settings for the shop. Addresses and numbers of workers are the agent's: see `refork run --help`."""

wsgi_app = "wsgi:app"
worker_class = "gthread"
threads = 4
keepalive = 5
# An access log goes to standard output when SHOP_ACCESS_LOG is set to "-".
accesslog = __import__("os").environ.get("SHOP_ACCESS_LOG")
