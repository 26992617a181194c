"""orphans.py COUNT FILE: make COUNT orphans that all end at once when FILE appears. Imports little: forks are cheap then."""

import os
import sys
import time

MAKERS = 30

count, released = int(sys.argv[1]), sys.argv[2]
reading, writing = os.pipe()
for _ in range(MAKERS):
    if os.fork() == 0:
        os.close(writing)
        for _ in range(count // MAKERS):
            if os.fork() == 0:
                os.read(reading, 1)
                os._exit(3)
        os._exit(0)
for _ in range(MAKERS):
    os.wait()
print("%d orphans wait" % count, flush=True)
while not os.path.exists(released):
    time.sleep(0.01)
