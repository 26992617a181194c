"""The test application doing what forks are sensitive to; each by a variable of the environment.

APP_LOAD_THREAD: a thread of that name, started while loading. APP_FORK_THREAD: started in each worker; with APP_HOOKS
(`tidy`, or `tidy-then-raise`) a before_promote hook ends it and has it restarted when the worker serves on.
APP_FORK_NATIVE: a thread of that name in each worker which Python does not know; `-` leaves it without a name.
APP_DATABASE: HOST:PORT to which a connection is opened while loading.
"""

import ctypes
import os
import socket
import ssl
import threading

import behaviour
import loop_app
import refork

STOP = threading.Event()
CONNECTIONS = []
TLS = []


def start_thread(name):
    STOP.clear()
    threading.Thread(target=STOP.wait, name=name, daemon=True).start()


def start_native(name):
    libc = ctypes.CDLL(None)
    thread = ctypes.c_ulong()
    assert libc.pthread_create(ctypes.byref(thread), None, ctypes.cast(libc.pause, ctypes.c_void_p), None) == 0
    if name != "-":
        assert libc.pthread_setname_np(thread, name.encode()) == 0


def tidy():
    STOP.set()
    for thread in threading.enumerate():
        if thread.name == os.environ["APP_FORK_THREAD"]:
            thread.join()
    return lambda: start_thread(os.environ["APP_FORK_THREAD"])


def refuse():
    raise RuntimeError("not today")


@refork.after_fork
def start():
    if "APP_FORK_THREAD" in os.environ:
        start_thread(os.environ["APP_FORK_THREAD"])
    if "APP_FORK_NATIVE" in os.environ:
        start_native(os.environ["APP_FORK_NATIVE"])


def tls_session():
    """Id of a new TLS session and the server's random bytes of it, between two contexts made while loading."""
    server_in, client_in = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = TLS[0].wrap_bio(server_in, client_in, server_side=True)
    client = TLS[1].wrap_bio(client_in, server_in)
    for _ in range(6):
        for side in (client, server):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                pass
    return "%s %s" % (client.session.id.hex(), client.get_channel_binding("tls-unique").hex())


def make_contexts():
    for protocol in (ssl.PROTOCOL_TLS_SERVER, ssl.PROTOCOL_TLS_CLIENT):
        context = ssl.SSLContext(protocol)
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.options |= ssl.OP_NO_TICKET  # so the server makes the session's id
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.set_ciphers("aNULL:@SECLEVEL=0")  # saves a certificate
        TLS.append(context)


def answer(path, slot, generation):
    if path == "/tls":
        return 200, tls_session()
    if path == "/threads":
        return 200, ",".join(sorted(t.name for t in threading.enumerate()))
    return behaviour.answer(path, slot, generation)


def load():
    behaviour.load()
    make_contexts()
    tls_session()  # the library's generator has been used before the forks
    if "APP_LOAD_THREAD" in os.environ:
        start_thread(os.environ["APP_LOAD_THREAD"])
    if "APP_DATABASE" in os.environ:
        host, _, port = os.environ["APP_DATABASE"].rpartition(":")
        CONNECTIONS.append(socket.create_connection((host, int(port))))
    if os.environ.get("APP_HOOKS"):
        refork.before_promote(tidy)
    if os.environ.get("APP_HOOKS") == "tidy-then-raise":
        refork.before_promote(refuse)
    return answer


if __name__ == "__main__":
    refork.run(load, loop_app.serve)
