"""A worker class as a user might derive it."""

from gunicorn.workers.gthread import ThreadWorker


class Own(ThreadWorker):
    def handle_request(self, req, conn):
        wsgi = self.wsgi

        def marked(environ, start_response):
            environ["own.worker"] = "yes"
            return wsgi(environ, start_response)

        self.wsgi = marked
        try:
            return super().handle_request(req, conn)
        finally:
            self.wsgi = wsgi
